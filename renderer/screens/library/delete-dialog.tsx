// SPDX-License-Identifier: MIT
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { AppError } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import type { CoreClient } from '../../client/types.ts';
import { report } from '../../stores/messages.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Note } from '../../ui/controls.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { count, dateTime, plural } from '../../ui/format.ts';
import { Failed, Loading } from '../../ui/panel.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

interface DeleteProps {
  readonly title: string;
  readonly target: Parameters<CoreClient['library']['deletePreview']>[0];
  readonly note?: string;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

/** What would go, by table, before it goes; it can be brought back for a week. */
export function DeleteDialog({ title, target, note, onClose, onDone }: DeleteProps): ReactElement {
  const core = useCore();
  const queries = useQueryClient();
  const preview = useQuery({
    queryKey: ['delete-preview', target],
    queryFn: ({ signal }) => core.library.deletePreview(target, { signal }),
    staleTime: 0,
  });
  const remove = useMutation({
    mutationFn: () => core.library.delete(target),
    onSuccess: async (deletion) => {
      await queries.invalidateQueries();
      report(
        'info',
        'Delete',
        `Deleted ${deletion.what}. It can be brought back until ${dateTime(deletion.purgeAfter)}.`,
      );
      onDone();
      onClose();
    },
  });
  const rows = preview.data?.counts.reduce((sum, { rows: n }) => sum + n, 0) ?? 0;
  const off =
    preview.data === undefined
      ? 'What depends on it is not known yet.'
      : remove.isPending
        ? 'It is being deleted.'
        : undefined;
  return (
    <Dialog
      title={title}
      onClose={onClose}
      width={520}
      foot={
        <>
          <span className={c('footText')}>Can be brought back for 7 days, under Deleted.</span>
          <Button onPress={onClose}>Cancel</Button>
          <Button off={off} onPress={() => remove.mutate()}>
            Delete {rows === 0 ? '' : plural(rows, 'row')}
          </Button>
        </>
      }
    >
      <div className={c('deleteBody')}>
        {remove.error === null ? null : (
          <Note kind="problem">
            {AppError.from(remove.error).message} {AppError.from(remove.error).hint}
          </Note>
        )}
        {preview.isPending ? (
          <Loading title="Looking" step={1} steps={1} detail="what depends on it" onCancel={onClose} />
        ) : preview.isError ? (
          <Failed title="This cannot be deleted" error={preview.error} />
        ) : (
          <div className={c('pad')}>
            <p>
              {preview.data.what} goes with everything that depends on it. {note}
            </p>
            <table className={c('counts')}>
              <thead>
                <tr>
                  <th scope="col">Table</th>
                  <th scope="col" className={c('num')}>
                    Rows
                  </th>
                </tr>
              </thead>
              <tbody>
                {preview.data.counts.map(({ table, rows: n }) => (
                  <tr key={table}>
                    <td>{table}</td>
                    <td className={c('num')}>{count(n)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
            {preview.data.folders.length === 0 ? null : (
              <p className={c('dim')}>
                {plural(preview.data.folders.length, 'folder')} of results in the library go after the week is over.
              </p>
            )}
          </div>
        )}
      </div>
    </Dialog>
  );
}
