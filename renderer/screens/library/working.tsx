// SPDX-License-Identifier: MIT
import type { ReactElement } from 'react';
import type { Work } from '../../client/exports.ts';
import { classes } from '../../ui/classes.ts';
import { Bar, Button } from '../../ui/controls.tsx';
import styles from './exchange.module.css';

const c = classes(styles);

/** How far the work of a dialog is, and how to stop it. */
export function Working({ work, waiting }: { readonly work: Work; readonly waiting: string }): ReactElement {
  return (
    <div className={c('working')} role="status">
      <span>{work.progress?.step ?? waiting}</span>
      <Bar label="Progress" value={work.progress?.fraction ?? 0} width={160} />
      <Button size="small" onPress={work.cancel}>
        Cancel
      </Button>
    </div>
  );
}

/** Did it end because somebody wanted it to? */
export const wasCancelled = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'rpc.cancelled';
