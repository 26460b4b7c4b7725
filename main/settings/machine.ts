// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { AppError, ProcessingSettings } from '../contract/index.ts';
import { writeWholeFile } from '../recording/index.ts';

const version = 1;
const nothing: ProcessingSettings = { threads: null, memoryBytes: null, cacheBytes: null };

/** Limits of runs as they were set, kept in `settings.json`; what a newer program wrote there stays. */
export class MachineSettings {
  readonly #file: string;
  #rest: Readonly<Record<string, unknown>> = {};
  #processing: ProcessingSettings = nothing;

  constructor(folder: string) {
    this.#file = path.join(folder, 'settings.json');
    try {
      const json: unknown = JSON.parse(readFileSync(this.#file, 'utf8'));
      if (typeof json !== 'object' || json === null) return;
      this.#rest = json as Readonly<Record<string, unknown>>;
      const read = ProcessingSettings.safeParse(this.#rest['processing']);
      if (read.success) this.#processing = read.data;
    } catch {
      // A first start, or a file that cannot be read: what the machine suggests holds, and nothing is overwritten before something is set.
    }
  }

  get processing(): ProcessingSettings {
    return this.#processing;
  }

  /** @throws AppError `disk.io` */
  async setProcessing(change: Partial<ProcessingSettings>): Promise<ProcessingSettings> {
    const processing = { ...this.#processing, ...change };
    try {
      await mkdir(path.dirname(this.#file), { recursive: true });
      await writeWholeFile(this.#file, `${JSON.stringify({ version, ...this.#rest, processing }, null, 2)}\n`);
    } catch (error) {
      throw new AppError('disk.io', 'The settings could not be saved.', {
        hint: 'Check your rights in the folder of your settings, and the room on its disk.',
        cause: error,
      });
    }
    this.#processing = processing;
    return processing;
  }
}
