// SPDX-License-Identifier: MIT
import type { Finding, SessionRow } from '../../../main/contract/index.ts';

/** What the list of sessions shows, computed without React. */

/** Sum of frames, length, rate and size over a session's recordings. */
export interface SessionFacts {
  readonly frames: number;
  readonly durationS: number | null;
  readonly fps: number | null;
  readonly width: number | null;
  readonly height: number | null;
}

/** Facts of a session's recordings; the rate and the size only where all agree. */
export function sessionFacts(session: SessionRow): SessionFacts {
  const same = <T>(values: readonly T[]): T | null => {
    const [first] = values;
    return first !== undefined && values.every((value) => value === first) ? first : null;
  };
  const lengths = session.recordings.map((recording) => recording.durationS);
  const known = lengths.filter((length) => length !== null);
  return {
    frames: session.recordings.reduce((sum, recording) => sum + recording.frames, 0),
    durationS: known.length === 0 ? null : Math.max(...known),
    fps: same(session.recordings.map((recording) => recording.fps)),
    width: same(session.recordings.map((recording) => recording.width)),
    height: same(session.recordings.map((recording) => recording.height)),
  };
}

/** The worst severity in a list of findings; undefined when there is nothing worth a look. */
export function worst(findings: readonly Finding[]): 'problem' | 'warning' | undefined {
  if (findings.some((finding) => finding.severity === 'problem')) return 'problem';
  return findings.some((finding) => finding.severity === 'warning') ? 'warning' : undefined;
}

/** Sessions whose name, animal, device or film holds every word of the query. */
export function findSessions(sessions: readonly SessionRow[], query: string): readonly SessionRow[] {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return sessions.filter((session) => {
    const text = [
      session.name,
      session.subject ?? '',
      session.startedAt ?? '',
      ...session.recordings.flatMap((recording) => [recording.device, recording.deviceType ?? '']),
    ]
      .join(' ')
      .toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** Sessions by animal, animals by name, sessions without one last; the order inside an animal stays. */
export function groupByAnimal(
  sessions: readonly SessionRow[],
): ReadonlyArray<{ readonly animal: string | null; readonly sessions: readonly SessionRow[] }> {
  const groups = new Map<string | null, SessionRow[]>();
  for (const session of sessions) groups.set(session.subject, [...(groups.get(session.subject) ?? []), session]);
  return [...groups]
    .map(([animal, members]) => ({ animal, sessions: members }))
    .sort((a, b) => (a.animal === null ? 1 : b.animal === null ? -1 : a.animal.localeCompare(b.animal)));
}
