// SPDX-License-Identifier: MIT
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { z } from 'zod';
import {
  AppError,
  type ExportFormat,
  type ExportMetadata,
  type ExportTask,
  type interopApi,
} from '../contract/index.ts';
import type { Library } from '../library/index.ts';
import { scratchBeside } from '../processing/index.ts';
import { bytesOf, checkFree, destinationOf, isFolderForm, putInPlace, runExport } from './export.ts';
import type { ExportQueue, ExportWork, QueuedExport } from './export-queue.ts';
import type { ExportOrder } from './kept-exports.ts';
import { findRun, gatherRun, type CellCollector } from './gather.ts';
import type { ExportJob, ExportRun, OnProgress } from './job.ts';
import { mergedFacts, readLabFacts } from './lab-facts.ts';
import { hasOrientation } from './nwb/acquisition.ts';
import { dandiPath, nwbFacts } from './nwb/facts.ts';

/** What writing an export needs. */
export interface WriterDependencies {
  readonly library: Library;
  /** Gathers cells that were edited; without it a run with edits cannot be exported. */
  readonly editor?: CellCollector | undefined;
  /** What the library's tables say of a run's animal, people and lab; nothing when absent. */
  readonly knownFacts?: (run: ExportRun, signal: AbortSignal) => Promise<ExportMetadata>;
  /** Writes a run as flat NumPy files: `processing.export`. */
  readonly exportNpy: (run: {
    readonly runUuid: string;
    readonly destination: string;
    readonly signal: AbortSignal;
  }) => Promise<{ readonly files: string[]; readonly components: number; readonly accepted: number }>;
}

type Export = (typeof interopApi.procedures)['export'];

/** An export, and where it is to go. */
export type ExportWish = Omit<z.infer<Export['input']>, 'destination' | 'ticket'> & {
  /** Absolute; told the run's session and uuid. */
  readonly given: (run: { readonly session: string; readonly uuid: string }) => string;
  /** A free name in the place of one that is taken by an export of the same order. */
  readonly other?: (place: string, runUuid: string) => string;
  /** Told where what is unfinished lies. */
  readonly scratch?: (folder: string) => void;
};

/**
 * Writes one export.
 *
 * @throws AppError `run.not_found`, `run.not_ready`, `export.exists`, `disk.io`, `rpc.cancelled`, and what a writer throws
 */
export async function writeExport(
  dependencies: WriterDependencies,
  wish: ExportWish,
  report: OnProgress,
  signal: AbortSignal,
): Promise<z.infer<Export['output']>> {
  const { library, editor, exportNpy } = dependencies;
  const { target, format, cells = 'all', table = 'tidy', films = 'link', movie = {} } = wish;
  const detail = await findRun(library, target);
  const runUuid = detail.run.uuid;
  const session = await library.sessions.get(detail.run.sessionUuid);
  const given = wish.given({ session: session.name, uuid: runUuid });
  const other = wish.other ?? ((place: string): string => place);
  if (format === 'npy') {
    const place = other(given, runUuid);
    using mine = reserve(place);
    void mine;
    const done = await exportNpy({ runUuid, destination: place, signal });
    return { runUuid, format, path: place, bytes: await bytesOf(place), findings: [], ...done };
  }
  // The scratch folder lies in the folder that was named, or beside a named file: always on the destination's disk.
  await using held = await scratchBeside(destinationOf(format, given, 'export').place);
  const scratch = held.folder;
  wish.scratch?.(scratch);
  const run = await gatherRun(library, detail, { cells, scratch: path.join(scratch, 'cells'), collector: editor });
  const metadata = format === 'nwb' ? await factsOf(dependencies, run, wish.metadata, signal) : (wish.metadata ?? {});
  const found = destinationOf(format, given, await fileName(format, run, metadata));
  const destination = { ...found, place: other(found.place, runUuid) };
  await checkFree(destination, wish.overwrite ?? false);
  using mine = reserve(destination.place);
  void mine;
  const ending = destination.kind === 'file' ? path.extname(destination.place) : '';
  const temporary = path.join(scratch, `export${ending}`);
  const job: ExportJob = { format, temporary, destination: destination.place, metadata, table, films, movie, run };
  const written = await runExport(job, report, signal);
  await putInPlace(job, destination, held.previous);
  return {
    runUuid,
    format,
    path: destination.place,
    files: [...written.files],
    bytes: await bytesOf(destination.place),
    components: run.cells.length,
    accepted: run.cells.filter((cell) => cell.accepted).length,
    findings: [...written.findings],
  };
}

/** Places that are being written. */
const busy = new Set<string>();

/** Keeps a place for one export. @throws AppError `export.exists` where another one is being written there */
function reserve(place: string): Disposable {
  if (busy.has(place))
    throw new AppError('export.exists', `Another export is being written to ${place}; nothing was written.`, {
      hint: 'Choose another name, or wait until it is done.',
    });
  busy.add(place);
  return { [Symbol.dispose]: () => void busy.delete(place) };
}

/** What is known of a run for its NWB file: what holds for the lab, what the tables say, what was given for this export; the last that speaks wins. */
export async function factsOf(
  { library, knownFacts }: Pick<WriterDependencies, 'library' | 'knownFacts'>,
  run: ExportRun,
  metadata: ExportMetadata = {},
  signal: AbortSignal,
): Promise<ExportMetadata> {
  const known = (await knownFacts?.(run, signal)) ?? {};
  return mergedFacts(await readLabFacts(library), known, metadata);
}

/** A session's name as a file can bear it. */
const fileStem = (name: string): string =>
  name
    .replaceAll(/[^\p{L}\p{N}.-]+/gu, '_')
    .replace(/^\.+/, '')
    .slice(0, 80) || 'run';

/** The name of the file where a folder was given. */
async function fileName(format: ExportFormat, run: ExportRun, metadata: ExportJob['metadata']): Promise<string> {
  if (format === 'nwb') return dandiPath(nwbFacts(run, metadata).facts, await hasOrientation(run));
  const endings: Readonly<Partial<Record<ExportFormat, string>>> = {
    caiman: '_caiman.hdf5',
    mat: '.mat',
    roizip: '_rois.zip',
  };
  return `${fileStem(run.session.name)}${endings[format] ?? ''}`;
}

/** Places that exports of a queue have been given, by their folder: a later one must not replace an earlier one. */
const places = new WeakMap<ExportQueue, Map<string, Map<string, string>>>();

/** Places in a folder that exports of this queue have been given, with the run each belongs to; those of before the core's start, too. */
export function takenIn(queue: ExportQueue, folder: string): Map<string, string> {
  const folders = places.get(queue) ?? new Map<string, Map<string, string>>();
  places.set(queue, folders);
  const taken =
    folders.get(folder) ??
    new Map(
      queue.kept.flatMap(({ task, order, runUuid }) =>
        order.folder === folder && task.written !== null && runUuid !== null
          ? [[path.join(folder, task.written), runUuid] as const]
          : [],
      ),
    );
  folders.set(folder, taken);
  return taken;
}

/** One export of an order of many. What cannot be exported fails in its turn, so that the others are written. */
export async function queuedExport(
  dependencies: WriterDependencies,
  target: string,
  order: ExportOrder,
  taken: Map<string, string>,
): Promise<QueuedExport> {
  const { format } = order.wish;
  const task = { uuid: randomUUID(), target, name: await nameOf(dependencies.library, target), format };
  return { task, order, ...orderedExport(dependencies, target, order, taken) };
}

/** How an order is carried out. */
export function orderedExport(
  dependencies: WriterDependencies,
  target: string,
  { wish, folder }: ExportOrder,
  taken: Map<string, string>,
): ExportWork {
  const { format } = wish;
  // Two sessions may bear one name, and a session may be exported as two runs.
  const other = (place: string, runUuid: string): string => {
    const own = (taken.get(place) ?? runUuid) === runUuid;
    const ending = isFolderForm(format) ? '' : path.extname(place);
    const free = own ? place : `${place.slice(0, place.length - ending.length)}_${runUuid.slice(-8)}${ending}`;
    taken.set(free, runUuid);
    return free;
  };
  return {
    write: async (progress, signal, scratch) => {
      const given = ({ session }: { readonly session: string }): string =>
        isFolderForm(format) ? path.join(folder, `${fileStem(session)}_${format}`) : folder;
      const done = await writeExport(dependencies, { ...wish, target, given, other, scratch }, progress, signal);
      const { runUuid, bytes, findings } = done;
      return { runUuid, written: path.relative(folder, done.path), bytes, findings };
    },
    tell: (error) => told(error, folder),
  };
}

/** A window never sees where its folder lies. */
function told(error: unknown, folder: string): NonNullable<ExportTask['error']> {
  const { message, hint } = AppError.from(error);
  const short = (text: string): string => text.replaceAll(folder + path.sep, '').replaceAll(folder, 'The folder');
  return { message: short(message), ...(hint === undefined ? {} : { hint: short(hint) }) };
}

async function nameOf(library: Library, target: string): Promise<string> {
  const run = await library.runs.get(target).catch(() => null);
  const session = await library.sessions.get(run?.run.sessionUuid ?? target).catch(() => null);
  return session?.name ?? target;
}
