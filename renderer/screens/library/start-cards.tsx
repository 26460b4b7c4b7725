// SPDX-License-Identifier: MIT
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { AppError } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { keys, useSample } from '../../client/queries.ts';
import { goTo, showOverlay } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Note } from '../../ui/controls.tsx';
import styles from './library.module.css';

const c = classes(styles);

/** The first start: nothing here yet, and the two ways on. */
export function StartCards(): ReactElement {
  const core = useCore();
  const queries = useQueryClient();
  const sample = useSample();
  const open = useMutation({
    mutationFn: () => core.sessions.openSample({}),
    onSuccess: async ({ session }) => {
      await queries.invalidateQueries({ queryKey: keys.sessions });
      goTo('process', { sessionUuid: session.uuid, runUuid: null, followedRunUuid: null });
    },
  });
  return (
    <div className={c('cards')}>
      <h2>No sessions in this library yet</h2>
      <p>
        Open something small to see what Calyx does, or bring in a recording of your own. Nothing is copied or changed.
      </p>
      <div className={c('starts')}>
        {sample.data?.available === false ? null : (
          <div className={c('start')}>
            <Button
              kind="primary"
              onPress={() => open.mutate()}
              off={open.isPending ? 'It is being opened.' : undefined}
            >
              Open the sample session
            </Button>
            <p>
              A simulated Miniscope recording that comes with the program: 30 seconds, about twenty cells, found in less
              than a minute.
            </p>
          </div>
        )}
        <div className={c('start')}>
          <Button onPress={() => showOverlay('import')}>Import a folder</Button>
          <p>A Miniscope session folder, a device folder inside it, or a film.</p>
        </div>
        {open.error === null ? null : (
          <Note kind="problem">
            {AppError.from(open.error).message} {AppError.from(open.error).hint}
          </Note>
        )}
      </div>
    </div>
  );
}
