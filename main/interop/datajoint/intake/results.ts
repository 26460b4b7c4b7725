// SPDX-License-Identifier: MIT
import type { TypedJson } from '../../../library/index.ts';
import { checkSize, unreadable } from '../../results/check.ts';
import type { ForeignFootprint, ForeignResult } from '../../results/foreign-result.ts';
import { unpackBlob, type BlobValue } from '../blob.ts';
import { acceptedOf, axesOf, timesOf, type ServerMask } from './repair.ts';
import type { PlacedRecording } from './sessions.ts';
import type { ServerRow, Snapshot } from './snapshot.ts';

/** What is known of a result before its arrays are read. */
export interface ServerRun {
  /** Key of its `Segmentation` row. */
  readonly key: ServerRow;
  readonly method: string;
  readonly version: string | null;
  readonly parameters: Readonly<Record<string, TypedJson>>;
  readonly recording: PlacedRecording;
}

/** How its rows are meant; `auto` looks for evidence. */
export type AxesChoice = 'auto' | 'corrected' | 'as-upstream';

/** Numbers of a blob with their shape; null for what is no array. */
function numbersOf(
  value: BlobValue | null,
): { readonly values: ArrayLike<number>; readonly shape: readonly number[] } | null {
  if (typeof value === 'number') return { values: [value], shape: [1] };
  if (Array.isArray(value)) {
    const flat = value as readonly BlobValue[];
    return flat.every((each) => typeof each === 'number') ? { values: flat, shape: [flat.length] } : null;
  }
  if (
    typeof value !== 'object' ||
    value === null ||
    value instanceof Date ||
    !('values' in value) ||
    !('shape' in value)
  )
    return null;
  const { values, shape } = value;
  if (!ArrayBuffer.isView(values)) return null;
  const array = values as ArrayLike<number | bigint>;
  const isWide = values instanceof BigInt64Array || values instanceof BigUint64Array;
  return {
    values: isWide ? Array.from(array, Number) : (array as ArrayLike<number>),
    shape: Array.isArray(shape) ? shape.map(Number) : [],
  };
}

/** A result as its rows have it, repaired where that can be told from them (datamodel.md 2.12: 2, 5, 6, 7, 9). */
export class ResultIntake {
  readonly #snapshot: Snapshot;
  readonly #run: ServerRun;
  readonly #axes: AxesChoice;
  readonly #findings: string[] = [];
  /** What a person decided about each mask with Calyx; null where nobody did. Known after {@link read}. */
  decided: readonly (boolean | null)[] | null = null;
  readonly #onCell: (done: number, all: number) => void;

  constructor(snapshot: Snapshot, run: ServerRun, axes: AxesChoice, onCell: (done: number, all: number) => void) {
    this.#snapshot = snapshot;
    this.#run = run;
    this.#axes = axes;
    this.#onCell = onCell;
  }

  async #numbers(table: string, column: string, more: ServerRow = {}) {
    const bytes = await this.#snapshot.blob(this.#snapshot.table(table), column, { ...this.#run.key, ...more });
    return bytes === null ? null : numbersOf(unpackBlob(bytes));
  }

  /** @throws AppError `interop.unreadable`, `datajoint.*` */
  async read(): Promise<ForeignResult> {
    const { recording, method } = this.#run;
    const { height, width } = recording;
    const images = await this.#images();
    const masks = await this.#masks();
    const byCalyx = method.startsWith('calyx') || recording.notes.includes('[Calyx:');
    const axes =
      this.#axes === 'auto'
        ? axesOf(masks, recording, images['correlation'] ?? images['max'] ?? images['mean'] ?? null, recording.notes)
        : { exchanged: this.#axes === 'as-upstream', why: 'you said so' };
    this.#findings.push(
      axes.exchanged
        ? `On the server x and y of masks and shifts are exchanged, as element-miniscope writes them (${axes.why}); here they are in order.`
        : `On the server x of masks is the column (${axes.why}).`,
    );
    const footprints = masks.map((mask) => footprintOf(mask, height, width, axes.exchanged));
    const outside = footprints.reduce((sum, { left }) => sum + left, 0);
    if (outside > 0)
      this.#findings.push(
        `${outside} pixels of masks lie outside the field of ${width} × ${height} and were left out.`,
      );
    const classified = await this.#classified(masks, byCalyx);
    const { traces, frames } = await this.#traces(masks, byCalyx);
    const motion = await this.#motion(frames, axes.exchanged);
    return {
      program: method,
      version: this.#run.version,
      height,
      width,
      frames,
      fps: recording.fps,
      footprints,
      traces,
      accepted: masks.map(({ mask }) => classified.get(mask) ?? null),
      metrics: {},
      images,
      motion,
      timeS: await this.#times(frames),
      parameters: this.#run.parameters,
      findings: this.#findings,
    };
  }

  async #images(): Promise<Partial<Record<'mean' | 'max' | 'correlation', Float32Array>>> {
    const { height, width } = this.#run.recording;
    const found: Partial<Record<'mean' | 'max' | 'correlation', Float32Array>> = {};
    for (const [name, column] of [
      ['mean', 'average_image'],
      ['correlation', 'correlation_image'],
      ['max', 'max_proj_image'],
    ] as const) {
      const image = await this.#numbers('MotionCorrection_Summary', column);
      if (image === null) continue;
      const [rows, columns] = image.shape.slice(-2);
      if (rows === height && columns === width && image.values.length === height * width)
        found[name] = Float32Array.from(image.values);
      else
        this.#findings.push(
          `The ${name} image on the server is ${image.shape.join(' × ')}, not ${height} × ${width}; it was left out.`,
        );
    }
    return found;
  }

  async #masks(): Promise<readonly ServerMask[]> {
    const table = this.#snapshot.table('Segmentation_Mask');
    const name = table?.columns.has('mask_id') === true ? 'mask_id' : 'mask';
    const rows = await this.#snapshot.rows(table, this.#run.key);
    const masks: ServerMask[] = [];
    for (const row of rows) {
      const key = { [name]: row[name] ?? null };
      const [x, y, weights] = [
        await this.#numbers('Segmentation_Mask', 'mask_xpix', key),
        await this.#numbers('Segmentation_Mask', 'mask_ypix', key),
        await this.#numbers('Segmentation_Mask', 'mask_weights', key),
      ];
      if (
        x === null ||
        y === null ||
        weights === null ||
        x.values.length !== y.values.length ||
        x.values.length !== weights.values.length
      )
        throw unreadable(
          'Segmentation.Mask',
          `mask ${String(row[name])} has pixels, rows and weights that do not belong together.`,
        );
      masks.push({ mask: Number(row[name]), xpix: x.values, ypix: y.values, weights: weights.values });
      this.#onCell(masks.length, 2 * rows.length);
    }
    return masks.toSorted((a, b) => a.mask - b.mask);
  }

  async #classified(masks: readonly ServerMask[], byCalyx: boolean): Promise<ReadonlyMap<number, boolean | null>> {
    const table = this.#snapshot.table('MaskClassification_MaskType');
    const rows = await this.#snapshot.rows(table, this.#run.key);
    const curated = rows.filter((row) => row['mask_classification_method'] === 'calyx_curation');
    const used = curated.length > 0 ? curated : rows;
    const maskOf = (row: ServerRow): number => Number(row['mask'] ?? row['mask_id']);
    const marked = new Set(used.filter((row) => row['mask_type'] !== 'artefact').map(maskOf));
    if (curated.length > 0) {
      const judged = new Set(curated.map(maskOf));
      this.decided = masks.map(({ mask }) => (judged.has(mask) ? marked.has(mask) : null));
      return new Map(masks.map(({ mask }, k) => [mask, this.decided?.[k] ?? null]));
    }
    const accepted = acceptedOf(
      masks.map(({ mask }) => mask),
      marked,
      byCalyx,
    );
    if (accepted.shifted) {
      this.#findings.push(
        'Element-miniscope marks the mask after the accepted one’s number (counted from 1 where CaImAn counts from 0); the marks were moved to the cells they mean. Whether the first cell was accepted is not on the server.',
      );
    } else if (marked.size === 0)
      this.#findings.push('No mask is classified on the server; no cell is suggested or rejected.');
    return accepted.of;
  }

  async #traces(
    masks: readonly ServerMask[],
    byCalyx: boolean,
  ): Promise<{ readonly traces: ForeignResult['traces']; readonly frames: number }> {
    const maskName = this.#snapshot.table('Fluorescence_Trace')?.columns.has('mask_id') === true ? 'mask_id' : 'mask';
    const methods = (await this.#snapshot.rows(this.#snapshot.table('Activity'), this.#run.key)).map((row) =>
      String(row['extraction_method']),
    );
    const wanted = [
      // Upstream fills `fluorescence` with CaImAn's denoised traces.
      {
        ours: byCalyx ? ('raw' as const) : ('denoised' as const),
        table: 'Fluorescence_Trace',
        column: 'fluorescence',
        more: {},
      },
      ...methods.map((method) => ({
        ours: method.includes('dff') ? ('dff' as const) : ('deconvolved' as const),
        table: 'Activity_Trace',
        column: 'activity_trace',
        more: { extraction_method: method },
      })),
    ];
    const tables = new Map<string, Float32Array>();
    let frames = this.#run.recording.frames;
    for (const { ours, table, column, more } of wanted) {
      if (tables.has(ours)) continue;
      let missing = 0;
      for (const [k, { mask }] of masks.entries()) {
        const trace = await this.#numbers(table, column, { ...more, [maskName]: mask });
        if (trace === null) {
          missing += 1;
          continue;
        }
        if (tables.size === 0) {
          frames = trace.values.length;
          checkSize([masks.length, frames], 'table of traces', table);
        }
        const values = tables.get(ours) ?? new Float32Array(masks.length * frames).fill(Number.NaN);
        tables.set(ours, values);
        if (trace.values.length !== frames)
          throw unreadable(table, `the traces of mask ${mask} have ${trace.values.length} and ${frames} frames.`);
        values.set(Float32Array.from(trace.values), k * frames);
        this.#onCell(masks.length + k + 1, 2 * masks.length);
      }
      if (missing > 0 && missing < masks.length) this.#findings.push(`${missing} masks have no ${ours} trace.`);
    }
    if (frames !== this.#run.recording.frames)
      this.#findings.push(`Traces have ${frames} frames, the recording ${this.#run.recording.frames}.`);
    return { traces: Object.fromEntries(tables), frames };
  }

  async #motion(frames: number, exchanged: boolean): Promise<Float32Array | null> {
    const part = 'MotionCorrection_RigidMotionCorrection';
    let [x, y] = [await this.#numbers(part, 'x_shifts'), await this.#numbers(part, 'y_shifts')];
    if (x === null || y === null) {
      [x, y] = await this.#blocks(frames);
      if (x !== null) this.#findings.push('Shifts of the blocks are kept as their mean, one shift for each frame.');
    }
    if (x === null || y === null || x.values.length !== frames || y.values.length !== frames) return null;
    const [right, down] = exchanged ? [y.values, x.values] : [x.values, y.values];
    // The server has the correction; the content moved the other way.
    return Float32Array.from({ length: 2 * frames }, (_, i) => -((i % 2 === 0 ? down : right)[i >> 1] ?? 0));
  }

  async #blocks(frames: number): Promise<[NumbersOrNull, NumbersOrNull]> {
    const rows = await this.#snapshot.rows(this.#snapshot.table('MotionCorrection_Block'), this.#run.key);
    const [x, y] = [new Float64Array(frames), new Float64Array(frames)];
    let count = 0;
    for (const row of rows) {
      const key = { block_id: row['block_id'] ?? null };
      const [right, down] = [
        await this.#numbers('MotionCorrection_Block', 'x_shifts', key),
        await this.#numbers('MotionCorrection_Block', 'y_shifts', key),
      ];
      if (right?.values.length !== frames || down?.values.length !== frames) continue;
      for (let t = 0; t < frames; t += 1) {
        x[t] = (x[t] ?? 0) + Number(right.values[t]);
        y[t] = (y[t] ?? 0) + Number(down.values[t]);
      }
      count += 1;
    }
    if (count === 0) return [null, null];
    return [
      { values: x.map((sum) => sum / count), shape: [frames] },
      { values: y.map((sum) => sum / count), shape: [frames] },
    ];
  }

  async #times(frames: number): Promise<Float64Array | null> {
    const { recording } = this.#run;
    if (recording.timeS?.length === frames) return recording.timeS;
    const stored =
      (await this.#numbers('RecordingInfo_Timestamps', 'timestamps')) ??
      (await this.#numbers('RecordingInfo', 'time_stamps'));
    if (stored === null) return null;
    const unit = recording.software === 'Inscopix' && !recording.notes.includes('[Calyx:') ? 's' : 'ms';
    const { timeS, finding } = timesOf(stored.values, stored.shape, frames, unit);
    if (finding !== null) this.#findings.push(finding);
    return timeS;
  }
}

type NumbersOrNull = { readonly values: ArrayLike<number>; readonly shape: readonly number[] } | null;

function footprintOf(
  { xpix, ypix, weights }: ServerMask,
  height: number,
  width: number,
  exchanged: boolean,
): ForeignFootprint & { readonly left: number } {
  const pixels: { readonly pixel: number; readonly value: number }[] = [];
  let left = 0;
  for (let i = 0; i < xpix.length; i += 1) {
    const [column, row] = exchanged ? [ypix[i] ?? -1, xpix[i] ?? -1] : [xpix[i] ?? -1, ypix[i] ?? -1];
    const value = Number(weights[i]);
    if (!(value > 0) || !Number.isFinite(value)) continue;
    if (row < 0 || column < 0 || row >= height || column >= width) left += 1;
    else pixels.push({ pixel: row * width + column, value });
  }
  pixels.sort((a, b) => a.pixel - b.pixel);
  return {
    pixels: Uint32Array.from(pixels, ({ pixel }) => pixel),
    values: Float32Array.from(pixels, ({ value }) => value),
    left,
  };
}
