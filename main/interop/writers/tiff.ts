// SPDX-License-Identifier: MIT
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { writeFloatPages } from '../../tiff/index.ts';
import type { ExportJob, ExportRun, ImageName, OnProgress, WrittenExport } from '../job.ts';
import { readFootprints, readWhole, type Footprint } from '../run-arrays.ts';

/**
 * Writes summary images and footprints as uncompressed 32-bit float TIFF (TIFF 6.0, little-endian, one strip a page): `mean.tif` … and
 * `footprints.tif`, a page a cell. Where a file is named, it holds the footprints alone.
 *
 * @throws AppError `disk.io`, `disk.full`, `usage.invalid` beyond 4 GB
 */
export async function writeTiff(job: ExportJob, progress: OnProgress): Promise<WrittenExport> {
  const { run, temporary } = job;
  const footprints = await readFootprints(run);
  if (/\.tiff?$/i.test(job.destination)) {
    await writePages(temporary, run, footprints.length, (k) => maskOf(run, footprints[k]), progress);
    return { files: [], findings: [] };
  }
  await mkdir(temporary);
  const files: string[] = [];
  for (const name of Object.keys(run.arrays.images) as ImageName[]) {
    const image = await readWhole(run.arrays.images[name], `images/${name}.npy`, run.height * run.width);
    if (image === null) continue;
    await writePages(
      path.join(temporary, `${name}.tif`),
      run,
      1,
      () => Float32Array.from(image),
      () => undefined,
    );
    files.push(`${name}.tif`);
  }
  if (footprints.length > 0) {
    await writePages(
      path.join(temporary, 'footprints.tif'),
      run,
      footprints.length,
      (k) => maskOf(run, footprints[k]),
      progress,
    );
    files.push('footprints.tif');
  }
  return { files, findings: [] };
}

function maskOf({ height, width }: ExportRun, footprint: Footprint | undefined): Float32Array {
  const image = new Float32Array(height * width);
  for (const [i, pixel] of (footprint?.pixels ?? []).entries()) image[pixel] = footprint?.weights[i] ?? 0;
  return image;
}

async function writePages(
  file: string,
  { height, width }: ExportRun,
  pages: number,
  page: (index: number) => Float32Array,
  progress: OnProgress,
): Promise<void> {
  await writeFloatPages(file, {
    height,
    width,
    pages,
    page: (index) => {
      progress('images', (index + 1) / pages);
      return page(index);
    },
    hint: 'Export only the accepted cells (--cells accepted), or as nwb or mat.',
  });
}
