// SPDX-License-Identifier: MIT
import { type CSSProperties, type ReactElement, useMemo } from 'react';
import type { SessionLine } from '../../stores/session-list.ts';
import {
  type AnimalEvent,
  dayNumber,
  type TimeAxis,
  timeAxis,
  type TimelineMark,
  type TimelineRow,
  timelineRows,
} from '../../stores/timeline.ts';
import { useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { percent, plural } from '../../ui/format.ts';
import { styles as shared } from './styles.ts';
import { rooms } from './rooms.ts';

const c = classes({ ...shared, ...rooms });

interface TimelineProps {
  readonly lines: readonly SessionLine[];
  readonly selected: string | null;
  readonly events?: readonly AnimalEvent[];
  /** Animals that have a row without a session, too. */
  readonly animals?: readonly string[];
  readonly chosenAnimal?: string | null;
  readonly onAnimal?: (animal: string) => void;
}

/** A row an animal, a mark a day on which it was recorded, on one axis of time. */
export function Timeline({
  lines,
  selected,
  events,
  animals,
  chosenAnimal = null,
  onAnimal,
}: TimelineProps): ReactElement {
  const rows = useMemo(() => timelineRows(lines, events, animals), [lines, events, animals]);
  const axis = useMemo(() => timeAxis(rows), [rows]);
  return (
    <div className={c('timeline')}>
      <div className={c('axis')}>
        <span>Animal</span>
        <span className={c('track')}>
          {axis.ticks.map(({ day, label }) => (
            <span key={day} className={c('tick')} style={at(axis, day)}>
              {label}
            </span>
          ))}
        </span>
      </div>
      <ol className={c('animals')}>
        {rows.map((row) => (
          <AnimalRow
            key={row.animal}
            row={row}
            axis={axis}
            selected={selected}
            chosen={chosenAnimal === row.animal}
            onAnimal={onAnimal}
          />
        ))}
      </ol>
      <p className={c('legend')}>
        <i className={c('key full')} /> curated <i className={c('key half')} /> under way <i className={c('key')} />{' '}
        recorded <i className={c('key line')} /> done to the animal
      </p>
    </div>
  );
}

function at(axis: TimeAxis, day: number): CSSProperties {
  return { left: `${String(((day - axis.first) / Math.max(1, axis.last - axis.first)) * 100)}%` };
}

interface AnimalProps {
  readonly row: TimelineRow;
  readonly axis: TimeAxis;
  readonly selected: string | null;
  readonly chosen: boolean;
  readonly onAnimal: ((animal: string) => void) | undefined;
}

function AnimalRow({ row, axis, selected, chosen, onAnimal }: AnimalProps): ReactElement {
  const sessions = row.marks.reduce((sum, { sessionUuids }) => sum + sessionUuids.length, 0);
  const name = (
    <>
      <b>{row.animal}</b>
      <span className={c('dim')}>{plural(sessions, 'session')}</span>
    </>
  );
  return (
    <li className={c('animal', chosen && 'chosen')}>
      {onAnimal === undefined ? (
        <span className={c('animalName')}>{name}</span>
      ) : (
        <button type="button" className={c('animalName')} aria-pressed={chosen} onClick={() => onAnimal(row.animal)}>
          {name}
        </button>
      )}
      <span className={c('track')}>
        {axis.ticks.map(({ day }) => (
          <i key={day} className={c('gridline')} style={at(axis, day)} />
        ))}
        {row.marks
          .filter(({ day }) => dayNumber(day) >= axis.first && dayNumber(day) <= axis.last)
          .map((mark) => (
            <Mark key={`${mark.kind} ${mark.day} ${mark.label}`} mark={mark} axis={axis} selected={selected} />
          ))}
      </span>
    </li>
  );
}

function Mark({
  mark,
  axis,
  selected,
}: {
  readonly mark: TimelineMark;
  readonly axis: TimeAxis;
  readonly selected: string | null;
}): ReactElement {
  const place = at(axis, dayNumber(mark.day));
  if (mark.kind === 'event')
    return (
      <span className={c('event')} style={place} title={`${mark.day}: ${mark.label}`}>
        <i />
        <span>{mark.label}</span>
      </span>
    );
  const fill = mark.curated === null ? undefined : mark.curated >= 1 ? 'full' : mark.curated > 0 ? 'half' : undefined;
  const text = `${mark.day}: ${mark.label}${mark.curated === null ? ', no run yet' : `, ${percent(mark.curated)} curated`}`;
  const on = selected !== null && mark.sessionUuids.includes(selected);
  const next = mark.sessionUuids[(mark.sessionUuids.indexOf(selected ?? '') + 1) % mark.sessionUuids.length];
  return (
    <button
      type="button"
      className={c('mark', fill, on && 'on')}
      style={place}
      title={text}
      aria-label={text}
      aria-pressed={on}
      onClick={() => {
        if (next !== undefined) useUi.setState({ sessionUuid: next });
      }}
    >
      {mark.sessionUuids.length > 1 ? mark.sessionUuids.length : ''}
    </button>
  );
}
