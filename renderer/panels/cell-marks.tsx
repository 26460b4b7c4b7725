// SPDX-License-Identifier: MIT
import { type ReactElement, type Ref, useCallback, useImperativeHandle, useLayoutEffect, useMemo, useRef } from 'react';
import type { Outlines, Ring } from '../gl/contours.ts';
import type { PictureStage } from '../gl/stage.ts';
import type { Size, View } from '../gl/viewport.ts';
import { classes } from '../ui/classes.ts';
import { styles } from './styles.ts';

const c = classes(styles);

/** The closed lines of a cell as a path in frame coordinates. */
export function ringPath(rings: readonly Ring[]): string {
  let path = '';
  for (const ring of rings) {
    for (let i = 0; i + 1 < ring.length; i += 2)
      path += `${i === 0 ? 'M' : 'L'}${String(ring[i] ?? 0)} ${String(ring[i + 1] ?? 0)}`;
    path += 'Z';
  }
  return path;
}

/** Moves the marks with the picture. */
export interface MarksHandle {
  readonly place: (view: View, panel: Size) => void;
}

interface MarksProps {
  readonly stage: PictureStage | null;
  readonly outlines: Outlines | undefined;
  /** Rows of cells, −1 for none. */
  readonly selected: number;
  readonly hovered: number;
  readonly partner: number;
  readonly handle: Ref<MarksHandle>;
}

/** The outlines of the selected, hovered and partner cells, over the picture and not in it: going from cell to cell draws nothing of the picture anew. */
export function CellMarks({ stage, outlines, selected, hovered, partner, handle }: MarksProps): ReactElement {
  const group = useRef<SVGGElement>(null);
  const marks = useMemo(() => {
    const drawn = [
      { key: 'partner', row: partner },
      { key: 'hover', row: hovered === selected ? -1 : hovered },
      { key: 'chosen', row: selected },
    ];
    return drawn.map(({ key, row }) => ({ key, path: ringPath(outlines?.rings[row] ?? []) }));
  }, [outlines, selected, hovered, partner]);
  const place = useCallback(({ center, zoom }: View, panel: Size): void => {
    const [x, y] = [panel.width / 2 - center.x * zoom, panel.height / 2 - center.y * zoom];
    group.current?.setAttribute('transform', `translate(${String(x)} ${String(y)}) scale(${String(zoom)})`);
  }, []);
  useImperativeHandle(handle, () => ({ place }), [place]);
  useLayoutEffect(() => {
    if (stage !== null) place(stage.view, stage.panel);
  }, [stage, place]);
  return (
    <svg className={c('marks')} aria-hidden="true">
      <g ref={group}>
        {marks.map(({ key, path }) =>
          path === '' ? null : (
            <g key={key} className={c(`${key}Mark`)} data-mark={key}>
              <path d={path} />
              <path d={path} />
            </g>
          ),
        )}
      </g>
    </svg>
  );
}
