// SPDX-License-Identifier: MIT
import { checkSize, count, unreadable } from '../check.ts';
import { cellByCell, ofColumns } from '../footprints.ts';
import { numbers } from '../hdf5.ts';
import type { ForeignFootprint, ForeignResult, OnShare, ResultReader, Table } from '../foreign-result.ts';
import {
  type MatFile,
  type MatNames,
  type MatNumbers,
  type MatTable,
  namesOfMat,
  openMat,
  scalarsOf,
} from '../mat/index.ts';

/**
 * Results of CNMF-E for MATLAB: a structure (`neuron.obj2struct()`, by any name) or variables `A`, `C`, `C_raw`, `S`, with the size of the
 * field in `options` (d1 rows, d2 columns) or by the correlation image `Cn`. `A` is pixels × cells, counted along columns.
 */
export const cnmfE: ResultReader = {
  program: 'cnmf_e',
  title: 'CNMF-E result (MATLAB)',
  recognises: async (place) => {
    using file = await namesOfMat(place);
    return file !== null && placeOf(file) !== null;
  },
  read: async (place, _field, onShare) => {
    using file = await openMat(place);
    const at = file === null ? null : placeOf(file);
    if (file === null || at === null) throw unreadable(place, 'it holds no A and C of CNMF-E.');
    return read(file, at, place, onShare);
  },
};

type At = { readonly in: string } | { readonly object: string };

/** Where A and C are: among the variables (empty), or in a structure. An object of the class is found, too, to say why it cannot be read. */
function placeOf(file: MatNames): At | null {
  const names = file.names();
  if (names.includes('A') && names.includes('C')) return { in: '' };
  for (const name of names) {
    const fields = file.names(name);
    if (fields.includes('A') && fields.includes('C')) return { in: `${name}.` };
  }
  const object = names.find((name) => file.objectClass(name) === 'Sources2D');
  return object === undefined ? null : { object };
}

function read(file: MatFile, at: At, place: string, onShare: OnShare | undefined): ForeignResult {
  if ('object' in at) {
    throw unreadable(
      place,
      `its “${at.object}” is a MATLAB object, which only MATLAB can open. Save it as a structure there: results = ${at.object}.obj2struct(); save(…, 'results').`,
    );
  }
  const scalar = (name: string): number | undefined => {
    const found = file.get(`${at.in}${name}`);
    return found?.kind === 'numbers' && found.values.length === 1 ? Number(found.values[0]) : undefined;
  };
  const matrix = (name: string): MatNumbers | null => {
    const found = file.get(`${at.in}${name}`);
    return found?.kind === 'numbers' && found.shape.length === 2 ? found : null;
  };
  const traces = file.table(`${at.in}C`);
  if (traces === null) throw unreadable(place, 'its C is no table of numbers.');
  const [cells, frames] = traces.shape;
  checkSize([cells, frames], 'table of traces', place);
  const correlation = matrix('Cn');
  const height = count(scalar('options.d1') ?? correlation?.shape[0], 'height (options.d1)', place);
  const width = count(scalar('options.d2') ?? correlation?.shape[1], 'width (options.d2)', place);
  checkSize([height, width], 'field', place);
  const footprints = footprintsOf(file, `${at.in}A`, { height, width, cells }, place, onShare);
  const byRow = (found: MatTable | null): Table | null =>
    found === null || found.shape.join() !== `${cells},${frames}` ? null : found.rows;
  const dense = (name: string): Table | null => {
    const whole = file.table(`${at.in}${name}`);
    if (whole !== null) return byRow(whole);
    const found = file.get(`${at.in}${name}`);
    if (found?.kind !== 'sparse') return null;
    if (found.shape.join() !== `${cells},${frames}`) return null;
    const out = new Float32Array(cells * frames);
    for (let t = 0; t < frames; t += 1)
      for (let i = found.starts[t] ?? 0; i < (found.starts[t + 1] ?? 0); i += 1) {
        const row = found.rows[i] ?? -1;
        if (row < 0 || row >= cells) throw unreadable(place, `its ${name} names a cell that is not there.`);
        out[row * frames + t] = found.values[i] ?? 0;
      }
    return out;
  };
  const image = (found: MatNumbers | null): Float32Array | null => {
    if (found === null || found.shape.join() !== `${height},${width}`) return null;
    return Float32Array.from({ length: height * width }, (_, i) =>
      Number(found.values[(i % width) * height + Math.floor(i / width)]),
    );
  };
  const [raw, spikes, picture] = [dense('C_raw'), dense('S'), image(correlation)];
  const rate = scalar('Fs') ?? scalar('options.Fs');
  const denoised = byRow(traces);
  return {
    program: 'cnmf_e',
    version: null,
    height,
    width,
    frames,
    fps: rate !== undefined && rate > 0 ? rate : null,
    footprints,
    traces: {
      ...(denoised === null ? {} : { denoised }),
      ...(raw === null ? {} : { raw }),
      ...(spikes === null ? {} : { deconvolved: spikes }),
    },
    accepted: footprints.map(() => true),
    metrics: {},
    images: picture === null ? {} : { correlation: picture },
    motion: null,
    timeS: null,
    parameters: scalarsOf(file, `${at.in}options`),
    findings: [
      'CNMF-E works on a film that was registered before; the motion is unknown.',
      ...(raw === null ? ['The file has no C_raw, so there is no raw trace.'] : []),
      ...(rate === undefined ? ['The file does not say the frame rate; give it with --fps.'] : []),
    ],
  };
}

function footprintsOf(
  file: MatFile,
  name: string,
  { height, width, cells }: { readonly height: number; readonly width: number; readonly cells: number },
  place: string,
  onShare: OnShare | undefined,
): readonly ForeignFootprint[] {
  const table = file.table(name);
  const found = table ?? file.get(name);
  if (found === null || found.shape[0] !== height * width || found.shape[1] !== cells) {
    throw unreadable(
      place,
      `its masks are ${found === null ? 'missing' : found.shape.join(' × ')}, its field ${height} × ${width} and its traces ${cells}.`,
    );
  }
  const pixels = height * width;
  if ('kind' in found && found.kind === 'sparse') {
    const { rows, starts, values } = found;
    if (starts.length !== cells + 1 || rows.length < (starts[cells] ?? 0) || values.length < (starts[cells] ?? 0))
      throw unreadable(place, 'the parts of its masks (A) do not belong together.');
    return cellByCell(cells, onShare, (k) => {
      const [from, to] = [starts[k] ?? 0, starts[k + 1] ?? 0];
      const own = Array.from({ length: Math.max(0, to - from) }, (_unused, i) => rows[from + i] ?? -1);
      if (own.some((pixel) => pixel < 0 || pixel >= pixels)) throw unreadable(place, 'its masks leave the field.');
      return ofColumns(
        own,
        own.map((_unused, i) => values[from + i] ?? 0),
        height,
        width,
      );
    });
  }
  if (table === null) throw unreadable(place, 'its masks (A) are no table of numbers.');
  const all = Array.from({ length: pixels }, (_, i) => i);
  // A dense table is read cell by cell.
  return cellByCell(cells, onShare, (k) => ofColumns(all, numbers(table.column(k)), height, width));
}
