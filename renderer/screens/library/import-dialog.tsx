// SPDX-License-Identifier: MIT
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Film, Folder, FolderCheck } from 'lucide-react';
import { type ReactElement, useState } from 'react';
import { AppError, type FolderRef } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { keys } from '../../client/queries.ts';
import { report } from '../../stores/messages.ts';
import { goTo, useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Note } from '../../ui/controls.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Icon } from '../../ui/icons.tsx';
import { Empty, Failed, Loading } from '../../ui/panel.tsx';
import { ImportPreviewPane } from './import-preview.tsx';
import styles from './library.module.css';

const c = classes(styles);

/** The folder of an entry of a folder. */
export function inside(folder: FolderRef, name: string): FolderRef {
  return { root: folder.root, path: folder.path === '' ? name : `${folder.path}/${name}` };
}

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
  const doImport = useMutation({
    mutationFn: (folder: FolderRef) =>
      core.sessions.import({
        source: { folder },
        ...(rateGiven ? { fps: rate } : {}),
        ...(subject.trim() === '' ? {} : { subject: subject.trim() }),
      }),
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
          ? doImport.isPending
            ? 'The import is on its way.'
            : undefined
          : (problem?.message ?? 'Nothing in it can be imported.');
  const known = preview.data?.importedAs ?? null;
  return (
    <Dialog
      title="Import a folder"
      onClose={onClose}
      width={920}
      foot={
        <>
          <span className={c('footText')}>
            {off ?? 'This is a dry run: nothing has been changed. Import links the films; they stay where they are.'}
          </span>
          {known === null ? null : (
            <Button
              onPress={() => {
                useUi.setState({ sessionUuid: known });
                onClose();
              }}
            >
              Show it in the library
            </Button>
          )}
          <Button onPress={onClose}>Cancel</Button>
          <Button
            kind="primary"
            off={off}
            onPress={() => {
              if (chosen !== null) doImport.mutate(chosen);
            }}
          >
            Import
          </Button>
        </>
      }
    >
      {doImport.error === null ? null : (
        <Note kind="problem">
          {AppError.from(doImport.error).message} {AppError.from(doImport.error).hint}
        </Note>
      )}
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
    </Dialog>
  );
}

interface BrowserProps {
  readonly chosen: FolderRef | null;
  readonly onChoose: (folder: FolderRef | null) => void;
}

const entryIcons = { folder: Folder, session: FolderCheck, film: Film } as const;

function FolderBrowser({ chosen, onChoose }: BrowserProps): ReactElement {
  const core = useCore();
  const [folder, setFolder] = useState<FolderRef | null>(null);
  const roots = useQuery({ queryKey: ['roots'], queryFn: ({ signal }) => core.files.roots({}, { signal }) });
  const list = useQuery({
    queryKey: ['folder', folder],
    queryFn: ({ signal }) =>
      folder === null
        ? Promise.reject(new AppError('usage.invalid', 'No folder is open.'))
        : core.files.list({ folder }, { signal }),
    enabled: folder !== null,
    staleTime: 0,
  });
  const rootName = roots.data?.find((root) => root.root === folder?.root)?.name ?? '';
  const steps = folder === null || folder.path === '' ? [] : folder.path.split('/');
  const open = (next: FolderRef | null): void => {
    setFolder(next);
    onChoose(null);
  };
  return (
    <div className={c('browse')}>
      <nav className={c('way')} aria-label="Folder">
        <button type="button" onClick={() => open(null)}>
          Places
        </button>
        {folder === null ? null : (
          <>
            <span>/</span>
            <button type="button" onClick={() => open({ root: folder.root, path: '' })}>
              {rootName}
            </button>
            {steps.map((step, index) => {
              const path = steps.slice(0, index + 1).join('/');
              return (
                <span key={path}>
                  /{' '}
                  <button type="button" onClick={() => open({ root: folder.root, path })}>
                    {step}
                  </button>
                </span>
              );
            })}
          </>
        )}
      </nav>
      <div className={c('entries')}>
        {folder === null
          ? (roots.data ?? []).map((root) => (
              <button
                key={root.root}
                type="button"
                className={c('entry')}
                onClick={() => open({ root: root.root, path: '' })}
              >
                <Icon of={Folder} />
                <span className={c('entryName')}>{root.name}</span>
              </button>
            ))
          : (list.data?.entries ?? []).map((entry) => {
              const place = inside(folder, entry.name);
              const picked = chosen?.root === place.root && chosen.path === place.path;
              return (
                <button
                  key={entry.name}
                  type="button"
                  className={c('entry')}
                  aria-pressed={picked}
                  onClick={() => (entry.kind === 'folder' ? open(place) : onChoose(place))}
                >
                  <Icon of={entryIcons[entry.kind]} />
                  <span className={c('entryName')}>{entry.name}</span>
                  <span className={c('entryDetail')}>
                    {entry.detail ?? (entry.kind === 'folder' ? '' : entry.kind)}
                  </span>
                </button>
              );
            })}
        {folder !== null && list.data?.entries.length === 0 ? (
          <Note kind="info">No folders, sessions or films in here.</Note>
        ) : null}
        {list.isError && folder !== null ? <Note kind="problem">{AppError.from(list.error).message}</Note> : null}
        {roots.isError ? <Note kind="problem">{AppError.from(roots.error).message}</Note> : null}
      </div>
    </div>
  );
}
