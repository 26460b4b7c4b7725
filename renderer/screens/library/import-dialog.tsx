// SPDX-License-Identifier: MIT
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { AppError, type FolderRef } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { useWork } from '../../client/exports.ts';
import { keys } from '../../client/queries.ts';
import { report } from '../../stores/messages.ts';
import { goTo, useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button } from '../../ui/controls.tsx';
import { Empty, Failed, Loading } from '../../ui/panel.tsx';
import { FolderBrowser } from './folder-browser.tsx';
import { ImportPreviewPane } from './import-preview.tsx';
import { ImportShell } from './import-shell.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

/** Chooses a folder by names, shows what was recognised in it, and links it into the library. */
export function ImportDialog({ onClose }: { readonly onClose: () => void }): ReactElement {
  const core = useCore();
  const queries = useQueryClient();
  const [chosen, setChosen] = useState<FolderRef | null>(null);
  const [fps, setFps] = useState('');
  const [subject, setSubject] = useState('');
  const rate = Number(fps);
  const rateGiven = fps.trim() !== '' && Number.isFinite(rate) && rate > 0;
  const preview = useQuery({
    queryKey: ['preview', chosen, rateGiven ? rate : null],
    queryFn: ({ signal }) =>
      chosen === null
        ? Promise.reject(new AppError('usage.invalid', 'No folder is chosen.'))
        : core.sessions.preview({ source: { folder: chosen }, ...(rateGiven ? { fps: rate } : {}) }, { signal }),
    enabled: chosen !== null,
  });
  const work = useWork();
  const doImport = useMutation({
    mutationFn: (folder: FolderRef) =>
      work.run((ticket, signal) =>
        core.sessions.import(
          {
            source: { folder },
            ticket,
            ...(rateGiven ? { fps: rate } : {}),
            ...(subject.trim() === '' ? {} : { subject: subject.trim() }),
          },
          { signal },
        ),
      ),
    onSuccess: async ({ session, alreadyImported }) => {
      await queries.invalidateQueries({ queryKey: keys.sessions });
      report(
        'info',
        'Import',
        alreadyImported ? `${session.name} was in the library already.` : `${session.name} is in the library.`,
      );
      goTo('library', { sessionUuid: session.uuid });
    },
  });
  const problem = preview.data?.findings.find((finding) => finding.severity === 'problem');
  const off =
    chosen === null
      ? 'Choose a session folder or a film first.'
      : preview.data === undefined
        ? 'What is in it is not known yet.'
        : preview.data.canImport
          ? undefined
          : (problem?.message ?? 'Nothing in it can be imported.');
  const known = preview.data?.importedAs ?? null;
  return (
    <ImportShell
      title="Import a folder"
      onClose={onClose}
      chosen={chosen}
      off={off}
      ready="This is a dry run: nothing has been changed. Import links the films; they stay where they are."
      extra={
        known === null ? null : (
          <Button
            onPress={() => {
              useUi.setState({ sessionUuid: known });
              onClose();
            }}
          >
            Show it in the library
          </Button>
        )
      }
      importing={doImport}
      work={work}
      waiting="linking the films"
    >
      <div className={c('import')}>
        <FolderBrowser chosen={chosen} onChoose={setChosen} />
        <div className={c('preview')} aria-live="polite">
          {chosen === null ? (
            <Empty title="Nothing chosen">
              <p>Choose a Miniscope session folder, a device folder inside it, or a film.</p>
            </Empty>
          ) : preview.isPending ? (
            <Loading
              title="Looking inside"
              step={1}
              steps={1}
              detail="metadata, time stamps and films"
              onCancel={() => setChosen(null)}
            />
          ) : preview.isError ? (
            <Failed
              title="This cannot be imported"
              error={preview.error}
              onRetry={() => void preview.refetch()}
              retryLabel="Look again"
            />
          ) : (
            <ImportPreviewPane
              preview={preview.data}
              fps={fps}
              onFps={setFps}
              subject={subject}
              onSubject={setSubject}
            />
          )}
        </div>
      </div>
    </ImportShell>
  );
}
