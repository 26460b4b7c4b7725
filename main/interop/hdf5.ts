// SPDX-License-Identifier: MIT
import path from 'node:path';
import type * as h5wasm from 'h5wasm/node';
import { AppError } from '../contract/index.ts';

/**
 * HDF5 through WebAssembly (`h5wasm`), for the thread that exports and the thread that imports. The module is loaded when it is first
 * needed: it is 4 MB. Files are opened in place on the disk; nothing is kept in the module's own file system.
 */

type Module = typeof h5wasm;
/** An open file. */
export type H5File = h5wasm.File;
export type H5Group = h5wasm.Group;
export type H5Dataset = h5wasm.Dataset;
export type H5Reference = h5wasm.Reference;

let loading: Promise<Module> | undefined;

/** The library, ready to be used; its errors are thrown. */
export async function hdf5(): Promise<Module> {
  loading ??= (async () => {
    const module = await import('h5wasm/node');
    const ready = await module.ready;
    ready.activate_throwing_error_handler();
    return module;
  })();
  return await loading;
}

/** Numbers an array may hold. */
export type Numbers =
  | Uint8Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/** Values of an attribute: text is written as variable-length UTF-8, numbers as doubles unless they come in an array of their own type. */
export type AttributeValue = string | number | readonly string[] | Numbers | H5Reference;
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** Rows at a time, so that one slab stays below 4 MB: it is held three times (as read, turned, and inside the library). */
const slabBytes = 4 * 2 ** 20;

/** A file being written. Paths are absolute inside it; groups above an object must exist. */
export class Hdf5Writer {
  readonly file: H5File;

  private constructor(file: H5File) {
    this.file = file;
  }

  /**
   * Makes an empty file in the oldest form of HDF5 that can hold it, which every reader knows.
   *
   * @throws AppError `disk.io`
   */
  static async create(name: string): Promise<Hdf5Writer> {
    const { File } = await hdf5();
    try {
      return new Hdf5Writer(new File(name, 'w', { libver: ['earliest', 'v110'] }));
    } catch (error) {
      throw new AppError('disk.io', `The file ${path.basename(name)} cannot be made.`, { cause: error });
    }
  }

  close(): void {
    this.file.flush();
    this.file.close();
  }

  group(name: string, attributes: Attributes = {}): void {
    const [parent, leaf] = this.#split(name);
    parent.create_group(leaf);
    this.attributes(name, attributes);
  }

  attributes(name: string, attributes: Attributes): void {
    const object = name === '/' ? this.file : (this.file.get(name) as H5Group);
    for (const [key, value] of Object.entries(attributes)) {
      if (typeof value === 'string') object.create_attribute(key, value);
      else if (typeof value === 'number') object.create_attribute(key, value, [], '<d');
      else if (Array.isArray(value)) object.create_attribute(key, [...(value as readonly string[])]);
      else object.create_attribute(key, value as never);
    }
  }

  /** One text. */
  text(name: string, value: string, attributes: Attributes = {}): void {
    const [parent, leaf] = this.#split(name);
    parent.create_dataset({ name: leaf, data: value, shape: [], dtype: 'S' });
    this.attributes(name, attributes);
  }

  /** A list of texts; of any shape. */
  texts(name: string, values: readonly string[], shape?: readonly number[], attributes: Attributes = {}): void {
    const [parent, leaf] = this.#split(name);
    parent.create_dataset({ name: leaf, data: [...values], shape: [...(shape ?? [values.length])], dtype: 'S' });
    this.attributes(name, attributes);
  }

  /** One number, a double unless said otherwise. */
  number(name: string, value: number, attributes: Attributes = {}, dtype = '<d'): void {
    const [parent, leaf] = this.#split(name);
    parent.create_dataset({ name: leaf, data: value, shape: [], dtype });
    this.attributes(name, attributes);
  }

  /** An array that is in memory. Compressed (gzip) when it is large enough to gain from it. */
  array(name: string, values: Numbers, shape: readonly number[], attributes: Attributes = {}): void {
    const [parent, leaf] = this.#split(name);
    const [first = 0] = shape;
    const rowBytes = values.byteLength / Math.max(1, first);
    const isLarge = values.byteLength > 64 * 1024 && shape.length > 0 && shape.every((axis) => axis > 0);
    const chunks = [Math.max(1, Math.min(first, Math.floor(2 ** 20 / rowBytes))), ...shape.slice(1)];
    parent.create_dataset({
      name: leaf,
      data: values as never,
      shape: [...shape],
      ...(isLarge ? { chunks, compression: 1 } : {}),
    });
    this.attributes(name, attributes);
  }

  /** A one-dimensional table of columns of one length. */
  compound(name: string, columns: ReadonlyMap<string, Numbers>, attributes: Attributes = {}): void {
    const [parent, leaf] = this.#split(name);
    parent.create_dataset({ name: leaf, data: columns as never });
    this.attributes(name, attributes);
  }

  /** An array that is filled piece by piece with {@link H5Dataset.write_slice}; what is not written is 0 and costs no space. */
  empty(
    name: string,
    dtype: string,
    shape: readonly number[],
    chunks: readonly number[],
    attributes: Attributes = {},
  ): H5Dataset {
    const [parent, leaf] = this.#split(name);
    const none = [0, ...shape.slice(1)];
    const kinds: Readonly<Record<string, Numbers>> = {
      '<f': new Float32Array(),
      '<d': new Float64Array(),
      '<B': new Uint8Array(),
    };
    const dataset = parent.create_dataset({
      name: leaf,
      data: kinds[dtype] as never,
      shape: none,
      maxshape: [...shape],
      chunks: chunks.map((size, axis) => Math.max(1, Math.min(size, shape[axis] ?? 1))),
      compression: 1,
      dtype,
    });
    dataset.resize([...shape]);
    this.attributes(name, attributes);
    return dataset;
  }

  softLink(name: string, target: string): void {
    const [parent, leaf] = this.#split(name);
    parent.create_soft_link(target, leaf);
  }

  reference(name: string): H5Reference {
    return (this.file.get(name) as H5Group).create_reference();
  }

  #split(name: string): readonly [H5Group, string] {
    const at = name.lastIndexOf('/');
    const parent = at <= 0 ? this.file : (this.file.get(name.slice(0, at)) as H5Group);
    return [parent, name.slice(at + 1)];
  }
}

/** How many rows of `bytes` each make one slab, at least 1. */
export function slabRows(bytes: number): number {
  return Math.max(1, Math.floor(slabBytes / Math.max(1, bytes)));
}
