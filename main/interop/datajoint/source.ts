// SPDX-License-Identifier: MIT
import { NpyFile } from '../../arrays/index.ts';
import type { Scalar } from '../../contract/index.ts';
import type { Reader } from '../../library/index.ts';
import type { ExportRun } from '../job.ts';
import { readWhole, TraceReader, type Footprint } from '../run-arrays.ts';
import { Blocks } from './blocks.ts';
import { packBlob, type BlobNumbers, type BlobValue } from './blob.ts';
import type { Source, ViewRow } from './plan.ts';

/** Which way x and y of masks and shifts are meant: ours, or as element-miniscope wrote them (datamodel.md 2.12, 6 and 7: exchanged). */
export type Orientation = 'corrected' | 'as-upstream';

/** What stands behind the rows of one publication. */
export interface SourceParts {
  readonly reader: Reader;
  readonly run: ExportRun;
  readonly orientation: Orientation;
  /** Our parameter set's number → the server's. */
  readonly paramset: ReadonlyMap<number, number>;
  readonly curationId: number;
  /** Seconds of each frame of a recording, where its session tells them. */
  readonly times: Float64Array | null;
  /** What the user gave for columns that nothing fills: `RecordingInfo.led_power` → `0`. */
  readonly given: Readonly<Record<string, string>>;
  /** What releases before 0.5 have in columns of their own: `RecordingInfo.led_power`. */
  readonly settings: Readonly<Record<string, Scalar>>;
  /** Standard deviation of the shifts [y, x], px; null without motion. */
  readonly shiftStd: readonly [number, number] | null;
  readonly footprints: readonly Footprint[];
  readonly signal: AbortSignal;
}

const pageRows = 1000;

const sqlValue = (value: Scalar): string =>
  value === null ? 'null' : typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`;

/** Rows of one of our natural-key views. */
export async function viewRows(
  reader: Reader,
  view: string,
  where: ViewRow,
  signal: AbortSignal,
): Promise<readonly ViewRow[]> {
  const wanted = Object.entries(where).map(([column, value]) => `"${column}" is ${sqlValue(value)}`);
  const sql = `select * from "dj_${view}"${wanted.length === 0 ? '' : ` where ${wanted.join(' and ')}`}`;
  const all: ViewRow[] = [];
  for (;;) {
    const page = await reader.sql({ sql, limit: pageRows, offset: all.length, timeoutMs: 60_000 }, signal);
    all.push(...page.rows.map((row) => Object.fromEntries(page.columns.map((column, i) => [column, row[i] ?? null]))));
    if (!page.truncated) return all;
  }
}

type Blob = (row: ViewRow) => Promise<BlobValue | undefined>;

const array = (values: BlobNumbers, shape: readonly number[] = [values.length]): BlobValue => ({ shape, values });

function parsed(text: Scalar | undefined): BlobValue {
  return typeof text === 'string' ? fromJson(JSON.parse(text)) : null;
}

/** Lists that the library keeps as tuples lose that mark: DataJoint reads them as lists. */
function fromJson(value: unknown): BlobValue {
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value as BlobValue;
  if (Array.isArray(value)) return value.map((each) => fromJson(each));
  const entries = Object.entries(value as object);
  const [first] = entries;
  if (entries.length === 1 && first?.[0] === '$tuple') return fromJson(first[1]);
  return Object.fromEntries(entries.map(([key, each]) => [key, fromJson(each)]));
}

/** Rows and arrays of a run for a publication. Close it: it holds files open. */
export class RunSource implements Source, AsyncDisposable {
  readonly #parts: SourceParts;
  readonly #positions: ReadonlyMap<number, number>;
  readonly #traces = new Map<string, Promise<TraceReader | undefined>>();
  #columns: Promise<ReadonlyMap<string, readonly string[]>> | undefined;
  readonly #blobs: Readonly<Record<string, Blob>>;
  readonly #blocks: Blocks;

  constructor(parts: SourceParts) {
    this.#parts = parts;
    this.#positions = new Map(parts.run.cells.map((cell, position) => [cell.row + 1, position]));
    const { run } = parts;
    this.#blocks = new Blocks(run);
    const [first, second] = parts.orientation === 'corrected' ? (['x', 'y'] as const) : (['y', 'x'] as const);
    const shift =
      (axis: 'y' | 'x'): Blob =>
      async () => {
        const motion = await readWhole(run.arrays.motion, 'motion.npy', run.frames * 2);
        if (motion === null) return undefined;
        const offset = axis === 'y' ? 0 : 1;
        // CaImAn's sign: the correction, not the motion.
        return array(Float64Array.from({ length: run.frames }, (_, t) => -(motion[2 * t + offset] ?? 0)));
      };
    const block =
      (of: (id: number) => BlobNumbers | Promise<BlobNumbers>): Blob =>
      async (row) =>
        array(await of(Number(row['block_id'])));
    const pixels =
      (axis: 'y' | 'x'): Blob =>
      (row) => {
        const footprint = this.#footprint(row);
        const { width } = run;
        const along = (pixel: number): number => (axis === 'x' ? pixel % width : Math.floor(pixel / width));
        return Promise.resolve(footprint === undefined ? undefined : array(Int32Array.from(footprint.pixels, along)));
      };
    const image =
      (name: 'mean' | 'correlation' | 'max'): Blob =>
      async () => {
        const values = await readWhole(run.arrays.images[name], `images/${name}.npy`, run.height * run.width);
        return values === null ? undefined : array(Float32Array.from(values), [1, run.height, run.width]);
      };
    const trace =
      (kind: 'raw' | 'deconvolved' | 'dff'): Blob =>
      async (row) => {
        const position = this.#positions.get(Number(row['mask']));
        if (!this.#traces.has(kind)) this.#traces.set(kind, TraceReader.open(run, kind));
        const reader = await this.#traces.get(kind);
        return position === undefined || reader === undefined ? undefined : array(await reader.cell(position));
      };
    this.#blobs = {
      'RecordingInfo.time_stamps': () => Promise.resolve(this.#stampTable()),
      'RecordingInfo_Config.config': (row) => Promise.resolve(parsed(row['config'])),
      'RecordingInfo_Timestamps.timestamps': () =>
        Promise.resolve(parts.times === null ? undefined : array(parts.times.map((time) => 1000 * time))),
      'ProcessingParamSet.params': (row) => Promise.resolve(parsed(row['params'])),
      'MotionCorrection_RigidMotionCorrection.outlier_frames': () => this.#outliers(),
      'MotionCorrection_RigidMotionCorrection.y_shifts': shift(second),
      'MotionCorrection_RigidMotionCorrection.x_shifts': shift(first),
      'MotionCorrection_NonRigidMotionCorrection.outlier_frames': () => this.#outliers(),
      'MotionCorrection_Block.block_y': block((id) => this.#blocks.pixels(id, second)),
      'MotionCorrection_Block.block_x': block((id) => this.#blocks.pixels(id, first)),
      'MotionCorrection_Block.y_shifts': block((id) => this.#blocks.shifts(id, second)),
      'MotionCorrection_Block.x_shifts': block((id) => this.#blocks.shifts(id, first)),
      'MotionCorrection_Summary.ref_image': image('mean'),
      'MotionCorrection_Summary.average_image': image('mean'),
      'MotionCorrection_Summary.correlation_image': image('correlation'),
      'MotionCorrection_Summary.max_proj_image': image('max'),
      'Segmentation_Mask.mask_xpix': pixels(first),
      'Segmentation_Mask.mask_ypix': pixels(second),
      'Segmentation_Mask.mask_weights': (row) => {
        const footprint = this.#footprint(row);
        return Promise.resolve(footprint === undefined ? undefined : array(footprint.weights));
      },
      'Fluorescence_Trace.fluorescence': trace('raw'),
      'Activity_Trace.activity_trace': (row) =>
        trace(String(row['extraction_method']).includes('dff') ? 'dff' : 'deconvolved')(row),
    };
  }

  rows = async (view: string, where: ViewRow): Promise<readonly ViewRow[]> => {
    const { reader, signal, paramset } = this.#parts;
    const own = { ...where };
    const ours = [...paramset].find(([, theirs]) => theirs === own['paramset_idx'])?.[0];
    if (ours !== undefined) own['paramset_idx'] = ours;
    if (view === 'MotionCorrection_NonRigidMotionCorrection' || view === 'MotionCorrection_Block')
      return await this.#blockRows(view, own);
    return await viewRows(reader, view, own, signal);
  };

  columns = async (view: string): Promise<readonly string[] | null> => {
    this.#columns ??= (async () =>
      new Map((await this.#parts.reader.views()).map(({ name, columns }) => [name.replace('.', '_'), columns])))();
    return (await this.#columns).get(view) ?? null;
  };

  blob = (view: string, column: string, row: ViewRow): (() => Promise<Buffer | null>) | null => {
    if (column === 'param_set_hash') {
      const bytes = Buffer.from(String(row['param_set_hash']).replaceAll('-', ''), 'hex');
      return () => Promise.resolve(bytes);
    }
    if (column === 'attribute_blob') {
      const json = row['attribute_json'];
      return typeof json === 'string' ? () => packBlob(parsed(json)) : null;
    }
    const make = this.#blobs[`${view}.${column}`];
    if (make === undefined) return null;
    return async () => {
      this.#parts.signal.throwIfAborted();
      const value = await make(row);
      return value === undefined ? null : await packBlob(value);
    };
  };

  value = (view: string, column: string, row: ViewRow): Scalar | undefined => {
    const { paramset, curationId, orientation, settings, given } = this.#parts;
    if (column === 'paramset_idx' || column === 'paramset_id') {
      const ours = Number(row['paramset_idx']);
      return paramset.get(ours) ?? ours;
    }
    if (column === 'curation_id' && view !== 'Curation') return curationId;
    if (view === 'Segmentation_Mask' && (column === 'mask_npix' || column.startsWith('mask_center_'))) {
      if (column === 'mask_npix') return this.#footprint(row)?.pixels.length ?? 0;
      const isX = (column === 'mask_center_x') === (orientation === 'corrected');
      return row[isX ? 'mask_center_x' : 'mask_center_y'];
    }
    if (view === 'MotionCorrection_RigidMotionCorrection' && (column === 'y_std' || column === 'x_std')) {
      return this.#parts.shiftStd?.[(column === 'y_std') === (orientation === 'corrected') ? 0 : 1];
    }
    if (view === 'Recording' && column === 'recording_notes') {
      const axes = orientation === 'corrected' ? 'x columns, y rows' : 'as upstream: x rows, y columns';
      const notes = typeof row['recording_notes'] === 'string' ? row['recording_notes'] : '';
      return `${notes}${notes === '' ? '' : ' '}[Calyx: pixels and shifts ${axes}]`;
    }
    if (view === 'RecordingInfo' && settings[column] !== undefined) return settings[column];
    const known = row[column];
    return known === undefined || known === null ? given[`${view.replace('_', '.')}.${column}`] : undefined;
  };

  /** Blocks are written from the run's own file, whether or not their figures were computed. */
  async #blockRows(view: string, { block_id: wanted, ...where }: ViewRow): Promise<readonly ViewRow[]> {
    const { reader, orientation, signal } = this.#parts;
    const isExchanged = orientation === 'as-upstream';
    const summary = this.#blocks.summary(isExchanged);
    const [key] = await viewRows(reader, 'MotionCorrection', where, signal);
    if (key === undefined || summary === null) return [];
    if (view !== 'MotionCorrection_Block') return [{ ...key, ...summary }];
    const blocks = await this.#blocks.rows(isExchanged);
    return blocks
      .filter((row) => wanted === undefined || row['block_id'] === wanted)
      .map((row) => Object.assign({}, key, row));
  }

  #footprint(row: ViewRow): Footprint | undefined {
    const position = this.#positions.get(Number(row['mask']));
    return position === undefined ? undefined : this.#parts.footprints[position];
  }

  /** Frame number, ms and buffer of each frame, as releases up to 0.4 have it; a buffer that nobody read is −1. */
  #stampTable(): BlobValue | undefined {
    const { times } = this.#parts;
    if (times === null) return undefined;
    const table = new Int32Array(3 * times.length);
    for (const [frame, time] of times.entries()) table.set([frame, Math.round(1000 * time), -1], 3 * frame);
    return array(table, [times.length, 3]);
  }

  async #outliers(): Promise<BlobValue | undefined> {
    const { run } = this.#parts;
    const place = run.arrays.frameFlags;
    if (place === null) return undefined;
    const file = await NpyFile.open(place, 'frame_flags.npy');
    try {
      const flags = await file.read(0, run.frames);
      const outliers = Array.from(flags, Number).flatMap((flag, frame) => (flag === 0 ? [] : [frame]));
      return array(Int32Array.from(outliers));
    } finally {
      await file.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opened of this.#traces.values()) await (await opened)?.close();
  }
}
