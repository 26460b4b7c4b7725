// SPDX-License-Identifier: MIT
import type { Finding, SessionFacts, SessionRow } from '../../main/contract/index.ts';
import { byName, byValue } from './order.ts';

/** What the list of sessions shows, computed without React. */

/** A session with all that its line shows. */
export interface SessionLine {
  readonly session: SessionRow;
  readonly facts: SessionFacts | undefined;
  readonly frames: number;
  readonly durationS: number | null;
  readonly fps: number | null;
  /** Local day, `YYYY-MM-DD`; empty where no start is known. */
  readonly day: string;
  readonly files: FilesWord;
  readonly quality: readonly QualityCheck[];
  /** Share of cells that are decided; null without a result. */
  readonly curated: number | null;
}

export type FilesWord = 'verified' | 'present' | 'gaps' | 'findings' | 'damaged' | 'moved';

/** Something that speaks for or against a session; null: nothing tells. */
export interface QualityCheck {
  readonly name: string;
  readonly good: boolean | null;
}

/** The worst severity in a list of findings; undefined when there is nothing worth a look. */
export function worst(findings: readonly Finding[]): 'problem' | 'warning' | undefined {
  if (findings.some((finding) => finding.severity === 'problem')) return 'problem';
  return findings.some((finding) => finding.severity === 'warning') ? 'warning' : undefined;
}

function filesOf(session: SessionRow, facts: SessionFacts | undefined): FilesWord {
  if (!session.filesPresent) return 'moved';
  if (facts?.verified?.sound === false || worst(session.findings) === 'problem') return 'damaged';
  if ((facts?.missing ?? 0) > 0) return 'gaps';
  if (worst(session.findings) !== undefined) return 'findings';
  return facts?.verified?.sound === true ? 'verified' : 'present';
}

function qualityOf(session: SessionRow, facts: SessionFacts | undefined): readonly QualityCheck[] {
  const missing = facts?.missing ?? null;
  const others = session.findings.filter(({ code }) => code !== 'frames.lost');
  const suggested = facts?.suggested ?? null;
  return [
    { name: 'files where they were', good: session.filesPresent && facts?.verified?.sound !== false },
    { name: 'no frame missing', good: missing === null ? null : missing === 0 },
    { name: 'nothing odd when it was imported', good: worst(others) === undefined },
    {
      name: 'most of what was found looks like cells',
      good: session.runs === 0 || suggested === null ? null : session.cells > 0 && suggested >= session.cells / 2,
    },
  ];
}

/** The day of a session by the clock where it was recorded. */
export function dayOf(session: SessionRow): string {
  if (session.startedAt === null) return '';
  const at = Date.parse(session.startedAt);
  if (!Number.isFinite(at)) return '';
  const offset = session.tzOffsetMin ?? -new Date(at).getTimezoneOffset();
  return new Date(at + offset * 60_000).toISOString().slice(0, 10);
}

/** One line a session; rate and size only where all its recordings agree. */
export function sessionLines(
  sessions: readonly SessionRow[],
  facts: readonly SessionFacts[] = [],
): readonly SessionLine[] {
  const byUuid = new Map(facts.map((fact) => [fact.uuid, fact]));
  return sessions.map((session) => {
    const fact = byUuid.get(session.uuid);
    const rates = session.recordings.map(({ fps }) => fps);
    const lengths = session.recordings.flatMap(({ durationS }) => (durationS === null ? [] : [durationS]));
    return {
      session,
      facts: fact,
      frames: session.recordings.reduce((sum, { frames }) => sum + frames, 0),
      durationS: lengths.length === 0 ? null : Math.max(...lengths),
      fps: rates.every((rate) => rate === rates[0]) ? (rates[0] ?? null) : null,
      day: dayOf(session),
      files: filesOf(session, fact),
      quality: qualityOf(session, fact),
      curated: session.runs === 0 ? null : session.cells === 0 ? 0 : session.decided / session.cells,
    };
  });
}

/** A condition that a chip shows. */
export interface Filter {
  readonly kind: FilterKind;
  readonly value: string;
}
export type FilterKind = 'animal' | 'project' | 'since' | 'until' | 'tag' | 'files' | 'curated' | 'on' | 'region';

export const filterKinds: readonly FilterKind[] = [
  'animal',
  'project',
  'since',
  'until',
  'tag',
  'files',
  'curated',
  'on',
  'region',
];

export const curatedWords = ['no run yet', 'not begun', 'under way', 'done'] as const;

function curatedWord({ curated }: SessionLine): string {
  if (curated === null) return curatedWords[0];
  return curated === 0 ? curatedWords[1] : curated < 1 ? curatedWords[2] : curatedWords[3];
}

/** Word for a session without an animal. */
export const noAnimal = 'no animal named';

function has(line: SessionLine, { kind, value }: Filter): boolean {
  switch (kind) {
    case 'animal':
      return (line.session.subject ?? noAnimal) === value;
    case 'project':
      return line.facts?.projects.includes(value) === true;
    case 'since':
      return line.day !== '' && line.day >= value;
    case 'until':
      return line.day !== '' && line.day <= value;
    case 'tag':
      return line.facts?.tags.includes(value) === true;
    case 'files':
      return line.files === value;
    case 'curated':
      return curatedWord(line) === value;
    case 'on':
      return line.facts?.place === value;
    default:
      return line.facts?.locations.includes(value) === true;
  }
}

/** Values a filter can take in these sessions; empty for days, which are typed. */
export function filterValues(lines: readonly SessionLine[], kind: FilterKind): readonly string[] {
  const values = lines.flatMap((line): readonly string[] => {
    switch (kind) {
      case 'animal':
        return [line.session.subject ?? noAnimal];
      case 'project':
        return line.facts?.projects ?? [];
      case 'tag':
        return line.facts?.tags ?? [];
      case 'files':
        return [line.files];
      case 'curated':
        return [curatedWord(line)];
      case 'on':
        return line.facts === undefined ? [] : [line.facts.place];
      case 'region':
        return line.facts?.locations ?? [];
      default:
        return [];
    }
  });
  return [...new Set(values)].toSorted(byName);
}

function wordsOf({ session, facts, day }: SessionLine): string {
  return [
    session.name,
    session.subject ?? '',
    day,
    ...session.recordings.flatMap(({ device, deviceType }) => [device, deviceType ?? '']),
    facts?.note ?? '',
    facts?.remarks ?? '',
    ...(facts?.tags ?? []),
    ...(facts?.projects ?? []),
    ...(facts?.locations ?? []),
  ]
    .join('\n')
    .toLowerCase();
}

/**
 * Sessions that hold every word of the query in their names, notes or tags and fit the filters: filters of one kind are alternatives
 * (two animals), except days, which all hold.
 */
export function findSessions(
  lines: readonly SessionLine[],
  query: string,
  filters: readonly Filter[] = [],
): readonly SessionLine[] {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const kinds = new Map<FilterKind, Filter[]>();
  for (const filter of filters) kinds.set(filter.kind, [...(kinds.get(filter.kind) ?? []), filter]);
  return lines.filter((line) => {
    for (const [kind, some] of kinds) {
      const fits = (filter: Filter): boolean => has(line, filter);
      if (!(kind === 'since' || kind === 'until' ? some.every(fits) : some.some(fits))) return false;
    }
    if (words.length === 0) return true;
    const text = wordsOf(line);
    return words.every((word) => text.includes(word));
  });
}

export interface Sort {
  readonly key: string;
  readonly descending: boolean;
}

const good = ({ quality }: SessionLine): number => quality.filter((check) => check.good === true).length;
const filesOrder: readonly FilesWord[] = ['moved', 'damaged', 'gaps', 'findings', 'present', 'verified'];

const sortValues: Readonly<Record<string, (line: SessionLine) => string | number | null>> = {
  date: ({ session }) => session.startedAt ?? session.importedAt,
  session: ({ session }) => session.name.toLowerCase(),
  length: ({ durationS }) => durationS,
  fps: ({ fps }) => fps,
  dropped: ({ facts }) => facts?.missing ?? null,
  files: ({ files }) => filesOrder.indexOf(files),
  quality: good,
  runs: ({ session }) => session.runs,
  curated: ({ curated }) => curated,
  size: ({ facts }) => facts?.bytes ?? null,
  on: ({ facts }) => facts?.place ?? null,
};

/** Sorted by a column; what is unknown comes last, and equal ones keep their order. */
export function sortSessions(lines: readonly SessionLine[], { key, descending }: Sort): readonly SessionLine[] {
  const value = sortValues[key];
  if (value === undefined) return lines;
  return lines.toSorted(byValue(value, descending));
}

export interface Group {
  readonly key: string;
  readonly title: string;
  readonly lines: readonly SessionLine[];
}

/** By animal (by name, those without one last) or by day (newest first); the order inside a group stays. */
export function groupSessions(lines: readonly SessionLine[], by: 'animal' | 'day'): readonly Group[] {
  const groups = new Map<string, SessionLine[]>();
  for (const line of lines) {
    const key = by === 'animal' ? (line.session.subject ?? '') : line.day;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [line]);
    else group.push(line);
  }
  const none = by === 'animal' ? 'No animal named' : 'No start known';
  return [...groups]
    .map(([key, members]) => ({ key, title: key === '' ? none : key, lines: members }))
    .sort((a, b) => {
      if (a.key === '' || b.key === '') return a.key === '' ? 1 : -1;
      return by === 'day' ? b.key.localeCompare(a.key) : byName(a.key, b.key);
    });
}
