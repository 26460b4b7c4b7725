// SPDX-License-Identifier: MIT
import { readdir, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError, type PackReport, type packedFilms, type Uuid } from '../contract/index.ts';
import { programVersion } from '../installation/index.ts';
import type { Library, PackedRecords, RunDetail, StoredRecording } from '../library/index.ts';
import { fileError, scratchBeside } from '../processing/index.ts';
import { packageVersion } from './contents.ts';
import { type OnProgress, type ProxySource, runTravel, type SourceFile } from './job.ts';

/** What to pack, and where to. */
export interface PackWish {
  readonly runUuid: Uuid;
  /** Absolute. */
  readonly file: string;
  readonly movie: (typeof packedFilms)[number];
  readonly decisionsOnly: boolean;
  readonly overwrite: boolean;
}

/** Largest text file beside the films that goes with them: time stamps, metadata, notes. */
const mostBeside = 256 * 1024 * 1024;

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .sort();
}

async function runFiles({ folder, arrays }: RunDetail): Promise<SourceFile[]> {
  const hashes = new Map(arrays.map((array) => [array.path, array.sha256]));
  const inner = await filesOf(folder).catch((error: unknown) => {
    throw fileError(error, 'reading the run’s folder');
  });
  const gone = [...hashes.keys()].find((file) => !inner.includes(file));
  if (gone !== undefined || !inner.includes('run.json'))
    throw new AppError('travel.damaged', `The file ${gone ?? 'run.json'} of this run is missing; nothing was packed.`, {
      hint: 'calyx verify tells which files of this library are missing or damaged.',
    });
  return inner.map((file) => ({
    source: path.join(folder, file),
    path: file,
    belongs: { to: 'run' },
    sha256: hashes.get(file) ?? null,
  }));
}

async function editFiles(library: Library, { edits }: PackedRecords): Promise<SourceFile[]> {
  const sources: SourceFile[] = [];
  for (const { uuid, folder } of edits) {
    const place = path.join(library.folders.root, folder);
    const inner = await filesOf(place).catch((error: unknown) => {
      throw fileError(error, 'reading an edit’s folder');
    });
    for (const file of inner)
      sources.push({ source: path.join(place, file), path: file, belongs: { to: 'edit', uuid }, sha256: null });
  }
  return sources;
}

async function isThere(file: string): Promise<boolean> {
  return await stat(file).then(
    (info) => info.isFile(),
    () => false,
  );
}

async function filmsThere({ files }: StoredRecording): Promise<boolean> {
  for (const { path: film } of files) if (!(await isThere(film))) return false;
  return files.length > 0;
}

/** Films as they were recorded, with the small files beside them that tell their times. */
async function filmFiles(recording: StoredRecording): Promise<SourceFile[]> {
  const { folder, files, uuid, sessionUuid } = recording;
  const inside = (file: string): string => path.relative(folder, file).split(path.sep).join('/');
  const beside = new Set<string>();
  for (const place of new Set([folder, ...files.map((film) => path.dirname(film.path))])) {
    for (const entry of await readdir(place, { withFileTypes: true })) {
      const file = path.join(place, entry.name);
      if (!entry.isFile() || !/\.(csv|json|txt)$/i.test(entry.name)) continue;
      if ((await stat(file)).size <= mostBeside) beside.add(file);
    }
  }
  return [...files.map((film) => film.path), ...beside].map((source) => ({
    source,
    path: inside(source),
    belongs: { to: 'session', uuid: sessionUuid, recordingUuid: uuid },
    sha256: null,
  }));
}

interface Films {
  readonly sources: readonly SourceFile[];
  readonly proxies: readonly ProxySource[];
}

async function films(library: Library, detail: RunDetail, movie: PackWish['movie'], scratch: string): Promise<Films> {
  if (movie === 'none') return { sources: [], proxies: [] };
  const [sources, proxies]: [SourceFile[], ProxySource[]] = [[], []];
  for (const recordingUuid of new Set(detail.inputs.map((input) => input.recordingUuid))) {
    const recording = await library.sessions.recording(recordingUuid);
    const isHere = await filmsThere(recording);
    const proxy = movie === 'proxy' ? await library.travel.proxy(recordingUuid) : null;
    if (proxy !== null) {
      const source = path.join(library.folders.root, proxy.path);
      sources.push({
        source,
        path: `${recordingUuid}.avi`,
        belongs: { to: 'proxy', recordingUuid, frames: proxy.frames },
        sha256: null,
      });
    } else if (!isHere)
      throw new AppError(
        'session.not_found',
        `The films of “${recording.sessionName}” are not where they were; nothing was packed.`,
        {
          hint: 'Connect their disk, or pack without a film (--movie none).',
        },
      );
    else if (movie === 'full') {
      const known = new Set(sources.map(({ source }) => source));
      sources.push(...(await filmFiles(recording)).filter(({ source }) => !known.has(source)));
    } else
      proxies.push({
        recordingUuid,
        films: recording.files.map((film) => film.path),
        frames: recording.frames,
        fps: recording.fps ?? 20,
        target: path.join(scratch, `${recordingUuid}.avi`),
      });
  }
  return { sources, proxies };
}

async function mustBeFree(file: string, overwrite: boolean): Promise<void> {
  const info = await stat(file).catch(() => null);
  if (info === null || (overwrite && info.isFile())) return;
  throw new AppError('export.exists', `${file} is there already; nothing was written.`, {
    hint: info.isFile() ? 'Choose another name, or add --overwrite to replace it.' : 'Name a file, not a folder.',
  });
}

/** Writes a package under a temporary name beside its place and renames it. @throws AppError `travel.*`, `export.exists`, `disk.*`, `media.*`, `run.*` */
export async function packRun(
  library: Library,
  wish: PackWish,
  progress: OnProgress,
  signal: AbortSignal,
): Promise<PackReport> {
  const { runUuid, file, decisionsOnly } = wish;
  const movie = decisionsOnly ? 'none' : wish.movie;
  if (!path.isAbsolute(file)) throw new AppError('usage.invalid', `The file must be absolute: ${file}`);
  await mustBeFree(file, wish.overwrite);
  const detail = await library.runs.get(runUuid);
  const records = await library.travel.records({ runUuid, decisionsOnly });
  if (decisionsOnly && records.curations === 0)
    throw new AppError('run.not_ready', 'Nothing has been decided on this run yet; there is nothing to pack.');
  await using scratch = await scratchBeside(file, `packing to ${file}`);
  const going = await films(library, detail, movie, scratch.folder);
  const sources = [
    ...(decisionsOnly ? [] : await runFiles(detail)),
    ...(await editFiles(library, records)),
    ...going.sources,
  ];
  const temporary = path.join(scratch.folder, 'package');
  const { bytes, files } = await runTravel(
    {
      type: 'pack',
      file: temporary,
      head: {
        formatVersion: packageVersion,
        program: `Calyx ${programVersion()}`,
        packedAt: new Date().toISOString(),
        kind: decisionsOnly ? 'decisions' : 'run',
        runUuid,
        movie,
      },
      records: records.text,
      sources,
      proxies: going.proxies,
    },
    progress,
    signal,
  ).catch((error: unknown) => {
    throw fileError(error, `packing to ${file}`);
  });
  try {
    await rename(temporary, file);
  } catch (error) {
    throw fileError(error, `packing to ${file}`);
  }
  const filmsIn = files.filter(({ belongs }) => belongs.to === 'session' || belongs.to === 'proxy');
  return {
    runUuid,
    file,
    bytes,
    files: files.length,
    decisions: records.decisions,
    raters: [...records.raters],
    films: { kind: movie, count: filmsIn.length, bytes: filmsIn.reduce((sum, one) => sum + one.bytes, 0) },
  };
}
