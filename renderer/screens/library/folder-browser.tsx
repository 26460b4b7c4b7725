// SPDX-License-Identifier: MIT
import { useQuery } from '@tanstack/react-query';
import { File, Film, Folder, FolderCheck } from 'lucide-react';
import { type ReactElement, useState } from 'react';
import { AppError, type FolderRef } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { classes } from '../../ui/classes.ts';
import { Note } from '../../ui/controls.tsx';
import { Icon } from '../../ui/icons.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

/** The folder of an entry of a folder. */
export function inside(folder: FolderRef, name: string): FolderRef {
  return { root: folder.root, path: folder.path === '' ? name : `${folder.path}/${name}` };
}

interface BrowserProps {
  readonly chosen: FolderRef | null;
  readonly onChoose: (folder: FolderRef | null) => void;
  /** The folder that is open counts as chosen, too. */
  readonly foldersToo?: boolean;
  /** Which files are listed beside folders; films and sessions when absent. */
  readonly files?: 'results' | 'places';
}

const entryIcons = { folder: Folder, session: FolderCheck, film: Film, file: File } as const;

/** Folders by name, as far as the core offers them; sessions and films can be chosen. */
export function FolderBrowser({ chosen, onChoose, foldersToo = false, files }: BrowserProps): ReactElement {
  const core = useCore();
  const [folder, setFolder] = useState<FolderRef | null>(null);
  const roots = useQuery({ queryKey: ['roots'], queryFn: ({ signal }) => core.files.roots({}, { signal }) });
  const list = useQuery({
    queryKey: ['folder', folder, files],
    queryFn: ({ signal }) =>
      folder === null
        ? Promise.reject(new AppError('usage.invalid', 'No folder is open.'))
        : core.files.list({ folder, ...(files === undefined ? {} : { files }) }, { signal }),
    enabled: folder !== null,
    staleTime: 0,
  });
  const rootName = roots.data?.find((root) => root.root === folder?.root)?.name ?? '';
  const steps = folder === null || folder.path === '' ? [] : folder.path.split('/');
  const open = (next: FolderRef | null): void => {
    setFolder(next);
    onChoose(foldersToo ? next : null);
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
                    {entry.detail ?? (entry.kind === 'film' || entry.kind === 'session' ? entry.kind : '')}
                  </span>
                </button>
              );
            })}
        {folder !== null && list.data?.entries.length === 0 ? (
          <Note kind="info">
            {files === undefined
              ? 'No folders, sessions or films in here.'
              : 'No folders and no fitting files in here.'}
          </Note>
        ) : null}
        {list.isError && folder !== null ? <Note kind="problem">{AppError.from(list.error).message}</Note> : null}
        {roots.isError ? <Note kind="problem">{AppError.from(roots.error).message}</Note> : null}
      </div>
    </div>
  );
}
