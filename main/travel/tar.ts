// SPDX-License-Identifier: MIT
import type { FileHandle } from 'node:fs/promises';
import { readAt } from '../arrays/index.ts';
import { AppError } from '../contract/errors.ts';
import { damaged } from './stream.ts';

/**
 * A POSIX tar archive (ustar) of plain files with ASCII names below 100 bytes: any program can open it. Sizes of 8 GiB and more are written
 * in base 256, as GNU tar does.
 */

const block = 512;
/** Bytes moved at once. */
const piece = 256 * 1024;
const name = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,98}$/;

function header(entry: string, size: number): Buffer {
  if (!name.test(entry)) throw new AppError('rpc.internal', `“${entry}” cannot be a name in a package.`);
  const bytes = Buffer.alloc(block);
  bytes.write(entry, 0, 'ascii');
  bytes.write('0000644\u00000000000\u00000000000\0', 100, 'ascii');
  if (size < 8 ** 11) bytes.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'ascii');
  else {
    bytes[124] = 0x80;
    bytes.writeBigUInt64BE(BigInt(size), 128);
  }
  bytes.write('00000000000\0        0', 136, 'ascii');
  bytes.write('ustar\x0000', 257, 'ascii');
  bytes.write(`${sumOf(bytes).toString(8).padStart(6, '0')}\0 `, 148, 'ascii');
  return bytes;
}

/** Sum of a header's bytes, its own field counted as spaces. */
function sumOf(bytes: Buffer): number {
  let sum = 0;
  for (const [i, byte] of bytes.entries()) sum += i >= 148 && i < 156 ? 32 : byte;
  return sum;
}

const padding = (size: number): number => (block - (size % block)) % block;

/** Writes an archive from front to end. */
export class TarWriter {
  readonly #file: FileHandle;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** @param pieces - exactly `size` bytes in all. @throws AppError `disk.io` when there are more or fewer */
  async add(entry: string, size: number, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    await this.#file.appendFile(header(entry, size));
    let written = 0;
    for await (const bytes of pieces) {
      written += bytes.length;
      if (written > size) break;
      await this.#file.appendFile(bytes);
    }
    if (written !== size)
      throw new AppError('disk.io', `${entry} changed while it was packed; nothing was written.`, {
        hint: 'Pack again when nothing writes to it.',
        retryable: true,
      });
    await this.#file.appendFile(Buffer.alloc(padding(size)));
  }

  /** The end of an archive: two empty blocks. */
  async end(): Promise<void> {
    await this.#file.appendFile(Buffer.alloc(2 * block));
  }
}

/** An entry while it is the current one. */
export interface TarEntry {
  readonly name: string;
  readonly size: number;
  /** Its bytes in pieces, valid until the next is asked for. */
  readonly pieces: () => AsyncGenerator<Uint8Array>;
}

function entryOf(bytes: Buffer): { readonly name: string; readonly size: number } {
  const text = (from: number, length: number): string =>
    bytes.toString('latin1', from, from + length).replace(/[\0 ].*$/s, '');
  if (Number.parseInt(text(148, 8), 8) !== sumOf(bytes)) throw damaged('the head of an entry is not whole');
  const entry = text(0, 100);
  const kind = bytes.toString('latin1', 156, 157);
  if (bytes.toString('latin1', 257, 262) !== 'ustar' || kind !== '0' || !name.test(entry) || entry.includes('..'))
    throw damaged('it holds an entry that is no plain file of a package');
  const size = (bytes[124] ?? 0) & 0x80 ? Number(bytes.readBigUInt64BE(128)) : Number.parseInt(text(124, 12), 8);
  if (!Number.isSafeInteger(size) || size < 0) throw damaged(`the size of ${entry} cannot be`);
  return { name: entry, size };
}

/**
 * The entries of an archive in order.
 *
 * @throws AppError `travel.damaged` for anything that is not such an archive, whole to its end
 */
export async function* tarEntries(file: FileHandle): AsyncGenerator<TarEntry> {
  const { size: total } = await file.stat();
  const head = Buffer.alloc(block);
  let at = 0;
  for (;;) {
    if ((await readAt(file, head, at)) < block) throw damaged('its end is missing');
    if (head.every((byte) => byte === 0)) return;
    const { name: entry, size } = entryOf(head);
    const begin = at + block;
    if (begin + size > total) throw damaged(`${entry} is cut off`);
    yield {
      name: entry,
      size,
      pieces: async function* pieces() {
        const buffer = Buffer.alloc(Math.min(piece, size));
        for (let done = 0; done < size;) {
          const part = buffer.subarray(0, Math.min(piece, size - done));
          if ((await readAt(file, part, begin + done)) < part.length) throw damaged(`${entry} is cut off`);
          done += part.length;
          yield part;
        }
      },
    };
    at = begin + size + padding(size);
  }
}
