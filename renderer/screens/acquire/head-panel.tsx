// SPDX-License-Identifier: MIT
import { type ReactElement, useEffect, useRef, useState } from 'react';
import type { AcquireStatus } from '../../../main/contract/index.ts';
import type { LiveFeed } from '../../client/live.ts';
import { anglesOf } from '../../stores/acquire.ts';
import { classes } from '../../ui/classes.ts';
import { unknown } from '../../ui/format.ts';
import { Panel } from '../../ui/panel.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

type Angles = ReturnType<typeof anglesOf>;

const degrees = (value: number | undefined): string =>
  value === undefined ? unknown : `${value < -0.5 ? '−' : ''}${String(Math.round(Math.abs(value)))}°`;

interface HeadProps {
  readonly feed: LiveFeed;
  readonly hasSensor: boolean;
  readonly commutator: AcquireStatus['companions']['commutator'];
}

/** What the commutator does, in a few words. */
export function commutatorWords(commutator: HeadProps['commutator']): string {
  if (commutator === null) return 'commutator: none in this rig';
  if (commutator.trouble !== null) return `commutator: ${commutator.trouble.text}`;
  const { turns } = commutator;
  return `commutator ${turns < 0 ? '−' : '+'}${Math.abs(turns).toFixed(1)} turns`;
}

/** How the head is turned, in three dimensions and in numbers. */
export function HeadPanel({ feed, hasSensor, commutator }: HeadProps): ReactElement {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [angles, setAngles] = useState<Angles | null>(null);
  const [problem, setProblem] = useState('');
  useEffect(() => {
    if (canvas.current === null || !hasSensor) return undefined;
    const element = canvas.current;
    const leaving = new AbortController();
    let told = 0;
    const follow = async (): Promise<void> => {
      // three.js is large: it is loaded when a head is first looked at.
      const { HeadView } = await import('../../panels/head-view.ts');
      if (leaving.signal.aborted) return;
      const view = new HeadView(element);
      const stop = feed.listen(({ header: { orientation } }) => {
        if (orientation === null) return;
        view.turn(orientation);
        if (performance.now() - told < 200) return;
        told = performance.now();
        setAngles(anglesOf(orientation));
      });
      leaving.signal.addEventListener('abort', () => {
        stop();
        view.dispose();
      });
    };
    follow().catch((error: unknown) => setProblem(error instanceof Error ? error.message : 'It cannot be drawn.'));
    return () => leaving.abort();
  }, [feed, hasSensor]);
  return (
    <Panel title="Head" meta={hasSensor ? commutatorWords(commutator) : 'this scope has no orientation sensor'}>
      <div className={c('head3d')}>
        <canvas ref={canvas} role="img" aria-label="Orientation of the head" title={problem} />
        <dl>
          <dt>roll</dt>
          <dd>{degrees(angles?.roll)}</dd>
          <dt>pitch</dt>
          <dd>{degrees(angles?.pitch)}</dd>
          <dt>yaw</dt>
          <dd>{degrees(angles?.yaw)}</dd>
        </dl>
      </div>
    </Panel>
  );
}
