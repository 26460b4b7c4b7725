// SPDX-License-Identifier: MIT
import { AppError, type exploreApi, type ParameterValues } from '../contract/index.ts';
import { programVersion } from '../installation/index.ts';
import type { Behavior, Library, RunDetail } from '../library/index.ts';
import type { Handlers } from '../rpc/index.ts';
import { trialWindows } from '../workflow/index.ts';
import { belongs, gatherRun, mustHaveTrace, filmWithOrientation } from './gather.ts';
import { findMatches, matchDetail, matchRow } from './matches.ts';
import type { AroundTask, PositionTrack, TraceKind, TrialOf } from './tasks.ts';
import { answerInThread } from './thread.ts';

/** What the explore procedures need. */
export interface ExploreDependencies {
  readonly library: Library;
  readonly limits: { readonly threads: number; readonly memoryBytes: number };
  /** Where the animal was during a session, on the miniscope's clock; null where nothing is known. */
  readonly position?: (sessionUuid: string) => Promise<PositionTrack | null>;
}

type Served = Handlers<typeof exploreApi.procedures>;
type Headers<P extends keyof Served> = Served[P] extends (
  ...args: never[]
) => AsyncIterable<{ readonly header: infer H }>
  ? H
  : never;
type Answer<P extends keyof Served> = Served[P] extends (...args: never[]) => Promise<infer R> ? R : never;

interface AroundWish {
  readonly runUuid: string;
  readonly cells: 'kept' | 'accepted' | 'all';
  readonly trace: TraceKind;
  readonly alignment: string;
  readonly binS?: number | undefined;
  readonly by?: string | undefined;
  readonly scale: 'z' | 'own';
}

/** What a trial is told apart by. */
function conditionOf(trial: Behavior['trials'][number], by: string | undefined): string {
  if (by === undefined) return 'all trials';
  return (by === 'type' ? trial.type : trial.attributes[by]) ?? 'not said';
}

/** Serves `explore.*`. */
export function createExploreHandlers(dependencies: ExploreDependencies): Served {
  const { library, limits, position = () => Promise.resolve(null) } = dependencies;

  const aroundTask = async (
    wish: AroundWish,
    row: number | null,
  ): Promise<{ readonly task: AroundTask; readonly alignment: string; readonly warnings: string[] }> => {
    const gathered = await gatherRun(library, wish.runUuid, row === null ? wish.cells : 'all');
    mustHaveTrace(gathered, wish.trace);
    if (row !== null && !gathered.source.cells.some((cell) => cell.row === row))
      throw new AppError('review.unknown_cell', `This run has no cell ${row}.`);
    const alignments = await library.events.alignments();
    const alignment = alignments.find(({ name }) => name.toLowerCase() === wish.alignment.toLowerCase());
    if (alignment === undefined)
      throw new AppError('align.not_found', `There is no alignment event “${wish.alignment}”.`);
    const behavior = await library.events.behavior(gathered.detail.run.sessionUuid);
    const { offsetS, rate, method } = behavior.clock;
    const onCamera = (timeS: number): number => offsetS + rate * timeS;
    const windows = trialWindows(behavior, alignment);
    const names = [...new Set(windows.map(({ trial }) => conditionOf(trial, wish.by)))].sort();
    const trials = windows.flatMap(({ trial, alignS, startS, endS }): TrialOf[] =>
      alignS === null || startS === null || endS === null
        ? []
        : [
            {
              window: { zeroS: onCamera(alignS), startS: onCamera(startS), endS: onCamera(endS) },
              condition: names.indexOf(conditionOf(trial, wish.by)),
            },
          ],
    );
    if (trials.length === 0) {
      throw new AppError('align.no_trials', `None of the ${windows.length} trials has the event “${alignment.name}”.`, {
        hint: 'Choose another event, or read events.csv with calyx ingest.',
      });
    }
    const lacking = windows.length - trials.length;
    return {
      alignment: alignment.name,
      warnings: [
        ...(method === 'assumed'
          ? ['Nothing tells where the behaviour’s clock lies on the miniscope’s: both are taken to begin together.']
          : []),
        ...(lacking > 0 ? [`${lacking} of ${windows.length} trials lack the event and are left out.`] : []),
      ],
      task: {
        type: 'around',
        run: gathered.source,
        trace: wish.trace,
        trials,
        conditions: names,
        binS: wish.binS ?? null,
        scale: wish.scale,
        row,
      },
    };
  };

  return {
    provenance: async ({ runUuid }) => {
      const detail = await library.runs.get(runUuid);
      const [session, curation] = await Promise.all([
        library.sessions.get(detail.run.sessionUuid),
        library.curation.current(runUuid),
      ]);
      return {
        runUuid,
        session: session.name,
        subject: session.subject,
        recordings: detail.inputs.map((input) => input.recordingUuid),
        programVersion: programVersion(),
        engineVersion: detail.run.engineVersion,
        curation:
          curation === null
            ? null
            : {
                uuid: curation.uuid,
                version: curation.version,
                frozen: curation.frozen,
                accepted: curation.counts.accepted,
                rejected: curation.counts.rejected,
              },
        parameters: plainParameters(detail),
        parameterSetUuid: detail.parameterSetUuid,
      };
    },
    options: async ({ runUuid }) => {
      const detail = await library.runs.get(runUuid);
      const cells = await library.runs.cells(runUuid);
      const count = (choice: 'kept' | 'accepted'): number => cells.filter((cell) => belongs(cell, choice)).length;
      const behavior = await behaviorOf(library, detail.run.sessionUuid);
      const alignments = behavior === null ? [] : await library.events.alignments();
      const conditions = new Set<string>();
      for (const trial of behavior?.trials ?? []) {
        if (trial.type !== null) conditions.add('type');
        for (const name of Object.keys(trial.attributes)) conditions.add(name);
      }
      return {
        cells: { kept: count('kept'), accepted: count('accepted'), all: cells.length },
        traces: (['dff', 'denoised', 'deconvolved', 'raw'] as const).filter((trace) =>
          detail.arrays.some((array) => array.path === `traces/${trace}.npy`),
        ),
        alignments: alignments.map(({ name }) => name),
        trials: behavior?.trials.length ?? 0,
        conditions: [...conditions].sort(),
        orientation: (await filmWithOrientation(library, detail)) !== null,
        position: (await position(detail.run.sessionUuid)) !== null,
      };
    },
    population: async function* population({ runUuid, cells, trace, binS }, _updates, { signal }) {
      const gathered = await gatherRun(library, runUuid, cells);
      mustHaveTrace(gathered, trace);
      const { header, bytes } = await answerInThread({ type: 'population', run: gathered.source, trace, binS }, signal);
      yield { header: header as Headers<'population'>, bytes };
    },
    around: async function* aroundEvent(wish, _updates, { signal }) {
      const { task, alignment, warnings } = await aroundTask(wish, null);
      const { header, bytes } = await answerInThread(task, signal);
      yield { header: { ...(header as Headers<'around'>), alignment, warnings }, bytes };
    },
    aroundCell: async ({ row, ...wish }, { signal }) => {
      const { task } = await aroundTask(wish, row);
      return (await answerInThread(task, signal)).header as Answer<'aroundCell'>;
    },
    orientation: async ({ runUuid, cells, trace, bins }, { signal }) => {
      const gathered = await gatherRun(library, runUuid, cells);
      mustHaveTrace(gathered, trace);
      const orientation = await filmWithOrientation(library, gathered.detail);
      if (orientation === null) {
        throw new AppError('explore.no_orientation', 'No head orientation was recorded beside this film.', {
          hint: 'A Miniscope with a BNO055 measures it; switch it on in the rig.',
        });
      }
      const task = { type: 'tuning', run: gathered.source, trace, orientation, bins } as const;
      return (await answerInThread(task, signal)).header as Answer<'orientation'>;
    },
    place: async function* place({ runUuid, cells, trace, bin, leastSpeed }, _updates, { signal }) {
      const gathered = await gatherRun(library, runUuid, cells);
      mustHaveTrace(gathered, trace);
      const track = await position(gathered.detail.run.sessionUuid);
      if (track === null) {
        throw new AppError('explore.no_position', 'Nothing is known of where the animal was in this session.', {
          hint: 'Import a position file, or track the behaviour film.',
        });
      }
      const task = { type: 'place', run: gathered.source, trace, position: track, bin, leastSpeed } as const;
      const { header, bytes } = await answerInThread(task, signal);
      yield { header: header as Headers<'place'>, bytes };
    },
    profiles: async function* profiles({ runUuid, cells, beforeS, afterS }, _updates, { signal }) {
      const gathered = await gatherRun(library, runUuid, cells);
      mustHaveTrace(gathered, 'dff');
      const task = { type: 'profiles', run: gathered.source, beforeS, afterS } as const;
      const { header, bytes } = await answerInThread(task, signal);
      yield { header: header as Headers<'profiles'>, bytes };
    },
    compareRuns: async ({ runA, runB, cells, least }, { signal }) => {
      const [a, b] = [await gatherRun(library, runA, cells), await gatherRun(library, runB, cells)];
      if (a.source.height !== b.source.height || a.source.width !== b.source.width) {
        throw new AppError(
          'explore.other_field',
          `One run has pictures of ${a.source.width} × ${a.source.height} px, the other of ${b.source.width} × ${b.source.height} px: they are not one field.`,
          { hint: 'Compare days of an animal under “Sessions”: that registers the fields first.' },
        );
      }
      const task = { type: 'compare', a: a.source, b: b.source, least } as const;
      const { header } = await answerInThread(task, signal);
      return {
        ...(header as Omit<Answer<'compareRuns'>, 'parameters'>),
        parameters: parameterDifferences(a.detail.parameters, b.detail.parameters),
      };
    },
    matches: async () => (await library.matches.list()).map(matchRow),
    match: ({ matchUuid }) => matchDetail(library, matchUuid),
    matchSessions: (wish, { signal }) => findMatches(library, wish, limits, signal),
    decideMatches: async (step) => {
      await library.matches.decide(step);
      return await matchDetail(library, step.matchUuid);
    },
    undoMatches: async (step) => {
      await library.matches.undo(step);
      return await matchDetail(library, step.matchUuid);
    },
  };
}

function plainParameters(detail: RunDetail): ParameterValues {
  const values: ParameterValues = {};
  for (const [name, value] of Object.entries(detail.parameters)) {
    if (value === null || typeof value !== 'object') values[name] = value;
  }
  return values;
}

/** Parameters that differ, by name; one that a run does not have is null there. */
export function parameterDifferences(
  a: RunDetail['parameters'],
  b: RunDetail['parameters'],
): Answer<'compareRuns'>['parameters'] {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
  return names
    .map((name) => ({ name, a: a[name] ?? null, b: b[name] ?? null }))
    .filter((each) => JSON.stringify(each.a) !== JSON.stringify(each.b)) as Answer<'compareRuns'>['parameters'];
}

async function behaviorOf(library: Library, sessionUuid: string): Promise<Behavior | null> {
  try {
    return await library.events.behavior(sessionUuid);
  } catch (error) {
    if (error instanceof AppError && error.code === 'align.not_found') return null;
    throw error;
  }
}
