// SPDX-License-Identifier: MIT
import type { AssemblyCounts, BoardLink, Miniscope, ScopeEvent, ScopeFrame, Setting } from '../devices/index.ts';
import type { SharedSession } from './shared-session.ts';
import { type IntegrityReport, Recording, type RecorderDependencies, type RecordingPlan } from './recorder.ts';

/** A scope and what is recorded of it. */
export interface ScopeSession {
  readonly scope: Miniscope;
  /** Begins a recording. @throws AppError as {@link Recording.start} */
  readonly start: (
    plan: RecordingPlan,
    dependencies: RecorderDependencies,
    shared?: SharedSession,
  ) => Promise<Recording>;
  /**
   * Ends it with one more frame, so that what is lost before the stop is counted; the report says what was saved.
   *
   * @param onLast told when no further frame is taken: the light may go off
   */
  readonly stop: (onLast?: () => void) => Promise<IntegrityReport | null>;
  /** Sets a control, and notes it in the recording. */
  readonly set: (control: string, setting: Setting) => Promise<void>;
}

/** A stop waits for the last frame for so long at least, ms: more than the longest pause from which a link comes back by itself. */
const lastFrameMs = 600;

/** What a scope tells while it is open; handed to {@link Miniscope} and connected to the recording under way. */
export class ScopeFeed {
  #recording: Recording | null = null;
  #link: BoardLink | null = null;
  #corruptBefore: AssemblyCounts = { short: 0, unended: 0, badHeaders: 0 };
  #restartsBefore = 0;
  /** Of the newest frame. */
  #counter: number | null = null;
  #ending: Promise<void> | undefined;

  readonly onFrame = (frame: ScopeFrame): void => {
    this.#counter = frame.counter;
    this.#recording?.frame(frame);
  };

  readonly onEvent = (event: ScopeEvent): void => this.#recording?.happened(event.message);

  /** Wraps the way to a board so that its counts are known here over reconnections. */
  readonly opened = (link: BoardLink): BoardLink => {
    if (this.#link !== null) this.#corruptBefore = added(this.#corruptBefore, this.#link.counts(), 1);
    this.#link = link;
    return link;
  };

  /** A session of a scope that this feeds. */
  session(scope: Miniscope): ScopeSession {
    let atStart: AssemblyCounts = this.#corrupt();
    return {
      scope,
      start: async (plan, dependencies, shared) => {
        const recording = await Recording.start({ ...plan, firmware: scope.firmware }, dependencies, shared);
        atStart = this.#corrupt();
        this.#restartsBefore = scope.restarts;
        await scope.setRecording(true).catch(() => {
          recording.happened('The board could not be told that it is being recorded: its sync output may stand still.');
        });
        recording.begins(await scope.sent());
        this.#recording = recording;
        return recording;
      },
      stop: async (onLast) => {
        const recording = this.#recording;
        if (recording === null) return null;
        this.#ending ??= this.#lastFrame(recording, scope);
        await this.#ending;
        this.#ending = undefined;
        if (this.#recording === null) return null;
        this.#recording = null;
        onLast?.();
        await scope.setRecording(false).catch(() => undefined);
        return recording.stop({
          corrupt: added(this.#corrupt(), atStart, -1),
          counterRestarts: scope.restarts - this.#restartsBefore,
        });
      },
      set: async (control, setting) => {
        const { shown } = await scope.set(control, setting);
        this.#recording?.changed(control, shown);
      },
    };
  }

  /** The next frame tells by its counter what was lost before the stop; when none comes, the board is asked. */
  async #lastFrame(recording: Recording, scope: Miniscope): Promise<void> {
    // Also of a recording that the disk has ended: a board that was gone by then leaves it unknown what was lost.
    const rate = scope.settings.get('frameRate')?.number ?? 30;
    if (await scope.nextFrame(Math.max(lastFrameMs, 3000 / rate))) return;
    const sent = await scope.sent();
    recording.endsSilent(sent === null || this.#counter === null ? null : Math.max(0, sent - this.#counter));
  }

  #corrupt(): AssemblyCounts {
    const now = this.#link?.counts();
    return now === undefined ? this.#corruptBefore : added(this.#corruptBefore, now, 1);
  }
}

const added = (a: AssemblyCounts, b: AssemblyCounts, sign: 1 | -1): AssemblyCounts => ({
  short: a.short + sign * b.short,
  unended: a.unended + sign * b.unended,
  badHeaders: a.badHeaders + sign * b.badHeaders,
});
