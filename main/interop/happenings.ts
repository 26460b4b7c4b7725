// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../contract/index.ts';
import type { BehaviorClock, Library, StoredRecording } from '../library/index.ts';
import type { Happenings } from './job.ts';

const clockWords: Readonly<Record<BehaviorClock['method'], string>> = {
  given: 'as it was given',
  'start-times': 'by the start times of both',
  pulses: 'by pulses that both recorded',
  assumed: 'assumed: both are taken to begin together',
};

/** Notes, trials and events of a recording's session, on the recording's clock; null where nobody said anything. @throws AppError of the library */
export async function happeningsOf(library: Library, recording: StoredRecording): Promise<Happenings | null> {
  const notes = await readNotes(path.join(recording.folder, 'notes.csv'));
  const behavior = await library.events.behavior(recording.sessionUuid).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'align.not_found') return null;
    throw error;
  });
  if (behavior === null && notes.length === 0) return null;
  const { offsetS, rate, method } = behavior?.clock ?? { offsetS: 0, rate: 1, method: 'given' as const };
  const here = (timeS: number): number => offsetS + rate * timeS;
  return {
    notes,
    trials: (behavior?.trials ?? []).map(({ trialId, type, startS, stopS, attributes }) => ({
      trialId,
      type,
      attributes,
      startS: here(startS),
      stopS: here(stopS),
    })),
    events: (behavior?.events ?? []).map(({ type, timeS }) => ({ type, timeS: here(timeS) })),
    clock: clockWords[method],
  };
}

/** Rows of notes.csv (`Time Stamp (ms), Note`): a note may hold commas. A missing file has none. */
async function readNotes(file: string): Promise<Happenings['notes']> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split(/\r?\n/)
    .slice(1)
    .flatMap((line) => {
      const comma = line.indexOf(',');
      const ms = Number(line.slice(0, Math.max(comma, 0)));
      const note = line
        .slice(comma + 1)
        .trim()
        .replace(/^"(.*)"$/s, '$1')
        .replaceAll('""', '"');
      return comma > 0 && line.slice(0, comma).trim() !== '' && Number.isFinite(ms) && note !== ''
        ? [{ timeS: ms / 1000, text: note }]
        : [];
    })
    .toSorted((a, b) => a.timeS - b.timeS);
}
