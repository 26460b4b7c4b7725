// SPDX-License-Identifier: MIT
import { open } from 'node:fs/promises';
import type { AppError } from '../../contract/index.ts';
import { type H5File, hdf5 } from '../hdf5.ts';
import { checkSize, unreadable } from './check.ts';

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

  /** Rows of a table of mixed columns, fields in their order; none where there is none. @throws AppError `interop.unreadable` */
  records(name: string): readonly (readonly unknown[])[] {
    const found = this.#at(name);
    if (!(found instanceof this.#module.Dataset)) return [];
    checkSize(found.shape ?? [], name, this.#place);
    const value: unknown = found.value;
    if (!Array.isArray(value) || !value.every((row) => Array.isArray(row)))
      throw unreadable(this.#place, `its ${name} is no table.`);
    return value as unknown[][];
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
    checkSize(shape, name, this.#place);
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
