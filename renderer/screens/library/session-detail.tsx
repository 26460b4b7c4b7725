// SPDX-License-Identifier: MIT
import { useMutation } from '@tanstack/react-query';
import { Ellipsis, ScanSearch, Workflow } from 'lucide-react';
import { type ReactElement, useState } from 'react';
import type { SessionFacts } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { useLineage } from '../../client/library.ts';
import { useSession } from '../../client/queries.ts';
import { StillPicture } from '../../panels/still-picture.tsx';
import { report } from '../../stores/messages.ts';
import { worst } from '../../stores/session-list.ts';
import { goTo, useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Note } from '../../ui/controls.tsx';
import { bytes, dateTime, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Empty, Failed, Loading, Panel } from '../../ui/panel.tsx';
import { MenuList, Popup } from '../../ui/popup.tsx';
import { DeleteDialog } from './delete-dialog.tsx';
import { styles } from './styles.ts';
import { LineageTree } from './lineage.tsx';
import { RelinkDialog } from './relink-dialog.tsx';
import { SessionNotes } from './session-notes.tsx';

const c = classes(styles);

interface DetailProps {
  readonly sessionUuid: string | null;
  readonly facts: SessionFacts | undefined;
}

/** One session: its findings, its lineage from the lens to the decisions, and its notes. */
export function SessionDetail({ sessionUuid, facts }: DetailProps): ReactElement {
  const answer = useSession(sessionUuid);
  const [dialog, setDialog] = useState<'relink' | 'delete' | null>(null);
  const verify = useVerify();
  const session = answer.data?.session;
  const title = session?.name ?? 'Session';
  return (
    <>
      <Panel
        title={title}
        meta={session?.subject ?? undefined}
        end={
          session === undefined ? undefined : (
            <Popup
              kind="bare"
              size="small"
              square
              align="right"
              label="More about this session"
              button={<Icon of={Ellipsis} />}
            >
              {(close) => (
                <MenuList
                  close={close}
                  items={[
                    {
                      label: verify.isPending ? 'Verifying files' : 'Verify files',
                      off: verify.isPending
                        ? 'It is being read.'
                        : session.filesPresent
                          ? undefined
                          : 'The files are not where they were.',
                      onPress: () => verify.mutate(session),
                    },
                    { label: 'Files moved?', onPress: () => setDialog('relink') },
                    {
                      label: 'Show it in Tables',
                      onPress: () =>
                        goTo('library', {
                          librarySection: 'tables',
                          table: { name: 'session', where: { uuid: session.uuid } },
                        }),
                    },
                    { label: 'Delete session', danger: true, onPress: () => setDialog('delete') },
                  ]}
                />
              )}
            </Popup>
          )
        }
      >
        {sessionUuid === null ? (
          <Empty title="No session chosen">
            <p>Choose one in the list to see its recordings, its findings and its runs.</p>
          </Empty>
        ) : answer.isPending ? (
          <Loading title="Opening the session" step={1} steps={1} detail="reading its recordings and runs" />
        ) : answer.isError ? (
          <Failed title="The session could not be read" error={answer.error} onRetry={() => void answer.refetch()} />
        ) : (
          <Ready
            key={answer.data.session.uuid}
            {...answer.data}
            facts={facts}
            verifying={verify.isPending}
            onRelink={() => setDialog('relink')}
          />
        )}
      </Panel>
      {dialog === 'relink' && session !== undefined ? (
        <RelinkDialog session={session} onClose={() => setDialog(null)} />
      ) : null}
      {dialog === 'delete' && session !== undefined ? (
        <DeleteDialog
          title={`Delete session “${session.name}”`}
          target={{ key: session.uuid }}
          note="Recordings on disk are never touched."
          onClose={() => setDialog(null)}
          onDone={() => useUi.setState({ sessionUuid: null })}
        />
      ) : null}
    </>
  );
}

function useVerify() {
  const core = useCore();
  return useMutation({
    mutationFn: ({ uuid }: { readonly uuid: string; readonly name: string }) =>
      core.sessions.verify({ sessionUuid: uuid }),
    onSuccess: ({ sound, devices }, { name }) => {
      const problems = devices.flatMap((device) => device.problems.map((text) => `${device.device}: ${text}`));
      if (sound) report('info', 'Verify', `${name}: every byte fits the reports beside it.`);
      else for (const text of problems) report('warning', 'Verify', `${name}, ${text}`);
    },
    onError: (error, { name }) => report('error', 'Verify', `${name}: ${error.message}`),
  });
}

type Data = NonNullable<ReturnType<typeof useSession>['data']>;

interface ReadyProps extends Data {
  readonly facts: SessionFacts | undefined;
  readonly verifying: boolean;
  readonly onRelink: () => void;
}

function Ready({ session, runs, facts, verifying, onRelink }: ReadyProps): ReactElement {
  const best = runs.find((run) => run.state === 'succeeded');
  const succeeded = runs.filter((run) => run.state === 'succeeded').length;
  const findings = session.findings.filter((finding) => finding.severity !== 'info');
  const curations = useLineage(session.uuid);
  const process = (): void => goTo('process', { sessionUuid: session.uuid, followedRunUuid: null });
  return (
    <>
      {best === undefined ? null : (
        <div className={c('pictures')}>
          <StillPicture runUuid={best.uuid} image="max" caption="maximum" />
          <StillPicture runUuid={best.uuid} image="pnr" caption="peak to noise" />
        </div>
      )}
      <div className={c('scroll')}>
        {verifying ? <Note kind="info">Reading every byte of this session; you can go on meanwhile.</Note> : null}
        {session.filesPresent ? null : (
          <Note
            kind="problem"
            action={
              <Button size="small" onPress={onRelink}>
                Files moved?
              </Button>
            }
          >
            The films are not where they were. Runs can be reviewed, but there is no movie and no new run.
          </Note>
        )}
        {facts?.verified?.sound === false ? (
          <Note kind="problem">
            Something is wrong with the files, by the look at every byte on {dateTime(facts.verified.at)}. Messages say
            what.
          </Note>
        ) : null}
        {findings.map((finding) => (
          <Note
            key={`${finding.code} ${finding.where ?? ''} ${finding.message}`}
            kind={worst([finding]) === 'problem' ? 'problem' : 'warning'}
          >
            {finding.message}
            {finding.where === undefined ? null : <span className={c('dim')}> {finding.where}</span>}
          </Note>
        ))}
        <div className={c('section')}>
          <h3>Lineage</h3>
          <LineageTree
            session={session}
            runs={runs}
            curations={curations}
            fileFacts={[
              facts === undefined ? undefined : bytes(facts.bytes),
              facts?.place === undefined ? undefined : `on ${facts.place}`,
              facts?.verified?.sound === true ? `verified ${dateTime(facts.verified.at)}` : undefined,
            ]
              .filter((part) => part !== undefined)
              .join(', ')}
          />
        </div>
        <SessionNotes sessionUuid={session.uuid} facts={facts} />
      </div>
      <div className={c('foot')}>
        <Button
          fill
          kind={best === undefined ? 'plain' : 'primary'}
          off={best === undefined ? 'There are no cells to review: process the recording first.' : undefined}
          onPress={() => {
            if (best !== undefined) goTo('review', { sessionUuid: session.uuid, runUuid: best.uuid });
          }}
        >
          <Icon of={ScanSearch} />
          {best !== undefined && best.decided > 0 ? 'Go on reviewing' : 'Review'}
        </Button>
        <Button
          fill
          kind={best === undefined ? 'primary' : 'plain'}
          onPress={process}
          title={succeeded === 0 ? 'Find the cells' : `${plural(succeeded, 'run')} so far`}
        >
          <Icon of={Workflow} />
          Process
        </Button>
      </div>
    </>
  );
}
