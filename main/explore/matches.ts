// SPDX-License-Identifier: MIT
import { AppError, type MatchDetail, type MatchRow, type Uuid } from '../contract/index.ts';
import type { Library, NewMatch, StoredMatch } from '../library/index.ts';
import { followed } from '../rpc/index.ts';
import { matchSessions, type MatchReport, RunFolder } from '../review/index.ts';

/** What a comparison of sessions is asked with. */
export interface MatchWish {
  readonly runUuids: readonly Uuid[];
  readonly umPerPx: number;
  readonly allCells: boolean;
}

/** A step of a comparison under way. */
export interface MatchStep {
  readonly step: string;
  readonly overall: number;
  readonly warnings: string[];
  readonly matchUuid: Uuid | null;
}

/** The engine's answer as it is kept: sessions from 0, the lowest score of its members for each cell that was found more than once. */
export function toNewMatch(wish: MatchWish, report: MatchReport): NewMatch {
  return {
    umPerPx: wish.umPerPx,
    allCells: wish.allCells,
    falseMatchRate: report.controls.falseMatchRate,
    runs: report.sessions.map(({ shiftPx: [shiftY, shiftX], rotationDegrees }, position) => ({
      runUuid: wish.runUuids[position] ?? '',
      shiftY,
      shiftX,
      rotation: rotationDegrees,
    })),
    groups: report.groups.map((members, group) => {
      const scores = report.scores[group] ?? [];
      return {
        score: members.length > 1 && scores.length > 0 ? Math.min(...scores) : null,
        members: members.map(([session, row], member) => ({
          session: session - 1,
          row,
          score: members.length > 1 ? (scores[member] ?? null) : null,
        })),
      };
    }),
  };
}

/**
 * Finds the same cells in several sessions and keeps what was found. Progress comes as it is made; leaving cancels the engine.
 *
 * @throws AppError `run.not_found`, `run.not_ready`, `usage.invalid`, `review.*`, `engine.*`
 */
export async function* findMatches(
  library: Library,
  wish: MatchWish,
  limits: { readonly threads: number; readonly memoryBytes: number },
  signal: AbortSignal,
): AsyncGenerator<MatchStep> {
  if (library.readOnly !== null) throw new AppError('library.read_only', library.readOnly);
  if (new Set(wish.runUuids).size !== wish.runUuids.length)
    throw new AppError('usage.invalid', 'The same run was chosen twice; a comparison takes each session once.');
  const sessions: { readonly path: string }[] = [];
  for (const uuid of wish.runUuids) {
    const { run, folder } = await library.runs.get(uuid);
    if (run.state !== 'succeeded')
      throw new AppError('run.not_ready', `The run ${run.name} has no result; it is ${run.state}.`);
    sessions.push({ path: folder });
  }
  let state: MatchStep = { step: 'load', overall: 0, warnings: [], matchUuid: null };
  const report = yield* followed(
    state,
    (tell, stop) =>
      matchSessions({
        sessions,
        umPerPx: wish.umPerPx,
        allComponents: wish.allCells,
        ...limits,
        signal: stop,
        onProgress: (step, overall) => {
          state = { ...state, step, overall };
          tell(state);
        },
        onWarning: (_code, message) => {
          state = { ...state, warnings: [...state.warnings, message] };
          tell(state);
        },
      }),
    signal,
  );
  const matchUuid = await library.matches.add(toNewMatch(wish, report));
  yield { ...state, overall: 1, matchUuid };
}

/** A comparison as lists show it. */
export function matchRow({ uuid, createdAt, runs, umPerPx, groups, labels }: StoredMatch): MatchRow {
  return {
    uuid,
    createdAt,
    runUuids: runs.map(({ runUuid }) => runUuid),
    umPerPx,
    groups: groups.length,
    inSeveral: groups.filter(({ members }) => members.length > 1).length,
    accepted: labels.filter((label) => label === 'accepted').length,
    rejected: labels.filter((label) => label === 'rejected').length,
  };
}

/** A comparison with its sessions. @throws AppError `explore.no_match`, `disk.io` */
export async function matchDetail(library: Library, matchUuid: Uuid): Promise<MatchDetail> {
  const match = await library.matches.get(matchUuid);
  const sessions: MatchDetail['sessions'] = [];
  for (const [position, { runUuid, shiftY, shiftX, rotation }] of match.runs.entries()) {
    const detail = await library.runs.get(runUuid);
    const session = await library.sessions.get(detail.run.sessionUuid);
    const { height, width } = (await RunFolder.open(detail.folder)).manifest;
    sessions.push({
      runUuid,
      sessionUuid: session.uuid,
      name: session.name,
      startedAt: session.startedAt,
      tzOffsetMin: session.tzOffsetMin,
      cells: match.groups.reduce(
        (sum, { members }) => sum + members.filter((member) => member.session === position).length,
        0,
      ),
      shiftPx: { y: shiftY, x: shiftX },
      rotationDegrees: rotation,
      height,
      width,
    });
  }
  return {
    ...matchRow(match),
    sessions,
    falseMatchRate: match.falseMatchRate,
    groupList: match.groups.map(({ score, members }, index) => ({
      index,
      score,
      label: match.labels[index] ?? 'undecided',
      members: members.map((member) => ({ ...member })),
    })),
    log: match.log.map(({ groups, ...entry }) => ({ ...entry, groups: [...groups] })),
    canUndo: match.canUndo,
  };
}
