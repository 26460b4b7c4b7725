// SPDX-License-Identifier: MIT
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { NpyFile } from '../arrays/index.ts';
import { AppError, imageNames, traceKinds, type Cell, type Uuid } from '../contract/index.ts';
import { programVersion } from '../installation/index.ts';
import type { Library, RunDetail, StoredRecording } from '../library/index.ts';
import { countsAsNeuron, opinions } from '../review/index.ts';
import { frameTimes } from '../sessions/index.ts';
import { happeningsOf } from './happenings.ts';
import { readTimeline } from './timeline.ts';
import type { ExportArrays, ExportCell, ExportRecording, ExportRun } from './job.ts';

/** Gathers the cells that hold after edits as files: `main/media`’s editor. */
export interface CellCollector {
  readonly collect: (request: object) => Promise<unknown>;
}

const Manifest = z.object({
  formatVersion: z.literal(1, 'it was made by a newer Calyx'),
  frames: z.number().int().min(0),
  height: z.number().int().min(1),
  width: z.number().int().min(1),
  fps: z.number().positive().nullish(),
  f0: z.string().nullish(),
  chosen: z.object({ diameterPx: z.number().positive().nullish() }).nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
  files: z.array(z.object({ path: z.string() })),
  motionBlocks: z.object({ rows: z.array(z.number()), columns: z.array(z.number()) }).nullish(),
  inputs: z
    .array(
      z.object({
        firstSample: z.number().int().min(0).optional(),
        frames: z.number().int().min(0).optional(),
        fps: z.number().positive().nullish(),
      }),
    )
    .nullish(),
});
type Manifest = z.infer<typeof Manifest>;

/**
 * The run that is meant: itself, or the newest finished run of a session.
 *
 * @throws AppError `run.not_found`, `run.not_ready`
 */
export async function findRun(library: Library, target: Uuid): Promise<RunDetail> {
  const detail = await library.runs.get(target).catch(async (error: unknown) => {
    if (!(error instanceof AppError) || error.code !== 'run.not_found') throw error;
    const session = await library.sessions.get(target).catch(() => null);
    if (session === null)
      throw new AppError('run.not_found', `“${target}” is neither a run nor a session of this library.`);
    const newest = (await library.runs.list({ sessionUuid: target })).find((run) => run.state === 'succeeded');
    if (newest === undefined)
      throw new AppError('run.not_ready', `The session ${session.name} has no finished run yet.`, {
        hint: 'Process it first: calyx process.',
      });
    return await library.runs.get(newest.uuid);
  });
  if (detail.run.state !== 'succeeded')
    throw new AppError('run.not_ready', `This run is ${detail.run.state}; only a finished run can be exported.`);
  return detail;
}

/**
 * All that an export tells of a run. With edits, the cells that hold after them are gathered into `scratch` first.
 *
 * @param scratch - absolute folder for arrays after edits; made only when there are edits
 * @throws AppError `run.format_newer`, `disk.io`, `engine.missing`
 */
export async function gatherRun(
  library: Library,
  detail: RunDetail,
  options: {
    readonly cells: 'all' | 'accepted';
    readonly scratch: string;
    readonly collector?: CellCollector | undefined;
    /** False: only the facts, no cells after edits. */ readonly arrays?: boolean;
  },
): Promise<ExportRun> {
  const { run, folder } = detail;
  const manifest = await readManifest(folder);
  const [cells, curation, edits, session] = await Promise.all([
    library.runs.cells(run.uuid),
    library.curation.current(run.uuid),
    library.curation.edits(run.uuid),
    library.sessions.get(run.sessionUuid),
  ]);
  const layers = edits.filter((edit) => edit.active).map((edit) => edit.folder);
  if (layers.length > 0) {
    if (options.collector === undefined) throw new AppError('engine.missing', 'Edited cells cannot be gathered here.');
    await options.collector.collect({ runFolder: folder, layers, output: options.scratch });
  }
  const arrays = arraysOf(manifest, folder, layers.length > 0 ? options.scratch : null);
  const rows =
    layers.length > 0 && options.arrays !== false ? await readRows(path.join(options.scratch, 'rows.npy')) : null;
  const written = await withRaters(
    library,
    run.uuid,
    exportCells(cells, rows).filter((cell) => options.cells === 'all' || cell.accepted),
  );
  const recordings = await recordingsOf(library, detail, manifest);
  const about = await aboutSessions(library, detail);
  const umPerPx = manifest.parameters?.['umPerPx'];
  return {
    runUuid: run.uuid,
    folder,
    layers,
    name: run.name,
    createdAt: run.createdAt,
    engineVersion: run.engineVersion,
    programVersion: programVersion(),
    frames: manifest.frames,
    height: manifest.height,
    width: manifest.width,
    fps: manifest.fps ?? recordings[0]?.fps ?? null,
    diameterPx: manifest.chosen?.diameterPx ?? null,
    umPerPx: typeof umPerPx === 'number' ? umPerPx : null,
    parameters: manifest.parameters ?? detail.parameters,
    f0: manifest.f0 ?? null,
    arrays,
    cells: written,
    curation: curationText(curation, layers.length),
    recordings,
    session: { uuid: session.uuid, name: session.name, subject: session.subject, ...about },
  };
}

/**
 * When the frames of a run were taken, on one axis for all its recordings: T seconds, NaN where unknown; null where the run keeps no times.
 *
 * @throws AppError `run.format_newer`, `disk.io`
 */
export async function runTimes(library: Library, detail: RunDetail): Promise<Float64Array | null> {
  const manifest = await readManifest(detail.folder);
  const recordings = await recordingsOf(library, detail, manifest);
  const { time } = arraysOf(manifest, detail.folder, null);
  const fps = manifest.fps ?? recordings[0]?.fps ?? null;
  return (await readTimeline({ fps, frames: manifest.frames, recordings, arrays: { time } })).known;
}

function curationText(curation: Awaited<ReturnType<Library['curation']['current']>>, edits: number): string {
  if (curation === null) return 'no decisions, the engine’s suggestions hold';
  const { accepted, rejected, undecided } = curation.counts;
  return `version ${curation.version}${curation.frozen ? ' (frozen)' : ''}, ${accepted} accepted, ${rejected} rejected, ${undecided} undecided, ${edits} edits`;
}

async function readManifest(folder: string): Promise<Manifest> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path.join(folder, 'run.json'), 'utf8'));
  } catch (error) {
    throw new AppError(
      'disk.io',
      'The result of this run cannot be read: its folder or run.json is missing or damaged.',
      {
        hint: 'Restore the run folder from a backup, or process the recording again.',
        cause: error,
      },
    );
  }
  const parsed = Manifest.safeParse(value);
  if (parsed.success) return parsed.data;
  const isNewer = z.object({ formatVersion: z.number().min(2) }).safeParse(value).success;
  throw new AppError(
    isNewer ? 'run.format_newer' : 'disk.io',
    isNewer
      ? 'This run was made by a newer version of Calyx and cannot be exported.'
      : `The run.json of this run is not as expected: ${z.prettifyError(parsed.error)}`,
  );
}

function arraysOf(manifest: Manifest, folder: string, edited: string | null): ExportArrays {
  const present = new Set(manifest.files.map((file) => file.path));
  const base = edited ?? folder;
  const place = (name: string): string | null => (present.has(name) ? path.join(folder, name) : null);
  return {
    footprints: path.join(base, 'footprints.npz'),
    traces: Object.fromEntries(
      traceKinds
        .filter((kind) => present.has(`traces/${kind}.npy`))
        .map((kind) => [kind, path.join(base, 'traces', `${kind}.npy`)]),
    ),
    images: Object.fromEntries(
      imageNames
        .filter((name) => present.has(`images/${name}.npy`))
        .map((name) => [name, path.join(folder, 'images', `${name}.npy`)]),
    ),
    time: place('time.npy'),
    frameFlags: place('frame_flags.npy'),
    motion: place('motion.npy'),
    model: modelFiles.every((name) => present.has(name)) ? folder : null,
    motionBlocks: blocksOf(manifest, place('motion_blocks.npy')),
    events: edited === null ? place('events.npz') : null,
  };
}

/** What other programs have of the background and the noise. */
const modelFiles = [
  'background/geometry.json',
  'background/constant.npy',
  'background/shares.npy',
  'background/courses.npy',
  'statistics/noise.npy',
] as const;

function blocksOf({ motionBlocks }: Manifest, place: string | null): ExportArrays['motionBlocks'] {
  return place === null || motionBlocks === null || motionBlocks === undefined ? null : { place, ...motionBlocks };
}

async function readRows(file: string): Promise<readonly number[]> {
  const array = await NpyFile.open(file, 'rows.npy');
  try {
    return [...(await array.read(0, array.shape[0] ?? 0))];
  } finally {
    await array.close();
  }
}

function exportCells(cells: readonly Cell[], rows: readonly number[] | null): readonly ExportCell[] {
  const index = rows === null ? null : new Map(rows.map((row, i) => [row, i]));
  return cells
    .filter((cell) => index === null || index.has(cell.row))
    .toSorted((a, b) => a.row - b.row)
    .map((cell) => ({
      index: index?.get(cell.row) ?? cell.row,
      row: cell.row,
      uuid: cell.uuid,
      label: cell.label,
      suggested: cell.suggested,
      accepted: countsAsNeuron(cell),
      reasons: cell.reasons,
      centroid: cell.centroid,
      metrics: cell.metrics,
    }));
}

/** Cells with what each rater said of them, where at least two judged the run: a consensus is exported with both. */
async function withRaters(
  library: Library,
  runUuid: string,
  cells: readonly ExportCell[],
): Promise<readonly ExportCell[]> {
  const raters = opinions(await library.travel.judgements(runUuid));
  if (raters.length < 2) return cells;
  const settled = new Map((await library.curation.settled(runUuid)).map(({ cellUuid, label }) => [cellUuid, label]));
  return cells.map((cell) =>
    Object.assign({}, cell, {
      said: Object.fromEntries(
        raters.map(({ rater, labels }) => [rater.initials, labels.get(cell.uuid) ?? 'undecided'] as const),
      ),
      settled: settled.get(cell.uuid) === cell.label,
    }),
  );
}

async function recordingsOf(
  library: Library,
  detail: RunDetail,
  manifest: Manifest,
): Promise<readonly ExportRecording[]> {
  const stored = await Promise.all(detail.inputs.map((input) => library.sessions.recording(input.recordingUuid)));
  let sample = 0;
  const recordings: ExportRecording[] = [];
  for (const [i, recording] of stored.entries()) {
    const input = detail.inputs[i];
    const known = manifest.inputs?.[i];
    const firstFrame = input?.firstFrame ?? 0;
    const counted = known?.frames ?? (input?.lastFrame ?? recording.frames - 1) - firstFrame + 1;
    const firstSample = known?.firstSample ?? sample;
    const samples = Math.min(counted, manifest.frames - firstSample);
    sample = firstSample + samples;
    const isPart = firstFrame > 0 || samples < recording.frames;
    const isFirst = !stored.slice(0, i).some(({ sessionUuid }) => sessionUuid === recording.sessionUuid);
    recordings.push(
      await exportRecording(recording, {
        firstFrame,
        firstSample,
        samples,
        fps: known?.fps ?? recording.fps,
        filmTimes: isPart ? await filmTimesOf(library, recording) : null,
        happenings: isFirst ? await happeningsOf(library, recording) : null,
      }),
    );
  }
  return recordings;
}

async function exportRecording(
  recording: StoredRecording,
  used: Pick<ExportRecording, 'firstFrame' | 'firstSample' | 'samples' | 'fps' | 'filmTimes' | 'happenings'>,
): Promise<ExportRecording> {
  const films = recording.files.map((file) => file.path);
  const present = await Promise.all(films.map((film) => isFile(film)));
  return {
    uuid: recording.uuid,
    device: recording.device,
    deviceType: recording.deviceType,
    films,
    filmFrames: recording.files.map((file) => file.frames),
    filmsPresent: films.length > 0 && present.every(Boolean),
    height: recording.height,
    width: recording.width,
    codec: recording.codec,
    config: recording.config,
    startedAt: recording.startedAt,
    tzOffsetMin: recording.tzOffsetMin,
    ...used,
  };
}

/** Times of all frames of a recording's films; null where they are away or nothing tells. */
async function filmTimesOf(library: Library, recording: StoredRecording): Promise<Float64Array | null> {
  const { format } = await library.sessions.get(recording.sessionUuid);
  const films = recording.files.map(({ path: place, bytes, frames }) => ({
    path: place,
    name: path.basename(place),
    bytes: bytes ?? 0,
    frames,
  }));
  return await frameTimes(format, films).catch(() => null);
}

async function isFile(file: string): Promise<boolean> {
  return await stat(file).then(
    (info) => info.isFile(),
    () => false,
  );
}

const longestNotes = 64 * 1024;

/** What the folders of all sessions of the run's recordings say, in the order of the run. */
async function aboutSessions(
  library: Library,
  { inputs }: RunDetail,
): Promise<Pick<ExportRun['session'], 'names' | 'notes' | 'experimenters' | 'experiment'>> {
  const recordings = await Promise.all(inputs.map((input) => library.sessions.recording(input.recordingUuid)));
  const bySession = new Map(recordings.toReversed().map((recording) => [recording.sessionUuid, recording]));
  const uuids = [...new Set(recordings.map(({ sessionUuid }) => sessionUuid))];
  const said = await Promise.all(
    uuids.flatMap((uuid) => {
      const recording = bySession.get(uuid);
      return recording === undefined ? [] : [readAbout(recording)];
    }),
  );
  const names = await Promise.all(uuids.map(async (uuid) => (await library.sessions.get(uuid)).name));
  const noted = said.flatMap(({ notes }, i) =>
    notes === '' ? [] : [uuids.length === 1 ? notes : `${names[i] ?? ''}:\n${notes}`],
  );
  const known = (texts: readonly (string | null)[]): readonly string[] => [
    ...new Set(texts.filter((text) => text !== null)),
  ];
  const experiments = known(said.map(({ experiment }) => experiment));
  return {
    names,
    notes: noted.join('\n\n').slice(0, longestNotes),
    experimenters: known(said.map(({ experimenter }) => experimenter)),
    experiment: experiments.length === 0 ? null : experiments.join('; '),
  };
}

/** What the session folder says of the people and of what they noted. A folder that is gone or says nothing is no error. */
async function readAbout(
  recording: StoredRecording,
): Promise<{ readonly notes: string; readonly experimenter: string | null; readonly experiment: string | null }> {
  const [meta, notes] = await Promise.all([
    readFile(path.join(recording.folder, 'metaData.json'), 'utf8').catch(() => '{}'),
    readFile(path.join(recording.folder, 'notes.csv'), 'utf8').catch(() => ''),
  ]);
  const Meta = z.object({ researcherName: z.string().optional(), experimentName: z.string().optional() });
  let parsed: z.infer<typeof Meta> = {};
  try {
    parsed = Meta.safeParse(JSON.parse(meta)).data ?? {};
  } catch {
    // The import has told what is wrong with the file.
  }
  const text = (value: string | undefined): string | null =>
    value === undefined || value.trim() === '' ? null : value.trim();
  const hasRows = notes.trim().split('\n').length > 1;
  return {
    notes: hasRows ? notes.trim().slice(0, longestNotes) : '',
    experimenter: text(parsed.researcherName),
    experiment: text(parsed.experimentName),
  };
}
