// SPDX-License-Identifier: MIT
import { type PointerEvent, type ReactElement, useEffect, useRef, useState } from 'react';
import { usePerson } from '../stores/ui.ts';
import { penOf } from '../ui/canvas.ts';
import { classes } from '../ui/classes.ts';
import { useTextScale } from '../ui/text-scale.ts';
import { CanvasPen } from './canvas-pen.ts';
import type { Figure, Look } from './pen.ts';
import styles from './plot.module.css';

const c = classes(styles);

/** The colours of the panel an element lies in. */
export function lookOf(element: Element): Look {
  const style = getComputedStyle(element);
  const token = (name: string): string => style.getPropertyValue(name).trim();
  return {
    ground: token('--bg-1'),
    bright: token('--fg-0'),
    text: token('--fg-1'),
    dim: token('--fg-2'),
    axis: token('--plot-axis'),
    grid: token('--plot-grid'),
    accent: token('--acc'),
    warn: token('--warn'),
    series: [1, 2, 3, 4, 5, 6].map((index) => token(`--c${String(index)}`)),
    font: token('--sans'),
  };
}

interface PlotProps {
  /** Stable (`useMemo`): a new one is drawn. */
  readonly figure: Figure;
  /** What is seen, for those who do not see it. */
  readonly label: string;
  /** Told where the pointer is, in the figure's px; null when it has left. */
  readonly onHover?: (at: readonly [number, number] | null) => void;
  readonly onPress?: (at: readonly [number, number], size: { readonly width: number; readonly height: number }) => void;
  /** While the button is held. */
  readonly onDrag?: (at: readonly [number, number]) => void;
  readonly onSize?: (width: number, height: number) => void;
}

/** A figure that fills its panel, drawn anew when it, its size or the theme changes. Its px grow with the text a person wants: so does all of it. */
export function Plot({ figure, label, onHover, onPress, onDrag, onSize }: PlotProps): ReactElement {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState<readonly [number, number]>([0, 0]);
  const theme = usePerson((state) => state.theme);
  const zoom = useTextScale();
  useEffect(() => {
    const element = canvas.current?.parentElement;
    if (element == null) return undefined;
    const observer = new ResizeObserver(() => setSize([element.clientWidth / zoom, element.clientHeight / zoom]));
    observer.observe(element);
    return () => observer.disconnect();
  }, [zoom]);
  useEffect(() => {
    const element = canvas.current;
    const context = penOf(element);
    const [width, height] = size;
    if (element === null || context === null || width < 20 || height < 20) return;
    const ratio = window.devicePixelRatio * zoom;
    element.width = Math.round(width * ratio);
    element.height = Math.round(height * ratio);
    const look = lookOf(element);
    figure(new CanvasPen(context, width, height, ratio, look.font), look);
    onSize?.(width, height);
  }, [figure, size, theme, zoom, onSize]);
  const at = (event: PointerEvent<HTMLElement>): readonly [number, number] => {
    const box = event.currentTarget.getBoundingClientRect();
    return [(event.clientX - box.left) / zoom, (event.clientY - box.top) / zoom];
  };
  return (
    <div className={c('plot', onPress !== undefined && 'pointing')}>
      <canvas
        ref={canvas}
        role="img"
        aria-label={label}
        onPointerMove={(event) => {
          onHover?.(at(event));
          if (event.buttons === 1) onDrag?.(at(event));
        }}
        onPointerLeave={() => onHover?.(null)}
        onPointerDown={(event) => {
          if (onDrag !== undefined) event.currentTarget.setPointerCapture(event.pointerId);
          onPress?.(at(event), { width: size[0], height: size[1] });
        }}
      />
    </div>
  );
}
