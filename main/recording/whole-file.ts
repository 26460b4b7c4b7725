// SPDX-License-Identifier: MIT
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Disk } from './disk.ts';

/**
 * Writes a file under another name, makes it durable and gives it its name: whoever looks, and whatever fails, it is whole or not there.
 *
 * @param disk makes the name durable too
 * @throws the system's error; nothing of the file stays then
 */
export async function writeWholeFile(
  file: string,
  content: string | Uint8Array,
  disk?: Pick<Disk, 'syncFolder'>,
): Promise<void> {
  const temporary = `${file}.tmp`;
  try {
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  await disk?.syncFolder(path.dirname(file));
}
