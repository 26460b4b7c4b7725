// SPDX-License-Identifier: MIT
import type { ReactElement, ReactNode } from 'react';
import { classes } from '../../ui/classes.ts';
import styles from './settings.module.css';

const c = classes(styles);

/** A group of settings under a heading. */
export function Part({ title, children }: { readonly title: string; readonly children: ReactNode }): ReactElement {
  return (
    <section className={c('part')} aria-label={title}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

interface RowProps {
  readonly label: string;
  readonly children: ReactNode;
  readonly help?: ReactNode;
  readonly changed?: boolean;
  readonly problem?: string | undefined;
}

/** One setting: its name, its control, and what it does. */
export function Row({ label, children, help, changed = false, problem }: RowProps): ReactElement {
  return (
    <div className={c('row')}>
      <span className={c('label')}>
        {label}
        {changed ? <span className={c('changedDot')} role="img" aria-label="changed" /> : null}
      </span>
      <div className={c('control')}>{children}</div>
      <span className={c('help')}>{help}</span>
      {problem === undefined ? null : (
        <span className={c('problem')} role="alert">
          {problem}
        </span>
      )}
    </div>
  );
}
