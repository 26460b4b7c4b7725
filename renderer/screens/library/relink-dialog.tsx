// SPDX-License-Identifier: MIT
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { AppError, type FolderRef, type SessionRow } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { keys } from '../../client/queries.ts';
import { report } from '../../stores/messages.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Note } from '../../ui/controls.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { plural } from '../../ui/format.ts';
import { FolderBrowser } from './folder-browser.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

/** Says where a session's films lie now. Only the same films are taken, and sessions that moved with it are found, too. */
export function RelinkDialog({
  session,
  onClose,
}: {
  readonly session: SessionRow;
  readonly onClose: () => void;
}): ReactElement {
  const core = useCore();
  const queries = useQueryClient();
  const [chosen, setChosen] = useState<FolderRef | null>(null);
  const relink = useMutation({
    mutationFn: (folder: FolderRef) => core.sessions.relink({ sessionUuid: session.uuid, source: { folder } }),
    onSuccess: async ({ relinked, stillMissing }) => {
      for (const queryKey of [keys.sessions, keys.session(session.uuid), ['facts']])
        await queries.invalidateQueries({ queryKey });
      report(
        'info',
        'Files moved',
        `${plural(relinked.length, 'session')} found again${stillMissing === 0 ? '.' : `; the files of ${plural(stillMissing, 'session is', 'sessions are')} still missing.`}`,
      );
      onClose();
    },
  });
  const off =
    chosen === null
      ? 'Choose the folder it lies in now.'
      : relink.isPending
        ? 'The films are being compared.'
        : undefined;
  return (
    <Dialog
      title={`Where is “${session.name}” now?`}
      onClose={onClose}
      width={640}
      foot={
        <>
          <span className={c('footText')}>
            {off ??
              'The films there are compared with those the library knows. Other sessions that moved in the same way are found again, too.'}
          </span>
          <Button onPress={onClose}>Cancel</Button>
          <Button
            kind="primary"
            off={off}
            onPress={() => {
              if (chosen !== null) relink.mutate(chosen);
            }}
          >
            Use this folder
          </Button>
        </>
      }
    >
      {relink.error === null ? null : (
        <Note kind="problem">
          {AppError.from(relink.error).message} {AppError.from(relink.error).hint}
        </Note>
      )}
      <div className={c('relink')}>
        <FolderBrowser chosen={chosen} onChoose={setChosen} />
      </div>
    </Dialog>
  );
}
