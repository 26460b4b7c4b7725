// SPDX-License-Identifier: MIT
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { AppError, type Deletion } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { report } from '../../stores/messages.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Note } from '../../ui/controls.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { count, dateTime, plural } from '../../ui/format.ts';
import { Empty, Failed, Loading, Panel } from '../../ui/panel.tsx';
import { styles as shared } from './styles.ts';
import { rooms } from './rooms.ts';

const c = classes({ ...shared, ...rooms });

const stateWords = { held: 'can be brought back', undone: 'brought back', purged: 'gone' } as const;

/** What was deleted, and until when it can be brought back. */
export function TrashRoom(): ReactElement {
  const core = useCore();
  const queries = useQueryClient();
  const [purging, setPurging] = useState<Deletion | null>(null);
  const list = useQuery({
    queryKey: ['tables', 'deletions'],
    queryFn: ({ signal }) => core.library.deletions({}, { signal }),
  });
  const renew = (): Promise<void> => queries.invalidateQueries();
  const undo = useMutation({
    mutationFn: (deletion: Deletion) => core.library.undelete({ uuid: deletion.uuid }),
    onSuccess: async (deletion) => {
      await renew();
      report('info', 'Delete', `${deletion.what} is back.`);
    },
  });
  const purge = useMutation({
    mutationFn: (deletion: Deletion) => core.library.purge({ uuid: deletion.uuid }),
    onSuccess: async () => {
      setPurging(null);
      await renew();
    },
  });
  const failed = undo.error ?? purge.error;
  return (
    <div className={c('room one')}>
      <Panel title="Deleted" meta="kept for 7 days" scroll>
        {failed === null ? null : (
          <Note kind="problem">
            {AppError.from(failed).message} {AppError.from(failed).hint}
          </Note>
        )}
        {list.isPending ? (
          <Loading title="Opening" step={1} steps={1} detail="reading what was deleted" />
        ) : list.isError ? (
          <Failed title="The list could not be read" error={list.error} onRetry={() => void list.refetch()} />
        ) : list.data.length === 0 ? (
          <Empty title="Nothing was deleted">
            <p>What is deleted in Sessions or Tables stays here for 7 days, with everything that went with it.</p>
          </Empty>
        ) : (
          <table className={c('wide')}>
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">What</th>
                <th scope="col">With it</th>
                <th scope="col">State</th>
                <th scope="col" className={c('hiddenHead')}>
                  Acts
                </th>
              </tr>
            </thead>
            <tbody>
              {list.data.map((deletion) => (
                <tr key={deletion.uuid}>
                  <td className={c('mono')}>{dateTime(deletion.at)}</td>
                  <td className={c('hi')}>{deletion.what}</td>
                  <td className={c('dim')}>
                    {deletion.counts.map(({ table, rows }) => `${table} ${count(rows)}`).join(', ')}
                    {deletion.folders.length === 0 ? '' : `, ${plural(deletion.folders.length, 'folder')}`}
                  </td>
                  <td>
                    {stateWords[deletion.state]}
                    {deletion.state === 'held' ? ` until ${dateTime(deletion.purgeAfter)}` : ''}
                  </td>
                  <td className={c('actCell')}>
                    {deletion.state === 'held' ? (
                      <>
                        <Button
                          size="small"
                          onPress={() => undo.mutate(deletion)}
                          off={undo.isPending ? 'It is coming back.' : undefined}
                        >
                          Bring back
                        </Button>
                        <Button size="small" kind="bare" onPress={() => setPurging(deletion)}>
                          Remove for good
                        </Button>
                      </>
                    ) : null}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Panel>
      {purging === null ? null : (
        <Dialog
          title="Remove for good"
          width={420}
          onClose={() => setPurging(null)}
          foot={
            <>
              <Button onPress={() => setPurging(null)}>Keep it</Button>
              <Button onPress={() => purge.mutate(purging)}>
                Remove {plural(purging.folders.length, 'folder')} and rows
              </Button>
            </>
          }
        >
          <div className={c('pad')}>
            <p>{purging.what} and its results cannot be brought back after that. Recordings are never touched.</p>
          </div>
        </Dialog>
      )}
    </div>
  );
}
