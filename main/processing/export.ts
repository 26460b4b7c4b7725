// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import { encodeNpy, NpyFile } from '../arrays/index.ts';
import { AppError, type Cell } from '../contract/index.ts';
import { eventsAt, eventsCsv, eventsFile, readEvents } from './events.ts';
import { fileError } from './failure.ts';
import { diskStore, type FileStore } from './file-store.ts';
import { readResult, type RunResult } from './result.ts';
import { scratchBeside } from './scratch.ts';

const timeFile = 'time.npy';

/** Files of an export, by the path in the run folder. Names are those other programs read (traces = denoised, spikes = deconvolved). */
const copied: readonly (readonly [from: string, to: string])[] = [
  ['footprints.npz', 'footprints.npz'],
  ['traces/denoised.npy', 'traces.npy'],
  ['traces/raw.npy', 'traces_raw.npy'],
  ['traces/deconvolved.npy', 'spikes.npy'],
  ['traces/dff.npy', 'dff.npy'],
  ['motion.npy', 'motion.npy'],
  [timeFile, timeFile],
  ['frame_flags.npy', 'frame_flags.npy'],
  [eventsFile, eventsFile],
  ['samples.npy', 'samples.npy'],
];

const acceptedFile = 'accepted.npy';
/** Each cell's row in the run, where edits made or hid cells. */
const rowsFile = 'rows.npy';
const runFile = 'run.json';
const eventsTable = 'events.csv';
const zscoreFile = 'zscore.npy';
const ownFiles = new Set([...copied.map(([, to]) => to), acceptedFile, rowsFile, runFile, eventsTable, zscoreFile]);

/** Gathers the cells that hold after edits as files: `main/media`'s editor. */
export interface CellCollector {
  readonly collect: (request: object) => Promise<unknown>;
}

/** Cells of a run after edits. */
export interface EditedCells {
  /** Those that are there, by row. */
  readonly cells: readonly Pick<Cell, 'row' | 'suggested'>[];
  /** Folders of the edits that hold, oldest first. */
  readonly layers: readonly string[];
  readonly collector: CellCollector | undefined;
  /** When the frames were taken, on one axis for all recordings of the run (T seconds, NaN where unknown); absent or null: as `time.npy` says. */
  readonly times?: Float64Array | null;
}

const Collected = z.array(
  z.object({
    path: z.string(),
    sha256: z.string(),
    bytes: z.number(),
    dtype: z.string().optional(),
    shape: z.array(z.number()).optional(),
  }),
);

/** What an export wrote. */
export interface ExportResult {
  readonly files: string[];
  readonly components: number;
  readonly accepted: number;
}

/**
 * Writes a finished run as flat NumPy files: footprints (SciPy CSR, K × H·W on the raw frame), traces (K × T), motion (T × 2: dy, dx of the
 * content, raw px), `accepted` (K uint8, the engine's suggestion), time and frame flags (T), events (archive and table), z-scores (K × T), run.json. Everything is written beside the
 * destination first, which then changes in one step; an earlier export there is replaced, anything else is refused.
 *
 * With edits the cells are those that hold after them and `rows.npy` (K int32) says which row of the run each is; events name a cell by its row in the export.
 *
 * @param runFolder absolute folder of the run
 * @param destination absolute folder
 * @throws AppError `export.exists`, `disk.full`, `disk.io`, `engine.internal`
 */
export async function exportRun(
  runFolder: string,
  destination: string,
  store: FileStore = diskStore,
  edited?: EditedCells,
): Promise<ExportResult> {
  await checkExportDestination(destination, store);
  const result = await readResult(runFolder);
  const { run } = result;
  const { layers, collector } = edited ?? { layers: [], collector: undefined };
  const cells: EditedCells['cells'] = layers.length > 0 && edited !== undefined ? edited.cells : result.cells;
  const present = new Set(run.files.map((file) => file.path));
  const files = copied.filter(([from]) => present.has(from));
  const accepted = Uint8Array.from(
    cells.toSorted((a, b) => a.row - b.row),
    (cell) => (cell.suggested ? 1 : 0),
  );
  let extra: readonly string[] = [];
  await using scratch = await scratchBeside(destination);
  const temporary = path.join(scratch.folder, 'export');
  try {
    await store.makeFolder(temporary);
    const collected = layers.length === 0 ? [] : await collectInto(temporary, runFolder, layers, collector);
    const place = new Map(collected.map((entry) => [entry.path, path.join(temporary, collectedFolder, entry.path)]));
    for (const [from, to] of files) {
      await store.copy(place.get(from) ?? path.join(runFolder, from), path.join(temporary, to));
    }
    const times = present.has(timeFile) ? (edited?.times ?? null) : null;
    const replaced = times === null ? [] : await putOnAxis(temporary, times, present.has(eventsFile), store);
    const rows = place.get(rowsFile);
    if (rows !== undefined) await store.copy(rows, path.join(temporary, rowsFile));
    const collectedScores = place.get(zscoreFile);
    if (collectedScores !== undefined) await store.copy(collectedScores, path.join(temporary, zscoreFile));
    if (collected.length > 0) await store.remove(path.join(temporary, collectedFolder));
    await store.write(path.join(temporary, acceptedFile), encodeNpy(accepted, [accepted.length]));
    const made: string[] = [];
    if (present.has(eventsFile)) {
      await store.write(path.join(temporary, eventsTable), eventsCsv(await readEvents(temporary)));
      made.push(eventsTable);
    }
    const zscore = layers.length === 0 && present.has('traces/dff.npy') ? await zscores(runFolder, result.cells) : null;
    if (zscore !== null) await store.write(path.join(temporary, zscoreFile), zscore);
    if (zscore !== null || place.has(zscoreFile)) made.push(zscoreFile);
    extra = made;
    const entryOf = (from: string, to: string) =>
      Object.assign(
        {},
        collected.find((file) => file.path === from) ?? run.files.find((file) => file.path === from),
        replaced.find((file) => file.path === to),
        { path: to },
      );
    const listed = files.map(([from, to]) => entryOf(from, to));
    if (rows !== undefined) listed.push(entryOf(rowsFile, rowsFile));
    const counts = { components: accepted.length, accepted: sum(accepted), edits: layers.length };
    const manifest = { ...run, ...(layers.length === 0 ? {} : counts), files: listed };
    await store.write(path.join(temporary, runFile), `${JSON.stringify(manifest, null, 2)}\n`);
    await replace(temporary, destination, scratch.previous, store);
  } catch (error) {
    throw fileError(error, `exporting to ${destination}`);
  }
  return {
    files: [...files.map(([, to]) => to), ...extra, ...(layers.length === 0 ? [] : [rowsFile]), acceptedFile, runFile],
    components: accepted.length,
    accepted: sum(accepted),
  };
}

/** Gives an export of several recordings the run's own time: the engine counts in each recording from its start. */
async function putOnAxis(
  folder: string,
  times: Float64Array,
  hasEvents: boolean,
  store: FileStore,
): Promise<readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[]> {
  const files: (readonly [string, Uint8Array])[] = [[timeFile, encodeNpy(times, [times.length])]];
  if (hasEvents) files.push([eventsFile, await eventsAt(folder, times)]);
  for (const [name, bytes] of files) await store.write(path.join(folder, name), bytes);
  return files.map(([name, bytes]) => ({
    path: name,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }));
}

const sum = (values: Uint8Array): number => values.reduce((total, value) => total + value, 0);

const collectedFolder = 'collected';

async function collectInto(
  temporary: string,
  runFolder: string,
  layers: readonly string[],
  collector: CellCollector | undefined,
): Promise<z.infer<typeof Collected>> {
  if (collector === undefined) throw new AppError('engine.missing', 'Edited cells cannot be gathered here.');
  return Collected.parse(await collector.collect({ runFolder, layers, output: path.join(temporary, collectedFolder) }));
}

/**
 * K × T: ΔF/F in units of its own noise (`run.json` says so in words). Null for runs of engines that did not measure it.
 */
async function zscores(folder: string, cells: RunResult['cells']): Promise<Uint8Array | null> {
  const noise = new Map(cells.map((cell) => [cell.row, cell.metrics['dffNoise']]));
  if ([...noise.values()].includes(undefined)) return null;
  const file = await NpyFile.open(path.join(folder, 'traces/dff.npy'), 'traces/dff.npy');
  try {
    const [rows = 0, frames = 0] = file.shape;
    const out = new Float32Array(rows * frames);
    for (let row = 0; row < rows; row += 1) {
      const unit = noise.get(row) ?? 0;
      const values = await file.read(row * frames, frames);
      for (let t = 0; t < frames; t += 1) out[row * frames + t] = unit > 0 ? (values[t] ?? 0) / unit : 0;
    }
    return encodeNpy(out, [rows, frames]);
  } finally {
    await file.close();
  }
}

/**
 * Is the destination free for an export: absent, empty or an earlier export?
 *
 * @throws AppError `export.exists`
 */
export async function checkExportDestination(destination: string, store: FileStore = diskStore): Promise<void> {
  const names = await store.list(destination).catch((error: unknown) => {
    throw fileError(error, `looking into ${destination}`);
  });
  if (names === 'file') throw new AppError('export.exists', `${destination} is a file; an export is a folder.`);
  if (names === null || names.length === 0) return;
  const foreign = names.filter((name) => !ownFiles.has(name));
  if (foreign.length > 0 || !names.includes(runFile)) {
    const examples = (foreign.length > 0 ? foreign : names).slice(0, 3).join(', ');
    throw new AppError('export.exists', `${destination} holds other files (${examples}…); nothing was written.`, {
      hint: 'Choose a new or empty folder. Only an earlier export is replaced.',
    });
  }
}

async function replace(temporary: string, destination: string, old: string, store: FileStore): Promise<void> {
  if ((await store.list(destination)) === null) {
    await store.rename(temporary, destination);
    return;
  }
  await store.rename(destination, old);
  try {
    await store.rename(temporary, destination);
  } catch (error) {
    await store.rename(old, destination);
    throw error;
  }
  await store.remove(old);
}
