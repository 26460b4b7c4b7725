// SPDX-License-Identifier: MIT

/** Kinds of grey pixels. */
export type TiffPixels = Uint8Array | Uint16Array | Float32Array;

export interface TiffOptions {
  readonly height: number;
  readonly width: number;
  readonly pages: readonly TiffPixels[];
  /** 64-bit offsets. */
  readonly big?: boolean;
  readonly bigEndian?: boolean;
  readonly description?: string;
  /** Only the first page is listed, as ImageJ does beyond 4 GB. */
  readonly listFirstOnly?: boolean;
  readonly samples?: number;
}

/** A TIFF file as bytes: the pages' pixels first, one strip each, then the list of pages. */
export function tiffBytes(options: TiffOptions): Buffer {
  const { height, width, pages, big = false, bigEndian = false, description = '', samples = 1 } = options;
  const each = pages[0]?.BYTES_PER_ELEMENT ?? 1;
  const isFloat = pages[0] instanceof Float32Array;
  const header = big ? 16 : 8;
  const text = Buffer.from(`${description}\0`, 'latin1');
  const pageBytes = height * width * each * samples;
  const listed = options.listFirstOnly === true ? pages.slice(0, 1) : pages;
  const entries = 10 + (description === '' ? 0 : 1);
  const ifdBytes = big ? 8 + 20 * entries + 8 : 2 + 12 * entries + 4;
  const out = Buffer.alloc(header + pages.length * pageBytes + text.length + listed.length * ifdBytes);
  const u16 = (value: number, at: number): unknown =>
    bigEndian ? out.writeUInt16BE(value, at) : out.writeUInt16LE(value, at);
  const u32 = (value: number, at: number): unknown =>
    bigEndian ? out.writeUInt32BE(value, at) : out.writeUInt32LE(value, at);
  const offset = (value: number, at: number): void => {
    if (!big) u32(value, at);
    else if (bigEndian) out.writeBigUInt64BE(BigInt(value), at);
    else out.writeBigUInt64LE(BigInt(value), at);
  };
  for (const [index, page] of pages.entries()) {
    const bytes = Buffer.from(Uint8Array.from(new Uint8Array(page.buffer, page.byteOffset, page.byteLength)));
    if (bigEndian && each === 2) bytes.swap16();
    if (bigEndian && each === 4) bytes.swap32();
    bytes.copy(out, header + index * pageBytes);
  }
  const textAt = header + pages.length * pageBytes;
  text.copy(out, textAt);
  const firstIfd = textAt + text.length;
  out.write(bigEndian ? 'MM' : 'II', 0, 'latin1');
  u16(big ? 43 : 42, 2);
  if (big) {
    u16(8, 4);
    offset(firstIfd, 8);
  } else u32(firstIfd, 4);
  for (const [index] of listed.entries()) {
    let at = firstIfd + index * ifdBytes;
    if (big) offset(entries, at);
    else u16(entries, at);
    at += big ? 8 : 2;
    const entry = (tag: number, type: 2 | 3 | 4, value: number, count = 1): void => {
      u16(tag, at);
      u16(type, at + 2);
      if (big) offset(count, at + 4);
      else u32(count, at + 4);
      const place = at + (big ? 12 : 8);
      if (type === 3) u16(value, place);
      else if (type === 4) u32(value, place);
      else offset(value, place);
      at += big ? 20 : 12;
    };
    entry(256, 4, width);
    entry(257, 4, height);
    entry(258, 3, 8 * each);
    entry(259, 3, 1);
    entry(262, 3, 1);
    if (description !== '') entry(270, 2, textAt, text.length);
    entry(273, 4, header + index * pageBytes);
    entry(277, 3, samples);
    entry(278, 4, height);
    entry(279, 4, pageBytes);
    entry(339, 3, isFloat ? 3 : 1);
    offset(index + 1 < listed.length ? firstIfd + (index + 1) * ifdBytes : 0, at);
  }
  return out;
}
