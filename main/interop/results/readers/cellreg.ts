// SPDX-License-Identifier: MIT
import { checkSize, unreadable } from '../check.ts';
import { ofColumns } from '../footprints.ts';
import type { ForeignFootprint, OnShare, ResultReader } from '../foreign-result.ts';
import { type MatPages, namesOfMat, openMat } from '../mat/index.ts';

/** Footprints as CellReg takes them (`.mat`, `allFiltersMat`: cells × y × x), without traces. They need the recording for its frames. */
export const cellreg: ResultReader = {
  program: 'cellreg',
  title: 'CellReg footprints',
  recognises: async (place) => {
    using file = await namesOfMat(place);
    return file?.names().includes('allFiltersMat') === true;
  },
  read: async (place, field, onShare) => {
    using file = await openMat(place);
    const found = file?.pages('allFiltersMat') ?? null;
    if (found === null) throw unreadable(place, 'its allFiltersMat is no cells × y × x.');
    const [cells, height, width] = found.shape;
    checkSize([cells, height, width], 'allFiltersMat', place);
    if (field === null || field.height !== height || field.width !== width) {
      throw unreadable(
        place,
        `it holds ${cells} footprints on ${width} × ${height} pixels and no traces${field === null ? '. Give the recording they are of (--recording <uuid>), which must have that size.' : `, the recording has ${field.width} × ${field.height}.`}`,
      );
    }
    const footprints = footprintsOf(found, onShare);
    return {
      program: 'cellreg',
      version: null,
      height,
      width,
      frames: field.frames,
      fps: field.fps,
      footprints,
      traces: {},
      accepted: footprints.map(() => true),
      metrics: {},
      images: {},
      motion: null,
      timeS: null,
      parameters: {},
      findings: ['CellReg’s files hold footprints only; there are no traces.'],
    };
  },
};

/** Values that are in memory at a time. */
const slabValues = 2 ** 22;

/** Cells × y × x, some columns of the picture at a time: a dense table of masks is far larger than all that is in it. */
function footprintsOf(
  { shape: [cells, height, width], read }: MatPages,
  onShare: OnShare | undefined,
): readonly ForeignFootprint[] {
  const found = Array.from({ length: cells }, () => ({ pixels: [] as number[], values: [] as number[] }));
  const step = Math.max(1, Math.floor(slabValues / Math.max(1, cells * height)));
  for (let from = 0; from < width; from += step) {
    onShare?.(from / width);
    const values = read(from, Math.min(width, from + step));
    for (let i = 0; i < values.length; i += 1) {
      const value = Number(values[i]);
      if (!(value > 0) || !Number.isFinite(value)) continue;
      const cell = found[i % cells];
      cell?.pixels.push(from * height + Math.floor(i / cells));
      cell?.values.push(value);
    }
  }
  return found.map(({ pixels, values }) => ofColumns(pixels, values, height, width));
}
