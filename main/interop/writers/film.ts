// SPDX-License-Identifier: MIT
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError, type ExportFinding } from '../../contract/index.ts';
import {
  encodingFfmpeg,
  firstEncoder,
  openMovie,
  startEncoder,
  type Movie,
  type OpenMovie,
} from '../../media/index.ts';
import type { ExportJob, ExportRun, OnProgress, WrittenExport } from '../job.ts';
import { readFootprints, readWhole } from '../run-arrays.ts';
import { readTimeline } from '../timeline.ts';
import { bordersOf, drawBorders, type Border } from './film-overlay.ts';

const what = 'Writing a film';
const hint = 'Install ffmpeg (Debian: apt-get install ffmpeg), or name one in $FFMPEG_BIN.';

/** Every frame is a key frame of four slices, as in the films Calyx records: any frame decodes by itself. */
const ffv1 = ['-c:v', 'ffv1', '-level', '3', '-g', '1', '-slices', '4', '-slicecrc', '1'];
const grey = ['-c:v', 'rawvideo', '-vtag', 'GREY'];
/** H.264 wants even sides: a last row or column is repeated where they are odd. */
const evenSides = ['-vf', 'pad=ceil(iw/2)*2:ceil(ih/2)*2', '-pix_fmt', 'yuv420p', '-movflags', '+faststart'];
const mp4Codecs: Readonly<Record<string, readonly string[]>> = {
  libx264: ['-c:v', 'libx264', '-preset', 'medium', '-crf', '18'],
  libopenh264: ['-c:v', 'libopenh264', '-b:v', '8M'],
  mpeg4: ['-c:v', 'mpeg4', '-q:v', '3'],
};

/** Progress is told once in so many frames. */
const tellEvery = 16;

/**
 * Writes a film of a run, frame by frame: as recorded, registered, or a part of it; AVI (FFV1 or uncompressed grey: every bit is kept) or MP4 (H.264, for
 * showing). In a folder, `timeStamps.csv` says when each frame was taken. With contours the picture is in colour.
 *
 * @throws AppError `usage.invalid`, `media.*`, `disk.full`, `engine.*`, what the signal says
 */
export async function writeFilm(job: ExportJob, progress: OnProgress, signal: AbortSignal): Promise<WrittenExport> {
  const { run, temporary, movie: wish } = job;
  const layer = wish.layer ?? 'registered';
  if (wish.contours === true && wish.codec === 'grey')
    throw new AppError('usage.invalid', 'Outlines are drawn in colour, and a film of grey levels has none.', {
      hint: 'Leave --codec out: FFV1 keeps every bit, too.',
    });
  const [first, last] = span(run, wish.firstFrame, wish.lastFrame);
  const gone = run.recordings.find(({ filmsPresent }) => !filmsPresent);
  if (gone !== undefined)
    throw new AppError('media.unreadable', `The films of ${gone.device} are no longer where they were imported from.`, {
      hint: 'Connect the disk they lie on, or point to their new place: calyx relink.',
    });
  const { form, findings } = formOf(job);
  const file = isFile(job) ? temporary : path.join(temporary, `film.${job.format}`);
  if (!isFile(job)) await mkdir(temporary);
  using movie = openMovie(movieOf(run));
  const borders = wish.contours === true ? bordersOf(run, await readFootprints(run)) : null;
  // On the film as recorded the cells move with the content.
  const moved =
    layer === 'raw' && borders !== null ? await readWhole(run.arrays.motion, 'motion.npy', run.frames * 2) : null;
  await encode({ movie, layer, first, last, borders, moved, file, form, fps: run.fps ?? 20, run }, progress, signal);
  if (isFile(job)) return { files: [], findings };
  await writeFile(path.join(temporary, 'timeStamps.csv'), await timesCsv(run, first, last));
  return { files: [path.basename(file), 'timeStamps.csv'], findings };
}

const isFile = (job: ExportJob): boolean => job.destination.toLowerCase().endsWith(`.${job.format}`);

function span(run: ExportRun, from = 0, to = run.frames - 1): readonly [number, number] {
  if (from <= to && to < run.frames) return [from, to];
  throw new AppError(
    'usage.invalid',
    `Frames ${from} to ${to} were asked for; the run has the frames 0 to ${run.frames - 1}.`,
  );
}

function formOf(job: ExportJob): { readonly form: readonly string[]; readonly findings: readonly ExportFinding[] } {
  const { contours = false, codec = 'ffv1' } = job.movie;
  const ffmpeg = encodingFfmpeg(what, hint);
  if (job.format === 'avi') {
    if (codec === 'grey') return { form: [...grey, '-pix_fmt', 'gray', '-f', 'avi'], findings: [] };
    return { form: [...ffv1, '-pix_fmt', contours ? 'bgr0' : 'gray', '-f', 'avi'], findings: [] };
  }
  const name = firstEncoder(ffmpeg, Object.keys(mp4Codecs));
  if (name === undefined)
    throw new AppError('media.ffmpeg_missing', 'The ffmpeg here can write neither H.264 nor MPEG-4.', {
      hint: 'Install a full ffmpeg, or write avi.',
    });
  const findings: ExportFinding[] =
    name === 'mpeg4'
      ? [
          {
            importance: 'BEST_PRACTICE_SUGGESTION',
            check: 'film_codec',
            message: 'The ffmpeg here cannot write H.264.',
            remedy: 'The film is MPEG-4 part 2, which browsers do not play.',
          },
        ]
      : [];
  return { form: [...(mp4Codecs[name] ?? []), ...evenSides, '-f', 'mp4'], findings };
}

/** The run's input as the reader of films takes it. */
function movieOf(run: ExportRun): Movie {
  return {
    inputs: run.recordings.map(({ films, firstFrame, samples }) => ({
      films,
      firstFrame,
      lastFrame: firstFrame + samples - 1,
    })),
    motionFile: path.join(run.folder, 'motion.npy'),
    timeFile: path.join(run.folder, 'time.npy'),
    model: { folder: run.folder, layers: run.layers },
  };
}

interface Work {
  readonly movie: OpenMovie;
  readonly layer: NonNullable<ExportJob['movie']['layer']>;
  readonly first: number;
  readonly last: number;
  readonly borders: readonly Border[] | null;
  readonly moved: ArrayLike<number> | null;
  readonly file: string;
  readonly form: readonly string[];
  readonly fps: number;
  readonly run: ExportRun;
}

async function encode(work: Work, progress: OnProgress, signal: AbortSignal): Promise<void> {
  const { movie, layer, first, last, borders, moved, file, form, fps, run } = work;
  const { height, width } = run;
  const pixels = borders === null ? 'gray' : 'rgb24';
  const encoder = startEncoder({ target: file, width, height, fps, pixels, form, what, hint });
  try {
    for (let frame = first; frame <= last; frame += 1) {
      signal.throwIfAborted();
      const { bytes, header } = await movie.read(frame, layer);
      if (header.width !== width || header.height !== height)
        throw new AppError(
          'media.size_mismatch',
          `The film is ${header.width} × ${header.height} now; the run was made of ${width} × ${height}.`,
          { hint: 'Point to the films the run was made of: calyx relink.' },
        );
      const place: readonly [number, number] = [moved?.[2 * frame] ?? 0, moved?.[2 * frame + 1] ?? 0];
      await encoder.write(borders === null ? bytes : drawBorders(bytes, width, height, borders, place));
      if ((frame - first) % tellEvery === 0 || frame === last)
        progress(`frames ${layer}`, (frame - first + 1) / (last - first + 1));
    }
  } catch (error) {
    await encoder.abandon();
    throw error;
  }
  await encoder.finish();
}

/** Times of the frames as a Miniscope DAQ writes them; empty where a frame has none. Frame 0 is the film's first. */
async function timesCsv(run: ExportRun, first: number, last: number): Promise<string> {
  const { known: time } = await readTimeline(run);
  const rows = Array.from({ length: last - first + 1 }, (_, i) => {
    const seconds = time?.[first + i] ?? Number.NaN;
    return `${i},${Number.isNaN(seconds) ? '' : (1000 * seconds).toFixed(3)},${first + i}`;
  });
  return `Frame Number,Time Stamp (ms),Frame of the Run\n${rows.join('\n')}\n`;
}
