// SPDX-License-Identifier: MIT
import type { ForeignFilm, Frame } from './foreign-film.ts';

/** How grey values of a foreign film become 8-bit levels: `level = round((value − offset) / step)`. */
export interface GreyScale {
  readonly offset: number;
  readonly step: number;
  /** Smallest and largest finite value of the whole film. */
  readonly range: readonly [number, number];
  /** Standard deviation of a pixel from frame to frame, in the film's own units; null where it cannot be told (one frame, constant). */
  readonly noise: number | null;
  /** Every value has a level of its own: nothing is lost. */
  readonly isLossless: boolean;
  /** Values that are not numbers; they become the smallest level. */
  readonly notNumbers: number;
}

/** Levels used: neither black nor white, which mean a dark LED and a saturated sensor. */
export const lowestLevel = 1;
export const highestLevel = 254;
const levels = highestLevel - lowestLevel;
/** Pairs of neighbouring frames from which the noise is taken. */
const pairs = 50;

function medianOf(values: number[]): number {
  values.sort((a, b) => a - b);
  return values[values.length >> 1] ?? 0;
}

/** Noise of one pixel between two frames: the median of the absolute difference, a Gaussian's 0.954 σ. */
function noiseOf(before: Frame, after: Frame): number {
  const differences: number[] = [];
  const stride = Math.max(1, Math.floor(before.length / 4000));
  for (let i = 0; i < before.length; i += stride) {
    const difference = Math.abs((after[i] ?? 0) - (before[i] ?? 0));
    if (Number.isFinite(difference)) differences.push(difference);
  }
  return medianOf(differences) / 0.6745 / Math.SQRT2;
}

/**
 * Looks at every frame once and chooses the scale: whole numbers that fit keep a level each; black stays black where the levels suffice
 * for half the noise (or lose little by it), so that ΔF/F keeps its meaning; otherwise the smallest value becomes the lowest level.
 */
export async function chooseScale(film: ForeignFilm, onFrame: (frame: number) => void): Promise<GreyScale> {
  let [low, high, notNumbers] = [Infinity, -Infinity, 0];
  const noises: number[] = [];
  const every = Math.max(1, Math.floor((film.frames - 1) / pairs));
  let before: Frame | undefined;
  for (let frame = 0; frame < film.frames; frame += 1) {
    const values = await film.read(frame);
    for (const value of values) {
      if (!Number.isFinite(value)) notNumbers += 1;
      else {
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    if (before !== undefined && frame % every === 0) noises.push(noiseOf(before, values));
    before = values;
    onFrame(frame);
  }
  if (low > high) [low, high] = [0, 0];
  const noise = noises.length === 0 ? 0 : medianOf(noises);
  const shared = { range: [low, high] as const, noise: noise > 0 ? noise : null, notNumbers };
  if (film.isInteger && low >= 0 && high <= 255) return { ...shared, offset: 0, step: 1, isLossless: true };
  if (film.isInteger && high - low <= levels)
    return { ...shared, offset: low - lowestLevel, step: 1, isLossless: true };
  const withBlack = high / highestLevel;
  const step = high > low ? (high - low) / levels : 1;
  if (low >= 0 && high > 0 && withBlack <= Math.max(noise / 2, 1.5 * step))
    return { ...shared, offset: 0, step: withBlack, isLossless: false };
  return { ...shared, offset: low - lowestLevel * step, step, isLossless: false };
}

/** A frame in 8-bit levels. */
export function toLevels(values: Frame, { offset, step, isLossless }: GreyScale): Uint8Array {
  const [least, most] = isLossless ? [0, 255] : [lowestLevel, highestLevel];
  const out = new Uint8Array(values.length);
  for (let i = 0; i < out.length; i += 1) {
    const level = Math.round(((values[i] ?? 0) - offset) / step);
    out[i] = level > least ? Math.min(level, most) : least;
  }
  return out;
}

/** What a user should know of the scale, in sentences. */
export function scaleFindings({ offset, step, noise, range, isLossless, notNumbers }: GreyScale): string[] {
  const short = (value: number): string => String(Number(value.toPrecision(4)));
  const found: string[] = [];
  if (!isLossless) {
    const share = noise === null ? '' : `, ${short(step / noise)} of the noise`;
    found.push(
      `Grey values from ${short(range[0])} to ${short(range[1])} became 8-bit levels, one for ${short(step)}${share}.`,
    );
    if (noise !== null && step > noise)
      found.push(
        'The levels are coarser than the noise: weak transients may be lost. A film without hot pixels would keep more.',
      );
  }
  if (Math.abs(offset) >= step / 2)
    found.push(`Level 0 stands for ${short(offset)}: ΔF/F counts from there, not from black.`);
  if (notNumbers > 0) found.push(`${notNumbers} values are not numbers and became the darkest level.`);
  return found;
}
