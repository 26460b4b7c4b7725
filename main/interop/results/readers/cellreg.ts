// SPDX-License-Identifier: MIT
import { checkSize, unreadable } from '../check.ts';
import type { ForeignFootprint, ResultReader } from '../foreign-result.ts';
import { namesOfMat, openMat } from '../mat/index.ts';

/** Footprints as CellReg takes them (`.mat`, `allFiltersMat`: cells × y × x), without traces. They need the recording for its frames. */
export const cellreg: ResultReader = {
  program: 'cellreg',
  title: 'CellReg footprints',
  recognises: async (place) => {
    using file = await namesOfMat(place);
    return file?.names().includes('allFiltersMat') === true;
  },
  read: async (place, field) => {
    using file = await openMat(place);
    const found = file?.get('allFiltersMat');
    if (found?.kind !== 'numbers' || found.shape.length !== 3)
      throw unreadable(place, 'its allFiltersMat is no cells × y × x.');
    const [cells = 0, height = 0, width = 0] = found.shape;
    checkSize([cells, height, width], 'allFiltersMat', place);
    if (field === null || field.height !== height || field.width !== width) {
      throw unreadable(
        place,
        `it holds ${cells} footprints on ${width} × ${height} pixels and no traces${field === null ? '. Give the recording they are of (--recording <uuid>), which must have that size.' : `, the recording has ${field.width} × ${field.height}.`}`,
      );
    }
    const footprints = Array.from({ length: cells }, (_, k): ForeignFootprint => {
      const pixels: number[] = [];
      const values: number[] = [];
      for (let y = 0; y < height; y += 1) {
        for (let x = 0; x < width; x += 1) {
          const value = Number(found.values[k + cells * (y + height * x)]);
          if (value > 0 && Number.isFinite(value)) {
            pixels.push(y * width + x);
            values.push(value);
          }
        }
      }
      return { pixels: Uint32Array.from(pixels), values: Float32Array.from(values) };
    });
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
