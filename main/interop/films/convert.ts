// SPDX-License-Identifier: MIT
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '../../contract/index.ts';
import { findFfmpeg, startFilm, type FilmWriter } from '../../media/index.ts';
import { fileError } from '../../processing/index.ts';
import { writeWholeFile } from '../../recording/index.ts';
import { type ConvertedFilm, convertedFilmFile } from '../../sessions/index.ts';
import { unreadable } from '../results/check.ts';
import type { ForeignFilm } from './foreign-film.ts';
import { chooseScale, scaleFindings, toLevels } from './grey-scale.ts';
import { filmReaderOf } from './readers/index.ts';

/** What a conversion is asked for. */
export interface ConvertJob {
  /** Absolute. */
  readonly place: string;
  /** Absolute; must not exist. */
  readonly folder: string;
  readonly dataset: string | null;
  readonly fps: number | null;
}

/** Share of the work that is done, 0 to 1. */
export type OnShare = (share: number) => void;

const framesPerFile = 1000;
/** The writer's ring is full: the disk or the encoder is slower than the reader. */
const pauseMs = 2;

/** Rewrites a film; gives the folder of numbered films, or the film itself where the file only names one. Leaves nothing behind on failure. */
export async function convertFilm(job: ConvertJob, onShare: OnShare): Promise<string> {
  const reader = await filmReaderOf(job.place);
  if (reader === null) throw unreadable(job.place, 'it is no film that Calyx knows.');
  const opened = await reader.open(job.place, { dataset: job.dataset });
  if ('film' in opened) return opened.film;
  await using film = opened;
  if (film.height < 3 || film.width < 3 || film.frames < 1)
    throw unreadable(job.place, `its ${film.frames} frames are ${film.width} × ${film.height} pixels.`);
  const temporary = `${job.folder}.tmp-${process.pid}`;
  try {
    await mkdir(temporary, { recursive: true });
    const scale = await chooseScale(film, (frame) => onShare((0.4 * (frame + 1)) / film.frames));
    const fps = job.fps ?? film.fps;
    await writeFilms(film, temporary, fps ?? 20, (values) => toLevels(values, scale), onShare);
    const { offset, step, noise, range, isLossless } = scale;
    const about: ConvertedFilm = {
      formatVersion: 1,
      source: { name: path.basename(job.place), path: job.place, format: reader.format, dataset: job.dataset },
      frames: film.frames,
      height: film.height,
      width: film.width,
      fps,
      startedAt: film.startedAt,
      grey: { offset, step, noise, range: [...range], lossless: isLossless },
      timeS: film.timeS === null ? null : [...film.timeS],
      findings: [`Converted from ${reader.format}.`, ...film.findings, ...scaleFindings(scale)],
    };
    await writeWholeFile(path.join(temporary, convertedFilmFile), `${JSON.stringify(about, undefined, 2)}\n`);
    await rename(temporary, job.folder);
    return job.folder;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error instanceof AppError ? error : fileError(error, `converting ${path.basename(job.place)}`);
  }
}

async function writeFilms(
  film: ForeignFilm,
  folder: string,
  fps: number,
  levels: (values: Awaited<ReturnType<ForeignFilm['read']>>) => Uint8Array,
  onShare: OnShare,
): Promise<void> {
  const { width, height, frames } = film;
  const compression = findFfmpeg() === undefined ? 'GREY' : 'FFV1';
  const writer: FilmWriter = await startFilm({ folder, width, height, fps, compression, framesPerFile });
  try {
    for (let frame = 0; frame < frames; frame += 1) {
      const level = levels(await film.read(frame));
      let taken = writer.push(level);
      while (taken === 'full') {
        await pause(pauseMs);
        taken = writer.push(level);
      }
      if (taken === 'failed') break;
      onShare(0.4 + (0.6 * (frame + 1)) / frames);
    }
  } catch (error) {
    await writer.finish().catch(() => undefined);
    throw error;
  }
  const files = await writer.finish();
  const written = files.reduce((sum, file) => sum + file.frames, 0);
  if (written < frames)
    throw new AppError(
      'media.io',
      `Only ${written} of ${frames} frames could be written: ${writer.stats().failure ?? 'the writer ended'}.`,
    );
}
