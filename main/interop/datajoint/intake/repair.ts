// SPDX-License-Identifier: MIT

/**
 * What rows of element-miniscope mean where they do not say so, or say it wrongly (datamodel.md 2.12). Pure functions: rows in, what they
 * mean and why out.
 */

/** A mask as the server has it. */
export interface ServerMask {
  readonly mask: number;
  readonly xpix: ArrayLike<number>;
  readonly ypix: ArrayLike<number>;
  readonly weights: ArrayLike<number>;
}

/** Which axis `mask_xpix` and `x_shifts` count along. */
export interface Axes {
  /** True: as element-miniscope writes them, x holds rows. */
  readonly exchanged: boolean;
  readonly why: string;
}

const largest = (masks: readonly ServerMask[], axis: 'xpix' | 'ypix'): number => {
  let most = -1;
  for (const mask of masks) for (let i = 0; i < mask[axis].length; i += 1) most = Math.max(most, mask[axis][i] ?? -1);
  return most;
};

/**
 * Whether x and y are exchanged, best evidence first: what the publisher wrote down; masks that would leave the field; masks that lie on
 * brighter pixels of the summary image one way than the other. Without evidence: as element-miniscope's loader has it.
 *
 * @param image - `height × width`, row-major, where cells are brighter: correlation or maximum
 */
export function axesOf(
  masks: readonly ServerMask[],
  field: { readonly height: number; readonly width: number },
  image: ArrayLike<number> | null,
  notes: string,
): Axes {
  if (/\[Calyx: pixels and shifts x columns/.test(notes))
    return { exchanged: false, why: 'the recording’s notes say so' };
  if (/\[Calyx: pixels and shifts as upstream/.test(notes))
    return { exchanged: true, why: 'the recording’s notes say so' };
  const { height, width } = field;
  const [x, y] = [largest(masks, 'xpix'), largest(masks, 'ypix')];
  const fitsStraight = x < width && y < height;
  const fitsExchanged = x < height && y < width;
  if (fitsStraight !== fitsExchanged)
    return { exchanged: fitsExchanged, why: 'the other way masks would leave the field' };
  if (image !== null && fitsStraight) {
    const straight = brightness(masks, image, width, false);
    const exchanged = brightness(masks, image, width, true);
    const spread = Math.max(Math.abs(straight), Math.abs(exchanged));
    if (spread > 0 && Math.abs(straight - exchanged) > 0.05 * spread)
      return { exchanged: exchanged > straight, why: 'that way masks lie on the brighter pixels of the summary image' };
  }
  return { exchanged: true, why: 'nothing tells, so they are taken as element-miniscope writes them' };
}

/** How much brighter, on average, pixels of masks are than the image. */
function brightness(masks: readonly ServerMask[], image: ArrayLike<number>, width: number, exchanged: boolean): number {
  let [sum, weight, mean] = [0, 0, 0];
  for (let i = 0; i < image.length; i += 1) mean += (image[i] ?? 0) / image.length;
  for (const { xpix, ypix, weights } of masks) {
    for (let i = 0; i < xpix.length; i += 1) {
      const [column, row] = exchanged ? [ypix[i] ?? 0, xpix[i] ?? 0] : [xpix[i] ?? 0, ypix[i] ?? 0];
      const value = image[row * width + column] ?? 0;
      const each = Math.max(0, weights[i] ?? 0);
      if (!Number.isFinite(value) || !Number.isFinite(each)) continue;
      sum += each * (value - mean);
      weight += each;
    }
  }
  return weight > 0 ? sum / weight : 0;
}

/** Which masks were accepted; null: not known. */
export interface Accepted {
  readonly of: ReadonlyMap<number, boolean | null>;
  readonly shifted: boolean;
}

/**
 * Accepted masks by what was classified. Element-miniscope looks a mask's number (from 1) up in CaImAn's list of accepted components (from 0):
 * the marked mask m means component m, which is mask m + 1; whether the first mask was accepted is lost. A mark on the last mask cannot come
 * from that, so it shows that the marks are right.
 *
 * @param masks - all masks, by number
 * @param marked - masks that are classified
 * @param trusted - the rows were written by a program without this defect
 */
export function acceptedOf(masks: readonly number[], marked: ReadonlySet<number>, trusted: boolean): Accepted {
  if (marked.size === 0) return { of: new Map(masks.map((mask) => [mask, null])), shifted: false };
  const shifted = !trusted && !marked.has(Math.max(...masks));
  const first = Math.min(...masks);
  const of = masks.map((mask): readonly [number, boolean | null] => {
    if (!shifted) return [mask, marked.has(mask)];
    return [mask, mask === first ? null : marked.has(mask - 1)];
  });
  return { of: new Map(of), shifted };
}

/** Times of frames, s, and what is odd about them. */
export interface Times {
  readonly timeS: Float64Array | null;
  readonly finding: string | null;
}

/**
 * Times from a column of the server. Releases up to 0.4 hold a table of frame, ms and buffer; 0.5 stores the column of frame numbers
 * instead of the times for the V4 layout.
 *
 * @param unit - of a single column: what the recording software writes
 */
export function timesOf(values: ArrayLike<number>, shape: readonly number[], frames: number, unit: 'ms' | 's'): Times {
  const columns = shape.length === 2 ? (shape[1] ?? 1) : 1;
  const rows = columns > 0 ? Math.floor(values.length / columns) : 0;
  if (rows === 0) return { timeS: null, finding: 'The server holds no times of the frames.' };
  const column = columns >= 2 ? 1 : 0;
  const at = (row: number): number => values[row * columns + column] ?? Number.NaN;
  if (columns === 1 && rows > 1 && countsFrames(at, rows)) {
    return {
      timeS: null,
      finding:
        'The server holds frame numbers in the place of the frames’ times; give the folder of the session (--root) to read them.',
    };
  }
  const scale = columns >= 2 || unit === 'ms' ? 1e-3 : 1;
  const timeS = new Float64Array(frames).fill(Number.NaN);
  for (let frame = 0; frame < Math.min(frames, rows); frame += 1) timeS[frame] = at(frame) * scale;
  return {
    timeS,
    finding:
      rows === frames ? null : `The server holds ${rows} times for ${frames} frames; those without one have none.`,
  };
}

function countsFrames(at: (row: number) => number, rows: number): boolean {
  for (let row = 1; row < rows; row += 1) if (at(row) - at(row - 1) !== 1) return false;
  return at(0) === 0 || at(0) === 1;
}
