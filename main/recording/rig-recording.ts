// SPDX-License-Identifier: MIT
import { AppError } from '../contract/index.ts';
import type { Camera, Resolved, ScopeType } from '../devices/index.ts';
import { CameraRecording, type CameraReport } from './camera-recording.ts';
import { systemDisk } from './disk.ts';
import type { IntegrityReport, RecorderDependencies, Recording } from './recorder.ts';
import type { Rig, RigCamera, RigScope } from './rig.ts';
import { refuseRoiOutside } from './roi.ts';
import type { ScopeSession } from './session.ts';
import { SharedSession } from './shared-session.ts';
import { bytesPerSecond, checkSpace, refuseWithoutSpace } from './space.ts';

/** A scope of a rig that is open. */
export interface RigScopeOpen {
  readonly scope: RigScope;
  readonly type: ScopeType;
  readonly session: ScopeSession;
  readonly settings: ReadonlyMap<string, Resolved>;
}

/** A camera of a rig that is open. */
export interface RigCameraOpen {
  readonly wish: RigCamera;
  readonly camera: Camera;
}

/** A picture of a camera as JPEG, bytes: a cautious guess for the room on the disk. */
const jpegBytesPerPixel = 0.35;

/**
 * Several scopes and cameras in one session folder: all are made ready while none saves, then all are let go at one time zero, and all end together.
 */
export class RigRecording {
  readonly folder: string;
  readonly scopes: readonly { readonly name: string; readonly recording: Recording }[];
  readonly cameras: readonly CameraRecording[];
  readonly #open: readonly RigScopeOpen[];
  readonly #session: SharedSession;

  private constructor(
    session: SharedSession,
    open: readonly RigScopeOpen[],
    scopes: RigRecording['scopes'],
    cameras: readonly CameraRecording[],
  ) {
    this.folder = session.folder;
    this.#session = session;
    this.#open = open;
    this.scopes = scopes;
    this.cameras = cameras;
  }

  /**
   * Begins to record everything a rig has.
   *
   * @throws AppError as `Recording.start`; what was made ready by then is closed
   */
  static async start(
    plan: {
      readonly rig: Rig;
      readonly dataDirectory: string;
      readonly folder?: string;
      readonly plannedS: number | null;
      readonly scopes: readonly RigScopeOpen[];
      readonly cameras: readonly RigCameraOpen[];
    },
    dependencies: RecorderDependencies,
  ): Promise<RigRecording> {
    const { rig, dataDirectory, plannedS, scopes, cameras } = plan;
    // Before the folder is there: what is wrong with the rig leaves nothing behind.
    for (const { scope, type } of scopes) refuseRoiOutside(scope, type);
    const disk = dependencies.disk ?? systemDisk(dependencies.startFilm);
    const world = { ...dependencies, disk };
    const perSecond =
      scopes.reduce((sum, { scope, type, settings }) => sum + bytesPerSecond(scope, type, settings), 0) +
      cameras.reduce(
        (sum, { wish, camera }) => sum + camera.size.width * camera.size.height * jpegBytesPerPixel * wish.frameRate,
        0,
      );
    refuseWithoutSpace(await checkSpace(dataDirectory, { perSecond, plannedS }, disk));
    const session = await SharedSession.make(
      {
        rig,
        dataDirectory,
        ...(plan.folder === undefined ? {} : { folder: plan.folder }),
        miniscopes: scopes.map(({ scope }) => scope.name),
        cameras: cameras.map(({ wish }) => wish.name),
        held: true,
      },
      world,
    );
    const begun: { readonly name: string; readonly recording: Recording }[] = [];
    const filmed: CameraRecording[] = [];
    const recording = new RigRecording(session, scopes, begun, filmed);
    try {
      for (const { scope, type, session: of, settings } of scopes) {
        const started = await of.start({ rig, scope, type, dataDirectory, settings, plannedS }, world, session);
        begun.push({ name: scope.name, recording: started });
      }
      for (const { wish, camera } of cameras) filmed.push(await CameraRecording.start(wish, camera, session, world));
      await session.release();
      for (const { recording: scope } of begun) await scope.released();
      for (const camera of filmed) await camera.released();
    } catch (error) {
      await recording.stop();
      throw AppError.from(error);
    }
    return recording;
  }

  get seconds(): number {
    return this.#session.seconds;
  }

  /** Why a scope's recording has ended by itself; null while all are on. */
  get stopped(): string | null {
    return this.scopes.map(({ recording }) => recording.stopped).find((why) => why !== null) ?? null;
  }

  /** Ends all; the reports say what was saved, by device. */
  async stop(): Promise<{
    readonly scopes: Readonly<Record<string, IntegrityReport>>;
    readonly cameras: Readonly<Record<string, CameraReport>>;
  }> {
    // Each takes its last frame at the same time.
    const [scopes, cameras] = await Promise.all([
      Promise.all(this.#open.map(async ({ scope, session }) => [scope.name, await session.stop()] as const)),
      Promise.all(this.cameras.map(async (camera) => [camera.name, await camera.stop()] as const)),
    ]);
    await this.#session.close().catch(() => undefined);
    return {
      scopes: Object.fromEntries(scopes.flatMap(([name, report]) => (report === null ? [] : [[name, report]]))),
      cameras: Object.fromEntries(cameras),
    };
  }
}
