// SPDX-License-Identifier: MIT
import { AppError, type AcquireScope } from '../contract/index.ts';
import {
  type BoardLink,
  type Clock,
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
  type IntegrityReport,
  type Recording,
  type RigScope,
  type RigScopeOpen,
  ScopeFeed,
  type ScopeSession,
} from '../recording/index.ts';
import type { CaptureReport } from './capture-messages.ts';
import { shownControls, shownSettings } from './controls.ts';
import type { LiveBox } from './live-socket.ts';
import { RecordingWatch } from './recording-watch.ts';
import { Regions } from './regions.ts';
import { ScopeSettings } from './scope-settings.ts';
import { ScopeView } from './scope-view.ts';
import type { SideScope } from './side-work.ts';
import { troubleOf } from './trouble.ts';

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
  readonly #address: string;
  readonly #world: CompanionWorld;
  readonly #view: ScopeView;
  readonly #settings: ScopeSettings;
  readonly #closing = new AbortController();
  #open: { readonly scope: Miniscope; readonly session: ScopeSession } | undefined;
  /** Why it could not be opened. */
  #problem: string | null = null;
  #lost: string | null = null;
  #watch: RecordingWatch | undefined;
  #trying: Promise<void> = Promise.resolve();

  constructor(wish: RigScope, address: string, box: LiveBox, world: CompanionWorld) {
    this.wish = wish;
    this.type = scopeType(readCatalogue(), wish.type);
    this.#address = address;
    this.#world = world;
    this.#view = new ScopeView(this.type, { clock: world.clock, box, rois: this.rois });
    this.#settings = new ScopeSettings(this.type, this.#miniscope(new ScopeFeed(), wish.settings).settings);
  }

  /** The newest frame; undefined before the first. */
  get newest(): ScopeFrame | undefined {
    return this.#view.newest;
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
    return { scope: this.wish, type: this.type, session: { ...session, stop }, settings: this.#settings.wanted };
  }

  /** Whether it is open on a board. */
  isAt(address: string): boolean {
    return this.#open !== undefined && this.#address === address;
  }

  /** For work beside the preview. @throws AppError `acquire.not_ready` while it cannot be opened */
  side(): SideScope {
    if (this.#open === undefined) throw new AppError('acquire.not_ready', this.#notThere());
    return { address: this.#address, type: this.type, scope: this.#open.scope, shown: this.#settings.shown };
  }

  begins(recording: Recording, startedAt: Date, lengthS: number | null): void {
    this.#view.recordingBegins();
    this.#watch = new RecordingWatch(recording, startedAt, lengthS, this.#world.clock.nowNs());
  }

  /** It is not recorded any more; what was seen, with the recorder's figures. */
  ended(report: IntegrityReport | undefined): CaptureReport | null {
    const watch = this.#watch;
    this.#watch = undefined;
    if (watch === undefined || report === undefined) return null;
    return watch.report(report, shownSettings(this.type, this.#settings.wanted));
  }

  /** Sets a control; gives how it was and how it is. @throws AppError `device.bad_setting`, `device.no_answer` */
  async set(control: string, value: Setting): Promise<{ readonly shown: Setting; readonly changed: string | null }> {
    const { shown, changed } = await this.#settings.set(control, value, async (name, to) => {
      await this.#open?.session.set(name, to);
    });
    this.#view.settingChanged();
    return { shown, changed: changed === null ? null : `${this.wish.name}: ${changed}` };
  }

  /** Light off without forgetting its value, and on again. @throws AppError `device.no_answer` */
  async light(on: boolean): Promise<void> {
    await this.#settings.light(on, async (name, to) => {
      await this.#open?.scope.set(name, to).catch((error: unknown) => this.#dark(error));
    });
    this.#view.quality.settingChanged();
  }

  state(): AcquireScope {
    const { name } = this.wish;
    const { type, width, height, hasOrientation: orientation } = this.type;
    return {
      name,
      type,
      width,
      height,
      controls: shownControls(this.type, this.#settings.wanted),
      trouble: this.#trouble(),
      ...this.#view.flow(this.#watch),
      orientation,
      firmware: this.#open === undefined ? null : firmwareWords(this.#open.scope.firmware),
      quality: this.#view.quality.report(!this.#settings.lightOff),
      saved: this.#watch?.recording.saved ?? null,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#trying;
    const open = this.#open;
    this.#open = undefined;
    await open?.scope[Symbol.asyncDispose]();
  }

  #miniscope(feed: ScopeFeed, settings: Readonly<Record<string, Setting>>): Miniscope {
    const { clock, openLink } = this.#world;
    return new Miniscope({
      type: this.type,
      clock,
      settings,
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
    const wanted = [...this.#settings.wanted].map(([name, { shown }]) => [name, shown] as const);
    const scope = this.#miniscope(feed, Object.fromEntries(wanted));
    try {
      await scope.connect();
      this.#open = { scope, session: feed.session(scope) };
      this.#problem = null;
      this.#view.connected();
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
    this.#view.take(frame, this.#open !== undefined, this.#watch);
    if (this.#open !== undefined) this.#world.onFrame(this.#open.scope, frame);
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

  #trouble(): AcquireScope['trouble'] {
    if (this.#open === undefined)
      return { text: this.#notThere(), next: 'The other devices work on. Calyx tries again every 3 s.' };
    const isRecording = this.#watch !== undefined;
    return troubleOf({ lost: this.#lost, silentForMs: this.#view.silentForMs, isRecording, hasOthers: true });
  }
}
