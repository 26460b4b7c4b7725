// SPDX-License-Identifier: MIT
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';

/** How a file is hashed. */
export interface HashOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told after each piece how many bytes it had. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** Bytes of a piece: half a millisecond of hashing, so that the caller's loop stays free. */
const piece = 256 * 1024;

/** Adds the content of a file to a hash. @throws what the file system throws; an AbortError */
export async function hashFileInto(hash: Hash, file: string, options: HashOptions = {}): Promise<void> {
  const { signal, onBytes } = options;
  signal?.throwIfAborted();
  for await (const bytes of createReadStream(file, {
    highWaterMark: piece,
    ...(signal === undefined ? {} : { signal }),
  })) {
    hash.update(bytes as Buffer);
    onBytes?.((bytes as Buffer).length);
  }
}

/** SHA-256 of a file, 64 hex digits. @throws as {@link hashFileInto} */
export async function sha256OfFile(file: string, options: HashOptions = {}): Promise<string> {
  const hash = createHash('sha256');
  await hashFileInto(hash, file, options);
  return hash.digest('hex');
}

/** SHA-256 of a file or of all files of a folder, by name, size and content, in the order of their names. @throws as {@link hashFileInto} */
export async function sha256OfPlace(place: string, options: HashOptions = {}): Promise<string> {
  const hash = createHash('sha256');
  const add = async (file: string, name: string): Promise<void> => {
    const info = await stat(file);
    if (info.isDirectory()) {
      for (const entry of (await readdir(file)).sort()) await add(path.join(file, entry), `${name}/${entry}`);
    } else {
      hash.update(`${name}\n${info.size}\n`);
      await hashFileInto(hash, file, options);
    }
  };
  await add(place, '');
  return hash.digest('hex');
}
