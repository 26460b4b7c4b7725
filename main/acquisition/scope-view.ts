// SPDX-License-Identifier: MIT
import type { AcquireScope } from '../contract/index.ts';
import type { Clock, ScopeFrame, ScopeType } from '../devices/index.ts';
import { BufferWatch } from './buffer-watch.ts';
import { FramePace } from './frame-pace.ts';
import { type LiveBox, liveFrame } from './live-socket.ts';
import { QualityWatch } from './quality.ts';
import type { RecordingWatch } from './recording-watch.ts';
import type { Regions } from './regions.ts';
import { silentMs } from './trouble.ts';

/** What is seen of one scope: its newest picture, how fast frames come and how many are lost, quality, regions; and what of that is shown to windows. */
export class ScopeView {
  readonly quality: QualityWatch;
  readonly #type: ScopeType;
  readonly #clock: Clock;
  readonly #box: LiveBox;
  readonly #rois: Regions;
  readonly #openedNs: bigint;
  readonly #pace = new FramePace();
  readonly #buffer = new BufferWatch();
  #newest: ScopeFrame | undefined;
  #frames = 0;

  constructor(type: ScopeType, world: { readonly clock: Clock; readonly box: LiveBox; readonly rois: Regions }) {
    this.quality = new QualityWatch(type);
    this.#type = type;
    this.#clock = world.clock;
    this.#box = world.box;
    this.#rois = world.rois;
    this.#openedNs = world.clock.nowNs();
  }

  /** The newest frame; undefined before the first. */
  get newest(): ScopeFrame | undefined {
    return this.#newest;
  }

  /** Since the newest frame; null before the first. */
  get silentForMs(): number | null {
    return this.#newest === undefined ? null : this.#agoMs(this.#newest);
  }

  /** Frames a second by the board's counter; null before enough time has passed. */
  get counterFps(): number | null {
    return this.#pace.counterFps;
  }

  /** It has been set up anew: what is lost counts from now on. */
  connected(): void {
    this.#pace.begin();
    this.quality.beginAnew();
  }

  settingChanged(): void {
    this.quality.settingChanged();
    this.#pace.settingChanged();
  }

  recordingBegins(): void {
    this.quality.beginAnew();
    this.#buffer.begin();
  }

  /**
   * Looks at a frame; the recorder has it already.
   *
   * @param isSetUp its losses count
   * @param watch the recording it was offered to
   */
  take(frame: ScopeFrame, isSetUp: boolean, watch: RecordingWatch | undefined): void {
    this.#newest = frame;
    this.#frames += 1;
    this.#pace.take(frame, isSetUp);
    const timeS = Number(frame.lastNs - this.#openedNs) / 1e9;
    const glance = this.quality.take(frame.pixels, timeS);
    if (watch !== undefined) {
      watch.take(frame, glance);
      this.#buffer.take(frame.lastNs, watch.recording.waiting);
    }
    if (this.#box.watchers === 0) return;
    const about = { number: this.#frames, agoMs: this.#agoMs(frame), timeS };
    this.#box.offer(liveFrame(frame, this.#type, glance, { ...about, ...this.#rois.of(frame.pixels, this.#type) }));
  }

  /** How its frames come; what is missing of a recording, or of the preview where there is none. */
  flow(watch: RecordingWatch | undefined): Pick<AcquireScope, 'fps' | 'dropped' | 'counterAdvances' | 'bufferWorst'> {
    const nowNs = this.#clock.nowNs();
    const silent = this.silentForMs;
    return {
      fps: this.#pace.fps(nowNs),
      dropped: watch === undefined ? this.#pace.lost : watch.missing,
      counterAdvances: this.#pace.advances && silent !== null && silent < silentMs,
      bufferWorst: this.#buffer.worst(nowNs),
    };
  }

  #agoMs({ lastNs }: ScopeFrame): number {
    return Number(this.#clock.nowNs() - lastNs) / 1e6;
  }
}
