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
import { workflowCsv } from './workflow-csv.ts';
import { npyBytes, writeRun, type WrittenRun, zipBytes } from './run-folder.ts';

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
export async function finishedRunOnDisk(
  subject = 'm1',
  options: { readonly two?: boolean } = {},
): Promise<FinishedRun> {
  const root = temporaryFolder('calyx-interop-');
  const films = path.join(root, 'session', 'Miniscope');
  mkdirSync(films, { recursive: true });
  writeFileSync(path.join(films, '0.avi'), greyAvi(1000, 30, 40));
  writeFileSync(path.join(films, '1.avi'), greyAvi(500, 30, 40));
  const orientation = Array.from({ length: 50 }, (_, i) => `${i * 50 - 25 + (i % 3)},0.5,0.5,0.5,${i === 7 ? 0 : 0.5}`);
  writeFileSync(path.join(films, 'headOrientation.csv'), `Time Stamp (ms),qw,qx,qy,qz\n${orientation.join('\n')}\n`);
  writeFileSync(path.join(films, 'calyxFrames.csv'), frameTable());
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
  const inputs = [{ recordingUuid: recording.uuid, firstFrame: 0, lastFrame: options.two === true ? 899 : null }];
  if (options.two === true) inputs.push(await secondRecording(library, path.join(root, 'second'), subject));
  const { uuid } = await library.runs.create(newRun(recording.uuid, { inputs }));
  await library.runs.claim({ runUuid: uuid });
  const folder = library.runFolder(uuid);
  const written = writeRun(folder, { frames, pyramid: false });
  addArrays(folder, written);
  if (options.two === true) timesOfTwo(folder, films);
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

/** Where the second recording's films begin to be used; it began an hour after the first. */
const secondFirst = 100;

/** Times of the frames of a recording's films, s: not quite regular. */
const filmTime = (frame: number): number => frame * 0.05 + (frame % 7) * 0.001;

/** `timeStamps.csv` of a device's folder. */
function writeTimeStamps(folder: string, count: number): void {
  const rows = Array.from({ length: count }, (_, t) => `${t},${Math.round(filmTime(t) * 1000)},0`);
  writeFileSync(path.join(folder, 'timeStamps.csv'), `Frame Number,Time Stamp (ms),Buffer Index\n${rows.join('\n')}\n`);
}

/** A recording of an hour later, by another scope and another person, of 700 frames of which the run uses the last 600. */
async function secondRecording(library: Library, session: string, subject: string) {
  const films = path.join(session, 'Scope_2');
  mkdirSync(films, { recursive: true });
  writeFileSync(path.join(films, '0.avi'), greyAvi(400, 30, 40));
  writeFileSync(path.join(films, '1.avi'), greyAvi(300, 30, 40));
  writeTimeStamps(films, 700);
  const orientation = Array.from({ length: 30 }, (_, i) => `${i * 60 + (i % 3)},0.5,0.5,-0.5,0.5`);
  writeFileSync(path.join(films, 'headOrientation.csv'), `Time Stamp (ms),qw,qx,qy,qz\n${orientation.join('\n')}\n`);
  const rows = Array.from({ length: 700 }, (_, t) => `${t},${t >= 120 && t < 130 ? '01' : '00'}`);
  writeFileSync(path.join(films, 'calyxFrames.csv'), `Frame Number,Inputs\n${rows.join('\n')}\n`);
  writeFileSync(path.join(session, 'notes.csv'), 'Time Stamp (ms), Note\n2500,second round\n');
  writeFileSync(path.join(session, 'metaData.json'), JSON.stringify({ researcherName: 'Roe, Kim' }));
  const made = newSession(0, { folder: session, subject });
  const files = [
    { path: 'Scope_2/0.avi', frames: 400, bytes: 2000 },
    { path: 'Scope_2/1.avi', frames: 300, bytes: 1000 },
  ];
  const inserted = await library.sessions.insert({
    ...made,
    recordings: made.recordings.map((recording) =>
      Object.assign({}, recording, { device: 'Scope 2', frames: 700, files }),
    ),
  });
  const recordingUuid = inserted.session.recordings[0]?.uuid ?? '';
  return { recordingUuid, firstFrame: secondFirst, lastFrame: null };
}

/** A run of 900 frames of the first recording and 600 of the second: each on its own clock, as the engine writes them. */
function timesOfTwo(folder: string, films: string): void {
  writeTimeStamps(films, 1500);
  const times = Float64Array.from({ length: frames }, (_, t) => filmTime(t < 900 ? t : t - 900 + secondFirst));
  times[905] = Number.NaN;
  writeFileSync(path.join(folder, 'time.npy'), npyBytes([frames], times));
  const file = path.join(folder, 'run.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as object;
  const inputs = [
    { firstSample: 0, frames: 900, fps: 20 },
    { firstSample: 900, frames: 600, fps: 20 },
  ];
  writeFileSync(file, JSON.stringify({ ...manifest, inputs }));
}

/** The second input of the board is high in frames 100 to 119 and from 1490 on; frame 110 was not read. */
function frameTable(): string {
  const inputs = (t: number): string => (t === 110 ? '' : t >= 1490 || (t >= 100 && t < 120) ? '01' : '00');
  const rows = Array.from({ length: frames }, (_, t) => `${t},${t},${t}000,${t}500,${t * 50},${inputs(t)},0`);
  return `Frame Number,Raw Counter,First Payload (ns),Last Payload (ns),Device Time (ms),Inputs,Lost Before\n${rows.join('\n')}\n`;
}

/** Cell 0 has an event, then cell 2; times are those of a recording of 20 frames a second that began a frame before its clock. */
export function eventsArchive(
  onset: readonly number[] = [40, 20],
  peak: readonly number[] = [44, 25],
  end: readonly number[] = [60, 30],
): Buffer {
  const column = (...values: readonly number[]): Buffer => npyBytes([2], Int32Array.from(values));
  const floats = (...values: readonly number[]): Buffer => npyBytes([2], Float32Array.from(values));
  const times = (...frames: readonly number[]): Buffer =>
    npyBytes(
      [2],
      Float64Array.from(frames, (frame) => frame / 20 - 0.05),
    );
  return zipBytes(
    {
      'cell.npy': column(0, 2),
      'onset.npy': column(...onset),
      'peak.npy': column(...peak),
      'end.npy': column(...end),
      'onset_time.npy': times(...onset),
      'peak_time.npy': times(...peak),
      'end_time.npy': times(...end),
      'amplitude.npy': floats(12, 7),
      'amplitude_sigma.npy': floats(6, 4.5),
      'amplitude_dff.npy': floats(1.2, 0.7),
    },
    'stored',
  );
}

/** A background on a grid of 15 × 20 pixels of 2 × 2, shared by blocks of 10 × 10 pixels in two courses. */
function backgroundFiles(): Record<string, Buffer> {
  const geometry = {
    bin: 2,
    height: 15,
    width: 20,
    top: 0,
    left: 0,
    factor: 5,
    coarseHeight: 3,
    coarseWidth: 4,
    courses: 2,
  };
  const floats = (shape: readonly number[], of: (i: number) => number): Buffer =>
    npyBytes(
      shape,
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => of(i)),
    );
  return {
    'background/geometry.json': Buffer.from(JSON.stringify(geometry)),
    'background/constant.npy': floats([15, 20], (i) => 40 + i),
    'background/shares.npy': floats([12, 2], (i) => i - 5),
    'background/courses.npy': floats([2, frames], (i) => i / 100),
    'statistics/noise.npy': floats([15, 20], (i) => 1 + i / 1000),
  };
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
    'motion_blocks.npy': npyBytes(
      [frames, 2, 2, 3],
      Float32Array.from({ length: frames * 12 }, (_, i) => Math.floor(i / 12) / 1000 + (i % 12)),
    ),
    'events.npz': eventsArchive(),
    ...backgroundFiles(),
    'frame_flags.npy': npyBytes(
      [frames],
      Uint32Array.from({ length: frames }, (_, t) => (t >= frames - 10 ? 64 : 0)),
    ),
  };
  for (const part of ['background', 'statistics']) mkdirSync(path.join(folder, part), { recursive: true });
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(folder, name), bytes);
  const manifest = JSON.parse(readFileSync(path.join(folder, 'run.json'), 'utf8')) as {
    files: object[];
    motionBlocks?: object;
  };
  manifest.motionBlocks = { rows: [7, 22], columns: [6, 20, 33] };
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

/** Puts the trials and events of the workflow's CSV files into the library of a run. @param sessionAt - local time of its session's start */
export async function ingestBehaviour({ library }: FinishedRun, sessionAt: string): Promise<void> {
  const behaviour = Object.entries(workflowCsv(sessionAt)).filter(([name]) => name !== 'sessions.csv');
  await library.ingest.ingest({
    files: behaviour.map(([name, text]) => ({ name, text })),
    sessions: {},
    dryRun: false,
    allOrNothing: true,
    who: 'ada',
  });
}
