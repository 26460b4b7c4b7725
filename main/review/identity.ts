// SPDX-License-Identifier: MIT
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { AppError } from '../contract/index.ts';
import { engineExecutable, engineProblem } from '../installation/index.ts';
import { cancelEngine, engineEnd, failureOf, fileError, keepWords, startEngine } from '../processing/index.ts';

/** A session of a match. */
export interface SessionSource {
  /** Absolute: a run or export folder, a folder with known truth, or a file of footprints (.npz, .npy, .mat). */
  readonly path: string;
  /** Rows and columns of a frame where the source does not say. */
  readonly frame?: { readonly height: number; readonly width: number } | undefined;
}

/** What a match is asked for. */
export interface MatchOptions {
  /** At least two. */
  readonly sessions: readonly SessionSource[];
  /** Width of a pixel in µm, the same in all sessions. */
  readonly umPerPx: number;
  /** Rejected components take part too. */
  readonly allComponents: boolean;
  readonly threads: number;
  readonly memoryBytes: number;
  /** Cancels. */
  readonly signal: AbortSignal;
  readonly onProgress: (step: string, overall: number) => void;
  readonly onWarning: (code: string, message: string) => void;
}

/** A footprint: session counted from 1, row of its footprints. */
const Member = z.tuple([z.number().int().min(1), z.number().int().min(0)]);

/** The engine's answer, docs/formats.md; fields that are only shown to people who read JSON are passed on as they are. */
const MatchReport = z.looseObject({
  formatVersion: z.literal(1),
  sessions: z.array(
    z.looseObject({
      session: z.number(),
      path: z.string(),
      cells: z.number(),
      shiftPx: z.tuple([z.number(), z.number()]),
      rotationDegrees: z.number(),
    }),
  ),
  groups: z.array(z.array(Member)),
  scores: z.array(z.array(z.number())),
  cells: z.number(),
  cellsInSeveralSessions: z.number(),
  meanShareOfSessions: z.number().nullable(),
  meanScore: z.number().nullable(),
  controls: z.looseObject({ falseMatchRate: z.number().nullable() }),
});
export type MatchReport = z.infer<typeof MatchReport>;

const Message = z.discriminatedUnion('type', [
  z.object({ type: z.literal('progress'), step: z.string(), overall: z.number() }),
  z.object({ type: z.literal('warning'), code: z.string(), message: z.string() }),
  z.object({ type: z.literal('done'), output: z.string() }),
  z.object({
    type: z.literal('error'),
    code: z.string(),
    message: z.string(),
    hint: z.string().optional(),
    retryable: z.boolean().optional(),
  }),
]);
type Message = z.infer<typeof Message>;

/**
 * Finds the same cells in several sessions. Everything it writes lies in a folder of its own that is gone afterwards.
 *
 * @throws AppError `review.footprints_unreadable`, `review.frame_size_unknown`, `engine.*`, `disk.*`
 */
export async function matchSessions(options: MatchOptions): Promise<MatchReport> {
  const problem = engineProblem();
  if (problem !== undefined) throw new AppError('engine.missing', problem);
  const folder = await mkdtemp(path.join(tmpdir(), 'calyx-match-')).catch((error: unknown) => {
    throw fileError(error, 'making the job');
  });
  try {
    const output = path.join(folder, 'matches.json');
    const job = {
      formatVersion: 1,
      output,
      umPerPx: options.umPerPx,
      allComponents: options.allComponents,
      sessions: options.sessions.map((session) => ({ path: session.path, ...session.frame })),
      budget: { threads: options.threads, memoryBytes: options.memoryBytes },
    };
    await writeFile(path.join(folder, 'job.json'), `${JSON.stringify(job)}\n`);
    await runEngine(folder, options);
    return MatchReport.parse(JSON.parse(await readFile(output, 'utf8')));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runEngine(folder: string, { signal, onProgress, onWarning }: MatchOptions): Promise<void> {
  if (signal.aborted) throw new AppError('engine.cancelled', 'The match was cancelled.');
  const child = startEngine(engineExecutable(), ['match', folder]);
  const cancel = (): void => cancelEngine(child);
  signal.addEventListener('abort', cancel);
  let step: string | null = null;
  let done = false;
  let failure: Extract<Message, { type: 'error' }> | null = null;
  const lastWords: string[] = [];
  const other = (line: string): void => keepWords(lastWords, line);
  const take = (line: string): void => {
    const message = messageOf(line);
    if (message === undefined) return other(line);
    if (message.type === 'progress') {
      ({ step } = message);
      onProgress(message.step, message.overall);
    }
    if (message.type === 'warning') onWarning(message.code, message.message);
    if (message.type === 'done') done = true;
    if (message.type === 'error') failure = message;
  };
  createInterface({ input: child.stdout }).on('line', take);
  createInterface({ input: child.stderr }).on('line', other);
  try {
    const end = await engineEnd(child);
    if (end.code === 0 && done) return;
    throw failureOf({ ...end, error: failure, stage: step, lastWords });
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

function messageOf(line: string): Message | undefined {
  try {
    const parsed = Message.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
