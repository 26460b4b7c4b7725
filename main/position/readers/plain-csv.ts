// SPDX-License-Identifier: MIT
import { fieldsOf, linesOf, numberOf, unreadable } from '../text.ts';
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

const separators = [',', ';', '\t'] as const;

function headerOf(line: string): { readonly separator: string; readonly names: readonly string[] } | null {
  for (const separator of separators) {
    const names = fieldsOf(line, separator);
    const kinds = new Set(names.map((name) => columnOf(name)?.coordinate));
    if (kinds.has('x') && kinds.has('y')) return { separator, names };
  }
  return null;
}

/** A table with a header: columns of x and y, perhaps of time, likelihood, several parts. */
export const plainCsv: PositionReader = {
  title: 'Table of time, x and y',
  recognises: ({ head }) =>
    headerOf(
      head
        .toString('utf8')
        .replace(/^\uFEFF/, '')
        .split(/\r?\n/)[0] ?? '',
    ) !== null,
  read: async (file) => {
    const lines = await linesOf(file);
    const header = headerOf(lines[0] ?? '');
    if (header === null) throw unreadable(file, 'its first line names no columns x and y.', 1);
    const { separator, names } = header;
    const body = lines.slice(1);
    if (body.length === 0) throw unreadable(file, 'it holds no row.');
    const columns = names
      .map((name, index) => ({ index, about: columnOf(name) }))
      .filter(({ about }) => about !== null);
    const time = timeColumn(names);
    const frame = names.findIndex((name) => /^(frame|frame[ _]?(number|index|num)?)$/i.test(name));
    const read = (index: number, into: Float32Array | Float64Array): void => {
      for (const [row, line] of body.entries()) {
        const field = fieldsOf(line, separator)[index];
        const value = numberOf(field);
        if (value === undefined)
          throw unreadable(file, `“${(field ?? '').slice(0, 40)}” in column ${index + 1} is no number.`, row + 2);
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
