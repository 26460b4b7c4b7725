// SPDX-License-Identifier: MIT
import { Check, EyeOff, Minus, X } from 'lucide-react';
import { type ReactElement, useState } from 'react';
import type { Cell, CellLabel, LogEntry } from '../../main/contract/index.ts';
import { useLog, useRun } from '../client/queries.ts';
import { hidden, useBlind } from '../stores/blind.ts';
import { parameterSpecs } from '../stores/parameters.ts';
import { reasonsAgainst, useSuggestions } from '../stores/suggestions.ts';
import { classes } from '../ui/classes.ts';
import { runById } from '../ui/commands/use-commands.ts';
import { Button, Note } from '../ui/controls.tsx';
import { count, decimal, plural, timeOfDay } from '../ui/format.ts';
import { Icon } from '../ui/icons.tsx';
import { Empty, Panel } from '../ui/panel.tsx';
import { EditChoices, EditUnderWay, MergeHint } from './edit-section.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

interface Metric {
  readonly key: string;
  readonly title: string;
  readonly places: number;
  readonly unit: string;
  /** The parameter that limits it, if one does. */
  readonly limit?: string;
  /** End of the gauge; the run's highest value when absent. */
  readonly end?: number;
}

const metrics: readonly Metric[] = [
  { key: 'snr', title: 'SNR of trace', places: 1, unit: '', limit: 'minSnr' },
  { key: 'rValue', title: 'Shape agreement', places: 2, unit: '', limit: 'minRValue', end: 1 },
  { key: 'seedPnr', title: 'Peak to noise at seed', places: 1, unit: '', limit: 'minPnr' },
  { key: 'seedCorrelation', title: 'Correlation at seed', places: 2, unit: '', limit: 'minCorrelation', end: 1 },
  { key: 'splitHalf', title: 'Halves agree', places: 2, unit: '', limit: 'minSplitHalf', end: 1 },
  { key: 'roundness', title: 'Roundness', places: 2, unit: '', limit: 'minRoundness', end: 1 },
  { key: 'contrast', title: 'Own light', places: 2, unit: '', end: 1 },
  { key: 'eventRatePerMinute', title: 'Events', places: 1, unit: '/min' },
  { key: 'overlap', title: 'Overlap', places: 2, unit: '', end: 1 },
  { key: 'crossTalk', title: 'Cross-talk', places: 2, unit: '', end: 1 },
  { key: 'motionCorrelation', title: 'Follows motion', places: 2, unit: '', end: 1 },
  { key: 'flaggedPercent', title: 'In flagged frames', places: 0, unit: '%', end: 100 },
  { key: 'probability', title: 'By your decisions', places: 2, unit: '', limit: 'minProbability', end: 1 },
];

/** Rows shown until the rest is asked for: the decision, the suggestion and what can be done stay in sight. */
const metricsFirst = 6;

/** Metrics that name another cell under their name and `With`. Runs of earlier engines lack some; those rows are not shown. */
const partnered: ReadonlySet<string> = new Set(['overlap', 'crossTalk']);

interface WhyProps {
  readonly runUuid: string;
  readonly cells: readonly Cell[];
  readonly selected: Cell | undefined;
  /** Why decisions are not possible, if so. */
  readonly readOnly: string | null;
}

/** What speaks for and against the selected cell, and the decision. */
export function WhyPanel({ runUuid, cells, selected, readOnly }: WhyProps): ReactElement {
  const blind = useBlind((state) => state.blind);
  const isHidden = selected !== undefined && hidden(blind, selected);
  const title = selected === undefined ? 'Why?' : `Why ${String(selected.row)}?`;
  const meta =
    selected === undefined ? (
      'no cell selected' // The label stands on the buttons; beside three tabs there is room for a number only.
    ) : isHidden ? undefined : (
      <span className={c('area')} title="Area of the cell">
        {count(selected.metrics['areaPx'])} px
      </span>
    );
  return (
    <Panel
      title={title}
      meta={meta}
      scope="why"
      end={
        <Button
          size="small"
          keepFocus
          pressed={blind}
          keys="H"
          title="Hide scores and suggestion until a cell is decided"
          onPress={() => runById('review.blind')}
        >
          <Icon of={EyeOff} />
          Blind
        </Button>
      }
    >
      {selected === undefined ? (
        <>
          <EditUnderWay cells={cells} />
          <div className={c('stage')}>
            <Empty title="No cell selected">
              <p>
                {cells.length === 0
                  ? 'This run has no cells to choose from. '
                  : 'Click a cell on the map or in the list, or press J for the next undecided one. '}
                N adds a cell at a point, D draws one.
              </p>
            </Empty>
          </div>
        </>
      ) : (
        <>
          <Decision label={selected.label} readOnly={readOnly} />
          {readOnly === null ? null : <Note kind="warning">{readOnly}</Note>}
          <EditUnderWay cells={cells} />
          <div className={c('scroll')}>
            <MergeHint runUuid={runUuid} cell={selected} readOnly={readOnly} blind={isHidden} />
            {isHidden ? (
              <p className={c('blindNote')}>
                Scores and the engine’s suggestion are hidden until you have decided. H shows them.
              </p>
            ) : (
              <>
                <Metrics runUuid={runUuid} cells={cells} cell={selected} />
                <Suggestion cell={selected} runUuid={runUuid} />
              </>
            )}
            <EditChoices cell={selected} readOnly={readOnly} />
            <History runUuid={runUuid} cell={selected} />
          </div>
        </>
      )}
    </Panel>
  );
}

const decisions: ReadonlyArray<{
  readonly label: CellLabel;
  readonly word: string;
  readonly key: string;
  readonly icon: typeof Check;
  readonly tone: string;
  readonly command: string;
}> = [
  { label: 'accepted', word: 'Accept', key: 'A', icon: Check, tone: 'acc', command: 'review.accept' },
  { label: 'rejected', word: 'Reject', key: 'R', icon: X, tone: 'rej', command: 'review.reject' },
  { label: 'undecided', word: 'Leave', key: 'U', icon: Minus, tone: 'dim', command: 'review.leave' },
];

function Decision({ label, readOnly }: { readonly label: CellLabel; readonly readOnly: string | null }): ReactElement {
  return (
    // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- a fieldset brings a legend and a border the design has not
    <div className={c('decide')} role="group" aria-label="Decision">
      {decisions.map((decision) => (
        <Button
          key={decision.label}
          size="big"
          keepFocus
          keys={decision.key}
          pressed={decision.label === label}
          off={readOnly ?? undefined}
          onPress={() => runById(decision.command)}
        >
          <span className={c(decision.tone)}>
            <Icon of={decision.icon} />
          </span>
          {decision.word}
        </Button>
      ))}
    </div>
  );
}

function Metrics({
  runUuid,
  cells,
  cell,
}: {
  readonly runUuid: string;
  readonly cells: readonly Cell[];
  readonly cell: Cell;
}): ReactElement {
  const run = useRun(runUuid);
  const limitOf = (name: string | undefined): number | null => {
    if (name === undefined) return null;
    const used = run.data?.parameters[name];
    if (typeof used === 'number') return used;
    const usual = parameterSpecs.find((spec) => spec.name === name)?.default;
    return typeof usual === 'number' ? usual : null;
  };
  const [all, setAll] = useState(false);
  const known = metrics.filter((metric) => cells.some((other) => typeof other.metrics[metric.key] === 'number'));
  const shown = all ? known : known.slice(0, metricsFirst);
  return (
    <>
      <dl className={c('metrics')}>
        {shown.map((metric) => {
          const value = cell.metrics[metric.key];
          const end = metric.end ?? Math.max(1e-9, ...cells.map((other) => other.metrics[metric.key] ?? 0));
          const limit = limitOf(metric.limit);
          const partner = partnered.has(metric.key) ? cell.metrics[`${metric.key}With`] : null;
          const place = (number: number): string => `${String(Math.max(0, Math.min(1, number / end)) * 100)}%`;
          return (
            <MetricRow
              key={metric.key}
              title={typeof partner === 'number' ? `${metric.title} with ${String(partner)}` : metric.title}
              text={typeof value === 'number' ? `${decimal(value, metric.places)} ${metric.unit}`.trim() : '–'}
              at={typeof value === 'number' ? place(value) : undefined}
              limitAt={limit === null ? undefined : place(limit)}
              limitText={limit === null ? '' : `, limit ${decimal(limit, metric.places)}`}
            />
          );
        })}
      </dl>
      <p className={c('legend')}>
        thick: this cell, thin: limit of the suggestion
        {known.length > metricsFirst ? (
          <button type="button" className={c('more')} onClick={() => setAll(!all)}>
            {all ? 'Fewer' : `${String(known.length - metricsFirst)} more`}
          </button>
        ) : null}
      </p>
    </>
  );
}

interface MetricRowProps {
  readonly title: string;
  readonly text: string;
  readonly at: string | undefined;
  readonly limitAt: string | undefined;
  readonly limitText: string;
}

function MetricRow({ title, text, at, limitAt, limitText }: MetricRowProps): ReactElement {
  return (
    <>
      <dt>{title}</dt>
      <dd className={c('gauge')} title={`${text}${limitText}`} aria-hidden="true">
        {at === undefined ? null : <i style={{ left: at }} />}
        {limitAt === undefined ? null : <s style={{ left: limitAt }} />}
      </dd>
      <dd>{text}</dd>
    </>
  );
}

function Suggestion({ cell, runUuid }: { readonly cell: Cell; readonly runUuid: string }): ReactElement {
  const limits = useSuggestions((state) => state.limits[runUuid]);
  const against = limits === undefined || Object.keys(limits).length === 0 ? undefined : reasonsAgainst(cell, limits);
  const own =
    against === undefined ? null : (
      <p>Your limits: {against.length === 0 ? 'accept, all are kept' : `leave it out, ${against.join('; ')}`}.</p>
    );
  if (cell.suggested) {
    return (
      <div className={c('section')}>
        <h3>Suggestion of the engine</h3>
        <p>Accept: nothing measured speaks against it.</p>
        {own}
      </div>
    );
  }
  return (
    <div className={c('section')}>
      <h3>Suggestion of the engine</h3>
      <p>Leave it out: {cell.reasons.length === 0 ? 'no reason was given' : cell.reasons.join('; ')}.</p>
      {own}
    </div>
  );
}

const verbs = { accepted: 'accepted it', rejected: 'rejected it', undecided: 'left it undecided' } as const;

function sentence(entry: LogEntry): string {
  const what =
    entry.kind === 'undo'
      ? `took a decision back, ${entry.to} again`
      : entry.kind === 'redo'
        ? `repeated: ${verbs[entry.to]}`
        : verbs[entry.to];
  return `${entry.rater.initials} ${what} at ${timeOfDay(entry.at).slice(0, 5)}`;
}

function History({ runUuid, cell }: { readonly runUuid: string; readonly cell: Cell }): ReactElement {
  const log = useLog(runUuid);
  const mine = (log.data ?? []).filter((entry) => entry.cellUuid === cell.uuid);
  const newest = mine.slice(-4).reverse();
  return (
    <div className={c('section')}>
      <h3>
        History{mine.length > 4 ? `, newest 4 of ${plural(mine.length, 'entry', 'entries')}` : ''}
        {newest.length === 0 ? null : <span>Undo Ctrl Z</span>}
      </h3>
      {log.isError ? <p>The history could not be read: {log.error.message}</p> : null}
      {newest.length === 0 && !log.isError ? <p className={c('dim')}>Nobody has decided on it yet.</p> : null}
      {newest.map((entry) => (
        <p key={entry.seq}>{sentence(entry)}.</p>
      ))}
    </div>
  );
}
