// SPDX-License-Identifier: MIT
import { createHash, type Hash } from 'node:crypto';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import type { z } from 'zod';
import { AppError } from '../contract/errors.ts';
import {
  Contents,
  contentsName,
  Head,
  headName,
  mostJson,
  packageVersion,
  type PackedFile,
  parsed,
  Records,
  recordsName,
} from './contents.ts';
import type { CheckedPackage, TravelJob } from './job.ts';
import { damaged, hashed, meter, type Watch } from './stream.ts';
import { type TarEntry, tarEntries } from './tar.ts';

async function whole(entry: TarEntry, hash: Hash, watch: Watch): Promise<Buffer> {
  if (entry.size > mostJson) throw damaged(`${entry.name} is too large`);
  const bytes = Buffer.alloc(entry.size);
  let at = 0;
  for await (const piece of hashed(watch, entry.pieces(), hash, () => undefined)) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function mustBeReadable(head: { readonly formatVersion: number }): void {
  if (head.formatVersion <= packageVersion) return;
  throw new AppError(
    'travel.newer',
    `This package has form ${head.formatVersion}; this program reads up to ${packageVersion}.`,
    {
      hint: 'Update Calyx to unpack it.',
    },
  );
}

/** Reads a package from end to end and compares every byte with what it says of itself. @throws AppError `travel.damaged`, `travel.newer`, `rpc.cancelled` */
export async function checkPackage(file: FileHandle, watch: Watch): Promise<CheckedPackage> {
  const onBytes = meter(watch, 'check', (await file.stat()).size);
  const sums = new Map<string, { readonly sha256: string; readonly bytes: number }>();
  let head: z.infer<typeof Head> | undefined;
  let records: z.infer<typeof Records> | undefined;
  let contents: Contents | undefined;
  for await (const entry of tarEntries(file)) {
    if (contents !== undefined || sums.has(entry.name)) throw damaged(`${entry.name} stands where it should not`);
    if (head === undefined && entry.name !== headName) throw damaged(`it does not begin with ${headName}`);
    const hash = createHash('sha256');
    if ([headName, recordsName, contentsName].includes(entry.name)) {
      const bytes = await whole(entry, hash, watch);
      if (entry.name === headName) {
        // A newer form may say more; its number is all that is asked of it.
        mustBeReadable(parsed(Head.pick({ formatVersion: true }), headName, bytes));
        head = parsed(Head, headName, bytes);
      } else if (entry.name === recordsName) records = parsed(Records, recordsName, bytes);
      else contents = parsed(Contents, contentsName, bytes);
    } else for await (const bytes of hashed(watch, entry.pieces(), hash, onBytes)) void bytes;
    sums.set(entry.name, { sha256: hash.digest('hex'), bytes: entry.size });
  }
  if (head === undefined || records === undefined || contents === undefined) throw damaged('a part of it is missing');
  const said = [
    { name: headName, sha256: contents.head, bytes: null },
    { name: recordsName, sha256: contents.records, bytes: null },
    ...contents.files,
  ];
  for (const { name, sha256, bytes } of said) {
    const found = sums.get(name);
    if (found === undefined) throw damaged(`${name} is missing`);
    if (found.sha256 !== sha256 || (bytes !== null && found.bytes !== bytes))
      throw damaged(`${name} is not what was packed`);
  }
  if (new Set(said.map(({ name }) => name)).size !== sums.size - 1) throw damaged('it holds more than it tells of');
  if (head.runUuid !== records.runUuid) throw damaged('its parts are of two runs');
  mustAgree(records, contents.files, head.kind === 'decisions');
  const names = { run: records.runName, session: records.sessionName };
  return { head, records: JSON.stringify(records), names, contents };
}

/** The rows name the run's files by their hashes, and so does the package: a run whose files are not its own is not taken. */
function mustAgree({ rows }: z.infer<typeof Records>, files: readonly PackedFile[], decisionsOnly: boolean): void {
  if (decisionsOnly) return;
  const hashes = new Map(
    files.filter(({ belongs }) => belongs.to === 'run').map(({ path: inner, sha256 }) => [inner, sha256]),
  );
  const wrong = rows.find(
    ({ table, values }) => table === 'run_array' && hashes.get(textOf(values['path'])) !== values['sha256'],
  );
  if (wrong !== undefined || !hashes.has('run.json'))
    throw damaged(`${textOf(wrong?.values['path']) || 'run.json'} is not the run’s`);
}

/** A value of a row where it is a text; empty otherwise. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Writes entries to their places, which must be free. @throws AppError `travel.damaged`, `rpc.cancelled`; what the file system says */
export async function stagePackage(
  file: FileHandle,
  places: Extract<TravelJob, { readonly type: 'stage' }>['places'],
  watch: Watch,
): Promise<null> {
  const onBytes = meter(watch, 'unpack', (await file.stat()).size);
  for await (const entry of tarEntries(file)) {
    const place = places[entry.name];
    if (place === undefined) continue;
    await mkdir(path.dirname(place.target), { recursive: true });
    const hash = createHash('sha256');
    const target = await open(place.target, 'wx');
    try {
      for await (const bytes of hashed(watch, entry.pieces(), hash, onBytes)) await target.appendFile(bytes);
      await target.sync();
    } finally {
      await target.close();
    }
    if (hash.digest('hex') !== place.sha256) throw damaged(`${entry.name} changed while it was read`);
  }
  return null;
}
