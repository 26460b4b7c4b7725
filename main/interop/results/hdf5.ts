// SPDX-License-Identifier: MIT
import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { AppError } from '../../contract/index.ts';
import { type H5File, hdf5 } from '../hdf5.ts';
import { checkSize, unreadable } from './check.ts';
import type { RowSource } from './foreign-result.ts';

const signature = Buffer.from('\u0089HDF\r\n\u001A\n', 'latin1');

/** Does a file begin as HDF5 does, at its start or behind MATLAB's block of 512 bytes? False for what is not there. */
export async function isHdf5(place: string): Promise<boolean> {
  const file = await open(place, 'r').catch(() => null);
  if (file === null) return false;
  try {
    const head = Buffer.alloc(520);
    const { bytesRead } = await file.read(head, 0, head.length, 0).catch(() => ({ bytesRead: 0 }));
    return bytesRead >= 8 && (head.subarray(0, 8).equals(signature) || head.subarray(512, 520).equals(signature));
  } finally {
    await file.close();
  }
}

/** Numbers of a file, row-major. */
export interface Numbers {
  readonly values: ArrayLike<number | bigint>;
  readonly shape: readonly number[];
}

type Module = Awaited<ReturnType<typeof hdf5>>;

/** An open HDF5 file; only reading. */
export class Hdf5 implements Disposable {
  readonly #module: Module;
  readonly #file: H5File;
  readonly #place: string;

  constructor(module: Module, file: H5File, place: string) {
    this.#module = module;
    this.#file = file;
    this.#place = place;
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }

  /**
   * Refuses what the bytes of the file cannot hold: gzip makes a thousandth of zeros at best, and the library that reads HDF5 has 4 GB of memory.
   *
   * @throws AppError `interop.unreadable`
   */
  #checkClaim(shape: readonly number[], bytesEach: number, name: string, most = mostAtOnce): void {
    checkSize(shape, name, this.#place);
    const claimed = shape.reduce((product, size) => product * size, 1) * bytesEach;
    if (claimed <= alwaysBytes) return;
    const held = statSync(this.#place).size;
    if (claimed > held * mostPacking)
      throw unreadable(this.#place, `its ${name} would have ${claimed} bytes, the whole file has ${held}.`);
    if (claimed > most)
      throw unreadable(this.#place, `its ${name} has ${claimed} bytes, more than can be read at once.`);
  }

  /** Refuses a dataset that claims more than the file can hold; one that is large is not refused: it is read in pieces. @throws AppError `interop.unreadable` */
  checkClaim(name: string): void {
    const found = this.#at(name);
    if (found instanceof this.#module.Dataset)
      this.#checkClaim(found.shape ?? [], bytesOf(found.dtype), name, Infinity);
  }

  #at(name: string): unknown {
    try {
      return this.#file.get(name);
    } catch {
      return null;
    }
  }

  has(name: string): boolean {
    return this.#at(name) instanceof this.#module.Dataset;
  }

  /** Names in a group; none where there is no such group. */
  names(group: string): readonly string[] {
    const found = this.#at(group);
    return found instanceof this.#module.Group ? found.keys() : [];
  }

  /** Text of an attribute; null where there is none. */
  attribute(of: string, name: string): string | null {
    const found = this.#at(of);
    if (!(found instanceof this.#module.Group) && !(found instanceof this.#module.Dataset)) return null;
    const value: unknown = found.attrs[name]?.value;
    return typeof value === 'string' ? value : null;
  }

  /** A number of an attribute; null where there is none. */
  number(of: string, name: string): number | null {
    const found = this.#at(of);
    if (!(found instanceof this.#module.Group) && !(found instanceof this.#module.Dataset)) return null;
    const value: unknown = found.attrs[name]?.value;
    if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
    return ArrayBuffer.isView(value) && !(value instanceof DataView) ? Number((value as Uint8Array)[0]) : null;
  }

  /** Texts of a dataset; none where there is none. */
  texts(name: string): readonly string[] {
    const found = this.#at(name);
    if (!(found instanceof this.#module.Dataset)) return [];
    const value: unknown = found.value;
    if (typeof value === 'string') return [value];
    return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
  }

  /** Rows of a table of mixed columns; 0 where there is none. */
  rows(name: string): number {
    const found = this.#at(name);
    return found instanceof this.#module.Dataset ? (found.shape?.[0] ?? 0) : 0;
  }

  /**
   * Rows of a table of mixed columns, all or those of `[from, to)`, fields in their order; none where there is no table.
   *
   * @throws AppError `interop.unreadable`
   */
  records(name: string, from = 0, to?: number): readonly (readonly unknown[])[] {
    const found = this.#at(name);
    if (!(found instanceof this.#module.Dataset)) return [];
    if (to !== undefined && to <= from) return [];
    const shape = found.shape ?? [];
    this.#checkClaim(to === undefined ? shape : [to - from], 16, name);
    const value: unknown = to === undefined ? found.value : found.slice([[from, to]]);
    if (!Array.isArray(value) || !value.every((row) => Array.isArray(row)))
      throw unreadable(this.#place, `its ${name} is no table.`);
    return value as unknown[][];
  }

  /** Sizes of a numeric dataset, which is not read; null where there is none, or where it is text. @throws AppError `interop.unreadable` */
  shape(name: string): readonly number[] | null {
    const found = this.#at(name);
    if (!(found instanceof this.#module.Dataset) || !isNumeric(found.dtype)) return null;
    const shape = found.shape ?? [];
    checkSize(shape, name, this.#place);
    return shape;
  }

  /**
   * A part of a numeric dataset, row-major.
   *
   * @param ranges - `[from, to)` for each axis
   * @throws AppError `interop.unreadable`
   */
  part(name: string, ranges: readonly (readonly [from: number, to: number])[]): ArrayLike<number | bigint> {
    const found = this.#at(name);
    let value: unknown;
    try {
      if (found instanceof this.#module.Dataset) value = found.slice(ranges.map(([from, to]) => [from, to]));
    } catch (error) {
      throw unreadable(this.#place, `its ${name} is damaged.`, error);
    }
    if (!ArrayBuffer.isView(value) || value instanceof DataView)
      throw unreadable(this.#place, `its ${name} is no longer there.`);
    return value as unknown as ArrayLike<number | bigint>;
  }

  /**
   * A numeric dataset; null where there is none, or where it is text (CaImAn writes `NoneType` for what is missing).
   *
   * @throws AppError `interop.unreadable`
   */
  numeric(name: string): Numbers | null {
    const found = this.#at(name);
    if (!(found instanceof this.#module.Dataset)) return null;
    const shape = found.shape ?? [];
    this.#checkClaim(shape, bytesOf(found.dtype), name);
    if (shape.some((size) => size === 0)) return { values: [], shape };
    let value: unknown;
    try {
      value = found.value;
    } catch (error) {
      throw unreadable(this.#place, `its ${name} is damaged.`, error);
    }
    if (typeof value === 'number' || typeof value === 'bigint') return { values: [value], shape };
    if (!ArrayBuffer.isView(value) || value instanceof DataView) return null;
    return { values: value as unknown as ArrayLike<number | bigint>, shape };
  }
}

/** Memory that is always there; claims below it are not held against the size of the file. */
const alwaysBytes = 64 * 2 ** 20;
/** What gzip packs best, 1032 : 1. */
const mostPacking = 1032;
const mostAtOnce = 2 ** 31;

/** Bytes of a number by h5wasm’s letters for it; 8 for everything that is none. */
function bytesOf(dtype: unknown): number {
  const letter = typeof dtype === 'string' ? (dtype.at(-1) ?? '') : '';
  return { b: 1, B: 1, h: 2, H: 2, e: 2, i: 4, I: 4, f: 4 }[letter] ?? 8;
}

/** h5wasm’s letters for whole numbers and floats of either order. */
function isNumeric(dtype: unknown): boolean {
  return typeof dtype === 'string' && /^[<>|]?[bBhHiIqQefd]$/.test(dtype);
}

/**
 * Rows of a two-dimensional dataset. The file is opened for each piece, so that nothing stays open or in memory between two.
 *
 * @param name - a dataset whose {@link Hdf5.shape} was looked at
 * @param across - the dataset is columns × rows: MATLAB’s order, and NWB’s (time first)
 */
export function rowsOfHdf5(place: string, name: string, shape: readonly number[], across = false): RowSource {
  const [rows = 0, columns = 0] = across ? shape.toReversed() : shape;
  return async (first, count) => {
    if (first + count > rows) throw new RangeError('rows beyond the table');
    using file = await openHdf5(place);
    if (!across)
      return floats(
        file.part(name, [
          [first, first + count],
          [0, columns],
        ]),
      );
    const turned = file.part(name, [
      [0, columns],
      [first, first + count],
    ]);
    const out = new Float32Array(count * columns);
    for (let t = 0; t < columns; t += 1)
      for (let k = 0; k < count; k += 1) out[k * columns + t] = Number(turned[t * count + k]);
    return out;
  };
}

/** Numbers as single floats; those that are such already are not copied. */
export function floats(values: ArrayLike<number | bigint>): Float32Array {
  if (values instanceof Float32Array) return values;
  const out = new Float32Array(values.length);
  for (let i = 0; i < values.length; i += 1) out[i] = Number(values[i]);
  return out;
}

/** @throws AppError `interop.unreadable`, `media.io` */
export async function openHdf5(place: string): Promise<Hdf5> {
  if (!(await isHdf5(place))) throw unreadable(place, 'it is no HDF5 file, or its beginning is damaged.');
  const refusal = (cause?: unknown): AppError =>
    unreadable(place, 'it begins as HDF5 but cannot be opened as such; it may be cut off.', cause);
  const module = await hdf5();
  let file: H5File;
  try {
    file = new module.File(place, 'r');
    // A file that is cut off opens without a complaint and is empty.
    if (file.keys().length > 0) return new Hdf5(module, file, place);
  } catch (error) {
    throw refusal(error);
  }
  file.close();
  throw refusal();
}

/** Plain numbers; none for nothing. */
export function numbers(values: ArrayLike<number | bigint> | undefined): number[] {
  return values === undefined ? [] : Array.from(values, Number);
}
