// SPDX-License-Identifier: MIT
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { greyPng } from '../arrays/index.ts';
import { AppError } from '../contract/index.ts';
import { writeWholeFile } from '../recording/index.ts';

/** Saves a frame as it came; whole or not at all. @throws AppError `disk.io` */
export async function savePicture(
  file: string,
  pixels: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeWholeFile(file, greyPng(pixels, width, height));
  } catch (cause) {
    throw new AppError('disk.io', `${path.basename(file)} cannot be written.`, { cause });
  }
}
