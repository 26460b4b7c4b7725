// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { contentsName, headName, recordsName } from '../../main/travel/contents.ts';
import { checkPackage, stagePackage } from '../../main/travel/read-package.ts';
import { TarWriter } from '../../main/travel/tar.ts';
import { text, written } from './corpus.ts';
import type { Target } from './target.ts';

const watch = { signal: new AbortController().signal, progress: () => undefined };
const uuid = (n: number): string => `01900000-0000-7000-8000-00000000000${n}`;
const at = '2026-05-01T11:00:00.000Z';
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const run = text({ frames: 5 });
const trace = Buffer.from(Float32Array.of(1, 2, 3, 4, 5).buffer);
const head = text({
  formatVersion: 1,
  program: 'Calyx',
  packedAt: at,
  kind: 'run',
  runUuid: uuid(1),
  movie: 'none',
});
const records = text({
  runUuid: uuid(1),
  runName: 'run',
  sessionName: 'session',
  migrations: [1, 2],
  rows: [
    { table: 'run_array', values: { path: 'c.npy', sha256: sha256(trace), id: { row: 0 }, bytes: { int: '20' } } },
  ],
  judgements: {
    raters: [{ uuid: uuid(2), initials: 'JD', name: null, createdAt: at }],
    curations: [
      {
        uuid: uuid(3),
        ownerUuid: uuid(2),
        parentUuid: null,
        version: 1,
        createdAt: at,
        frozenAt: null,
        receivedAt: null,
        log: [
          {
            seq: 1,
            step: 1,
            kind: 'decide',
            target: null,
            raterUuid: uuid(2),
            cellUuid: uuid(4),
            from: 'undecided',
            to: 'accepted',
            at,
            context: '{}',
          },
        ],
        edits: [],
      },
    ],
    limits: [{ raterUuid: uuid(2), at, limits: { snr: 2 } }],
  },
});

/** A package of these parts: its hashes are right, whatever the parts hold. */
async function pack(file: string, given: { readonly head: Buffer; readonly records: Buffer }): Promise<void> {
  const handle = await open(file, 'w');
  try {
    const tar = new TarWriter(handle);
    const add = (name: string, bytes: Buffer): Promise<void> => tar.add(name, bytes.length, [bytes]);
    await add(headName, given.head);
    await add(recordsName, given.records);
    const files = [
      { name: 'run/run.json', path: 'run.json', bytes: run },
      { name: 'run/c.npy', path: 'c.npy', bytes: trace },
    ];
    for (const { name, bytes } of files) await add(name, bytes);
    const contents = text({
      head: sha256(given.head),
      records: sha256(given.records),
      files: files.map(({ name, path: inner, bytes }) => ({
        name,
        path: inner,
        belongs: { to: 'run' },
        bytes: bytes.length,
        sha256: sha256(bytes),
      })),
    });
    await add(contentsName, contents);
    await tar.end();
  } finally {
    await handle.close();
  }
}

/** Reads a package as unpacking does: checked from end to end, then its files written to their places. */
async function unpack(file: string, folder: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    const { contents } = await checkPackage(handle, watch);
    const places = Object.fromEntries(
      contents.files.map(({ name, sha256: hash }, i) => [
        name,
        { target: path.join(folder, 'staged', String(i)), sha256: hash },
      ]),
    );
    await stagePackage(handle, places, watch);
  } finally {
    await handle.close();
  }
}

/** Packages: the archive itself, and parts that were changed by somebody who made the hashes right again. */
export const travel: readonly Target[] = [
  {
    name: 'package',
    corpus: async () => [await written((folder) => pack(path.join(folder, 'run.calyx'), { head, records }))],
    read: async (folder, names) => {
      await unpack(path.join(folder, names[0] ?? ''), folder);
      return true;
    },
  },
  {
    name: 'package-records',
    corpus: () => [{ [headName]: head, [recordsName]: records }],
    read: async (folder) => {
      const file = path.join(folder, 'run.calyx');
      await pack(file, {
        head: await readFile(path.join(folder, headName)),
        records: await readFile(path.join(folder, recordsName)),
      });
      await unpack(file, folder);
      return true;
    },
  },
];
