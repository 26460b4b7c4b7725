// SPDX-License-Identifier: MIT
/** The process that damages inputs of one target and reads them. What it reads now lies in `now`, so that a crash or a hang can be repeated. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { AppError } from '../../main/contract/index.ts';
import { damaged, Dice } from './mutate.ts';
import type { Files } from './target.ts';
import { targets } from './targets.ts';

export const Job = z.object({
  target: z.string(),
  seed: z.number(),
  /** Ends after so long, ms. */
  ms: z.number(),
  /** First input; every input has a number and follows from the seed and it alone. */
  from: z.number(),
  folder: z.string(),
  /** Where inputs with findings are kept, by their number. */
  kept: z.string(),
});

/** What the runner tells. */
export type Said =
  | { readonly type: 'at'; readonly input: number }
  | { readonly type: 'finding'; readonly input: number; readonly what: string }
  | { readonly type: 'done'; readonly inputs: number; readonly refused: number };

const tell = (said: Said): void => void process.send?.(said);

/** Codes that stand for a bug of ours: a file must never lead to one. */
const bugs: ReadonlySet<string> = new Set(['rpc.internal', 'engine.internal', 'engine.crashed']);
/** Inputs kept of a run. */
const mostKept = 5;
/** More memory than that for a file of some kilobytes is a finding, bytes. */
const mostMemory = 1.2e9;

/** The files of input number `n`: one of a good set is damaged. */
export function inputOf(
  corpus: readonly Files[],
  seed: number,
  n: number,
): { readonly files: Files; readonly hurt: string } {
  const dice = new Dice(Math.imul(seed, 0x9e37_79b1) ^ Math.imul(n + 1, 0x85eb_ca6b));
  const files = dice.pick(corpus);
  const hurt = dice.pick(Object.keys(files));
  return { files: { ...files, [hurt]: damaged(files[hurt] ?? new Uint8Array(), dice) }, hurt };
}

async function run(): Promise<void> {
  const job = Job.parse(JSON.parse(process.argv[2] ?? ''));
  const target = targets.find(({ name }) => name === job.target);
  if (target === undefined) throw new Error(`There is no target “${job.target}”.`);
  const corpus = await target.corpus();
  const now = path.join(job.folder, 'now');
  // What is whole must be read: else nothing would be tried at all.
  for (const files of corpus) {
    put(now, files);
    if (!(await target.read(now, Object.keys(files)))) throw new Error('a whole input is not recognised');
  }
  const until = performance.now() + job.ms;
  let refused = 0;
  let found = 0;
  let n = job.from;
  for (; performance.now() < until; n += 1) {
    const { files } = inputOf(corpus, job.seed, n);
    put(now, files);
    tell({ type: 'at', input: n });
    try {
      await target.read(now, Object.keys(files));
    } catch (error) {
      refused += 1;
      const what = finding(error);
      if (what !== null) {
        if (found < mostKept) cpSync(now, path.join(job.kept, `${job.target}-${job.seed}-${n}`), { recursive: true });
        found += 1;
        tell({ type: 'finding', input: n, what });
      }
    }
    const { rss } = process.memoryUsage();
    if (rss > mostMemory) {
      tell({ type: 'finding', input: n, what: `${Math.round(rss / 1e6)} MB of memory` });
      break;
    }
  }
  tell({ type: 'done', inputs: n - job.from, refused });
}

function put(folder: string, files: Files): void {
  rmSync(folder, { recursive: true, force: true });
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), bytes);
  }
}

function finding(error: unknown): string | null {
  if (error instanceof AppError) {
    if (bugs.has(error.code)) return `${error.code}: ${error.message}`;
    return /\[object/.test(error.message) ? `a sentence that says nothing: ${error.message}` : null;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

if (process.send !== undefined) await run();
