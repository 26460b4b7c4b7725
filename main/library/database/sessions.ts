// SPDX-License-Identifier: MIT
import { join } from 'node:path';
import { AppError, type Finding, type RecordingRow, type Uuid } from '../../contract/index.ts';
import type { NewSession, SessionStore, StoredFacts, StoredRecording, StoredSession } from '../types.ts';
import { uuidBytes, uuidText } from '../uuid.ts';
import { type Context, type Sync, writing } from './context.ts';
import { insertSession } from './session-insert.ts';

interface SessionSql {
  readonly id: number;
  readonly uuid: Uint8Array;
  readonly name: string;
  readonly subject: string | null;
  readonly startedAt: string | null;
  readonly tzOffsetMin: number | null;
  readonly importedAt: string;
  readonly folder: string;
  readonly format: string;
  readonly contentDigest: string;
  readonly sample: number;
  readonly runs: number;
  readonly cells: number;
  readonly decided: number;
}

interface RecordingSql {
  readonly id: number;
  readonly sessionId: number;
  readonly uuid: Uint8Array;
  readonly sessionUuid: Uint8Array;
  readonly device: string;
  readonly deviceType: string | null;
  readonly frames: number;
  readonly height: number;
  readonly width: number;
  readonly fps: number | null;
  readonly durationS: number | null;
  readonly codec: string;
}

interface FileSql {
  readonly recordingId: number;
  readonly path: string;
  readonly frames: number;
  readonly bytes: number;
}

interface FindingSql {
  readonly sessionId: number;
  readonly severity: Finding['severity'];
  readonly code: string;
  readonly message: string;
  readonly place: string | null;
}

/** Which sessions a query is about; every query of a list uses the same words, so that a list is four statements however long. */
type Scope = 'all' | 'search' | 'page' | 'uuid' | 'digest' | 'sample';

const scopes: Readonly<Record<Scope, string>> = {
  all: '1',
  search: `(session.name LIKE :value ESCAPE '\\' OR subject.subject LIKE :value ESCAPE '\\'
    OR subject.nickname LIKE :value ESCAPE '\\' OR subject.description LIKE :value ESCAPE '\\'
    OR EXISTS (SELECT 1 FROM session_note AS n WHERE n.session_id = session.id AND n.session_note LIKE :value ESCAPE '\\')
    OR EXISTS (SELECT 1 FROM session_attribute AS a WHERE a.session_id = session.id AND a.attribute_value LIKE :value ESCAPE '\\')
    OR EXISTS (SELECT 1 FROM recording AS r WHERE r.session_id = session.id
      AND (r.device LIKE :value ESCAPE '\\' OR r.recording_notes LIKE :value ESCAPE '\\')))`,
  /** `value` is a JSON list of ids. */
  page: 'session.id IN (SELECT value FROM json_each(:value))',
  uuid: 'session.uuid = :value',
  digest: 'session.content_digest = :value',
  sample: 'session.sample = 1',
};

/**
 * Counts come from the newest finished run: one index probe into `run` and one into `curation` per session.
 */
export function sessionsSql(scope: Scope): string {
  return `
    SELECT session.id, session.uuid, session.name, subject.subject, session.session_datetime AS startedAt,
      session.tz_offset_min AS tzOffsetMin, session.imported_at AS importedAt, session.folder, session.format, session.content_digest AS contentDigest, session.sample,
      (SELECT count(*) FROM run WHERE run.session_id = session.id AND run.state = 'succeeded') AS runs,
      coalesce(newest.cell_count, 0) AS cells,
      coalesce(judged.accepted_count + judged.rejected_count, 0) AS decided
    FROM session
    LEFT JOIN subject ON subject.id = session.subject_id
    LEFT JOIN run AS newest ON newest.id =
      (SELECT max(run.id) FROM run WHERE run.session_id = session.id AND run.state = 'succeeded')
    LEFT JOIN curation AS judged ON judged.id = (SELECT max(curation.id) FROM curation WHERE curation.run_id = newest.id AND curation.received_at IS NULL AND curation.second = 0)
    WHERE ${scopes[scope]}
    ORDER BY coalesce(session.session_datetime, session.imported_at) DESC, session.id DESC`;
}

/** Ids of the sessions a list is about, in its order. */
export function sessionIdsSql(scope: 'all' | 'search'): string {
  return `
    SELECT session.id FROM session ${scope === 'all' ? '' : 'LEFT JOIN subject ON subject.id = session.subject_id'}
    WHERE ${scopes[scope]} ORDER BY coalesce(session.session_datetime, session.imported_at) DESC, session.id DESC`;
}

/** Without a scope's condition the join with `session` falls away, and the table is read in key order. */
function scoped(scope: Scope): string {
  return scope === 'all'
    ? ''
    : `AND session.id IN (SELECT session.id FROM session LEFT JOIN subject ON subject.id = session.subject_id WHERE ${scopes[scope]})`;
}

export function recordingsSql(scope: Scope): string {
  return `
    SELECT recording.id, recording.session_id AS sessionId, recording.uuid, session.uuid AS sessionUuid, recording.device,
      recording.device_type AS deviceType, info.nframes AS frames, info.px_height AS height, info.px_width AS width, info.fps,
      info.recording_duration AS durationS, info.codec
    FROM recording
    JOIN session ON session.id = recording.session_id
    JOIN recording_info AS info ON info.recording_id = recording.id
    WHERE 1 ${scoped(scope)}
    ORDER BY recording.session_id, recording.recording_id`;
}

export function filesSql(scope: Scope): string {
  return `
    SELECT file.recording_id AS recordingId, file.file_path AS path, file.frames, file.bytes
    FROM recording_file AS file
    ${scope === 'all' ? 'WHERE 1' : `JOIN recording ON recording.id = file.recording_id JOIN session ON session.id = recording.session_id WHERE 1`}
    ${scoped(scope)}
    ORDER BY file.recording_id, file.file_id`;
}

export function findingsSql(scope: Scope): string {
  return `
    SELECT finding.session_id AS sessionId, finding.severity, finding.code, finding.message, finding.place
    FROM session_finding AS finding
    ${scope === 'all' ? 'WHERE 1' : `JOIN session ON session.id = finding.session_id WHERE 1`}
    ${scoped(scope)}
    ORDER BY finding.session_id, finding.position`;
}

function groupBy<T>(rows: readonly T[], key: (row: T) => number): ReadonlyMap<number, readonly T[]> {
  const groups = new Map<number, T[]>();
  for (const row of rows) {
    const group = groups.get(key(row));
    if (group === undefined) groups.set(key(row), [row]);
    else group.push(row);
  }
  return groups;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function toRecordingRow(row: RecordingSql, files: readonly FileSql[]): RecordingRow {
  return {
    uuid: uuidText(row.uuid),
    sessionUuid: uuidText(row.sessionUuid),
    device: row.device,
    deviceType: row.deviceType,
    frames: row.frames,
    height: row.height,
    width: row.width,
    fps: row.fps,
    durationS: row.durationS,
    codec: row.codec,
    films: files.map((file) => ({ name: baseName(file.path), frames: file.frames })),
  };
}

function toFinding({ severity, code, message, place }: FindingSql): Finding {
  return place === null ? { severity, code, message } : { severity, code, message, where: place };
}

interface FactsSql {
  readonly uuid: Uint8Array;
  readonly folder: string;
  readonly format: string;
  readonly bytes: number;
  readonly note: string;
  readonly remarks: string;
  readonly tags: string | null;
  readonly verified: string | null;
  readonly lost: string | null;
  readonly suggested: number | null;
  readonly projects: string | null;
  readonly locations: string | null;
}

/** Each part is one probe of an index a session. */
const factsSql = `
  SELECT session.uuid, session.folder, session.format,
    coalesce((SELECT sum(file.bytes) FROM recording JOIN recording_file AS file ON file.recording_id = recording.id
      WHERE recording.session_id = session.id), 0) AS bytes,
    coalesce((SELECT session_note FROM session_note WHERE session_id = session.id), '') AS note,
    coalesce((SELECT group_concat(recording_notes, char(10)) FROM recording
      WHERE session_id = session.id AND recording_notes <> ''), '') AS remarks,
    (SELECT attribute_json FROM session_attribute WHERE session_id = session.id AND attribute_name = 'tags') AS tags,
    (SELECT attribute_json FROM session_attribute WHERE session_id = session.id AND attribute_name = 'verified') AS verified,
    (SELECT message FROM session_finding WHERE session_id = session.id AND code = 'frames.lost' LIMIT 1) AS lost,
    (SELECT suggested_count FROM run WHERE run.id =
      (SELECT max(run.id) FROM run WHERE run.session_id = session.id AND run.state = 'succeeded')) AS suggested,
    (SELECT json_group_array(project.project) FROM project_session JOIN project ON project.id = project_session.project_id
      WHERE project_session.session_id = session.id) AS projects,
    (SELECT json_group_array(DISTINCT place.recording_location) FROM recording JOIN recording_location AS there ON there.recording_id = recording.id
      JOIN anatomical_location AS place ON place.id = there.anatomical_location_id WHERE recording.session_id = session.id) AS locations
  FROM session`;

function listed(json: string | null): string[] {
  const value: unknown = json === null ? [] : JSON.parse(json);
  return Array.isArray(value) ? value.map(String) : [];
}

/** Subjects, sessions, recordings, films and findings. */
export class SessionTables implements Sync<SessionStore> {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  #read(scope: Scope, value?: string | Uint8Array): readonly StoredSession[] {
    const { database } = this.#context;
    type Bound = Readonly<{ value: string | Uint8Array }>;
    const bound: readonly Bound[] = value === undefined ? [] : [{ value }];
    const files = groupBy(database.prepare<Bound[], FileSql>(filesSql(scope)).all(...bound), (row) => row.recordingId);
    const findings = groupBy(
      database.prepare<Bound[], FindingSql>(findingsSql(scope)).all(...bound),
      (row) => row.sessionId,
    );
    const recordings = groupBy(
      database.prepare<Bound[], RecordingSql>(recordingsSql(scope)).all(...bound),
      (row) => row.sessionId,
    );
    return database
      .prepare<Bound[], SessionSql>(sessionsSql(scope))
      .all(...bound)
      .map((row) => ({
        uuid: uuidText(row.uuid),
        name: row.name,
        subject: row.subject,
        startedAt: row.startedAt,
        tzOffsetMin: row.tzOffsetMin,
        importedAt: row.importedAt,
        recordings: (recordings.get(row.id) ?? []).map((found) => toRecordingRow(found, files.get(found.id) ?? [])),
        findings: (findings.get(row.id) ?? []).map(toFinding),
        runs: row.runs,
        cells: row.cells,
        decided: row.decided,
        sample: row.sample === 1,
        folder: row.folder,
        format: row.format,
        contentDigest: row.contentDigest,
      }));
  }

  list(filter: Parameters<SessionStore['list']>[0] = {}): readonly StoredSession[] {
    const { limit, offset = 0 } = filter;
    const search = filter.search?.trim() ?? '';
    if (search === '' && limit === undefined) return this.#read('all').slice(offset);
    // First which, then what: the films of those that are not shown are not read.
    const found = `${search === '' ? sessionIdsSql('all') : sessionIdsSql('search')} LIMIT :limit OFFSET :offset`;
    const ids = this.#context.database
      .prepare<[{ limit: number; offset: number; value?: string }], { id: number }>(found)
      .all({
        limit: limit ?? -1,
        offset,
        ...(search === '' ? {} : { value: `%${search.replaceAll(/[\\%_]/g, '\\$&')}%` }),
      })
      .map(({ id }) => id);
    return this.#read('page', JSON.stringify(ids));
  }

  get(sessionUuid: Uuid): StoredSession {
    const session = this.#read('uuid', uuidBytes(sessionUuid))[0];
    if (session === undefined) {
      throw new AppError('session.not_imported', `No session ${sessionUuid} is in this library.`);
    }
    return session;
  }

  findByDigest(contentDigest: string): StoredSession | null {
    return this.#read('digest', contentDigest)[0] ?? null;
  }

  findSample(): StoredSession | null {
    return this.#read('sample')[0] ?? null;
  }

  recording(recordingUuid: Uuid): StoredRecording {
    const { database } = this.#context;
    const row = database
      .prepare<
        [Uint8Array],
        RecordingSql & {
          readonly sessionName: string;
          readonly folder: string;
          readonly sample: number;
          readonly startedAt: string | null;
          readonly tzOffsetMin: number | null;
          readonly config: string | null;
        }
      >(
        `SELECT recording.id, recording.session_id AS sessionId, recording.uuid, session.uuid AS sessionUuid, recording.device,
          recording.device_type AS deviceType, info.nframes AS frames, info.px_height AS height, info.px_width AS width, info.fps,
          info.recording_duration AS durationS, info.codec, session.name AS sessionName, session.folder, session.sample,
          info.recording_datetime AS startedAt, info.tz_offset_min AS tzOffsetMin, info.config
        FROM recording JOIN session ON session.id = recording.session_id
          JOIN recording_info AS info ON info.recording_id = recording.id
        WHERE recording.uuid = ?`,
      )
      .get(uuidBytes(recordingUuid));
    if (row === undefined) {
      throw new AppError('session.not_imported', `No recording ${recordingUuid} is in this library.`);
    }
    const files = database
      .prepare<[number], FileSql>(
        'SELECT recording_id AS recordingId, file_path AS path, frames, bytes FROM recording_file WHERE recording_id = ? ORDER BY file_id',
      )
      .all(row.id);
    return {
      ...toRecordingRow(row, files),
      sessionName: row.sessionName,
      folder: row.folder,
      files: files.map((file) => ({ path: join(row.folder, file.path), frames: file.frames, bytes: file.bytes })),
      startedAt: row.startedAt,
      tzOffsetMin: row.tzOffsetMin,
      config: row.config === null ? null : (JSON.parse(row.config) as unknown),
      sample: row.sample === 1,
    };
  }

  directory(sessionUuid: Uuid): { readonly folder: string; readonly directory: string | null } {
    const row = this.#context.database
      .prepare<[Uint8Array], { folder: string; directory: string | null }>(
        `SELECT folder, session_dir AS directory FROM session LEFT JOIN session_directory ON session_id = session.id
        WHERE uuid = ?`,
      )
      .get(uuidBytes(sessionUuid));
    if (row === undefined) throw new AppError('session.not_imported', `No session ${sessionUuid} is in this library.`);
    return row;
  }

  cameraFilms(
    sessionUuid: Uuid,
  ): readonly { readonly path: string; readonly offsetS: number; readonly rate: number }[] {
    return this.#context.database
      .prepare<[Uint8Array], { folder: string; path: string; offsetS: number; rate: number }>(
        `SELECT session.folder, file.filepath AS path, coalesce(clock.offset_s, 0) AS offsetS, coalesce(clock.rate, 1) AS rate
        FROM behavior_recording_file AS file JOIN behavior_recording AS recording ON recording.id = file.behavior_recording_id
          JOIN session ON session.id = recording.session_id
          LEFT JOIN behavior_clock AS clock ON clock.behavior_recording_id = recording.id
        WHERE session.uuid = ?`,
      )
      .all(uuidBytes(sessionUuid))
      .map(({ folder, path, offsetS, rate }) => ({ path: join(folder, path), offsetS, rate }))
      .toSorted((a, b) => a.path.localeCompare(b.path, 'en', { numeric: true }));
  }

  filmPaths(
    sessionUuids: readonly Uuid[],
  ): readonly { readonly sessionUuid: Uuid; readonly paths: readonly string[] }[] {
    const { database } = this.#context;
    const asked = JSON.stringify(sessionUuids.map((uuid) => uuid.replaceAll('-', '')));
    const paths = new Map<Uuid, string[]>(sessionUuids.map((uuid) => [uuid, []]));
    // First and last film of each recording: two probes of the key, however many films there are.
    const films = database
      .prepare<[string], { uuid: Uint8Array; folder: string; path: string }>(
        `SELECT session.uuid, session.folder, file.file_path AS path
        FROM json_each(?) AS asked JOIN session ON session.uuid = unhex(asked.value)
          JOIN recording ON recording.session_id = session.id
          JOIN recording_file AS file ON file.recording_id = recording.id AND file.file_id IN (
            (SELECT min(file_id) FROM recording_file WHERE recording_id = recording.id),
            (SELECT max(file_id) FROM recording_file WHERE recording_id = recording.id))
        ORDER BY asked.key, recording.recording_id, file.file_id`,
      )
      .all(asked);
    for (const { uuid, folder, path } of films) paths.get(uuidText(uuid))?.push(join(folder, path));
    // One that is being recorded has no films yet that the library knows: its folder stands for them.
    const underWay = database
      .prepare<[string], { uuid: Uint8Array; folder: string }>(
        `SELECT session.uuid, session.folder
        FROM session_acquisition AS acquisition JOIN session ON session.id = acquisition.session_id
        WHERE acquisition.state = 'recording' AND session.uuid IN (SELECT unhex(value) FROM json_each(?))`,
      )
      .all(asked);
    for (const { uuid, folder } of underWay) paths.get(uuidText(uuid))?.push(folder);
    return [...paths].map(([sessionUuid, found]) => ({ sessionUuid, paths: found }));
  }

  facts(): readonly StoredFacts[] {
    return this.#context.database
      .prepare<[], FactsSql>(factsSql)
      .all()
      .map(({ uuid, lost, format, tags, verified, projects, locations, ...row }) =>
        Object.assign(row, {
          uuid: uuidText(uuid),
          tags: listed(tags),
          projects: listed(projects),
          locations: listed(locations),
          // The sentence begins with the number; a bare film has nothing that could count.
          missing:
            lost === null ? (format === 'film' ? null : 0) : Number(/^\d+/.exec(lost)?.[0] ?? Number.NaN) || null,
          verified: verified === null ? null : (JSON.parse(verified) as { at: string; sound: boolean }),
        }),
      );
  }

  relink(sessionUuid: Uuid, folder: string): void {
    writing(this.#context, () => {
      this.get(sessionUuid);
      this.#context.database
        .prepare('UPDATE session SET folder = ? WHERE uuid = ?')
        .run(folder, uuidBytes(sessionUuid));
    });
  }

  annotate({ sessionUuid, note, tags, verified, who }: Parameters<SessionStore['annotate']>[0]): void {
    writing(this.#context, () => {
      const { database, now } = this.#context;
      const row = database
        .prepare<[Uint8Array], { id: number }>('SELECT id FROM session WHERE uuid = ?')
        .get(uuidBytes(sessionUuid));
      if (row === undefined)
        throw new AppError('session.not_imported', `No session ${sessionUuid} is in this library.`);
      database.prepare('INSERT OR REPLACE INTO change_actor VALUES (1, ?, ?)').run(who, now());
      if (note !== undefined)
        database
          .prepare(
            `INSERT INTO session_note (session_id, session_note) VALUES (?, ?)
            ON CONFLICT DO UPDATE SET session_note = excluded.session_note`,
          )
          .run(row.id, note);
      const attribute = database.prepare(
        `INSERT INTO session_attribute (session_id, attribute_name, attribute_value, attribute_json) VALUES (?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET attribute_value = excluded.attribute_value, attribute_json = excluded.attribute_json`,
      );
      if (tags !== undefined) attribute.run(row.id, 'tags', tags.join(', '), JSON.stringify(tags));
      if (verified !== undefined)
        attribute.run(row.id, 'verified', verified.sound ? 'sound' : 'unsound', JSON.stringify(verified));
      database.prepare('DELETE FROM change_actor').run();
    });
  }

  insert(session: NewSession): { readonly session: StoredSession; readonly alreadyImported: boolean } {
    return writing(this.#context, () => {
      const existing = this.findByDigest(session.contentDigest);
      if (existing !== null) return { session: existing, alreadyImported: true };
      const uuid = insertSession(this.#context, session);
      return { session: this.get(uuid), alreadyImported: false };
    });
  }
}
