// SPDX-License-Identifier: MIT
import { AppError, type AcquireCompanions, type AcquireRoi } from '../contract/index.ts';
import {
  type BoardLink,
  type Clock,
  Commutator,
  type CommutatorLine,
  type Miniscope,
  type ScopeFrame,
  type Setting,
} from '../devices/index.ts';
import {
  type CameraReport,
  type IntegrityReport,
  type Recording,
  type RecorderDependencies,
  type Rig,
  type RigCommutator,
  RigRecording,
  type RigScopeOpen,
} from '../recording/index.ts';
import type { CaptureReport, FromCapture } from './capture-messages.ts';
import { CompanionCamera } from './companion-camera.ts';
import { CompanionScope } from './companion-scope.ts';
import type { CompanionRig } from './companion-rig.ts';
import type { LiveBoxes } from './live-socket.ts';
import type { SideScope } from './side-work.ts';

/** What companions need of the world. */
export interface CompanionsWorld {
  readonly clock: Clock;
  readonly openLink: (address: string) => Promise<BoardLink>;
  readonly openSerial: (port: string) => Promise<CommutatorLine>;
  readonly ffmpeg: () => string | undefined;
  readonly live: LiveBoxes;
  /** Told of each frame of a scope, after the recorder has it. */
  readonly onFrame: (scope: Miniscope, frame: ScopeFrame) => void;
  readonly tell: (message: FromCapture) => void;
}

/** What a recording with companions was. */
export interface CompanionsReport {
  readonly first: IntegrityReport | null;
  readonly others: CaptureReport['others'];
  readonly cameras: CaptureReport['cameras'];
}

/** A commutator that cannot be opened is tried again after this time, ms. */
const againMs = 3000;

/**
 * The other scopes, the cameras and the commutator of a rig: opened with the first scope, shown, recorded into one folder with one time zero. One of them that fails is
 * told and tried again, and does not keep the others from their work.
 */
export class Companions implements AsyncDisposable {
  readonly #world: CompanionsWorld;
  #rig: CompanionRig | undefined;
  #scopes: readonly CompanionScope[] = [];
  #cameras: readonly CompanionCamera[] = [];
  #commutator: Commutator | undefined;
  #commutatorProblem: string | null = null;
  #commutatorText: string | null = null;
  #recording: RigRecording | undefined;
  #closing = new AbortController();
  #trying: Promise<void> = Promise.resolve();

  constructor(world: CompanionsWorld) {
    this.#world = world;
  }

  /** Whether a recording has to be made together. */
  get isEmpty(): boolean {
    return this.#scopes.length + this.#cameras.length === 0;
  }

  /** Whether a recording is under way together. */
  get isRecording(): boolean {
    return this.#recording !== undefined;
  }

  /** Opens everything at once; what cannot be opened is tried again by itself. */
  async open(rig: CompanionRig): Promise<void> {
    await this[Symbol.asyncDispose]();
    this.#closing = new AbortController();
    this.#rig = rig;
    const { clock, openLink, ffmpeg, live } = this.#world;
    const tell = (severity: 'info' | 'warning', text: string): void =>
      this.#world.tell({ type: 'message', severity, text });
    this.#scopes = rig.scopes.map(
      ({ scope, address }) =>
        new CompanionScope(scope, address, live.of(scope.name), {
          clock,
          openLink,
          tell,
          onFrame: (from, frame) => {
            this.frame(scope.name, frame);
            this.#world.onFrame(from, frame);
          },
        }),
    );
    this.#cameras = rig.cameras.map(
      (wish) => new CompanionCamera(wish, live.pictures(wish.name), { clock, ffmpeg, tell }),
    );
    await Promise.all([
      ...[...this.#scopes, ...this.#cameras].map(async (companion) => await companion.open()),
      this.#openCommutator(rig.commutator),
    ]);
  }

  /** A frame of a scope: the commutator follows the head that carries it. */
  frame(name: string, { orientation }: ScopeFrame): void {
    const rig = this.#rig;
    if (rig?.commutator != null && name === (rig.commutator.deviceName ?? rig.first))
      this.#commutator?.take(orientation);
  }

  /** All lights off without forgetting their values, and on again. */
  async light(on: boolean): Promise<void> {
    for (const scope of this.#scopes) await scope.light(on);
  }

  /** Sets a control of a scope by its name. @throws AppError `acquire.not_now` where there is none, `device.*` */
  async set(
    name: string,
    control: string,
    value: Setting,
  ): Promise<{ readonly shown: Setting; readonly changed: string | null }> {
    return await this.#scope(name).set(control, value);
  }

  /** Follows regions of a scope by its name. @throws AppError `acquire.not_now` where there is none */
  rois(name: string, rois: readonly AcquireRoi[]): void {
    this.#scope(name).rois.follow(rois);
  }

  /** A scope by its name, for work beside the preview. @throws AppError `acquire.not_now` where there is none, `acquire.not_ready` while it cannot be opened */
  side(name: string): SideScope {
    return this.#scope(name).side();
  }

  /** The open scope on a board, for work beside the preview. */
  sideAt(address: string): SideScope | undefined {
    return this.#scopes.find((scope) => scope.isAt(address))?.side();
  }

  /** What a scope shows now. @throws AppError `acquire.not_now` where there is none */
  picture(name: string): Pick<CompanionScope, 'type' | 'newest'> {
    return this.#scope(name);
  }

  /** Begins to record everything together; gives the first scope's part. @throws AppError as `RigRecording.start`, `acquire.not_ready` */
  async start(
    first: RigScopeOpen,
    plan: {
      readonly rig: Rig;
      readonly dataDirectory: string;
      readonly folder: string;
      readonly lengthS: number | null;
    },
    dependencies: RecorderDependencies,
  ): Promise<Recording> {
    const { rig, dataDirectory, folder, lengthS: plannedS } = plan;
    const scopes = [first, ...this.#scopes.map((scope) => this.#asPlanned(scope.recordable(), rig))];
    const cameras = this.#cameras.map((camera) => camera.recordable());
    const startedAt = dependencies.now();
    const recording = await RigRecording.start({ rig, dataDirectory, folder, plannedS, scopes, cameras }, dependencies);
    const [own] = recording.scopes;
    if (own === undefined) throw new AppError('recording.bad_rig', 'The rig has no scope.');
    this.#recording = recording;
    for (const { name, recording: one } of recording.scopes)
      this.#scopes.find(({ wish }) => wish.name === name)?.begins(one, startedAt, plannedS);
    for (const one of recording.cameras) this.#cameras.find(({ wish }) => wish.name === one.name)?.begins(one);
    return own.recording;
  }

  /** Why a scope's recording has ended by itself; null while all are on. */
  get stopped(): string | null {
    return this.#recording?.stopped ?? null;
  }

  /** Ends all together; what failed is in the reports. */
  async stop(): Promise<CompanionsReport> {
    const recording = this.#recording;
    if (recording === undefined) return { first: null, others: [], cameras: [] };
    const reports = await recording.stop();
    this.#recording = undefined;
    for (const camera of this.#cameras) camera.ended();
    const others = this.#scopes.flatMap((scope) => {
      const report = scope.ended(reports.scopes[scope.wish.name]);
      if (report === null) return [];
      const { folder: _folder, others: _others, cameras: _cameras, ...own } = report;
      return [own];
    });
    return {
      first: reports.scopes[this.#rig?.first ?? ''] ?? null,
      others,
      cameras: Object.values(reports.cameras).map(cameraReport),
    };
  }

  state(): AcquireCompanions {
    const section = this.#rig?.commutator ?? null;
    return {
      scopes: this.#scopes.map((scope) => scope.state()),
      cameras: this.#cameras.map((camera) => camera.state()),
      commutator:
        section === null
          ? null
          : {
              port: section.port,
              turns: this.#commutator?.turns ?? 0,
              trouble:
                this.#commutatorProblem === null
                  ? null
                  : { text: this.#commutatorProblem, next: 'Calyx tries again every 3 s; the tether is not turned.' },
              text: this.#commutatorText,
            },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#trying;
    const all = [...this.#scopes, ...this.#cameras, ...(this.#commutator === undefined ? [] : [this.#commutator])];
    this.#scopes = [];
    this.#cameras = [];
    this.#commutator = undefined;
    this.#commutatorProblem = null;
    this.#commutatorText = null;
    this.#rig = undefined;
    await Promise.all(all.map(async (one) => await one[Symbol.asyncDispose]()));
  }

  #scope(name: string): CompanionScope {
    const scope = this.#scopes.find(({ wish }) => wish.name === name);
    if (scope === undefined) throw new AppError('acquire.not_now', `The rig has no scope “${name}”.`);
    return scope;
  }

  /** How a scope's film is kept is the plan's word. */
  #asPlanned(open: RigScopeOpen, rig: Rig): RigScopeOpen {
    const scope = rig.scopes.find(({ name }) => name === open.scope.name);
    return scope === undefined ? open : { ...open, scope };
  }

  async #openCommutator(section: RigCommutator | null): Promise<void> {
    if (section === null) return;
    const { clock, openSerial } = this.#world;
    const attempt = async (): Promise<void> => {
      try {
        this.#commutator = await Commutator.open({
          ...section,
          clock,
          open: async () => await openSerial(section.port),
          tell: (text) => {
            this.#commutatorText = text;
            this.#world.tell({ type: 'message', severity: 'warning', text });
          },
        });
        this.#commutatorProblem = null;
      } catch (error) {
        this.#commutatorProblem = AppError.from(error).message;
      }
    };
    await attempt();
    if (this.#commutatorProblem === null) return;
    this.#world.tell({ type: 'message', severity: 'warning', text: this.#commutatorProblem });
    const { signal } = this.#closing;
    this.#trying = (async () => {
      while (this.#commutatorProblem !== null && !signal.aborted) {
        await clock.sleep(againMs, signal).catch(() => undefined);
        if (!signal.aborted) await attempt();
      }
    })();
  }
}

function cameraReport(report: CameraReport): CaptureReport['cameras'][number] {
  const { device, saved, knownMissing, longestIntervalMs, usualIntervalMs, failure, stopped } = report;
  const files = report.files.map(({ name, frames, bytes, sha256 }) => ({ name, frames, bytes, sha256 }));
  return { device, saved, unsaved: knownMissing, longestIntervalMs, usualIntervalMs, failure, stopped, files };
}
