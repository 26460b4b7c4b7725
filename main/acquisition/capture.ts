// SPDX-License-Identifier: MIT
import { AppError } from '../contract/index.ts';
import {
  type BoardLink,
  type Clock,
  type CommutatorLine,
  darkenBoard,
  firmwareWords,
  Miniscope,
  readCatalogue,
  type ScopeEvent,
  type ScopeFrame,
  type ScopeType,
  scopeType,
  type Setting,
} from '../devices/index.ts';
import {
  failingDisk,
  type FailingDisk,
  type RecorderDependencies,
  type Recording,
  ScopeFeed,
  type ScopeSession,
  systemDisk,
} from '../recording/index.ts';
import type { CaptureReport, CaptureRequests, CaptureState, FromCapture } from './capture-messages.ts';
import { shownControls, shownSettings } from './controls.ts';
import { Companions } from './companions.ts';
import { LiveBoxes } from './live-socket.ts';
import { Regions } from './regions.ts';
import { savePicture } from './save-picture.ts';
import { nothingSeen } from './quality.ts';
import { ScopeSettings } from './scope-settings.ts';
import { ScopeView } from './scope-view.ts';
import { TriggerWatch } from './trigger-watch.ts';
import { troubleOf } from './trouble.ts';
import { RecordingWatch } from './recording-watch.ts';
import { type SideScope, SideWork } from './side-work.ts';

/** What a capture needs of the world. */
export interface CaptureDependencies {
  readonly clock: Clock;
  readonly openLink: (address: string) => Promise<BoardLink>;
  readonly openSerial: (port: string) => Promise<CommutatorLine>;
  /** The program that reads cameras; undefined where there is none. */
  readonly ffmpeg: () => string | undefined;
  readonly recorder: Omit<RecorderDependencies, 'clock'>;
  readonly tell: (message: FromCapture) => void;
}

/** Says how it is this often, ms. */
const stateMs = 250;

/** Of a scope that is not there. */
const noFlow = { fps: null, dropped: null, counterAdvances: false, bufferWorst: 0 } as const;

/** An open scope. */
interface Open {
  readonly address: string;
  /** In the rig. */
  readonly name: string;
  readonly type: ScopeType;
  readonly scope: Miniscope;
  readonly session: ScopeSession;
  readonly view: ScopeView;
  readonly settings: ScopeSettings;
}

/**
 * One board and its scope: connected, shown, recorded. Runs in a process of its own, so that nothing else can stop frames; tells what it does and never claims
 * to record before the recorder has its files.
 */
export class Capture implements AsyncDisposable {
  readonly live = new LiveBoxes();
  readonly #dependencies: CaptureDependencies;
  readonly #companions: Companions;
  readonly #stopping = new AbortController();
  #open: Open | undefined;
  #connecting: CaptureState['connecting'] = null;
  #watch: RecordingWatch | undefined;
  #link: { readonly lost: string } | undefined;
  readonly #rois = new Regions();
  readonly #side: SideWork;
  #ending: Promise<CaptureReport | null> | undefined;
  #darkened: Promise<void> = Promise.resolve();
  readonly #trigger: TriggerWatch;
  /** The disk of a recording of the simulated scope: it fails on command, and is whole again for the next one. */
  #practiceDisk: FailingDisk | undefined;

  constructor(dependencies: CaptureDependencies) {
    this.#dependencies = dependencies;
    this.#side = new SideWork(dependencies, () => this.#say());
    this.#companions = new Companions({
      ...dependencies,
      live: this.live,
      onFrame: (scope, frame) => this.#side.seen(scope, frame),
    });
    this.#trigger = new TriggerWatch(
      dependencies.clock,
      async () => (await this.#open?.scope.trigger()) ?? null,
      (high) => dependencies.tell({ type: 'trigger', high }),
    );
    void this.#sayAlways();
  }

  /** Does what was asked. @throws AppError */
  readonly handlers: {
    readonly [R in Exclude<keyof CaptureRequests, 'ticket'>]: (
      input: CaptureRequests[R]['input'],
    ) => Promise<CaptureRequests[R]['output']>;
  } = {
    connect: async (input) => await this.#connect(input),
    disconnect: async () => {
      await this.#close();
      return null;
    },
    darken: async ({ address, scopeType: name }) => {
      const { clock, openLink } = this.#dependencies;
      await darkenBoard(scopeType(readCatalogue(), name), await openLink(address), clock);
      return null;
    },
    identify: async ({ address, scopeType: name }) => {
      this.#refuseWhileRecording();
      const open = this.#open;
      const own = open === undefined ? undefined : this.#sideScope(open);
      await this.#side.identify(address, name, own?.address === address ? own : this.#companions.sideAt(address));
      open?.view.quality.settingChanged();
      return null;
    },
    stack: async ({ scope, ...wish }) => {
      const open = this.#scope();
      this.#refuseWhileRecording();
      const of = this.#isFirst(scope) ? this.#sideScope(open) : this.#companions.side(scope);
      const planes = await this.#side.takeStack(of, wish);
      open.view.quality.settingChanged();
      return { planes };
    },
    stopStack: () => {
      this.#side.stop();
      return Promise.resolve(null);
    },
    practise: ({ name }) => {
      if (this.#practiceDisk === undefined || this.#watch === undefined)
        throw new AppError('acquire.not_now', 'Nothing is being recorded: a disk fails only then.');
      this.#practiceDisk.fault(name);
      return Promise.resolve(null);
    },
    set: async ({ control, value, scope }) =>
      this.#isFirst(scope) ? await this.#set(control, value) : await this.#setCompanion(scope, control, value),
    light: async ({ on }) => {
      // What blinks puts the light back as it was, on or off.
      this.#side.refuseWhileBusy();
      await this.#light(on);
      await this.#companions.light(on);
      return null;
    },
    rois: ({ rois, scope }) => {
      if (this.#isFirst(scope)) this.#rois.follow(rois);
      else this.#companions.rois(scope, rois);
      return Promise.resolve(null);
    },
    watchTrigger: async ({ on, wasRead }) => {
      if (on) await this.#trigger.begin(wasRead);
      else this.#trigger.end();
      return null;
    },
    start: async (input) => await this.#start(input),
    stop: async () => await this.#stop(),
    note: ({ text }) => {
      const watch = this.#recording();
      watch.recording.note(text);
      watch.mark('note', text);
      this.#say();
      return Promise.resolve(null);
    },
    screenshot: async ({ file, scope }) => await this.#screenshot(file, scope),
  };

  /** Light off, recording ended properly, board let go. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
    this.#stopping.abort();
  }

  async #connect({
    address,
    scopeType: name,
    settings,
    companions,
  }: CaptureRequests['connect']['input']): Promise<null> {
    await this.#close();
    const { clock, openLink } = this.#dependencies;
    const type = scopeType(readCatalogue(), name);
    this.#step(1, 'Looking for the board');
    const feed = new ScopeFeed();
    const view = new ScopeView(type, { clock, box: this.live.first, rois: this.#rois });
    const scope = new Miniscope({
      type,
      clock,
      settings,
      open: async () => {
        const link = feed.opened(await openLink(address));
        if (this.#connecting !== null) this.#step(2, 'Setting the scope up');
        return link;
      },
      onFrame: (frame) => {
        // The recorder first: whatever fails below, the frame is safe.
        feed.onFrame(frame);
        this.#seen(frame);
        this.#companions.frame(companions?.first ?? '', frame);
      },
      onEvent: (event) => this.#happened(event, feed),
    });
    this.#open = {
      address,
      name: companions?.first ?? '',
      type,
      scope,
      session: feed.session(scope),
      view,
      settings: new ScopeSettings(type, scope.settings),
    };
    try {
      await scope.connect();
      if (companions !== undefined) {
        this.#step(2, 'Opening the other devices of the rig');
        await this.#companions.open(companions);
      }
    } catch (error) {
      await this.#close();
      throw error;
    } finally {
      this.#connecting = null;
      this.#say();
    }
    view.quality.beginAnew();
    return null;
  }

  #step(step: number, text: string): void {
    this.#connecting = { step, steps: 2, text };
    this.#say();
  }

  async #close(): Promise<void> {
    this.#trigger.end();
    this.#side.stop();
    const open = this.#open;
    if (open === undefined) return;
    // The light first: what is still to be written can take seconds.
    await this.#light(false).catch(() => undefined);
    await this.#companions.light(false);
    const report = await this.#stop();
    if (report !== null) this.#dependencies.tell({ type: 'ended', report });
    this.#open = undefined;
    await this.#companions[Symbol.asyncDispose]();
    await open.scope[Symbol.asyncDispose]();
    this.#link = undefined;
    this.#say();
  }

  #scope(): Open {
    if (this.#open === undefined || this.#connecting !== null) {
      throw new AppError('acquire.not_now', 'No scope is connected.');
    }
    return this.#open;
  }

  #recording(): RecordingWatch {
    if (this.#watch === undefined || this.#ending !== undefined) {
      throw new AppError('acquire.not_now', 'Nothing is being recorded: a note would be lost.');
    }
    return this.#watch;
  }

  async #set(control: string, value: Setting): Promise<Setting> {
    const open = this.#scope();
    const { shown, changed } = await open.settings.set(control, value, open.session.set);
    open.view.settingChanged();
    if (changed !== null) this.#watch?.mark('setting', changed);
    this.#say();
    return shown;
  }

  async #setCompanion(scope: string, control: string, value: Setting): Promise<Setting> {
    const { shown, changed } = await this.#companions.set(scope, control, value);
    if (changed !== null) this.#watch?.mark('setting', changed);
    this.#say();
    return shown;
  }

  /** Not noted in the recording: it is no setting of the person. */
  async #light(on: boolean): Promise<void> {
    const open = this.#open;
    if (open === undefined) return;
    await open.settings.light(on, (name, value) => open.scope.set(name, value));
    open.view.quality.settingChanged();
    this.#say();
  }

  async #start({
    rig,
    dataDirectory,
    folder,
    lengthS,
  }: CaptureRequests['start']['input']): Promise<{ folder: string }> {
    const open = this.#scope();
    if (this.#watch !== undefined) throw new AppError('acquire.not_now', 'A recording is under way already.');
    this.#side.refuseWhileBusy();
    const { clock, recorder } = this.#dependencies;
    const [scope] = rig.scopes;
    if (scope === undefined) throw new AppError('recording.bad_rig', 'The rig has no scope.');
    if (open.settings.lightOff) {
      await this.#light(true);
      await this.#companions.light(true);
    }
    const startedAt = recorder.now();
    const plan = { rig, scope, type: open.type, dataDirectory, folder, settings: open.settings.wanted };
    const onLoss = (text: string, device: string): void => {
      const named = this.#companions.isEmpty ? text : `${device}: ${text}`;
      this.#dependencies.tell({ type: 'message', severity: 'warning', text: named });
    };
    this.#practiceDisk = rig.isSimulated ? failingDisk(systemDisk(recorder.startFilm), clock) : undefined;
    const disk = this.#practiceDisk === undefined ? {} : { disk: this.#practiceDisk.disk };
    const dependencies: RecorderDependencies = { ...recorder, ...disk, clock, onLoss };
    const recording = this.#companions.isEmpty
      ? await open.session.start(plan, dependencies)
      : await this.#startTogether(open, { rig, dataDirectory, folder, lengthS }, dependencies);
    open.view.recordingBegins();
    this.#watch = new RecordingWatch(recording, startedAt, lengthS, clock.nowNs());
    this.#say();
    return { folder: recording.folder };
  }

  /** What was made ready when one of them cannot begin is ended, which darkens it: the picture is lit again. */
  async #startTogether(
    open: Open,
    plan: Parameters<Companions['start']>[1],
    dependencies: RecorderDependencies,
  ): Promise<Recording> {
    const [scope] = plan.rig.scopes;
    if (scope === undefined) throw new AppError('recording.bad_rig', 'The rig has no scope.');
    const first = { scope, type: open.type, session: this.#darkening(open), settings: open.settings.wanted };
    try {
      return await this.#companions.start(first, plan, dependencies);
    } catch (error) {
      await this.#darkened;
      await this.#light(true);
      await this.#companions.light(true);
      throw error;
    }
  }

  /** Ends the recording: the light first, then what waits is written. Null when none is under way. */
  #stop(): Promise<CaptureReport | null> {
    if (this.#ending !== undefined) return this.#ending;
    const watch = this.#watch;
    const open = this.#open;
    // Outside what follows: it would have ended, and cleared its own mark, before the mark is set.
    if (watch === undefined || open === undefined) return Promise.resolve(null);
    this.#ending = (async () => {
      try {
        const settings = shownSettings(open.type, open.settings.wanted);
        this.#say();
        const together = this.#companions.isRecording ? await this.#companions.stop() : null;
        const report = together === null ? await this.#darkening(open).stop() : together.first;
        await this.#darkened;
        return report === null
          ? null
          : {
              ...watch.report(report, settings),
              others: together?.others ?? [],
              cameras: together?.cameras ?? [],
            };
      } finally {
        this.#watch = undefined;
        this.#ending = undefined;
        this.#say();
      }
    })();
    return this.#ending;
  }

  /** The scope's session, whose end darkens the scope once no further frame is taken. */
  #darkening({ session }: Open): ScopeSession {
    const onLast = (): void => {
      this.#darkened = this.#light(false).catch((error: unknown) => this.#lightStays(error));
    };
    return { ...session, stop: () => session.stop(onLast) };
  }

  /** A light that may still be on is nothing to be silent about. */
  #lightStays(error: unknown): void {
    const text = `The light could not be switched off: ${AppError.from(error).message} Unplug the board to be sure.`;
    this.#dependencies.tell({ type: 'message', severity: 'error', text });
  }

  async #endByItself(): Promise<void> {
    const report = await this.#stop();
    if (report !== null) this.#dependencies.tell({ type: 'ended', report });
  }

  #sideScope({ address, type, scope, settings }: Open): SideScope {
    return { address, type, scope, shown: settings.shown };
  }

  #isFirst(scope: string | undefined): scope is undefined {
    return scope === undefined || scope === this.#open?.name;
  }

  #refuseWhileRecording(): void {
    if (this.#watch !== undefined) throw new AppError('acquire.not_now', 'A recording is under way.');
  }

  async #screenshot(file: string, scope: string | undefined): Promise<null> {
    const open = this.#scope();
    const { type, newest: frame } = this.#isFirst(scope)
      ? { type: open.type, newest: open.view.newest }
      : this.#companions.picture(scope);
    if (frame === undefined) throw new AppError('acquire.not_now', 'No frame has come yet.');
    await savePicture(file, frame.pixels, type);
    return null;
  }

  #seen(frame: ScopeFrame): void {
    const open = this.#open;
    if (open === undefined) return;
    const watch = this.#ending === undefined ? this.#watch : undefined;
    open.view.take(frame, this.#connecting === null, watch);
    this.#side.seen(open.scope, frame);
    if (watch === undefined) return;
    const over = watch.lengthS !== null && watch.recording.seconds >= watch.lengthS;
    if (over || watch.recording.stopped !== null || this.#companions.stopped !== null) void this.#endByItself();
  }

  #happened(event: ScopeEvent, feed: ScopeFeed): void {
    feed.onEvent(event);
    if (event.kind !== 'moved') this.#link = event.kind === 'lost' ? { lost: event.message } : undefined;
    this.#watch?.mark('warning', event.message);
    this.#dependencies.tell({
      type: 'message',
      severity: event.kind === 'reconnected' || event.kind === 'moved' ? 'info' : 'warning',
      text: event.message,
    });
    this.#say();
  }

  async #sayAlways(): Promise<void> {
    const { clock } = this.#dependencies;
    while (!this.#stopping.signal.aborted) {
      await clock.sleep(stateMs, this.#stopping.signal).catch(() => undefined);
      if (this.#open !== undefined) this.#say();
    }
  }

  #say(): void {
    this.#dependencies.tell({ type: 'state', state: this.#state() });
  }

  #state(): CaptureState {
    const open = this.#open;
    const watch = this.#watch;
    return {
      connected: open !== undefined && this.#connecting === null,
      connecting: this.#connecting,
      controls: open === undefined ? [] : shownControls(open.type, open.settings.wanted),
      lightOff: open?.settings.lightOff ?? false,
      trouble:
        this.#connecting === null && open !== undefined
          ? troubleOf({
              lost: this.#link?.lost ?? null,
              silentForMs: open.view.silentForMs,
              isRecording: watch !== undefined,
              hasOthers: !this.#companions.isEmpty,
            })
          : null,
      ...(open?.view.flow(watch) ?? noFlow),
      counterFps: open?.view.counterFps ?? null,
      firmware: open === undefined ? null : firmwareWords(open.scope.firmware),
      recording: watch?.state(this.#dependencies.clock.nowNs(), this.#ending !== undefined) ?? null,
      quality: open?.view.quality.report(!open.settings.lightOff) ?? nothingSeen,
      stack: this.#side.plane,
      companions: this.#companions.state(),
      trigger: this.#trigger.level,
    };
  }
}
