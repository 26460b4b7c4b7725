// SPDX-License-Identifier: MIT
import { parseDtype, type NumpyKind, numbersOfBytes } from './numpy-values.ts';

/**
 * Reads the subset of Python's pickle that NumPy writes for arrays of objects and dictionaries (protocols 2 to 5). Nothing is ever executed or
 * imported: a name of a class or function stands for itself, a call makes a value only where it is one of the few of NumPy that hold numbers,
 * and everything else becomes {@link Opaque}.
 */

/** A value that is not read: a class of some program. */
export class Opaque {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** An array of numbers (row-major) or of objects. */
export class PickledArray {
  shape: readonly number[] = [];
  values: ArrayLike<number> = [];
  objects: readonly Pickled[] | null = null;
}

export type Pickled =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | Opaque
  | PickledArray
  | Kind
  | Pickled[]
  | Map<string, Pickled>;

/** A NumPy dtype under way. */
class Kind {
  readonly text: string;
  order = '<';

  constructor(text: string) {
    this.text = text;
  }

  get kind(): NumpyKind {
    return parseDtype(
      this.text.length <= 2 && /^[a-z]\d?$/.test(this.text)
        ? `${this.order === '|' ? '|' : this.order}${this.text}`
        : this.text,
    );
  }
}

/** A pickle that cannot be read, and why. */
export class PickleError extends Error {}

const cut = (): PickleError => new PickleError('it is cut off');

/** More values than any of these files has; a pickle that makes more is a bomb. */
const mostValues = 50_000_000;

class Bytes {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  take(length: number): Buffer {
    if (!(length >= 0) || this.#at + length > this.#bytes.length) throw cut();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  u8(): number {
    return this.take(1).readUInt8(0);
  }

  u32(): number {
    return this.take(4).readUInt32LE(0);
  }

  u64(): number {
    const value = this.take(8).readBigUInt64LE(0);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw cut();
    return Number(value);
  }

  line(): string {
    const end = this.#bytes.indexOf(10, this.#at);
    if (end < 0) throw cut();
    const text = this.#bytes.toString('latin1', this.#at, end);
    this.#at = end + 1;
    return text;
  }
}

const mark = Symbol('mark');
type Slot = Pickled | typeof mark;

const modules = '(?:numpy|numpy\\.core|numpy\\._core)';
const isArrayMaker = (name: string): boolean => new RegExp(`^${modules}\\.multiarray\\._reconstruct$`).test(name);
const isScalar = (name: string): boolean => new RegExp(`^${modules}\\.multiarray\\.scalar$`).test(name);
const isFromBuffer = (name: string): boolean => new RegExp(`^${modules}\\.numeric\\._frombuffer$`).test(name);

class Machine {
  readonly #bytes: Bytes;
  readonly #stack: Slot[] = [];
  readonly #memo = new Map<number, Pickled>();
  #made = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  #push(value: Slot): void {
    this.#made += 1;
    if (this.#made > mostValues) throw new PickleError('it makes more values than such a file has');
    this.#stack.push(value);
  }

  #pop(): Pickled {
    const value = this.#stack.pop();
    if (value === undefined || value === mark) throw new PickleError('its parts do not fit together');
    return value;
  }

  #top(): Pickled {
    const value = this.#pop();
    this.#stack.push(value);
    return value;
  }

  #toMark(): Pickled[] {
    const from = this.#stack.lastIndexOf(mark);
    if (from < 0) throw new PickleError('its parts do not fit together');
    return this.#stack.splice(from).slice(1) as Pickled[];
  }

  #recall(number: number): void {
    const value = this.#memo.get(number);
    if (value === undefined) throw new PickleError('it names a value that is not there');
    this.#push(value);
  }

  run(): Pickled {
    for (;;) {
      const op = this.#bytes.u8();
      if (op === 0x2e) return this.#pop();
      this.#step(op);
    }
  }

  #step(op: number): void {
    const bytes = this.#bytes;
    const text = (length: number): void => this.#push(bytes.take(length).toString('utf8'));
    const raw = (length: number): void => this.#push(Uint8Array.from(bytes.take(length)));
    switch (op) {
      case 0x80: // PROTO
        if (bytes.u8() > 5) throw new PickleError('it is of a newer kind than protocol 5');
        return;
      case 0x95: // FRAME
        bytes.u64();
        return;
      case 0x28:
        return this.#push(mark);
      case 0x30:
        this.#pop();
        return;
      case 0x31:
        this.#toMark();
        return;
      case 0x32:
        return this.#push(this.#top());
      case 0x4e:
        return this.#push(null);
      case 0x88:
        return this.#push(true);
      case 0x89:
        return this.#push(false);
      case 0x4a:
        return this.#push(bytes.take(4).readInt32LE(0));
      case 0x4b:
        return this.#push(bytes.u8());
      case 0x4d:
        return this.#push(bytes.take(2).readUInt16LE(0));
      case 0x8a:
        return this.#push(long(bytes.take(bytes.u8())));
      case 0x8b:
        return this.#push(long(bytes.take(bytes.u32())));
      case 0x47:
        return this.#push(bytes.take(8).readDoubleBE(0));
      case 0x8c:
        return text(bytes.u8());
      case 0x58:
        return text(bytes.u32());
      case 0x8d:
        return text(bytes.u64());
      case 0x55: // SHORT_BINSTRING of Python 2
        return this.#push(bytes.take(bytes.u8()).toString('latin1'));
      case 0x54:
        return this.#push(bytes.take(bytes.u32()).toString('latin1'));
      case 0x43:
        return raw(bytes.u8());
      case 0x42:
        return raw(bytes.u32());
      case 0x8e:
      case 0x96:
        return raw(bytes.u64());
      case 0x5d:
        return this.#push([]);
      case 0x29:
        return this.#push([]);
      case 0x7d:
        return this.#push(new Map());
      case 0x8f:
        return this.#push([]);
      case 0x6c:
      case 0x74:
      case 0x91: // LIST, TUPLE, FROZENSET
        return this.#push(this.#toMark());
      case 0x64:
        return this.#push(mapOf(this.#toMark()));
      case 0x85:
        return this.#push([this.#pop()]);
      case 0x86: {
        const second = this.#pop();
        return this.#push([this.#pop(), second]);
      }
      case 0x87: {
        const [third, second] = [this.#pop(), this.#pop()];
        return this.#push([this.#pop(), second, third]);
      }
      case 0x61: {
        const value = this.#pop();
        return this.#append([value]);
      }
      case 0x65:
      case 0x90: // APPENDS, ADDITEMS
        return this.#append(this.#toMark());
      case 0x73: {
        const value = this.#pop();
        return this.#set([this.#pop(), value]);
      }
      case 0x75:
        return this.#set(this.#toMark());
      case 0x71:
        this.#memo.set(bytes.u8(), this.#top());
        return;
      case 0x72:
        this.#memo.set(bytes.u32(), this.#top());
        return;
      case 0x94:
        this.#memo.set(this.#memo.size, this.#top());
        return;
      case 0x68:
        return this.#recall(bytes.u8());
      case 0x6a:
        return this.#recall(bytes.u32());
      case 0x63:
        return this.#push(new Opaque(`${bytes.line()}.${bytes.line()}`));
      case 0x93: {
        const name = this.#pop();
        return this.#push(new Opaque(`${textOf(this.#pop())}.${textOf(name)}`));
      }
      case 0x52:
      case 0x81: {
        const args = this.#pop();
        return this.#push(called(this.#pop(), Array.isArray(args) ? args : []));
      }
      case 0x62: {
        const state = this.#pop();
        build(this.#top(), state);
        return;
      }
      default:
        throw new PickleError(`it holds something (0x${op.toString(16)}) that tables of numbers do not have`);
    }
  }

  #append(values: readonly Pickled[]): void {
    const list = this.#top();
    if (Array.isArray(list)) for (const value of values) list.push(value);
  }

  #set(pairs: readonly Pickled[]): void {
    const target = this.#top();
    if (!(target instanceof Map)) return;
    for (const [key, value] of mapOf(pairs)) target.set(key, value);
  }
}

function mapOf(pairs: readonly Pickled[]): Map<string, Pickled> {
  const map = new Map<string, Pickled>();
  for (let i = 0; i + 1 < pairs.length; i += 2) map.set(textOf(pairs[i]), pairs[i + 1] ?? null);
  return map;
}

/** A key or name; what is neither has none. */
function textOf(value: Pickled | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function long(bytes: Buffer): number {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i -= 1) value = (value << 8n) | BigInt(bytes[i] ?? 0);
  return Number(BigInt.asIntN(8 * Math.max(1, bytes.length), value));
}

/** What a call makes: numbers of NumPy, or nothing that is looked at. */
function called(what: Pickled, args: readonly Pickled[]): Pickled {
  if (!(what instanceof Opaque)) return new Opaque('a value');
  const [first, second] = args;
  if (isArrayMaker(what.name)) return new PickledArray();
  if (what.name === 'numpy.dtype' && typeof first === 'string') return new Kind(first);
  if (isScalar(what.name) && first instanceof Kind && second instanceof Uint8Array)
    return numbersOfBytes(first.kind, Buffer.from(second), 1)[0] ?? null;
  if (isFromBuffer(what.name) && first instanceof Uint8Array && second instanceof Kind) {
    const array = new PickledArray();
    fill(array, args[2] ?? null, second, args[3] === 'F', first);
    return array;
  }
  // Python 3 writes bytes so for protocol 2.
  if (what.name === '_codecs.encode' && typeof first === 'string') return Uint8Array.from(Buffer.from(first, 'latin1'));
  if (what.name === 'collections.OrderedDict' || what.name === 'builtins.dict') return new Map();
  return new Opaque(what.name);
}

function build(target: Pickled, state: Pickled): void {
  if (target instanceof Kind && Array.isArray(state) && typeof state[1] === 'string')
    target.order = state[1] === '=' ? '<' : state[1];
  else if (target instanceof PickledArray && Array.isArray(state)) {
    const [, shape, kind, isFortran, data] = state;
    if (kind instanceof Kind) fill(target, shape ?? null, kind, isFortran === true, data ?? null);
  }
}

function fill(array: PickledArray, shape: Pickled, kind: Kind, isFortran: boolean, data: Pickled): void {
  array.shape = Array.isArray(shape) ? shape.map(Number) : typeof shape === 'number' ? [shape] : [];
  const total = array.shape.reduce((product, size) => product * size, 1);
  if (Array.isArray(data)) {
    array.objects = data;
    return;
  }
  if (typeof data === 'string') data = Uint8Array.from(Buffer.from(data, 'latin1'));
  // Texts and records are not numbers; whoever wants numbers finds none.
  if (!(data instanceof Uint8Array) || !/^[<>|=]?[bifu]/.test(kind.text)) return;
  const values = numbersOfBytes(kind.kind, Buffer.from(data.buffer, data.byteOffset, data.byteLength), total);
  array.values = isFortran && array.shape.length > 1 ? rowMajor(values, array.shape) : values;
}

/** Values that lie along columns, along rows. */
export function rowMajor(values: ArrayLike<number>, shape: readonly number[]): Float64Array {
  const out = new Float64Array(values.length);
  const at = shape.map(() => 0);
  for (let i = 0; i < out.length; i += 1) {
    let [place, stride] = [0, 1];
    for (const [axis, size] of shape.entries()) {
      place += (at[axis] ?? 0) * stride;
      stride *= size;
    }
    out[i] = values[place] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      at[axis] = (at[axis] ?? 0) + 1;
      if ((at[axis] ?? 0) < (shape[axis] ?? 0)) break;
      at[axis] = 0;
    }
  }
  return out;
}

/** The value of a pickle that begins at `at`. @throws PickleError */
export function readPickle(bytes: Buffer, at = 0): Pickled {
  return new Machine(new Bytes(bytes, at)).run();
}
