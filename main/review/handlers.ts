// SPDX-License-Identifier: MIT
import {
  AppError,
  CellEdit,
  movieLayers,
  type Reading,
  type RunRow,
  type SessionRow,
  type Uuid,
  type reviewApi,
} from '../contract/index.ts';
import type { CurationChange, CurationState, Library, StoredReading, StoredSession } from '../library/index.ts';
import type { Handlers } from '../rpc/index.ts';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { agreements, opinions } from './agreement.ts';
import { activeLayers, CellEdits, type EditCompute } from './edits.ts';
import { filmOf } from './film.ts';
import { strongestEvents } from './events.ts';
import { packFootprints } from './footprints.ts';
import { editedFootprints, EditedTraceReader } from './layers.ts';
import { learn, type Example, type LearnedModel } from './learn.ts';
import { neighboursOf } from './neighbours.ts';
import { RunFolder, type ImageName } from './run-folder.ts';
import { type FilmFrame, Thumbnails } from './thumbnail.ts';

/** What the review procedures need. */
export interface ReviewDependencies {
  readonly library: Library;
  /** Computes edits of cells. */
  readonly editor: EditCompute;
  /** An early frame of a film, for small pictures of sessions that have no result yet. */
  readonly readFrame?: (film: string) => Promise<FilmFrame>;
  /** Called after decisions on a run changed. */
  readonly changed?: (runUuid: Uuid) => void;
}

type Change = Awaited<ReturnType<Handlers<typeof reviewApi.procedures>['decide']>>;
type Curation = Change['curation'];

function toCuration({ uuid, runUuid, createdAt, canUndo, canRedo, counts }: CurationState): Curation {
  return { uuid, runUuid, createdAt, canUndo, canRedo, counts: { ...counts } };
}

function toReading({ accepted, rejected, ...reading }: StoredReading): Reading {
  return { ...reading, decided: accepted + rejected };
}

function toChange({ curation, entries }: CurationChange): Change {
  return { curation: toCuration(curation), entries: [...entries] };
}

function toSessionRow(
  { folder: _folder, format: _format, contentDigest: _digest, ...row }: StoredSession,
  filesPresent: boolean,
): SessionRow {
  return { ...row, filesPresent };
}

/** A run without a result is refused with its state. */
function mustHaveResult(run: RunRow): void {
  if (run.state === 'succeeded') return;
  const sentence =
    run.state === 'failed'
      ? `This run failed: ${run.error?.message ?? 'no cause is known'}`
      : `This run is ${run.state}; it has no result to look at.`;
  throw new AppError('run.not_ready', sentence, { details: { runUuid: run.uuid, state: run.state } });
}

/** First and last known time, s. */
function timeSpan(times: Float64Array): { readonly startS: number; readonly endS: number } {
  const known = (time: number): boolean => !Number.isNaN(time);
  return { startS: times.find(known) ?? 0, endS: times.findLast(known) ?? 0 };
}

async function readImage(run: RunFolder, image: ImageName) {
  const { height, width, images } = run.manifest;
  if (!images.includes(image)) {
    throw new AppError('disk.io', `This run has no “${image}” image.`, { details: { file: `images/${image}.npy` } });
  }
  const file = await run.array(`images/${image}.npy`, [height, width]);
  try {
    const values = Float32Array.from(await file.read(0, height * width));
    let [minimum, maximum] = [Infinity, -Infinity];
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      if (value < minimum) minimum = value;
      if (value > maximum) maximum = value;
    }
    if (minimum > maximum) [minimum, maximum] = [0, 0];
    return { header: { height, width, minimum, maximum }, bytes: new Uint8Array(values.buffer) };
  } finally {
    await file.close();
  }
}

/** Serves `review.*`. */
export function createReviewHandlers(dependencies: ReviewDependencies): Handlers<typeof reviewApi.procedures> {
  const { library } = dependencies;
  const edits = new CellEdits(library, dependencies.editor);
  const thumbnails = new Thumbnails(library, dependencies.readFrame);

  const openRun = async (runUuid: Uuid) => {
    const detail = await library.runs.get(runUuid);
    mustHaveResult(detail.run);
    return { detail, folder: await RunFolder.open(detail.folder) };
  };

  const changed = (change: CurationChange): Change => {
    if (change.entries.length > 0) dependencies.changed?.(change.curation.runUuid);
    return toChange(change);
  };

  /** Edits, and steps that may take one back, leave no entries of labels. */
  const moved = (change: CurationChange): Change => {
    dependencies.changed?.(change.curation.runUuid);
    return toChange(change);
  };

  return {
    open: async ({ runUuid, version, reading }) => {
      const { detail, folder } = await openRun(runUuid);
      const { manifest } = folder;
      const recordings = await Promise.all(
        detail.inputs.map((input) => library.sessions.recording(input.recordingUuid)),
      );
      const sessionUuids = [...new Set([detail.run.sessionUuid, ...recordings.map((found) => found.sessionUuid)])];
      const [session, present, curation, raters, times, readings, versions] = await Promise.all([
        library.sessions.get(detail.run.sessionUuid),
        library.filesPresent(sessionUuids),
        library.curation.current(runUuid, reading),
        library.curation.raters(),
        folder.times(),
        library.curation.readings(runUuid),
        library.curation.versions(runUuid),
      ]);
      const newest = versions.at(-1)?.version;
      const older = version !== undefined && version !== newest;
      if (older && !versions.some((known) => known.version === version)) {
        throw new AppError('review.no_version', `This run has no version ${version} of its curation.`);
      }
      const read = readings.find(({ uuid }) => uuid === reading);
      const fps = manifest.fps ?? recordings[0]?.fps ?? 1;
      const shown = await filmOf(library, recordings, present);
      return {
        run: detail.run,
        session: toSessionRow(session, present.get(session.uuid) === true),
        frames: manifest.frames,
        height: manifest.height,
        width: manifest.width,
        fps,
        ...timeSpan(times),
        diameterPx: manifest.diameterPx,
        images: [...manifest.images],
        traces: [...manifest.traces],
        ...shown,
        // A small copy has not the grey levels that the model speaks of.
        movieLayers:
          manifest.files.has('background/geometry.json') && shown.film === 'recorded'
            ? [...movieLayers]
            : ['raw', 'registered'],
        curation: curation === null || older ? null : toCuration(curation),
        version: version ?? newest ?? null,
        reading: read === undefined ? null : toReading(read),
        readings: readings.map(toReading),
        raters: [...raters],
        readOnly: library.readOnly ?? whyReadOnly({ older: older ? version : undefined, newest, read, curation }),
      };
    },
    cells: async ({ runUuid, version, reading }) => [...(await library.runs.cells(runUuid, version, reading))],
    image: async function* image({ runUuid, image }) {
      const { folder } = await openRun(runUuid);
      yield await readImage(folder, image);
    },
    thumbnail: async ({ sessionUuid }) => {
      const found = await thumbnails.of(sessionUuid);
      if (found === null) return null;
      const { width, height, grey } = found.picture;
      return { runUuid: found.runUuid, width, height, grey: Buffer.from(grey).toString('base64') };
    },
    footprints: async function* footprints({ runUuid, preview, version }, _updates, { signal }) {
      const { folder } = await openRun(runUuid);
      const { height, width } = folder.manifest;
      const matrix = await editedFootprints(folder, await edits.layersWith(runUuid, preview, version));
      const { cells, bytes } = await packFootprints(matrix, width, signal);
      yield { header: { height, width, cells: [...cells] }, bytes };
    },
    traces: async function* traces({ runUuid, preview, version }, updates, { signal }) {
      const { folder } = await openRun(runUuid);
      const reader = new EditedTraceReader(folder, () => edits.layersWith(runUuid, preview, version));
      try {
        for await (const request of updates) yield await reader.read(request, signal);
      } finally {
        await reader.close();
      }
    },
    events: async ({ runUuid, row, most, version }, { signal }) => {
      const { folder } = await openRun(runUuid);
      const found = await strongestEvents(folder, await activeLayers(library, runUuid, version), row, most, signal);
      return { count: found.count, strongest: [...found.strongest] };
    },
    neighbours: async ({ runUuid, cellUuid, version }, { signal }) => {
      const { folder } = await openRun(runUuid);
      const layers = await activeLayers(library, runUuid, version);
      const cells = await library.runs.cells(runUuid, version);
      return [...(await neighboursOf(folder, layers, cells, cellUuid, signal))];
    },
    addRater: (rater) => library.curation.addRater(rater),
    decide: async (decision) => changed(await library.curation.decide(decision)),
    undo: async (step) => moved(await library.curation.undo(step)),
    redo: async (step) => moved(await library.curation.redo(step)),
    learn: async () => {
      if (library.readOnly !== null) throw new AppError('library.read_only', library.readOnly);
      const examples: Example[] = [];
      let runs = 0;
      for (const run of await library.runs.list({ state: 'succeeded' })) {
        if (run.decided === 0) continue;
        runs += 1;
        for (const { label, metrics } of await library.runs.cells(run.uuid))
          if (label !== 'undecided') examples.push({ metrics, accepted: label === 'accepted' });
      }
      const model = learn(examples);
      await writeModel(library.folders.evaluationModel, model);
      const { accepted, rejected, accuracy, balancedAccuracy } = model;
      const weights = model.features
        .map(({ metric, weight }) => ({ metric, weight }))
        .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
      return { runs, accepted, rejected, accuracy, balancedAccuracy, weights };
    },
    editPreview: async ({ runUuid, edit }) => {
      await openRun(runUuid);
      const { preview, cells } = await edits.preview(runUuid, edit);
      return { preview, cells: [...cells] };
    },
    editCommit: async ({ runUuid, raterUuid, preview }) => moved(await edits.commit(runUuid, raterUuid, preview)),
    edit: async ({ runUuid, raterUuid, edit }) => {
      await openRun(runUuid);
      const { preview } = await edits.preview(runUuid, edit);
      return moved(await edits.commit(runUuid, raterUuid, preview));
    },
    edits: async ({ runUuid, version }) =>
      (await library.curation.edits(runUuid, version)).map(({ uuid, at, raterUuid, request, active, cells }) => ({
        uuid,
        at,
        raterUuid,
        edit: CellEdit.parse(request),
        active,
        cells: cells.map(({ uuid: cellUuid, row, state, made }) => ({ uuid: cellUuid, row, state, made })),
      })),
    agreement: async ({ runUuid }) => {
      const said = opinions(await library.travel.judgements(runUuid));
      return {
        raters: said.map(({ rater, labels }) => ({
          rater,
          decided: labels.size,
          accepted: [...labels.values()].filter((label) => label === 'accepted').length,
        })),
        pairs: agreements(said).map(({ disagreements, ...pair }) =>
          Object.assign(pair, { disagreements: [...disagreements] }),
        ),
        settled: (await library.curation.settled(runUuid)).map(({ said: labels, ...one }) =>
          Object.assign(one, { said: { ...labels } }),
        ),
      };
    },
    beginReading: async (step) => {
      const reading = toReading(await library.curation.beginReading(step));
      dependencies.changed?.(step.runUuid);
      return reading;
    },
    finishReading: async (step) => {
      const reading = toReading(await library.curation.finishReading(step));
      dependencies.changed?.(step.runUuid);
      return reading;
    },
    settle: async (step) => {
      const said = Object.fromEntries(
        opinions(await library.travel.judgements(step.runUuid)).flatMap(({ rater, labels }) => {
          const label = labels.get(step.cellUuid);
          return label === undefined ? [] : [[rater.initials, label] as const];
        }),
      );
      if (new Set(Object.values(said)).size < 2) {
        throw new AppError('review.reading_refused', 'Raters do not differ on this cell.', {
          hint: 'Only cells that two raters labelled differently are settled between them.',
        });
      }
      return moved(await library.curation.settle({ ...step, said }));
    },
    limits: async ({ runUuid }) => {
      const kept = await library.runs.limits(runUuid);
      return kept === null ? null : { ...kept, limits: { ...kept.limits } };
    },
    keepLimits: async (kept) => {
      await library.runs.keepLimits(kept);
      dependencies.changed?.(kept.runUuid);
      return {};
    },
    log: async ({ runUuid, reading }) => [...(await library.curation.log(runUuid, reading))],
  };
}

/** Written beside its place and renamed: a run that begins meanwhile reads the old one or the new one. */
async function writeModel(file: string, model: LearnedModel): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    const temporary = `${file}.${process.pid}.tmp`;
    await writeFile(temporary, `${JSON.stringify(model, null, 2)}\n`);
    await rename(temporary, file);
  } catch (cause) {
    throw new AppError('disk.io', `The model could not be written to ${file}.`, { cause });
  }
}

/** Why the labels that are looked at cannot be changed. */
function whyReadOnly(shown: {
  readonly older: number | undefined;
  readonly newest: number | undefined;
  readonly read: StoredReading | undefined;
  readonly curation: CurationState | null;
}): string | null {
  const { older, newest, read, curation } = shown;
  if (older !== undefined) return `Version ${older} is shown as it was; decisions go to version ${newest}.`;
  if (read !== undefined)
    return read.finishedAt === null ? null : 'This reading is finished; its labels stay as they are.';
  if (curation?.frozen !== true) return null;
  return `Version ${curation.version} of this curation is frozen; begin a new version to go on.`;
}
