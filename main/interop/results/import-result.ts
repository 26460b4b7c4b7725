// SPDX-License-Identifier: MIT
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { sha256OfPlace } from '../../checksum/index.ts';
import { AppError, type RunRow, type Uuid } from '../../contract/index.ts';
import type { Library, StoredRecording } from '../../library/index.ts';
import { fileError, readResult } from '../../processing/index.ts';
import { inThread } from '../../threads/index.ts';
import { threadLimits } from '../export.ts';
import type { OnProgress } from '../job.ts';
import type { ReadJob, ReadProgress, ReadSummary } from './read-worker.ts';
import { unfinished } from './write-run.ts';

/** What the user chose beside the place. */
export interface ResultChoice {
  /** The recording it was computed from, where that is in the library. */
  readonly recordingUuid?: Uuid | undefined;
  readonly fps?: number | undefined;
  readonly subject?: string | undefined;
  /** Of outlines: initials of who drew them. */
  readonly rater?: string | undefined;
  /** The parameter set it was made with, in this library. */
  readonly parameterSetUuid?: Uuid | undefined;
  /** What views show as `processing_output_dir`; the name of the place when absent. */
  readonly outputDir?: string | undefined;
  /** The claimed job it is done for. */
  readonly job?: { readonly jobUuid: Uuid; readonly attempt: number } | undefined;
}

/** What the folder of a result is called until it has a run. */
const beginning = 'import-';

/** Puts away what imports left that ended with their program. Only for the owner of the library, before any import. */
export async function sweepImports(library: Pick<Library, 'folders' | 'readOnly'>): Promise<void> {
  if (library.readOnly !== null) return;
  const { runs } = library.folders;
  const left = (await readdir(runs).catch((): string[] => [])).filter((name) => name.startsWith(beginning));
  for (const name of left) await rm(path.join(runs, name), { recursive: true, force: true });
}

/** What an import of a result did. */
export interface ImportedResult {
  readonly run: RunRow;
  readonly summary: ReadSummary;
}

/**
 * Brings another program's result into the library as a finished run of that program's method. Without a recording the session is one without
 * films: its traces and footprints are there, its movie is not.
 *
 * @param place - absolute
 * @param signal - ends it as long as nothing was added to the library; nothing of it stays
 * @throws AppError `interop.unreadable`, `media.size_mismatch`, `session.not_imported`, `rpc.cancelled`, `disk.*`, `library.*`
 */
export async function importResult(
  place: string,
  choice: ResultChoice,
  library: Library,
  signal: AbortSignal,
  report?: OnProgress,
): Promise<ImportedResult> {
  if (library.readOnly !== null) throw new AppError('library.read_only', library.readOnly);
  await mkdir(library.folders.runs, { recursive: true });
  const folder = path.join(library.folders.runs, `${beginning}${randomUUID()}`);
  try {
    const { recording, field } = await filmOf(choice, library);
    const summary = await readAside({ place, folder, fps: choice.fps ?? null, field }, signal, report);
    const { rater } = choice;
    if (rater !== undefined && summary.program !== 'outlines')
      throw new AppError('usage.invalid', `Only outlines have a rater; this is a result of ${summary.program}.`);
    const recordingUuid =
      recording === null
        ? await sessionWithoutFilms(place, summary, choice, library, signal)
        : fitting(summary, recording);
    report?.('adding it to the library', 1);
    const created = await library.runs.create({
      name: `${path.basename(place)} (${summary.program}${rater === undefined ? '' : ` of ${rater}`})`,
      inputs: [{ recordingUuid, firstFrame: 0, lastFrame: null }],
      method: summary.program,
      parameters: summary.parameters,
      engineVersion: summary.version,
      budget: {},
      begun: true,
      taskMode: 'load',
      outputDir: choice.outputDir ?? path.basename(place),
      asked:
        choice.parameterSetUuid === undefined
          ? undefined
          : { parameterSetUuid: choice.parameterSetUuid, parameters: [] },
      job: choice.job,
    });
    try {
      const target = library.runFolder(created.uuid);
      await rename(folder, target).catch((error: unknown) => {
        throw fileError(error, 'placing the imported result');
      });
      const { arrays, cells } = await readResult(target);
      const run = await library.runs.finish(created.uuid, { arrays, cells, exitCode: 0 });
      if (rater !== undefined) await drawnBy(library, run.uuid, rater);
      return { run, summary };
    } catch (error) {
      const { code, message, hint } = AppError.from(error);
      await library.runs.fail(created.uuid, { code, message, hint });
      throw error;
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Outlines are what their rater says: cells, every one. The version is frozen, so that nobody's later decision is taken for theirs. */
async function drawnBy(library: Library, runUuid: Uuid, initials: string): Promise<void> {
  const { uuid: raterUuid } = await library.curation.addRater({ initials });
  const cellUuids = (await library.runs.cells(runUuid)).map(({ uuid }) => uuid);
  await library.curation.decide({ runUuid, raterUuid, cellUuids, to: 'accepted', context: { imported: 'outlines' } });
  await library.curation.freeze(runUuid);
}

/**
 * What an import would bring: the result is read whole, so that what would be refused is refused now. Nothing is written.
 *
 * @throws AppError as {@link importResult}
 */
export async function previewResult(
  place: string,
  choice: Pick<ResultChoice, 'recordingUuid' | 'fps'>,
  library: Library,
  signal: AbortSignal,
  report?: OnProgress,
): Promise<ReadSummary> {
  const { recording, field } = await filmOf(choice, library);
  const summary = await readAside({ place, folder: null, fps: choice.fps ?? null, field }, signal, report);
  if (recording !== null) fitting(summary, recording);
  return summary;
}

async function filmOf(
  choice: Pick<ResultChoice, 'recordingUuid'>,
  library: Library,
): Promise<{ readonly recording: StoredRecording | null; readonly field: ReadJob['field'] }> {
  if (choice.recordingUuid === undefined) return { recording: null, field: null };
  const recording = await library.sessions.recording(choice.recordingUuid);
  const { height, width, frames, fps } = recording;
  return { recording, field: { height, width, frames, fps } };
}

/** Reads a result in a thread of its own and writes it as a run folder where one is named. @throws AppError as {@link importResult} */
export async function readAside(job: ReadJob, signal: AbortSignal, report?: OnProgress): Promise<ReadSummary> {
  try {
    return await inThread<ReadSummary, ReadProgress>({
      module: new URL('read-worker.ts', import.meta.url),
      name: 'import',
      data: job,
      signal,
      resourceLimits: threadLimits,
      cancelled: 'The import was stopped before it was done; nothing was added.',
      hear: ({ step, fraction }) => report?.(step, fraction),
    });
  } finally {
    // A thread that is ended puts nothing away.
    if (job.folder !== null) await rm(unfinished(job.folder), { recursive: true, force: true });
  }
}

/** @throws AppError `media.size_mismatch` */
function fitting(summary: ReadSummary, recording: StoredRecording): Uuid {
  const { height, width, frames } = summary;
  if (recording.height === height && recording.width === width && recording.frames === frames) return recording.uuid;
  throw new AppError(
    'media.size_mismatch',
    `The result has ${frames} frames of ${width} × ${height} pixels, the recording ${recording.device} ${recording.frames} of ${recording.width} × ${recording.height}.`,
    {
      hint: 'It was computed from a cropped, binned or other film. Import it without a recording; it can still be looked at and compared.',
      details: { result: { frames, height, width }, recording: recording.uuid },
    },
  );
}

async function sessionWithoutFilms(
  place: string,
  summary: ReadSummary,
  choice: ResultChoice,
  library: Library,
  signal: AbortSignal,
): Promise<Uuid> {
  const { program, frames, height, width, fps, findings } = summary;
  const digest = await placeDigest(place, signal);
  // From here on it is added.
  if (signal.aborted)
    throw new AppError('rpc.cancelled', 'The import was stopped before it was done; nothing was added.');
  const { session } = await library.sessions.insert({
    name: path.basename(place),
    subject: choice.subject ?? null,
    startedAt: null,
    tzOffsetMin: null,
    folder: path.dirname(place),
    format: `result-${program}`,
    contentDigest: digest,
    recordings: [
      {
        device: program,
        frames,
        height,
        width,
        fps,
        durationS: fps === null ? null : frames / fps,
        codec: 'none',
        files: [],
      },
    ],
    findings: [
      {
        severity: 'info',
        code: 'interop.result_only',
        message: `Imported from a result of ${program}; the film it was computed from is not linked.`,
      },
      ...findings.map((message) => ({ severity: 'info' as const, code: 'interop.note', message })),
    ],
  });
  const [recording] = session.recordings;
  if (recording === undefined)
    throw new AppError('session.not_imported', 'The session of this result has no recording.');
  return recording.uuid;
}

async function placeDigest(place: string, signal: AbortSignal): Promise<string> {
  try {
    return await sha256OfPlace(place, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw fileError(error, `reading ${path.basename(place)}`);
  }
}
