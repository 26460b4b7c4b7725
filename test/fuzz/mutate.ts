// SPDX-License-Identifier: MIT

/** Random numbers from a seed (mulberry32): the same seed, the same damage. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 … 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  pick<T>(list: readonly T[]): T {
    const chosen = list[this.below(list.length)];
    if (chosen === undefined) throw new Error('nothing to choose from');
    return chosen;
  }
}

/** Numbers at which arithmetic goes wrong. */
const edges = [
  0, 1, 2, 3, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
];
/** Texts at which readers of numbers and tables go wrong. */
const words = [
  '',
  '-1',
  '0',
  '1e308',
  '-1e999',
  'NaN',
  'Infinity',
  'null',
  '"',
  ',',
  ',,,',
  '\n',
  '\r\n',
  ' ',
  '18446744073709551616',
  '4294967296',
  '2147483648',
  '[',
  '{',
  '}',
  ']',
  '\u0000',
  '\ufeff',
  '🐁',
];

/** A file with one to eight places of damage: flipped bits, edge numbers, cuts, doubled and moved pieces, words. */
export function damaged(bytes: Uint8Array, dice: Dice): Buffer {
  let out: Buffer = Buffer.from(bytes);
  for (let n = 1 + dice.below(8); n > 0 && out.length > 0; n -= 1) out = damage(out, dice);
  return out;
}

function damage(bytes: Buffer, dice: Dice): Buffer {
  const at = dice.below(bytes.length);
  const length = Math.min(bytes.length - at, 1 + dice.below(dice.below(4) === 0 ? bytes.length : 16));
  switch (dice.below(9)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << dice.below(8));
      return bytes;
    case 1:
      bytes[at] = dice.below(256);
      return bytes;
    case 2:
      return edge(bytes, at, dice);
    case 3:
      return bytes.subarray(0, at);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    case 5:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at)]);
    case 6:
      bytes.copy(bytes, dice.below(bytes.length), at, at + length);
      return bytes;
    case 7:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(dice.pick(words)), bytes.subarray(at + dice.below(6))]);
    default:
      return numberInText(bytes, at, dice);
  }
}

/** An edge number as 8, 16, 32 or 64 bits, either order of bytes. */
function edge(bytes: Buffer, at: number, dice: Dice): Buffer {
  const value = dice.pick(edges) + (dice.below(3) - 1);
  const size = dice.pick([1, 2, 4, 8]);
  if (at + size > bytes.length) return bytes;
  const number = Buffer.alloc(8);
  number.writeBigInt64LE(dice.below(4) === 0 ? -BigInt(value) : BigInt(value));
  const part = number.subarray(0, size);
  (dice.below(2) === 0 ? part : Buffer.from(part).reverse()).copy(bytes, at);
  return bytes;
}

/** Another number in the place of one that is written in digits. */
function numberInText(bytes: Buffer, from: number, dice: Dice): Buffer {
  const text = bytes.toString('latin1');
  const found = /-?\d+(\.\d+)?/.exec(text.slice(from));
  if (found === null) return bytes;
  const at = from + found.index;
  const other = dice.below(2) === 0 ? dice.pick(words) : String(dice.pick(edges) - dice.below(3));
  return Buffer.from(text.slice(0, at) + other + text.slice(at + found[0].length), 'latin1');
}
