// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../contract/index.ts';
import type { AssemblyCounts, Clock, Resolved, ScopeFrame, ScopeType, Setting } from '../devices/index.ts';
import type { FilmOptions, FilmWriter, WrittenFilm } from '../media/index.ts';
import { IntegrityWatch, type Integrity } from './integrity.ts';
import type { Rig, RigScope, Roi } from './rig.ts';
import { RowFile } from './row-file.ts';
import { fileName, makeNewFolder, recordingFolder, startTime, writeJson } from './session-folder.ts';

/** What a recorder needs of the world. */
export interface RecorderDependencies {
  readonly clock: Clock;
  /** The wall clock. */
  readonly now: () => Date;
  readonly startFilm: (options: FilmOptions) => Promise<FilmWriter>;
  readonly programVersion: string;
}

/** What is to be recorded. */
export interface RecordingPlan {
  readonly rig: Rig;
  readonly scope: RigScope;
  readonly type: ScopeType;
  readonly dataDirectory: string;
  /** Settings of the scope at the start, by control. */
  readonly settings: ReadonlyMap<string, Resolved>;
}

/** The CSV files of a recording. */
interface Rows {
  readonly times: RowFile;
  readonly frames: RowFile;
  readonly head: RowFile;
  readonly notes: RowFile;
}

/** What is written to disk must be known to be there within a second (architecture.md 3). */
const syncMs = 1000;

/** A recording's report: `integrity.json`. */
export interface IntegrityReport extends Integrity {
  readonly formatVersion: 1;
  readonly device: string;
  readonly durationS: number;
  /** Most frames that ever waited to be written; 128 fit. */
  readonly bufferHighWater: number;
  /** Control changes and what happened to the scope, with their times. */
  readonly events: readonly { readonly timeS: number; readonly text: string }[];
  readonly files: readonly (WrittenFilm & { readonly sha256: string })[];
  /** Why the film could not be written to its end; null when it was. */
  readonly failure: string | null;
}

/**
 * One scope's recording: a Miniscope-DAQ session folder that other programs read, with `calyx.json`, `integrity.json` and `calyxFrames.csv` beside their files
 * (acquisition.md 4, architecture.md 5).
 */
export class Recording {
  readonly folder: string;
  readonly #plan: RecordingPlan;
  readonly #dependencies: RecorderDependencies;
  readonly #film: FilmWriter;
  readonly #rows: Rows;
  readonly #startNs: bigint;
  readonly #start: Date;
  readonly #watch: IntegrityWatch;
  readonly #events: { timeS: number; text: string }[] = [];
  readonly #stopping = new AbortController();
  readonly #syncing: Promise<void>;
  #saved = 0;
  #failure: string | null = null;

  private constructor(
    folder: string,
    plan: RecordingPlan,
    dependencies: RecorderDependencies,
    opened: {
      readonly film: FilmWriter;
      readonly rows: Rows;
      readonly startNs: bigint;
      readonly start: Date;
    },
  ) {
    this.folder = folder;
    this.#plan = plan;
    this.#dependencies = dependencies;
    this.#film = opened.film;
    this.#rows = opened.rows;
    this.#startNs = opened.startNs;
    this.#start = opened.start;
    this.#watch = new IntegrityWatch(opened.startNs);
    this.#syncing = this.#syncAlways();
  }

  /**
   * Makes the folder and its files; frames may come from then on.
   *
   * @throws AppError `disk.io`, `media.ffmpeg_missing`, `recording.bad_rig` for a part outside the frame
   */
  static async start(plan: RecordingPlan, dependencies: RecorderDependencies): Promise<Recording> {
    const { scope, type, rig } = plan;
    checkRoi(scope, type);
    const start = dependencies.now();
    const folder = await makeNewFolder(recordingFolder(rig, plan.dataDirectory, start));
    const device = path.join(folder, fileName(scope.name));
    await mkdir(device);
    await mkdir(path.join(folder, 'experiment'));
    const startNs = dependencies.clock.nowNs();
    await writeJson(path.join(folder, 'metaData.json'), baseMetadata(plan, folder, start));
    await writeJson(path.join(device, 'metaData.json'), deviceMetadata(plan, device));
    await writeJson(path.join(device, 'calyx.json'), clockAnchors(plan, dependencies, { start, startNs, end: null }));
    const rows = {
      times: await RowFile.create(
        path.join(device, 'timeStamps.csv'),
        'Frame Number,Time Stamp (ms),Buffer Index,DAQ Frame Number,Unix Time Stamp (ms)',
      ),
      frames: await RowFile.create(
        path.join(device, 'calyxFrames.csv'),
        'Frame Number,Raw Counter,First Payload (ns),Last Payload (ns),Device Time (ms),Inputs,Lost Before',
      ),
      head: await RowFile.create(path.join(device, 'headOrientation.csv'), 'Time Stamp (ms),qw,qx,qy,qz'),
      notes: await RowFile.create(path.join(folder, 'notes.csv'), 'Time Stamp (ms), Note'),
    };
    const size = scope.roi ?? type;
    const fps = plan.settings.get('frameRate')?.number ?? 30;
    const film = await dependencies.startFilm({
      folder: device,
      width: size.width,
      height: size.height,
      fps,
      compression: scope.compression,
      framesPerFile: scope.framesPerFile,
    });
    return new Recording(folder, plan, dependencies, { film, rows, startNs, start });
  }

  /** Frames saved so far. */
  get saved(): number {
    return this.#saved;
  }

  /** Frames that wait to be written now; 128 fit. */
  get waiting(): number {
    return this.#film.stats().waiting;
  }

  /** Why writing has stopped; null while it works. */
  get failure(): string | null {
    return this.#failure ?? this.#film.stats().failure;
  }

  /** Seconds since the start. */
  get seconds(): number {
    return Number(this.#dependencies.clock.nowNs() - this.#startNs) / 1e9;
  }

  /** Takes a frame; never waits. */
  frame(frame: ScopeFrame): void {
    const { scope, type } = this.#plan;
    if (frame.firstNs < this.#startNs) return;
    const kept = scope.roi === null ? frame.pixels : cut(frame.pixels, type.width, scope.roi);
    if (this.#film.push(kept) !== 'taken') {
      this.#watch.notSaved(frame);
      return;
    }
    const ms = Number(frame.lastNs - this.#startNs) / 1e6;
    const number = this.#saved;
    this.#saved += 1;
    const unix = Math.round(this.#start.getTime() + ms);
    this.#rows.times.add([number, Math.round(ms), this.#film.stats().waiting, frame.counter ?? -1, unix].join(','));
    this.#rows.frames.add(
      [
        number,
        frame.rawCounter ?? -1,
        frame.firstNs,
        frame.lastNs,
        frame.deviceMs ?? '',
        frame.inputs?.map(Number).join('') ?? '',
        frame.lost,
      ].join(','),
    );
    if (frame.orientation !== null && (frame.orientation.good || !scope.filterBadOrientation)) {
      const { w, x, y, z } = frame.orientation.quaternion;
      this.#rows.head.add([Math.round(ms), ...[w, x, y, z].map((value) => value.toPrecision(6))].join(','));
    }
    this.#watch.saved(frame);
  }

  /** A note of the person who records. */
  note(text: string): void {
    const line = text.replaceAll(/[\r\n]+/g, ' ').trim();
    this.#rows.notes.add(`${this.#nowMs()}, ${line}`);
  }

  /** A control was changed. */
  changed(control: string, shown: Setting): void {
    this.#rows.notes.add(`${this.#nowMs()},${this.#plan.scope.name},${control},${shown}`);
    this.#event(`${control} set to ${shown}`);
  }

  /** Something happened to the scope. */
  happened(message: string): void {
    this.note(message);
    this.#event(message);
  }

  /**
   * Writes what waits, closes everything and says what was recorded. What failed is in the report and never thrown: what could be saved is saved.
   *
   * @param counts payloads that made no frame since the start, and how often the board began to count anew
   */
  async stop(counts: { readonly corrupt: AssemblyCounts; readonly counterRestarts: number }): Promise<IntegrityReport> {
    const durationS = this.seconds;
    this.#stopping.abort();
    await this.#syncing;
    const end = this.#dependencies.now();
    const endNs = this.#dependencies.clock.nowNs();
    const { highWater } = this.#film.stats();
    let written: readonly WrittenFilm[] = [];
    try {
      written = await this.#film.finish();
    } catch (error) {
      this.#failure ??= AppError.from(error).message;
    }
    for (const rows of Object.values(this.#rows) as RowFile[]) {
      try {
        await rows.close();
      } catch (error) {
        this.#failure ??= AppError.from(error).message;
      }
    }
    const device = path.join(this.folder, fileName(this.#plan.scope.name));
    const files: IntegrityReport['files'][number][] = [];
    for (const film of written) files.push({ ...film, sha256: await sha256(path.join(device, film.name)) });
    const report: IntegrityReport = {
      formatVersion: 1,
      device: this.#plan.scope.name,
      durationS,
      ...this.#watch.report(counts.corrupt, counts.counterRestarts),
      bufferHighWater: highWater,
      events: this.#events,
      files,
      failure: this.#failure,
    };
    await writeJson(path.join(device, 'integrity.json'), { ...report });
    const anchors = { start: this.#start, startNs: this.#startNs, end: { at: end, ns: endNs } };
    await writeJson(path.join(device, 'calyx.json'), clockAnchors(this.#plan, this.#dependencies, anchors));
    return report;
  }

  #nowMs(): number {
    return Math.round(this.seconds * 1000);
  }

  #event(text: string): void {
    this.#events.push({ timeS: Math.round(this.seconds * 1000) / 1000, text });
  }

  async #syncAlways(): Promise<void> {
    const { clock } = this.#dependencies;
    while (!this.#stopping.signal.aborted) {
      try {
        await clock.sleep(syncMs, this.#stopping.signal);
      } catch {
        return;
      }
      try {
        await Promise.all((Object.values(this.#rows) as RowFile[]).map((rows) => rows.flush()));
      } catch (error) {
        this.#failure ??= AppError.from(error).message;
      }
    }
  }
}

function checkRoi({ roi, name }: RigScope, type: ScopeType): void {
  if (roi === null) return;
  if (roi.leftEdge + roi.width <= type.width && roi.topEdge + roi.height <= type.height) return;
  throw new AppError(
    'recording.bad_rig',
    `The part of ${name}'s frame to be kept (${roi.width} × ${roi.height} at ${roi.leftEdge}, ${roi.topEdge}) does not lie inside ${type.width} × ${type.height}.`,
  );
}

function cut(pixels: Uint8Array, width: number, roi: Roi): Uint8Array {
  const out = new Uint8Array(roi.width * roi.height);
  for (let y = 0; y < roi.height; y += 1) {
    const from = (roi.topEdge + y) * width + roi.leftEdge;
    out.set(pixels.subarray(from, from + roi.width), y * roi.width);
  }
  return out;
}

function baseMetadata({ rig, scope }: RecordingPlan, folder: string, start: Date): Readonly<Record<string, unknown>> {
  const tokens = rig.directoryStructure.filter((token) => !['date', 'time'].includes(token.toLowerCase()));
  return {
    ...Object.fromEntries(tokens.map((token) => [token, rig.texts[token] ?? ''])),
    researcherName: rig.researcherName,
    experimentName: rig.experimentName,
    animalName: rig.animalName,
    baseDirectory: folder,
    recordingStartTime: startTime(start),
    miniscopes: [scope.name],
    cameras: [],
  };
}

/** `frameRate` and `gain` as labels, and always a ROI: the field's loaders count on both. */
function deviceMetadata({ scope, type, settings }: RecordingPlan, folder: string): Readonly<Record<string, unknown>> {
  return {
    deviceName: scope.name,
    deviceType: type.type,
    deviceID: scope.deviceId,
    deviceDirectory: folder,
    framesPerFile: scope.framesPerFile,
    compression: scope.compression,
    ROI: scope.roi ?? { leftEdge: 0, topEdge: 0, width: type.width, height: type.height },
    ...Object.fromEntries([...settings].map(([name, { shown }]) => [name, shown])),
  };
}

/** What ties the monotonic clock of `calyxFrames.csv` to the wall clock, and what the pixels are. */
function clockAnchors(
  { rig }: RecordingPlan,
  { programVersion }: RecorderDependencies,
  times: {
    readonly start: Date;
    readonly startNs: bigint;
    readonly end: { readonly at: Date; readonly ns: bigint } | null;
  },
): Readonly<Record<string, unknown>> {
  const { start, startNs, end } = times;
  const elapsedMs = end === null ? null : Number(end.ns - startNs) / 1e6;
  return {
    formatVersion: 1,
    program: `Calyx ${programVersion}`,
    rawLuma: true,
    simulated: rig.isSimulated,
    startMonotonicNs: String(startNs),
    startUnixMs: start.getTime(),
    tzOffsetMin: -start.getTimezoneOffset(),
    ...(end === null || elapsedMs === null
      ? {}
      : {
          endMonotonicNs: String(end.ns),
          endUnixMs: end.at.getTime(),
          driftMs: Math.round((end.at.getTime() - start.getTime() - elapsedMs) * 1000) / 1000,
        }),
  };
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
