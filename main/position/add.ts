// SPDX-License-Identifier: MIT
import path from 'node:path';
import { AppError, type Uuid } from '../contract/index.ts';
import type { Library, NewPosition, PositionRow } from '../library/index.ts';
import { inThread } from '../threads/index.ts';
import type { ReadJob, ReadShare, Tracked } from './read-worker.ts';

/** What a person says of a tracking file. */
export interface AddChoice {
  readonly sessionUuid: Uuid;
  /** Absolute. */
  readonly file: string;
  /** Absolute file of the times of the film's frames. */
  readonly times?: string | undefined;
  readonly fps?: number | undefined;
  /** The file's name when absent. */
  readonly name?: string | undefined;
  readonly part?: string | undefined;
  readonly pxPerCm?: number | undefined;
  /** Where the file does not say it. */
  readonly unit?: 'px' | 'cm' | undefined;
  /** Times are the miniscope's already. */
  readonly onMiniscopeClock?: boolean | undefined;
  readonly dryRun: boolean;
}

/** Times like these count from 1970. */
const epochS = 946_684_800;

/**
 * Reads a tracking file and has the library keep it with the session's behaviour recording.
 *
 * @throws AppError `position.unreadable`, `position.exists`, `position.not_found` for a part that is not there, `session.not_imported`, `usage.invalid`
 */
export async function addPosition(
  choice: AddChoice,
  library: Library,
  signal: AbortSignal,
  report?: (step: string, fraction: number) => void,
): Promise<{
  readonly position: PositionRow | null;
  readonly added: boolean;
  readonly about: NewPosition;
  readonly title: string;
  readonly findings: readonly string[];
}> {
  const session = await library.sessions.get(choice.sessionUuid);
  const tracked = await inThread<Tracked, ReadShare>({
    module: new URL('read-worker.ts', import.meta.url),
    name: 'position',
    data: { file: choice.file, times: choice.times ?? null, fps: choice.fps ?? null } satisfies ReadJob,
    signal,
    cancelled: 'The reading was stopped before it was done; nothing was added.',
    hear: ({ share }) => report?.('reading the rows', share),
  });
  const findings = [...tracked.findings];
  const { timesS, onMiniscopeClock } = clockOf(choice, tracked, session.startedAt, findings);
  const unit = tracked.unit ?? choice.unit ?? 'px';
  if (tracked.unit === null && choice.unit === undefined)
    findings.push('The file does not say its unit; pixels are assumed (--unit cm says otherwise).');
  if (tracked.unit !== null && choice.unit !== undefined && choice.unit !== tracked.unit)
    throw new AppError('usage.invalid', `The file says that its unit is ${tracked.unit}, not ${choice.unit}.`);
  if (unit === 'cm' && choice.pxPerCm !== undefined)
    throw new AppError('usage.invalid', 'A tracking in centimetres needs no scale.');
  const about: NewPosition = {
    sessionUuid: choice.sessionUuid,
    name: choice.name ?? path.parse(choice.file).name,
    program: tracked.program,
    source: path.basename(choice.file),
    sha256: tracked.sha256,
    unit,
    pxPerCm: choice.pxPerCm ?? null,
    onMiniscopeClock,
    mainPart: mainPart(tracked, choice.part),
    timesS,
    parts: tracked.parts,
  };
  if (choice.dryRun) return { position: null, added: false, about, title: tracked.title, findings };
  const { position, added } = await library.positions.add(about);
  return { position, added, about, title: tracked.title, findings };
}

/** Which clock the times are of. Times since 1970 are put on the session's own start, else on the first of them. */
function clockOf(
  choice: AddChoice,
  { timesS }: Tracked,
  startedAt: string | null,
  findings: string[],
): { readonly timesS: Float64Array; readonly onMiniscopeClock: boolean } {
  const first = timesS.find((time) => Number.isFinite(time));
  if (first === undefined) throw new AppError('position.unreadable', 'No row of this file has a time.');
  let backwards = 0;
  for (let i = 1; i < timesS.length; i += 1) if ((timesS[i] ?? 0) < (timesS[i - 1] ?? 0)) backwards += 1;
  if (backwards > 0) findings.push(`Time runs backwards at ${backwards} places; samples are put in order of time.`);
  const isEpoch = first > epochS;
  // Milliseconds since 1970 without a unit in the header.
  const isEpochMs = first > epochS * 1000;
  if (!isEpoch) return { timesS, onMiniscopeClock: choice.onMiniscopeClock ?? false };
  const seconds = isEpochMs ? timesS.map((time) => time / 1000) : timesS;
  const start = startedAt === null ? null : Date.parse(startedAt) / 1000;
  const firstS = isEpochMs ? first / 1000 : first;
  // Within half a day before or a day after: the wall clock of one machine.
  if (start !== null && firstS > start - 43_200 && firstS < start + 86_400) {
    findings.push(
      'Times count from 1970; the start of the session is taken off, so they are on the miniscope’s clock.',
    );
    return { timesS: seconds.map((time) => time - start), onMiniscopeClock: true };
  }
  findings.push(
    start === null
      ? 'Times count from 1970 and nothing says when the session began; the first one becomes 0. Give the clock’s offset with clock_offset in behavior_recordings.csv.'
      : 'Times count from 1970 and lie on another day than the session; the first one becomes 0.',
  );
  return { timesS: seconds.map((time) => time - firstS), onMiniscopeClock: false };
}

/** The part that stands for the animal: the one that was asked for, one that is called so, else the one seen most. */
function mainPart({ parts }: Tracked, wanted: string | undefined): string {
  const named = (test: (part: string) => boolean): string | undefined => parts.find(({ part }) => test(part))?.part;
  if (wanted !== undefined) {
    const found = named((part) => part.toLowerCase() === wanted.toLowerCase());
    if (found !== undefined) return found;
    throw new AppError('position.not_found', `The file has no part “${wanted}”.`, {
      hint: `It has: ${parts.map(({ part }) => part).join(', ')}.`,
    });
  }
  const usual = named((part) => /^(animal|center|centre|centroid|body|body ?center|spine|mid|led)$/i.test(part));
  if (usual !== undefined) return usual;
  const seen = parts.map(({ part, x, likelihood }) => ({
    part,
    count: x.reduce((sum, value, i) => sum + (Number.isFinite(value) ? (likelihood?.[i] ?? 1) : 0), 0),
  }));
  return seen.reduce((best, each) => (each.count > best.count ? each : best), seen[0] ?? { part: '', count: 0 }).part;
}
