// SPDX-License-Identifier: MIT
import { useQueries } from '@tanstack/react-query';
import { type ReactElement, useEffect, useMemo, useState } from 'react';
import type { MatchDetail } from '../../../main/contract/index.ts';
import { useConnection } from '../../client/context.ts';
import { outlinesQuery, useMatch, useMatches } from '../../client/explore.ts';
import type { Outlines } from '../../gl/contours.ts';
import { insideRing } from '../../gl/contours.ts';
import { backToFirst, drawField, type FieldLayer, fieldPoint, type FieldView } from '../../plots/field.ts';
import type { Figure } from '../../plots/pen.ts';
import { Plot } from '../../plots/plot.tsx';
import type { Saved } from '../../plots/save.ts';
import { useExplore, useExploreSelection } from '../../stores/explore.ts';
import { counts, dayNames, doubtfulFirst, onDays } from '../../stores/matches.ts';
import { classes } from '../../ui/classes.ts';
import { runById } from '../../ui/commands/use-commands.ts';
import { Button, Choice, Select } from '../../ui/controls.tsx';
import { count, dateTime, decimal, percent, plural } from '../../ui/format.ts';
import styles from './explore.module.css';
import { useMatchCommands } from './match-commands.ts';
import { colourOf, dashOf, tokenOf } from './match-looks.ts';
import { MatchStart } from './match-start.tsx';
import { MatchTable } from './match-table.tsx';
import { Answered, Facts } from './parts.tsx';
import type { ViewProps } from './population-views.tsx';
import { Key } from './runs-view.tsx';
import { ViewPanel } from './view-panel.tsx';

const c = classes(styles);

/** The same cells over several sessions: comparisons that were made, and a new one. */
export function SessionsView({ side, scope }: ViewProps): ReactElement {
  const matches = useMatches();
  const chosen = useExploreSelection((state) => state.matchUuid);
  const [making, setMaking] = useState(false);
  const known = matches.data ?? [];
  const uuid =
    known.find((match) => match.uuid === chosen)?.uuid ??
    known.find((match) => match.runUuids.includes(scope.runUuid))?.uuid ??
    null;
  const match = useMatch(making ? null : uuid);
  const choose =
    known.length === 0 ? null : (
      <>
        {making ? (
          <Button kind="bare" size="small" onPress={() => setMaking(false)}>
            Back to the comparison
          </Button>
        ) : (
          <>
            <Select
              label="Comparison"
              value={uuid ?? ''}
              options={[
                ...(uuid === null ? [{ value: '', label: 'choose a comparison' }] : []),
                ...known.map((each) => ({
                  value: each.uuid,
                  label: `${plural(each.runUuids.length, 'session')}, ${dateTime(each.createdAt)}`,
                })),
              ]}
              onChange={(value) =>
                useExploreSelection.setState({ matchUuid: value === '' ? null : value, group: null })
              }
            />
            <Button kind="bare" size="small" onPress={() => setMaking(true)}>
              New comparison
            </Button>
          </>
        )}
      </>
    );
  if (making || (matches.data !== undefined && uuid === null)) {
    return (
      <ViewPanel side={side} view="sessions" controls={choose} runUuids={[scope.runUuid]}>
        <MatchStart runUuid={scope.runUuid} onDone={() => setMaking(false)} />
      </ViewPanel>
    );
  }
  return match.data === undefined ? (
    <ViewPanel side={side} view="sessions" controls={choose} runUuids={[scope.runUuid]}>
      <Answered query={match} title="Same cells over days" detail="reading the comparison">
        {() => null}
      </Answered>
    </ViewPanel>
  ) : (
    <Matched side={side} match={match.data} choose={choose} />
  );
}

interface MatchedProps {
  readonly side: ViewProps['side'];
  readonly match: MatchDetail;
  readonly choose: ReactElement | null;
}

/** Outlines of each session; `only` narrows the rows. */
function layers(
  match: MatchDetail,
  outlines: readonly (Outlines | undefined)[],
  shown: ReadonlySet<number> | null,
): readonly FieldLayer[] {
  const first = match.sessions[0];
  const centre = { y: ((first?.height ?? 1) - 1) / 2, x: ((first?.width ?? 1) - 1) / 2 };
  return match.sessions.map((session, index) => ({
    rings: outlines[index]?.rings ?? [],
    place: backToFirst(session, centre),
    colour: colourOf(index),
    dash: dashOf(index),
    width: 1.25,
    fill: 0.3,
    rows:
      shown !== null && !shown.has(index)
        ? []
        : match.groupList.flatMap(({ members }) =>
            members.filter((member) => member.session === index).map((member) => member.row),
          ),
  }));
}

function Matched({ side, match, choose }: MatchedProps): ReactElement {
  const leastScore = useExplore((state) => state.leastScore);
  const group = useExploreSelection((state) => state.group);
  const [mode, setMode] = useState<'overlay' | 'blink' | 'beside'>('overlay');
  const [blinking, setBlinking] = useState(0);
  const list = useMemo(() => doubtfulFirst(match.groupList), [match.groupList]);
  const current = list.find((each) => each.index === group) ?? list[0];
  useMatchCommands(match, list, current);
  const core = useConnection().core;
  const outlines = useQueries({ queries: match.sessions.map((session) => outlinesQuery(core, session.runUuid)) });
  const loaded = outlines.map((query) => query.data);
  const ready = loaded.filter((each) => each !== undefined).length;
  const sessions = match.sessions.length;
  useEffect(() => {
    if (mode !== 'blink') return undefined;
    const timer = setInterval(() => setBlinking((now) => (now + 1) % sessions), 700);
    return () => clearInterval(timer);
  }, [mode, sessions]);
  const first = match.sessions[0];
  const view = useMemo<FieldView>(
    () => ({
      height: first?.height ?? 1,
      width: first?.width ?? 1,
      background: undefined,
      layers: layers(match, loaded, mode === 'blink' ? new Set([blinking]) : null),
      selected: (current?.members ?? []).map(({ session, row }) => ({ layer: session, row })),
    }),
    // The outlines of a run never change while it is open: their number says whether all are there.
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- see above
    [match, ready, mode, blinking, current, first],
  );
  const figure = useMemo<Figure>(
    () => (pen, look) => {
      if (mode !== 'beside') {
        drawField(pen, look, view);
        return;
      }
      const width = pen.width / view.layers.length;
      for (const [index, layer] of view.layers.entries()) {
        // Each session in a strip of its own, in the first one's frame.
        const scale = Math.min((width - 4) / view.width, pen.height / view.height);
        const [left, top] = [index * width + (width - view.width * scale) / 2, (pen.height - view.height * scale) / 2];
        pen.rect(left, top, view.width * scale, view.height * scale, '#0a0a0a');
        const at = (x: number, y: number): readonly [number, number] => {
          const [px, py] = layer.place(x, y);
          return [left + (px + 0.5) * scale, top + (py + 0.5) * scale];
        };
        for (const row of layer.rows) {
          const marked = view.selected.some((each) => each.layer === index && each.row === row);
          for (const ring of layer.rings[row] ?? []) {
            const points = Array.from({ length: ring.length / 2 }, (_, i) =>
              at(ring[2 * i] ?? 0, ring[2 * i + 1] ?? 0),
            );
            const [start] = points;
            if (start === undefined) continue;
            pen.area(points, layer.colour, 0.3);
            pen.line([...points, start], { colour: marked ? '#ffffff' : layer.colour, width: marked ? 2 : 1 });
          }
        }
      }
    },
    [view, mode],
  );
  const days = useMemo(() => dayNames(match.sessions), [match.sessions]);
  const kept = list.filter((each) => counts(each, leastScore)).length;
  const saved = useMemo<Saved>(
    () => ({
      fileName: 'same-cells',
      title: 'Same cells over days',
      figure,
      width: 640,
      height: Math.round((640 * view.height) / view.width),
      table: () => ({
        columns: ['cell', 'score', 'label', 'counts', ...match.sessions.map((session) => `row_in_${session.name}`)],
        rows: match.groupList.map((each) => [
          each.index,
          each.score,
          each.label,
          counts(each, leastScore) ? 1 : 0,
          ...match.sessions.map((_, index) => each.members.find((member) => member.session === index)?.row ?? null),
        ]),
      }),
    }),
    [figure, view, match, leastScore],
  );
  const pick = (at: readonly [number, number], size: { readonly width: number; readonly height: number }): void => {
    if (mode === 'beside') return;
    const [x, y] = fieldPoint(at, size, view);
    for (const each of list) {
      for (const { session, row } of each.members) {
        const layer = view.layers[session];
        const placed = (layer?.rings[row] ?? []).map((ring) =>
          Float32Array.from(
            Array.from(
              { length: ring.length / 2 },
              (_, i) => layer?.place(ring[2 * i] ?? 0, ring[2 * i + 1] ?? 0) ?? [0, 0],
            ).flat(),
          ),
        );
        if (placed.some((ring) => insideRing(ring, x, y))) {
          useExploreSelection.setState({ group: each.index });
          return;
        }
      }
    }
  };
  return (
    <ViewPanel
      side={side}
      view="sessions"
      meta={`${plural(sessions, 'session')}, laid by shift and rotation`}
      controls={
        <>
          {choose}
          <Choice
            label="How sessions are shown"
            value={mode}
            options={[
              { value: 'overlay', label: 'Overlay' },
              { value: 'blink', label: 'Blink' },
              { value: 'beside', label: 'Side by side' },
            ]}
            onChange={setMode}
          />
        </>
      }
      saved={saved}
      runUuids={match.sessions.map((session) => session.runUuid)}
      facts={[
        ['comparison', match.uuid],
        ['width of a pixel', `${String(match.umPerPx)} µm`],
        ['least score', String(leastScore)],
      ]}
    >
      <div className={c('tall')}>
        <div className={c('beside')}>
          <div className={`${c('overlay')} on-well`} style={{ display: 'flex' }}>
            <Plot
              figure={figure}
              label={`Outlines of the cells of ${plural(sessions, 'session')} in the frame of the first`}
              onPress={pick}
            />
            {mode === 'blink' ? <span className={c('cap')}>{days[blinking] ?? ''}</span> : null}
            {ready < sessions ? (
              <span className={c('cap')}>
                drawing {String(ready + 1)} of {String(sessions)}
              </span>
            ) : null}
          </div>
          <div className={c('facts')}>
            {match.sessions.map((session, index) => (
              <Key
                key={session.runUuid}
                colour={`var(${tokenOf(index)})`}
                dash={dashOf(index)}
                name={days[index] ?? session.name}
                value={plural(session.cells, 'cell')}
              />
            ))}
            <hr />
            <Facts
              list={onDays(match.groupList, sessions, leastScore).map(({ days, cells }) => [
                `in ${plural(days, 'session')}`,
                count(cells),
              ])}
            />
            <hr />
            <Facts
              list={match.sessions
                .slice(1)
                .map((session) => [
                  `${session.name} moved`,
                  `${decimal(Math.hypot(session.shiftPx.y, session.shiftPx.x), 1)} px, ${decimal(session.rotationDegrees, 1)}°`,
                ])}
            />
            <p>
              {match.falseMatchRate === null
                ? 'Too few matches to say how many chance would make.'
                : `Share of matches that chance would make, by laying the fields wrongly: ${percent(match.falseMatchRate)}.`}
            </p>
          </div>
        </div>
      </div>
      <div className={c('subhead')}>
        <label htmlFor="least-score">Match score at least</label>
        <input
          id="least-score"
          className={c('slider')}
          type="range"
          min={0}
          max={1}
          step={0.01}
          value={leastScore}
          onChange={(event) => useExplore.setState({ leastScore: Number(event.target.value) })}
        />
        <b>{decimal(leastScore, 2)}</b>
        <span>
          {count(kept)} of {count(list.length)} matched
        </span>
        <span className={c('grow')} />
        <Button size="small" keys="Shift+A" onPress={() => runById('explore.acceptAbove')}>
          Accept all above
        </Button>
      </div>
      <div className={c('table')}>
        <MatchTable match={match} list={list} current={current} />
      </div>
    </ViewPanel>
  );
}
