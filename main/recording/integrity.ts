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

/** A time for which the board's counter says nothing: it began to count anew, or nothing came until the end. */
export interface Interruption {
  /** Number of the saved frame before it; −1 before the first. */
  readonly afterFrame: number;
  /** Seconds since the recording's start at which it was over. */
  readonly timeS: number;
  /** From the frame before it to the frame after it, or to the end. */
  readonly seconds: number;
}

/** What a recording's frames say about its completeness. */
export interface Integrity {
  readonly saved: number;
  /** Frames the board's counter says there were from the start to the stop; null when that is unknown. */
  readonly expected: number | null;
  /** Never negative; null when unknown: the counter was never read, or began anew. */
  readonly missing: number | null;
  /** Frames that are missing for certain, whatever else is unknown. */
  readonly knownMissing: number;
  readonly gaps: readonly Gap[];
  readonly interruptions: readonly Interruption[];
  /** Saved frames whose counter could not be read. */
  readonly unreadCounters: number;
  /** How often the board began to count anew: how many frames were lost there is unknown. */
  readonly counterRestarts: number;
  readonly corrupt: AssemblyCounts;
  /** Orientations that were disturbed on their way. */
  readonly badOrientations: number;
  /** Saved frames without a picture: the scope's link was down. */
  readonly blackFrames: number;
  readonly longestIntervalMs: number | null;
  readonly usualIntervalMs: number | null;
  /** 99 of 100 intervals are off by no more. */
  readonly jitterMs: number | null;
  readonly meanGrey: number | null;
  /** Share of pixels at the highest grey level, mean over frames. */
  readonly saturatedShare: number | null;
}

/** What came before a frame. */
export interface LostBefore {
  /** Frames that the board has counted and that never came. */
  readonly frames: number;
  /** The board began to count anew. */
  readonly restarted: boolean;
  /** Seconds without a frame that the board's counter does not explain; null when there were none. */
  readonly silentS: number | null;
}

/** A busy computer takes frames late, some at once; a pause longer than this is none of its doing. */
const silent = { leastNs: 1e9, periods: 6 } as const;

/** Watches the frames of one scope and says in the end what is missing. */
export class IntegrityWatch {
  readonly #start: () => bigint;
  readonly #periodNs: () => number;
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
  #badOrientations = 0;
  #black = 0;
  #cameNs: bigint | undefined;
  readonly #interruptions: Interruption[] = [];
  #sentBefore: number | null = null;
  #cameEarly = 0;
  #isFirst = true;

  /** @param startNs the recording's time zero @param periodNs time from frame to frame as the scope is set now */
  constructor(startNs: () => bigint, periodNs: () => number) {
    this.#start = startNs;
    this.#periodNs = periodNs;
  }

  /** Frames missing so far; null while that is unknown. */
  get missing(): number | null {
    return this.#counted && this.#interruptions.length === 0 ? this.#lostOnLink + this.#lostOnDisk : null;
  }

  /** The frame the board had sent last when the recording began, as its counter says; null when it could not be read. */
  begins(sent: number | null): void {
    this.#sentBefore = sent;
  }

  /** A frame came that had begun before the recording: it is none of it. */
  cameEarly(frame: ScopeFrame): void {
    if (this.#sentBefore !== null && frame.counter !== null && frame.counter > this.#sentBefore) this.#cameEarly += 1;
  }

  /**
   * Nothing came any more although frames were waited for.
   *
   * @param lost frames the board has sent since the last one; null when it cannot say
   */
  ends(atNs: bigint, lost: number | null): void {
    if (lost !== null && lost > 0) {
      this.#lostOnLink += lost;
      this.#gaps.push({ afterFrame: this.#saved - 1, frames: lost, timeS: this.#timeS(atNs), where: 'link' });
    } else this.#interrupted(atNs);
  }

  /** Frames that came since the last saved one and could not be saved. */
  get unsavedNow(): number {
    const last = this.#gaps.at(-1);
    return last?.where === 'disk' && last.afterFrame === this.#saved - 1 ? last.frames : 0;
  }

  /** A frame was saved, or the part of it that is kept; says what was lost before it on its way. */
  saved(frame: ScopeFrame, pixels: Uint8Array = frame.pixels): LostBefore {
    const lost = this.#noteLost(frame);
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
    if (frame.orientation?.good === false) this.#badOrientations += 1;
    // Of the whole frame: the part that is kept may lie in a dark corner.
    if (sum === 0 && frame.pixels.every((value) => value === 0)) this.#black += 1;
    this.#saved += 1;
    return lost;
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

  #noteLost(frame: ScopeFrame): LostBefore {
    const silentS = this.#silentS(frame);
    if (silentS !== null) this.#interrupted(frame.lastNs);
    const lost = this.#isFirst ? this.#lostBeforeFirst(frame) : frame.lost;
    this.#isFirst = false;
    this.#cameNs = frame.lastNs;
    if (lost > 0) {
      this.#lostOnLink += lost;
      this.#gap(lost, frame, 'link');
    }
    return { frames: lost, restarted: frame.restarted, silentS };
  }

  /** Seconds that the board's counter does not explain: it began anew, or stood still while no frame came. Null when it explains all. */
  #silentS({ lastNs, lost, restarted }: ScopeFrame): number | null {
    const since = Number(lastNs - (this.#cameNs ?? this.#start()));
    const period = this.#periodNs();
    const unexplained = since - (lost + 1) * period;
    return restarted || unexplained > Math.max(silent.leastNs, silent.periods * period) ? since / 1e9 : null;
  }

  /** What was lost before the recording began is none of it: the counter was read then. */
  #lostBeforeFirst({ counter, lost }: ScopeFrame): number {
    if (counter === null || this.#sentBefore === null) return 0;
    return Math.min(lost, Math.max(0, counter - this.#sentBefore - 1 - this.#cameEarly));
  }

  #interrupted(atNs: bigint): void {
    const since = this.#cameNs ?? this.#start();
    const seconds = Math.round(Number(atNs - since) / 1e6) / 1000;
    this.#interruptions.push({ afterFrame: this.#saved - 1, timeS: this.#timeS(atNs), seconds });
  }

  #timeS(ns: bigint): number {
    return Math.round(Number(ns - this.#start()) / 1e6) / 1000;
  }

  #gap(frames: number, frame: ScopeFrame, where: Gap['where']): void {
    this.#gaps.push({ afterFrame: this.#saved - 1, frames, timeS: this.#timeS(frame.lastNs), where });
  }

  /** What is known now. */
  report(corrupt: AssemblyCounts, counterRestarts: number): Integrity {
    const sorted = this.#intervals.toSorted((a, b) => a - b);
    const usual = sorted[sorted.length >> 1] ?? null;
    const off = usual === null ? [] : sorted.map((interval) => Math.abs(interval - usual)).sort((a, b) => a - b);
    const missing = counterRestarts > 0 ? null : this.missing;
    return {
      saved: this.#saved,
      expected: missing === null ? null : this.#saved + missing,
      missing,
      knownMissing: this.#lostOnLink + this.#lostOnDisk,
      gaps: this.#gaps,
      interruptions: this.#interruptions,
      unreadCounters: this.#unread,
      counterRestarts,
      corrupt,
      badOrientations: this.#badOrientations,
      blackFrames: this.#black,
      longestIntervalMs: rounded(sorted.at(-1) ?? null),
      usualIntervalMs: rounded(usual),
      jitterMs: rounded(off[Math.floor(0.99 * (off.length - 1))] ?? null),
      meanGrey: this.#saved === 0 ? null : rounded(this.#grey / this.#saved),
      saturatedShare: this.#saved === 0 ? null : this.#saturated / this.#saved,
    };
  }
}

const rounded = (value: number | null): number | null => (value === null ? null : Math.round(value * 1000) / 1000);
