// SPDX-License-Identifier: MIT
import { open } from 'node:fs/promises';
import { readAt } from '../../arrays/index.ts';
import { fileError } from '../../processing/index.ts';

/** Bytes of a file; fewer where it ends. @throws AppError `disk.io` */
export async function piece(place: string, from: number, count: number): Promise<Buffer> {
  try {
    const file = await open(place, 'r');
    try {
      const bytes = Buffer.alloc(count);
      return bytes.subarray(0, await readAt(file, bytes, from));
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(error, `opening ${place}`);
  }
}
