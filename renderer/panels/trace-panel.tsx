// SPDX-License-Identifier: MIT
import { ZoomIn, ZoomOut } from 'lucide-react';
import { type PointerEvent, type ReactElement, useEffect, useLayoutEffect, useRef, useState } from 'react';
import 'uplot/dist/uPlot.min.css';
import type { Cell } from '../../main/contract/index.ts';
import { useCore } from '../client/context.ts';
import { useEditsKey } from '../client/edits.ts';
import type { ReviewOpening } from '../client/queries.ts';
import type { TraceWindow } from '../client/streams.ts';
import { frameOfTime, timeBeyond, timeOfFrame, TraceReader } from '../client/traces.ts';
import { moveCursor, panWindow, useReview, zoomWindow } from '../stores/review.ts';
import { useLook } from '../stores/look.ts';
import { usePerson } from '../stores/ui.ts';
import { classes } from '../ui/classes.ts';
import { useTextScale } from '../ui/text-scale.ts';
import { Button, Select } from '../ui/controls.tsx';
import { duration } from '../ui/format.ts';
import { Icon } from '../ui/icons.tsx';
import { Empty, Failed, Loading, Panel } from '../ui/panel.tsx';
import { styles } from './styles.ts';
import { plottedKinds, TracePlot } from './trace-plot.ts';

const c = classes(styles);

interface TraceProps {
  readonly opening: ReviewOpening;
  readonly selected: Cell | undefined;
  /** Rows that are likely to be looked at next: their traces come with those of the selected one. */
  readonly near: readonly number[];
}

/** The selected cell's activity around the shared time cursor. */
export function TracePanel({ opening, selected, near }: TraceProps): ReactElement {
  const { frames, fps } = opening;
  const window = useReview((state) => state.window);
  const theme = usePerson((state) => state.theme);
  const textScale = useTextScale();
  const [attempt, setAttempt] = useState(0);
  const zoom = (factor: number): void => {
    const { window: now, frame } = useReview.getState();
    const about = frame >= now[0] && frame <= now[1] ? frame : Math.round((now[0] + now[1]) / 2);
    useReview.setState({ window: zoomWindow(now, about, factor, frames) });
  };
  return (
    <Panel
      title={selected === undefined ? 'Traces' : `Cell ${String(selected.row)}`}
      scope="traces"
      meta={
        <span className={c('legend2')}>
          <span className={c('leg legRaw')}>
            <i />
            raw
          </span>
          <span className={c('leg legDen')}>
            <i />
            denoised
          </span>
          <span className={c('leg legSpk')}>
            <i />
            activity
          </span>
          <span>grey levels</span>
        </span>
      }
      end={
        <>
          <Button
            kind="bare"
            size="small"
            square
            keepFocus
            label="Shorter time"
            title="Shorter time (wheel; with Shift: along the recording)"
            onPress={() => zoom(0.5)}
          >
            <Icon of={ZoomIn} />
          </Button>
          <Button
            kind="bare"
            size="small"
            square
            keepFocus
            label="Longer time"
            title="Longer time (wheel)"
            onPress={() => zoom(2)}
          >
            <Icon of={ZoomOut} />
          </Button>
          <SpanSelect window={window} frames={frames} fps={fps} />
        </>
      }
    >
      {selected === undefined ? (
        <Empty title="No cell selected">
          <p>Its raw, denoised and deconvolved traces appear here when you choose a cell.</p>
        </Empty>
      ) : frames < 2 ? (
        <Empty title="No trace to draw">
          <p>The recording has one frame: there is no time along which a cell could change.</p>
        </Empty>
      ) : (
        <Plot
          key={`${theme} ${String(textScale)} ${String(attempt)}`}
          opening={opening}
          selected={selected}
          near={near}
          onRetry={() => setAttempt(attempt + 1)}
        />
      )}
    </Panel>
  );
}

interface SpanProps {
  readonly window: readonly [number, number];
  readonly frames: number;
  readonly fps: number;
}

const spans = [10, 30, 60, 300, 1200] as const;

function SpanSelect({ window, frames, fps }: SpanProps): ReactElement {
  const size = window[1] - window[0];
  const now = spans.find((seconds) => Math.abs(size - seconds * fps) < 1);
  const options = [
    ...(now === undefined ? [{ value: 'now', label: size >= frames - 1 ? 'all' : duration(size / fps) }] : []),
    ...spans
      .filter((seconds) => seconds * fps < frames)
      .map((seconds) => ({
        value: String(seconds),
        label: seconds < 60 ? `${String(seconds)} s` : `${String(seconds / 60)} min`,
      })),
    ...(now === undefined && size >= frames - 1 ? [] : [{ value: 'all', label: 'all' }]),
  ];
  return (
    <Select
      label="Time shown"
      value={now === undefined ? 'now' : String(now)}
      options={options}
      onChange={(value) => {
        const { frame } = useReview.getState();
        const wanted = value === 'all' ? frames - 1 : Math.round(Number(value) * fps);
        if (Number.isFinite(wanted))
          useReview.setState({ window: zoomWindow(window, frame, wanted / Math.max(1, size), frames) });
      }}
    />
  );
}

/** The newest question: rows of a window in so many columns. */
interface Asked {
  readonly about: string;
  readonly rows: ReadonlySet<number>;
}

/** The selected row and those a key leads to: the first of a question. */
const nearest = 4;

interface PlotProps {
  readonly opening: ReviewOpening;
  readonly selected: Cell;
  readonly near: readonly number[];
  readonly onRetry: () => void;
}

/** The plot itself; a new theme, another size of text or a new attempt makes a new one. */
function Plot({ opening, selected, near, onRetry }: PlotProps): ReactElement {
  const core = useCore();
  const runUuid = opening.run.uuid;
  const edits = useEditsKey(runUuid);
  const { version } = useLook(runUuid);
  const [first, last] = useReview((state) => state.window);
  const frame = useReview((state) => state.frame);
  const host = useRef<HTMLDivElement>(null);
  const cursor = useRef<HTMLDivElement>(null);
  const plot = useRef<TracePlot | null>(null);
  const reader = useRef<TraceReader | null>(null);
  const placeCursor = useRef<() => void>(() => undefined);
  const [shown, setShown] = useState<TraceWindow | null>(null);
  const [width, setWidth] = useState(0);
  const [failure, setFailure] = useState<unknown>(null);
  const rows = [selected.row, ...near].join(' ');
  const asked = useRef<Asked | null>(null);
  const index = shown?.rowNumbers.indexOf(selected.row) ?? -1;
  useEffect(() => {
    const opened = new TraceReader(core, runUuid, setShown, setFailure);
    reader.current = opened;
    asked.current = null;
    return () => {
      reader.current = null;
      opened.close();
    };
    // The reader asks for the traces of the version that is looked at.
  }, [core, runUuid, version]);
  useEffect(() => {
    if (host.current === null) return undefined;
    const element = host.current;
    const made = new TracePlot(element, () => placeCursor.current());
    plot.current = made;
    const line = cursor.current;
    if (line !== null) made.over.append(line);
    const observer = new ResizeObserver(() => {
      made.resize(element.clientWidth, element.clientHeight);
      setWidth(Math.round(made.over.clientWidth));
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.current = null;
      if (line !== null) element.parentElement?.append(line);
      made.destroy();
    };
  }, []);
  useEffect(() => {
    if (width < 10 || last <= first) return;
    const columns = Math.max(1, Math.min(last - first + 1, width));
    const wanted = rows.split(' ').map(Number);
    const about = [runUuid, edits, version, first, last, columns].join(' ');
    // What comes next is known as long as the rows that are likeliest are among those asked for.
    if (asked.current?.about === about && wanted.slice(0, nearest).every((row) => asked.current?.rows.has(row))) return;
    asked.current = { about, rows: new Set(wanted) };
    reader.current?.ask({
      rows: wanted,
      kinds: [...plottedKinds],
      firstFrame: first,
      lastFrame: last,
      columns,
    });
    // An edit may have changed the trace of the same row.
  }, [rows, first, last, width, runUuid, edits, version]);
  // Before the frame is painted: list, map and traces change together. A cell whose trace is on its way leaves the one before it in sight.
  useLayoutEffect(() => {
    if (shown !== null && index >= 0) plot.current?.show(shown, index);
  }, [shown, index]);
  useLayoutEffect(() => {
    if (shown !== null && (shown.firstFrame !== first || shown.lastFrame !== last))
      plot.current?.look(timeBeyond(shown, first), timeBeyond(shown, last));
  }, [shown, first, last]);
  useEffect(() => {
    placeCursor.current = () => {
      const line = cursor.current;
      if (line === null || plot.current === null || shown === null) return;
      const visible = frame >= shown.firstFrame && frame <= shown.lastFrame;
      line.style.visibility = visible ? 'visible' : 'hidden';
      line.style.transform = `translateX(${String(plot.current.leftOf(timeOfFrame(shown, frame)))}px)`;
    };
    placeCursor.current();
  }, [shown, frame, width]);
  const point = (event: PointerEvent<HTMLElement>): void => {
    const box = plot.current?.over.getBoundingClientRect();
    if (box === undefined || plot.current === null || shown === null || event.buttons !== 1) return;
    moveCursor(frameOfTime(shown, plot.current.timeAt(event.clientX - box.left)), opening.frames);
  };
  useEffect(() => {
    const element = host.current;
    if (element === null) return undefined;
    const wheel = (event: WheelEvent): void => {
      event.preventDefault();
      const box = plot.current?.over.getBoundingClientRect();
      const { window } = useReview.getState();
      const share = box === undefined ? 0.5 : Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
      // Sideways, or with Shift: along the recording.
      const sideways = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
      if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
        const by = (sideways / Math.max(1, box?.width ?? 1)) * (window[1] - window[0]);
        useReview.setState({ window: panWindow(window, by, opening.frames) });
        return;
      }
      const about = window[0] + share * (window[1] - window[0]);
      useReview.setState({ window: zoomWindow(window, about, Math.exp(event.deltaY / 500), opening.frames) });
    };
    element.addEventListener('wheel', wheel, { passive: false });
    return () => element.removeEventListener('wheel', wheel);
  }, [opening.frames]);
  return (
    <div className={c('plot')}>
      <div
        ref={host}
        className={c('plotHost')}
        role="img"
        aria-busy={index < 0}
        aria-label={`Traces of cell ${String(selected.row)}, ${duration(shown?.timesS[0])} to ${duration(shown?.timesS[shown.columns - 1])}`}
        onPointerDown={point}
        onPointerMove={point}
      />
      <div ref={cursor} className={c('cursor')} />
      {failure !== null ? (
        <div className={c('cover')}>
          <Failed title="The traces cannot be shown" error={failure} onRetry={onRetry} />
        </div>
      ) : shown === null ? (
        <div className={c('cover')}>
          <Loading
            title="Opening the traces"
            step={1}
            steps={1}
            detail={`reading the traces of cell ${String(selected.row)}`}
          />
        </div>
      ) : null}
    </div>
  );
}
