// SPDX-License-Identifier: MIT
import { open } from 'node:fs/promises';
import { fileError } from '../../processing/index.ts';

/** Bytes of a file; fewer where it ends. @throws AppError `disk.io` */
export async function piece(place: string, from: number, count: number): Promise<Buffer> {
  try {
    const file = await open(place, 'r');
    try {
      const bytes = Buffer.alloc(count);
      let done = 0;
      while (done < count) {
        const { bytesRead } = await file.read(bytes, done, count - done, from + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return bytes.subarray(0, done);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(error, `opening ${place}`);
  }
}
