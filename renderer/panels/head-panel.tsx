// SPDX-License-Identifier: MIT
import { type ReactElement, useEffect, useRef, useState } from 'react';
import type { ReviewOpening } from '../client/queries.ts';
import { useHead } from '../client/recorded.ts';
import { anglesOf } from '../stores/acquire.ts';
import { useReview } from '../stores/review.ts';
import { useInFront } from '../ui/dock/slots.ts';
import { percent } from '../ui/format.ts';
import { Empty, Failed, Loading, Panel } from '../ui/panel.tsx';
import { HeadFigure } from './head-figure.tsx';
import type { HeadView } from './head-view.ts';

/** How the head was turned at the one cursor. */
export function HeadPanel({ opening }: { readonly opening: ReviewOpening }): ReactElement {
  const looked = useInFront();
  const head = useHead(opening.run.uuid, looked);
  const known = head.data === undefined ? 0 : head.data.known / Math.max(1, opening.frames);
  return (
    <Panel
      title="Head"
      scope="head"
      well
      meta={head.data === undefined || known >= 0.995 || known === 0 ? undefined : `known for ${percent(known)}`}
    >
      {head.isError ? (
        <Failed title="The orientation cannot be read" error={head.error} onRetry={() => void head.refetch()} />
      ) : head.data === undefined ? (
        <Loading title="Reading the orientation" step={1} steps={1} detail="what lies beside the film" />
      ) : head.data.known === 0 ? (
        <Empty title="No head orientation">
          <p>This scope has no orientation sensor, it was switched off, or its file is not on this machine.</p>
        </Empty>
      ) : (
        <Turned quaternions={head.data.quaternions} looked={looked} />
      )}
    </Panel>
  );
}

interface TurnedProps {
  readonly quaternions: Float32Array;
  readonly looked: boolean;
}

function Turned({ quaternions, looked }: TurnedProps): ReactElement {
  const host = useRef<HTMLDivElement>(null);
  const frame = useReview((state) => state.frame);
  const [view, setView] = useState<HeadView | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  useEffect(() => {
    if (host.current === null || !looked) return undefined;
    const element = host.current;
    let giveBack: (() => void) | undefined;
    let left = false;
    // three.js is large: it is loaded when a head is first looked at.
    const load = async (): Promise<void> => {
      const { heads } = await import('./head-view.ts');
      if (left) return;
      const lent = heads.lend(element);
      giveBack = () => heads.giveBack(lent);
      setView(lent);
    };
    load().catch((error: unknown) => setProblem(error));
    return () => {
      left = true;
      setView(null);
      giveBack?.();
    };
  }, [looked]);
  const [w = Number.NaN, x = 0, y = 0, z = 0] = quaternions.subarray(4 * frame, 4 * frame + 4);
  const known = !Number.isNaN(w);
  useEffect(() => {
    if (known) view?.turn({ w, x, y, z });
  }, [view, known, w, x, y, z]);
  const angles = known ? anglesOf({ w, x, y, z }) : null;
  if (problem !== null) return <Failed title="The head cannot be drawn" error={problem} />;
  return (
    <HeadFigure
      host={host}
      angles={angles}
      label={(yaw) => (known ? `Head turned by ${yaw}` : 'Head, not known at this moment')}
      isUnseen={!known}
    />
  );
}
