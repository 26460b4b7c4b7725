// SPDX-License-Identifier: MIT
import type { RowSource } from '../foreign-result.ts';

/** Numbers of a MATLAB variable, counted along columns as MATLAB does. */
export interface MatNumbers {
  readonly kind: 'numbers';
  /** MATLAB's order: rows, columns … */
  readonly shape: readonly number[];
  readonly values: ArrayLike<number | bigint>;
}

/** A sparse matrix by columns: `rows[k]` of column c for k from `starts[c]` to `starts[c + 1]`. */
export interface MatSparse {
  readonly kind: 'sparse';
  readonly shape: readonly [number, number];
  readonly rows: ArrayLike<number>;
  readonly starts: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

/** A full matrix that is not in memory, or not a second time. */
export interface MatTable {
  /** Rows, columns. */
  readonly shape: readonly [number, number];
  /** Some rows at a time. */
  readonly rows: RowSource;
  /** Values of one column. @throws AppError `interop.unreadable` */
  readonly column: (index: number) => ArrayLike<number | bigint>;
}

/** An array of three axes that is not in memory whole. */
export interface MatPages {
  /** In MATLAB's order. */
  readonly shape: readonly [number, number, number];
  /** Values from one index of the last axis to before another, counted along columns. @throws AppError `interop.unreadable` */
  readonly read: (from: number, to: number) => ArrayLike<number | bigint>;
}

/** Names in a MAT file of either form. */
export interface MatNames extends Disposable {
  /** Names of variables, or of fields of a structure. */
  readonly names: (of?: string) => readonly string[];
  /** Class of a variable that is an object of a MATLAB class; null for everything else. */
  readonly objectClass: (name: string) => string | null;
}

/** A MAT file of either form. Names are paths through structures: `results.options.d1`. */
export interface MatFile extends MatNames {
  /** Numbers or a sparse matrix; null for what is not there or is something else. @throws AppError `interop.unreadable` */
  readonly get: (name: string) => MatNumbers | MatSparse | null;
  /** A full matrix, read piece by piece from files of 7.3; null for everything else. @throws AppError `interop.unreadable` */
  readonly table: (name: string) => MatTable | null;
  /** An array of three axes, read piece by piece from files of 7.3; null for everything else. @throws AppError `interop.unreadable` */
  readonly pages: (name: string) => MatPages | null;
}
