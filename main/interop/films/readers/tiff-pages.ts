// SPDX-License-Identifier: MIT
import { open, type FileHandle } from 'node:fs/promises';
import { fileError } from '../../../processing/index.ts';
import { unreadable } from '../../results/check.ts';

/** Bytes of a value by its type (TIFF 6.0, section 2; BigTIFF adds 16 to 18). */
const typeBytes: Readonly<Record<number, number>> = {
  1: 1,
  2: 1,
  3: 2,
  4: 4,
  5: 8,
  6: 1,
  7: 1,
  8: 2,
  9: 4,
  10: 8,
  11: 4,
  12: 8,
  13: 4,
  16: 8,
  17: 8,
  18: 8,
};

/** Numbers of a TIFF, plain or BigTIFF, in its order of bytes. */
interface Form {
  readonly isBig: boolean;
  readonly short: (bytes: Buffer, at: number) => number;
  /** An offset or a count of values: 4 bytes, or 8 in a BigTIFF. */
  readonly wide: (bytes: Buffer, at: number) => number;
}

function formOf(head: Buffer): Form {
  const isBigEndian = head.toString('latin1', 0, 2) === 'MM';
  const short = (bytes: Buffer, at: number): number => (isBigEndian ? bytes.readUInt16BE(at) : bytes.readUInt16LE(at));
  const isBig = short(head, 2) === 43;
  return {
    isBig,
    short,
    wide: (bytes, at) =>
      isBig
        ? Number(isBigEndian ? bytes.readBigUInt64BE(at) : bytes.readBigUInt64LE(at))
        : isBigEndian
          ? bytes.readUInt32BE(at)
          : bytes.readUInt32LE(at),
  };
}

/**
 * Walks the list of pages before the reader of TIFFs does, which would follow it for ever where it leads back to itself, and make room for any number of tags and
 * values that the file claims.
 *
 * @throws AppError `interop.unreadable`, `disk.io`
 */
export async function checkPages(file: string): Promise<void> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw fileError(error, `opening ${file}`);
  });
  try {
    await walk(handle, file);
  } finally {
    await handle.close();
  }
}

async function walk(handle: FileHandle, file: string): Promise<void> {
  const { size } = await handle.stat();
  const bytesAt = async (offset: number, length: number): Promise<Buffer | null> => {
    if (offset + length > size) return null;
    const bytes = Buffer.alloc(length);
    await handle.read(bytes, 0, length, offset);
    return bytes;
  };
  const head = await bytesAt(0, 16);
  if (head === null) return;
  const { isBig, short, wide } = formOf(head);
  const [countBytes, entryBytes, wideBytes] = isBig ? [8, 20, 8] : [2, 12, 4];
  const seen = new Set<number>();
  for (let page = wide(head, isBig ? 8 : 4); page !== 0;) {
    const counted = await bytesAt(page, countBytes);
    // A list that ends with the file is told by the reader of TIFFs.
    if (counted === null) return;
    if (seen.has(page))
      throw unreadable(
        file,
        `its list of pages leads from page ${seen.size - 1} back to an earlier one; it is damaged.`,
      );
    seen.add(page);
    const entries = isBig ? wide(counted, 0) : short(counted, 0);
    const length = entries * entryBytes;
    const tags = await bytesAt(page + countBytes, length + wideBytes);
    if (tags === null)
      throw unreadable(file, `page ${seen.size - 1} would have ${entries} tags, more than the file holds.`);
    for (let at = 0; at < length; at += entryBytes) {
      const values = wide(tags, at + 4);
      if (values * (typeBytes[short(tags, at + 2)] ?? 1) > size)
        throw unreadable(
          file,
          `tag ${short(tags, at)} of page ${seen.size - 1} would have ${values} values, more than the file holds.`,
        );
    }
    page = wide(tags, length);
  }
}
