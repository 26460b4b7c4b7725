// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { RecordingIntegrity } from '../contract/index.ts';
import { readLost } from '../recording/index.ts';
import { frameInRun, type RunPart } from './run-parts.ts';

const number = z.number().nullish();

/** `integrity.json` as far as it is shown; what a program did not write is unknown. */
const Report = z.looseObject({
  durationS: number,
  saved: number,
  expected: number,
  missing: number,
  knownMissing: number,
  gaps: z
    .array(
      z.looseObject({
        afterFrame: z.number().int(),
        frames: z.number().int(),
        timeS: z.number(),
        where: z.enum(['link', 'disk']),
      }),
    )
    .default([]),
  interruptions: z
    .array(z.looseObject({ afterFrame: z.number().int(), timeS: z.number(), seconds: z.number() }))
    .default([]),
  unreadCounters: number,
  blackFrames: number,
  badOrientations: number,
  longestIntervalMs: number,
  usualIntervalMs: number,
  jitterMs: number,
  meanGrey: number,
  saturatedShare: number,
  failure: z.string().nullish(),
  stopped: z.string().nullish(),
});

const notes = {
  'time-stamps':
    'There is no integrity report beside the films: this is what their time stamps and the board’s counter say.',
  none: 'Nothing beside the films says what is missing: no integrity report and no time stamps.',
  gone: 'The session folder is not on this machine. Connect its disk, or relink the session in Library.',
  damaged: 'The integrity report beside the films cannot be read: this is what their time stamps say.',
} as const;

const unknown = {
  durationS: null,
  saved: null,
  expected: null,
  missing: null,
  knownMissing: null,
  gaps: [],
  interruptions: [],
  unreadCounters: null,
  blackFrames: null,
  badOrientations: null,
  longestIntervalMs: null,
  usualIntervalMs: null,
  jitterMs: null,
  meanGrey: null,
  saturatedShare: null,
  failure: null,
  stopped: null,
} satisfies Omit<RecordingIntegrity, 'device' | 'source' | 'note'>;

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** What one recording of a run holds and lacks: from its report, else from its time stamps, else that nothing is known. */
export async function integrityOf(part: RunPart, present: boolean): Promise<RecordingIntegrity> {
  const { recording } = part;
  const { device } = recording;
  const film = recording.files[0];
  if (!present || film === undefined) return { ...unknown, device, source: 'none', note: notes.gone };
  const folder = path.dirname(film.path);
  let note: string = notes['time-stamps'];
  try {
    const report = Report.parse(JSON.parse(await readFile(path.join(folder, 'integrity.json'), 'utf8')));
    return { ...shown(part, report), device, source: 'report', note: null };
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') note = notes.damaged;
  }
  const lost = await readLost(folder);
  if (lost.saved === 0) return { ...unknown, device, source: 'none', note: notes.none };
  const found = {
    ...lost,
    expected: lost.missing === null ? null : lost.saved + lost.missing,
    knownMissing: lost.gaps.reduce((sum, { frames }) => sum + frames, 0),
    gaps: [...lost.gaps],
    interruptions: [...lost.interruptions],
  };
  return { ...shown(part, found), device, source: 'time-stamps', note };
}

/** A report with its places as frames of the run. A gap lies before the frame after the last saved one. */
function shown(
  part: RunPart,
  report: z.input<typeof Report> & Pick<z.infer<typeof Report>, 'gaps' | 'interruptions'>,
): Omit<RecordingIntegrity, 'device' | 'source' | 'note'> {
  const { gaps, interruptions } = report;
  const facts = Object.fromEntries(Object.keys(unknown).map((name) => [name, report[name] ?? null])) as Omit<
    RecordingIntegrity,
    'device' | 'source' | 'note'
  >;
  return {
    ...facts,
    gaps: gaps.map(({ afterFrame, frames, timeS, where }) => ({
      frame: frameInRun(part, afterFrame + 1),
      frames,
      timeS,
      where,
    })),
    interruptions: interruptions.map(({ afterFrame, timeS, seconds }) => ({
      frame: frameInRun(part, afterFrame + 1),
      timeS,
      seconds,
    })),
  };
}
