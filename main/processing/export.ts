// SPDX-License-Identifier: MIT
import path from 'node:path';
import { encodeNpy } from '../arrays/index.ts';
import { AppError } from '../contract/index.ts';
import { fileError } from './failure.ts';
import { diskStore, type FileStore } from './file-store.ts';
import { readResult } from './result.ts';

/** Files of an export, by the path in the run folder. Names are those other programs read (traces = denoised, spikes = deconvolved). */
const copied: readonly (readonly [from: string, to: string])[] = [
  ['footprints.npz', 'footprints.npz'],
  ['traces/denoised.npy', 'traces.npy'],
  ['traces/raw.npy', 'traces_raw.npy'],
  ['traces/deconvolved.npy', 'spikes.npy'],
  ['traces/dff.npy', 'dff.npy'],
  ['motion.npy', 'motion.npy'],
  ['time.npy', 'time.npy'],
  ['frame_flags.npy', 'frame_flags.npy'],
];

const acceptedFile = 'accepted.npy';
const runFile = 'run.json';
const ownFiles = new Set([...copied.map(([, to]) => to), acceptedFile, runFile]);

/** What an export wrote. */
export interface ExportResult {
  readonly files: string[];
  readonly components: number;
  readonly accepted: number;
}

/** Tells two exports of one process apart. */
let exports = 0;

/**
 * Writes a finished run as flat NumPy files: footprints (SciPy CSR, K × H·W on the raw frame), traces (K × T), motion (T × 2: dy, dx of the
 * content, raw px), `accepted` (K uint8, the engine's suggestion), time and frame flags (T), run.json. Everything is written beside the
 * destination first, which then changes in one step; an earlier export there is replaced, anything else is refused.
 *
 * @param runFolder absolute folder of the run
 * @param destination absolute folder
 * @throws AppError `export.exists`, `disk.full`, `disk.io`, `engine.internal`
 */
export async function exportRun(
  runFolder: string,
  destination: string,
  store: FileStore = diskStore,
): Promise<ExportResult> {
  await checkExportDestination(destination, store);
  const { run, cells } = await readResult(runFolder);
  const present = new Set(run.files.map((file) => file.path));
  const files = copied.filter(([from]) => present.has(from));
  const accepted = Uint8Array.from(
    cells.toSorted((a, b) => a.row - b.row),
    (cell) => (cell.suggested ? 1 : 0),
  );
  exports += 1;
  const temporary = `${destination}.tmp-${process.pid}-${exports}`;
  try {
    await store.makeFolder(temporary);
    for (const [from, to] of files) await store.copy(path.join(runFolder, from), path.join(temporary, to));
    await store.write(path.join(temporary, acceptedFile), encodeNpy(accepted, [accepted.length]));
    const listed = files.map(([from, to]) => ({ ...run.files.find((file) => file.path === from), path: to }));
    await store.write(path.join(temporary, runFile), `${JSON.stringify({ ...run, files: listed }, null, 2)}\n`);
    await replace(temporary, destination, store);
  } catch (error) {
    await store.remove(temporary).catch(() => undefined);
    throw fileError(error, `exporting to ${destination}`);
  }
  return {
    files: [...files.map(([, to]) => to), acceptedFile, runFile],
    components: accepted.length,
    accepted: accepted.reduce((sum, value) => sum + value, 0),
  };
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

async function replace(temporary: string, destination: string, store: FileStore): Promise<void> {
  if ((await store.list(destination)) === null) {
    await store.rename(temporary, destination);
    return;
  }
  const old = `${temporary}.old`;
  await store.rename(destination, old);
  try {
    await store.rename(temporary, destination);
  } catch (error) {
    await store.rename(old, destination);
    throw error;
  }
  await store.remove(old);
}
