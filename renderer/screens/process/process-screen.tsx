// SPDX-License-Identifier: MIT
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useEffect, useMemo, useRef } from 'react';
import { useCore } from '../../client/context.ts';
import { hasEnded } from '../../client/progress.ts';
import { keys, type RunRequest, usePlan, useRuns, useSessions } from '../../client/queries.ts';
import { readForm, requestValues } from '../../stores/parameters.ts';
import { useProcess } from '../../stores/process.ts';
import { useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import type { Command } from '../../ui/commands/registry.ts';
import { useCommands } from '../../ui/commands/use-commands.ts';
import { type Candidate, whyNot } from './candidates.ts';
import styles from './process.module.css';
import { RecordingsPanel } from './recordings-panel.tsx';
import { RunsPanel } from './runs-panel.tsx';
import { SettingsPanel } from './settings-panel.tsx';
import { StepsPanel } from './steps-panel.tsx';

const c = classes(styles);

/** Finds the cells of recordings: what, with which settings, at what cost, and how it goes. */
export function ProcessScreen(): ReactElement {
  const core = useCore();
  const queries = useQueryClient();
  const sessions = useSessions();
  const sessionUuid = useUi((state) => state.sessionUuid);
  const followed = useUi((state) => state.followedRunUuid);
  const { chosen: chosenUuids, typed } = useProcess();
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
  const frames = chosen.reduce((sum, candidate) => sum + candidate.recording.frames, 0);
  const fields = readForm(typed, chosen.length === 0 ? {} : { frames });
  const blocked = whyNot(chosen, fields);
  const request: RunRequest | undefined =
    blocked === undefined
      ? { recordingUuids: chosen.map((candidate) => candidate.recording.uuid), ...requestValues(fields) }
      : undefined;
  const plan = usePlan(request);
  const start = useMutation({
    mutationFn: (asked: RunRequest) => core.processing.start(asked),
    onSuccess: ({ run }) => {
      useUi.setState({ followedRunUuid: run.uuid });
      void queries.invalidateQueries({ queryKey: keys.runs });
    },
  });
  const { mutate, isPending } = start;
  const off = blocked ?? (isPending ? 'The run is being queued.' : undefined);
  const requestText = JSON.stringify(request ?? null);
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
        run: () => {
          const asked = JSON.parse(requestText) as RunRequest | null;
          if (asked !== null) mutate(asked);
        },
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
        plan={plan}
        off={off}
        changed={fields.filter((field) => field.changed).length}
        error={start.error}
        onRun={() => {
          if (request !== undefined) mutate(request);
        }}
      />
      <StepsPanel plan={plan} blocked={blocked} followed={followed} />
      <SettingsPanel fields={fields} />
      <div className={c('queue')}>
        <RunsPanel sessions={sessions.data ?? []} followed={followed} />
      </div>
    </div>
  );
}
