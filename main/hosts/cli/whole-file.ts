// SPDX-License-Identifier: MIT
import { rename, rm, writeFile } from 'node:fs/promises';
import { AppError } from '../../contract/index.ts';

/** A whole file or none. @throws AppError `disk.io` */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${file}.tmp-${process.pid}`;
  try {
    await writeFile(temporary, content);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new AppError('disk.io', `${file} could not be written: ${String(error)}`, { cause: error });
  }
}
