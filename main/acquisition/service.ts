// SPDX-License-Identifier: MIT
import { randomBytes } from 'node:crypto';
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
  type AcquireScopeType,
  type AcquireStack,
  type AcquireStatus,
} from '../contract/index.ts';
import type { Setting } from '../devices/index.ts';
import { upgradeRequestOf } from '../media/index.ts';
import { diskFaultNames, rigJson } from '../recording/index.ts';
import { Aftermath } from './aftermath.ts';
import { ChosenRig, type ChosenRigOptions } from './chosen-rig.ts';
import { CaptureLine } from './capture-line.ts';
import type { CaptureState } from './capture-messages.ts';
import { ImageCaptures } from './image-captures.ts';
import { Followers } from '../rpc/index.ts';
import { MessageList } from './messages.ts';
import { drivenRig, keepPlan, planOf, readPlan, rigOf } from './plan.ts';
import { checksOf, type RigFacts, whenReady } from './readiness.ts';
import { RoomWatch } from './room-watch.ts';
import { firstSettings, RigDevices, type RigDevicesOptions } from './rig-devices.ts';
import { type CycleOptions, RecordingCycle } from './recording-cycle.ts';
import { type ConnectedDevice, modeWords, statusOf } from './status.ts';

/** Path of the live picture's WebSocket on the core's address. */
export const livePath = '/live';

/** What the service needs of the world. */
export interface AcquisitionOptions extends CycleOptions, Omit<RigDevicesOptions, 'typesFile'>, ChosenRigOptions {
  /** Keeps what was planned last. */
  readonly planFile: string;
  /** The root that is offered first. */
  readonly firstRoot: string;
}

/** The capture process counts as silent after this time, ms. */
const staleMs = 2000;
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
  readonly #aftermath: Aftermath;
  readonly #devices: RigDevices;
  #line: CaptureLine | undefined;
  #device: ConnectedDevice | undefined;
  #state: CaptureState | null = null;
  #stateAt = 0n;
  #mode: AcquireMode = 'idle';
  #plan: AcquirePlan;
  readonly #cycle: RecordingCycle;
  readonly #images: ImageCaptures;
  readonly #rig: ChosenRig;
  /** Boards of the rig's other scopes that are open. */
  #others: readonly { readonly address: string; readonly scopeType: string }[] = [];
  readonly #startedMs: number;
  readonly #startedNs: bigint;
  #finishing: Promise<void> = Promise.resolve();
  readonly #room = new RoomWatch();

  constructor(options: AcquisitionOptions) {
    this.#options = options;
    this.#startedMs = options.now().getTime();
    this.#startedNs = options.clock.nowNs();
    this.#plan = readPlan(options.planFile, options.firstRoot);
    this.#rig = new ChosenRig(options);
    void this.#rig.choose(this.#plan.rig).then(() => this.#notify());
    this.#aftermath = new Aftermath(options.sessions, this.#ended.signal, (severity, text) =>
      this.#say(severity, text),
    );
    const typesFile = path.join(path.dirname(options.planFile), 'scopes.json');
    this.#devices = new RigDevices(
      { ...options, typesFile },
      () => this.#device?.id ?? null,
      (text) => this.#say('info', text),
    );
    this.#cycle = new RecordingCycle(options, {
      mode: () => this.mode,
      set: (mode) => this.#set(mode),
      say: (severity, text) => this.#say(severity, text),
      plan: () => this.#plan,
      device: () => this.#device,
      line: () => this.#connected(),
      facts: () => this.#facts(),
      file: () => this.#rig.rig,
      program: (when, folder) => this.#rig.run(when, folder, (text) => this.#say('info', text)),
    });
    const dataFolder = (): Promise<string> => options.makeFolder(this.#plan.folder);
    this.#images = new ImageCaptures({
      now: options.now,
      dataFolder,
      firstScope: () => this.#rig.rig?.scopes[0]?.name ?? 'Miniscope',
      say: (text) => this.#say('info', text),
    });
    const isIdle = (): boolean => this.#mode === 'idle';
    const { clock } = options;
    void this.#room.follow({ clock, isIdle, dataFolder, changed: () => this.#notify() }, this.#ended.signal);
    void this.#watchSilence();
    void this.#aftermath.recover();
  }

  get mode(): AcquireMode {
    const state = this.#state;
    if (this.#mode === 'recording' && (state?.recording == null || state.recording.ending)) return 'finishing';
    return this.#mode;
  }

  get report(): AcquireReport | null {
    return this.#cycle.report;
  }

  devices(): AcquireDevice[] {
    return this.#devices.list();
  }

  /** The same now and after each change, until the signal. */
  followDevices(signal: AbortSignal): AsyncGenerator<AcquireDevice[]> {
    return this.#devices.follow(signal);
  }

  scopeTypes(): AcquireScopeType[] {
    return this.#devices.scopeTypes();
  }

  /**
   * Blinks the LED of a board and leaves it as it was.
   *
   * @throws AppError `device.*`, `acquire.not_now` while something is recorded or waited for
   */
  async identify(deviceId: string, type?: string): Promise<void> {
    if (this.#mode !== 'idle' && this.#mode !== 'preview' && this.#mode !== 'report') {
      throw new AppError('acquire.not_now', `No light blinks now: ${modeWords[this.mode]}.`);
    }
    const { address, type: found } = await this.#devices.usable(deviceId, type);
    await this.#capture().ask('identify', { address, scopeType: found.type });
  }

  /** @throws AppError `device.*`, `acquire.not_now` */
  async connect(deviceId: string, type?: string, boards: Readonly<Record<string, string>> = {}): Promise<void> {
    if (this.#mode !== 'idle') throw new AppError('acquire.not_now', 'A scope is connected already.');
    this.#set('connecting');
    this.#state = null;
    try {
      // Read anew: it may have been changed in Settings since it was chosen.
      await this.#rig.choose(this.#plan.rig);
      this.#rig.refuseUnusable();
      const [first] = this.#rig.rig?.scopes ?? [];
      const device = await this.#devices.usable(deviceId, type ?? first?.type);
      this.#device = device;
      const free = this.devices().filter((one) => !one.simulated && one.problem === null && one.id !== deviceId);
      const companions = await this.#rig.companions(
        device.simulated,
        boards,
        free.map(({ id }) => id),
      );
      this.#others = (companions?.scopes ?? []).map(({ scope, address }) => ({ address, scopeType: scope.type }));
      await this.#capture().ask('connect', {
        address: device.address,
        scopeType: device.type.type,
        settings: first?.settings ?? firstSettings(device),
        ...(companions === undefined ? {} : { companions }),
      });
      this.#set('preview');
      this.#say('info', `${device.name} connected${device.simulated ? ' (simulated)' : ''}.`);
      if (device.loss !== null) this.#say('warning', `${device.loss.message} ${device.loss.fix}`);
      await this.#devices
        .remember(deviceId, device.type)
        .catch(() =>
          this.#say('warning', 'The type of scope could not be kept: the library’s folder cannot be written.'),
        );
    } catch (error) {
      this.#device = undefined;
      this.#set('idle');
      throw error;
    } finally {
      this.#devices.notify();
    }
  }

  /** @throws AppError `acquire.not_now` while recording */
  async disconnect(): Promise<void> {
    if (this.#mode === 'idle') return;
    if (this.mode === 'recording' || this.mode === 'finishing') {
      throw new AppError('acquire.not_now', 'Stop the recording first.');
    }
    this.#cycle.series.cancelWait();
    await this.#capture().ask('disconnect', null);
    this.#device = undefined;
    this.#state = null;
    this.#cycle.forgetReport();
    this.#set('idle');
    this.#devices.notify();
  }

  /** @param scope a scope of the rig beside the first one */
  async set(control: string, value: Setting, scope?: string): Promise<Setting> {
    return await this.#connected().ask('set', { control, value, ...(scope === undefined ? {} : { scope }) });
  }

  /** The rig as it is driven now, as a Miniscope-DAQ configuration. */
  rigText(): { readonly name: string; readonly text: string } {
    const device = this.#device;
    const rig = rigOf(this.#plan, device?.id === 'simulator', device?.type.type, this.#rig.rig);
    const text = `${JSON.stringify(rigJson(drivenRig(rig, this.#state)), null, 4)}\n`;
    return { name: this.#plan.rig ?? (this.#plan.experiment === '' ? 'rig' : this.#plan.experiment), text };
  }

  /** @param scope a scope of the rig beside the first one */
  async rois(rois: readonly AcquireRoi[], scope?: string): Promise<void> {
    await this.#connected().ask('rois', { rois, ...(scope === undefined ? {} : { scope }) });
  }

  /** Changes what is planned; while recording only the markers' names. */
  async plan(change: Partial<AcquirePlan>): Promise<AcquirePlan> {
    const isBusy = this.mode === 'recording' || this.mode === 'finishing' || this.mode === 'armed';
    if (isBusy && Object.keys(change).some((key) => key !== 'markers')) {
      throw new AppError('acquire.not_now', 'What is being recorded cannot be changed now; stop it first.');
    }
    let next = { ...this.#plan, ...change };
    if (change.rig !== undefined && change.rig !== this.#plan.rig) {
      if (this.#mode !== 'idle')
        throw new AppError('acquire.not_now', 'Let the scope go before another rig is chosen.');
      await this.#rig.choose(change.rig);
      if (this.#rig.rig !== null) next = { ...planOf(next, this.#rig.rig), ...change };
    }
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
    this.#cycle.series.begin(this.#plan.segments.count);
    if (this.#plan.startBy === 'hand') return await this.#cycle.record(folder);
    await this.#cycle.arm();
    return { folder: '' };
  }

  /** Ends the recording, the wait for a trigger, or for the next of several recordings. @throws AppError `acquire.not_now` */
  async stop(): Promise<void> {
    const { mode } = this;
    this.#cycle.series.end();
    if (mode === 'armed') return await this.#cycle.disarm();
    if (mode !== 'recording') throw new AppError('acquire.not_now', 'Nothing is being recorded.');
    await this.#cycle.end();
  }

  async note(text: string): Promise<void> {
    if (this.mode !== 'recording') {
      throw new AppError('acquire.not_now', 'Nothing is being recorded: a note would be lost.');
    }
    await this.#connected().ask('note', { text });
    this.#say('info', `Note: ${text}`);
  }

  /** @param scope a scope of the rig beside the first one */
  async screenshot(scope?: string): Promise<{ readonly file: string }> {
    return await this.#images.screenshot(this.#connected(), scope);
  }

  /** @throws AppError `acquire.not_now` but in the preview, `device.*`, `disk.io`, `rpc.cancelled` */
  async stack(
    wish: AcquireStack,
    signal: AbortSignal,
    scope?: string,
  ): Promise<{ readonly file: string; readonly planes: number }> {
    if (this.#mode !== 'preview') {
      throw new AppError('acquire.not_now', `No stack can be taken: ${modeWords[this.mode]}.`);
    }
    return await this.#images.stack(this.#connected(), wish, signal, scope);
  }

  /** From the report back to the live picture. */
  async again(): Promise<void> {
    if (this.#mode !== 'report') return;
    await this.#connected().ask('light', { on: true });
    this.#cycle.forgetReport();
    this.#set('preview');
  }

  /** Queues processing of the recording of the report with a preset, of all its scopes or of those named. @throws AppError `acquire.not_now`, `usage.invalid` */
  process(preset: string, devices?: readonly string[]): Promise<readonly string[]> {
    return this.#cycle.process(preset, devices);
  }

  /** @throws AppError `usage.invalid` */
  async practise(act: string, scope?: string): Promise<void> {
    const ofDisk = diskFaultNames.find((name) => name === act);
    if (ofDisk !== undefined) {
      if (this.#device?.id !== 'simulator') throw new AppError('acquire.not_now', 'Only beside the simulated scope.');
      await this.#connected().ask('practise', { name: ofDisk });
    } else if (scope === undefined) await this.#devices.practise(act);
    else await this.#rig.practise(scope, act);
  }

  async ticket(): Promise<{ readonly ticket: string; readonly path: string }> {
    const ticket = randomBytes(24).toString('base64url');
    await this.#connected().ask('ticket', { ticket });
    return { ticket, path: livePath };
  }

  /** Hands a window's socket to the process that has the picture. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const line = this.#line;
    if (line === undefined) {
      socket.end('HTTP/1.1 409 Conflict\r\nConnection: close\r\n\r\n');
      return;
    }
    line.upgrade(upgradeRequestOf(request), socket as Socket, head);
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
      freeBytes: this.#room.freeBytes,
      dataFolder: this.#cycle.dataFolder,
      segment: this.#cycle.series.position,
      nextAt: this.#cycle.series.nextAt,
      messages: this.#messages.list,
      plan: this.#plan,
      rig: this.#rig.shown(),
      file: this.#rig.rig,
      now: this.#options.now(),
      reportId: this.#cycle.report?.id ?? null,
    });
  }

  /** Light off, recording closed, processes ended. */
  async close(): Promise<void> {
    this.#cycle.series.cancelWait();
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
    await this.#devices.close();
    await this.#rig.close();
  }

  #facts(): RigFacts {
    const isRecording = this.mode === 'recording';
    const { clock, now } = this.#options;
    const steadyMs = Number(clock.nowNs() - this.#startedNs) / 1e6;
    return {
      plan: this.#plan,
      device: this.#device,
      state: this.#state,
      isRecording,
      rig: this.#rig.shown(),
      file: this.#rig.rig,
      clock: { apartMs: now().getTime() - this.#startedMs - steadyMs, overS: steadyMs / 1000 },
    };
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
        this.#finishing = this.#cycle.finished(message.report);
        break;
      case 'trigger':
        void this.#cycle
          .triggered(message.high)
          .catch((error: unknown) => this.#say('error', AppError.from(error).message));
        break;
    }
  }

  #crashed(cause: string): void {
    const was = this.#state?.recording ?? null;
    this.#cycle.crashed();
    if (this.#device === undefined) return;
    this.#state = null;
    this.#set('idle');
    this.#aftermath.crashed(cause, was, this.#cycle.dataFolder);
  }

  async #afterCrash(): Promise<void> {
    if (!(await this.#aftermath.darken(this.#line, this.#device, this.#others))) return;
    if (this.#mode === 'idle') this.#device = undefined;
    this.#devices.notify();
    this.#notify();
  }

  #isStale(): boolean {
    if (this.#state === null || this.#mode === 'idle' || this.#mode === 'connecting') return false;
    return Number(this.#options.clock.nowNs() - this.#stateAt) / 1e6 > staleMs;
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
