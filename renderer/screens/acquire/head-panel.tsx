// SPDX-License-Identifier: MIT
import { type ReactElement, useEffect, useRef, useState } from 'react';
import type { AcquireStatus } from '../../../main/contract/index.ts';
import type { LiveFeed } from '../../client/live.ts';
import { HeadFigure } from '../../panels/head-figure.tsx';
import { anglesOf } from '../../stores/acquire.ts';
import { Panel } from '../../ui/panel.tsx';

type Angles = ReturnType<typeof anglesOf>;

interface HeadProps {
  readonly feed: LiveFeed;
  /** Said when there are others. */
  readonly title: string;
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
export function HeadPanel({ feed, title, hasSensor, commutator }: HeadProps): ReactElement {
  const host = useRef<HTMLDivElement>(null);
  const [angles, setAngles] = useState<Angles | null>(null);
  const [problem, setProblem] = useState('');
  useEffect(() => {
    if (host.current === null || !hasSensor) return undefined;
    const element = host.current;
    const leaving = new AbortController();
    let told = 0;
    const follow = async (): Promise<void> => {
      // three.js is large: it is loaded when a head is first looked at.
      const { heads } = await import('../../panels/head-view.ts');
      if (leaving.signal.aborted) return;
      const view = heads.lend(element);
      const stop = feed.listen(({ header: { orientation } }) => {
        if (orientation === null) return;
        view.turn(orientation);
        if (performance.now() - told < 200) return;
        told = performance.now();
        setAngles(anglesOf(orientation));
      });
      leaving.signal.addEventListener('abort', () => {
        stop();
        heads.giveBack(view);
      });
    };
    follow().catch((error: unknown) => setProblem(error instanceof Error ? error.message : 'It cannot be drawn.'));
    return () => leaving.abort();
  }, [feed, hasSensor]);
  return (
    <Panel title={title} meta={hasSensor ? commutatorWords(commutator) : 'this scope has no orientation sensor'}>
      <HeadFigure host={host} angles={angles} label={() => 'Orientation of the head'} title={problem} />
    </Panel>
  );
}
