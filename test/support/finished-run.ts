// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { createInteropHandlers } from '../../main/interop/index.ts';
import { type Library, openLibrary } from '../../main/library/index.ts';
import type { RunArray } from '../../main/library/types.ts';
import { greyAvi } from './avi.ts';
import { newCells, newLibraryIn, newRun, newSession, temporaryFolder } from './library.ts';
import { npyBytes, writeRun, type WrittenRun } from './run-folder.ts';

/** A library with one finished run of three cells on 30 × 40 pixels, its films and its head orientation, and what exports it. */
export interface FinishedRun {
  readonly library: Library;
  readonly runUuid: string;
  readonly sessionUuid: string;
  readonly folder: string;
  readonly films: string;
  readonly written: WrittenRun;
  readonly interop: ReturnType<typeof createInteropHandlers>;
}

const frames = 1500;

/** Cell 0 is accepted by a person, cell 1 has no pixel, cell 2 is not suggested; the last ten frames have no time. */
export async function finishedRunOnDisk(subject = 'm1'): Promise<FinishedRun> {
  const root = temporaryFolder('calyx-interop-');
  const films = path.join(root, 'session', 'Miniscope');
  mkdirSync(films, { recursive: true });
  writeFileSync(path.join(films, '0.avi'), greyAvi(1000, 30, 40));
  writeFileSync(path.join(films, '1.avi'), greyAvi(500, 30, 40));
  const orientation = Array.from({ length: 50 }, (_, i) => `${i * 50 - 25 + (i % 3)},0.5,0.5,0.5,${i === 7 ? 0 : 0.5}`);
  writeFileSync(path.join(films, 'headOrientation.csv'), `Time Stamp (ms),qw,qx,qy,qz\n${orientation.join('\n')}\n`);
  writeFileSync(path.join(root, 'session', 'notes.csv'), 'Time Stamp (ms), Note\n1200,mouse turned around\n');
  writeFileSync(
    path.join(root, 'session', 'metaData.json'),
    JSON.stringify({ researcherName: 'Doe, Jane', experimentName: 'open field' }),
  );
  const library = await openLibrary({ directory: newLibraryIn(path.join(root, 'library')) });
  onTestFinished(() => library.close());
  const { session } = await library.sessions.insert(newSession(1, { folder: path.join(root, 'session'), subject }));
  const recording = session.recordings[0];
  if (recording === undefined) throw new Error('the session has no recording');
  const { uuid } = await library.runs.create(newRun(recording.uuid));
  await library.runs.claim({ runUuid: uuid });
  const folder = library.runFolder(uuid);
  const written = writeRun(folder, { frames, pyramid: false });
  addArrays(folder, written);
  await library.runs.finish(uuid, { cells: newCells(3), arrays: arraysOnDisk(folder) });
  const rater = await library.curation.addRater({ initials: 'JD' });
  const [first] = await library.runs.cells(uuid);
  if (first === undefined) throw new Error('the run has no cells');
  await library.curation.decide({
    runUuid: uuid,
    raterUuid: rater.uuid,
    cellUuids: [first.uuid],
    to: 'accepted',
    context: {},
  });
  const interop = createInteropHandlers({ library, exportNpy: () => Promise.reject(new Error('not asked for')) });
  return { library, runUuid: uuid, sessionUuid: session.uuid, folder, films, written, interop };
}

/** The arrays a run of today’s engine has and `writeRun` leaves out: dff = raw / 10, deconvolved = max(raw, 0), motion, flags. */
function addArrays(folder: string, { traces }: WrittenRun): void {
  const all = (of: (value: number) => number): Float32Array =>
    Float32Array.from(traces.flatMap((trace) => Array.from(trace, of)));
  const files = {
    'traces/dff.npy': npyBytes(
      [3, frames],
      all((value) => value / 10),
    ),
    'traces/deconvolved.npy': npyBytes(
      [3, frames],
      all((value) => Math.max(0, value)),
    ),
    'motion.npy': npyBytes(
      [frames, 2],
      Float32Array.from({ length: frames * 2 }, (_, i) => (i % 2 === 0 ? i / 1000 : -3)),
    ),
    'frame_flags.npy': npyBytes(
      [frames],
      Uint32Array.from({ length: frames }, (_, t) => (t >= frames - 10 ? 64 : 0)),
    ),
  };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(folder, name), bytes);
  const manifest = JSON.parse(readFileSync(path.join(folder, 'run.json'), 'utf8')) as { files: object[] };
  manifest.files.push(...Object.keys(files).map((name) => ({ path: name })));
  writeFileSync(path.join(folder, 'run.json'), JSON.stringify(manifest));
}

/** The files of a run folder as the library lists them. */
function arraysOnDisk(folder: string): RunArray[] {
  const { files } = JSON.parse(readFileSync(path.join(folder, 'run.json'), 'utf8')) as { files: { path: string }[] };
  return files
    .filter((file) => file.path.endsWith('.npy'))
    .map((file) => {
      const bytes = readFileSync(path.join(folder, file.path));
      return {
        path: file.path,
        dtype: '<f4',
        shape: [],
        bytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      };
    });
}

/** What a handler is called with. */
export const localCall = { signal: new AbortController().signal, audience: 'local' } as const;
