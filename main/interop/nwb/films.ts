// SPDX-License-Identifier: MIT
import { randomUUID } from 'node:crypto';
import { copyFile, constants, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { ExportJob } from '../job.ts';
import type { PlacedFilms } from './acquisition.ts';

/**
 * Says where the films of an NWB file stand: where they are, or copied beside it under the names of the DANDI archive
 * (`<name of the file>/<object id>_external_file_<n>.<ext>`, datamodel.md 3.7). Copies go to `<job.temporary>.films`.
 */
export async function placeFilms(
  job: ExportJob,
): Promise<{ readonly placed: PlacedFilms; readonly copied: readonly string[] }> {
  const base = path.dirname(job.destination);
  const folder = filmFolder(job.destination);
  const copied: string[] = [];
  const placed: { objectId: string; paths: string[] }[] = [];
  for (const recording of job.run.recordings) {
    const objectId = randomUUID();
    const paths: string[] = [];
    for (const [i, film] of recording.films.entries()) {
      if (job.films === 'link' || !recording.filmsPresent) {
        paths.push(slashes(path.relative(base, film)));
        continue;
      }
      const name = `${objectId}_external_file_${i}${path.extname(film)}`;
      await mkdir(`${job.temporary}.films`, { recursive: true });
      // A file system that can share the blocks of two files copies nothing.
      await copyFile(film, path.join(`${job.temporary}.films`, name), constants.COPYFILE_FICLONE);
      paths.push(`${path.basename(folder)}/${name}`);
      copied.push(`${path.basename(folder)}/${name}`);
    }
    placed.push({ objectId, paths });
  }
  return { placed, copied };
}

/** The folder that copied films of an NWB file lie in. */
export function filmFolder(file: string): string {
  return path.join(path.dirname(file), path.basename(file, path.extname(file)));
}

function slashes(place: string): string {
  return place.split(path.sep).join('/');
}
