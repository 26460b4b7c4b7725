// SPDX-License-Identifier: MIT
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError, type ExportFormat } from '../contract/index.ts';
import { fileError, makeFolders } from '../processing/index.ts';
import { inThread, type ThreadEnd } from '../threads/index.ts';
import type { ExportJob, OnProgress, WrittenExport } from './job.ts';
import { filmFolder } from './nwb/films.ts';

/** What the exporting thread says. */
interface ExportProgress {
  readonly type: 'progress';
  readonly step: string;
  readonly fraction: number;
}

export type ExportMessage = ThreadEnd<WrittenExport> | ExportProgress;

/** Endings that name one file; what a form writes without one of them is a folder. */
const fileEndings: Readonly<Record<ExportFormat, readonly string[]>> = {
  npy: [],
  nwb: ['.nwb'],
  caiman: ['.hdf5', '.h5'],
  csv: ['.csv'],
  mat: ['.mat'],
  tiff: ['.tif', '.tiff'],
  roizip: ['.zip'],
  avi: ['.avi'],
  mp4: ['.mp4'],
  svg: ['.svg'],
};

/** Forms that are a folder where no file is named; the others put a file of a fitting name into it. */
const folderForms: ReadonlySet<ExportFormat> = new Set(['npy', 'csv', 'tiff', 'avi', 'mp4', 'svg']);

/** Does a form fill a folder where no file is named? */
export const isFolderForm = (format: ExportFormat): boolean => folderForms.has(format);

/** Where an export goes. */
export interface Destination {
  /** Absolute. */
  readonly place: string;
  readonly kind: 'file' | 'folder';
}

/**
 * @param given - absolute, as the caller wrote it
 * @param fileName - relative path for a file where a folder is given
 */
export function destinationOf(format: ExportFormat, given: string, fileName: string): Destination {
  const ending = path.extname(given).toLowerCase();
  if (fileEndings[format].includes(ending)) return { place: given, kind: 'file' };
  if (folderForms.has(format)) return { place: given, kind: 'folder' };
  return { place: path.join(given, fileName), kind: 'file' };
}

/**
 * Is the destination free?
 *
 * @throws AppError `export.exists`
 */
export async function checkFree({ place, kind }: Destination, overwrite: boolean): Promise<void> {
  const info = await stat(place).catch(() => null);
  if (info === null) return;
  if (info.isDirectory() !== (kind === 'folder'))
    throw new AppError(
      'export.exists',
      `${place} is a ${info.isDirectory() ? 'folder' : 'file'}; this export is a ${kind}.`,
    );
  if (overwrite || (kind === 'folder' && (await readdir(place)).length === 0)) return;
  throw new AppError('export.exists', `${place} is there already; nothing was written.`, {
    hint: 'Choose another name, or let it be replaced (--overwrite).',
  });
}

/** Memory for what is soon gone again (texts, slabs): by itself a thread would let several times as much of it pile up. MB. */
export const threadLimits = { maxYoungGenerationSizeMb: 12 } as const;

/** How long a thread that was told to stop may take to end what it started (ffmpeg) before it is ended. */
const graceMs = 5000;

/** Writes a job in a thread of its own; aborting ends it. @throws AppError whatever the writer threw, `rpc.cancelled` */
export async function runExport(job: ExportJob, progress: OnProgress, signal: AbortSignal): Promise<WrittenExport> {
  const cancelled = 'The export was cancelled; nothing was written.';
  const written = await inThread<WrittenExport, ExportProgress>({
    module: new URL('./export-worker.ts', import.meta.url),
    name: 'export',
    data: job,
    signal,
    resourceLimits: threadLimits,
    cancelled,
    graceMs,
    hear: ({ step, fraction }) => progress(step, fraction),
  });
  // It may have been at its end when the word came.
  if (signal.aborted) throw new AppError('rpc.cancelled', cancelled);
  return written;
}

/**
 * Gives a finished export its name, in one step; what an earlier one left there goes.
 *
 * @param previous - where a folder that is replaced lies meanwhile; it comes back where the new one cannot take its place
 * @throws AppError `disk.io`
 */
export async function putInPlace(job: ExportJob, { place, kind }: Destination, previous: string): Promise<void> {
  try {
    await makeFolders(path.dirname(place));
    const films = `${job.temporary}.films`;
    if ((await stat(films).catch(() => null)) !== null) {
      await rm(filmFolder(place), { recursive: true, force: true });
      await rename(films, filmFolder(place));
    }
    if (kind === 'file') await sync(job.temporary);
    else if ((await stat(place).catch(() => null)) !== null) await rename(place, previous);
    await rename(job.temporary, place);
  } catch (error) {
    throw fileError(error, `exporting to ${place}`);
  }
}

async function sync(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Bytes of a file, or of all files in a folder. */
export async function bytesOf(place: string): Promise<number> {
  const info = await stat(place);
  if (!info.isDirectory()) return info.size;
  const entries = await readdir(place, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => (await stat(path.join(entry.parentPath, entry.name))).size),
  );
  return sizes.reduce((total, size) => total + size, 0);
}
