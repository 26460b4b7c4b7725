// SPDX-License-Identifier: MIT
import { open, readFile, stat } from 'node:fs/promises';
import { inflateSync } from 'node:zlib';
import { fileError } from '../../../processing/index.ts';
import { checkSize, unreadable } from '../check.ts';
import type { MatFile, MatNames, MatNumbers, MatSparse } from './mat-value.ts';

/** Level 5 cannot hold larger variables, and a file of this field is far smaller; one that claims more is not what it says. */
const largestVariable = 2 ** 31;
const largestFile = 4 * 2 ** 30;
/** Deflate never packs tighter: a variable that claims more than this times its packed size lies. */
const tightest = 1100;
/** Structures within structures. */
const deepest = 20;

const [compressed, matrix] = [15, 14];

/** Bytes of one value by the type of storage. */
const sizes: Readonly<Record<number, number>> = {
  1: 1,
  2: 1,
  3: 2,
  4: 2,
  5: 4,
  6: 4,
  7: 4,
  9: 8,
  12: 8,
  13: 8,
  16: 1,
  17: 2,
  18: 4,
};

interface Element {
  readonly type: number;
  readonly bytes: Buffer;
  readonly next: number;
}

type Value =
  | MatNumbers
  | MatSparse
  | { readonly kind: 'struct'; readonly fields: ReadonlyMap<string, Value> }
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

/** Reads elements of one order of bytes. */
class Elements {
  readonly #isLittle: boolean;
  readonly #place: string;

  constructor(isLittle: boolean, place: string) {
    this.#isLittle = isLittle;
    this.#place = place;
  }

  cut(): Error {
    return unreadable(this.#place, 'it is cut off, or its parts contradict each other.');
  }

  u32(data: Buffer, at: number): number {
    if (at < 0 || at + 4 > data.length) throw this.cut();
    return this.#isLittle ? data.readUInt32LE(at) : data.readUInt32BE(at);
  }

  at(data: Buffer, at: number): Element {
    const word = this.u32(data, at);
    const packed = word >>> 16;
    // Up to four bytes are packed into the tag.
    if (packed !== 0) {
      if (packed > 4 || at + 8 > data.length) throw this.cut();
      return { type: word & 0xffff, bytes: data.subarray(at + 4, at + 4 + packed), next: at + 8 };
    }
    const size = this.u32(data, at + 4);
    if (at + 8 + size > data.length) throw this.cut();
    const padded = word === compressed ? size : Math.ceil(size / 8) * 8;
    return { type: word, bytes: data.subarray(at + 8, at + 8 + size), next: at + 8 + padded };
  }

  numbers({ type, bytes }: Element): Float64Array {
    const size = sizes[type];
    if (size === undefined) throw unreadable(this.#place, `values of type ${type} are not read.`);
    const count = Math.floor(bytes.length / size);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const little = this.#isLittle;
    const read: Readonly<Record<number, (at: number) => number>> = {
      1: (at) => view.getInt8(at),
      2: (at) => view.getUint8(at),
      3: (at) => view.getInt16(at, little),
      4: (at) => view.getUint16(at, little),
      5: (at) => view.getInt32(at, little),
      6: (at) => view.getUint32(at, little),
      7: (at) => view.getFloat32(at, little),
      9: (at) => view.getFloat64(at, little),
      12: (at) => Number(view.getBigInt64(at, little)),
      13: (at) => Number(view.getBigUint64(at, little)),
      16: (at) => view.getUint8(at),
      17: (at) => view.getUint16(at, little),
      18: (at) => view.getUint32(at, little),
    };
    const one = read[type] ?? (() => Number.NaN);
    const out = new Float64Array(count);
    for (let i = 0; i < count; i += 1) out[i] = one(i * size);
    return out;
  }

  /** The beginning of a packed variable; empty where it is damaged. */
  beginning(bytes: Buffer): Buffer {
    try {
      return inflateSync(bytes, { maxOutputLength: 32 * 2 ** 20, finishFlush: 2 });
    } catch {
      return Buffer.alloc(0);
    }
  }

  /** A packed variable whole. Its own size is looked at before it is unpacked. */
  inflate(bytes: Buffer): Buffer {
    const head = this.beginning(bytes.subarray(0, 4096));
    if (head.length < 8) throw unreadable(this.#place, 'a packed variable is damaged.');
    const claimed = this.u32(head, 4) + 8;
    if (claimed > largestVariable || claimed > (bytes.length + 64) * tightest)
      throw unreadable(this.#place, `a packed variable of ${bytes.length} bytes says it has ${claimed}.`);
    try {
      return inflateSync(bytes, { maxOutputLength: claimed + 8 });
    } catch (error) {
      throw unreadable(this.#place, 'a packed variable is damaged, cut off or longer than it says.', error);
    }
  }
}

class Parser {
  readonly #elements: Elements;
  readonly #place: string;

  constructor(elements: Elements, place: string) {
    this.#elements = elements;
    this.#place = place;
  }

  /** The variables of a file; those that hold no numbers are kept by name only. */
  variables(data: Buffer): ReadonlyMap<string, Value> {
    const found = new Map<string, Value>();
    let at = 128;
    while (at + 8 <= data.length) {
      const element = this.#elements.at(data, at);
      at = element.next;
      if (element.type === compressed) {
        const inner = this.#elements.at(this.#elements.inflate(element.bytes), 0);
        if (inner.type === matrix) this.#put(found, inner.bytes);
      } else if (element.type === matrix) this.#put(found, element.bytes);
    }
    return found;
  }

  #put(found: Map<string, Value>, bytes: Buffer): void {
    const { name, value } = this.#matrix(bytes, 0);
    if (name !== '') found.set(name, value);
  }

  #matrix(data: Buffer, depth: number): { readonly name: string; readonly value: Value } {
    const other = { kind: 'other' } as const;
    if (data.length === 0) return { name: '', value: other };
    if (depth > deepest) throw unreadable(this.#place, 'its structures are nested too deeply.');
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
    checkSize(shape, name === '' ? 'variable' : name, this.#place);
    const values = elements.numbers(elements.at(data, at));
    if (values.length !== total) throw elements.cut();
    return { name, value: { kind: 'numbers', shape, values } };
  }

  #sparse(data: Buffer, at: number, shape: readonly number[]): Value {
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

  #struct(data: Buffer, start: number, shape: readonly number[], depth: number): Value {
    const elements = this.#elements;
    const lengthElement = elements.at(data, start);
    const [length = 0] = elements.numbers(lengthElement);
    const names = elements.at(data, lengthElement.next);
    const count = length > 0 ? Math.floor(names.bytes.length / length) : 0;
    const fields = new Map<string, Value>();
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

/** Bytes of a variable that hold its name, and of a structure the names of its fields. */
const headBytes = 16 * 1024;

/** Names of variables and of the fields of structures, from the beginning of each: nothing is unpacked whole. @throws AppError `interop.unreadable` */
export async function namesOfMat5(place: string): Promise<MatNames> {
  const file = await open(place, 'r');
  const found = new Map<string, { readonly fields: readonly string[]; readonly className: string | null }>();
  try {
    const { size } = await file.stat();
    const order = Buffer.alloc(2);
    await file.read(order, 0, 2, 126);
    const elements = new Elements(order.toString('latin1') === 'IM', place);
    let at = 128;
    while (at + 8 <= size) {
      const tag = Buffer.alloc(8);
      await file.read(tag, 0, 8, at);
      const [type, length] = [elements.u32(tag, 0), elements.u32(tag, 4)];
      const head = Buffer.alloc(Math.min(headBytes, length, Math.max(0, size - at - 8)));
      await file.read(head, 0, head.length, at + 8);
      at += 8 + (type === compressed ? length : Math.ceil(length / 8) * 8);
      if (type !== compressed && type !== matrix) continue;
      const variable = headOf(elements, type === compressed ? elements.beginning(head).subarray(8) : head);
      if (variable !== null && variable.name !== '') found.set(variable.name, variable);
    }
  } finally {
    await file.close();
  }
  return {
    names: (of) => (of === undefined ? [...found.keys()] : (found.get(of)?.fields ?? [])),
    objectClass: (name) => found.get(name)?.className ?? null,
    [Symbol.dispose]: () => undefined,
  };
}

function headOf(
  elements: Elements,
  data: Buffer,
): { readonly name: string; readonly fields: readonly string[]; readonly className: string | null } | null {
  try {
    const flags = elements.at(data, 0);
    const kind = elements.u32(flags.bytes, 0) & 0xff;
    const second = elements.at(data, flags.next);
    const third = elements.at(data, second.next);
    if (kind === 17) {
      const className = elements.at(data, third.next).bytes.toString('latin1');
      return { name: second.bytes.toString('latin1'), fields: [], className };
    }
    const name = third.bytes.toString('latin1');
    if (kind === 3) return { name, fields: [], className: elements.at(data, third.next).bytes.toString('latin1') };
    if (kind !== 2) return { name, fields: [], className: null };
    const lengthElement = elements.at(data, third.next);
    const [length = 0] = elements.numbers(lengthElement);
    const { bytes } = elements.at(data, lengthElement.next);
    const count = length > 0 ? Math.floor(bytes.length / length) : 0;
    const fields = Array.from(
      { length: count },
      (_, i) => bytes.toString('latin1', i * length, (i + 1) * length).split('\0')[0] ?? '',
    );
    return { name, fields, className: null };
  } catch {
    // A head that is cut off is of a variable that nobody looks for.
    return null;
  }
}

/** Opens a MAT file of level 5 (MATLAB's default up to 2 GB; SciPy's `savemat`). @throws AppError `interop.unreadable`, `disk.io` */
export async function openMat5(place: string): Promise<MatFile> {
  const size = await stat(place).then(
    (info) => info.size,
    (error: unknown) => {
      throw fileError(error, `opening ${place}`);
    },
  );
  if (size > largestFile)
    throw unreadable(place, `it has ${size} bytes; level 5 of MATLAB’s format holds at most 2 GB a variable.`);
  const data = await readFile(place);
  if (data.length < 128) throw unreadable(place, 'it is too short for a MAT file.');
  const elements = new Elements(data.toString('latin1', 126, 128) === 'IM', place);
  const variables = new Parser(elements, place).variables(data);
  const find = (name: string): Value | undefined => {
    const [first = '', ...rest] = name.split('.');
    let value = variables.get(first);
    for (const part of rest) value = value?.kind === 'struct' ? value.fields.get(part) : undefined;
    return value;
  };
  return {
    names: (of) => {
      if (of === undefined) return [...variables.keys()];
      const found = find(of);
      return found?.kind === 'struct' ? [...found.fields.keys()] : [];
    },
    get: (name) => {
      const found = find(name);
      return found?.kind === 'numbers' || found?.kind === 'sparse' ? found : null;
    },
    objectClass: (name) => {
      const found = find(name);
      return found?.kind === 'object' ? found.className : null;
    },
    [Symbol.dispose]: () => undefined,
  };
}
