// SPDX-License-Identifier: MIT
import { AppError, type AcquireScope } from '../contract/index.ts';
import {
  type BoardLink,
  type Clock,
  firmwareWords,
  Miniscope,
  readCatalogue,
  type Resolved,
  resolveSetting,
  type ScopeEvent,
  type ScopeFrame,
  type ScopeType,
  scopeType,
  type Setting,
} from '../devices/index.ts';
import {
  type IntegrityReport,
  type Recording,
  type RigScope,
  type RigScopeOpen,
  ScopeFeed,
  type ScopeSession,
} from '../recording/index.ts';
import { BufferWatch } from './buffer-watch.ts';
import type { CaptureReport } from './capture-messages.ts';
import { controlLabel, isLight, shownControls, shownSettings } from './controls.ts';
import { FramePace } from './frame-pace.ts';
import { type LiveBox, liveFrame } from './live-socket.ts';
import { QualityWatch } from './quality.ts';
import { RecordingWatch } from './recording-watch.ts';
import { Regions } from './regions.ts';
import type { SideScope } from './side-work.ts';
import { silentMs, troubleOf } from './trouble.ts';

/** What a scope beside the first one needs of the world. */
export interface CompanionWorld {
  readonly clock: Clock;
  readonly openLink: (address: string) => Promise<BoardLink>;
  /** Told what happens to it. */
  readonly tell: (severity: 'info' | 'warning', text: string) => void;
  /** Told of each frame, after the recorder has it. */
  readonly onFrame: (scope: Miniscope, frame: ScopeFrame) => void;
}

/** A board that could not be opened is tried again after this time, ms. */
const againMs = 3000;

/** A scope of a rig beside the first one: opened, looked at, recorded; one that cannot be opened does not keep the others from their work. */
export class CompanionScope implements AsyncDisposable {
  readonly wish: RigScope;
  readonly type: ScopeType;
  readonly rois = new Regions();
  /** The newest frame; undefined before the first. */
  newest: ScopeFrame | undefined;
  readonly #address: string;
  readonly #world: CompanionWorld;
  readonly #box: LiveBox;
  readonly #quality: QualityWatch;
  readonly #pace = new FramePace();
  readonly #buffer = new BufferWatch();
  readonly #wanted: Map<string, Resolved>;
  readonly #closing = new AbortController();
  readonly #openedNs: bigint;
  #open: { readonly scope: Miniscope; readonly session: ScopeSession } | undefined;
  /** Why it could not be opened. */
  #problem: string | null = null;
  #lost: string | null = null;
  #lightOff = false;
  #frames = 0;
  #watch: RecordingWatch | undefined;
  #trying: Promise<void> = Promise.resolve();

  constructor(wish: RigScope, address: string, box: LiveBox, world: CompanionWorld) {
    this.wish = wish;
    this.type = scopeType(readCatalogue(), wish.type);
    this.#address = address;
    this.#box = box;
    this.#world = world;
    this.#quality = new QualityWatch(this.type);
    this.#openedNs = world.clock.nowNs();
    this.#wanted = new Map(this.#miniscope(new ScopeFeed()).settings);
  }

  /** Tries to open it once; one that does not answer is tried again until it is let go. */
  async open(): Promise<void> {
    await this.#attempt();
    if (this.#open === undefined) this.#trying = this.#keepTrying();
  }

  /** What a recording needs of it. @throws AppError `acquire.not_ready` while it cannot be opened */
  recordable(): RigScopeOpen {
    if (this.#open === undefined) throw new AppError('acquire.not_ready', `Not started. ${this.#notThere()}`);
    const { session } = this.#open;
    // Dark after its own last frame: the others take theirs at another moment.
    const stop: ScopeSession['stop'] = () => session.stop(() => void this.light(false));
    return { scope: this.wish, type: this.type, session: { ...session, stop }, settings: this.#wanted };
  }

  /** Whether it is open on a board. */
  isAt(address: string): boolean {
    return this.#open !== undefined && this.#address === address;
  }

  /** For work beside the preview. @throws AppError `acquire.not_ready` while it cannot be opened */
  side(): SideScope {
    if (this.#open === undefined) throw new AppError('acquire.not_ready', this.#notThere());
    const shown = (control: string): Setting =>
      isLight(control) && this.#lightOff ? 0 : (this.#wanted.get(control)?.shown ?? 0);
    return { address: this.#address, type: this.type, scope: this.#open.scope, shown };
  }

  begins(recording: Recording, startedAt: Date, lengthS: number | null): void {
    this.#quality.beginAnew();
    this.#buffer.begin();
    this.#watch = new RecordingWatch(recording, startedAt, lengthS, this.#world.clock.nowNs());
  }

  /** It is not recorded any more; what was seen, with the recorder's figures. */
  ended(report: IntegrityReport | undefined): CaptureReport | null {
    const watch = this.#watch;
    this.#watch = undefined;
    if (watch === undefined || report === undefined) return null;
    return watch.report(report, shownSettings(this.type, this.#wanted));
  }

  /** Sets a control; gives how it was and how it is. @throws AppError `device.bad_setting`, `device.no_answer` */
  async set(control: string, value: Setting): Promise<{ readonly shown: Setting; readonly changed: string | null }> {
    const before = this.#wanted.get(control)?.shown;
    const resolved = resolveSetting(this.type, control, value);
    this.#wanted.set(control, resolved);
    if (!(isLight(control) && this.#lightOff)) await this.#open?.session.set(control, value);
    this.#quality.settingChanged();
    this.#pace.settingChanged();
    const { shown } = resolved;
    const changed =
      before === shown
        ? null
        : `${this.wish.name}: ${controlLabel(control)} ${String(before ?? '–')} → ${String(shown)}`;
    return { shown, changed };
  }

  /** Light off without forgetting its value, and on again. @throws AppError `device.no_answer` */
  async light(on: boolean): Promise<void> {
    this.#lightOff = !on;
    for (const [name, { shown }] of this.#wanted)
      if (isLight(name)) await this.#open?.scope.set(name, on ? shown : 0).catch((error: unknown) => this.#dark(error));
    this.#quality.settingChanged();
  }

  state(): AcquireScope {
    const { name } = this.wish;
    const { type, width, height, hasOrientation: orientation } = this.type;
    const silent = this.#silentForMs();
    const watch = this.#watch;
    return {
      name,
      type,
      width,
      height,
      controls: shownControls(this.type, this.#wanted),
      trouble: this.#trouble(silent),
      fps: this.#pace.fps(this.#world.clock.nowNs()),
      dropped: watch === undefined ? this.#pace.lost : watch.missing,
      counterAdvances: this.#pace.advances && silent !== null && silent < silentMs,
      bufferWorst: this.#buffer.worst(this.#world.clock.nowNs()),
      orientation,
      firmware: this.#open === undefined ? null : firmwareWords(this.#open.scope.firmware),
      quality: this.#quality.report(!this.#lightOff),
      saved: watch?.recording.saved ?? null,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#trying;
    const open = this.#open;
    this.#open = undefined;
    await open?.scope[Symbol.asyncDispose]();
  }

  #miniscope(feed: ScopeFeed): Miniscope {
    const { clock, openLink } = this.#world;
    const wanted = this.#wanted as Map<string, Resolved> | undefined;
    return new Miniscope({
      type: this.type,
      clock,
      settings:
        wanted === undefined
          ? this.wish.settings
          : Object.fromEntries([...wanted].map(([name, { shown }]) => [name, shown])),
      open: async () => feed.opened(await openLink(this.#address)),
      onFrame: (frame) => {
        // The recorder first: whatever fails below, the frame is safe.
        feed.onFrame(frame);
        this.#seen(frame);
      },
      onEvent: (event) => {
        feed.onEvent(event);
        this.#happened(event);
      },
    });
  }

  async #attempt(): Promise<void> {
    if (this.#address === '') {
      this.#problem = 'No board is connected for it.';
      return;
    }
    const feed = new ScopeFeed();
    const scope = this.#miniscope(feed);
    try {
      await scope.connect();
      this.#open = { scope, session: feed.session(scope) };
      this.#problem = null;
      this.#pace.begin();
      this.#quality.beginAnew();
    } catch (error) {
      await scope[Symbol.asyncDispose]();
      this.#problem = AppError.from(error).message;
    }
  }

  async #keepTrying(): Promise<void> {
    const { clock, tell } = this.#world;
    tell('warning', this.#notThere());
    while (this.#open === undefined) {
      await clock.sleep(againMs, this.#closing.signal).catch(() => undefined);
      if (this.#closing.signal.aborted) return;
      await this.#attempt();
    }
    tell('info', `${this.wish.name} is there.`);
  }

  #notThere(): string {
    return `${this.wish.name} could not be opened: ${this.#problem ?? 'it is still being set up.'}`;
  }

  #seen(frame: ScopeFrame): void {
    this.#frames += 1;
    this.newest = frame;
    this.#pace.take(frame, this.#open !== undefined);
    const timeS = Number(frame.lastNs - this.#openedNs) / 1e9;
    const glance = this.#quality.take(frame.pixels, timeS);
    this.#watch?.take(frame, glance);
    if (this.#watch !== undefined) this.#buffer.take(frame.lastNs, this.#watch.recording.waiting);
    if (this.#open !== undefined) this.#world.onFrame(this.#open.scope, frame);
    if (this.#box.watchers === 0) return;
    const agoMs = Number(this.#world.clock.nowNs() - frame.lastNs) / 1e6;
    const about = { number: this.#frames, agoMs, timeS, ...this.rois.of(frame.pixels, this.type) };
    this.#box.offer(liveFrame(frame, this.type, glance, about));
  }

  #happened(event: ScopeEvent): void {
    if (event.kind !== 'moved') this.#lost = event.kind === 'lost' ? event.message : null;
    const text = `${this.wish.name}: ${event.message}`;
    this.#watch?.mark('warning', text);
    this.#world.tell(event.kind === 'reconnected' || event.kind === 'moved' ? 'info' : 'warning', text);
  }

  #dark(error: unknown): void {
    const { message } = AppError.from(error);
    this.#world.tell('warning', `${this.wish.name}: its light could not be changed: ${message}`);
  }

  #silentForMs(): number | null {
    return this.newest === undefined ? null : Number(this.#world.clock.nowNs() - this.newest.lastNs) / 1e6;
  }

  #trouble(silent: number | null): AcquireScope['trouble'] {
    if (this.#open === undefined)
      return { text: this.#notThere(), next: 'The other devices work on. Calyx tries again every 3 s.' };
    const isRecording = this.#watch !== undefined;
    return troubleOf({ lost: this.#lost, silentForMs: silent, isRecording, hasOthers: true });
  }
}
