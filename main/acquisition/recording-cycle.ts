// SPDX-License-Identifier: MIT
import { rmdir } from 'node:fs/promises';
import path from 'node:path';
import { AppError, type AcquireMode, type AcquirePlan, type AcquireReport, type FolderRef } from '../contract/index.ts';
import type { Clock } from '../devices/index.ts';
import { makeNewFolder, recordingFolder, type Rig } from '../recording/index.ts';
import type { CaptureLine } from './capture-line.ts';
import type { CaptureReport } from './capture-messages.ts';
import { rigOf } from './plan.ts';
import { type RigFacts, whenReady } from './readiness.ts';
import type { RecordedSessions } from './recorded-sessions.ts';
import { Series } from './series.ts';
import { type ConnectedDevice, lossSentence, lossSeverity } from './status.ts';

/** What a cycle needs of the world. */
export interface CycleOptions {
  readonly clock: Clock;
  readonly now: () => Date;
  /** Makes the folder that a window chose. @throws AppError */
  readonly makeFolder: (folder: FolderRef) => Promise<string>;
  /** The library's rows of what is recorded. */
  readonly sessions: RecordedSessions;
  /** Told when a recording begins and when it is over: long jobs wait meanwhile. */
  readonly onRecording?: (isRecording: boolean) => void;
}

/** The instrument that a cycle runs on. */
export interface CycleRig {
  readonly mode: () => AcquireMode;
  readonly set: (mode: AcquireMode) => void;
  readonly say: (severity: 'info' | 'warning' | 'error', text: string) => void;
  readonly plan: () => AcquirePlan;
  readonly device: () => ConnectedDevice | undefined;
  /** @throws AppError `acquire.not_now` without a scope */
  readonly line: () => CaptureLine;
  readonly facts: () => RigFacts;
  /** The rig that was chosen; null for one scope and nothing else. */
  readonly file: () => Rig | null;
  /** Starts the rig's program for the begin or the end of a recording. */
  readonly program: (when: 'start' | 'stop', folder: string) => void;
}

/** One recording after the other: from the session's row before the first frame to the report, by hand, by a trigger, or one each so many minutes. */
export class RecordingCycle {
  readonly series: Series;
  readonly #options: CycleOptions;
  readonly #rig: CycleRig;
  /** The session of the recording under way; null where the library has none. */
  #session: string | null = null;
  #dataFolder = '';
  #report: AcquireReport | null = null;
  #reports = 0;
  #byTrigger = false;

  constructor(options: CycleOptions, rig: CycleRig) {
    this.#options = options;
    this.#rig = rig;
    this.series = new Series(options.clock, options.now);
  }

  /** Of the last recording; null once it was left. */
  get report(): AcquireReport | null {
    return this.#report;
  }

  /** Where the last recording's folder is. */
  get dataFolder(): string {
    return this.#dataFolder;
  }

  forgetReport(): void {
    this.#report = null;
  }

  /** Records into a data folder. @throws AppError `recording.*`, `disk.*` */
  async record(dataDirectory: string): Promise<{ readonly folder: string }> {
    const { now, sessions, onRecording } = this.#options;
    const startedAt = now();
    const line = this.#rig.line();
    const device = this.#rig.device();
    const rig = rigOf(this.#rig.plan(), device?.id === 'simulator', device?.type.type, this.#rig.file());
    const folder = await makeNewFolder(recordingFolder(rig, dataDirectory, startedAt));
    // The row before the first frame: whatever dies from now on, the next start finds it.
    const session = await sessions
      .begin({ rig, dataDirectory, folder, startedAt, pid: line.pid })
      .catch((error: unknown) => {
        this.#rig.say('warning', `The recording is not in the library yet: ${AppError.from(error).message}`);
        return null;
      });
    try {
      const { lengthS } = this.#rig.plan();
      await line.ask('start', { rig, dataDirectory, folder, lengthS });
    } catch (error) {
      await sessions.discard(session).catch(() => undefined);
      // Only when it is empty: what was begun in it is left for a person to see.
      await rmdir(folder).catch(() => undefined);
      throw error;
    }
    this.#session = session;
    this.#dataFolder = dataDirectory;
    onRecording?.(true);
    this.#rig.set('recording');
    this.#rig.program('start', folder);
    const shown = path.relative(dataDirectory, folder);
    this.#rig.say('info', `Recording started: ${shown}`);
    return { folder: shown };
  }

  /** Light off until the trigger input rises. @throws AppError `acquire.not_ready` where the input cannot be read, `device.*` */
  async arm(): Promise<void> {
    this.#rig.set('armed');
    try {
      await this.#rig.line().ask('light', { on: false });
      await this.#rig.line().ask('watchTrigger', { on: true });
    } catch (error) {
      this.#rig.set('preview');
      this.series.end();
      await this.#rig
        .line()
        .ask('light', { on: true })
        .catch(() => undefined);
      throw error;
    }
    this.#rig.say('info', 'Armed: the light is off until the trigger input rises.');
  }

  async disarm(): Promise<void> {
    await this.#rig.line().ask('watchTrigger', { on: false });
    await this.#rig.line().ask('light', { on: true });
    this.#rig.set(this.#report === null ? 'preview' : 'report');
    this.#rig.say('info', 'Disarmed.');
  }

  /** The trigger input has changed. @throws AppError */
  async triggered(high: boolean): Promise<void> {
    if (high && this.#rig.mode() === 'armed' && this.series.nextAt === null) {
      this.#byTrigger = true;
      // Judged when it was armed: an edge must not be lost to a moment without frames.
      await this.record(await this.#options.makeFolder(this.#rig.plan().folder));
    } else if (!high && this.#byTrigger && this.#rig.mode() === 'recording') {
      await this.end();
    }
  }

  /** Ends the recording under way. @throws AppError */
  async end(): Promise<void> {
    this.#rig.set('finishing');
    const report = await this.#rig.line().ask('stop', null);
    if (report !== null) await this.finished(report);
  }

  /** A recording has ended: it becomes a session of the library, and what was planned for afterwards is done. */
  async finished(report: CaptureReport): Promise<void> {
    this.#options.onRecording?.(false);
    this.#rig.set('finishing');
    this.#rig.program('stop', report.folder);
    let sessionUuid: string | null = null;
    let importProblem: string | null = null;
    try {
      ({ sessionUuid } = await this.#options.sessions.complete(this.#session, report.folder));
    } catch (error) {
      importProblem = AppError.from(error).message;
      this.#rig.say('warning', `The recording is on the disk, but could not be added to the library: ${importProblem}`);
    }
    this.#session = null;
    this.#reports += 1;
    const folder = path.relative(this.#dataFolder, report.folder);
    this.#report = { ...report, folder, id: this.#reports, sessionUuid, importProblem, queued: null };
    this.#rig.say(lossSeverity(report), `Recording saved: ${folder}. ${lossSentence(report)}`);
    const { processWith } = this.#rig.plan();
    if (processWith !== null && sessionUuid !== null) {
      await this.process(processWith).catch((error: unknown) =>
        this.#rig.say('error', `Processing could not be queued: ${AppError.from(error).message}`),
      );
    }
    if (report.failure === null && this.series.hasMore) void this.#waitForNext();
    else if (this.#byTrigger && report.failure === null) await this.#armAgain();
    else this.#rig.set('report');
  }

  /** Queues processing of the recording of the report with a preset, of all its scopes or of those named. @throws AppError `acquire.not_now`, `usage.invalid` */
  async process(preset: string, devices?: readonly string[]): Promise<readonly string[]> {
    const report = this.#report;
    if (report === null || report.sessionUuid === null) {
      throw new AppError('acquire.not_now', report?.importProblem ?? 'There is no recording to process.');
    }
    const scopes = [report, ...report.others].map(({ device }) => device);
    const wanted = devices ?? scopes;
    const runUuids = [...(await this.#options.sessions.process(report.sessionUuid, preset, devices))];
    const { queued } = report;
    this.#report = {
      ...report,
      queued: {
        preset,
        runUuids: [...(queued?.runUuids ?? []), ...runUuids],
        devices: scopes.filter((device) => wanted.includes(device) || queued?.devices.includes(device) === true),
      },
    };
    const which = wanted.length < scopes.length ? ` (${wanted.join(', ')})` : '';
    this.#rig.say(
      'info',
      `Processing of ${report.folder}${which} is queued with the preset “${preset}”; it waits while a scope records.`,
    );
    return runUuids;
  }

  /** The process that recorded is gone. */
  crashed(): void {
    this.series.cancelWait();
    this.#options.onRecording?.(false);
    this.#byTrigger = false;
    this.#session = null;
  }

  /** Between recordings that the trigger input starts. */
  async #armAgain(): Promise<void> {
    this.#byTrigger = false;
    this.#rig.set('armed');
    await this.#rig.line().ask('watchTrigger', { on: true, wasRead: true });
  }

  async #waitForNext(): Promise<void> {
    try {
      if (!(await this.series.next(this.#rig.plan().segments.everyS, () => this.#rig.set('armed')))) return;
      await this.record(await whenReady(() => this.#rig.facts(), this.#options));
    } catch (error) {
      const { number, of } = this.series.position;
      this.#rig.set('report');
      this.#rig.say(
        'error',
        `Recording ${String(number)} of ${String(of)} did not start. ${AppError.from(error).message}`,
      );
    }
  }
}
