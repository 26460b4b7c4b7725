// SPDX-License-Identifier: MIT
import { textOf, whyNoNumber } from '../../text-tables/index.ts';
import { dialectIn, linesOf, numberOf, unreadable } from '../text.ts';
import type { PositionReader } from '../types.ts';

/** The Miniscope software's behaviorTracker/pose.csv: a title, then frame number and x, y, probability of each part, with a comma at the end. */
export const poseCsv: PositionReader = {
  title: 'pose.csv of the Miniscope software',
  recognises: ({ head }) => /^"?DLC-Live Pose Data/i.test(textOf(head)),
  read: async (file, onShare) => {
    const lines = (await linesOf(file)).slice(1);
    if (lines.length === 0) throw unreadable(file, 'it holds no pose: the tracker was not running.');
    const dialect = dialectIn(file, lines);
    const rows = lines.map((line, index) => {
      onShare?.(index / lines.length);
      const fields = dialect.fields(line, index + 2);
      // A row ends with a separator, a spreadsheet leaves several.
      while (fields.at(-1) === '') fields.pop();
      const values = fields.map((field) => {
        const value = numberOf(field);
        if (value === undefined)
          throw unreadable(file, `“${field.slice(0, 40)}” is no number${whyNoNumber(field)}.`, index + 2);
        return value;
      });
      if ((values.length - 1) % 3 !== 0 || values.length < 4)
        throw unreadable(file, `${values.length} values are no frame number and x, y, p of each part.`, index + 2);
      return values;
    });
    const width = rows[0]?.length ?? 0;
    const odd = rows.findIndex((row) => row.length !== width);
    if (odd >= 0) throw unreadable(file, `it has ${rows[odd]?.length ?? 0} values, the first row ${width}.`, odd + 2);
    const column = (at: number): Float32Array => Float32Array.from(rows, (row) => row[at] ?? Number.NaN);
    return {
      program: 'behavior-tracker',
      unit: 'px',
      parts: Array.from({ length: (width - 1) / 3 }, (_, k) => ({
        part: `part ${k}`,
        x: column(1 + 3 * k),
        y: column(2 + 3 * k),
        likelihood: column(3 + 3 * k),
      })),
      timesS: null,
      frames: Float64Array.from(rows, ([frame]) => frame ?? Number.NaN),
      findings: [],
    };
  },
};
