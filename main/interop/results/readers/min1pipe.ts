// SPDX-License-Identifier: MIT
import type { TypedJson } from '../../../library/index.ts';
import { checkSize, count, unreadable } from '../check.ts';
import { ofColumns } from '../footprints.ts';
import type { ForeignResult, ResultReader } from '../foreign-result.ts';
import { isHdf5, numbers, openHdf5, type Hdf5 } from '../hdf5.ts';

/**
 * Results of MIN1PIPE (`*_data_processed.mat`, MAT 7.3): `roifn` pixels × cells counted along columns, `sigfn` the traces after demixing,
 * `spkfn` the deconvolved ones, `dff`. MATLAB's axes appear reversed in HDF5.
 */
export const min1pipe: ResultReader = {
  program: 'min1pipe',
  title: 'MIN1PIPE result',
  recognises: async (place) => {
    if (!/\.mat$/i.test(place) || !(await isHdf5(place))) return false;
    using file = await openHdf5(place);
    return file.has('roifn') && file.has('sigfn');
  },
  read: async (place) => {
    using file = await openHdf5(place);
    return read(file, place);
  },
};

function read(file: Hdf5, place: string): ForeignResult {
  const scalar = (name: string): number | undefined => numbers(file.numeric(name)?.values)[0];
  const [height, width] = [count(scalar('pixh'), 'pixh', place), count(scalar('pixw'), 'pixw', place)];
  const masks = file.numeric('roifn');
  const signals = file.numeric('sigfn');
  if (masks === null || signals === null) throw unreadable(place, 'it has no roifn or no sigfn.');
  const [cells = 0, pixels = 0] = masks.shape;
  const [frames = 0, rows = 0] = signals.shape;
  checkSize([cells, pixels], 'roifn', place);
  if (pixels !== height * width || rows !== cells) {
    throw unreadable(
      place,
      `its masks (${cells} of ${pixels} pixels), field (${height} × ${width}) and traces (${rows}) do not belong together.`,
    );
  }
  const table = (name: string): Float32Array | null => {
    const set = file.numeric(name);
    if (set === null || set.shape.join() !== signals.shape.join()) return null;
    const out = new Float32Array(cells * frames);
    for (let t = 0; t < frames; t += 1)
      for (let k = 0; k < cells; k += 1) out[k * frames + t] = Number(set.values[t * cells + k]);
    return out;
  };
  const image = (name: string): Float32Array | null => {
    const set = file.numeric(name);
    if (set === null || set.shape.join() !== `${width},${height}`) return null;
    const out = new Float32Array(height * width);
    for (let x = 0; x < width; x += 1)
      for (let y = 0; y < height; y += 1) out[y * width + x] = Number(set.values[x * height + y]);
    return out;
  };
  const columns = Array.from({ length: pixels }, (_, i) => i);
  const values = masks.values;
  const footprints = Array.from({ length: cells }, (_, k) =>
    ofColumns(
      columns,
      Array.from({ length: pixels }, (_unused, i) => Number(values[k * pixels + i])),
      height,
      width,
    ),
  );
  const parameters: Record<string, TypedJson> = {};
  for (const name of file.names('Params')) {
    const [value, ...more] = numbers(file.numeric(`Params/${name}`)?.values);
    if (value !== undefined && more.length === 0 && Number.isFinite(value)) parameters[name] = value;
  }
  const [raw, deconvolved, dff, max] = [table('sigfn'), table('spkfn'), table('dff'), image('imaxn') ?? image('imax')];
  const rate = scalar('Params/Fsi_new') ?? scalar('Params/Fsi');
  return {
    program: 'min1pipe',
    version: null,
    height,
    width,
    frames,
    fps: rate !== undefined && rate > 0 ? rate : null,
    footprints,
    traces: {
      ...(raw === null ? {} : { denoised: raw }),
      ...(deconvolved === null ? {} : { deconvolved }),
      ...(dff === null ? {} : { dff }),
    },
    accepted: footprints.map(() => true),
    metrics: {},
    images: max === null ? {} : { max },
    motion: null,
    timeS: null,
    parameters,
    findings: ['MIN1PIPE keeps its motion as displacement fields that are not in this file; the motion is unknown.'],
  };
}
