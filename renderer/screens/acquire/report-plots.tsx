// SPDX-License-Identifier: MIT
import type { ReactElement } from 'react';
import type { AcquireScopeReport } from '../../../main/contract/index.ts';
import { classes } from '../../ui/classes.ts';
import { count, decimal, duration } from '../../ui/format.ts';
import { styles } from './styles.ts';

const c = classes(styles);

/** Lost frames, brightness, saturation and notes on one axis of time. */
export function OverTime({ report }: { readonly report: AcquireScopeReport }): ReactElement {
  const { series, durationS, gaps, marks } = report;
  const length = Math.max(durationS, 0.001);
  const at = (seconds: number): string => `${String(Math.min(100, (100 * seconds) / length))}%`;
  const saturated = series.saturated.map((share) => 100 * share);
  const ticks = Array.from({ length: 5 }, (_, n) => (n * length) / 4);
  return (
    <div className={c('over')}>
      <Label name="Frames" detail={gaps.length === 0 ? 'none lost' : 'lost here'} />
      <div className={c('strip')}>
        <i />
        {gaps.map(({ timeS, frames }) => (
          <b key={timeS} style={{ left: at(timeS) }} title={`${String(frames)} frames at ${duration(timeS)}`} />
        ))}
      </div>
      <Label name="Mean level" detail={range(series.mean, 0, 'grey')} />
      <Curve timesS={series.timeS} values={series.mean} lengthS={length} least={4} name="Mean level over time" />
      <Label name="Saturated" detail={range(saturated, 2, '%')} />
      <Curve timesS={series.timeS} values={saturated} lengthS={length} least={0.02} name="Saturated pixels over time" />
      <Label name="Notes" detail="and settings" />
      <div className={c('noteLine')}>
        {marks.map(({ timeS, kind, text }, n) => (
          <b
            // oxlint-disable-next-line react/no-array-index-key -- the list never changes
            key={n}
            className={c(kind === 'warning' && 'noteWarn')}
            style={{ left: at(timeS) }}
            title={`${duration(timeS)} ${text}`}
          >
            {kind === 'note' ? '⚑' : kind === 'setting' ? '◦' : '▲'}
          </b>
        ))}
      </div>
      <span />
      <div className={c('timeAxis')} aria-hidden="true">
        {ticks.map((tick) => (
          <span key={tick} style={{ left: at(tick) }}>
            {length < 8 ? `${decimal(tick, 1)} s` : duration(tick)}
          </span>
        ))}
      </div>
    </div>
  );
}

function Label({ name, detail }: { readonly name: string; readonly detail: string }): ReactElement {
  return (
    <p className={c('plotLabel')}>
      {name}
      <small>{detail}</small>
    </p>
  );
}

function range(values: readonly number[], places: number, unit: string): string {
  if (values.length === 0) return 'not measured';
  const low = decimal(Math.min(...values), places);
  const high = decimal(Math.max(...values), places);
  return low === high ? `${low} ${unit}` : `${low} to ${high} ${unit}`;
}

interface CurveProps {
  readonly timesS: readonly number[];
  readonly values: readonly number[];
  readonly lengthS: number;
  /** A smaller range looks flat. */
  readonly least: number;
  readonly name: string;
}

function Curve({ timesS, values, lengthS, least, name }: CurveProps): ReactElement {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const span = Math.max(least, high - low);
  const points = values.map((value, n) => {
    const x = (100 * Math.min(lengthS, (timesS[n] ?? 0) + 0.5)) / lengthS;
    return `${x.toFixed(3)},${(36 - (32 * (value - (low + high - span) / 2)) / span).toFixed(2)}`;
  });
  return (
    <svg className={c('curve')} viewBox="0 0 100 40" preserveAspectRatio="none" role="img" aria-label={name}>
      {points.length === 1 ? (
        <line x1="0" x2="100" y1="20" y2="20" vectorEffect="non-scaling-stroke" />
      ) : (
        <polyline points={points.join(' ')} vectorEffect="non-scaling-stroke" />
      )}
    </svg>
  );
}

/** How long it took from frame to frame. */
export function IntervalPlot({
  report: { intervals, usualIntervalMs },
}: {
  readonly report: AcquireScopeReport;
}): ReactElement {
  const { firstMs, binMs, counts } = intervals;
  const most = Math.max(1, ...counts);
  const last = firstMs + binMs * counts.length;
  return (
    <div className={c('bars')}>
      <span className={c('barMost')}>{count(most)}</span>
      <div role="img" aria-label={`Most often ${decimal(usualIntervalMs, 1)} ms between two frames`}>
        {counts.map((frames, n) => (
          <i
            // oxlint-disable-next-line react/no-array-index-key -- bins have no other name
            key={n}
            className={c(frames > most / 4 && 'barHigh')}
            style={{ height: frames === 0 ? 0 : `max(1px, ${String((100 * frames) / most)}%)` }}
            title={`${decimal(firstMs + n * binMs, 1)} to ${decimal(firstMs + (n + 1) * binMs, 1)} ms: ${count(frames)} frames`}
          />
        ))}
      </div>
      <p aria-hidden="true">
        <span>{decimal(firstMs, 0)} ms</span>
        <span>{decimal(usualIntervalMs, 1)}</span>
        <span>{decimal(last, 0)}</span>
      </p>
    </div>
  );
}
