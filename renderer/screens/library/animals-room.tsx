// SPDX-License-Identifier: MIT
import { Plus } from 'lucide-react';
import { type ReactElement, useMemo, useState } from 'react';
import { useFacts, useSql } from '../../client/library.ts';
import { useSessions } from '../../client/queries.ts';
import { type SessionLine, sessionLines } from '../../stores/session-list.ts';
import type { AnimalEvent } from '../../stores/timeline.ts';
import { goTo, useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button } from '../../ui/controls.tsx';
import { bytes, duration, percent, plural, unknown } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Empty, Failed, Loading, Panel } from '../../ui/panel.tsx';
import { FilesState } from './session-grid.tsx';
import { styles as shared } from './styles.ts';
import { rooms } from './rooms.ts';
import { Timeline } from './timeline.tsx';

const c = classes({ ...shared, ...rooms });

/** Animals with what the tables say of each. */
const animalsSql = `SELECT subject.id, subject.subject, subject.sex, subject.birth_date, subject.description, subject.nickname,
  (SELECT species FROM species JOIN subject_species AS s ON s.species_id = species.id WHERE s.subject_id = subject.id),
  (SELECT line FROM line JOIN subject_line AS l ON l.line_id = line.id WHERE l.subject_id = subject.id),
  (SELECT death_date FROM subject_death WHERE subject_id = subject.id)
  FROM subject ORDER BY subject.subject`;

/** What was done to an animal, and when. */
const eventsSql = `SELECT subject.subject, birth_date, 'born' FROM subject WHERE birth_date IS NOT NULL
  UNION ALL SELECT subject.subject, substr(implant_date, 1, 10), 'implanted: ' || coalesce(implant_type, '') FROM implantation
    JOIN subject ON subject.id = subject_id LEFT JOIN implantation_type ON implantation_type.id = implantation_type_id
  UNION ALL SELECT subject.subject, substr(implant_date, 1, 10), 'injected: ' || coalesce(virus_name, '') FROM injection
    JOIN implantation ON implantation.id = implantation_id JOIN subject ON subject.id = implantation.subject_id
    LEFT JOIN virus_name ON virus_name.id = virus_name_id
  UNION ALL SELECT subject.subject, death_date, 'died' FROM subject_death JOIN subject ON subject.id = subject_id`;

interface Animal {
  readonly id: number;
  readonly name: string;
  readonly facts: readonly { readonly name: string; readonly value: string }[];
}

const sexes: Readonly<Record<string, string>> = { M: 'male', F: 'female', U: 'not known' };

function animalOf(row: readonly unknown[]): Animal {
  const text = (value: unknown): string => (typeof value === 'string' && value !== '' ? value : unknown);
  return {
    id: Number(row[0]),
    name: String(row[1]),
    facts: [
      { name: 'Sex', value: sexes[String(row[2])] ?? unknown },
      { name: 'Born', value: text(row[3]) },
      { name: 'Nickname', value: text(row[5]) },
      { name: 'Species', value: text(row[6]) },
      { name: 'Line', value: text(row[7]) },
      { name: 'Died', value: text(row[8]) },
      { name: 'Description', value: text(row[4]) },
    ],
  };
}

/** Animals over time: when each was born, operated and recorded; and what is known of the chosen one. */
export function AnimalsRoom(): ReactElement {
  const sessions = useSessions();
  const facts = useFacts();
  const animals = useSql('animals', animalsSql);
  const happened = useSql('animal events', eventsSql);
  const selected = useUi((state) => state.sessionUuid);
  const [chosen, setChosen] = useState<string | null>(null);
  const lines = useMemo(() => sessionLines(sessions.data ?? [], facts.data), [sessions.data, facts.data]);
  const known = useMemo(() => (animals.data?.rows ?? []).map(animalOf), [animals.data]);
  const names = useMemo(() => known.map(({ name }) => name), [known]);
  const events = useMemo<readonly AnimalEvent[]>(
    () =>
      (happened.data?.rows ?? []).map(([animal, day, label]) => ({
        animal: String(animal),
        day: String(day),
        label: String(label),
      })),
    [happened.data],
  );
  const current = chosen ?? lines.find(({ session }) => session.uuid === selected)?.session.subject ?? names[0] ?? null;
  const animal = known.find(({ name }) => name === current);
  const failed = animals.error ?? happened.error ?? sessions.error ?? undefined;
  return (
    <div className={c('room sessions')}>
      <div className={c('bar')}>
        <span className={c('facts')}>
          {plural(known.length, 'animal')}, {plural(lines.length, 'session')}
        </span>
        <span className={c('grow')} />
        <Button onPress={() => goTo('library', { librarySection: 'tables', table: { name: 'subject', where: {} } })}>
          <Icon of={Plus} />
          Add animals
        </Button>
      </div>
      <section className={c('list')} aria-label="Animals over time">
        {failed !== undefined ? (
          <Failed
            title="The animals could not be read"
            error={failed}
            onRetry={() => {
              void animals.refetch();
              void happened.refetch();
              void sessions.refetch();
            }}
          />
        ) : animals.isPending || sessions.isPending ? (
          <Loading title="Opening the animals" step={1} steps={2} detail="reading animals and sessions" />
        ) : known.length === 0 && lines.length === 0 ? (
          <Empty
            title="No animals yet"
            actions={
              <Button
                onPress={() => goTo('library', { librarySection: 'tables', table: { name: 'subject', where: {} } })}
              >
                Add animals
              </Button>
            }
          >
            <p>An animal comes with the first session that names it, from a subjects.csv, or by hand.</p>
          </Empty>
        ) : (
          <Timeline
            lines={lines}
            selected={selected}
            events={events}
            animals={names}
            chosenAnimal={current}
            onAnimal={setChosen}
          />
        )}
      </section>
      <Panel title={animal?.name ?? 'Animal'} meta={animal === undefined ? undefined : 'what the tables say'} scroll>
        {animal === undefined ? (
          <Empty title="No animal chosen">
            <p>Choose one at the left.</p>
          </Empty>
        ) : (
          <AnimalPane
            animal={animal}
            events={events.filter((event) => event.animal === animal.name)}
            lines={lines.filter(({ session }) => session.subject === animal.name)}
          />
        )}
      </Panel>
    </div>
  );
}

interface PaneProps {
  readonly animal: Animal;
  readonly events: readonly AnimalEvent[];
  readonly lines: readonly SessionLine[];
}

function AnimalPane({ animal, events, lines }: PaneProps): ReactElement {
  const rowsOf = (name: string, column: string): void =>
    goTo('library', { librarySection: 'tables', table: { name, where: { [column]: animal.id } } });
  return (
    <>
      <div className={c('section')}>
        <dl className={c('facts2')}>
          {animal.facts.map(({ name, value }) => (
            <div key={name} className={c('factLine')}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        <div className={c('popActs')}>
          <Button size="small" onPress={() => rowsOf('subject', 'id')}>
            Change
          </Button>
          <Button size="small" onPress={() => rowsOf('implantation', 'subject_id')}>
            Surgeries
          </Button>
          <Button size="small" onPress={() => rowsOf('subject_protocol', 'subject_id')}>
            Protocols
          </Button>
        </div>
      </div>
      {events.length === 0 ? null : (
        <div className={c('section')}>
          <h3>What was done</h3>
          <ol className={c('plainList')}>
            {events.map(({ day, label }) => (
              <li key={`${day} ${label}`}>
                <span className={c('mono')}>{day}</span> {label}
              </li>
            ))}
          </ol>
        </div>
      )}
      <div className={c('section')}>
        <h3>{plural(lines.length, 'session')}</h3>
        <ol className={c('plainList')}>
          {lines.map((line) => (
            <li key={line.session.uuid}>
              <button
                type="button"
                className={c('linkLine')}
                onClick={() => goTo('library', { librarySection: 'sessions', sessionUuid: line.session.uuid })}
              >
                <span className={c('mono')}>{line.day === '' ? unknown : line.day}</span>
                <span className={c('cut hi')}>{line.session.name}</span>
                <FilesState word={line.files} />
                <span className={c('dim')}>
                  {duration(line.durationS)}, {bytes(line.facts?.bytes)},{' '}
                  {line.curated === null ? 'no run' : `${percent(line.curated)} curated`}
                </span>
              </button>
            </li>
          ))}
        </ol>
      </div>
    </>
  );
}
