// SPDX-License-Identifier: MIT
import { type Dialect, textOf, whyNoNumber } from '../../text-tables/index.ts';
import { dialectIn, linesOf, numberOf, unreadable } from '../text.ts';
import { timeColumn } from '../times.ts';
import type { PositionReader } from '../types.ts';
import { partsOf } from './columns.ts';

/** `x`, `x (cm)`, `nose_x`, `nose x [px]`, `x_nose`, `likelihood_nose`: part, coordinate and unit. */
function columnOf(
  name: string,
): { readonly part: string; readonly coordinate: string; readonly unit: string | null } | null {
  const unit =
    /[[(]\s*(px|pixels?|cm|mm)\s*[\])]/i.exec(name)?.[1]?.toLowerCase() ??
    /[_ ](px|cm|mm)$/i.exec(name)?.[1]?.toLowerCase() ??
    null;
  const bare = name
    .replace(/[[(].*?[\])]/g, '')
    .replace(/[_ ](px|cm|mm)$/i, '')
    .trim();
  const match =
    /^(?<coordinate>x|y|likelihood|confidence)$/i.exec(bare) ??
    /^(?<part>.+?)[_ .](?:pos(?:ition)?[_ ])?(?<coordinate>x|y|likelihood|confidence)$/i.exec(bare) ??
    /^(?<coordinate>x|y|likelihood)[_ ](?<part>.+)$/i.exec(bare);
  if (match === null) return null;
  const coordinate = (match.groups?.['coordinate'] ?? '').toLowerCase();
  const part = match.groups?.['part'] ?? 'animal';
  return {
    part: /^(pos|position|coord|center|centre)$/i.test(part) ? 'animal' : part,
    coordinate: coordinate === 'confidence' ? 'likelihood' : coordinate,
    unit: unit?.startsWith('pix') === true ? 'px' : unit,
  };
}

function headerOf(
  file: string,
  lines: readonly string[],
): { readonly dialect: Dialect; readonly names: readonly string[] } | null {
  const dialect = dialectIn(file, lines);
  const names = dialect.fields(lines[0] ?? '', 1);
  const kinds = new Set(names.map((name) => columnOf(name)?.coordinate));
  return kinds.has('x') && kinds.has('y') ? { dialect, names } : null;
}

/** A table with a header: columns of x and y, perhaps of time, likelihood, several parts. */
export const plainCsv: PositionReader = {
  title: 'Table of time, x and y',
  recognises: ({ path, head }) => headerOf(path, textOf(head).split(/\r\n|\n|\r/, 1)) !== null,
  read: async (file, onShare) => {
    const lines = await linesOf(file);
    const header = headerOf(file, lines);
    if (header === null) throw unreadable(file, 'its first line names no columns x and y.', 1);
    const { dialect, names } = header;
    const body = lines.slice(1).map((line, row) => {
      onShare?.(row / lines.length);
      const fields = dialect.fields(line, row + 2);
      // Commas in the numbers of a table whose columns are parted by commas: which belong together cannot be told.
      if (fields.length > names.length && fields.at(-1) !== '')
        throw unreadable(file, `it has ${fields.length} fields, the first line ${names.length}.`, row + 2);
      return fields;
    });
    if (body.length === 0) throw unreadable(file, 'it holds no row.');
    const columns = names
      .map((name, index) => ({ index, about: columnOf(name) }))
      .filter(({ about }) => about !== null);
    const time = timeColumn(names);
    const frame = names.findIndex((name) => /^(frame|frame[ _]?(number|index|num)?)$/i.test(name));
    const read = (index: number, into: Float32Array | Float64Array): void => {
      for (const [row, fields] of body.entries()) {
        const field = fields[index] ?? '';
        const value = numberOf(field);
        if (value === undefined)
          throw unreadable(
            file,
            `“${field.slice(0, 40)}” in column ${index + 1} is no number${whyNoNumber(field)}.`,
            row + 2,
          );
        into[row] = value;
      }
    };
    const table = columns.map(({ index }) => {
      const values = new Float32Array(body.length);
      read(index, values);
      return values;
    });
    const units = new Set(
      columns.flatMap(({ about }) => (about?.unit === null || about?.unit === undefined ? [] : [about.unit])),
    );
    const [unit] = units;
    if (units.size > 1) throw unreadable(file, `its columns have several units: ${[...units].join(', ')}.`, 1);
    // Millimetres are kept as centimetres.
    if (unit === 'mm')
      for (const [k, { about }] of columns.entries())
        if (about?.coordinate !== 'likelihood') table[k] = table[k]?.map((value) => value / 10) ?? new Float32Array();
    let timesS: Float64Array | null = null;
    if (time !== null) {
      timesS = new Float64Array(body.length);
      read(time.index, timesS);
      timesS = timesS.map((value) => value * time.toS);
    }
    const frames = frame < 0 ? null : new Float64Array(body.length);
    if (frames !== null) read(frame, frames);
    const parts = partsOf(
      columns.map(({ about }) => [about?.part ?? '', about?.coordinate ?? ''] as const),
      table,
      file,
    );
    return { program: 'csv', unit: unit === undefined ? null : unit === 'px' ? 'px' : 'cm', ...parts, timesS, frames };
  },
};
