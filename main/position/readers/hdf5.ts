// SPDX-License-Identifier: MIT
import type { PositionPart } from '../../library/index.ts';
import { isHdf5, openHdf5 } from '../../interop/index.ts';
import { unreadable } from '../text.ts';
import type { PositionReader } from '../types.ts';
import { partsOf } from './columns.ts';

const table = 'df_with_missing/table';

/** Rows in memory at a time. */
const rowsAtOnce = 4096;

/** DeepLabCut's HDF5: a table of pandas, whose columns are named in an attribute as Python pickled them. */
export const deeplabcutHdf5: PositionReader = {
  title: 'DeepLabCut HDF5',
  recognises: async ({ path }) => {
    if (!(await isHdf5(path))) return false;
    using file = await openHdf5(path);
    return file.has(table);
  },
  read: async (path, onShare) => {
    using file = await openHdf5(path);
    const names = pickledNames(file.attribute(table, 'values_block_0_kind') ?? '');
    if (names === null) throw unreadable(path, 'the names of its columns cannot be read; save it as CSV.');
    const rows = file.rows(table);
    const values = names.map(() => new Float32Array(rows));
    const frames = new Float64Array(rows);
    let read: readonly (readonly unknown[])[] = [];
    for (let row = 0; row < rows; row += 1) {
      if (row % rowsAtOnce === 0) {
        onShare?.(row / rows);
        read = file.records(table, row, Math.min(rows, row + rowsAtOnce));
      }
      const [index, block] = read[row % rowsAtOnce] ?? [];
      if (!Array.isArray(block) && !ArrayBuffer.isView(block))
        throw unreadable(path, 'its table has another form; save it as CSV.');
      const list = Array.from(block as ArrayLike<number>);
      if (list.length !== names.length)
        throw unreadable(path, `its rows have ${list.length} values, its header ${names.length}.`);
      frames[row] = Number(index);
      for (const [column, value] of list.entries()) {
        const into = values[column];
        if (into !== undefined) into[row] = value;
      }
    }
    return { program: 'deeplabcut', unit: 'px', ...partsOf(names, values, path), timesS: null, frames };
  },
};

/** The list of tuples (scorer, part, coordinate) that Python wrote with protocol 0 of its pickle; null for anything else. */
export function pickledNames(text: string): (readonly [string, string])[] | null {
  const memory = new Map<string, unknown>();
  const stack: unknown[] = [];
  const marks: number[] = [];
  const sinceMark = (): unknown[] => stack.splice(marks.pop() ?? 0);
  let at = 0;
  const line = (): string => {
    const end = text.indexOf('\n', at);
    const found = text.slice(at, end < 0 ? text.length : end);
    at = end < 0 ? text.length : end + 1;
    return found;
  };
  while (at < text.length) {
    const code = text[at];
    at += 1;
    if (code === '(') marks.push(stack.length);
    else if (code === 'l' || code === 't') stack.push(sinceMark());
    else if (code === 'V')
      stack.push(
        line().replaceAll(/\\u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
      );
    else if (code === 'S') stack.push(line().replace(/^'(.*)'$/, '$1'));
    else if (code === 'p') memory.set(line(), stack.at(-1));
    else if (code === 'g') stack.push(memory.get(line()));
    else if (code === 'a') {
      const item = stack.pop();
      const into = stack.at(-1);
      if (Array.isArray(into)) into.push(item);
    } else if (code === '.') break;
    else return null;
  }
  const [list] = stack;
  if (!Array.isArray(list) || list.length === 0) return null;
  const names: (readonly [string, string])[] = [];
  for (const item of list as unknown[]) {
    if (!Array.isArray(item) || item.length < 3 || item.some((each) => typeof each !== 'string')) return null;
    const words = item as string[];
    // Of several animals: scorer, individual, part, coordinate.
    names.push([words.slice(1, -1).join(' '), (words.at(-1) ?? '').toLowerCase()]);
  }
  return names;
}

/** SLEAP's analysis HDF5: `tracks` as tracks × 2 × nodes × frames, `node_names`, `point_scores`. */
export const sleapHdf5: PositionReader = {
  title: 'SLEAP analysis HDF5',
  recognises: async ({ path }) => {
    if (!(await isHdf5(path))) return false;
    using file = await openHdf5(path);
    return file.has('tracks') && file.has('node_names');
  },
  read: async (path) => {
    using file = await openHdf5(path);
    const tracks = file.numeric('tracks');
    const nodes = file.texts('node_names');
    const [animals = 0, axes = 0, count = 0, frames = 0] = tracks?.shape ?? [];
    if (tracks === null || axes !== 2 || count !== nodes.length || frames === 0 || animals === 0)
      throw unreadable(path, `its tracks are ${tracks?.shape.join(' × ') ?? 'missing'}, for ${nodes.length} nodes.`);
    const scores = file.numeric('point_scores');
    const known = scores?.shape.join() === [animals, count, frames].join() ? scores.values : null;
    const names = file.texts('track_names');
    const slice = (values: ArrayLike<number | bigint>, from: number): Float32Array =>
      Float32Array.from({ length: frames }, (_, t) => Number(values[from + t] ?? Number.NaN));
    const seen = Array.from({ length: animals }, (_, animal) => {
      const from = animal * 2 * count * frames;
      let sum = 0;
      for (let i = 0; i < count * frames; i += 1) if (Number.isFinite(Number(tracks.values[from + i]))) sum += 1;
      return sum;
    });
    const parts: PositionPart[] = [];
    // The track that was seen most comes first: it stands for the animal.
    const order = seen.map((_, animal) => animal).sort((a, b) => (seen[b] ?? 0) - (seen[a] ?? 0));
    for (const animal of order) {
      for (const [node, name] of nodes.entries()) {
        const at = (axis: number): number => ((animal * 2 + axis) * count + node) * frames;
        parts.push({
          part: animals === 1 ? name : `${names[animal] ?? `track ${animal}`} ${name}`,
          x: slice(tracks.values, at(0)),
          y: slice(tracks.values, at(1)),
          likelihood: known === null ? null : slice(known, (animal * count + node) * frames),
        });
      }
    }
    return {
      program: 'sleap',
      unit: 'px',
      parts,
      timesS: null,
      frames: null,
      findings: animals > 1 ? [`The file has ${animals} tracks; each part is kept of each of them.`] : [],
    };
  },
};
