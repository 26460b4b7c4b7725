// SPDX-License-Identifier: MIT
import { isMat5, Mat5Error, readMat5 } from '../../mat5/index.ts';
import type { PositionReader } from '../types.ts';
import { unreadable } from '../text.ts';

/** The one real matrix of a file, rows × columns in column order as MATLAB has it. */
export interface MatMatrix {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

/** Reads a file that holds one matrix of real numbers. @throws AppError `position.unreadable` */
export async function readMatrix(file: string): Promise<MatMatrix> {
  const variables = await readMat5(file).catch((error: unknown) => {
    throw error instanceof Mat5Error ? unreadable(file, `it is damaged: ${error.message}`) : error;
  });
  const found: MatMatrix[] = [];
  for (const [name, value] of variables) {
    if (value.kind !== 'numbers' || value.shape.length !== 2) continue;
    const [rows = 0, columns = 0] = value.shape;
    found.push({ name, rows, columns, values: value.values });
  }
  const [one, other] = found;
  if (one !== undefined && other === undefined) return one;
  throw unreadable(
    file,
    one === undefined
      ? 'it holds no matrix of numbers.'
      : `it holds several matrices: ${found.map(({ name }) => name).join(', ')}. Save the one of positions alone.`,
  );
}

/** A matrix of positions: a row a sample; one column is x alone (a track), two are x and y, three are time, x and y. */
export const mat5: PositionReader = {
  title: 'MAT file of positions',
  recognises: ({ path }) => isMat5(path),
  read: async (file) => {
    const { name, rows, columns, values } = await readMatrix(file);
    // A row vector is a track, too.
    const [samples, width] = rows === 1 ? [columns, 1] : [rows, columns];
    if (width > 3) throw unreadable(file, `${name} has ${width} columns; known are x; x and y; time, x and y.`);
    const column = (at: number): Float64Array => values.slice(at * samples, (at + 1) * samples);
    const first = width === 3 ? 1 : 0;
    return {
      program: 'mat',
      unit: null,
      parts: [
        {
          part: 'animal',
          x: Float32Array.from(column(first)),
          y: width === 1 ? new Float32Array(samples) : Float32Array.from(column(first + 1)),
          likelihood: null,
        },
      ],
      timesS: width === 3 ? column(0) : null,
      frames: null,
      findings: width === 1 ? [`${name} has one column: positions along a track, y is 0.`] : [],
    };
  },
};
