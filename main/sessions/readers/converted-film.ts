// SPDX-License-Identifier: MIT
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { AppError, type Finding } from '../../contract/index.ts';
import { filmNames, hasFile, listFolder } from '../places.ts';
import type { ReadFilm, SessionReader } from '../types.ts';

/** File that makes a folder a converted film. */
export const convertedFilmFile = 'calyxFilm.json';

/** What is known of a film of another program that was rewritten as numbered films of 8-bit grey. */
export const ConvertedFilm = z.object({
  formatVersion: z.literal(1),
  /** The file it came from. */
  source: z.object({ name: z.string(), path: z.string(), format: z.string(), dataset: z.string().nullable() }),
  frames: z.number().int().positive(),
  height: z.number().int().positive(),
  width: z.number().int().positive(),
  fps: z.number().positive().nullable(),
  startedAt: z.string().nullable(),
  /** `value = offset + step · level`. */
  grey: z.object({
    offset: z.number(),
    step: z.number(),
    noise: z.number().nullable(),
    range: z.tuple([z.number(), z.number()]),
    lossless: z.boolean(),
  }),
  /** Seconds of each frame since the first; null when frames follow one another at `fps`. */
  timeS: z.array(z.number()).nullable(),
  findings: z.array(z.string()),
});
export type ConvertedFilm = z.infer<typeof ConvertedFilm>;

async function readDescription(folder: string): Promise<ConvertedFilm> {
  const file = path.join(folder, convertedFilmFile);
  try {
    return ConvertedFilm.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new AppError('session.bad_metadata', `${convertedFilmFile} of ${path.basename(folder)} cannot be read.`, {
      hint: 'Import the original film again.',
      cause: error,
    });
  }
}

/** A film of another program (TIFF, HDF5, NWB, ISXD, zarr) that an import rewrote: `main/interop/films` makes these folders. */
export const convertedFilm: SessionReader = {
  format: 'converted-film',
  title: 'Converted film',
  recognises: (place) => Promise.resolve(place.kind === 'folder' && hasFile(place.entries, convertedFilmFile)),
  read: async (place, { probeFilm, fps: given }) => {
    const about = await readDescription(place.path);
    const films: ReadFilm[] = [];
    let codec = '';
    for (const { name } of filmNames(await listFolder(place.path)).numbered) {
      const file = path.join(place.path, name);
      const probe = await probeFilm(file);
      codec = probe.codec;
      films.push({ path: file, name, bytes: (await stat(file)).size, frames: probe.frames });
    }
    const frames = films.reduce((sum, film) => sum + film.frames, 0);
    const fps = given ?? about.fps;
    const findings: Finding[] = about.findings.map((message) => ({
      severity: 'info',
      code: 'film.converted',
      message,
    }));
    const error =
      frames === about.frames
        ? null
        : new AppError('media.unreadable', `${about.source.name}: ${frames} of its ${about.frames} frames are here.`, {
            hint: 'Import the original film again.',
          });
    if (error !== null) findings.push({ severity: 'problem', code: error.code, message: error.message });
    const last = about.timeS?.at(-1);
    return {
      format: convertedFilm.format,
      name: about.source.name,
      folder: place.path,
      subject: null,
      startedAt: about.startedAt,
      tzOffsetMin: null,
      notes: '',
      devices: [
        {
          name: path.parse(about.source.name).name,
          kind: 'miniscope',
          deviceType: null,
          folder: place.path,
          films,
          frames,
          height: about.height,
          width: about.width,
          codec,
          fps,
          fpsSource: given === undefined ? (about.fps === null ? null : 'metadata') : 'given',
          csvRows: null,
          timeS: about.timeS === null ? null : Float64Array.from(about.timeS),
          durationS: fps === null ? null : (last ?? (frames - 1) / fps) + 1 / fps,
          bytes: films.reduce((sum, film) => sum + film.bytes, 0),
          config: { source: about.source, grey: about.grey },
          findings: [],
          error,
        },
      ],
      chosenDevice: null,
      findings,
    };
  },
  frameTimes: async ([first]) => {
    if (first === undefined) return null;
    const { timeS } = await readDescription(path.dirname(first.path));
    return timeS === null ? null : Float64Array.from(timeS);
  },
};
