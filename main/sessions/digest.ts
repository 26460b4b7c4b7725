// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../contract/index.ts';
import type { ReadDevice, ReadSession } from './types.ts';

const piece = 64 * 1024;

/** Hash of a film's size, first and last 64 KiB: enough to know a file again, quick on any size. */
async function filmPrint(file: string, bytes: number): Promise<string> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw new AppError('media.io', `${path.basename(file)} cannot be read.`, { cause: error });
  });
  try {
    const hash = createHash('sha256').update(`${bytes}\n`);
    const buffer = Buffer.alloc(piece);
    for (const position of bytes <= piece ? [0] : [0, bytes - piece]) {
      const { bytesRead } = await handle.read(buffer, 0, piece, position);
      hash.update(buffer.subarray(0, bytesRead));
    }
    return hash.digest('hex');
  } finally {
    await handle.close();
  }
}

/**
 * What makes an import the same import: format, devices and prints of their films in order, wherever they lie. A bare film's frame rate
 * belongs to it, as nothing else tells its time. (The digest of decoded pixels is the engine's and is taken while it runs.)
 */
export async function importDigest(session: ReadSession, devices: readonly ReadDevice[]): Promise<string> {
  const hash = createHash('sha256').update(`calyx-import-1\n${session.format}\n`);
  for (const device of devices.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    hash.update(`device ${device.name}\n`);
    if (device.timeS === null) hash.update(`fps ${device.fps ?? 'unknown'}\n`);
    for (const film of device.films) hash.update(`${film.name} ${await filmPrint(film.path, film.bytes)}\n`);
  }
  return hash.digest('hex');
}
