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

/** A file of a folder with its hash. */
export interface HashedFile {
  /** Relative to the folder, forward slashes. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** All files of a folder with their hashes, in the order of their paths. @throws as {@link hashFileInto} */
export async function filesWithHashes(folder: string, signal?: AbortSignal): Promise<HashedFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .sort();
  const files: HashedFile[] = [];
  for (const inner of paths) {
    const file = path.join(folder, ...inner.split('/'));
    files.push({ path: inner, bytes: (await stat(file)).size, sha256: await sha256OfFile(file, { signal }) });
  }
  return files;
}
