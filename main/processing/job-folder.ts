// SPDX-License-Identifier: MIT
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { encodeNpy } from '../arrays/index.ts';
import { AppError, type Budget } from '../contract/index.ts';
import type { Library, RunDetail, RunInputRow, StoredRecording } from '../library/index.ts';
import { frameTimes } from '../sessions/index.ts';
import { fileError } from './failure.ts';

/** Cores and memory a run gets where its budget says nothing. */
export interface Limits {
  readonly threads: number;
  readonly memoryBytes: number;
}

/** One entry of job.json's inputs. */
async function inputOf(
  recording: StoredRecording,
  format: string,
  index: number,
  range: { readonly firstFrame: number; readonly lastFrame: number | null },
  folder: string,
): Promise<Readonly<Record<string, unknown>>> {
  if (recording.fps === null) {
    throw new AppError('usage.invalid', `Nothing says how many frames per second ${recording.device} has.`, {
      hint: 'Give it with --fps when importing.',
    });
  }
  const films = recording.files.map((file) => ({ ...file, name: path.basename(file.path) }));
  const times = await frameTimes(format, films);
  if (times !== null) await writeFile(path.join(folder, `time-${index}.npy`), encodeNpy(times, [times.length]));
  return {
    recordingUuid: recording.uuid,
    films: films.map((film) => film.path),
    filmFrames: films.map((film) => film.frames),
    ...(times === null ? {} : { time: `time-${index}.npy` }),
    fps: recording.fps,
    firstFrame: range.firstFrame,
    lastFrame: range.lastFrame,
  };
}

/** What a job says, before it is a folder. */
export interface JobContent {
  readonly runUuid: string;
  /** Absolute run folder to be. */
  readonly output: string;
  readonly inputs: readonly RunInputRow[];
  readonly parameters: RunDetail['parameters'];
  readonly budget: Budget;
}

/**
 * Writes the folder that the engine reads (architecture.md 6): job.json and the times of each input.
 *
 * @returns the job folder, absolute, inside the library's cache
 * @throws AppError `session.no_films`, `session.bad_csv`, `usage.invalid`, `disk.full`, `disk.io`
 */
export async function writeJobFolder(library: Library, content: JobContent, limits: Limits): Promise<string> {
  const folder = jobFolderOf(library, content.runUuid);
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const inputs: Readonly<Record<string, unknown>>[] = [];
    for (const [index, input] of content.inputs.entries()) {
      const recording = await library.sessions.recording(input.recordingUuid);
      const { format } = await library.sessions.get(recording.sessionUuid);
      inputs.push(await inputOf(recording, format, index, input, folder));
    }
    const job = {
      formatVersion: 1,
      runUuid: content.runUuid,
      output: content.output,
      inputs,
      parameters: content.parameters,
      cache: library.folders.cache,
      ...(await modelOf(library, content, folder)),
      budget: {
        threads: content.budget.threads ?? limits.threads,
        memoryBytes: content.budget.memoryBytes ?? limits.memoryBytes,
      },
    };
    await writeFile(path.join(folder, 'job.json'), `${JSON.stringify(job, null, 2)}\n`);
    return folder;
  } catch (error) {
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    throw fileError(error, 'writing the job');
  }
}

/** Where the decisions are asked (`minProbability`), a copy of what was learned from them. */
async function modelOf(
  library: Library,
  { parameters }: JobContent,
  folder: string,
): Promise<{ readonly evaluationModel?: string }> {
  const { minProbability } = parameters;
  if (typeof minProbability !== 'number' || minProbability <= 0) return {};
  try {
    await copyFile(library.folders.evaluationModel, path.join(folder, 'evaluation-model.json'));
  } catch (cause) {
    throw new AppError('usage.invalid', 'Nothing was learned from your decisions yet, so they cannot be asked.', {
      hint: 'Run calyx learn once you have judged cells, or set --min-probability to 0.',
      cause,
    });
  }
  return { evaluationModel: 'evaluation-model.json' };
}

/** Where a run's job folder lies while the run goes on. */
export const jobFolderOf = (library: Library, runUuid: string): string =>
  path.join(library.folders.cache, 'jobs', runUuid);
