// SPDX-License-Identifier: MIT
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { AppError } from '../../main/contract/index.ts';
import { useCore } from '../client/context.ts';
import { keys, type ReviewOpening } from '../client/queries.ts';
import { lookAt } from '../stores/look.ts';
import { showOverlay, usePerson } from '../stores/ui.ts';
import { classes } from '../ui/classes.ts';
import { Button, Note } from '../ui/controls.tsx';
import { count, timeOfDay } from '../ui/format.ts';
import { Empty, Failed, Loading, Panel } from '../ui/panel.tsx';
import { styles } from './styles.ts';
import { VersionChanges } from './version-changes.tsx';

const c = classes(styles);

/** The versions of a run's judgements: what each holds, how it differs from the one before, freezing and going on. */
export function VersionsPanel({ opening }: { readonly opening: ReviewOpening }): ReactElement {
  const core = useCore();
  const queries = useQueryClient();
  const rater = usePerson((state) => state.rater);
  const runUuid = opening.run.uuid;
  const versions = useQuery({
    queryKey: ['versions', runUuid],
    queryFn: ({ signal }) => core.workflow.curations({ runUuid }, { signal }),
  });
  const [asking, setAsking] = useState(false);
  const renew = async (): Promise<void> => {
    setAsking(false);
    await Promise.all(
      [['versions', runUuid], keys.opening(runUuid), keys.cells(runUuid)].map((queryKey) =>
        queries.invalidateQueries({ queryKey }),
      ),
    );
  };
  const freeze = useMutation({ mutationFn: () => core.workflow.freeze({ runUuid }), onSuccess: renew });
  const next = useMutation({
    mutationFn: (raterUuid: string) => core.workflow.nextVersion({ runUuid, raterUuid }),
    onSuccess: renew,
  });
  const list = versions.data ?? [];
  const newest = list.at(-1);
  const reading = opening.reading !== null && opening.reading.finishedAt === null;
  const error = freeze.error ?? next.error;
  return (
    <Panel
      title="Versions"
      scope="versions"
      scroll
      meta={
        newest === undefined || reading
          ? undefined
          : `version ${String(newest.version)}${newest.frozenAt === null ? '' : ', frozen'}`
      }
    >
      {reading ? (
        <Empty title="Hidden during a second reading">
          <p>What others decided, and how much, is shown when your reading is finished.</p>
        </Empty>
      ) : versions.isError ? (
        <Failed title="The versions could not be read" error={versions.error} onRetry={() => void versions.refetch()} />
      ) : versions.data === undefined ? (
        <Loading title="Reading the versions" step={1} steps={1} detail="this run's judgements" />
      ) : newest === undefined ? (
        <Empty title="Nothing decided yet">
          <p>The first decision begins version 1. A frozen version stays as it is; exports name it.</p>
        </Empty>
      ) : (
        <>
          <table className={c('outcome near')}>
            <thead>
              <tr>
                <th scope="col">Version</th>
                <th scope="col">By</th>
                <th scope="col">Accepted</th>
                <th scope="col">Rejected</th>
                <th scope="col">Edits</th>
                <th scope="col">Frozen</th>
                <th scope="col">Shown</th>
              </tr>
            </thead>
            <tbody>
              {list.toReversed().map((version) => {
                const before = list.find((other) => other.version === version.parent);
                const change = (now: number, then: number | undefined): string =>
                  then === undefined || now === then
                    ? count(now)
                    : `${count(now)} (${now > then ? '+' : '−'}${count(Math.abs(now - then))})`;
                return (
                  <tr key={version.uuid}>
                    <th scope="row">{version.version}</th>
                    <td>{version.owner}</td>
                    <td>{change(version.accepted, before?.accepted)}</td>
                    <td>{change(version.rejected, before?.rejected)}</td>
                    <td>{count(version.edits)}</td>
                    <td>
                      {version.frozenAt === null
                        ? 'open'
                        : `${version.frozenAt.slice(5, 10)} ${timeOfDay(version.frozenAt).slice(0, 5)}`}
                    </td>
                    <td>
                      {version.version === opening.version && opening.reading === null ? (
                        'shown'
                      ) : (
                        <Button
                          size="small"
                          keepFocus
                          label={`Look at version ${String(version.version)}`}
                          onPress={() =>
                            lookAt(runUuid, version.version === newest.version ? {} : { version: version.version })
                          }
                        >
                          Look
                        </Button>
                      )}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
          {error === null ? null : <Note kind="problem">{AppError.from(error).message}</Note>}
          {list.length < 2 ? null : (
            <VersionChanges key={newest.version} runUuid={runUuid} versions={list.map(({ version }) => version)} />
          )}
          <div className={c('section')}>
            {newest.frozenAt === null ? (
              asking ? (
                <>
                  <p>A frozen version cannot be changed any more. You go on in the next one, with its labels.</p>
                  <div className={c('editRow')}>
                    <Button kind="primary" size="small" onPress={() => freeze.mutate()}>
                      Freeze version {newest.version}
                    </Button>
                    <Button size="small" onPress={() => setAsking(false)}>
                      Keep it open
                    </Button>
                  </div>
                </>
              ) : (
                <Button size="small" onPress={() => setAsking(true)}>
                  Freeze version {newest.version}
                </Button>
              )
            ) : (
              <Button size="small" onPress={() => (rater === null ? showOverlay('rater') : next.mutate(rater.uuid))}>
                Begin version {newest.version + 1}
              </Button>
            )}
          </div>
        </>
      )}
    </Panel>
  );
}
