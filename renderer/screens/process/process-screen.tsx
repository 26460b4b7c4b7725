// SPDX-License-Identifier: MIT
import { useMutation, useQueries, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useEffect, useMemo, useRef } from 'react';
import { useCore } from '../../client/context.ts';
import { hasEnded } from '../../client/progress.ts';
import { keys, type Plan, planQuery, type RunRequest, useInfo, useRuns, useSessions } from '../../client/queries.ts';
import { readForm, requestValues } from '../../stores/parameters.ts';
import { useProcess } from '../../stores/process.ts';
import { useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import type { Command } from '../../ui/commands/registry.ts';
import { useCommands } from '../../ui/commands/use-commands.ts';
import { type Candidate, inputsOf, whyNot } from './candidates.ts';
import { styles } from './styles.ts';
import { RecordingsPanel } from './recordings-panel.tsx';
import { RunsPanel } from './runs-panel.tsx';
import { SettingsPanel } from './settings-panel.tsx';
import { StepsPanel } from './steps-panel.tsx';
import { TryOutPanel } from './try-out-panel.tsx';
import { askToNotify } from './notify.ts';

const c = classes(styles);

/** What several plans cost together. */
export function costOf(plans: readonly Plan[]): Pick<Plan, 'frames' | 'seconds' | 'memoryBytes' | 'scratchBytes'> {
  const sum = (of: (plan: Plan) => number | null): number | null =>
    plans.reduce<number | null>((total, plan) => {
      const value = of(plan);
      return total === null || value === null ? null : total + value;
    }, 0);
  return {
    frames: sum((plan) => plan.frames) ?? 0,
    seconds: sum((plan) => plan.seconds),
    memoryBytes: Math.max(0, ...plans.map((plan) => plan.memoryBytes)),
    scratchBytes: plans.some((plan) => plan.scratchBytes === null)
      ? null
      : Math.max(0, ...plans.map((plan) => plan.scratchBytes ?? 0)),
  };
}

/** Finds the cells of recordings: what, with which settings, at what cost, and how it goes. */
export function ProcessScreen(): ReactElement {
  const core = useCore();
  const queries = useQueryClient();
  const sessions = useSessions();
  const sessionUuid = useUi((state) => state.sessionUuid);
  const followed = useUi((state) => state.followedRunUuid);
  const { chosen: chosenUuids, typed, joined, sets } = useProcess();
  const candidates = useMemo(
    () =>
      (sessions.data ?? []).flatMap((session): readonly Candidate[] =>
        session.recordings.map((recording) => ({ session, recording })),
      ),
    [sessions.data],
  );
  useEffect(() => {
    const mine = candidates.filter((candidate) => candidate.session.uuid === sessionUuid);
    const already = mine.some((candidate) => useProcess.getState().chosen.includes(candidate.recording.uuid));
    const [first] = mine;
    if (!already && first !== undefined) useProcess.setState({ chosen: [first.recording.uuid] });
  }, [candidates, sessionUuid]);
  const chosen = chosenUuids.flatMap((uuid) => candidates.filter((candidate) => candidate.recording.uuid === uuid));
  const inputs = inputsOf(chosen, joined);
  // The shortest input bounds the frames that may be asked for.
  const frames = inputs.map((input) => input.reduce((sum, candidate) => sum + candidate.recording.frames, 0));
  const fields = readForm(typed, frames.length === 0 ? {} : { frames: Math.min(...frames) });
  const blocked = whyNot(chosen, fields, joined);
  const values = requestValues(fields);
  const requests =
    blocked === undefined
      ? inputs.map((input): RunRequest => ({
          recordingUuids: input.map((candidate) => candidate.recording.uuid),
          ...values,
        }))
      : [];
  const plans = useQueries({ queries: requests.map((request) => planQuery(core, request)) });
  const plan = plans[0];
  const known = plans.flatMap((each) => (each.data === undefined ? [] : [each.data]));
  const start = useMutation({
    mutationFn: async (asked: readonly RunRequest[]): Promise<string | undefined> => {
      const [only] = asked;
      if (only === undefined) return undefined;
      if (asked.length === 1 && sets.length === 0) return (await core.processing.start(only)).run.uuid;
      const form = { name: sets.length === 0 ? 'these settings' : 'the form', parameters: values.parameters };
      const { batch } = await core.processing.startBatch({
        name: batchName(asked.length, sets.length + 1),
        inputs: asked.map((request) => [...request.recordingUuids]),
        sets: [
          ...sets.map((set) => ({ name: set.name, parameters: requestValues(readForm(set.typed, {})).parameters })),
          form,
        ],
        budget: values.budget,
      });
      useProcess.setState({ sets: [] });
      return batch.runs[0]?.runUuid;
    },
    onSuccess: (runUuid) => {
      askToNotify();
      if (runUuid !== undefined) useUi.setState({ followedRunUuid: runUuid });
      void queries.invalidateQueries({ queryKey: keys.runs });
    },
  });
  const { mutate, isPending } = start;
  const library = useInfo().data?.library;
  const readOnly = library?.readOnly === true ? (library.readOnlyReason ?? 'This library is read only.') : undefined;
  const off = readOnly ?? blocked ?? (isPending ? 'The run is being queued.' : undefined);
  const requestText = JSON.stringify(requests);
  const runs = useRuns();
  const followedEnded = runs.data?.some((run) => run.uuid === followed && hasEnded(run.state)) ?? false;
  const planned = useRef(requestText);
  useEffect(() => {
    // Whoever changes something after a run has ended prepares the next one.
    if (planned.current !== requestText && followedEnded) useUi.setState({ followedRunUuid: null });
    planned.current = requestText;
  }, [requestText, followedEnded]);
  const commands = useMemo<readonly Command[]>(
    () => [
      {
        id: 'process.run',
        label: 'Run',
        group: 'Process',
        scope: 'screen:process',
        keys: ['Mod+Enter'],
        inText: true,
        enabled: () => off ?? true,
        run: () => mutate(JSON.parse(requestText) as RunRequest[]),
      },
    ],
    [off, requestText, mutate],
  );
  useCommands(commands);
  return (
    <div className={c('screen')}>
      <RecordingsPanel
        sessions={sessions}
        candidates={candidates}
        chosen={chosen}
        runs={inputs.length * (sets.length + 1)}
        plan={plan}
        cost={known.length === requests.length && known.length > 0 ? costOf(known) : undefined}
        off={off}
        changed={fields.filter((field) => field.changed).length}
        error={start.error}
        onRun={() => mutate(requests)}
      />
      <div className={c('middle')}>
        <StepsPanel plan={plan} blocked={blocked} followed={followed} />
        <SettingsPanel fields={fields} />
      </div>
      <TryOutPanel chosen={chosen} fields={fields} blocked={blocked} />
      <div className={c('queue')}>
        <RunsPanel sessions={sessions.data ?? []} followed={followed} />
      </div>
    </div>
  );
}

/** `3 recordings`, `2 sets of settings`, or both. */
export function batchName(inputs: number, sets: number): string {
  const what = inputs === 1 ? '1 recording' : `${String(inputs)} recordings`;
  return sets === 1 ? what : `${String(sets)} sets of settings on ${what}`;
}
