// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../contract/index.ts';
import type { Library } from '../../library/index.ts';
import { fileError } from '../../processing/index.ts';
import type { ReadSession } from '../../sessions/index.ts';
import { inThread } from '../../threads/index.ts';
import type { ConvertShare } from './convert-worker.ts';
import type { ConvertJob, OnShare } from './convert.ts';
import { filmReaderOf } from './readers/index.ts';

/** What the user said beside the place. */
export interface FilmChoice {
  readonly dataset?: string | undefined;
  readonly fps?: number | undefined;
}

/**
 * What a film of another program is, by its header: a session to look at before it is imported. Null for everything that can be opened as it is.
 *
 * @throws AppError `interop.unreadable`, `interop.several_films`, `disk.io`
 */
export async function describeFilm(
  place: string,
  choice: FilmChoice,
): Promise<ReadSession | { readonly film: string } | null> {
  const reader = await filmReaderOf(place);
  if (reader === null) return null;
  const opened = await reader.open(place, { dataset: choice.dataset ?? null });
  if ('film' in opened) return opened;
  await using film = opened;
  const { frames, height, width, timeS, startedAt } = film;
  const fps = choice.fps ?? film.fps;
  const name = path.basename(place);
  const rewritten = `${reader.format}: the import writes it anew as a film of 8-bit grey in the library.`;
  return {
    format: 'converted-film',
    name,
    folder: path.dirname(place),
    subject: null,
    startedAt,
    tzOffsetMin: null,
    notes: '',
    devices: [
      {
        name: path.parse(place).name,
        kind: 'miniscope',
        deviceType: null,
        folder: path.dirname(place),
        films: [],
        frames,
        height,
        width,
        codec: reader.format,
        fps,
        fpsSource: fps === null ? null : choice.fps === undefined ? 'metadata' : 'given',
        csvRows: null,
        timeS,
        durationS: fps === null ? null : (timeS?.at(-1) ?? (frames - 1) / fps) + 1 / fps,
        bytes: (await stat(place)).size,
        config: null,
        findings: [],
        error: null,
      },
    ],
    chosenDevice: null,
    findings: [rewritten, ...film.findings].map((message) => ({ severity: 'info', code: 'film.converted', message })),
  };
}

/**
 * Where a place can be opened from as a session: itself, unless it is a film of another program. Such a film is rewritten once below the
 * library's `films` folder; a second time what is there is used, as long as the file did not change.
 *
 * @throws AppError `interop.unreadable`, `interop.several_films`, `disk.*`, `rpc.cancelled`, `library.read_only`
 */
export async function readablePlace(
  place: string,
  choice: FilmChoice,
  library: Pick<Library, 'folders' | 'readOnly'>,
  following: { readonly signal: AbortSignal; readonly onShare?: OnShare },
): Promise<string> {
  if ((await filmReaderOf(place)) === null) return place;
  const folder = path.join(library.folders.films, await folderName(place, choice));
  if (
    await stat(folder).then(
      () => true,
      () => false,
    )
  )
    return folder;
  if (existsSync(folder)) return folder;
  if (library.readOnly !== null) throw new AppError('library.read_only', library.readOnly);
  await mkdir(library.folders.films, { recursive: true });
  const job: ConvertJob = { place, folder, dataset: choice.dataset ?? null, fps: choice.fps ?? null };
  return await convertAside(job, following.signal, following.onShare ?? (() => undefined));
}

/** Named after the film, and after what would make another conversion: the file's size and time, the array inside it. */
async function folderName(place: string, { dataset, fps }: FilmChoice): Promise<string> {
  const hash = createHash('sha256');
  const add = async (file: string): Promise<void> => {
    const info = await stat(file);
    hash.update(`${file}\n${info.size}\n${info.mtimeMs}\n`);
    if (info.isDirectory()) for (const name of (await readdir(file)).sort()) await add(path.join(file, name));
  };
  try {
    await add(place);
  } catch (error) {
    throw fileError(error, `reading ${path.basename(place)}`);
  }
  hash.update(`${dataset ?? ''}\n${fps ?? ''}`);
  const name = path
    .parse(place)
    .name.replaceAll(/[^\p{L}\p{N}._-]+/gu, '_')
    .slice(0, 60);
  return `${name}-${hash.digest('hex').slice(0, 12)}`;
}

async function convertAside(job: ConvertJob, signal: AbortSignal, onShare: OnShare): Promise<string> {
  try {
    return await inThread<string, ConvertShare>({
      module: new URL('convert-worker.ts', import.meta.url),
      name: 'convert',
      data: job,
      signal,
      cancelled: 'The import was stopped before it was done.',
      hear: ({ share }) => onShare(share),
    });
  } finally {
    await rm(`${job.folder}.tmp-${process.pid}`, { recursive: true, force: true });
  }
}
