// SPDX-License-Identifier: MIT
import { type KeyboardEvent, type PointerEvent, type ReactElement } from 'react';
import { leastFoot, leastLeft, movedLayout, mostFoot, mostLeft, useRigLayout } from '../../stores/acquire.ts';
import { classes } from '../../ui/classes.ts';
import { useTextScale } from '../../ui/text-scale.ts';
import { styles } from './styles.ts';

const c = classes(styles);

/** A key moves a divider by this much: percent of the width, px of the height. */
const step = { left: 1, foot: 8 } as const;

/** Height of traces and messages: it grows with the text, and never takes more than three tenths of the place. */
export function footHeight(foot: number): string {
  return `min(calc(${String(foot)}px * var(--room)), 30%)`;
}

/** A border between parts of the rig's place that can be moved while the layout is not locked. */
export function Divider({ of }: { readonly of: 'left' | 'foot' }): ReactElement | null {
  const { left, foot, locked } = useRigLayout();
  const room = Math.max(1, useTextScale());
  if (locked) return null;
  const isLeft = of === 'left';
  const drag = (event: PointerEvent<HTMLDivElement>): void => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const box = event.currentTarget.parentElement?.getBoundingClientRect();
    if (box === undefined) return;
    movedLayout(
      isLeft ? { left: (100 * (event.clientX - box.left)) / box.width } : { foot: (box.bottom - event.clientY) / room },
    );
  };
  const key = (event: KeyboardEvent): void => {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    movedLayout(isLeft ? { left: left + by * step.left } : { foot: foot + by * step.foot });
  };
  return (
    <div
      className={c(isLeft ? 'divideLeft' : 'divideFoot')}
      style={isLeft ? { left: `${String(left)}%`, bottom: footHeight(foot) } : { bottom: footHeight(foot) }}
      role="separator"
      tabIndex={0}
      aria-label={isLeft ? 'Width of the picture' : 'Height of traces and messages'}
      aria-orientation={isLeft ? 'vertical' : 'horizontal'}
      aria-valuenow={Math.round(isLeft ? left : foot)}
      aria-valuemin={isLeft ? leastLeft : leastFoot}
      aria-valuemax={isLeft ? mostLeft : mostFoot}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={drag}
      onKeyDown={key}
    />
  );
}
