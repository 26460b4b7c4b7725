// SPDX-License-Identifier: MIT
import type { ReactElement, RefObject } from 'react';
import type { anglesOf } from '../stores/acquire.ts';
import { classes } from '../ui/classes.ts';
import { unknown } from '../ui/format.ts';
import styles from './head-figure.module.css';

const c = classes(styles);

const degrees = (value: number | undefined): string =>
  value === undefined ? unknown : `${value < -0.5 ? '−' : ''}${String(Math.round(Math.abs(value)))}°`;

interface HeadFigureProps {
  /** Where a head view draws. */
  readonly host: RefObject<HTMLDivElement | null>;
  readonly angles: ReturnType<typeof anglesOf> | null;
  readonly label: (yaw: string) => string;
  readonly title?: string;
  readonly isUnseen?: boolean;
}

/** A head in three dimensions, and its angles in numbers. */
export function HeadFigure({ host, angles, label, title, isUnseen = false }: HeadFigureProps): ReactElement {
  return (
    <div className={c('head3d', isUnseen && 'unseen')}>
      <div ref={host} role="img" aria-label={label(degrees(angles?.yaw))} title={title} />
      <dl>
        <dt>roll</dt>
        <dd>{degrees(angles?.roll)}</dd>
        <dt>pitch</dt>
        <dd>{degrees(angles?.pitch)}</dd>
        <dt>yaw</dt>
        <dd>{degrees(angles?.yaw)}</dd>
      </dl>
    </div>
  );
}
