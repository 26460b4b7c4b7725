// SPDX-License-Identifier: MIT
/** The thread that reads a tracking file: hundreds of thousands of rows never hold the core up. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { AppError } from '../contract/index.ts';
import { inPercents, type ThreadEnd } from '../threads/index.ts';
import { positionReaders } from './readers/index.ts';
import { unreadable } from './text.ts';
import { joinFrames, readTimes } from './times.ts';
import type { ReadPosition } from './types.ts';

export const ReadJob = z.object({
  file: z.string(),
  /** File of the times of the film's frames. */
  times: z.string().nullable(),
  fps: z.number().nullable(),
});
export type ReadJob = z.infer<typeof ReadJob>;

/** A file that was read, each row with its time. */
export interface Tracked extends Omit<ReadPosition, 'timesS' | 'frames'> {
  readonly timesS: Float64Array;
  readonly sha256: string;
  readonly title: string;
}

/** Bytes that tell the form. */
const headBytes = 64 * 1024;

/** How many of the rows were read, 0 to 1. */
export interface ReadShare {
  readonly type: 'share';
  readonly share: number;
}

const report = inPercents((_step, share) => parentPort?.postMessage({ type: 'share', share } satisfies ReadShare));

async function work(): Promise<Tracked> {
  const { file, times, fps } = ReadJob.parse(workerData);
  const hash = createHash('sha256');
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw new AppError('position.unreadable', `${path.basename(file)} cannot be opened.`, { cause: error });
  });
  const head = Buffer.alloc(headBytes);
  let bytesRead = 0;
  try {
    ({ bytesRead } = await handle.read(head, 0, headBytes, 0));
  } finally {
    await handle.close();
  }
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  const about = { path: file, head: head.subarray(0, bytesRead) };
  for (const reader of positionReaders) {
    if (!(await reader.recognises(about))) continue;
    const { timesS, frames, ...read } = await reader.read(file, (share) => report('rows', share));
    const samples = read.parts[0]?.x.length ?? 0;
    if (samples === 0) throw unreadable(file, 'it holds no row.');
    const own = frames ?? Float64Array.from({ length: samples }, (_, row) => row);
    const timed =
      times !== null
        ? joinFrames(own, await readTimes(times), times)
        : timesS !== null
          ? { timesS, findings: [] }
          : fps !== null
            ? { timesS: own.map((frame) => frame / fps), findings: [] }
            : null;
    if (timed === null) {
      throw new AppError('position.unreadable', `${path.basename(file)} holds no times.`, {
        hint: 'Give the file of the camera’s times (its timeStamps.csv) with --times, or its rate with --fps.',
      });
    }
    return {
      ...read,
      timesS: timed.timesS,
      findings: [...read.findings, ...timed.findings],
      sha256: hash.digest('hex'),
      title: reader.title,
    };
  }
  throw unreadable(file, 'it is none of the forms that are known.');
}

const answer: ThreadEnd<Tracked> = await work().then(
  (value) => ({ type: 'done', value }) as const,
  (error: unknown) => ({ type: 'failed', error: AppError.from(error).toData() }) as const,
);
parentPort?.postMessage(answer);
