// SPDX-License-Identifier: MIT
import { open, type FileHandle } from 'node:fs/promises';

/** A text file that grows by rows. Rows wait in memory until {@link RowFile.flush}, which also makes them durable. */
export class RowFile {
  readonly #handle: FileHandle;
  #waiting = '';
  #writing: Promise<void> = Promise.resolve();

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Makes a new file with its first row. @throws the system's error when it exists already */
  static async create(file: string, header: string): Promise<RowFile> {
    const rows = new RowFile(await open(file, 'ax'));
    rows.add(header);
    await rows.flush();
    return rows;
  }

  add(row: string): void {
    this.#waiting += `${row}\n`;
  }

  /** Writes what waits, whole rows only, and syncs. @throws the system's error; the rows then wait for the next try */
  flush(): Promise<void> {
    const next = this.#writing.catch(() => undefined).then(() => this.#write());
    this.#writing = next;
    return next;
  }

  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      await this.#handle.close();
    }
  }

  async #write(): Promise<void> {
    const text = this.#waiting;
    if (text === '') return;
    this.#waiting = '';
    try {
      await this.#handle.appendFile(text);
      await this.#handle.datasync();
    } catch (error) {
      this.#waiting = text + this.#waiting;
      throw error;
    }
  }
}
