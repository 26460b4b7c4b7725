// SPDX-License-Identifier: MIT
import { type ReactElement, useMemo, useState } from 'react';
import type { Cell, CellLabel } from '../../main/contract/index.ts';
import {
  histogram,
  limitCounts,
  type LimitedMetric,
  limitedMetrics,
  reasonsAgainst,
  setLimit,
  useSuggestions,
} from '../stores/suggestions.ts';
import { classes } from '../ui/classes.ts';
import { Button } from '../ui/controls.tsx';
import { count, decimal } from '../ui/format.ts';
import { Empty, Panel } from '../ui/panel.tsx';
import { KeepLimits } from './keep-limits.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

interface LimitsProps {
  readonly runUuid: string;
  readonly cells: readonly Cell[];
  readonly readOnly: string | null;
  /** Why nothing can be kept in the library, if so. */
  readonly libraryReadOnly: string | null;
  /** Decides undecided cells as the limits say, as one step. */
  readonly onApply: (to: Exclude<CellLabel, 'undecided'>, cells: readonly Cell[]) => void;
}

/** Limits with what they would do; they suggest, and decide only when told to. */
export function LimitsPanel({ runUuid, cells, readOnly, libraryReadOnly, onApply }: LimitsProps): ReactElement {
  const limits = useSuggestions((state) => state.limits[runUuid]) ?? {};
  const known = limitedMetrics.filter(({ key }) => cells.some((cell) => typeof cell.metrics[key] === 'number'));
  const counts = limitCounts(cells, limits);
  const any = Object.keys(limits).length > 0;
  const undecided = (good: boolean): readonly Cell[] =>
    cells.filter((cell) => cell.label === 'undecided' && (reasonsAgainst(cell, limits).length === 0) === good);
  return (
    <Panel
      title="Limits"
      scope="limits"
      meta={any ? `${count(counts.accept)} for, ${count(counts.reject)} against` : 'none set'}
    >
      {cells.length === 0 ? (
        <Empty title="No cells in this run" />
      ) : (
        <div className={c('scroll')}>
          {known.map((metric) => (
            <Limit key={metric.key} metric={metric} cells={cells} runUuid={runUuid} limit={limits[metric.key]} />
          ))}
          <div className={c('section')}>
            <p role="status">
              {any
                ? `Suggested: ${count(counts.accept)} of ${count(cells.length)} for, ${count(counts.reject)} against. Nothing is decided by it.`
                : 'Move a limit to see how many cells it speaks for and against. Nothing is decided by it.'}
            </p>
            <div className={c('editRow')}>
              <Button
                size="small"
                off={readOnly ?? (any && counts.undecidedAccept > 0 ? undefined : 'No undecided cell is spoken for.')}
                onPress={() => onApply('accepted', undecided(true))}
              >
                Accept {count(any ? counts.undecidedAccept : 0)} undecided
              </Button>
              <Button
                size="small"
                off={
                  readOnly ?? (any && counts.undecidedReject > 0 ? undefined : 'No undecided cell is spoken against.')
                }
                onPress={() => onApply('rejected', undecided(false))}
              >
                Reject {count(any ? counts.undecidedReject : 0)} undecided
              </Button>
            </div>
          </div>
          <KeepLimits runUuid={runUuid} limits={limits} readOnly={libraryReadOnly} />
        </div>
      )}
    </Panel>
  );
}

const bars = 32;

interface LimitProps {
  readonly metric: LimitedMetric;
  readonly cells: readonly Cell[];
  readonly runUuid: string;
  readonly limit: number | undefined;
}

function Limit({ metric, cells, runUuid, limit }: LimitProps): ReactElement {
  const { key, title, unit, places, least } = metric;
  const [dragged, setDragged] = useState<number | undefined>(undefined);
  const shape = useMemo(
    () =>
      histogram(
        cells.map((cell) => cell.metrics[key]).filter((value) => typeof value === 'number'),
        bars,
      ),
    [cells, key],
  );
  const { low, high, counts } = shape;
  const most = Math.max(1, ...counts);
  const value = dragged ?? limit ?? (least ? low : high);
  const against = cells.filter((cell) => {
    const mine = cell.metrics[key];
    return typeof mine !== 'number' || (least ? mine < value : mine > value);
  }).length;
  const set = limit !== undefined;
  const share = (value - low) / (high - low);
  return (
    <div className={c('limit')}>
      <p>
        <label htmlFor={`limit-${key}`}>{title}</label>
        <span>
          {set ? `${least ? 'at least' : 'at most'} ${decimal(value, places)} ${unit}`.trim() : 'no limit'}
          {set ? `, ${count(against)} out` : ''}
        </span>
        {set ? (
          <button type="button" className={c('more')} onClick={() => setLimit(runUuid, key, undefined)}>
            Clear
          </button>
        ) : null}
      </p>
      <div className={c('histogram')} aria-hidden="true">
        {counts.map((height, bar) => {
          const out = set && (least ? (bar + 0.5) / bars < share : (bar + 0.5) / bars > share);
          // Bars have no other name than their place.
          // oxlint-disable-next-line react/no-array-index-key
          return <i key={bar} className={c(out && 'barOut')} style={{ height: `${String((height / most) * 100)}%` }} />;
        })}
      </div>
      <input
        id={`limit-${key}`}
        className={c('limitSlider')}
        type="range"
        min={low}
        max={high}
        step={(high - low) / 200}
        value={value}
        aria-valuetext={set ? `${decimal(value, places)} ${unit}, ${String(against)} cells out` : 'no limit'}
        onChange={(event) => {
          setDragged(undefined);
          setLimit(runUuid, key, Number(event.target.value));
        }}
      />
    </div>
  );
}
