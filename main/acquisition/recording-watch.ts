// SPDX-License-Identifier: MIT
import type { AcquireMark } from '../contract/index.ts';
import type { ScopeFrame } from '../devices/index.ts';
import type { IntegrityReport, Recording } from '../recording/index.ts';
import type { CaptureReport, CaptureState } from './capture-messages.ts';
import type { Glance } from './quality.ts';

/** Width of a bin of {@link CaptureReport.intervals}, and how many lie on each side of the usual interval. */
const bins = { ms: 0.5, each: 20 } as const;

/** Follows a recording under way: what the report shows beside the recorder's own figures. */
export class RecordingWatch {
  readonly recording: Recording;
  readonly startedAt: Date;
  readonly lengthS: number | null;
  readonly marks: AcquireMark[] = [];
  readonly #intervals: number[] = [];
  readonly #series: { timeS: number[]; mean: number[]; saturated: number[] } = { timeS: [], mean: [], saturated: [] };
  #second = { at: 0, mean: 0, saturated: 0, frames: 0 };
  #lastNs: bigint | undefined;
  #savedBefore = 0;
  #savedAtNs: bigint;

  constructor(recording: Recording, startedAt: Date, lengthS: number | null, nowNs: bigint) {
    this.recording = recording;
    this.startedAt = startedAt;
    this.lengthS = lengthS;
    this.#savedAtNs = nowNs;
  }

  /** A frame that was offered to the recorder. */
  take(frame: ScopeFrame, glance: Glance): void {
    const { saved } = this.recording;
    if (saved === 0) return;
    if (saved > this.#savedBefore) this.#savedAtNs = frame.lastNs;
    this.#savedBefore = saved;
    if (this.#lastNs !== undefined) this.#intervals.push(Number(frame.lastNs - this.#lastNs) / 1e6);
    this.#lastNs = frame.lastNs;
    const second = Math.floor(this.recording.seconds);
    if (second !== this.#second.at) this.#endSecond(second);
    this.#second.mean += glance.mean;
    this.#second.saturated += glance.saturated;
    this.#second.frames += 1;
  }

  mark(kind: AcquireMark['kind'], text: string): void {
    this.marks.push({ timeS: Math.round(this.recording.seconds * 1000) / 1000, kind, text });
  }

  /** Frames that are missing so far; null while that is unknown. */
  get missing(): number | null {
    return this.recording.missing;
  }

  /** What is told of it while it is under way. */
  state(nowNs: bigint, ending: boolean): NonNullable<CaptureState['recording']> {
    const { folder, seconds, saved, failure } = this.recording;
    return {
      folder,
      startedAt: this.startedAt.toISOString(),
      seconds,
      lengthS: this.lengthS,
      saved,
      missing: this.missing,
      savedAgoMs: Math.max(0, Number(nowNs - this.#savedAtNs) / 1e6),
      failure,
      ending,
      marks: this.marks,
    };
  }

  /** The report with what was seen here. */
  report(integrity: IntegrityReport, settings: CaptureReport['settings']): CaptureReport {
    this.#endSecond(-1);
    const { device, durationS, saved, expected, missing, knownMissing, gaps, interruptions } = integrity;
    const { unreadCounters, counterRestarts, badOrientations, blackFrames, corrupt } = integrity;
    return {
      folder: this.recording.folder,
      device,
      startedAt: this.startedAt.toISOString(),
      durationS,
      saved,
      expected,
      missing,
      knownMissing,
      gaps: [...gaps],
      interruptions: [...interruptions],
      badOrientations,
      blackFrames,
      unreadCounters,
      counterRestarts,
      corrupt: { ...corrupt },
      longestIntervalMs: integrity.longestIntervalMs,
      usualIntervalMs: integrity.usualIntervalMs,
      jitterMs: integrity.jitterMs,
      meanGrey: integrity.meanGrey,
      saturatedShare: integrity.saturatedShare,
      bufferHighWater: integrity.bufferHighWater,
      failure: integrity.failure,
      stopped: integrity.stopped,
      files: integrity.files.map(({ name, frames, bytes, sha256 }) => ({ name, frames, bytes, sha256 })),
      marks: this.marks,
      series: this.#series,
      intervals: binned(this.#intervals, integrity.usualIntervalMs),
      settings,
      others: [],
      cameras: [],
    };
  }

  #endSecond(next: number): void {
    const { at, mean, saturated, frames } = this.#second;
    if (frames > 0) {
      this.#series.timeS.push(at);
      this.#series.mean.push(Math.round((mean / frames) * 100) / 100);
      this.#series.saturated.push(saturated / frames);
    }
    this.#second = { at: next, mean: 0, saturated: 0, frames: 0 };
  }
}

/** Intervals in bins about the usual one; the outermost bins hold what lies beyond. */
function binned(intervals: readonly number[], usual: number | null): CaptureReport['intervals'] {
  const firstMs = Math.max(0, Math.round((usual ?? 0) / bins.ms - bins.each) * bins.ms);
  const counts = Array.from({ length: 2 * bins.each + 1 }, () => 0);
  for (const interval of intervals) {
    const bin = Math.min(counts.length - 1, Math.max(0, Math.floor((interval - firstMs) / bins.ms)));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return { firstMs, binMs: bins.ms, counts };
}
