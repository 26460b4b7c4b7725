// SPDX-License-Identifier: MIT
import { Check, X } from 'lucide-react';
import {
  type PointerEvent,
  type ReactElement,
  type Ref,
  useEffect,
  useImperativeHandle,
  useMemo,
  useRef,
  useState,
} from 'react';
import type { Cell } from '../../main/contract/index.ts';
import { useOutlines } from '../client/outlines.ts';
import type { Outlines } from '../gl/contours.ts';
import type { PictureStage } from '../gl/stage.ts';
import { type Point, type Size, toImage, toScreen, type View } from '../gl/viewport.ts';
import { editOf, ownCells, takeTool, toolWords, useEdit, withPoint } from '../stores/edit.ts';
import { classes } from '../ui/classes.ts';
import type { Command } from '../ui/commands/registry.ts';
import { runById, useCommands } from '../ui/commands/use-commands.ts';
import { Button } from '../ui/controls.tsx';
import { Icon } from '../ui/icons.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

/** What the map tells the overlay after each drawing. */
export interface OverlayHandle {
  readonly place: (view: View, panel: Size) => void;
}

interface OverlayProps {
  readonly runUuid: string;
  readonly stage: PictureStage | null;
  readonly selected: Cell | undefined;
  readonly handle: Ref<OverlayHandle>;
}

function pathOf(points: readonly Point[], view: View, panel: Size, closed: boolean): string {
  const steps = points.map((point, index) => {
    const { x, y } = toScreen(view, panel, point);
    return `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  return steps.join('') + (closed && points.length > 2 ? 'Z' : '');
}

/** The rings of the cells that a preview makes or changes. */
function changedRings(outlines: Outlines | undefined, rows: readonly number[]): readonly (readonly Point[])[] {
  return rows.flatMap((row) =>
    (outlines?.rings[row] ?? []).map((ring) =>
      Array.from({ length: ring.length / 2 }, (_, i) => ({ x: ring[2 * i] ?? 0, y: ring[2 * i + 1] ?? 0 })),
    ),
  );
}

/** Over the map: what a person draws with a tool, and the outlines that a previewed edit would give. */
export function EditOverlay({ runUuid, stage, selected, handle }: OverlayProps): ReactElement {
  const { tool, phase } = useEdit();
  const svg = useRef<SVGSVGElement>(null);
  const placeRef = useRef<() => void>(() => undefined);
  const preview = phase.kind === 'previewed' ? phase.preview : undefined;
  useImperativeHandle(handle, () => ({ place: () => placeRef.current() }), []);
  const rows =
    phase.kind === 'previewed'
      ? ownCells(phase.edit, phase.cells)
          .filter(({ state, result }) => state === 'live' && result !== null)
          .map(({ row }) => row)
      : [];
  return (
    <>
      {preview === undefined ? null : (
        <PreviewLines
          key={preview}
          runUuid={runUuid}
          preview={preview}
          rows={rows}
          svg={svg}
          stage={stage}
          placeRef={placeRef}
        />
      )}
      <svg ref={svg} className={c('drawing')} aria-hidden="true">
        <path className={c('drawnCase')} />
        <path className={c('drawn')} />
      </svg>
      {tool === null ? null : <Tool stage={stage} selected={selected} svg={svg} placeRef={placeRef} />}
    </>
  );
}

interface LinesProps {
  readonly stage: PictureStage | null;
  readonly svg: { readonly current: SVGSVGElement | null };
  readonly placeRef: { current: () => void };
}

function setPaths(svg: SVGSVGElement | null, d: string): void {
  for (const path of svg?.querySelectorAll('path') ?? []) path.setAttribute('d', d);
}

function PreviewLines(
  props: LinesProps & { readonly runUuid: string; readonly preview: string; readonly rows: readonly number[] },
): null {
  const { runUuid, preview, rows, svg, stage, placeRef } = props;
  const outlines = useOutlines(runUuid, preview);
  const wanted = rows.join(' ');
  useEffect(() => {
    const rings = changedRings(outlines.data, wanted === '' ? [] : wanted.split(' ').map(Number));
    const element = svg.current;
    placeRef.current = () => {
      if (stage === null) return;
      setPaths(element, rings.map((ring) => pathOf(ring, stage.view, stage.panel, true)).join(''));
    };
    placeRef.current();
    return () => {
      placeRef.current = () => undefined;
      setPaths(element, '');
    };
  }, [outlines.data, wanted, stage, svg, placeRef]);
  return null;
}

/** Takes the pointer and the arrow keys while a tool is up. */
function Tool({
  stage,
  selected,
  svg,
  placeRef,
}: LinesProps & { readonly selected: Cell | undefined }): ReactElement | null {
  const { tool, points } = useEdit();
  const layer = useRef<HTMLDivElement>(null);
  const [cross, setCross] = useState<Point | null>(null);
  useEffect(() => {
    layer.current?.focus();
  }, [tool]);
  useEffect(() => {
    const element = svg.current;
    placeRef.current = () => {
      if (stage === null) return;
      const drawn = pathOf(points, stage.view, stage.panel, tool !== 'cut');
      const at = cross ?? (tool === 'seed' ? points[0] : undefined);
      let mark = '';
      if (at !== undefined && at !== null) {
        const { x, y } = toScreen(stage.view, stage.panel, at);
        mark = `M${String(x - 8)} ${String(y)}H${String(x + 8)}M${String(x)} ${String(y - 8)}V${String(y + 8)}`;
      }
      setPaths(element, drawn + mark);
    };
    placeRef.current();
    return () => {
      placeRef.current = () => undefined;
      setPaths(element, '');
    };
  }, [points, tool, cross, stage, svg, placeRef]);
  const commands = useMemo<readonly Command[]>(() => crossCommands(stage, selected, setCross), [stage, selected]);
  useCommands(commands);
  if (tool === null) return null;
  const at = (event: { readonly clientX: number; readonly clientY: number }): Point | undefined => {
    const box = layer.current?.getBoundingClientRect();
    if (box === undefined || stage === null) return undefined;
    return toImage(stage.view, stage.panel, { x: event.clientX - box.left, y: event.clientY - box.top });
  };
  const add = (event: PointerEvent, freehand: boolean): void => {
    const point = at(event);
    if (point !== undefined) useEdit.setState({ points: withPoint(tool, points, point, freehand) });
  };
  const enough = typeof editOf(tool, points, selected) !== 'string';
  return (
    <>
      {/* The layer is the drawing ground: its keys are the commands below. */}
      <div
        ref={layer}
        className={c('ground')}
        role="application"
        aria-label={`${toolWords[tool]}: arrows move the cross, space sets a point, enter ends`}
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- an application takes its own keys
        tabIndex={0}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          setCross(null);
          add(event, false);
        }}
        onPointerMove={(event) => {
          if (event.buttons === 1 && tool !== 'seed') add(event, true);
        }}
        onPointerUp={() => {
          if (tool === 'seed' || tool === 'cut' || points.length > 12) runById('review.edit-go');
        }}
        onWheel={(event) => stage?.zoomBy(Math.exp(-event.deltaY / 400))}
      />
      <div className={c('toolBar')}>
        <span>
          {toolWords[tool]}
          {tool === 'seed' ? '' : tool === 'cut' ? ', from side to side' : ', or set corners by clicks'}
        </span>
        <Button size="small" keepFocus onPress={() => takeTool(null)} keys="Escape">
          <Icon of={X} />
          Stop
        </Button>
        <Button
          size="small"
          keepFocus
          off={enough ? undefined : `${toolWords[tool]} first.`}
          onPress={() => runById('review.edit-go')}
          keys="Enter"
        >
          <Icon of={Check} />
          Preview
        </Button>
      </div>
    </>
  );
}

/** The same with keys: a cross that arrows move, one pixel of the frame at a time, and the space bar sets a point. */
export function crossCommands(
  stage: PictureStage | null,
  selected: Cell | undefined,
  setCross: (next: (now: Point | null) => Point | null) => void,
): readonly Command[] {
  const start = (): Point => selected?.centroid ?? stage?.view.center ?? { x: 0, y: 0 };
  const key = (id: string, label: string, chord: string, run: () => void): Command => ({
    id: `map.${id}`,
    label,
    group: 'Edit',
    scope: 'panel:map',
    keys: [chord],
    keysOnly: true,
    run,
  });
  const step = (id: string, chord: string, dx: number, dy: number): readonly Command[] =>
    ([1, 5] as const).map((length) =>
      key(
        `cross-${id}-${String(length)}`,
        `Cross ${id}, ${String(length)} px`,
        length === 1 ? chord : `Shift+${chord}`,
        () =>
          setCross((now) => {
            const { x, y } = now ?? start();
            return { x: x + dx * length, y: y + dy * length };
          }),
      ),
    );
  return [
    ...step('left', 'ArrowLeft', -1, 0),
    ...step('right', 'ArrowRight', 1, 0),
    ...step('up', 'ArrowUp', 0, -1),
    ...step('down', 'ArrowDown', 0, 1),
    key('set-point', 'Set a point', 'Space', () =>
      setCross((now) => {
        const point = now ?? start();
        const { tool, points } = useEdit.getState();
        // A cross is set where it stands; a cut takes its second end at the second press.
        if (tool !== null) useEdit.setState({ points: withPoint(tool, points, point, false) });
        return point;
      }),
    ),
    key('drop-point', 'Take the last point back', 'Backspace', () =>
      useEdit.setState(({ points }) => ({ points: points.slice(0, -1) })),
    ),
  ];
}
