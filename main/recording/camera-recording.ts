// SPDX-License-Identifier: MIT
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { sha256OfFile } from '../checksum/index.ts';
import type { Camera, CameraPicture, Clock } from '../devices/index.ts';
import type { WrittenFilm } from '../media/index.ts';
import { closedOnFailure, diskSentence, type Disk } from './disk.ts';
import { fitFilms } from './fit-films.ts';
import { JpegFilm } from './jpeg-film.ts';
import { clockAnchors } from './metadata.ts';
import type { RigCamera } from './rig.ts';
import { RowFile } from './row-file.ts';
import { fileName, writeJson } from './session-folder.ts';
import type { SharedSession } from './shared-session.ts';

/** What a camera's recording needs of the world. */
export interface CameraDependencies {
  readonly clock: Clock;
  readonly now: () => Date;
  readonly programVersion: string;
  readonly disk: Disk;
}

/** A camera's report: `integrity.json` of its folder. It has no counter: what was lost before ffmpeg is unknown. */
export interface CameraReport {
  readonly formatVersion: 1;
  readonly device: string;
  readonly kind: 'camera';
  readonly durationS: number;
  readonly saved: number;
  readonly expected: null;
  readonly missing: null;
  /** Pictures that came and had no room. */
  readonly knownMissing: number;
  readonly usualIntervalMs: number | null;
  readonly longestIntervalMs: number | null;
  readonly bufferHighWater: number;
  readonly events: readonly { readonly timeS: number; readonly text: string }[];
  readonly files: readonly (WrittenFilm & { readonly sha256: string })[];
  readonly failure: string | null;
  /** Why no picture came any more before the stop. */
  readonly stopped: string | null;
}

const rowsHeader = 'Frame Number,Time Stamp (ms),Buffer Index,Unix Time Stamp (ms)';
const syncMs = 1000;

/** One behaviour camera's part of a recording: its JPEG pictures as they came, in the folder that Miniscope-DAQ makes. */
export class CameraRecording {
  readonly name: string;
  readonly #device: string;
  readonly #camera: Camera;
  readonly #session: SharedSession;
  readonly #dependencies: CameraDependencies;
  readonly #film: JpegFilm;
  readonly #rows: RowFile;
  readonly #metaData: Readonly<Record<string, unknown>>;
  readonly #events: { timeS: number; text: string }[] = [];
  readonly #intervals: number[] = [];
  readonly #stopping = new AbortController();
  readonly #syncing: Promise<void>;
  #saved = 0;
  #unsaved = 0;
  #lastNs: bigint | undefined;
  #failure: string | null = null;
  #stopped: string | null = null;

  private constructor(
    made: {
      readonly device: string;
      readonly camera: Camera;
      readonly session: SharedSession;
      readonly film: JpegFilm;
      readonly rows: RowFile;
      readonly metaData: Readonly<Record<string, unknown>>;
    },
    dependencies: CameraDependencies,
  ) {
    this.name = made.camera.name;
    this.#device = made.device;
    this.#camera = made.camera;
    this.#session = made.session;
    this.#film = made.film;
    this.#rows = made.rows;
    this.#metaData = made.metaData;
    this.#dependencies = dependencies;
    made.camera.follow((picture) => this.#take(picture));
    void this.#watchEnd();
    this.#syncing = this.#syncAlways();
  }

  /** Makes the folder and its files; pictures are saved from the session's time zero on. @throws the system's error, AppError `disk.*` */
  static async start(
    wish: RigCamera,
    camera: Camera,
    session: SharedSession,
    dependencies: CameraDependencies,
  ): Promise<CameraRecording> {
    return await closedOnFailure(dependencies.disk, (disk) =>
      CameraRecording.#make(wish, camera, session, { ...dependencies, disk }),
    );
  }

  static async #make(
    wish: RigCamera,
    camera: Camera,
    session: SharedSession,
    dependencies: CameraDependencies,
  ): Promise<CameraRecording> {
    const { disk } = dependencies;
    const device = path.join(session.folder, fileName(wish.name));
    await mkdir(device);
    const metaData = {
      deviceName: wish.name,
      deviceType: wish.type,
      deviceID: wish.deviceId,
      deviceDirectory: device,
      framesPerFile: wish.framesPerFile,
      compression: 'MJPG',
      frameRate: `${wish.frameRate}FPS`,
      ROI: { leftEdge: 0, topEdge: 0, width: camera.size.width, height: camera.size.height },
    };
    await writeJson(path.join(device, 'metaData.json'), metaData, disk);
    const film = await JpegFilm.create(
      { folder: device, size: camera.size, fps: wish.frameRate, framesPerFile: wish.framesPerFile },
      disk,
    );
    const rows = await RowFile.create(path.join(device, 'timeStamps.csv'), rowsHeader, disk);
    await disk.syncFolder(device);
    return new CameraRecording({ device, camera, session, film, rows, metaData }, dependencies);
  }

  get saved(): number {
    return this.#saved;
  }

  /** The session has its time zero. */
  async released(): Promise<void> {
    await this.#anchor(null);
  }

  /** Writes what waits, closes everything, and says what was recorded; what failed is in the report. */
  async stop(): Promise<CameraReport> {
    const durationS = this.#session.seconds;
    this.#camera.follow(() => undefined);
    this.#stopping.abort();
    await this.#syncing;
    const end = { at: this.#dependencies.now(), ns: this.#dependencies.clock.nowNs() };
    let films: readonly WrittenFilm[] = [];
    await this.#attempt(async () => {
      films = await this.#film.finish();
    });
    await this.#attempt(() => this.#rows.close());
    let saved = this.#saved;
    if (this.#failure !== null) {
      await this.#attempt(async () => {
        films = await fitFilms(this.#device, this.#rows.written);
        saved = films.reduce((sum, { frames }) => sum + frames, 0);
      });
    }
    const files: CameraReport['files'][number][] = [];
    for (const film of films) {
      await this.#attempt(async () => {
        files.push({ ...film, sha256: await sha256OfFile(path.join(this.#device, film.name)) });
      });
    }
    const sorted = this.#intervals.toSorted((a, b) => a - b);
    const rounded = (ms: number | undefined): number | null => (ms === undefined ? null : Math.round(ms * 10) / 10);
    const report: CameraReport = {
      formatVersion: 1,
      device: this.name,
      kind: 'camera',
      durationS,
      saved,
      expected: null,
      missing: null,
      knownMissing: this.#unsaved + this.#saved - saved,
      usualIntervalMs: rounded(sorted[sorted.length >> 1]),
      longestIntervalMs: rounded(sorted.at(-1)),
      bufferHighWater: this.#film.highWater,
      events: this.#events,
      files,
      failure: this.#failure,
      stopped: this.#stopped,
    };
    await this.#attempt(() => this.#anchor(end));
    await this.#attempt(() =>
      writeJson(path.join(this.#device, 'integrity.json'), { ...report }, this.#dependencies.disk),
    );
    return { ...report, failure: this.#failure };
  }

  async #anchor(end: { readonly at: Date; readonly ns: bigint } | null): Promise<void> {
    const { programVersion, disk } = this.#dependencies;
    const { start, startNs } = this.#session;
    const metaData = { session: this.#session.metaData, device: this.#metaData };
    const anchors = clockAnchors({ programVersion, simulated: false, metaData }, { start, startNs, end });
    await writeJson(path.join(this.#device, 'calyx.json'), { ...anchors, rawLuma: false }, disk);
  }

  #take({ jpeg, atNs }: CameraPicture): void {
    if (atNs < this.#session.startNs || this.#failure !== null) return;
    const pushed = this.#film.push(jpeg);
    if (pushed === 'failed') {
      this.#failure = diskSentence(this.#film.failure);
      return;
    }
    if (pushed === 'full') {
      this.#unsaved += 1;
      if (this.#unsaved === 1) this.#event('Pictures are not saved: the disk does not keep up.');
      return;
    }
    const ms = Number(atNs - this.#session.startNs) / 1e6;
    const unix = Math.round(this.#session.start.getTime() + ms);
    this.#rows.add([this.#saved, Math.round(ms), this.#film.waiting, unix].join(','));
    this.#saved += 1;
    if (this.#lastNs !== undefined) this.#intervals.push(Number(atNs - this.#lastNs) / 1e6);
    this.#lastNs = atNs;
  }

  async #watchEnd(): Promise<void> {
    const why = await this.#camera.ended;
    if (why === '' || this.#stopping.signal.aborted) return;
    this.#stopped = why;
    this.#event(why);
  }

  async #syncAlways(): Promise<void> {
    const { clock, disk } = this.#dependencies;
    while (!this.#stopping.signal.aborted) {
      try {
        await clock.sleep(syncMs, this.#stopping.signal);
      } catch {
        return;
      }
      await this.#attempt(async () => {
        await this.#film.sync();
        await this.#rows.flush();
        await disk.syncFolder(this.#device);
      });
    }
  }

  async #attempt(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#failure ??= diskSentence(error);
    }
  }

  #event(text: string): void {
    this.#events.push({ timeS: Math.round(this.#session.seconds * 1000) / 1000, text });
    this.#session.note(`${this.name}: ${text}`);
  }
}
