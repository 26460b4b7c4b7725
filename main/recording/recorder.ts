// SPDX-License-Identifier: MIT
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../contract/index.ts';
import type { AssemblyCounts, Clock, Firmware, Resolved, ScopeFrame, ScopeType, Setting } from '../devices/index.ts';
import { type FilmOptions, type FilmWriter, type WrittenFilm } from '../media/index.ts';
import { closedOnFailure, diskSentence, diskWords, systemDisk, type Disk } from './disk.ts';
import { fitFilms } from './fit-films.ts';
import { IntegrityWatch, type Integrity } from './integrity.ts';
import { LossTeller } from './losses.ts';
import { clockAnchors, deviceMetadata } from './metadata.ts';
import type { Rig, RigScope } from './rig.ts';
import { cutOut, refuseRoiOutside } from './roi.ts';
import { sha256OfFile } from '../checksum/index.ts';
import { RowFile, rowHeaders } from './row-file.ts';
import { fileName, writeJson } from './session-folder.ts';
import { SharedSession } from './shared-session.ts';
import { bytesPerSecond, checkSpace, refuseWithoutSpace, stopBelowBytes, stopSentence } from './space.ts';

/** What a recorder needs of the world. */
export interface RecorderDependencies {
  readonly clock: Clock;
  /** The wall clock. */
  readonly now: () => Date;
  readonly startFilm: (options: FilmOptions) => Promise<FilmWriter>;
  readonly programVersion: string;
  /** Where the files go; this computer's disk when it is left out. */
  readonly disk?: Disk;
  /** Told in words what is missing of a device, when it is known. */
  readonly onLoss?: (text: string, device: string) => void;
}

type World = RecorderDependencies & { readonly disk: Disk };

/** What is to be recorded. */
export interface RecordingPlan {
  readonly rig: Rig;
  readonly scope: RigScope;
  readonly type: ScopeType;
  readonly dataDirectory: string;
  /** The session's folder, where it was made already; else one is made by the rig's tokens. */
  readonly folder?: string;
  /** Settings of the scope at the start, by control. */
  readonly settings: ReadonlyMap<string, Resolved>;
  /** How long the recording is to be, s; null or left out for one without an end. */
  readonly plannedS?: number | null;
  /** What runs on the board. */
  readonly firmware?: Firmware;
}

/** The CSV files of a scope. */
interface Rows {
  readonly times: RowFile;
  readonly frames: RowFile;
  readonly head: RowFile;
}

/** Events of a report at most; what happens more often than that is in the gaps and counts. */
const mostEvents = 1000;

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
  /** Why the recording ended before somebody asked for it; null when nothing did. */
  readonly stopped: string | null;
}

/**
 * One scope's recording: a Miniscope-DAQ session folder that other programs read, with `calyx.json`, `integrity.json` and `calyxFrames.csv` beside their files
 * (acquisition.md 4, architecture.md 5).
 */
export class Recording {
  readonly folder: string;
  readonly #plan: RecordingPlan;
  readonly #dependencies: World;
  readonly #film: FilmWriter;
  readonly #rows: Rows;
  readonly #session: SharedSession;
  readonly #isAlone: boolean;
  readonly #metaData: Readonly<Record<string, unknown>>;
  readonly #watch: IntegrityWatch;
  readonly #losses: LossTeller;
  readonly #events: { timeS: number; text: string }[] = [];
  readonly #stopping = new AbortController();
  readonly #syncing: Promise<void>;
  #saved = 0;
  #failure: string | null = null;
  #stopped: string | null = null;
  #wrongSize = 0;

  private constructor(
    plan: RecordingPlan,
    dependencies: World,
    opened: {
      readonly session: SharedSession;
      readonly isAlone: boolean;
      readonly metaData: Readonly<Record<string, unknown>>;
      readonly film: FilmWriter;
      readonly rows: Rows;
    },
  ) {
    this.folder = opened.session.folder;
    this.#plan = plan;
    this.#dependencies = dependencies;
    this.#film = opened.film;
    this.#rows = opened.rows;
    this.#session = opened.session;
    this.#isAlone = opened.isAlone;
    this.#metaData = opened.metaData;
    this.#watch = new IntegrityWatch(
      () => opened.session.startNs,
      () => 1e9 / (plan.settings.get('frameRate')?.number ?? 30),
    );
    this.#losses = new LossTeller(
      () => opened.session.startNs,
      (text) => this.#loss(text),
    );
    this.#syncing = this.#syncAlways();
  }

  /**
   * Makes the folder and its files; frames may come from then on.
   *
   * @param shared the session that several devices record into together; a folder of its own when it is left out
   * @throws AppError `disk.full` without room for it, `disk.io`, `media.ffmpeg_missing`, `recording.bad_rig` for a part outside the frame
   */
  static async start(
    plan: RecordingPlan,
    dependencies: RecorderDependencies,
    shared?: SharedSession,
  ): Promise<Recording> {
    const { disk = systemDisk(dependencies.startFilm) } = dependencies;
    return await closedOnFailure(disk, (on) => Recording.#make(plan, { ...dependencies, disk: on }, shared));
  }

  static async #make(plan: RecordingPlan, world: World, shared?: SharedSession): Promise<Recording> {
    const { scope, type, rig } = plan;
    const { disk } = world;
    refuseRoiOutside(scope, type);
    const perSecond = bytesPerSecond(scope, type, plan.settings);
    refuseWithoutSpace(await checkSpace(plan.dataDirectory, { perSecond, plannedS: plan.plannedS ?? null }, disk));
    const session =
      shared ??
      (await SharedSession.make(
        { ...plan, miniscopes: [scope.name], cameras: rig.cameras.map(({ name }) => name) },
        world,
      ));
    const device = path.join(session.folder, fileName(scope.name));
    await mkdir(device);
    const metaData = deviceMetadata(scope, type, plan.settings, device);
    await writeJson(path.join(device, 'metaData.json'), metaData, disk);
    const anchors = { start: session.start, startNs: session.startNs, end: null };
    await writeJson(
      path.join(device, 'calyx.json'),
      clockAnchors(aboutOf(plan, world, session, metaData), anchors),
      disk,
    );
    const rows = {
      times: await RowFile.create(path.join(device, 'timeStamps.csv'), rowHeaders['timeStamps.csv'], disk),
      frames: await RowFile.create(path.join(device, 'calyxFrames.csv'), rowHeaders['calyxFrames.csv'], disk),
      head: await RowFile.create(path.join(device, 'headOrientation.csv'), rowHeaders['headOrientation.csv'], disk),
    };
    const size = scope.roi ?? type;
    const fps = plan.settings.get('frameRate')?.number ?? 30;
    const film = await disk.startFilm({
      folder: device,
      width: size.width,
      height: size.height,
      fps,
      compression: scope.compression,
      framesPerFile: scope.framesPerFile,
    });
    await disk.syncFolder(device);
    return new Recording(plan, world, { session, isAlone: shared === undefined, metaData, film, rows });
  }

  /** The session has its time zero now. @throws the system's error */
  async released(): Promise<void> {
    await this.#anchor(null);
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
    const { failure } = this.#film.stats();
    return this.#failure ?? (failure === null ? null : diskWords(failure));
  }

  /** Why the recording has ended by itself and takes no frame any more, in the words for a person; null while it is on. */
  get stopped(): string | null {
    return this.#stopped ?? this.failure;
  }

  /** Frames that wait to be written, and the most that ever did; 128 fit. */
  get buffer(): { readonly waiting: number; readonly highWater: number } {
    const { waiting, highWater } = this.#film.stats();
    return { waiting, highWater };
  }

  /** What the frames so far say; null for what is unknown. Cheap: for a line that is always on the screen. */
  get missing(): number | null {
    return this.#watch.missing;
  }

  /** Seconds since the start. */
  get seconds(): number {
    return this.#session.seconds;
  }

  /** The frame that the board had sent last when the recording began; told before the first one is brought. */
  begins(sent: number | null): void {
    this.#watch.begins(sent);
  }

  /**
   * No frame came any more at the end.
   *
   * @param lost frames the board has sent since the last one; null when it cannot say
   */
  endsSilent(lost: number | null): void {
    this.#watch.ends(this.#dependencies.clock.nowNs(), lost);
    this.#losses.silentAtEnd(lost);
  }

  /** Takes a frame; never waits. */
  frame(frame: ScopeFrame): void {
    const { scope, type } = this.#plan;
    if (this.#stopped !== null) return;
    if (frame.firstNs < this.#session.startNs) {
      this.#watch.cameEarly(frame);
      return;
    }
    if (frame.pixels.length !== type.width * type.height) {
      this.#wrongSize += 1;
      this.#watch.notSaved(frame);
      if (this.#wrongSize === 1) {
        this.happened(
          `A frame of ${frame.pixels.length} pixels came where ${type.width} × ${type.height} are recorded; frames of another size are left out and counted.`,
        );
      }
      return;
    }
    const kept = scope.roi === null ? frame.pixels : cutOut(frame.pixels, type.width, scope.roi);
    const pushed = this.#film.push(kept);
    if (pushed !== 'taken') {
      this.#watch.notSaved(frame);
      if (pushed === 'failed') {
        this.#stop(endedSentence(this.failure ?? 'The film cannot be written.'));
        return;
      }
      this.#losses.full();
      return;
    }
    this.#losses.unsaved(this.#watch.unsavedNow, frame);
    this.#writeRows(frame);
    this.#losses.lost(this.#watch.saved(frame, kept), frame);
  }

  #writeRows(frame: ScopeFrame): void {
    const ms = Number(frame.lastNs - this.#session.startNs) / 1e6;
    const number = this.#saved;
    this.#saved += 1;
    const unix = Math.round(this.#session.start.getTime() + ms);
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
    if (frame.orientation !== null && (frame.orientation.good || !this.#plan.scope.filterBadOrientation)) {
      const { w, x, y, z } = frame.orientation.quaternion;
      this.#rows.head.add([Math.round(ms), ...[w, x, y, z].map((value) => value.toPrecision(6))].join(','));
    }
  }

  /** A note of the person who records. */
  note(text: string): void {
    this.#session.note(text);
  }

  /** A control was changed. */
  changed(control: string, shown: Setting): void {
    this.#session.changed(this.#plan.scope.name, control, shown);
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
    const { failure } = this;
    if (failure !== null && this.#stopped === null) this.#stop(endedSentence(failure));
    if (this.#stopped === null) this.#losses.unsavedAtEnd(this.#watch.unsavedNow);
    const end = this.#dependencies.now();
    const endNs = this.#dependencies.clock.nowNs();
    const { highWater } = this.#film.stats();
    let written: readonly WrittenFilm[] = [];
    await this.#attempt(async () => {
      written = await this.#film.finish();
    });
    for (const rows of Object.values(this.#rows) as RowFile[]) await this.#attempt(() => rows.close());
    if (this.#isAlone) await this.#attempt(() => this.#session.close());
    const device = path.join(this.folder, fileName(this.#plan.scope.name));
    // On a full disk a frame may have been written whose row was not, and those that waited never were.
    let cut = 0;
    if (this.failure !== null) {
      await this.#attempt(async () => {
        written = await fitFilms(device, this.#rows.times.written);
        cut = this.#saved - written.reduce((sum, { frames }) => sum + frames, 0);
      });
    }
    const files: IntegrityReport['files'][number][] = [];
    for (const film of written) {
      await this.#attempt(async () => {
        files.push({ ...film, sha256: await sha256OfFile(path.join(device, film.name)) });
      });
    }
    const report: IntegrityReport = {
      formatVersion: 1,
      device: this.#plan.scope.name,
      durationS,
      ...withoutLast(this.#watch.report(counts.corrupt, counts.counterRestarts), cut, durationS),
      bufferHighWater: highWater,
      events: this.#events,
      files,
      failure: this.failure,
      stopped: this.#stopped,
    };
    let unsaved: string | null = null;
    try {
      await this.#anchor({ at: end, ns: endNs });
      await writeJson(path.join(device, 'integrity.json'), { ...report }, this.#dependencies.disk);
    } catch (error) {
      unsaved = `The report could not be saved: ${AppError.from(error).message}`;
    }
    return { ...report, failure: report.failure ?? unsaved };
  }

  /** What ties the clocks together, in `calyx.json`. */
  async #anchor(end: { readonly at: Date; readonly ns: bigint } | null): Promise<void> {
    const { start, startNs } = this.#session;
    const about = aboutOf(this.#plan, this.#dependencies, this.#session, this.#metaData);
    const file = path.join(this.folder, fileName(this.#plan.scope.name), 'calyx.json');
    await writeJson(file, clockAnchors(about, { start, startNs, end }), this.#dependencies.disk);
  }

  async #attempt(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#failure ??= diskSentence(error);
    }
  }

  /** Something is missing: whoever records is told while it can still be mended. */
  #loss(text: string): void {
    this.#event(text);
    this.#dependencies.onLoss?.(text, this.#plan.scope.name);
  }

  #event(text: string): void {
    if (this.#events.length < mostEvents) this.#events.push({ timeS: Math.round(this.seconds * 1000) / 1000, text });
  }

  async #syncAlways(): Promise<void> {
    const { clock, disk } = this.#dependencies;
    const device = path.join(this.folder, fileName(this.#plan.scope.name));
    while (!this.#stopping.signal.aborted) {
      try {
        await clock.sleep(syncMs, this.#stopping.signal);
      } catch {
        return;
      }
      try {
        await Promise.all((Object.values(this.#rows) as RowFile[]).map((rows) => rows.flush()));
        await this.#session.flush();
        // A film that was begun meanwhile has a name that a power cut could take back.
        await disk.syncFolder(device);
      } catch (error) {
        this.#failure ??= diskSentence(error);
        if (this.#stopped === null) this.#stop(endedSentence(this.#failure));
        continue;
      }
      const free = await disk.freeBytes(this.folder).catch(() => null);
      if (free === null || free >= stopBelowBytes || this.#stopped !== null) continue;
      // Nothing left is not nearly nothing: the next write would say so.
      if (free === 0) this.#failure ??= 'The disk is full.';
      this.#stop(this.#failure === null ? stopSentence(free) : endedSentence(this.#failure));
    }
  }

  /** Ends the recording from inside: no frame is taken any more, and whoever started it is told by {@link Recording.stopped}. */
  #stop(sentence: string): void {
    this.happened(sentence);
    this.#stopped = sentence;
  }
}

/** A report on frames of which the last ones had to be given up. */
function withoutLast(integrity: Integrity, cut: number, timeS: number): Integrity {
  if (cut === 0) return integrity;
  const { saved, missing, gaps } = integrity;
  return {
    ...integrity,
    saved: saved - cut,
    missing: missing === null ? null : missing + cut,
    knownMissing: integrity.knownMissing + cut,
    gaps: [...gaps, { afterFrame: saved - cut - 1, frames: cut, timeS, where: 'disk' }],
  };
}

const endedSentence = (why: string): string => `${why} The recording was ended; what was written before is saved.`;

function aboutOf(
  { rig, firmware }: RecordingPlan,
  { programVersion }: RecorderDependencies,
  session: SharedSession,
  device: Readonly<Record<string, unknown>>,
): Parameters<typeof clockAnchors>[0] {
  return {
    programVersion,
    simulated: rig.isSimulated,
    ...(firmware === undefined ? {} : { firmware }),
    metaData: { session: session.metaData, device },
  };
}
