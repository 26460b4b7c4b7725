// SPDX-License-Identifier: MIT
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Hdf5Writer } from '../../main/interop/hdf5.ts';
import { repositoryRoot } from '../support/shared.ts';
import type { Files } from './target.ts';

/** Frames of 6 × 4 pixels, different everywhere. */
export const [width, height, frames] = [6, 4, 5];
export const page = (frame: number): number[] =>
  Array.from({ length: height * width }, (_, i) => 300 * frame + 20 * Math.floor(i / width) + (i % width));

export const text = (content: string | object): Buffer =>
  Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));

/** What a writer leaves in a fresh folder. */
export async function written(write: (folder: string) => Promise<void>): Promise<Files> {
  const folder = mkdtempSync(path.join(tmpdir(), 'calyx-fuzz-corpus-'));
  try {
    await write(folder);
    const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return Object.fromEntries(
      names.map((entry) => {
        const file = path.join(entry.parentPath, entry.name);
        return [path.relative(folder, file), readFileSync(file)];
      }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An HDF5 file. */
export async function hdf5(name: string, fill: (file: Hdf5Writer) => void): Promise<Files> {
  return await written(async (folder) => {
    const file = await Hdf5Writer.create(path.join(folder, name));
    fill(file);
    file.close();
  });
}

/** A fixture of the tests, unpacked. */
export function fixture(name: string): Buffer {
  return gunzipSync(readFileSync(path.join(repositoryRoot, 'test', 'fixtures', name)));
}

/** Inscopix: values, then a footer of JSON and its length. */
export function isxd(values: readonly Uint8Array[], footer: object): Buffer {
  const json = text(footer);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([...values, json, Buffer.alloc(1), length]);
}

/** A MAT 5 file of real matrices (double) of these sizes, each small. */
export function mat5(variables: Readonly<Record<string, readonly number[]>>): Buffer {
  const header = Buffer.alloc(128);
  header.write('MATLAB 5.0 MAT-file, for tests'.padEnd(116), 'latin1');
  header.writeUInt16LE(0x0100, 124);
  header.write('IM', 126, 'latin1');
  const element = (type: number, content: Buffer): Buffer => {
    const tag = Buffer.alloc(8);
    tag.writeUInt32LE(type, 0);
    tag.writeUInt32LE(content.length, 4);
    return Buffer.concat([tag, content, Buffer.alloc((8 - (content.length % 8)) % 8)]);
  };
  const words = (...values: readonly number[]): Buffer => Buffer.from(Int32Array.from(values).buffer);
  const matrices = Object.entries(variables).map(([name, shape]) =>
    element(
      14,
      Buffer.concat([
        element(6, words(6, 0)),
        element(5, words(...shape)),
        element(1, Buffer.from(name, 'latin1')),
        element(
          9,
          Buffer.from(
            Float64Array.from({ length: shape.reduce((product, size) => product * size, 1) }, (_, i) => i / 4).buffer,
          ),
        ),
      ]),
    ),
  );
  return Buffer.concat([header, ...matrices]);
}
