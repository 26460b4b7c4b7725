// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { AppError } from '../contract/index.ts';
import type { NewCell, RunArray } from '../library/index.ts';

const FileEntry = z.object({
  path: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.number().int(),
  dtype: z.string().optional(),
  shape: z.array(z.number().int()).optional(),
});

const RunJson = z.looseObject({
  formatVersion: z.number().int(),
  files: z.array(FileEntry),
  engineVersion: z.string().optional(),
});

const number = z
  .number()
  .nullish()
  .transform((value) => value ?? null);

const CellEntry = z.looseObject({
  row: z.number().int(),
  centroid: z.object({ y: number, x: number }),
  box: z.object({ top: z.number().int(), left: z.number().int(), height: z.number().int(), width: z.number().int() }),
  accepted: z.boolean(),
  reasons: z.array(z.string()),
});

const MetricsJson = z.object({ formatVersion: z.number().int(), cells: z.array(CellEntry) });

/** A finished run folder, read for the library and for exports. */
export interface RunResult {
  /** run.json as it is. */
  readonly run: z.infer<typeof RunJson>;
  readonly arrays: readonly RunArray[];
  readonly cells: readonly NewCell[];
}

/** Version of the run folder's form that this program reads. */
const runFormat = 1;

const numpyTypes: Readonly<Record<string, string>> = {
  float32: '<f4',
  float64: '<f8',
  uint32: '<u4',
  int32: '<i4',
  uint8: '|u1',
};

/**
 * Reads run.json and metrics.json of a run folder.
 *
 * @throws AppError `run.format_newer`, `engine.internal` when the folder is not what the engine promises
 */
export async function readResult(folder: string): Promise<RunResult> {
  const run = await readJson(path.join(folder, 'run.json'), RunJson);
  if (run.formatVersion > runFormat) {
    throw new AppError(
      'run.format_newer',
      `This run has format ${run.formatVersion}; this program reads up to ${runFormat}.`,
      {
        hint: 'Update Calyx.',
      },
    );
  }
  const metrics = await readJson(path.join(folder, 'metrics.json'), MetricsJson);
  return { run, arrays: run.files.map(arrayOf), cells: metrics.cells.map(cellOf) };
}

async function readJson<T>(file: string, schema: z.ZodType<T>): Promise<T> {
  const name = path.basename(file);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new AppError('engine.internal', `The run's ${name} cannot be read.`, { cause: error });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new AppError('engine.internal', `The run's ${name} is not as expected: ${z.prettifyError(parsed.error)}`);
}

function arrayOf(entry: z.infer<typeof FileEntry>): RunArray {
  const extension = path.extname(entry.path).slice(1);
  const dtype = extension === 'npy' ? (numpyTypes[entry.dtype ?? ''] ?? entry.dtype ?? 'unknown') : extension;
  return { path: entry.path, dtype, shape: entry.shape ?? [], bytes: entry.bytes, sha256: entry.sha256 };
}

/** Fields of a cell that are not metrics. */
const places = new Set(['row', 'centroid', 'box', 'accepted', 'reasons']);

function cellOf(entry: z.infer<typeof CellEntry>): NewCell {
  const metrics: Record<string, number | null> = {};
  for (const [name, value] of Object.entries(entry)) {
    if (!places.has(name)) metrics[name] = typeof value === 'number' && Number.isFinite(value) ? value : null;
  }
  const { box } = entry;
  return {
    row: entry.row,
    // An empty footprint has no centroid; its box's middle stands in.
    centroid: { y: entry.centroid.y ?? box.top + box.height / 2, x: entry.centroid.x ?? box.left + box.width / 2 },
    box,
    metrics,
    suggested: entry.accepted,
    reasons: entry.reasons,
  };
}
