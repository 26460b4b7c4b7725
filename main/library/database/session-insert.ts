// SPDX-License-Identifier: MIT
import { AppError, type Finding, type Uuid } from '../../contract/index.ts';
import type { NewRecording, NewSession } from '../types.ts';
import { uuidBytes } from '../uuid.ts';
import type { Context } from './context.ts';

function knownSubject(context: Context, name: string): number {
  const { database, newUuid, now } = context;
  const found = database.prepare<[string], { id: number }>('SELECT id FROM subject WHERE subject = ?').get(name);
  if (found !== undefined) return found.id;
  const added = database
    .prepare('INSERT INTO subject (uuid, subject, created_at) VALUES (?, ?, ?)')
    .run(uuidBytes(newUuid()), name, now());
  return Number(added.lastInsertRowid);
}

/** A clash of the natural key is said, not refused: it is resolved when somebody exports to a server that needs the key. */
function clash(context: Context, session: NewSession, subjectId: number | null): readonly Finding[] {
  if (subjectId === null || (session.startedAt ?? null) === null) return [];
  const other = context.database
    .prepare<[number, string | null | undefined], { name: string }>(
      'SELECT name FROM session WHERE subject_id = ? AND session_datetime = ? LIMIT 1',
    )
    .get(subjectId, session.startedAt);
  if (other === undefined) return [];
  return [
    {
      severity: 'warning',
      code: 'session.key_clash',
      message: `Another session of ${session.subject ?? 'this animal'} began at the same moment: “${other.name}”.`,
    },
  ];
}

/** Adds a session with all that belongs to it; the caller's transaction makes it whole. Returns its uuid. */
export function insertSession(context: Context, session: NewSession): Uuid {
  const { database, newUuid, now } = context;
  const uuid = newUuid();
  const name = session.subject?.trim() ?? '';
  const subjectId = name === '' ? null : knownSubject(context, name);
  const findings = [...session.findings, ...clash(context, session, subjectId)];
  const { lastInsertRowid } = database
    .prepare(
      `INSERT INTO session (uuid, subject_id, session_datetime, tz_offset_min, name, folder, format, content_digest, sample, imported_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      uuidBytes(uuid),
      subjectId,
      session.startedAt ?? null,
      session.tzOffsetMin ?? null,
      session.name,
      session.folder,
      session.format,
      session.contentDigest,
      session.sample === true ? 1 : 0,
      now(),
    );
  const sessionId = Number(lastInsertRowid);
  insertFindings(context, sessionId, findings);
  insertParts(context, sessionId, session);
  return uuid;
}

/** Adds remarks to a session that has none. */
export function insertFindings({ database }: Context, sessionId: number, findings: readonly Finding[]): void {
  const insertFinding = database.prepare(
    'INSERT INTO session_finding (session_id, position, severity, code, message, place) VALUES (?, ?, ?, ?, ?, ?)',
  );
  for (const [position, finding] of findings.entries()) {
    insertFinding.run(sessionId, position, finding.severity, finding.code, finding.message, finding.where ?? null);
  }
}

/** Adds recordings, and the films of cameras as one behaviour recording, to a session that has none. */
export function insertParts(
  context: Context,
  sessionId: number,
  { recordings, cameraFiles = [] }: Pick<NewSession, 'recordings' | 'cameraFiles'>,
): void {
  for (const [position, recording] of recordings.entries()) insertRecording(context, sessionId, position, recording);
  if (cameraFiles.length === 0) return;
  const { database, newUuid } = context;
  // No start and no length of its own: cameras that were recorded with a scope share its time zero.
  const { lastInsertRowid } = database
    .prepare('INSERT INTO behavior_recording (uuid, session_id) VALUES (?, ?)')
    .run(uuidBytes(newUuid()), sessionId);
  const insertFile = database.prepare(
    'INSERT INTO behavior_recording_file (behavior_recording_id, filepath) VALUES (?, ?)',
  );
  for (const file of cameraFiles) insertFile.run(lastInsertRowid, file);
}

function softwareId(context: Context, name: string): number {
  const { database } = context;
  database.prepare('INSERT INTO acquisition_software (acq_software) VALUES (?) ON CONFLICT DO NOTHING').run(name);
  const row = database
    .prepare<[string], { id: number }>('SELECT id FROM acquisition_software WHERE acq_software = ?')
    .get(name);
  if (row === undefined) throw new AppError('rpc.internal', `Acquisition software ${name} was not stored.`);
  return row.id;
}

/** The row of a model of miniscope; a model that is seen for the first time is added. */
function deviceId(context: Context, name: string): number | null {
  if (name.trim() === '') return null;
  const { database } = context;
  database.prepare("INSERT INTO device (device, modality) VALUES (?, 'Miniscope') ON CONFLICT DO NOTHING").run(name);
  return database.prepare<[string], { id: number }>('SELECT id FROM device WHERE device = ?').get(name)?.id ?? null;
}

function insertRecording(context: Context, sessionId: number, position: number, recording: NewRecording): void {
  const { database, newUuid } = context;
  const software = recording.acquisitionSoftware ?? null;
  const { lastInsertRowid } = database
    .prepare(
      `INSERT INTO recording (uuid, session_id, recording_id, device, device_type, device_id, acquisition_software_id, recording_notes)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      uuidBytes(newUuid()),
      sessionId,
      position,
      recording.device,
      recording.deviceType ?? null,
      deviceId(context, recording.deviceType ?? ''),
      software === null ? null : softwareId(context, software),
      recording.notes ?? '',
    );
  const recordingId = Number(lastInsertRowid);
  database
    .prepare(
      `INSERT INTO recording_info (recording_id, nframes, px_height, px_width, fps, recording_datetime, tz_offset_min,
        recording_duration, codec, config)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      recordingId,
      recording.frames,
      recording.height,
      recording.width,
      recording.fps,
      recording.startedAt ?? null,
      recording.tzOffsetMin ?? null,
      recording.durationS,
      recording.codec,
      recording.config === undefined ? null : JSON.stringify(recording.config),
    );
  const insertFile = database.prepare(
    'INSERT INTO recording_file (recording_id, file_id, file_path, frames, bytes) VALUES (?, ?, ?, ?, ?)',
  );
  for (const [fileId, file] of recording.files.entries()) {
    insertFile.run(recordingId, fileId, file.path, file.frames, file.bytes);
  }
}
