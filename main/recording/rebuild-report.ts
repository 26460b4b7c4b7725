// SPDX-License-Identifier: MIT
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { sha256OfFile } from '../checksum/index.ts';
import { inspectAvi } from '../media/index.ts';
import { readRows } from './row-repair.ts';

/** Frames that a recording's rows say were lost, place by place. */
export interface Lost {
  /** Saved frames with a row. */
  readonly saved: number;
  /** Frames the board counted and that never came; null when its counter was never read. */
  readonly missing: number | null;
  readonly gaps: readonly {
    readonly afterFrame: number;
    readonly frames: number;
    readonly timeS: number;
    readonly where: 'link';
  }[];
  readonly unreadCounters: number;
  readonly longestIntervalMs: number | null;
  readonly usualIntervalMs: number | null;
  readonly durationS: number;
}

/** Reads what timeStamps.csv and calyxFrames.csv say. */
export async function readLost(folder: string): Promise<Lost> {
  const header = 'a,b,c,d,e';
  const times = (await readRows(path.join(folder, 'timeStamps.csv'), { header, isFree: false }))?.rows ?? [];
  const ours =
    (await readRows(path.join(folder, 'calyxFrames.csv'), { header: `${header},f,g`, isFree: false }))?.rows ?? [];
  const ms = times.map((row) => Number(row.split(',')[1]));
  const counters = times.map((row) => Number(row.split(',')[3] ?? -1));
  const gaps: Lost['gaps'][number][] = [];
  for (const [n, row] of ours.entries()) {
    const frames = Number(row.split(',')[6] ?? 0);
    if (n > 0 && frames > 0) gaps.push({ afterFrame: n - 1, frames, timeS: (ms[n] ?? 0) / 1000, where: 'link' });
  }
  const intervals = ms.slice(1).map((value, n) => value - (ms[n] ?? 0));
  const sorted = [...intervals].sort((a, b) => a - b);
  const isCounted = counters.some((counter) => counter >= 0);
  return {
    saved: times.length,
    missing: isCounted ? gaps.reduce((sum, { frames }) => sum + frames, 0) : null,
    gaps,
    unreadCounters: counters.filter((counter) => counter < 0).length,
    longestIntervalMs: sorted.at(-1) ?? null,
    usualIntervalMs: sorted[sorted.length >> 1] ?? null,
    durationS: (ms.at(-1) ?? 0) / 1000,
  };
}

/** The integrity report of a recording that ended without a stop: what its files say; what they do not say is null. */
export async function rebuildReport(about: {
  readonly folder: string;
  readonly device: string;
  readonly films: readonly string[];
  readonly at: Date;
  readonly framesCut: number;
  readonly rowsCut: number;
}): Promise<Readonly<Record<string, unknown>>> {
  const { folder, device, films, at, framesCut, rowsCut } = about;
  const lost = await readLost(folder);
  const files: unknown[] = [];
  for (const name of films) {
    const file = path.join(folder, name);
    const found = await stat(file).catch(() => undefined);
    if (found === undefined) continue;
    const { frames } = await inspectAvi(file);
    files.push({ name, frames, bytes: found.size, sha256: await sha256OfFile(file) });
  }
  return {
    formatVersion: 1,
    device,
    durationS: lost.durationS,
    saved: lost.saved,
    expected: lost.missing === null ? null : lost.saved + lost.missing,
    missing: lost.missing,
    gaps: lost.gaps,
    unreadCounters: lost.unreadCounters,
    counterRestarts: null,
    corrupt: null,
    longestIntervalMs: lost.longestIntervalMs,
    usualIntervalMs: lost.usualIntervalMs,
    jitterMs: null,
    meanGrey: null,
    saturatedShare: null,
    bufferHighWater: null,
    events: [],
    files,
    failure: null,
    stopped: 'The recording ended without a stop.',
    recovered: { at: at.toISOString(), framesCut, rowsCut },
  };
}
