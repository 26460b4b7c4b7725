// SPDX-License-Identifier: MIT
import type { AssemblyCounts, ScopeFrame } from '../devices/index.ts';

/** Frames that are missing at one place. */
export interface Gap {
  /** Number of the saved frame before it; −1 before the first. */
  readonly afterFrame: number;
  readonly frames: number;
  /** Seconds since the recording's start. */
  readonly timeS: number;
  /** Where they were lost: on their way from the scope, or here because the disk did not keep up. */
  readonly where: 'link' | 'disk';
}

/** What a recording's frames say about its completeness. */
export interface Integrity {
  readonly saved: number;
  /** Frames the board's counter says there were from the first to the last saved; null when the counter was never read. */
  readonly expected: number | null;
  /** Never negative; null when unknown. */
  readonly missing: number | null;
  readonly gaps: readonly Gap[];
  /** Saved frames whose counter could not be read. */
  readonly unreadCounters: number;
  /** How often the board began to count anew: how many frames were lost there is unknown. */
  readonly counterRestarts: number;
  readonly corrupt: AssemblyCounts;
  readonly longestIntervalMs: number | null;
  readonly usualIntervalMs: number | null;
  /** 99 of 100 intervals are off by no more. */
  readonly jitterMs: number | null;
  readonly meanGrey: number | null;
  /** Share of pixels at the highest grey level, mean over frames. */
  readonly saturatedShare: number | null;
}

/** Watches the frames of one scope and says in the end what is missing. */
export class IntegrityWatch {
  readonly #startNs: bigint;
  readonly #gaps: Gap[] = [];
  readonly #intervals: number[] = [];
  #saved = 0;
  #counted = false;
  #unread = 0;
  #lastNs: bigint | undefined;
  #grey = 0;
  #saturated = 0;
  #lostOnLink = 0;
  #lostOnDisk = 0;

  constructor(startNs: bigint) {
    this.#startNs = startNs;
  }

  /** Frames missing so far; null while the counter was never read. */
  get missing(): number | null {
    return this.#counted ? this.#lostOnLink + this.#lostOnDisk : null;
  }

  /** Frames that came since the last saved one and could not be saved. */
  get unsavedNow(): number {
    const last = this.#gaps.at(-1);
    return last?.where === 'disk' && last.afterFrame === this.#saved - 1 ? last.frames : 0;
  }

  /** A frame was saved. */
  saved(frame: ScopeFrame): void {
    this.#noteLost(frame);
    const { pixels } = frame;
    let sum = 0;
    let saturated = 0;
    for (const value of pixels) {
      sum += value;
      if (value === 255) saturated += 1;
    }
    this.#grey += sum / pixels.length;
    this.#saturated += saturated / pixels.length;
    if (this.#lastNs !== undefined) this.#intervals.push(Number(frame.lastNs - this.#lastNs) / 1e6);
    this.#lastNs = frame.lastNs;
    if (frame.counter === null) this.#unread += 1;
    else this.#counted = true;
    this.#saved += 1;
  }

  /** A frame came but could not be saved. */
  notSaved(frame: ScopeFrame): void {
    this.#noteLost(frame);
    this.#lostOnDisk += 1;
    const before = this.#gaps.at(-1);
    if (before?.where === 'disk' && before.afterFrame === this.#saved - 1) {
      this.#gaps[this.#gaps.length - 1] = { ...before, frames: before.frames + 1 };
    } else this.#gap(1, frame, 'disk');
  }

  #noteLost(frame: ScopeFrame): void {
    // What was lost before the first frame was not recorded yet.
    if (frame.lost === 0 || this.#saved === 0) return;
    this.#lostOnLink += frame.lost;
    this.#gap(frame.lost, frame, 'link');
  }

  #gap(frames: number, frame: ScopeFrame, where: Gap['where']): void {
    const timeS = Number(frame.lastNs - this.#startNs) / 1e9;
    this.#gaps.push({ afterFrame: this.#saved - 1, frames, timeS: Math.round(timeS * 1000) / 1000, where });
  }

  /** What is known now. */
  report(corrupt: AssemblyCounts, counterRestarts: number): Integrity {
    const sorted = this.#intervals.toSorted((a, b) => a - b);
    const usual = sorted[sorted.length >> 1] ?? null;
    const off = usual === null ? [] : sorted.map((interval) => Math.abs(interval - usual)).sort((a, b) => a - b);
    return {
      saved: this.#saved,
      expected: this.#counted ? this.#saved + this.#lostOnLink + this.#lostOnDisk : null,
      missing: this.#counted ? this.#lostOnLink + this.#lostOnDisk : null,
      gaps: this.#gaps,
      unreadCounters: this.#unread,
      counterRestarts,
      corrupt,
      longestIntervalMs: rounded(sorted.at(-1) ?? null),
      usualIntervalMs: rounded(usual),
      jitterMs: rounded(off[Math.floor(0.99 * (off.length - 1))] ?? null),
      meanGrey: this.#saved === 0 ? null : rounded(this.#grey / this.#saved),
      saturatedShare: this.#saved === 0 ? null : this.#saturated / this.#saved,
    };
  }
}

const rounded = (value: number | null): number | null => (value === null ? null : Math.round(value * 1000) / 1000);
