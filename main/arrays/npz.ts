// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { decodeNpy, type NpyArray } from './npy.ts';
import { unopened, unreadable } from './unreadable.ts';

/**
 * SciPy's sparse archive (`scipy.sparse.save_npz`): a ZIP of NPY members, stored or deflated. Only the directory at the end of the
 * archive is trusted (PKWARE APPNOTE 4.3.12 and 4.3.16); archives beyond 4 GB are not written by the engine and not read here.
 */

const inflate = promisify(inflateRaw);

const endSignature = 0x0605_4b50;
const entrySignature = 0x0201_4b50;
const localSignature = 0x0403_4b50;
const endLength = 22;
const longestComment = 0xffff;

interface Member {
  readonly method: number;
  readonly packed: number;
  readonly unpacked: number;
  readonly localOffset: number;
}

/** Members of an archive by name. @throws AppError `disk.io` */
function directory(archive: Buffer, name: string): ReadonlyMap<string, Member> {
  let end = archive.length - endLength;
  const lowest = Math.max(0, end - longestComment);
  while (end >= lowest && archive.readUInt32LE(end) !== endSignature) end -= 1;
  if (end < lowest) throw unreadable(name, 'it is no archive');
  const count = archive.readUInt16LE(end + 10);
  let at = archive.readUInt32LE(end + 16);
  const members = new Map<string, Member>();
  for (let i = 0; i < count; i += 1) {
    if (at + 46 > archive.length || archive.readUInt32LE(at) !== entrySignature) {
      throw unreadable(name, 'its directory is damaged');
    }
    const nameLength = archive.readUInt16LE(at + 28);
    members.set(archive.toString('utf8', at + 46, at + 46 + nameLength), {
      method: archive.readUInt16LE(at + 10),
      packed: archive.readUInt32LE(at + 20),
      unpacked: archive.readUInt32LE(at + 24),
      localOffset: archive.readUInt32LE(at + 42),
    });
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return members;
}

async function unpack(archive: Buffer, member: Member, name: string): Promise<Buffer> {
  const at = member.localOffset;
  if (at + 30 > archive.length || archive.readUInt32LE(at) !== localSignature) throw unreadable(name, 'it is damaged');
  const start = at + 30 + archive.readUInt16LE(at + 26) + archive.readUInt16LE(at + 28);
  const packed = archive.subarray(start, start + member.packed);
  if (packed.length < member.packed) throw unreadable(name, 'it ends too early');
  if (member.method === 0) return packed;
  if (member.method !== 8)
    throw unreadable(name, `it is packed in a way (${member.method}) this program does not know`);
  try {
    return await inflate(packed, { maxOutputLength: Math.max(1, member.unpacked) });
  } catch (error) {
    throw unreadable(name, `it is damaged (${String(error)})`);
  }
}

async function open(path: string, name: string): Promise<(key: string) => Promise<NpyArray>> {
  let archive: Buffer;
  try {
    archive = await readFile(path);
  } catch (error) {
    throw unopened(name, error);
  }
  if (archive.length < endLength) throw unreadable(name, 'it is no archive');
  const members = directory(archive, name);
  return async (key) => {
    const member = members.get(`${key}.npy`);
    if (member === undefined) throw unreadable(name, `it holds no ${key}`);
    return decodeNpy(await unpack(archive, member, name), `${name}/${key}`).data;
  };
}

/** Reads arrays of an archive by name (`numpy.load`). @throws AppError `disk.io` */
export async function readNpz<K extends string>(
  path: string,
  keys: readonly K[],
  name: string = basename(path),
): Promise<Readonly<Record<K, NpyArray>>> {
  const array = await open(path, name);
  const pairs = await Promise.all(keys.map(async (key) => [key, await array(key)] as const));
  return Object.fromEntries(pairs) as Record<K, NpyArray>;
}

/** A `rows × columns` matrix of which only the non-zero values are kept: row k has the entries `indptr[k] … indptr[k + 1] − 1`. */
export interface SparseRows {
  readonly rows: number;
  readonly columns: number;
  readonly indptr: NpyArray;
  readonly indices: NpyArray;
  readonly data: NpyArray;
}

/** Reads a sparse matrix kept by rows. @throws AppError `disk.io` */
export async function readSparseRows(path: string, name: string = basename(path)): Promise<SparseRows> {
  const array = await open(path, name);
  const [shape, indptr, indices, data] = [
    await array('shape'),
    await array('indptr'),
    await array('indices'),
    await array('data'),
  ];
  const [rows = 0, columns = 0] = shape;
  const entries = indptr[rows];
  if (shape.length !== 2 || indptr.length !== rows + 1 || entries !== data.length || indices.length !== data.length) {
    throw unreadable(name, 'its parts do not belong together');
  }
  return { rows, columns, indptr, indices, data };
}
