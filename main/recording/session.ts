// SPDX-License-Identifier: MIT
import type { AssemblyCounts, BoardLink, Miniscope, ScopeEvent, ScopeFrame, Setting } from '../devices/index.ts';
import { type IntegrityReport, Recording, type RecorderDependencies, type RecordingPlan } from './recorder.ts';

/** A scope and what is recorded of it. */
export interface ScopeSession {
  readonly scope: Miniscope;
  /** Begins a recording. @throws AppError as {@link Recording.start} */
  readonly start: (plan: RecordingPlan, dependencies: RecorderDependencies) => Promise<Recording>;
  /** Ends it; the report says what was saved. */
  readonly stop: () => Promise<IntegrityReport | null>;
  /** Sets a control, and notes it in the recording. */
  readonly set: (control: string, setting: Setting) => Promise<void>;
}

/** What a scope tells while it is open; handed to {@link Miniscope} and connected to the recording under way. */
export class ScopeFeed {
  #recording: Recording | null = null;
  #link: BoardLink | null = null;
  #corruptBefore: AssemblyCounts = { short: 0, unended: 0, badHeaders: 0 };
  #restartsBefore = 0;

  readonly onFrame = (frame: ScopeFrame): void => this.#recording?.frame(frame);

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
      start: async (plan, dependencies) => {
        const recording = await Recording.start(plan, dependencies);
        atStart = this.#corrupt();
        this.#restartsBefore = scope.restarts;
        await scope.setRecording(true);
        this.#recording = recording;
        return recording;
      },
      stop: async () => {
        const recording = this.#recording;
        if (recording === null) return null;
        this.#recording = null;
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
