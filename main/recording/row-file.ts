// SPDX-License-Identifier: MIT
import type { Disk, DiskFile } from './disk.ts';

/** Headers of the CSV files of a scope, by file. */
export const rowHeaders = {
  'timeStamps.csv': 'Frame Number,Time Stamp (ms),Buffer Index,DAQ Frame Number,Unix Time Stamp (ms)',
  'calyxFrames.csv':
    'Frame Number,Raw Counter,First Payload (ns),Last Payload (ns),Device Time (ms),Inputs,Lost Before',
  'headOrientation.csv': 'Time Stamp (ms),qw,qx,qy,qz',
} as const;

/**
 * A text file that grows by whole rows. Rows are handed to the system at once, so that they outlive this process; {@link RowFile.flush} makes them durable. A
 * row that a full disk cut is taken back, and waits for the next try.
 */
export class RowFile {
  readonly #file: DiskFile;
  #length = 0;
  #rows = 0;
  #waiting = '';
  #writing: Promise<void> | undefined;
  #error: unknown;

  private constructor(file: DiskFile) {
    this.#file = file;
  }

  /** Makes a new file with its first row. @throws the system's error when it exists already */
  static async create(file: string, header: string, disk: Pick<Disk, 'create'>): Promise<RowFile> {
    const rows = new RowFile(await disk.create(file));
    try {
      rows.add(header);
      await rows.flush();
    } catch (error) {
      await rows.#file.close().catch(() => undefined);
      throw error;
    }
    return rows;
  }

  /** Rows that the system has taken, without the header. */
  get written(): number {
    return Math.max(0, this.#rows - 1);
  }

  add(row: string): void {
    this.#waiting += `${row}\n`;
    this.#writing ??= this.#writeAll();
  }

  /** Writes what waits and syncs. @throws the system's error; the rows then wait for the next try */
  async flush(): Promise<void> {
    this.#error = undefined;
    do {
      this.#writing ??= this.#writeAll();
      await this.#writing;
      if (this.#error !== undefined) throw this.#error;
    } while (this.#waiting !== '');
    await this.#file.sync();
  }

  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      await this.#file.close();
    }
  }

  async #writeAll(): Promise<void> {
    try {
      // Rows that come meanwhile go in the next round.
      await Promise.resolve();
      while (this.#waiting !== '') {
        const bytes = Buffer.from(this.#waiting);
        const { length: taken } = this.#waiting;
        await this.#file.write(bytes, this.#length);
        this.#length += bytes.length;
        this.#rows += bytes.filter((byte) => byte === 10).length;
        this.#waiting = this.#waiting.slice(taken);
      }
    } catch (error) {
      this.#error = error;
      await this.#file.truncate(this.#length).catch(() => undefined);
    } finally {
      this.#writing = undefined;
    }
  }
}
