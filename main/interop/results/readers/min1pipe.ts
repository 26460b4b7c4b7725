// SPDX-License-Identifier: MIT
import { checkSize, count, unreadable } from '../check.ts';
import { cellByCell, ofColumns } from '../footprints.ts';
import type { ForeignResult, OnShare, ResultReader, RowSource } from '../foreign-result.ts';
import { numbers } from '../hdf5.ts';
import { type MatFile, namesOfMat, openMat, scalarsOf } from '../mat/index.ts';

/**
 * Results of MIN1PIPE (`*_data_processed.mat`, MAT 5 or 7.3): `roifn` pixels × cells counted along columns, `sigfn` the traces after demixing,
 * `spkfn` the deconvolved ones, `dff`.
 */
export const min1pipe: ResultReader = {
  program: 'min1pipe',
  title: 'MIN1PIPE result',
  recognises: async (place) => {
    using file = await namesOfMat(place);
    const names = file?.names() ?? [];
    return names.includes('roifn') && names.includes('sigfn');
  },
  read: async (place, _field, onShare) => {
    using file = await openMat(place);
    if (file === null) throw unreadable(place, 'it is no MAT file of level 5 or 7.3.');
    return read(file, place, onShare);
  },
};

function read(file: MatFile, place: string, onShare: OnShare | undefined): ForeignResult {
  const scalar = (name: string): number | undefined => {
    const found = file.get(name);
    return found?.kind === 'numbers' && found.values.length > 0 ? Number(found.values[0]) : undefined;
  };
  const [height, width] = [count(scalar('pixh'), 'pixh', place), count(scalar('pixw'), 'pixw', place)];
  const [masks, signals] = [file.table('roifn'), file.table('sigfn')];
  if (masks === null || signals === null) throw unreadable(place, 'it has no roifn or no sigfn.');
  const [pixels, cells] = masks.shape;
  const [rows, frames] = signals.shape;
  checkSize([cells, pixels], 'roifn', place);
  if (pixels !== height * width || rows !== cells) {
    throw unreadable(
      place,
      `its masks (${cells} of ${pixels} pixels), field (${height} × ${width}) and traces (${rows}) do not belong together.`,
    );
  }
  const table = (name: string): RowSource | null => {
    const found = file.table(name);
    return found === null || found.shape.join() !== signals.shape.join() ? null : found.rows;
  };
  const image = (name: string): Float32Array | null => {
    const found = file.get(name);
    if (found?.kind !== 'numbers' || found.shape.join() !== `${height},${width}`) return null;
    const out = new Float32Array(height * width);
    for (let x = 0; x < width; x += 1)
      for (let y = 0; y < height; y += 1) out[y * width + x] = Number(found.values[x * height + y]);
    return out;
  };
  const columns = Array.from({ length: pixels }, (_, i) => i);
  const footprints = cellByCell(cells, onShare, (k) => ofColumns(columns, numbers(masks.column(k)), height, width));
  const [raw, deconvolved, dff, max] = [table('sigfn'), table('spkfn'), table('dff'), image('imaxn') ?? image('imax')];
  const rate = scalar('Params.Fsi_new') ?? scalar('Params.Fsi');
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
    parameters: scalarsOf(file, 'Params'),
    findings: ['MIN1PIPE keeps its motion as displacement fields that are not in this file; the motion is unknown.'],
  };
}
