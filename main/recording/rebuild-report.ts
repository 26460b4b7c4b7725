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
  /** Frames the board counted and that are not there; null when its counter was never read, or began anew. */
  readonly missing: number | null;
  readonly gaps: readonly {
    readonly afterFrame: number;
    readonly frames: number;
    readonly timeS: number;
    readonly where: 'link' | 'disk';
  }[];
  readonly interruptions: readonly { readonly afterFrame: number; readonly timeS: number; readonly seconds: number }[];
  readonly unreadCounters: number;
  readonly longestIntervalMs: number | null;
  readonly usualIntervalMs: number | null;
  readonly durationS: number;
}

/** Reads what timeStamps.csv and calyxFrames.csv say. */
export async function readLost(folder: string): Promise<Lost> {
  const header = 'a,b,c,d,e';
  const read = await readRows(path.join(folder, 'timeStamps.csv'), { header, isFree: false });
  const times = read?.rows ?? [];
  // A camera has no counter.
  const counterColumn = read?.columns.indexOf('DAQ Frame Number') ?? -1;
  const ours =
    (await readRows(path.join(folder, 'calyxFrames.csv'), { header: `${header},f,g`, isFree: false }))?.rows ?? [];
  const ms = times.map((row) => Number(row.split(',')[1]));
  const counters = times.map((row) => (counterColumn === -1 ? -1 : Number(row.split(',')[counterColumn] ?? -1)));
  const raw = ours.map((row) => Number(row.split(',')[1] ?? -1));
  const onLink = ours.map((row) => Number(row.split(',')[6] ?? 0));
  const { gaps, interruptions } = gapsOf({ ms, counters, raw, onLink });
  const intervals = ms.slice(1).map((value, n) => value - (ms[n] ?? 0));
  const sorted = [...intervals].sort((a, b) => a - b);
  const isCounted = counters.some((counter) => counter >= 0);
  return {
    saved: times.length,
    missing: isCounted && interruptions.length === 0 ? gaps.reduce((sum, { frames }) => sum + frames, 0) : null,
    gaps,
    interruptions,
    unreadCounters: counters.filter((counter) => counter < 0).length,
    longestIntervalMs: sorted.at(-1) ?? null,
    usualIntervalMs: sorted[sorted.length >> 1] ?? null,
    durationS: (ms.at(-1) ?? 0) / 1000,
  };
}

/** What the counters of a recording's rows say: frames that came and could not be saved have no row, but they were counted. */
function gapsOf(rows: {
  readonly ms: readonly number[];
  /** Counted on over 16 bits; −1 where it could not be read. */
  readonly counters: readonly number[];
  /** As read. */
  readonly raw: readonly number[];
  readonly onLink: readonly number[];
}): Pick<Lost, 'gaps' | 'interruptions'> {
  const { ms, counters, raw, onLink } = rows;
  const gaps: Lost['gaps'][number][] = [];
  const interruptions: Lost['interruptions'][number][] = [];
  let before: number | undefined;
  for (const [n, counter] of counters.entries()) {
    if (counter < 0) continue;
    if (before !== undefined) {
      const step = counter - (counters[before] ?? 0);
      const frames = step - (n - before);
      const timeS = (ms[n] ?? 0) / 1000;
      const rawStep = (raw[n] ?? -1) - (raw[before] ?? -1);
      const isRead = (raw[n] ?? -1) >= 0 && (raw[before] ?? -1) >= 0;
      if (isRead && (rawStep - step) % 0x1_0000 !== 0) {
        interruptions.push({ afterFrame: n - 1, timeS, seconds: timeS - (ms[n - 1] ?? 0) / 1000 });
      }
      if (frames > 0) {
        const lost = onLink.slice(before + 1, n + 1).reduce((sum, count) => sum + count, 0);
        gaps.push({ afterFrame: n - 1, frames, timeS, where: frames > lost ? 'disk' : 'link' });
      }
    }
    before = n;
  }
  return { gaps, interruptions };
}

/** The integrity report of a recording that ended without a stop: what its files say; what they do not say is null. */
export async function rebuildReport(about: {
  readonly folder: string;
  readonly device: string;
  /** It has no counter, and fewer tables. */
  readonly isCamera: boolean;
  readonly films: readonly string[];
  readonly at: Date;
  readonly framesCut: number;
  readonly rowsCut: number;
}): Promise<Readonly<Record<string, unknown>>> {
  const { folder, device, isCamera, films, at, framesCut, rowsCut } = about;
  const lost = await readLost(folder);
  const files: unknown[] = [];
  for (const name of films) {
    const file = path.join(folder, name);
    const found = await stat(file).catch(() => undefined);
    if (found === undefined) continue;
    const { frames } = await inspectAvi(file);
    files.push({ name, frames, bytes: found.size, sha256: await sha256OfFile(file) });
  }
  const ended = {
    files,
    failure: null,
    stopped: 'The recording ended without a stop.',
    recovered: { at: at.toISOString(), framesCut, rowsCut },
  };
  const { durationS, saved, usualIntervalMs, longestIntervalMs } = lost;
  const begun = { formatVersion: 1, device, ...(isCamera ? { kind: 'camera' } : {}), durationS, saved };
  if (isCamera) {
    const unknown = { expected: null, missing: null, knownMissing: 0, bufferHighWater: null, events: [] };
    return { ...begun, ...unknown, usualIntervalMs, longestIntervalMs, ...ended };
  }
  return {
    ...begun,
    expected: lost.missing === null ? null : lost.saved + lost.missing,
    missing: lost.missing,
    knownMissing: lost.gaps.reduce((sum, { frames }) => sum + frames, 0),
    gaps: lost.gaps,
    interruptions: lost.interruptions,
    badOrientations: null,
    blackFrames: null,
    unreadCounters: lost.unreadCounters,
    counterRestarts: lost.interruptions.length,
    corrupt: null,
    longestIntervalMs,
    usualIntervalMs,
    jitterMs: null,
    meanGrey: null,
    saturatedShare: null,
    bufferHighWater: null,
    events: [],
    ...ended,
  };
}
