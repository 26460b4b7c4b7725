// SPDX-License-Identifier: MIT
import { randomBytes } from 'node:crypto';
import { rmdir } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import {
  AppError,
  type AcquireCheck,
  type AcquireDevice,
  type AcquireMode,
  type AcquirePlan,
  type AcquireReport,
  type AcquireRoi,
  type AcquireStatus,
  type FolderRef,
} from '../contract/index.ts';
import { type Clock, type listDevices, readCatalogue, scopeType, type Setting } from '../devices/index.ts';
import { makeNewFolder, recordingFolder, simulatorRig } from '../recording/index.ts';
import type { ChildOptions, Child } from '../supervisor/index.ts';
import { CaptureLine } from './capture-line.ts';
import type { CaptureReport, CaptureState, FromCapture } from './capture-messages.ts';
import { Followers } from './followers.ts';
import { foundDevices } from './found-devices.ts';
import { MessageList } from './messages.ts';
import { keepPlan, readPlan, rigOf } from './plan.ts';
import { type PracticeBoard, startPracticeBoard } from './practice-board.ts';
import { freeBytesOf } from './preflight.ts';
import { checksOf, type RigFacts, whenReady } from './readiness.ts';
import type { RecordedSessions } from './recorded-sessions.ts';
import { Series } from './series.ts';
import { type ConnectedDevice, lossSentence, modeWords, statusOf } from './status.ts';

/** Path of the live picture's WebSocket on the core's address. */
export const livePath = '/live';

/** What the service needs of the world. */
export interface AcquisitionOptions {
  readonly clock: Clock;
  readonly now: () => Date;
  /** Folder for the log files of its processes. */
  readonly logFolder: string;
  /** Keeps what was planned last. */
  readonly planFile: string;
  /** The root that is offered first. */
  readonly firstRoot: string;
  /** Makes the folder that a window chose. @throws AppError */
  readonly makeFolder: (folder: FolderRef) => Promise<string>;
  /** The library's rows of what is recorded. */
  readonly sessions: RecordedSessions;
  /** Told when a recording begins and when it is over: long jobs wait meanwhile. */
  readonly onRecording?: (isRecording: boolean) => void;
  readonly supervise: (options: ChildOptions) => Child;
  /** What the simulated scope looks at. */
  readonly scene?: { readonly name: string; readonly seed: number };
  /** Looks which boards are there; the computer's ports where it is not given. */
  readonly devices?: typeof listDevices;
  /** The simulated board, where it runs already; else one is started. */
  readonly board?: PracticeBoard;
}

/** The capture process counts as silent after this time, ms. */
const staleMs = 2000;
/** The disk is asked this often, ms. */
const diskMs = 5000;
/** The core waits this long for a recording to be closed when it ends itself, ms. */
const closeMs = 30_000;

/**
 * Acquisition as the core sees it: which mode the instrument is in, what is planned, what its process says. The mode `recording` is told only while that process says
 * so itself.
 */
export class Acquisition {
  readonly #options: AcquisitionOptions;
  readonly #messages = new MessageList();
  readonly #followers = new Followers(() => this.status());
  readonly #ended = new AbortController();
  #line: CaptureLine | undefined;
  #board: PracticeBoard | undefined;
  #device: ConnectedDevice | undefined;
  #state: CaptureState | null = null;
  #stateAt = 0n;
  #mode: AcquireMode = 'idle';
  #plan: AcquirePlan;
  #folder = '';
  /** The session of the recording under way; null where the library has none. */
  #session: string | null = null;
  #report: AcquireReport | null = null;
  #reports = 0;
  readonly #series: Series;
  #finishing: Promise<void> = Promise.resolve();
  #free: number | null = null;
  #mustDarken = false;
  #byTrigger = false;

  constructor(options: AcquisitionOptions) {
    this.#options = options;
    this.#series = new Series(options.clock, options.now);
    this.#plan = readPlan(options.planFile, options.firstRoot);
    this.#board = options.board;
    void this.#lookAtDisk();
    void this.#watchSilence();
    void this.#recover();
  }

  get mode(): AcquireMode {
    const state = this.#state;
    if (this.#mode === 'recording' && (state?.recording == null || state.recording.ending)) return 'finishing';
    return this.#mode;
  }

  get report(): AcquireReport | null {
    return this.#report;
  }

  devices(): AcquireDevice[] {
    return foundDevices(this.#device?.id ?? null, this.#options.devices);
  }

  /** @throws AppError `device.*`, `acquire.not_now` */
  async connect(deviceId: string): Promise<void> {
    if (this.#mode !== 'idle') throw new AppError('acquire.not_now', 'A scope is connected already.');
    const device = this.devices().find(({ id }) => id === deviceId);
    if (device === undefined) throw new AppError('device.not_found', 'That board is not connected any more.');
    if (device.problem !== null)
      throw new AppError('device.not_found', device.problem.message, { hint: device.problem.fix });
    this.#set('connecting');
    this.#state = null;
    try {
      const [scope] = simulatorRig.scopes;
      if (scope === undefined) throw new AppError('recording.bad_rig', 'The rig has no scope.');
      const address = device.simulated ? await this.#practiceAddress(scope.type) : device.id;
      const type = scopeType(readCatalogue(), scope.type);
      this.#device = { id: device.id, name: type.label ?? type.type, type, address };
      await this.#capture().ask('connect', {
        address,
        scopeType: type.type,
        // A real scope begins as its type says: dark.
        settings: device.simulated ? scope.settings : {},
      });
      this.#set('preview');
      this.#say('info', `${this.#device.name} connected${device.simulated ? ' (simulated)' : ''}.`);
    } catch (error) {
      this.#device = undefined;
      this.#set('idle');
      throw error;
    }
  }

  /** Starts the simulated board where it does not run yet. */
  async #practiceAddress(type: string): Promise<string> {
    const { logFolder, supervise, scene = { name: 'scope', seed: 1 } } = this.#options;
    this.#board ??= await startPracticeBoard({ logFolder, scopeType: type, scene }, supervise);
    return this.#board.address;
  }

  /** @throws AppError `acquire.not_now` while recording */
  async disconnect(): Promise<void> {
    if (this.#mode === 'idle') return;
    if (this.mode === 'recording' || this.mode === 'finishing') {
      throw new AppError('acquire.not_now', 'Stop the recording first.');
    }
    this.#series.cancelWait();
    await this.#capture().ask('disconnect', null);
    this.#device = undefined;
    this.#state = null;
    this.#report = null;
    this.#set('idle');
  }

  async set(control: string, value: Setting): Promise<Setting> {
    return await this.#connected().ask('set', { control, value });
  }

  async rois(rois: readonly AcquireRoi[]): Promise<void> {
    await this.#connected().ask('rois', { rois });
  }

  /** Changes what is planned; while recording only the markers' names. */
  async plan(change: Partial<AcquirePlan>): Promise<AcquirePlan> {
    const isBusy = this.mode === 'recording' || this.mode === 'finishing' || this.mode === 'armed';
    if (isBusy && Object.keys(change).some((key) => key !== 'markers')) {
      throw new AppError('acquire.not_now', 'What is being recorded cannot be changed now; stop it first.');
    }
    const next = { ...this.#plan, ...change };
    if (next.segments.count > 1 && (next.lengthS === null || next.segments.everyS < next.lengthS)) {
      throw new AppError(
        'usage.invalid',
        'Several recordings need a length, and may not begin before the one before is over.',
      );
    }
    this.#plan = next;
    await keepPlan(this.#options.planFile, next).catch(() =>
      this.#say('warning', 'What is planned could not be kept: the library’s folder cannot be written.'),
    );
    this.#notify();
    return next;
  }

  async preflight(): Promise<AcquireCheck[]> {
    return await checksOf(this.#facts(), this.#options);
  }

  /** @throws AppError `acquire.not_now`, `acquire.not_ready` with the first thing that is wrong, `recording.*`, `disk.*` */
  async start(): Promise<{ readonly folder: string }> {
    if (this.#mode === 'report') await this.again();
    if (this.#mode !== 'preview') {
      throw new AppError(
        'acquire.not_now',
        this.#mode === 'idle' ? 'No scope is connected.' : `Recording cannot start: ${modeWords[this.mode]}.`,
      );
    }
    const folder = await whenReady(() => this.#facts(), this.#options);
    this.#series.begin(this.#plan.segments.count);
    if (this.#plan.startBy === 'trigger') {
      this.#set('armed');
      try {
        await this.#connected().ask('light', { on: false });
        await this.#connected().ask('watchTrigger', { on: true });
      } catch (error) {
        this.#set('preview');
        throw error;
      }
      this.#say('info', 'Armed: the light is off until the trigger input rises.');
      return { folder: '' };
    }
    return await this.#record(folder);
  }

  /** Ends the recording, the wait for a trigger, or for the next of several recordings. @throws AppError `acquire.not_now` */
  async stop(): Promise<void> {
    const { mode } = this;
    this.#series.end();
    if (mode === 'armed') {
      await this.#connected().ask('watchTrigger', { on: false });
      await this.#connected().ask('light', { on: true });
      this.#set(this.#report === null ? 'preview' : 'report');
      this.#say('info', 'Disarmed.');
      return;
    }
    if (mode !== 'recording') throw new AppError('acquire.not_now', 'Nothing is being recorded.');
    this.#set('finishing');
    const report = await this.#connected().ask('stop', null);
    if (report !== null) await this.#finished(report);
  }

  async note(text: string): Promise<void> {
    if (this.mode !== 'recording') {
      throw new AppError('acquire.not_now', 'Nothing is being recorded: a note would be lost.');
    }
    await this.#connected().ask('note', { text });
    this.#say('info', `Note: ${text}`);
  }

  async screenshot(): Promise<{ readonly file: string }> {
    const { now, makeFolder } = this.#options;
    const line = this.#connected();
    const data = await makeFolder(this.#plan.folder);
    const stamp = now().toISOString().replaceAll(/[:.]/g, '-').replace('Z', '');
    const file = path.join('imageCaptures', `Miniscope_${stamp}.png`);
    await line.ask('screenshot', { file: path.join(data, file) });
    this.#say('info', `Screenshot saved: ${file}`);
    return { file };
  }

  /** From the report back to the live picture. */
  async again(): Promise<void> {
    if (this.#mode !== 'report') return;
    await this.#connected().ask('light', { on: true });
    this.#report = null;
    this.#set('preview');
  }

  /** Queues processing of the recording of the report. @throws AppError `acquire.not_now`, `usage.invalid` */
  async process(preset: string): Promise<readonly string[]> {
    const report = this.#report;
    if (report === null || report.sessionUuid === null) {
      throw new AppError('acquire.not_now', report?.importProblem ?? 'There is no recording to process.');
    }
    const runUuids = [...(await this.#options.sessions.process(report.sessionUuid, preset))];
    this.#report = { ...report, queued: { preset, runUuids } };
    this.#say(
      'info',
      `Processing of ${report.folder} is queued with the preset “${preset}”; it waits while a scope records.`,
    );
    return runUuids;
  }

  /** @throws AppError `usage.invalid` */
  async practise(act: string): Promise<void> {
    if (this.#board === undefined) throw new AppError('acquire.not_now', 'The simulated scope is not connected.');
    await this.#board.act(act);
  }

  async ticket(): Promise<{ readonly ticket: string; readonly path: string }> {
    const ticket = randomBytes(24).toString('base64url');
    await this.#connected().ask('ticket', { ticket });
    return { ticket, path: livePath };
  }

  /** Hands a window's socket to the process that has the picture. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { method, url, headers } = request;
    const line = this.#line;
    if (line === undefined) {
      socket.end('HTTP/1.1 409 Conflict\r\nConnection: close\r\n\r\n');
      return;
    }
    const part = { ...(method === undefined ? {} : { method }), ...(url === undefined ? {} : { url }), headers };
    line.upgrade(part, socket as Socket, head);
  }

  /** What the instrument does, now and after each change, until the signal. */
  follow(signal: AbortSignal): AsyncGenerator<AcquireStatus> {
    return this.#followers.follow(signal);
  }

  status(): AcquireStatus {
    return statusOf({
      mode: this.mode,
      device: this.#device,
      state: this.#state,
      isStale: this.#isStale(),
      freeBytes: this.#free,
      dataFolder: this.#folder,
      segment: this.#series.position,
      nextAt: this.#series.nextAt,
      messages: this.#messages.list,
      plan: this.#plan,
      now: this.#options.now(),
      reportId: this.#report?.id ?? null,
    });
  }

  /** Light off, recording closed, processes ended. */
  async close(): Promise<void> {
    this.#series.cancelWait();
    const line = this.#line;
    const { clock } = this.#options;
    if (line !== undefined) {
      const waited = new AbortController();
      await Promise.race([
        line.ask('disconnect', null).catch(() => undefined),
        clock.sleep(closeMs, waited.signal).catch(() => undefined),
      ]);
      waited.abort();
      await line.stop();
      // What the recording's end still has to tell the library.
      await this.#finishing;
    }
    this.#ended.abort();
    await this.#board?.close();
  }

  async #record(dataDirectory: string): Promise<{ readonly folder: string }> {
    const { now, sessions, onRecording } = this.#options;
    const startedAt = now();
    const rig = rigOf(this.#plan, this.#device?.id === 'simulator');
    const folder = await makeNewFolder(recordingFolder(rig, dataDirectory, startedAt));
    // The row before the first frame: whatever dies from now on, the next start finds it.
    const session = await sessions
      .begin({ rig, dataDirectory, folder, startedAt, pid: this.#connected().pid })
      .catch((error: unknown) => {
        this.#say('warning', `The recording is not in the library yet: ${AppError.from(error).message}`);
        return null;
      });
    try {
      const { lengthS } = this.#plan;
      await this.#connected().ask('start', { rig, dataDirectory, folder, lengthS });
    } catch (error) {
      await sessions.discard(session).catch(() => undefined);
      // Only when it is empty: what was begun in it is left for a person to see.
      await rmdir(folder).catch(() => undefined);
      throw error;
    }
    this.#session = session;
    this.#folder = dataDirectory;
    onRecording?.(true);
    this.#set('recording');
    const shown = path.relative(dataDirectory, folder);
    this.#say('info', `Recording started: ${shown}`);
    return { folder: shown };
  }

  #facts(): RigFacts {
    const isRecording = this.mode === 'recording';
    return { plan: this.#plan, device: this.#device, state: this.#state, isRecording };
  }

  async #finished(report: CaptureReport): Promise<void> {
    this.#options.onRecording?.(false);
    this.#set('finishing');
    let sessionUuid: string | null = null;
    let importProblem: string | null = null;
    try {
      ({ sessionUuid } = await this.#options.sessions.complete(this.#session, report.folder));
    } catch (error) {
      importProblem = AppError.from(error).message;
      this.#say('warning', `The recording is on the disk, but could not be added to the library: ${importProblem}`);
    }
    this.#session = null;
    this.#reports += 1;
    const folder = path.relative(this.#folder, report.folder);
    this.#report = { ...report, folder, id: this.#reports, sessionUuid, importProblem, queued: null };
    const severity = report.failure !== null ? 'error' : report.missing === 0 ? 'info' : 'warning';
    this.#say(severity, `Recording saved: ${folder}. ${lossSentence(report)}`);
    const { processWith } = this.#plan;
    if (processWith !== null && sessionUuid !== null) {
      await this.process(processWith).catch((error: unknown) =>
        this.#say('error', `Processing could not be queued: ${AppError.from(error).message}`),
      );
    }
    if (report.failure === null && this.#series.hasMore) void this.#waitForNext();
    else if (this.#byTrigger && report.failure === null) await this.#armAgain();
    else this.#set('report');
  }

  /** Between recordings that the trigger input starts. */
  async #armAgain(): Promise<void> {
    this.#byTrigger = false;
    this.#set('armed');
    await this.#connected().ask('watchTrigger', { on: true });
  }

  async #waitForNext(): Promise<void> {
    try {
      if (!(await this.#series.next(this.#plan.segments.everyS, () => this.#set('armed')))) return;
      await this.#record(await whenReady(() => this.#facts(), this.#options));
    } catch (error) {
      const { number, of } = this.#series.position;
      this.#set('report');
      this.#say('error', `Recording ${String(number)} of ${String(of)} did not start. ${AppError.from(error).message}`);
    }
  }

  #capture(): CaptureLine {
    this.#line ??= new CaptureLine(
      { logFolder: this.#options.logFolder },
      {
        onReady: () => void this.#afterCrash(),
        onCrash: (cause) => this.#crashed(cause),
        onMessage: (message) => this.#take(message),
      },
      this.#options.supervise,
    );
    return this.#line;
  }

  #connected(): CaptureLine {
    if (this.#line === undefined || this.#device === undefined) {
      throw new AppError('acquire.not_now', 'No scope is connected.');
    }
    return this.#line;
  }

  #take(message: Parameters<ConstructorParameters<typeof CaptureLine>[1]['onMessage']>[0]): void {
    switch (message.type) {
      case 'state':
        this.#state = message.state;
        this.#stateAt = this.#options.clock.nowNs();
        this.#notify();
        break;
      case 'message':
        this.#say(message.severity, message.text);
        break;
      case 'ended':
        this.#finishing = this.#finished(message.report);
        break;
      case 'trigger':
        void this.#triggered(message).catch((error: unknown) => this.#say('error', AppError.from(error).message));
        break;
    }
  }

  async #triggered({ high }: Extract<FromCapture, { type: 'trigger' }>): Promise<void> {
    if (high && this.#mode === 'armed' && this.#series.nextAt === null) {
      this.#byTrigger = true;
      // Judged when it was armed: an edge must not be lost to a moment without frames.
      await this.#record(await this.#options.makeFolder(this.#plan.folder));
    } else if (!high && this.#byTrigger && this.mode === 'recording') {
      this.#set('finishing');
      const report = await this.#connected().ask('stop', null);
      if (report !== null) await this.#finished(report);
    }
  }

  #crashed(cause: string): void {
    const was = this.#state?.recording ?? null;
    this.#series.cancelWait();
    this.#options.onRecording?.(false);
    this.#byTrigger = false;
    if (this.#device === undefined) return;
    this.#mustDarken = true;
    this.#state = null;
    this.#session = null;
    this.#set('idle');
    if (was !== null) void this.#recover();
    if (was === null) this.#say('error', `${cause} The picture stopped; the light is being switched off.`);
    else {
      const folder = path.relative(this.#folder, was.folder);
      this.#say(
        'error',
        `${cause} The recording ${folder} stopped after ${was.seconds.toFixed(0)} s; what was written up to a second before is on the disk. The light is being switched off.`,
      );
    }
  }

  /** A process that took the place of one that died: the board still shines. */
  async #afterCrash(): Promise<void> {
    const device = this.#device;
    if (!this.#mustDarken || device === undefined || this.#line === undefined) return;
    try {
      await this.#line.ask('darken', { address: device.address, scopeType: device.type.type });
      this.#mustDarken = false;
      this.#say('info', 'The light was switched off.');
    } catch (error) {
      this.#say(
        'error',
        `The light could not be switched off: ${AppError.from(error).message} Unplug the board to be sure.`,
      );
    }
    if (this.#mode === 'idle') this.#device = undefined;
    this.#notify();
  }

  /** What crashes left behind is repaired, and told. */
  async #recover(): Promise<void> {
    try {
      for await (const { severity, text } of this.#options.sessions.recover(this.#ended.signal))
        this.#say(severity, text);
    } catch (error) {
      this.#say('error', `Recordings that a crash ended could not be looked for: ${AppError.from(error).message}`);
    }
  }

  #isStale(): boolean {
    if (this.#state === null || this.#mode === 'idle' || this.#mode === 'connecting') return false;
    return Number(this.#options.clock.nowNs() - this.#stateAt) / 1e6 > staleMs;
  }

  async #lookAtDisk(): Promise<void> {
    const { clock, makeFolder } = this.#options;
    while (!this.#ended.signal.aborted) {
      if (this.#mode !== 'idle') {
        const folder = await makeFolder(this.#plan.folder).catch(() => null);
        this.#free = folder === null ? null : await freeBytesOf(folder);
        this.#notify();
      }
      await clock.sleep(this.#mode === 'idle' ? 500 : diskMs, this.#ended.signal).catch(() => undefined);
    }
  }

  /** A process that has stopped to speak must not leave its last words standing. */
  async #watchSilence(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#ended.signal.aborted) {
      await clock.sleep(500, this.#ended.signal).catch(() => undefined);
      if (this.#isStale()) this.#notify();
    }
  }

  #set(mode: AcquireMode): void {
    this.#mode = mode;
    this.#notify();
  }

  #say(severity: 'info' | 'warning' | 'error', text: string): void {
    this.#messages.add(severity, text, this.#options.now().getTime());
    this.#notify();
  }

  #notify(): void {
    this.#followers.notify();
  }
}
