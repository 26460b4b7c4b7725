// SPDX-License-Identifier: MIT
/** The thread that reads another program's result and writes it as a run folder: large tables never pass the core. */
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { AppError } from '../../contract/index.ts';
import type { TypedJson } from '../../library/index.ts';
import { inPercents, type ThreadEnd } from '../../threads/index.ts';
import { readerOf } from './readers/index.ts';
import { unreadable } from './check.ts';
import { type ForeignResult, slabsOf, type Table } from './foreign-result.ts';
import { writeRun } from './write-run.ts';

/** What the thread is asked for. */
export const ReadJob = z.object({
  place: z.string(),
  /** Where the run folder is written; null: it is only read. */
  folder: z.string().nullable(),
  fps: z.number().nullable(),
  /** The recording it is of, where that is known. */
  field: z.object({ height: z.number(), width: z.number(), frames: z.number(), fps: z.number().nullable() }).nullable(),
});
export type ReadJob = z.infer<typeof ReadJob>;

/** How far the thread is. */
export interface ReadProgress {
  readonly type: 'progress';
  readonly step: string;
  readonly fraction: number;
}

/** What the core is told of a result. */
export interface ReadSummary {
  readonly program: string;
  readonly version: string | null;
  readonly height: number;
  readonly width: number;
  readonly frames: number;
  readonly fps: number | null;
  readonly cells: number;
  readonly parameters: Readonly<Record<string, TypedJson>>;
  readonly findings: readonly string[];
}

const report = inPercents((step, fraction) =>
  parentPort?.postMessage({ type: 'progress', step, fraction } satisfies ReadProgress),
);

/** Share of the work that is done once the cells are known; the rest are the tables of traces. */
const cellsShare = 0.4;

async function work(): Promise<ReadSummary> {
  const { place, folder, fps, field } = ReadJob.parse(workerData);
  report('reading the cells', 0);
  const reader = await readerOf(place);
  if (reader === null) throw unreadable(place, 'no program whose results Calyx reads wrote it.');
  const result = await reader.read(place, field, (share) => report('reading the cells', cellsShare * share));
  const findings = [...result.findings];
  const rated = { ...result, fps: fps ?? result.fps, findings, traces: followed(result, findings) };
  if (folder !== null) await writeRun(folder, rated, reader.title);
  else await readThrough(rated);
  const { program, version, height, width, frames, parameters, footprints } = rated;
  return { program, version, height, width, frames, fps: rated.fps, cells: footprints.length, parameters, findings };
}

/**
 * The tables of a result, each piece of which tells how much of all of them was read. When all is read, `findings` say how many values are no numbers.
 */
function followed({ traces, footprints, frames }: ForeignResult, findings: string[]): ForeignResult['traces'] {
  const tables = Object.entries(traces);
  const total = Math.max(1, tables.length * footprints.length);
  let [done, blanks] = [0, 0];
  const follow =
    (table: Table): Table =>
    async (first, count) => {
      report('reading the traces', cellsShare + ((1 - cellsShare) * done) / total);
      const read =
        typeof table === 'function'
          ? await table(first, count)
          : table.subarray(first * frames, (first + count) * frames);
      const odd = read.reduce((sum, value) => (Number.isFinite(value) ? sum : sum + 1), 0);
      done += count;
      blanks += odd;
      if (done === total && blanks > 0)
        findings.push(`${blanks} values of its traces are no numbers; they stay unknown.`);
      return read;
    };
  return Object.fromEntries(tables.map(([name, table]) => [name, follow(table)]));
}

/** What a look refuses is what an import would refuse: tables are read to their end. */
async function readThrough({ traces, footprints, frames }: ForeignResult): Promise<void> {
  for (const table of Object.values(traces)) {
    let rows = 0;
    for await (const { values } of slabsOf(table, footprints.length, frames)) rows += values.length;
    if (rows !== footprints.length * frames) throw new RangeError('a table of traces ended before its last row');
  }
}

const answer: ThreadEnd<ReadSummary> = await work().then(
  (value) => ({ type: 'done', value }) as const,
  (error: unknown) => ({ type: 'failed', error: AppError.from(error).toData() }) as const,
);
parentPort?.postMessage(answer);
