// SPDX-License-Identifier: MIT
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../contract/index.ts';
import type { ExportJob, ExportRun, ImageName, OnProgress, WrittenExport } from '../job.ts';
import { readFootprints, readWhole, type Footprint } from '../run-arrays.ts';

/** Largest plain TIFF: its offsets have 32 bits. */
const longest = 2 ** 32 - 2 ** 16;
const directoryBytes = 2 + 11 * 12 + 4;

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

/** Pages of H × W floats; each page is its directory and then its pixels. */
async function writePages(
  file: string,
  { height, width }: ExportRun,
  pages: number,
  page: (index: number) => Float32Array,
  progress: OnProgress,
): Promise<void> {
  const size = height * width * 4;
  const step = directoryBytes + size + (size % 2);
  if (8 + pages * step > longest)
    throw new AppError('usage.invalid', 'These footprints need more than 4 GB as a TIFF, which it cannot hold.', {
      hint: 'Export only the accepted cells (--cells accepted), or as nwb or mat.',
    });
  const out = await open(file, 'w');
  try {
    const header = Buffer.alloc(8);
    header.write('II', 'latin1');
    header.writeUInt16LE(42, 2);
    header.writeUInt32LE(pages === 0 ? 0 : 8, 4);
    await out.write(header);
    for (let index = 0; index < pages; index += 1) {
      const at = 8 + index * step;
      const next = index + 1 < pages ? at + step : 0;
      const pixels = page(index);
      await out.write(directory(height, width, at + directoryBytes, next));
      await out.write(
        Buffer.concat([new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength), Buffer.alloc(size % 2)]),
      );
      progress('images', (index + 1) / pages);
    }
    await out.sync();
  } finally {
    await out.close();
  }
}

/** A page's directory (TIFF 6.0, section 2): entries by ascending tag, all values inline. */
function directory(height: number, width: number, pixels: number, next: number): Buffer {
  const [short, long] = [3, 4];
  const entries: readonly (readonly [tag: number, type: number, value: number])[] = [
    [256, long, width],
    [257, long, height],
    [258, short, 32],
    [259, short, 1],
    [262, short, 1],
    [273, long, pixels],
    [277, short, 1],
    [278, long, height],
    [279, long, height * width * 4],
    [284, short, 1],
    [339, short, 3],
  ];
  const bytes = Buffer.alloc(directoryBytes);
  bytes.writeUInt16LE(entries.length, 0);
  for (const [i, [tag, type, value]] of entries.entries()) {
    const at = 2 + i * 12;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(type, at + 2);
    bytes.writeUInt32LE(1, at + 4);
    bytes.writeUInt32LE(value, at + 8);
  }
  bytes.writeUInt32LE(next, directoryBytes - 4);
  return bytes;
}
