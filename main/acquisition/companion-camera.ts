// SPDX-License-Identifier: MIT
import { AppError, type AcquireCamera } from '../contract/index.ts';
import { type Camera, type CameraPicture, type Clock, openCamera } from '../devices/index.ts';
import type { RigCamera, RigCameraOpen } from '../recording/index.ts';
import type { PictureBox } from './picture-box.ts';

/** What a behaviour camera needs of the world. */
export interface CompanionCameraWorld {
  readonly clock: Clock;
  /** The program that reads cameras; undefined where there is none. */
  readonly ffmpeg: () => string | undefined;
  readonly tell: (severity: 'info' | 'warning', text: string) => void;
}

/** A camera that gives nothing is tried again after this time, ms. */
const againMs = 2000;
const second = 1_000_000_000n;

/** A behaviour camera of a rig: opened, looked at, recorded. One that fails does not stop the scopes, and is tried again. */
export class CompanionCamera implements AsyncDisposable {
  readonly wish: RigCamera;
  readonly #world: CompanionCameraWorld;
  readonly #box: PictureBox;
  readonly #closing = new AbortController();
  #camera: Camera | undefined;
  #problem: string | null = null;
  #recorder: (picture: CameraPicture) => void = () => undefined;
  #recording: { readonly saved: number } | undefined;
  #arrivals: bigint[] = [];
  #number = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(wish: RigCamera, box: PictureBox, world: CompanionCameraWorld) {
    this.wish = wish;
    this.#box = box;
    this.#world = world;
  }

  /** Resolves when its first picture is there, or it is known why there is none. */
  async open(): Promise<void> {
    await this.#attempt();
    this.#running = this.#run();
  }

  /** What a recording needs of it. @throws AppError `acquire.not_ready` while it gives no pictures */
  recordable(): RigCameraOpen {
    const camera = this.#camera;
    if (camera === undefined) throw new AppError('acquire.not_ready', `Not started. ${this.#problem ?? ''}`);
    // The preview goes on beside the recorder, which begins and ends as it likes.
    const shared: Camera = {
      name: camera.name,
      size: camera.size,
      ended: camera.ended,
      follow: (onPicture) => {
        this.#recorder = onPicture;
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
    return { wish: this.wish, camera: shared };
  }

  begins(recording: { readonly saved: number }): void {
    this.#recording = recording;
  }

  ended(): void {
    this.#recording = undefined;
    this.#recorder = () => undefined;
  }

  state(): AcquireCamera {
    const { name, frameRate } = this.wish;
    const now = this.#world.clock.nowNs();
    const recent = this.#arrivals.filter((ns) => now - ns <= second);
    return {
      name,
      size: this.#camera === undefined ? null : { ...this.#camera.size },
      wantedFps: frameRate,
      // Pictures can come in heaps: the time between two of them says nothing.
      fps: recent.length === 0 ? null : recent.length,
      trouble: this.#trouble(),
      saved: this.#recording?.saved ?? null,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#camera?.[Symbol.asyncDispose]();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, tell } = this.#world;
    while (!this.#closing.signal.aborted) {
      const camera = this.#camera;
      if (camera !== undefined) {
        const why = await camera.ended;
        if (this.#closing.signal.aborted) return;
        this.#camera = undefined;
        this.#problem = why;
        tell('warning', why);
        await camera[Symbol.asyncDispose]();
      }
      await clock.sleep(againMs, this.#closing.signal).catch(() => undefined);
      // A film that has ended is not begun anew in the middle of a recording.
      if (this.#closing.signal.aborted || this.#recording !== undefined) continue;
      await this.#attempt();
      if (this.#camera !== undefined) tell('info', `The camera ${this.wish.name} is there.`);
    }
  }

  async #attempt(): Promise<void> {
    const { clock, ffmpeg } = this.#world;
    const program = ffmpeg();
    if (program === undefined) {
      this.#problem = `Without ffmpeg the camera ${this.wish.name} cannot be read.`;
      return;
    }
    try {
      const camera = await openCamera(this.wish, { clock, ffmpeg: program });
      if (this.#closing.signal.aborted) {
        await camera[Symbol.asyncDispose]();
        return;
      }
      camera.follow((picture) => this.#seen(picture));
      this.#camera = camera;
      this.#problem = null;
    } catch (error) {
      this.#problem = AppError.from(error).message;
    }
  }

  #seen(picture: CameraPicture): void {
    this.#recorder(picture);
    this.#number += 1;
    this.#arrivals.push(picture.atNs);
    while (picture.atNs - (this.#arrivals[0] ?? picture.atNs) > second) this.#arrivals.shift();
    this.#box.offer({
      header: { number: this.#number, arrivedAt: performance.timeOrigin + performance.now() },
      bytes: picture.jpeg,
    });
  }

  #trouble(): AcquireCamera['trouble'] {
    if (this.#problem === null) return null;
    return {
      text: this.#problem,
      next:
        this.#recording === undefined
          ? 'Is it connected, and does no other program use it? Calyx tries again every 2 s.'
          : 'The scopes are recorded on; this film ends here, and the report says so.',
    };
  }
}
