// SPDX-License-Identifier: MIT
import { closeSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { compressed, Elements, matrix } from './elements.ts';
import { Mat5Error } from './error.ts';

/** More values than any variable of this field has; a file that claims more lies. */
const mostValues = 4e9;
/** Structures within structures. */
const deepest = 20;

/** Numbers of a variable, counted along columns as MATLAB does. */
export interface Mat5Numbers {
  readonly kind: 'numbers';
  /** MATLAB's order: rows, columns … */
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

/** A sparse matrix by columns: `rows[k]` of column c for k from `starts[c]` to `starts[c + 1]`. */
export interface Mat5Sparse {
  readonly kind: 'sparse';
  readonly shape: readonly [number, number];
  readonly rows: Float64Array;
  readonly starts: Float64Array;
  readonly values: Float64Array;
}

/** What a variable, or the field of a structure, holds; `other` is text, cells and function handles. */
export type Mat5Value =
  | Mat5Numbers
  | Mat5Sparse
  | { readonly kind: 'struct'; readonly fields: ReadonlyMap<string, Mat5Value> }
  | { readonly kind: 'object'; readonly className: string }
  | { readonly kind: 'other' };

/** Does a file begin as MATLAB's level 5 does, in either order of bytes? */
export async function isMat5(place: string): Promise<boolean> {
  const file = await open(place, 'r').catch(() => null);
  if (file === null) return false;
  try {
    const head = Buffer.alloc(128);
    const { bytesRead } = await file.read(head, 0, 128, 0).catch(() => ({ bytesRead: 0 }));
    const order = head.toString('latin1', 126);
    return (
      bytesRead === 128 &&
      head.toString('latin1', 0, 19) === 'MATLAB 5.0 MAT-file' &&
      (order === 'IM' || order === 'MI')
    );
  } finally {
    await file.close();
  }
}

class Parser {
  readonly #elements: Elements;

  constructor(elements: Elements) {
    this.#elements = elements;
  }

  /** The variable that an element holds; undefined for an element that holds none. */
  variable(data: Buffer): Mat5Value | undefined {
    const element = this.#elements.at(data, 0);
    const inner = element.type === compressed ? this.#elements.at(this.#elements.inflate(element.bytes), 0) : element;
    return inner.type === matrix ? this.#matrix(inner.bytes, 0).value : undefined;
  }

  #matrix(data: Buffer, depth: number): { readonly name: string; readonly value: Mat5Value } {
    const other = { kind: 'other' } as const;
    if (data.length === 0) return { name: '', value: other };
    if (depth > deepest) throw new Mat5Error('its structures are nested too deeply.');
    const elements = this.#elements;
    const flags = elements.at(data, 0);
    if (flags.bytes.length < 8) throw elements.cut();
    const word = elements.u32(flags.bytes, 0);
    const kind = word & 0xff;
    if (kind === 17) {
      // An object of a class defined in MATLAB: its values lie in a part of the file that MathWorks does not document.
      const name = elements.at(data, flags.next);
      const system = elements.at(data, name.next);
      const className = elements.at(data, system.next);
      return {
        name: name.bytes.toString('latin1'),
        value: { kind: 'object', className: className.bytes.toString('latin1') },
      };
    }
    const dimensions = elements.at(data, flags.next);
    const shape = [...elements.numbers(dimensions)];
    const nameElement = elements.at(data, dimensions.next);
    const name = nameElement.bytes.toString('latin1');
    const at = nameElement.next;
    if (kind === 2) return { name, value: this.#struct(data, at, shape, depth) };
    if (kind === 3) {
      // An object of the old kind begins with the name of its class; its fields follow as those of a structure.
      const className = elements.at(data, at);
      return { name, value: { kind: 'object', className: className.bytes.toString('latin1') } };
    }
    if (kind === 5) return { name, value: this.#sparse(data, at, shape) };
    // Doubles, singles and whole numbers; no cells, text or function handles.
    if (kind < 6 || kind > 15) return { name, value: other };
    const total = shape.reduce((product, size) => product * size, 1);
    if (!(total <= mostValues))
      throw new Mat5Error(`its ${name === '' ? 'variable' : name} would have ${total.toExponential(1)} values.`);
    const values = elements.numbers(elements.at(data, at));
    if (values.length !== total) throw elements.cut();
    return { name, value: { kind: 'numbers', shape, values } };
  }

  #sparse(data: Buffer, at: number, shape: readonly number[]): Mat5Value {
    const elements = this.#elements;
    const rows = elements.at(data, at);
    const starts = elements.at(data, rows.next);
    const values = elements.at(data, starts.next);
    const [height = 0, width = 0] = shape;
    return {
      kind: 'sparse',
      shape: [height, width],
      rows: elements.numbers(rows),
      starts: elements.numbers(starts),
      values: elements.numbers(values),
    };
  }

  #struct(data: Buffer, start: number, shape: readonly number[], depth: number): Mat5Value {
    const elements = this.#elements;
    const lengthElement = elements.at(data, start);
    const [length = 0] = elements.numbers(lengthElement);
    const names = elements.at(data, lengthElement.next);
    const count = length > 0 ? Math.floor(names.bytes.length / length) : 0;
    const fields = new Map<string, Mat5Value>();
    // Of an array of structures the first stands for all.
    if (shape.some((size) => size === 0)) return { kind: 'struct', fields };
    let at = names.next;
    for (let i = 0; i < count; i += 1) {
      const field = elements.at(data, at);
      at = field.next;
      const text = names.bytes.toString('latin1', i * length, (i + 1) * length);
      const end = text.indexOf('\0');
      if (field.type === matrix)
        fields.set(end < 0 ? text : text.slice(0, end), this.#matrix(field.bytes, depth + 1).value);
    }
    return { kind: 'struct', fields };
  }
}

/** Variables of a file of level 5 (MATLAB's default up to 2 GB; SciPy's `savemat`), each read when it is asked for. */
export class Mat5File implements Disposable {
  readonly #file: number;
  readonly #elements: Elements;
  readonly #heads: ReadonlyMap<string, Head>;
  readonly #most: number;
  readonly #read = new Map<string, Mat5Value>();
  #held = 0;

  private constructor(file: number, found: Awaited<ReturnType<typeof headsOf>>, most: number) {
    this.#file = file;
    this.#elements = found.elements;
    this.#heads = found.heads;
    this.#most = most;
  }

  /** @param most - bytes of values that are held at a time @throws Mat5Error, and what the disk says */
  static async open(place: string, most = mostHeld): Promise<Mat5File> {
    const found = await headsOf(place);
    if (found.size < 128) throw new Mat5Error('it is too short for a MAT file.');
    for (const { at, bytes } of found.heads.values()) if (at + bytes > found.size) throw found.elements.cut();
    return new Mat5File(openSync(place, 'r'), found, most);
  }

  get names(): readonly string[] {
    return [...this.#heads.keys()];
  }

  /**
   * A variable; undefined where there is none.
   *
   * @throws Mat5Error for one that is damaged, or that would need more memory than there is for all of them: the sizes are looked at before it is read
   */
  get(name: string): Mat5Value | undefined {
    const known = this.#read.get(name);
    const head = this.#heads.get(name);
    if (known !== undefined || head === undefined) return known;
    const unpacked = head.isPacked
      ? this.#elements.unpackedBytes(this.#piece(head.at, Math.min(head.bytes, packedHead)).subarray(8), head.bytes)
      : head.bytes;
    const claimed = head.values === null ? 2 * unpacked : 8 * head.values;
    if (this.#held + claimed + unpacked > this.#most)
      throw new Mat5Error(
        `its ${name} needs ${sized(claimed + unpacked)}${this.#held > 0 ? `, beside ${sized(this.#held)} of others` : ''}; variables of MATLAB’s level 5 are read whole, up to ${sized(this.#most)} of them. Save it there with save(…, '-v7.3'): that is read in pieces.`,
      );
    const value = new Parser(this.#elements).variable(this.#piece(head.at, head.bytes));
    if (value === undefined) return undefined;
    this.#held += claimed;
    this.#read.set(name, value);
    return value;
  }

  #piece(at: number, count: number): Buffer {
    const bytes = Buffer.alloc(count);
    if (readSync(this.#file, bytes, 0, count, at) < count) throw this.#elements.cut();
    return bytes;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
    this.#read.clear();
  }
}

const mostHeld = 1.5 * 2 ** 30;
/** Of a packed variable, what is enough to see how large it is. */
const packedHead = 4104;

const sized = (bytes: number): string =>
  bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;

/** All variables of a file of level 5. @throws as {@link Mat5File} */
export async function readMat5(place: string): Promise<ReadonlyMap<string, Mat5Value>> {
  using file = await Mat5File.open(place);
  const found = new Map<string, Mat5Value>();
  for (const name of file.names) {
    const value = file.get(name);
    if (value !== undefined) found.set(name, value);
  }
  return found;
}

/** What the beginning of a variable tells. */
export interface Mat5Name {
  /** Names of the fields of a structure. */
  readonly fields: readonly string[];
  /** Class of an object of a MATLAB class; null for everything else. */
  readonly className: string | null;
}

/** Bytes of a variable that hold its name, and of a structure the names of its fields. */
const headBytes = 16 * 1024;

/** What the beginning of a variable tells, and where it lies. */
interface Head extends Mat5Name {
  /** Numbers of it; null where it is no table of numbers. */
  readonly values: number | null;
  /** Its element with its tag, counted from the file's beginning. */
  readonly at: number;
  readonly bytes: number;
  readonly isPacked: boolean;
}

/** Names of variables and of the fields of structures, from the beginning of each: nothing is unpacked whole. @throws Mat5Error */
export async function readMat5Names(place: string): Promise<ReadonlyMap<string, Mat5Name>> {
  return (await headsOf(place)).heads;
}

async function headsOf(
  place: string,
): Promise<{ readonly elements: Elements; readonly heads: ReadonlyMap<string, Head>; readonly size: number }> {
  const file = await open(place, 'r');
  const heads = new Map<string, Head>();
  try {
    const { size } = await file.stat();
    const order = Buffer.alloc(2);
    await file.read(order, 0, 2, 126);
    const elements = new Elements(order.toString('latin1') === 'IM');
    let at = 128;
    while (at + 8 <= size) {
      const tag = Buffer.alloc(8);
      await file.read(tag, 0, 8, at);
      const [type, length] = [elements.u32(tag, 0), elements.u32(tag, 4)];
      const head = Buffer.alloc(Math.min(headBytes, length, Math.max(0, size - at - 8)));
      await file.read(head, 0, head.length, at + 8);
      const isPacked = type === compressed;
      const [from, bytes] = [at, 8 + length];
      at += 8 + (isPacked ? length : Math.ceil(length / 8) * 8);
      if (!isPacked && type !== matrix) continue;
      const variable = headOf(elements, isPacked ? elements.beginning(head).subarray(8) : head);
      if (variable !== null && variable.name !== '')
        heads.set(variable.name, { ...variable, at: from, bytes, isPacked });
    }
    return { elements, heads, size };
  } finally {
    await file.close();
  }
}

function headOf(
  elements: Elements,
  data: Buffer,
): (Pick<Head, 'fields' | 'className' | 'values'> & { readonly name: string }) | null {
  try {
    const flags = elements.at(data, 0);
    const kind = elements.u32(flags.bytes, 0) & 0xff;
    const second = elements.at(data, flags.next);
    const third = elements.at(data, second.next);
    if (kind === 17) {
      const className = elements.at(data, third.next).bytes.toString('latin1');
      return { name: second.bytes.toString('latin1'), fields: [], className, values: null };
    }
    const name = third.bytes.toString('latin1');
    if (kind === 3)
      return { name, fields: [], className: elements.at(data, third.next).bytes.toString('latin1'), values: null };
    if (kind !== 2) {
      const isTable = kind >= 6 && kind <= 15;
      const values = isTable ? elements.numbers(second).reduce((product, size) => product * size, 1) : null;
      return { name, fields: [], className: null, values };
    }
    const lengthElement = elements.at(data, third.next);
    const [length = 0] = elements.numbers(lengthElement);
    const { bytes } = elements.at(data, lengthElement.next);
    const count = length > 0 ? Math.floor(bytes.length / length) : 0;
    const fields = Array.from(
      { length: count },
      (_, i) => bytes.toString('latin1', i * length, (i + 1) * length).split('\0')[0] ?? '',
    );
    return { name, fields, className: null, values: null };
  } catch {
    // A head that is cut off is of a variable that nobody looks for.
    return null;
  }
}
