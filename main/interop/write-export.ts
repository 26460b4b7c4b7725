// SPDX-License-Identifier: MIT
import { AppError } from '../contract/index.ts';
import type { ExportJob, OnProgress, WrittenExport } from './job.ts';
import { writeNwb } from './nwb/write.ts';
import { writeCaiman } from './writers/caiman.ts';
import { writeCsv } from './writers/csv.ts';
import { writeMat } from './writers/mat.ts';
import { writeFilm } from './writers/film.ts';
import { writeRoiZip } from './writers/roi-zip.ts';
import { writeSvg } from './writers/svg.ts';
import { writeTiff } from './writers/tiff.ts';
import { placeFilms } from './nwb/films.ts';

type Writer = (job: ExportJob, progress: OnProgress, signal: AbortSignal) => Promise<WrittenExport>;

/** Every form that the thread writes. */
const writers: Readonly<Partial<Record<ExportJob['format'], Writer>>> = {
  nwb: async (job, progress) => {
    const films = await placeFilms(job);
    const written = await writeNwb(job, films.placed, progress);
    return { ...written, files: films.copied };
  },
  caiman: writeCaiman,
  csv: writeCsv,
  mat: writeMat,
  tiff: writeTiff,
  roizip: writeRoiZip,
  avi: writeFilm,
  mp4: writeFilm,
  svg: writeSvg,
};

/** Writes an export to its temporary place. @throws AppError `disk.full`, `disk.io`, `usage.invalid` */
export async function writeExport(job: ExportJob, progress: OnProgress, signal: AbortSignal): Promise<WrittenExport> {
  const writer = writers[job.format];
  if (writer === undefined) throw new AppError('usage.invalid', `The form “${job.format}” cannot be written here.`);
  return await writer(job, progress, signal);
}
