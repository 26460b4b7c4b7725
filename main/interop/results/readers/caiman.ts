// SPDX-License-Identifier: MIT
import { AppError } from '../../../contract/index.ts';
import type { TypedJson } from '../../../library/index.ts';
import { checkSize, count, unreadable } from '../check.ts';
import { cellByCell, ofColumns } from '../footprints.ts';
import type { ForeignResult, OnShare, ResultReader, RowSource } from '../foreign-result.ts';
import { isHdf5, numbers, openHdf5, rowsOfHdf5, type Hdf5 } from '../hdf5.ts';

/**
 * Results that CaImAn saved (`cnmf.save`, HDF5; datamodel.md 3.1). Masks are stored by columns; `C` is denoised, `C + YrA` raw, `S` deconvolved;
 * shifts are the correction, so the motion of the content is their negative.
 */
export const caiman: ResultReader = {
  program: 'caiman',
  title: 'CaImAn result',
  recognises: async (place) => {
    if (!/\.(hdf5|h5)$/i.test(place) || !(await isHdf5(place))) return false;
    using file = await openHdf5(place);
    // One that lacks a part is CaImAn's all the same: what is missing can be named.
    const names = file.names('estimates');
    return names.includes('A') || names.includes('C');
  },
  read: async (place, _field, onShare) => {
    using file = await openHdf5(place);
    return read(file, place, onShare);
  },
};

function read(file: Hdf5, place: string, onShare: OnShare | undefined): ForeignResult {
  const stored = file.shape('estimates/C');
  if (stored?.length !== 2) throw unreadable(place, 'it has no traces (estimates/C).');
  if (!file.has('estimates/A/data')) throw unreadable(place, 'it has no masks (estimates/A).');
  const shape = numbers(file.numeric('estimates/A/shape')?.values);
  // Tables that were turned over (frames × cells) are told by the number of masks.
  const isTurned = stored[0] !== shape[1] && stored[1] === shape[1];
  const size = isTurned ? stored.toReversed() : stored;
  const [cells = 0, frames = 0] = size;
  // Releases differ in where they keep the size of the field.
  const dims =
    ['dims', 'estimates/dims', 'params/data/dims']
      .map((name) => numbers(file.numeric(name)?.values))
      .find((found) => found.length > 0) ?? [];
  if (dims.length !== 2) {
    throw unreadable(
      place,
      dims.length === 3
        ? 'it is of a volume; Calyx knows planes only.'
        : 'it does not say the size of the field (dims).',
    );
  }
  const [height, width] = [count(dims[0], 'height', place), count(dims[1], 'width', place)];
  checkSize([height, width], 'field', place);
  checkSize([cells, frames], 'table of traces', place);
  if (shape[0] !== height * width || shape[1] !== cells) {
    throw unreadable(
      place,
      `its masks are ${shape.join(' × ')}, its field ${height} × ${width} and its traces ${cells}.`,
    );
  }
  const [data, indices, indptr] = ['data', 'indices', 'indptr'].map((name) =>
    numbers(file.numeric(`estimates/A/${name}`)?.values),
  );
  if (
    data === undefined ||
    indices === undefined ||
    indptr?.length !== cells + 1 ||
    indptr[cells] !== data.length ||
    indices.length !== data.length
  ) {
    throw unreadable(place, 'the parts of its masks (estimates/A) do not belong together.');
  }
  if (indices.some((pixel) => pixel < 0 || pixel >= height * width))
    throw unreadable(place, 'its masks leave the field.');
  const footprints = cellByCell(cells, onShare, (k) =>
    ofColumns(indices.slice(indptr[k], indptr[k + 1]), data.slice(indptr[k], indptr[k + 1]), height, width),
  );
  const same = (name: string): RowSource | null =>
    file.shape(`estimates/${name}`)?.join() === stored.join()
      ? rowsOfHdf5(place, `estimates/${name}`, stored, isTurned)
      : null;
  const denoised = rowsOfHdf5(place, 'estimates/C', stored, isTurned);
  const residual = same('YrA');
  const dff = same('F_dff');
  const spikes = same('S');
  const good = file.numeric('estimates/idx_components');
  const bad = file.numeric('estimates/idx_components_bad');
  const goodRows = new Set(numbers(good?.values));
  const badRows = new Set(numbers(bad?.values));
  const judged = good !== null && (goodRows.size > 0 || badRows.size > 0);
  const findings: string[] = [];
  if (isTurned) findings.push('Its traces are stored as frames × cells; they were turned.');
  const nobody = [...goodRows, ...badRows].filter((row) => !(row >= 0 && row < cells));
  if (nobody.length > 0)
    findings.push(`Its evaluation names ${nobody.length} cells that are not there (${nobody.slice(0, 5).join(', ')}).`);
  if (!judged) findings.push('CaImAn’s evaluation was not run (no idx_components); no cell is suggested or rejected.');
  if (residual === null) findings.push('The file has no residuals (YrA), so there is no raw trace.');
  const figure = (name: string): (number | null)[] | null => {
    const values = numbers(file.numeric(`estimates/${name}`)?.values);
    return values.length === cells ? values.map((value) => (Number.isFinite(value) ? value : null)) : null;
  };
  const metrics: Record<string, (number | null)[]> = {};
  for (const [name, ours] of [
    ['SNR_comp', 'snr'],
    ['r_values', 'rValue'],
    ['cnn_preds', 'cnn'],
  ] as const) {
    const values = figure(name);
    if (values !== null) metrics[ours] = values;
  }
  const image = (name: string): Float32Array | null => {
    const set = file.numeric(name);
    return set !== null && set.shape.join() === `${height},${width}` ? Float32Array.from(set.values, Number) : null;
  };
  const [mean, correlation, max] = [
    image('motion_correction/average_image'),
    image('estimates/Cn') ?? image('motion_correction/correlation_image'),
    image('motion_correction/max_image'),
  ];
  const shifts = file.numeric('motion_correction/shifts_rig') ?? file.numeric('estimates/shifts');
  const motion =
    shifts !== null && shifts.shape.join() === `${frames},2`
      ? Float32Array.from(shifts.values, (value) => -Number(value))
      : null;
  const rate = numbers(file.numeric('params/data/fr')?.values)[0];
  return {
    program: 'caiman',
    version: file.attribute('params/data', 'caiman_version'),
    height,
    width,
    frames,
    fps: rate !== undefined && rate > 0 ? rate : null,
    footprints,
    traces: {
      denoised,
      ...(residual === null ? {} : { raw: sumOf(denoised, residual) }),
      ...(spikes === null ? {} : { deconvolved: spikes }),
      ...(dff === null ? {} : { dff }),
    },
    accepted: footprints.map((_, k) => (judged ? goodRows.has(k) : null)),
    metrics,
    images: {
      ...(mean === null ? {} : { mean }),
      ...(correlation === null ? {} : { correlation }),
      ...(max === null ? {} : { max }),
    },
    motion,
    timeS: null,
    parameters: parametersOf(file),
    findings,
  };
}

/** What two tables of one size add up to. */
function sumOf(one: RowSource, other: RowSource): RowSource {
  return async (first, count) => {
    const more = await other(first, count);
    return (await one(first, count)).map((value, i) => value + (more[i] ?? 0));
  };
}

/** CaImAn's groups of parameters, small values only (a path, a name or an image is not a parameter of the method). */
function parametersOf(file: Hdf5): Record<string, TypedJson> {
  const out: Record<string, TypedJson> = {};
  for (const group of ['data', 'init', 'merging', 'motion', 'patch', 'preprocess', 'quality', 'spatial', 'temporal']) {
    for (const name of file.names(`params/${group}`)) {
      const set = file.numeric(`params/${group}/${name}`);
      const values = numbers(set?.values);
      if (set === null || values.length === 0 || values.length > 8 || values.some((value) => !Number.isFinite(value)))
        continue;
      const [first = 0] = values;
      out[`${group}.${name}`] = values.length === 1 && set.shape.length === 0 ? first : values;
    }
  }
  if (Object.keys(out).length > 2000)
    throw new AppError('interop.unreadable', 'Its parameters are too many to be parameters.');
  return out;
}
