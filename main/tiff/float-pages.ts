// SPDX-License-Identifier: MIT
import { open } from 'node:fs/promises';
import { AppError } from '../contract/index.ts';

/** Largest plain TIFF: its offsets have 32 bits. */
const longest = 2 ** 32 - 2 ** 16;
const entries = 11;

/** Pages of H × W floats. */
export interface FloatPages {
  readonly height: number;
  readonly width: number;
  readonly pages: number;
  readonly page: (index: number) => Float32Array | Promise<Float32Array>;
  /** Text of a page (ImageDescription), ASCII; none when it is left out. */
  readonly describe?: (index: number) => string;
  /** What mends it when the pages need more than a TIFF can hold. */
  readonly hint?: string;
}

/**
 * Writes uncompressed 32-bit float TIFF (TIFF 6.0, little-endian, one strip a page) and makes it durable; each page is its directory, its text and then its pixels.
 *
 * @throws AppError `usage.invalid` beyond 4 GB; the system's error
 */
export async function writeFloatPages(
  file: string,
  { height, width, pages, page, describe, hint }: FloatPages,
): Promise<void> {
  const size = height * width * 4;
  const texts = Array.from({ length: pages }, (_, n) => asText(describe?.(n)));
  const bytes = texts.map((text) => directoryBytes(text) + (text?.length ?? 0) + size);
  if (8 + bytes.reduce((sum, length) => sum + length, 0) > longest) {
    throw new AppError('usage.invalid', 'These pages need more than 4 GB as a TIFF, which it cannot hold.', { hint });
  }
  const out = await open(file, 'w');
  try {
    const header = Buffer.alloc(8);
    header.write('II', 'latin1');
    header.writeUInt16LE(42, 2);
    header.writeUInt32LE(pages === 0 ? 0 : 8, 4);
    await out.write(header);
    let at = 8;
    for (let index = 0; index < pages; index += 1) {
      const pixels = await page(index);
      const text = texts[index] ?? null;
      const next = at + (bytes[index] ?? 0);
      await out.write(directory(height, width, { at, text, next: index + 1 < pages ? next : 0 }));
      await out.write(new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength));
      at = next;
    }
    await out.sync();
  } finally {
    await out.close();
  }
}

/** A text as TIFF keeps it: ended by 0, and here of even length and longer than the four bytes that would lie in the entry itself. */
function asText(text: string | undefined): Buffer | null {
  if (text === undefined) return null;
  const bytes = Buffer.from(`${text.padEnd(4)}\0`, 'latin1');
  return bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(1)]);
}

const directoryBytes = (text: Buffer | null): number => 2 + (entries + (text === null ? 0 : 1)) * 12 + 4;

/** A page's directory (TIFF 6.0, section 2) and its text: entries by ascending tag, all values but the text inline. */
function directory(
  height: number,
  width: number,
  { at, text, next }: { readonly at: number; readonly text: Buffer | null; readonly next: number },
): Buffer {
  const [ascii, short, long] = [2, 3, 4];
  const length = directoryBytes(text);
  const textAt = at + length;
  const pixels = textAt + (text?.length ?? 0);
  const told: readonly (readonly [tag: number, type: number, count: number, value: number])[] = [
    [256, long, 1, width],
    [257, long, 1, height],
    [258, short, 1, 32],
    [259, short, 1, 1],
    [262, short, 1, 1],
    ...(text === null ? [] : [[270, ascii, text.length, textAt] as const]),
    [273, long, 1, pixels],
    [277, short, 1, 1],
    [278, long, 1, height],
    [279, long, 1, height * width * 4],
    [284, short, 1, 1],
    [339, short, 1, 3],
  ];
  const bytes = Buffer.alloc(length);
  bytes.writeUInt16LE(told.length, 0);
  for (const [i, [tag, type, count, value]] of told.entries()) {
    const entry = 2 + i * 12;
    bytes.writeUInt16LE(tag, entry);
    bytes.writeUInt16LE(type, entry + 2);
    bytes.writeUInt32LE(count, entry + 4);
    bytes.writeUInt32LE(value, entry + 8);
  }
  bytes.writeUInt32LE(next, length - 4);
  return text === null ? bytes : Buffer.concat([bytes, text]);
}
