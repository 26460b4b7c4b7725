// SPDX-License-Identifier: MIT
import type { ReactElement } from 'react';
import type { AcquireScope } from '../../../main/contract/index.ts';
import { type QualityPoint, useAcquire } from '../../stores/acquire.ts';
import { classes } from '../../ui/classes.ts';
import { decimal, unknown } from '../../ui/format.ts';
import { Panel } from '../../ui/panel.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

const nothing: readonly QualityPoint[] = [];

/** Is the picture good, and does it stay so? */
export function QualityPanel({
  scope: { name: scope, quality },
  title,
}: {
  readonly scope: AcquireScope;
  readonly title: string;
}): ReactElement {
  const history = useAcquire((state) => state.history[scope]) ?? nothing;
  const { focus, saturated, driftPx, bleachingPer10Min: bleaching } = quality;
  const rows = [
    {
      name: 'Focus',
      value: decimal(focus, 2),
      unit: '',
      of: (p: QualityPoint) => p.focus,
      least: 0.1,
      word: trend(history),
      why: 'No picture that could be judged.',
    },
    {
      name: 'Saturation',
      value: decimal(saturated === null ? null : 100 * saturated, 2),
      unit: '%',
      of: (p: QualityPoint) => p.saturated,
      least: 0.002,
      word: 'of pixels',
      why: 'No frame has come yet.',
    },
    {
      name: 'Drift',
      value: decimal(driftPx, 0),
      unit: 'px',
      of: (p: QualityPoint) => p.driftPx,
      least: 4,
      word: 'since start',
      why: 'Nothing in common with the first picture, or none yet.',
    },
    {
      name: 'Bleaching',
      value: decimal(bleaching === null ? null : 100 * bleaching, 0),
      unit: '%',
      of: (p: QualityPoint) => p.meanGrey,
      least: 8,
      word: 'per 10 min',
      why: 'Known after 30 s without a change of settings.',
    },
  ];
  const [advice] = quality.advice;
  return (
    <Panel title={title} meta="last 10 min" scroll>
      <div className={c('quality')}>
        {rows.map(({ name, value, unit, of, least, word, why }) => (
          <div key={name} className={c('q')}>
            <span className={c('lab')}>{name}</span>
            <b {...(value === unknown ? { title: why } : {})}>
              {value}
              {unit === '' || value === unknown ? null : <small>{unit}</small>}
            </b>
            <Spark points={history.map(of)} least={least} />
            <em>{word}</em>
          </div>
        ))}
        <p className={c('advice', advice?.severity === 'warning' && 'adviceWarn')} aria-live="polite">
          {advice?.text ?? (focus === null ? '' : 'Nothing to mend.')}
        </p>
      </div>
    </Panel>
  );
}

function trend(history: readonly QualityPoint[]): string {
  const known = history.flatMap(({ focus }) => (focus === null ? [] : [focus]));
  const before = known.slice(-40, -10);
  const now = known.slice(-5);
  if (before.length < 5 || now.length < 5) return 'measuring';
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const change = mean(now) / mean(before) - 1;
  return Math.abs(change) < 0.05 ? 'steady' : change > 0 ? 'sharper' : 'softer';
}

/** A line without an axis; a change smaller than `least` looks flat. */
function Spark({
  points,
  least,
}: {
  readonly points: readonly (number | null)[];
  readonly least: number;
}): ReactElement {
  const known = points.flatMap((value, n) => (value === null ? [] : [[n, value] as const]));
  const values = known.map(([, value]) => value);
  const low = Math.min(...values);
  const range = Math.max(least, Math.max(...values) - low);
  const middle = (low + Math.max(...values)) / 2;
  const line = known
    .map(
      ([n, value]) =>
        `${String((100 * n) / Math.max(1, points.length - 1))},${(10 - (8 * (value - middle)) / range).toFixed(2)}`,
    )
    .join(' ');
  return (
    <svg className={c('spark')} viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true">
      {known.length < 2 ? null : <polyline points={line} vectorEffect="non-scaling-stroke" />}
    </svg>
  );
}
