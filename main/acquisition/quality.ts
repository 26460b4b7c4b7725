// SPDX-License-Identifier: MIT
import type { AcquireQuality } from '../contract/index.ts';
import {
  focusOf,
  histogramOf,
  levelsOf,
  type Profiles,
  profilesOf,
  relativeSlope,
  shiftBetween,
  type Size,
} from './measures.ts';

/** Measures that cost more than a glance are taken this often, s. */
const measureEveryS = 0.5;
/** A slope needs at least so long, and looks back at most so long, s. */
const slope = { leastS: 30, mostS: 600 } as const;
/** From here on a person should look. */
const limits = { saturated: 0.002, focus: 0.15, driftPx: 8, bleaching: -0.1, dark: 12 } as const;

/** What one frame says at once. */
export interface Glance {
  readonly mean: number;
  readonly saturated: number;
  /** 64 bins of four grey levels. */
  readonly histogram: number[];
}

/** Of a scope that is not there. */
export const nothingSeen: AcquireQuality = {
  focus: null,
  saturated: null,
  meanGrey: null,
  driftPx: null,
  bleachingPer10Min: null,
  advice: [],
};

/** Follows the picture of a scope: focus, saturation, drift and bleaching. */
export class QualityWatch {
  readonly #size: Size;
  #measuredAt = -Infinity;
  #first: Profiles | undefined;
  #focus: number | null = null;
  #drift: number | null = null;
  #newest: Glance | undefined;
  #means: [number, number][] = [];
  #second = { at: -1, sum: 0, frames: 0 };

  constructor(size: Size) {
    this.#size = size;
  }

  /** Looks at a frame that came at a time, s. */
  take(pixels: Uint8Array, timeS: number): Glance {
    const counts = histogramOf(pixels);
    const { mean, saturated } = levelsOf(counts);
    const histogram = Array.from({ length: 64 }, (_, n) => {
      const at = 4 * n;
      return (counts[at] ?? 0) + (counts[at + 1] ?? 0) + (counts[at + 2] ?? 0) + (counts[at + 3] ?? 0);
    });
    this.#newest = { mean, saturated, histogram };
    this.#follow(mean, timeS);
    if (timeS - this.#measuredAt >= measureEveryS) {
      this.#measuredAt = timeS;
      this.#focus = focusOf(pixels, this.#size);
      this.#measureDrift(pixels, mean);
    }
    return this.#newest;
  }

  /** A setting was changed: the brightness before and after it cannot be compared. */
  settingChanged(): void {
    this.#means = [];
    this.#second = { at: -1, sum: 0, frames: 0 };
  }

  /** What is seen now is where drift is counted from. */
  beginAnew(): void {
    this.#first = undefined;
    this.#drift = null;
    this.settingChanged();
  }

  report(isLit: boolean): AcquireQuality {
    const newest = this.#newest;
    const bleaching = isLit ? this.#bleaching() : null;
    const advice: AcquireQuality['advice'] = [];
    const tell = (severity: 'info' | 'warning', text: string): void => void advice.push({ severity, text });
    if (newest !== undefined && isLit) {
      if (newest.saturated > limits.saturated) {
        tell(
          'warning',
          `${(100 * newest.saturated).toFixed(1)} % of the pixels are saturated: turn the LED or the gain down.`,
        );
      }
      if (newest.mean < limits.dark) tell('info', 'The picture is dark: turn the LED or the gain up.');
      else if (this.#focus !== null && this.#focus < limits.focus) {
        tell('info', 'The picture has little fine structure: turn the focus until vessels have sharp edges.');
      }
      if (this.#drift !== null && this.#drift > limits.driftPx) {
        tell(
          'warning',
          `The picture has moved by ${String(Math.round(this.#drift))} px since the start: is the scope seated firmly?`,
        );
      }
      if (bleaching !== null && bleaching < limits.bleaching) {
        tell(
          'warning',
          `The picture loses ${String(Math.round(-100 * bleaching))} % of its light in 10 min: less LED makes it last longer.`,
        );
      }
    }
    return {
      focus: isLit ? this.#focus : null,
      saturated: newest?.saturated ?? null,
      meanGrey: newest?.mean ?? null,
      driftPx: isLit ? this.#drift : null,
      bleachingPer10Min: bleaching,
      advice,
    };
  }

  #follow(mean: number, timeS: number): void {
    const second = Math.floor(timeS);
    if (second !== this.#second.at) {
      if (this.#second.frames > 0) this.#means.push([this.#second.at, this.#second.sum / this.#second.frames]);
      if (this.#means.length > slope.mostS) this.#means.shift();
      this.#second = { at: second, sum: 0, frames: 0 };
    }
    this.#second.sum += mean;
    this.#second.frames += 1;
  }

  #measureDrift(pixels: Uint8Array, mean: number): void {
    if (mean < limits.dark) return;
    const now = profilesOf(pixels, this.#size);
    if (this.#first === undefined) {
      this.#first = now;
      return;
    }
    const shift = shiftBetween(this.#first, now);
    this.#drift = shift === null ? null : Math.hypot(shift.dx, shift.dy);
  }

  #bleaching(): number | null {
    const [first] = this.#means;
    const last = this.#means.at(-1);
    if (first === undefined || last === undefined || last[0] - first[0] < slope.leastS) return null;
    const perSecond = relativeSlope(this.#means);
    return perSecond === null ? null : perSecond * 600;
  }
}
