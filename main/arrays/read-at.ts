// SPDX-License-Identifier: MIT
import type { FileHandle } from 'node:fs/promises';

/** Fills a buffer from a place of a file, in as many reads as the system needs; gives how many bytes there were, fewer where the file ends. */
export async function readAt(file: FileHandle, into: Uint8Array, at: number): Promise<number> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await file.read(into, done, into.length - done, at + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}
