// SPDX-License-Identifier: MIT
import { AppError } from '../../contract/index.ts';
import type { CsvKind } from '../ingest/kinds.ts';
import type { PlannedSession } from '../ingest/types.ts';
import { FieldProblem, type Moment, type Row } from '../ingest/values.ts';
import { uuidBytes } from '../uuid.ts';
import type { Context } from './context.ts';
import { insertSession } from './session-insert.ts';

type Value = string | number | null | Buffer;

interface SessionKey {
  readonly id: number;
  readonly at: string | null;
  readonly offset: number | null;
}

/** Longest name of an animal that a DataJoint server keeps (datamodel.md 1.3). */
const exportableSubject = 8;

/** Writes rows of the workflow's CSV files, one at a time, within a transaction of the caller. */
export class RowWriter {
  readonly #context: Context;
  readonly #known = new Map<string, number>();
  readonly #sessions = new Map<string, SessionKey>();
  #longNames = new Set<string>();

  constructor(context: Context) {
    this.#context = context;
  }

  beginFile(): void {
    this.#longNames = new Set();
  }

  /** Ids that were looked up may be of rows that were taken back. */
  forget(): void {
    this.#known.clear();
    this.#sessions.clear();
  }

  warnings(): readonly string[] {
    const count = this.#longNames.size;
    return count === 0
      ? []
      : [
          `${count} names of animals are longer than the ${exportableSubject} characters a DataJoint server keeps; an export would ask for others.`,
        ];
  }

  /** True when the row added or completed something. @throws FieldProblem */
  write(kind: CsvKind, row: Row, plan: PlannedSession | undefined): boolean {
    const writers: Readonly<Record<CsvKind, () => boolean>> = {
      subjects: () => this.#subject(row),
      sessions: () => this.#session(row, plan),
      behavior_recordings: () => this.#behavior(row),
      blocks: () => this.#block(row),
      trials: () => this.#trial(row),
      events: () => this.#event(row),
      alignments: () => this.#alignment(row),
    };
    return writers[kind]();
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the shape of a row is what the SQL beside it says
  #get<T>(sql: string, ...values: readonly Value[]): T | undefined {
    return this.#context.database.prepare<Value[], T>(sql).get(...values);
  }

  #run(sql: string, ...values: readonly Value[]): { readonly changes: number; readonly id: number } {
    const { changes, lastInsertRowid } = this.#context.database.prepare<Value[]>(sql).run(...values);
    return { changes, id: Number(lastInsertRowid) };
  }

  /**
   * Adds a row, or compares it with the one of the same key that is there.
   *
   * @throws FieldProblem when the values differ
   */
  #put(
    table: string,
    what: string,
    key: Readonly<Record<string, Value>>,
    values: Readonly<Record<string, Value>>,
    uuid = false,
  ): { readonly id: number; readonly added: boolean } {
    const keys = Object.keys(key);
    const found = this.#get<Record<string, Value> & { readonly rowKey: number }>(
      `SELECT ${[...Object.keys(values), 'id AS rowKey'].join(', ')} FROM ${table} WHERE ${keys.map((name) => `${name} = ?`).join(' AND ')}`,
      ...Object.values(key),
    );
    if (found !== undefined) {
      for (const [name, value] of Object.entries(values)) {
        if (found[name] !== value) {
          const column = name.endsWith('_id') && name !== `${table}_id` ? name.slice(0, -3) : name;
          throw new FieldProblem(
            column,
            `${what} is there with another ${column}: ${String(found[name])}, not ${String(value)}.`,
          );
        }
      }
      return { id: found.rowKey, added: false };
    }
    const all = { ...(uuid ? { uuid: uuidBytes(this.#context.newUuid()) } : {}), ...key, ...values };
    const { id } = this.#run(
      `INSERT INTO ${table} (${Object.keys(all).join(', ')}) VALUES (${Object.keys(all)
        .map(() => '?')
        .join(', ')})`,
      ...Object.values(all),
    );
    return { id, added: true };
  }

  #lookup(table: string, name: string): number {
    const key = `${table}\n${name}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#run(`INSERT INTO ${table} (${table}) VALUES (?) ON CONFLICT DO NOTHING`, name);
    const id = this.#get<{ id: number }>(`SELECT id FROM ${table} WHERE ${table} = ?`, name)?.id;
    if (id === undefined) throw new AppError('rpc.internal', `${table} ${name} was not stored.`);
    this.#known.set(key, id);
    return id;
  }

  #attribute(table: string, id: number, row: Row): boolean {
    const name = row.text('attribute_name');
    const value = row.text('attribute_value');
    if (name === '') {
      if (value !== '') throw new FieldProblem('attribute_name', `the value “${value}” has no name.`);
      return false;
    }
    const found = this.#get<{ value: string }>(
      `SELECT attribute_value AS value FROM ${table}_attribute WHERE ${table}_id = ? AND attribute_name = ?`,
      id,
      row.name('attribute_name'),
    );
    if (found !== undefined && found.value !== value) {
      throw new FieldProblem('attribute_value', `${name} is there with the value “${found.value}”, not “${value}”.`);
    }
    if (found !== undefined) return false;
    this.#run(
      `INSERT INTO ${table}_attribute (${table}_id, attribute_name, attribute_value) VALUES (?, ?, ?)`,
      id,
      name,
      value,
    );
    return true;
  }

  #subject(row: Row): boolean {
    const name = row.name('subject');
    if (Array.from(name).length > exportableSubject) this.#longNames.add(name);
    const sex = row.text('sex').toUpperCase() || 'U';
    if (!['M', 'F', 'U'].includes(sex)) throw new FieldProblem('sex', `“${row.text('sex')}” is none of M, F, U.`);
    const birth = row.day('subject_birth_date');
    if (birth !== null && (birth < '1900-01-01' || birth > this.#context.now().slice(0, 10))) {
      throw new FieldProblem('subject_birth_date', `no animal that can be recorded was born on ${birth}.`);
    }
    const given = {
      sex,
      birth_date: birth,
      description: row.text('subject_description'),
      nickname: row.text('subject_nickname'),
    };
    const found = this.#get<typeof given & { readonly id: number }>(
      'SELECT id, sex, birth_date, description, nickname FROM subject WHERE subject = ?',
      name,
    );
    if (found === undefined) {
      this.#run(
        'INSERT INTO subject (uuid, subject, sex, birth_date, description, nickname, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
        uuidBytes(this.#context.newUuid()),
        name,
        ...Object.values(given),
        this.#context.now(),
      );
      return true;
    }
    // An animal that an import made known has no particulars yet: the file completes it.
    const nothing = { sex: 'U', birth_date: null, description: '', nickname: '' };
    const columns = ['sex', 'birth_date', 'description', 'nickname'] as const;
    const changed = columns.filter((column) => given[column] !== nothing[column] && given[column] !== found[column]);
    for (const column of changed) {
      if (found[column] !== nothing[column]) {
        throw new FieldProblem(
          column === 'sex' ? 'sex' : `subject_${column}`,
          `${name} is there with another value: ${String(found[column])}, not ${String(given[column])}.`,
        );
      }
    }
    for (const column of changed) this.#run(`UPDATE subject SET ${column} = ? WHERE id = ?`, given[column], found.id);
    return changed.length > 0;
  }

  #session(row: Row, plan: PlannedSession | undefined): boolean {
    if (plan?.problem !== undefined) throw new FieldProblem(plan.problem.column, plan.problem.message);
    const name = row.name('subject');
    const subject = this.#get<{ id: number }>('SELECT id FROM subject WHERE subject = ?', name);
    if (subject === undefined)
      throw new FieldProblem('subject', `no animal “${name}” is known; add it by a subjects.csv.`);
    if (plan?.session === undefined) throw new FieldProblem('session_dir', 'the folder was not looked at.');
    const { contentDigest } = plan.session;
    const there = this.#get<{ id: number; subjectId: number | null; name: string | null }>(
      `SELECT session.id, subject_id AS subjectId, subject.subject AS name FROM session LEFT JOIN subject ON subject.id = subject_id
      WHERE content_digest = ? ORDER BY session.id LIMIT 1`,
      contentDigest,
    );
    let added = false;
    if (there === undefined) {
      insertSession(this.#context, plan.session);
      added = true;
    } else if (there.subjectId === null) {
      added = this.#run('UPDATE session SET subject_id = ? WHERE id = ?', subject.id, there.id).changes > 0;
    } else if (there.subjectId !== subject.id) {
      throw new FieldProblem('subject', `this session is there as one of ${String(there.name)}, not of ${name}.`);
    }
    const id =
      there?.id ?? this.#get<{ id: number }>('SELECT id FROM session WHERE content_digest = ?', contentDigest)?.id;
    if (id === undefined) throw new AppError('rpc.internal', 'The session was not stored.');
    if (plan.sessionNumber !== null)
      this.#run('UPDATE session SET session_number = ? WHERE id = ?', plan.sessionNumber, id);
    const directory = this.#run(
      'INSERT INTO session_directory (session_id, session_dir) VALUES (?, ?) ON CONFLICT DO NOTHING',
      id,
      plan.directory,
    );
    return added || directory.changes > 0;
  }

  /** The session of a row by animal and time: local time in whole seconds as a DataJoint key has it, or with a zone. @throws FieldProblem */
  #sessionOf(row: Row): SessionKey {
    const name = row.name('subject');
    const written = row.text('session_datetime');
    const cached = this.#sessions.get(`${name}\n${written}`);
    if (cached !== undefined) return cached;
    const moment = row.moment('session_datetime');
    const subject = this.#get<{ id: number }>('SELECT id FROM subject WHERE subject = ?', name);
    if (subject === undefined) throw new FieldProblem('subject', `no animal “${name}” is known.`);
    const sessions = this.#context.database
      .prepare<[number], SessionKey>(
        'SELECT id, session_datetime AS at, tz_offset_min AS offset FROM session WHERE subject_id = ? ORDER BY session_datetime',
      )
      .all(subject.id);
    const matching = sessions.filter((session) => isAt(session, moment));
    const [session] = matching;
    if (session === undefined || matching.length > 1) {
      const times = sessions
        .slice(0, 5)
        .map((each) => localText(each))
        .join(', ');
      throw new FieldProblem(
        'session_datetime',
        session === undefined
          ? `no session of ${name} began at ${written}; ${times === '' ? 'none is known' : `known are ${times}${sessions.length > 5 ? ' …' : ''}`}.`
          : `${matching.length} sessions of ${name} began at ${written}; give milliseconds or a zone.`,
      );
    }
    this.#sessions.set(`${name}\n${written}`, session);
    return session;
  }

  #behavior(row: Row): boolean {
    const session = this.#sessionOf(row);
    const start = row.text('recording_start_time') === '' ? null : row.moment('recording_start_time');
    const offset = start?.offsetMin ?? session.offset ?? 0;
    const given = {
      recording_start_time: start === null ? null : new Date(start.wallMs - offset * 60_000).toISOString(),
      recording_duration: row.optionalNumber('recording_duration'),
      recording_notes: row.text('recording_notes'),
    };
    if ((given.recording_duration ?? 0) < 0) throw new FieldProblem('recording_duration', 'a duration is not below 0.');
    const file = row.path('filepath');
    // Cameras that were recorded with the scope left a row that says nothing of its own yet.
    const filled = this.#run(
      `UPDATE behavior_recording SET recording_start_time = ?, recording_duration = ?, recording_notes = ?
      WHERE session_id = ? AND recording_start_time IS NULL AND recording_duration IS NULL AND recording_notes = '' AND ? IS NOT NULL`,
      given.recording_start_time,
      given.recording_duration,
      given.recording_notes,
      session.id,
      given.recording_start_time,
    );
    const { id, added } = this.#put(
      'behavior_recording',
      'the behaviour recording',
      { session_id: session.id },
      given,
      true,
    );
    if (added && start !== null) this.#run('UPDATE behavior_recording SET tz_offset_min = ? WHERE id = ?', offset, id);
    const filed = this.#run(
      'INSERT INTO behavior_recording_file (behavior_recording_id, filepath) VALUES (?, ?) ON CONFLICT DO NOTHING',
      id,
      file,
    );
    const clock = row.optionalNumber('clock_offset');
    const before = this.#get<{ offset: number }>(
      'SELECT offset_s AS offset FROM behavior_clock WHERE behavior_recording_id = ?',
      id,
    );
    if (clock !== null && before !== undefined && before.offset !== clock) {
      throw new FieldProblem('clock_offset', `the clock is there with another offset: ${before.offset}, not ${clock}.`);
    }
    if (clock !== null && before === undefined) {
      this.#run(
        "INSERT INTO behavior_clock (behavior_recording_id, offset_s, method) VALUES (?, ?, 'given')",
        id,
        clock,
      );
    }
    return added || filled.changes > 0 || filed.changes > 0 || (clock !== null && before === undefined);
  }

  #behaviorOf(row: Row): number {
    const session = this.#sessionOf(row);
    const key = `behavior\n${session.id}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const found = this.#get<{ id: number }>('SELECT id FROM behavior_recording WHERE session_id = ?', session.id);
    if (found === undefined) {
      throw new FieldProblem(
        'session_datetime',
        'this session has no behaviour recording; add it by a behavior_recordings.csv.',
      );
    }
    this.#known.set(key, found.id);
    return found.id;
  }

  #span(row: Row, what: 'block' | 'trial'): readonly [number, number] {
    const start = row.number(`${what}_start_time`);
    const stop = row.number(`${what}_stop_time`);
    if (stop < start)
      throw new FieldProblem(`${what}_stop_time`, `the ${what} stops at ${stop} s, before it starts at ${start} s.`);
    return [start, stop];
  }

  #block(row: Row): boolean {
    const number = row.whole('block_id');
    const [start, stop] = this.#span(row, 'block');
    const block = this.#put(
      'block',
      `block ${number}`,
      { behavior_recording_id: this.#behaviorOf(row), block_id: number },
      { block_start_time: start, block_stop_time: stop },
    );
    return this.#attribute('block', block.id, row) || block.added;
  }

  #trial(row: Row): boolean {
    const behavior = this.#behaviorOf(row);
    const number = row.whole('trial_id');
    const [start, stop] = this.#span(row, 'trial');
    const type = row.text('trial_type') === '' ? null : this.#lookup('trial_type', row.name('trial_type'));
    const trial = this.#put(
      'trial',
      `trial ${number}`,
      { behavior_recording_id: behavior, trial_id: number },
      { trial_start_time: start, trial_stop_time: stop, trial_type_id: type },
    );
    const blockNumber = row.optionalWhole('block_id');
    let linked = false;
    if (blockNumber !== null) {
      const block = this.#get<{ id: number }>(
        'SELECT id FROM block WHERE behavior_recording_id = ? AND block_id = ?',
        behavior,
        blockNumber,
      );
      if (block === undefined)
        throw new FieldProblem('block_id', `this session has no block ${blockNumber}; add it by a blocks.csv.`);
      linked =
        this.#run('INSERT INTO block_trial VALUES (?, ?) ON CONFLICT DO NOTHING', block.id, trial.id).changes > 0;
    }
    return this.#attribute('trial', trial.id, row) || linked || trial.added;
  }

  #event(row: Row): boolean {
    const behavior = this.#behaviorOf(row);
    const start = row.number('event_start_time');
    const end = row.optionalNumber('event_end_time');
    if (end !== null && end < start)
      throw new FieldProblem('event_end_time', `the event ends at ${end} s, before it starts at ${start} s.`);
    const type = this.#lookup('event_type', row.name('event_type'));
    const event = this.#put(
      'event',
      'the event',
      { behavior_recording_id: behavior, event_type_id: type, event_start: Math.round(start * 10_000) },
      { event_end_time: end },
    );
    const number = row.optionalWhole('trial_id');
    let linked = false;
    if (number !== null) {
      const trial = this.#get<{ id: number }>(
        'SELECT id FROM trial WHERE behavior_recording_id = ? AND trial_id = ?',
        behavior,
        number,
      );
      if (trial === undefined)
        throw new FieldProblem('trial_id', `this session has no trial ${number}; add it by a trials.csv.`);
      linked =
        this.#run('INSERT INTO trial_event VALUES (?, ?) ON CONFLICT DO NOTHING', trial.id, event.id).changes > 0;
    }
    return this.#attribute('event', event.id, row) || linked || event.added;
  }

  #alignment(row: Row): boolean {
    const type = (role: string): number => {
      const name = row.name(`${role}_event_type`);
      const found = this.#get<{ id: number }>('SELECT id FROM event_type WHERE event_type = ?', name);
      if (found === undefined) throw new FieldProblem(`${role}_event_type`, `no event of the type “${name}” is known.`);
      return found.id;
    };
    const name = row.name('alignment_name');
    return this.#put(
      'alignment_event',
      `the alignment “${name}”`,
      { alignment_name: name },
      {
        alignment_description: row.text('alignment_description'),
        alignment_event_type_id: type('alignment'),
        alignment_time_shift: row.number('alignment_time_shift'),
        start_event_type_id: type('start'),
        start_time_shift: row.number('start_time_shift'),
        end_event_type_id: type('end'),
        end_time_shift: row.number('end_time_shift'),
      },
      true,
    ).added;
  }
}

/** Did the session begin at the written time? Whole seconds are enough unless a fraction is written. */
function isAt({ at, offset }: SessionKey, { wallMs, offsetMin, hasFraction }: Moment): boolean {
  if (at === null) return false;
  const began = Date.parse(at) + (offsetMin === null ? (offset ?? 0) : offsetMin) * 60_000;
  return hasFraction ? began === wallMs : Math.floor(began / 1000) === Math.floor(wallMs / 1000);
}

function localText({ at, offset }: SessionKey): string {
  if (at === null) return 'an unknown time';
  return new Date(Date.parse(at) + (offset ?? 0) * 60_000).toISOString().replace('T', ' ').slice(0, 19);
}
