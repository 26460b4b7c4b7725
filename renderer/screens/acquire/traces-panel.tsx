// SPDX-License-Identifier: MIT
import { Plus, X } from 'lucide-react';
import { type ReactElement, useEffect, useRef } from 'react';
import { type LiveFeed, traceSeconds } from '../../client/live.ts';
import { changeRois, roisOf, useLiveView } from '../../stores/acquire.ts';
import { penOf } from '../../ui/canvas.ts';
import { classes } from '../../ui/classes.ts';
import { Button } from '../../ui/controls.tsx';
import { Icon } from '../../ui/icons.tsx';
import { Panel } from '../../ui/panel.tsx';
import { styles } from './styles.ts';

const c = classes(styles);
const drawEveryMs = 66;

/** The regions' brightness over the last half minute. */
export function TracesPanel({
  feed,
  scope,
  isOneOfMany,
}: {
  readonly feed: LiveFeed;
  readonly scope: string;
  /** It has to be said whose traces they are. */
  readonly isOneOfMany: boolean;
}): ReactElement {
  const rois = useLiveView(roisOf(scope));
  const addsRoi = useLiveView((state) => state.addsRoi);
  const canvas = useRef<HTMLCanvasElement>(null);
  const scale = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    let drawn = 0;
    return feed.listen(() => {
      const now = performance.now();
      if (canvas.current === null || now - drawn < drawEveryMs) return;
      drawn = now;
      const top = drawTraces(canvas.current, feed);
      if (scale.current !== null) scale.current.textContent = top;
    });
  }, [feed]);
  return (
    <Panel
      title={isOneOfMany ? `ROI traces of ${scope}` : 'ROI traces'}
      meta={`ΔF/F, one scale, ${String(traceSeconds)} s`}
      end={
        <Button
          size="small"
          kind="bare"
          keys="O"
          pressed={addsRoi}
          onPress={() => useLiveView.setState({ addsRoi: !addsRoi })}
        >
          <Icon of={Plus} />
          ROI
        </Button>
      }
    >
      {rois.length === 0 ? (
        <p className={c('none')}>
          No region is followed. Press O and click a cell in the picture: its brightness runs here, also while
          recording.
        </p>
      ) : (
        <div className={c('traces')}>
          <ul>
            {rois.map((roi, n) => (
              <li key={`${String(roi.x)} ${String(roi.y)}`}>
                <i style={{ background: `var(--c${String(n + 1)})` }} />
                ROI {n + 1}
                <button
                  type="button"
                  aria-label={`Remove ROI ${String(n + 1)}`}
                  title={`Remove ROI ${String(n + 1)}`}
                  onClick={() => changeRois(scope, (all) => all.filter((other) => other !== roi))}
                >
                  <Icon of={X} size={12} />
                </button>
              </li>
            ))}
          </ul>
          <canvas ref={canvas} role="img" aria-label="Traces of the regions" />
          <span className={c('scaleBar')} ref={scale} title="Height of this bar as ΔF/F" />
          <div className={c('axis')} aria-hidden="true">
            {[30, 25, 20, 15, 10, 5].map((s) => (
              <span key={s} style={{ left: `${String((100 * (30 - s)) / 30)}%` }}>{`−${String(s)} s`}</span>
            ))}
            <span style={{ left: '100%' }}>now</span>
          </div>
        </div>
      )}
    </Panel>
  );
}

/** Draws all traces; returns what the bar stands for. */
function drawTraces(canvas: HTMLCanvasElement, { traces }: LiveFeed): string {
  const context = penOf(canvas);
  if (context === null || canvas.clientWidth === 0) return '';
  const ratio = window.devicePixelRatio;
  canvas.width = Math.round(canvas.clientWidth * ratio);
  canvas.height = Math.round(canvas.clientHeight * ratio);
  const style = getComputedStyle(canvas);
  const last = traces.timesS.at(-1) ?? 0;
  const relative = traces.values.map((values) => {
    const sorted = values.toSorted((a, b) => a - b);
    const base = Math.max(1, sorted[sorted.length >> 2] ?? 1);
    return values.map((value) => value / base - 1);
  });
  const most = Math.max(0.05, ...relative.map((values) => Math.max(...values)));
  const row = canvas.height / Math.max(1, relative.length);
  context.lineWidth = 1.25 * ratio;
  context.strokeStyle = style.getPropertyValue('--plot-grid');
  context.beginPath();
  for (let s = 0; s <= traceSeconds; s += 5) {
    const x = Math.round((s / traceSeconds) * (canvas.width - 1)) + 0.5;
    context.moveTo(x, 0);
    context.lineTo(x, canvas.height);
  }
  context.stroke();
  for (const [n, values] of relative.entries()) {
    context.strokeStyle = style.getPropertyValue(`--c${String(n + 1)}`);
    context.beginPath();
    for (const [at, value] of values.entries()) {
      const x = canvas.width * (1 - (last - (traces.timesS[at] ?? last)) / traceSeconds);
      const y = row * (n + 0.8) - (0.7 * row * value) / most;
      if (at === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
    context.stroke();
  }
  // The bar is 20 px high.
  return ((most * 20 * ratio) / (0.7 * row)).toFixed(2);
}
