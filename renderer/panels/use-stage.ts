// SPDX-License-Identifier: MIT
import { type RefObject, useEffect, useRef, useState } from 'react';
import { lutBytes } from '../gl/lut.ts';
import { outlineStyles } from '../gl/outline-styles.ts';
import { Kept } from '../gl/kept.ts';
import { PictureView } from '../gl/picture-view.ts';
import { PictureStage, type StageEvents } from '../gl/stage.ts';

/** The dark value of a token: pictures are dark in both themes. */
function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name);
}

const pictures = new Kept(() => new PictureView(outlineStyles(token), lutBytes('grey')));

interface UsedStage {
  /** The element it draws in. */
  readonly host: RefObject<HTMLDivElement | null>;
  readonly stage: PictureStage | null;
  /** Why nothing can be drawn, or `lost` while the graphics context is away. */
  readonly trouble: { readonly kind: 'lost' } | { readonly kind: 'fault'; readonly error: unknown } | null;
}

/** A stage in an element for as long as the component lives. `events` may change with every drawing. */
export function useStage(events: StageEvents): UsedStage {
  const host = useRef<HTMLDivElement>(null);
  const [stage, setStage] = useState<PictureStage | null>(null);
  const [trouble, setTrouble] = useState<UsedStage['trouble']>(null);
  const newest = useRef(events);
  useEffect(() => {
    newest.current = events;
  });
  useEffect(() => {
    let made: PictureStage | undefined;
    const make = (): void => {
      if (host.current === null) return;
      try {
        made = new PictureStage(host.current, pictures, {
          onPoint: (point, reach) => newest.current.onPoint?.(point, reach),
          onPick: (point, reach, shift) => newest.current.onPick?.(point, reach, shift),
          onDrawn: (view, panel) => newest.current.onDrawn?.(view, panel),
          onMoved: () => newest.current.onMoved?.(),
          onFault: (error) => setTrouble({ kind: 'fault', error }),
          onLost: (lost) => setTrouble(lost ? { kind: 'lost' } : null),
        });
        setStage(made);
      } catch (error) {
        setTrouble({ kind: 'fault', error });
      }
    };
    // Each in a task of its own: where a processor draws, two graphics contexts made at once hold the window up.
    const later = setTimeout(make);
    return () => {
      clearTimeout(later);
      setStage(null);
      made?.dispose();
    };
  }, []);
  return { host, stage, trouble };
}
