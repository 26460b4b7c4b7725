// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import type { Finding } from '../../../contract/index.ts';
import type { NewRecording, NewSession } from '../../../library/index.ts';
import { unpackTyped } from '../blob.ts';
import { hexOf, instantOf, type Records, steadyUuid } from './records.ts';
import { keyOf, type ServerRow, type Snapshot } from './snapshot.ts';

/** A session of the library, to be recognised. */
export interface KnownSession {
  readonly uuid: string;
  readonly subject: string | null;
  readonly startedAt: string | null;
  readonly tzOffsetMin: number | null;
  readonly recordings: readonly {
    readonly uuid: string;
    readonly frames: number;
    readonly height: number;
    readonly width: number;
  }[];
}

/** What a session's folder says of itself, read by the library's own reader. */
export interface FolderPlan {
  readonly session: NewSession;
  /** Times of each recording's frames, s. */
  readonly times: readonly (Float64Array | null)[];
}

/** Looks at a session's folder below the root; null where it is not there. A text: why it cannot be read. */
export type LookAtFolder = (directory: string, subject: string) => Promise<FolderPlan | string | null>;

/** A recording of the server and where it went. */
export interface PlacedRecording {
  /** Its key on the server. */
  readonly row: ServerRow;
  readonly number: number;
  readonly sessionNumber: number;
  readonly height: number;
  readonly width: number;
  readonly frames: number;
  readonly fps: number | null;
  readonly software: string;
  readonly notes: string;
  /** From the files; null where they are not there. */
  readonly timeS: Float64Array | null;
}

const numberOr = <T>(value: unknown, other: T): number | T => {
  const number = Number(value);
  return value !== null && value !== undefined && Number.isFinite(number) ? number : other;
};

const textOf = (row: ServerRow | undefined, ...names: readonly string[]): string => {
  const found = names.map((name) => row?.[name]).find((value) => typeof value === 'string');
  return typeof found === 'string' ? found : '';
};

/** The session of the library that began in the same second, by the clock of the place. */
function sameSession(known: readonly KnownSession[], subject: string, datetime: string): KnownSession | undefined {
  const wanted = Date.parse(`${datetime.slice(0, 19).replace(' ', 'T')}Z`);
  return known.find(
    (session) =>
      session.subject?.toLowerCase() === subject.toLowerCase() &&
      session.startedAt !== null &&
      Math.floor((Date.parse(session.startedAt) + (session.tzOffsetMin ?? 0) * 60_000) / 1000) ===
        Math.floor(wanted / 1000),
  );
}

/** Brings sessions with their recordings: from their folders where those are there, since rows may be wrong (datamodel.md 2.12, 1 to 4). */
export class SessionIntake {
  readonly #snapshot: Snapshot;
  readonly #records: Records;
  readonly #prefix: string;
  readonly #known: readonly KnownSession[];
  readonly #look: LookAtFolder;
  readonly #root: string | null;
  readonly #now: string;
  readonly notes: string[] = [];
  readonly recordings: PlacedRecording[] = [];
  /** Films of cameras that folders told of, by our number of their session. */
  readonly cameras: { readonly session: number; readonly key: ServerRow; readonly files: readonly string[] }[] = [];

  constructor(about: {
    readonly snapshot: Snapshot;
    readonly records: Records;
    readonly prefix: string;
    readonly known: readonly KnownSession[];
    readonly look: LookAtFolder;
    readonly root: string | null;
    readonly now: string;
  }) {
    this.#snapshot = about.snapshot;
    this.#records = about.records;
    this.#prefix = about.prefix;
    this.#known = about.known;
    this.#look = about.look;
    this.#root = about.root;
    this.#now = about.now;
  }

  /** One row of `Session`, after its animal. */
  async add(row: ServerRow): Promise<void> {
    const table = this.#snapshot.table('Session');
    if (table === undefined) return;
    const subject = textOf(row, 'subject');
    const datetime = textOf(row, 'session_datetime');
    const label = `${subject} ${datetime}`.trim();
    const recordings = await this.#snapshot.rows(this.#snapshot.table('Recording'), keyOf(table, row));
    const here = datetime === '' ? undefined : sameSession(this.#known, subject, datetime);
    if (here !== undefined) {
      const number = this.#records.put('session', { uuid: hexOf(Buffer.from(here.uuid.replaceAll('-', ''), 'hex')) });
      this.#records.note(table, row, number);
      for (const recording of recordings) await this.#ofKnown(here, number, recording, label);
      return;
    }
    const [directoryRow] = await this.#snapshot.rows(this.#snapshot.table('SessionDirectory'), keyOf(table, row));
    const directory = textOf(directoryRow, 'session_dir') || textOf(recordings[0], 'recording_directory');
    const looked = directory === '' || this.#root === null ? null : await this.#look(directory, subject);
    const plan = typeof looked === 'string' ? null : looked;
    const findings: Finding[] = [];
    const find = (severity: Finding['severity'], code: string, message: string): void => {
      findings.push({ severity, code, message });
    };
    find('info', 'interop.datajoint', `Imported from the DataJoint databases “${this.#prefix}…”.`);
    if (typeof looked === 'string')
      find(
        'warning',
        'interop.files_unreadable',
        `Its folder ${directory} cannot be read, so the server’s rows stand: ${looked}`,
      );
    else if (plan === null)
      find(
        'info',
        'interop.no_files',
        'The folder of the session was not looked at or is not there; its films are not linked, and rows of the server could not be compared with them.',
      );
    const startedAt = plan?.session.startedAt ?? instantOf(datetime);
    if (typeof plan?.session.startedAt === 'string' && datetime !== '') {
      const local = new Date(
        Date.parse(plan.session.startedAt) + (plan.session.tzOffsetMin ?? 0) * 60_000,
      ).toISOString();
      if (local.slice(0, 19) !== datetime.slice(0, 19).replace(' ', 'T')) {
        find(
          'warning',
          'interop.repaired',
          `The server has ${datetime} as its start; its own metadata say ${local.slice(0, 19).replace('T', ' ')}, which is kept.`,
        );
      }
    }
    const uuid = steadyUuid(
      'datajoint',
      this.#prefix,
      'Session',
      subject.toLowerCase(),
      datetime,
      textOf(row, 'session_id'),
    );
    const subjectNumber = this.#records.numberOf(this.#snapshot.table('Subject'), { subject });
    const sessionId = row['session_id'];
    const number = this.#records.put('session', {
      uuid: hexOf(uuid),
      subject_id: subjectNumber === undefined ? null : { row: subjectNumber },
      session_datetime: startedAt,
      tz_offset_min: plan?.session.tzOffsetMin ?? null,
      name: plan?.session.name ?? (label === '' ? 'session' : label),
      folder: plan?.session.folder ?? (directory === '' ? 'unknown' : directory),
      format: plan?.session.format ?? 'datajoint',
      content_digest: plan?.session.contentDigest ?? createHash('sha256').update(uuid).digest('hex'),
      sample: 0,
      imported_at: this.#now,
      ...(typeof sessionId === 'number' ? { session_number: sessionId } : {}),
    });
    this.#records.note(table, row, number);
    const ours = plan?.session.recordings ?? [];
    for (const [index, recording] of recordings.entries()) {
      await this.#recording(number, recording, plan, this.#matching(ours, recordings, index), findings);
    }
    for (const [index, found] of [...(plan?.session.findings ?? []), ...findings].entries()) {
      this.#records.put('session_finding', {
        session_id: { row: number },
        position: index,
        severity: found.severity,
        code: found.code,
        message: found.message,
        place: found.where ?? null,
      });
    }
    if (plan?.session.cameraFiles !== undefined && plan.session.cameraFiles.length > 0)
      this.cameras.push({ session: number, key: keyOf(table, row), files: plan.session.cameraFiles });
  }

  /** The server's rows know a recording by number, folders by device: the only one, or that of the same place. */
  #matching(ours: readonly NewRecording[], theirs: readonly ServerRow[], index: number): number | null {
    if (ours.length === 0) return null;
    return ours.length === theirs.length || ours.length === 1
      ? Math.min(index, ours.length - 1)
      : index < ours.length
        ? index
        : null;
  }

  async #ofKnown(here: KnownSession, sessionNumber: number, row: ServerRow, label: string): Promise<void> {
    const info = await this.#info(row);
    const id = numberOr(row['recording_id'], 0);
    const own = here.recordings.length === 1 ? here.recordings[0] : here.recordings[id];
    if (own === undefined) {
      this.notes.push(`${label}: recording ${id} is not in the session that is here; it was left out.`);
      return;
    }
    const number = this.#records.put('recording', { uuid: hexOf(Buffer.from(own.uuid.replaceAll('-', ''), 'hex')) });
    const table = this.#snapshot.table('Recording');
    if (table !== undefined) this.#records.note(table, row, number);
    this.recordings.push({
      ...info,
      row,
      number,
      sessionNumber,
      height: own.height,
      width: own.width,
      frames: own.frames,
      software: textOf(row, 'acq_software', 'acquisition_software'),
      notes: textOf(row, 'recording_notes'),
      timeS: null,
    });
  }

  async #info(row: ServerRow): Promise<{ height: number; width: number; frames: number; fps: number | null }> {
    const table = this.#snapshot.table('Recording');
    const [info] = await this.#snapshot.rows(
      this.#snapshot.table('RecordingInfo'),
      table === undefined ? row : keyOf(table, row),
    );
    const rate = numberOr(info?.['fps'], 0);
    return {
      height: numberOr(info?.['px_height'], 0),
      width: numberOr(info?.['px_width'], 0),
      frames: numberOr(info?.['nframes'], 0),
      fps: rate > 0 ? rate : null,
    };
  }

  async #recording(
    session: number,
    row: ServerRow,
    plan: FolderPlan | null,
    position: number | null,
    findings: Finding[],
  ): Promise<void> {
    const table = this.#snapshot.table('Recording');
    if (table === undefined) return;
    const ours = position === null ? undefined : plan?.session.recordings[position];
    const info = await this.#info(row);
    const id = numberOr(row['recording_id'], 0);
    const device = textOf(row, 'device', 'equipment');
    const software = textOf(row, 'acq_software', 'acquisition_software');
    if (ours !== undefined) this.#compare(ours, info, findings);
    const { height, width, frames, fps } = ours ?? info;
    if (height < 1 || width < 1) {
      findings.push({
        severity: 'warning',
        code: 'interop.no_info',
        message: `Recording ${id} has no RecordingInfo on the server: its size is unknown, and it was left out with what was computed from it.`,
      });
      return;
    }
    const number = this.#records.put('recording', {
      uuid: hexOf(
        steadyUuid(
          'datajoint',
          this.#prefix,
          'Recording',
          ...table.key.map((column) => String(row[column] ?? '').toLowerCase()),
        ),
      ),
      session_id: { row: session },
      recording_id: id,
      device: ours?.device ?? (device === '' ? 'miniscope' : device),
      device_type: ours?.deviceType ?? (device === '' ? null : device),
      device_id: this.#lookup('device', { device, modality: 'Miniscope' }, device),
      acquisition_software_id: this.#lookup('acquisition_software', { acq_software: software }, software),
      recording_notes: textOf(row, 'recording_notes') || (ours?.notes ?? ''),
    });
    this.#records.note(table, row, number);
    const config = ours?.config ?? (await this.#config(row));
    this.#records.put('recording_info', {
      recording_id: { row: number },
      nframes: frames,
      px_height: height,
      px_width: width,
      fps,
      recording_datetime: ours?.startedAt ?? null,
      tz_offset_min: ours?.tzOffsetMin ?? null,
      recording_duration: ours?.durationS ?? (fps === null ? null : frames / fps),
      codec: ours?.codec ?? 'none',
      config: config === null || config === undefined ? null : JSON.stringify(config),
    });
    for (const [fileId, file] of (ours?.files ?? []).entries()) {
      this.#records.put('recording_file', {
        recording_id: { row: number },
        file_id: fileId,
        file_path: file.path,
        frames: file.frames,
        bytes: file.bytes,
      });
    }
    this.recordings.push({
      row,
      number,
      sessionNumber: session,
      height,
      width,
      frames,
      fps,
      software,
      notes: textOf(row, 'recording_notes'),
      timeS: position === null ? null : (plan?.times[position] ?? null),
    });
  }

  #compare(
    ours: NewRecording,
    info: { height: number; width: number; frames: number; fps: number | null },
    findings: Finding[],
  ): void {
    if (info.height === 0) return;
    const differing = [
      ...(info.height === ours.height && info.width === ours.width
        ? []
        : [`${info.width} × ${info.height} pixels, the films have ${ours.width} × ${ours.height}`]),
      ...(info.frames === ours.frames ? [] : [`${info.frames} frames, the films have ${ours.frames}`]),
    ];
    if (differing.length > 0)
      findings.push({
        severity: 'warning',
        code: 'interop.repaired',
        message: `The server has ${differing.join(', and ')}; the films are right.`,
        where: ours.device,
      });
  }

  async #config(row: ServerRow): Promise<unknown> {
    const table = this.#snapshot.table('Recording');
    const bytes = await this.#snapshot.blob(
      this.#snapshot.table('RecordingInfo_Config'),
      'config',
      table === undefined ? row : keyOf(table, row),
    );
    return bytes === null ? null : unpackTyped(bytes);
  }

  #lookup(table: string, values: Readonly<Record<string, string>>, name: string): { readonly row: number } | null {
    return name === '' ? null : { row: this.#records.put(table, values) };
  }
}
