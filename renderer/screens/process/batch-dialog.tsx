// SPDX-License-Identifier: MIT
import { type ReactElement, useState } from 'react';
import type { RunBatch, RunRow, SessionRow } from '../../../main/contract/index.ts';
import { useExplore, useExploreSelection } from '../../stores/explore.ts';
import { goTo } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button } from '../../ui/controls.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { count, plural, took } from '../../ui/format.ts';
import { styles } from './styles.ts';

const c = classes(styles);

interface BatchDialogProps {
  readonly batch: RunBatch;
  readonly runs: readonly RunRow[];
  readonly sessions: readonly SessionRow[];
  readonly onClose: () => void;
}

/** What a run of the table says. */
export function resultText(run: RunRow | undefined): string {
  if (run === undefined) return 'deleted';
  if (run.state !== 'succeeded')
    return run.state === 'failed' ? 'stopped' : run.state === 'queued' ? 'waiting' : run.state;
  const seconds =
    run.startedAt === null || run.endedAt === null
      ? null
      : (Date.parse(run.endedAt) - Date.parse(run.startedAt)) / 1000;
  return `${count(run.suggested)} of ${plural(run.cells ?? 0, 'cell')}, ${took(seconds)}`;
}

/** The result table of an entry: recordings down, settings across; two results of a recording open in Explore beside each other. */
export function BatchDialog({ batch, runs, sessions, onClose }: BatchDialogProps): ReactElement {
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const inputs = [...new Map(batch.runs.map((run) => [run.recordingUuids.join(), run.recordingUuids])).values()];
  const nameOf = (recordingUuids: readonly string[]): string =>
    recordingUuids
      .map((uuid) => {
        const session = sessions.find((each) => each.recordings.some((recording) => recording.uuid === uuid));
        return session?.name ?? '–';
      })
      .join(' + ');
  const toggle = (uuid: string): void =>
    setChosen((now) => (now.includes(uuid) ? now.filter((other) => other !== uuid) : [...now.slice(-1), uuid]));
  const [first, second] = chosen.flatMap((uuid) => runs.filter((run) => run.uuid === uuid));
  const compare = (): void => {
    if (first === undefined || second === undefined) return;
    useExplore.setState({ left: 'runs' });
    useExploreSelection.setState({ runB: second.uuid });
    goTo('explore', { sessionUuid: first.sessionUuid, runUuid: first.uuid });
  };
  return (
    <Dialog
      title={batch.name}
      width={Math.min(1100, 320 + batch.sets.length * 210)}
      onClose={onClose}
      foot={
        <Button kind="primary" off={second === undefined ? 'Choose two results.' : undefined} onPress={compare}>
          Compare the two
        </Button>
      }
    >
      <table className={c('resultTable')}>
        <thead>
          <tr>
            <th>Recording</th>
            {batch.sets.map((set) => (
              <th key={set}>{set}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {inputs.map((recordingUuids) => (
            <tr key={recordingUuids.join()}>
              <td>{nameOf(recordingUuids)}</td>
              {batch.sets.map((set, number) => {
                const member = batch.runs.find(
                  (run) => run.set === number && run.recordingUuids.join() === recordingUuids.join(),
                );
                const run = runs.find((each) => each.uuid === member?.runUuid);
                return (
                  <td key={set}>
                    <Button
                      kind="bare"
                      size="small"
                      pressed={run !== undefined && chosen.includes(run.uuid)}
                      off={run?.state === 'succeeded' ? undefined : 'It has no result.'}
                      label={`${set} on ${nameOf(recordingUuids)}: ${resultText(run)}`}
                      onPress={() => {
                        if (run !== undefined) toggle(run.uuid);
                      }}
                    >
                      {resultText(run)}
                    </Button>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      <p className={c('dim dialogBody')}>
        Suggested of all cells found, and how long it took. Choose two results of one recording and compare them:
        matched cells, only in one, and the settings that differ.
      </p>
    </Dialog>
  );
}
