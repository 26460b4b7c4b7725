// SPDX-License-Identifier: MIT
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../contract/index.ts';
import type { Clock } from '../devices/index.ts';
import type { Disk } from './disk.ts';
import { baseMetadata } from './metadata.ts';
import type { Rig } from './rig.ts';
import { RowFile } from './row-file.ts';
import { fileName, makeNewFolder, recordingFolder, writeJson } from './session-folder.ts';

/** No moment is so late. */
const never = 2n ** 62n;

/** What the devices of one recording have in common: the folder, one time zero, and the notes. */
export class SharedSession {
  readonly folder: string;
  readonly #clock: Clock;
  readonly #disk: Disk;
  readonly #now: () => Date;
  readonly #about: (start: Date) => Readonly<Record<string, unknown>>;
  #start: Date;
  #startNs: bigint;
  readonly #notes: RowFile;

  private constructor(made: {
    readonly folder: string;
    readonly start: Date;
    readonly startNs: bigint;
    readonly about: (start: Date) => Readonly<Record<string, unknown>>;
    readonly clock: Clock;
    readonly now: () => Date;
    readonly disk: Disk;
    readonly notes: RowFile;
  }) {
    this.folder = made.folder;
    this.#start = made.start;
    this.#startNs = made.startNs;
    this.#about = made.about;
    this.#clock = made.clock;
    this.#now = made.now;
    this.#disk = made.disk;
    this.#notes = made.notes;
  }

  get start(): Date {
    return this.#start;
  }

  /** Monotonic time that is 0 in every file of the recording; later than any while the devices are held. */
  get startNs(): bigint {
    return this.#startNs;
  }

  get metaData(): Readonly<Record<string, unknown>> {
    return this.#about(this.#start);
  }

  /** Lets the devices go: now is time zero for all of them. @throws the system's error */
  async release(): Promise<void> {
    this.#start = this.#now();
    this.#startNs = this.#clock.nowNs();
    await writeJson(path.join(this.folder, 'metaData.json'), this.metaData, this.#disk);
  }

  /**
   * Makes the folder, its `metaData.json` and `notes.csv`.
   *
   * @throws AppError `disk.io`, `recording.bad_rig` for two devices that would share a folder
   */
  static async make(
    plan: {
      readonly rig: Rig;
      readonly dataDirectory: string;
      /** The folder, where it was made already and is empty; else one is made by the rig's tokens. */
      readonly folder?: string;
      readonly miniscopes: readonly string[];
      readonly cameras: readonly string[];
      /** Devices save nothing before {@link SharedSession.release}. */
      readonly held?: boolean;
    },
    { clock, now, disk }: { readonly clock: Clock; readonly now: () => Date; readonly disk: Disk },
  ): Promise<SharedSession> {
    const { rig, dataDirectory, miniscopes, cameras } = plan;
    refuseSharedFolders([...miniscopes, ...cameras]);
    const start = now();
    const folder = plan.folder ?? (await makeNewFolder(recordingFolder(rig, dataDirectory, start), disk));
    await mkdir(path.join(folder, 'experiment'));
    const startNs = plan.held === true ? never : clock.nowNs();
    const about = (at: Date): Readonly<Record<string, unknown>> =>
      baseMetadata(rig, { miniscopes, cameras }, folder, at);
    await writeJson(path.join(folder, 'metaData.json'), about(start), disk);
    const notes = await RowFile.create(path.join(folder, 'notes.csv'), 'Time Stamp (ms), Note', disk);
    await disk.syncFolder(folder);
    return new SharedSession({ folder, start, startNs, about, clock, now, disk, notes });
  }

  /** Seconds since the start. */
  get seconds(): number {
    return this.#startNs === never ? 0 : Number(this.#clock.nowNs() - this.#startNs) / 1e9;
  }

  /** A row of notes.csv. */
  note(text: string): void {
    this.#notes.add(`${Math.round(this.seconds * 1000)}, ${oneLine(text)}`);
  }

  /** A change of a control, as a row of notes.csv. */
  changed(device: string, control: string, shown: string | number): void {
    this.#notes.add(`${Math.round(this.seconds * 1000)},${oneLine(device)},${control},${shown}`);
  }

  /** @throws the system's error */
  flush(): Promise<void> {
    return this.#notes.flush();
  }

  /** @throws the system's error */
  close(): Promise<void> {
    return this.#notes.close();
  }
}

/** Names that differ by their case or by what a folder's name may not hold would share a folder, and overwrite each other. */
function refuseSharedFolders(devices: readonly string[]): void {
  const taken = new Map<string, string>(
    ['experiment', 'imageCaptures', 'behaviorTracker'].map((name) => [name.toLowerCase(), name]),
  );
  for (const name of devices) {
    const key = fileName(name).toLowerCase();
    const other = taken.get(key);
    if (other !== undefined) {
      throw new AppError(
        'recording.bad_rig',
        `Two devices cannot share the folder ${fileName(name)}: “${other}” and “${name}”.`,
        {
          hint: 'Give the device another name in the rig.',
        },
      );
    }
    taken.set(key, name);
  }
}

/** What some reader takes for the end of a line, or cannot show, is a space. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}
