// SPDX-License-Identifier: MIT
import type { UseMutationResult } from '@tanstack/react-query';
import type { ReactElement, ReactNode } from 'react';
import { AppError, type FolderRef } from '../../../main/contract/index.ts';
import type { useWork } from '../../client/exports.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Note } from '../../ui/controls.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { styles } from './styles.ts';
import { wasCancelled, Working } from './working.tsx';

const c = classes(styles);

interface ImportShellProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly chosen: FolderRef | null;
  /** Why nothing can be imported yet. */
  readonly off: string | undefined;
  /** Said once it can be. */
  readonly ready: string;
  /** Beside the buttons of every import. */
  readonly extra?: ReactNode;
  readonly importing: Pick<UseMutationResult<unknown, Error, FolderRef>, 'mutate' | 'error' | 'isPending'>;
  readonly work: ReturnType<typeof useWork>;
  /** What is done before the first word of progress. */
  readonly waiting: string;
  readonly children: ReactNode;
}

/** The frame of a dialog that takes something into the library: why not yet, the buttons, what went wrong, how far it is. */
export function ImportShell(props: ImportShellProps): ReactElement {
  const { title, onClose, chosen, ready, extra, importing, work, waiting, children } = props;
  const off = importing.isPending ? 'The import is on its way; closing ends it.' : props.off;
  return (
    <Dialog
      title={title}
      onClose={onClose}
      width={920}
      foot={
        <>
          <span className={c('footText')}>{off ?? ready}</span>
          {extra}
          <Button onPress={onClose}>Cancel</Button>
          <Button
            kind="primary"
            off={off}
            onPress={() => {
              if (chosen !== null) importing.mutate(chosen);
            }}
          >
            Import
          </Button>
        </>
      }
    >
      {importing.error === null || wasCancelled(importing.error) ? null : (
        <Note kind="problem">
          {AppError.from(importing.error).message} {AppError.from(importing.error).hint}
        </Note>
      )}
      {children}
      {importing.isPending ? <Working work={work} waiting={waiting} /> : null}
    </Dialog>
  );
}
