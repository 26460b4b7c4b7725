// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise';
import { AppError, type Scalar } from '../../contract/index.ts';
import type { OnProgress } from '../job.ts';
import { readFootprints, readWhole } from '../run-arrays.ts';
import { Planner, type Plan, type PlannedRow, type ViewRow } from './plan.ts';
import { connect, readSchema, serverError, type Generation, type ServerAddress, type ServerSchema } from './server.ts';
import { viewsOfRun } from './run-views.ts';
import { RunSource, viewRows, type SourceParts } from './source.ts';

/** What is published, and how. */
export interface Publication {
  readonly address: ServerAddress;
  readonly prefix: string;
  readonly isDry: boolean;
  readonly parts: Omit<SourceParts, 'paramset' | 'curationId' | 'settings' | 'shiftStd' | 'footprints'>;
}

/** What happened, or would happen. */
export interface Published {
  readonly generation: Generation;
  readonly tables: readonly { readonly table: string; readonly inserted: number; readonly present: number }[];
  readonly conflicts: readonly string[];
  readonly notes: readonly string[];
  /** Rows were written, read back and committed. */
  readonly isPublished: boolean;
}

/** Views of one session, parents first; a table that the server lacks is passed over. */
const ofSession = [
  'Session',
  'Session_Attribute',
  'SessionDirectory',
  'SessionExperimenter',
  'SessionNote',
  'ProjectSession',
  'Recording',
  'RecordingLocation',
  'RecordingInfo',
  'RecordingInfo_Config',
  'RecordingInfo_File',
  'RecordingInfo_Timestamps',
  'BehaviorRecording',
  'BehaviorRecording_File',
  'Event',
  'Event_Attribute',
  'Block',
  'Block_Attribute',
  'Trial',
  'Trial_Attribute',
  'BlockTrial',
  'TrialEvent',
] as const;

const ofSubject = [
  'Subject',
  'Subject_Species',
  'Subject_Strain',
  'Subject_Line',
  'Subject_Source',
  'Subject_Protocol',
  'Subject_User',
  'Subject_Lab',
] as const;

/**
 * Publishes a run with its session into the tables that a lab's own workflow declared: rows that are missing are inserted in one
 * transaction, read back, compared and committed; what is there is never changed, nothing is declared or dropped.
 *
 * @throws AppError `datajoint.unreachable`, `datajoint.refused`, `datajoint.wrong_schema`, `datajoint.conflicts`, `rpc.cancelled`
 */
export async function publish(publication: Publication, onProgress: OnProgress): Promise<Published> {
  const { address, prefix, isDry, parts } = publication;
  onProgress('connecting', 0);
  const connection = await connect(address);
  // A cancelled call must not wait for the server.
  const stop = (): void => connection.destroy();
  parts.signal.addEventListener('abort', stop, { once: true });
  try {
    const schema = await readSchema(connection, prefix);
    const { plan, source } = await planOf(connection, schema, parts, (share) =>
      onProgress('comparing', connected + (compared - connected) * share),
    );
    await using held = source;
    void held;
    const summary = {
      generation: schema.generation,
      tables: counts(plan),
      conflicts: plan.conflicts,
      notes: plan.notes,
    };
    if (isDry) return { ...summary, isPublished: false };
    if (plan.conflicts.length > 0) {
      throw new AppError('datajoint.conflicts', `Nothing was published: ${plan.conflicts[0] ?? ''}`, {
        hint:
          plan.conflicts.length === 1
            ? 'Resolve it, then publish again.'
            : `There are ${plan.conflicts.length} conflicts; --dry-run lists them.`,
        details: { conflicts: [...plan.conflicts] },
      });
    }
    await insert(connection, plan.rows, onProgress);
    return { ...summary, isPublished: true };
  } catch (error) {
    parts.signal.throwIfAborted();
    throw serverError(error, 'publishing');
  } finally {
    parts.signal.removeEventListener('abort', stop);
    await connection.end().catch(() => undefined);
  }
}

/** Shares of the work that are done once the server has answered, and once every row was compared with what it has. */
const [connected, compared] = [0.02, 0.4];

async function planOf(
  connection: Connection,
  schema: ServerSchema,
  parts: Publication['parts'],
  onShare: (share: number) => void,
): Promise<{ readonly plan: Plan; readonly source: RunSource }> {
  onShare(0);
  const { reader, run, signal } = parts;
  const runUuid = run.runUuid.replaceAll('-', '');
  const [task] = await viewRows(reader, 'ProcessingTask', { run_uuid: runUuid }, signal);
  if (task === undefined)
    throw new AppError(
      'datajoint.conflicts',
      'This run has no subject, start or recording, which the tables of DataJoint need.',
      {
        hint: 'Say the animal and the start of its session first (calyx ingest, or the form of the session).',
      },
    );
  const curations = await viewRows(reader, 'Curation', { run_uuid: runUuid }, signal);
  const curationId = Math.max(0, ...curations.map((row) => Number(row['curation_id'])));
  const paramset = new Map([[Number(task['paramset_idx']), await paramsetOnServer(connection, schema, parts, task)]]);
  const key = { subject: task['subject'] ?? null, session_datetime: task['session_datetime'] ?? null };
  const settings = await settingsOf(reader, { ...key, recording_id: task['recording_id'] ?? null }, signal);
  const source = new RunSource({
    ...parts,
    paramset,
    curationId,
    settings,
    shiftStd: await shiftSpread(run),
    footprints: await readFootprints(run),
  });
  const planner = new Planner(connection, schema, source);
  const session = key;
  for (const [name, value] of Object.entries(session))
    if (value === null) planner.conflict(`The session has no ${name}, which is part of its key on the server.`);
  if (planner.plan.conflicts.length > 0) return { plan: planner.plan, source };
  await sameSecond(connection, schema, parts, session, planner);
  // Every row is looked for on the server by itself: on a network that is most of the time.
  const views = ofSubject.length + ofSession.length + viewsOfRun.length;
  let done = 0;
  const add = async (view: string, where: ViewRow): Promise<void> => {
    await planner.add(view, where, (share) => onShare((done + share) / views));
    done += 1;
  };
  for (const view of ofSubject) await add(view, { subject: session.subject });
  for (const view of ofSession) await add(view, session);
  for (const view of viewsOfRun) {
    if (view === 'Curation' && curations.length === 0) {
      await addSuggestions(planner, schema, task, run.createdAt);
      done += 1;
    } else if (view === 'Curation') await add(view, { run_uuid: runUuid, curation_id: curationId });
    else await add(view, { run_uuid: runUuid });
  }
  return { plan: planner.plan, source };
}

/** Gain and LED of the device's metaData.json: labels become no numbers. */
async function settingsOf(
  reader: Publication['parts']['reader'],
  recording: ViewRow,
  signal: AbortSignal,
): Promise<Record<string, Scalar>> {
  const [row] = await viewRows(reader, 'RecordingInfo_Config', recording, signal);
  if (typeof row?.['config'] !== 'string') return {};
  const config = JSON.parse(row['config']) as Readonly<Record<string, unknown>>;
  const found: Record<string, Scalar> = {};
  for (const [column, names] of [
    ['led_power', ['led0', 'LED', 'ledPower']],
    ['gain', ['gain']],
  ] as const) {
    const value = names.map((name) => config[name]).find((each) => each !== undefined);
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof number === 'number' && Number.isFinite(number)) found[column] = number;
  }
  return found;
}

async function shiftSpread(run: SourceParts['run']): Promise<readonly [number, number] | null> {
  const motion = await readWhole(run.arrays.motion, 'motion.npy', run.frames * 2);
  if (motion === null || run.frames === 0) return null;
  const spread = (axis: 0 | 1): number => {
    let [sum, squares] = [0, 0];
    for (let t = 0; t < run.frames; t += 1) {
      const shift = motion[2 * t + axis] ?? 0;
      sum += shift;
      squares += shift * shift;
    }
    return Math.sqrt(Math.max(0, squares / run.frames - (sum / run.frames) ** 2));
  };
  return [spread(0), spread(1)];
}

/** Releases up to 0.4 hang every result on a curation; without decisions it is that of the engine's suggestions. */
async function addSuggestions(planner: Planner, schema: ServerSchema, task: ViewRow, at: string): Promise<void> {
  const table = [...schema.tables.values()].find(({ name }) => name === 'Curation');
  if (table === undefined) return;
  await planner.row(table, {
    ...task,
    curation_id: 0,
    curation_time: at,
    curation_output_dir: task['processing_output_dir'] ?? '',
    manual_curation: 0,
    curation_note: 'suggestions of the Calyx engine',
  });
}

/** Our parameter set's number on the server: that of the same hash, else its own if free, else the next. */
async function paramsetOnServer(
  connection: Connection,
  schema: ServerSchema,
  { reader, signal }: Publication['parts'],
  task: ViewRow,
): Promise<number> {
  const ours = Number(task['paramset_idx']);
  const table = [...schema.tables.values()].find(({ name }) => name === 'ProcessingParamSet');
  const [set] = await viewRows(reader, 'ProcessingParamSet', { paramset_idx: ours }, signal);
  if (table === undefined || set === undefined) return ours;
  const column = table.columns.has('paramset_idx') ? 'paramset_idx' : 'paramset_id';
  const [rows] = await connection.query<RowDataPacket[]>(
    `select ${column} as number, lower(hex(param_set_hash)) as hash from \`${table.database}\`.\`${table.table}\``,
  );
  const hash = String(set['param_set_hash']).replaceAll('-', '').toLowerCase();
  const same = rows.find((row) => row['hash'] === hash);
  if (same !== undefined) return Number(same['number']);
  const taken = new Set(rows.map((row) => Number(row['number'])));
  return taken.has(ours) ? Math.max(...taken) + 1 : ours;
}

/** The server keeps whole seconds: another session of ours that began in the same one would become this one. */
async function sameSecond(
  connection: Connection,
  schema: ServerSchema,
  { reader, signal }: Publication['parts'],
  session: ViewRow,
  planner: Planner,
): Promise<void> {
  const table = [...schema.tables.values()].find(({ name }) => name === 'SessionDirectory');
  const [ours] = await viewRows(reader, 'SessionDirectory', session, signal);
  if (table === undefined || ours === undefined) return;
  const [rows] = await connection.query<RowDataPacket[]>(
    `select session_dir from \`${table.database}\`.\`${table.table}\` where subject = ? and session_datetime = ?`,
    [session['subject'], String(session['session_datetime']).slice(0, 19)],
  );
  const theirs: unknown = rows[0]?.['session_dir'];
  if (typeof theirs === 'string' && theirs !== ours['session_dir']) {
    planner.conflict(
      `Subject ${String(session['subject'])} has a session at ${String(session['session_datetime']).slice(0, 19)} on the server already, in ${theirs}; this one lies in ${String(ours['session_dir'])}.`,
    );
  }
}

function counts(plan: Plan): Published['tables'] {
  const inserted = Map.groupBy(plan.rows, (row) => row.table.name);
  const names = new Set([...inserted.keys(), ...plan.present.keys()]);
  return [...names].map((table) => ({
    table: table.replace('_', '.'),
    inserted: inserted.get(table)?.length ?? 0,
    present: plan.present.get(table) ?? 0,
  }));
}

async function insert(connection: Connection, rows: readonly PlannedRow[], onProgress: OnProgress): Promise<void> {
  await connection.beginTransaction();
  for (const [i, row] of rows.entries()) {
    const bytes = new Map<string, Buffer>();
    for (const [column, make] of row.blobs) {
      const blob = await make();
      if (blob !== null) bytes.set(column, blob);
      else if (row.table.columns.get(column)?.isRequired === true) {
        throw new AppError(
          'datajoint.conflicts',
          `Nothing was published: the run has no ${row.table.name}.${column}, which the server needs.`,
        );
      }
    }
    await write(connection, row, bytes);
    await readBack(connection, row, bytes);
    onProgress('publishing', compared + ((1 - compared) * (i + 1)) / rows.length);
  }
  await connection.commit();
}

const place = ({ table }: PlannedRow): string => `\`${table.database}\`.\`${table.table}\``;

async function write(connection: Connection, row: PlannedRow, bytes: ReadonlyMap<string, Buffer>): Promise<void> {
  const all = new Map<string, Scalar | Buffer>([...row.values, ...bytes]);
  const columns = [...all.keys()].map((column) => `\`${column}\``).join(', ');
  await connection.query<ResultSetHeader>(`insert into ${place(row)} (${columns}) values (?)`, [[...all.values()]]);
}

/** The row as the server has it now must be what was sent: numbers within single precision, blobs bit for bit. */
async function readBack(connection: Connection, row: PlannedRow, bytes: ReadonlyMap<string, Buffer>): Promise<void> {
  const { table, values } = row;
  const plain = [...values.keys()].map((column) => `\`${column}\``);
  const hashed = [...bytes.keys()].map((column) => `sha2(\`${column}\`, 256) as \`${column}\``);
  const [found] = await connection.query<RowDataPacket[]>(
    `select ${[...plain, ...hashed].join(', ')} from ${place(row)} where ${table.key.map((column) => `\`${column}\` = ?`).join(' and ')}`,
    table.key.map((column) => values.get(column) ?? bytes.get(column) ?? null),
  );
  const [read] = found;
  const wrong =
    read === undefined
      ? 'the row'
      : ([...bytes].find(([column, blob]) => read[column] !== createHash('sha256').update(blob).digest('hex'))?.[0] ??
        [...values].find(([column, ours]) => !isKept(ours, read[column]))?.[0]);
  if (wrong === undefined) return;
  throw new AppError(
    'datajoint.conflicts',
    `Nothing was published: ${table.name}.${wrong} came back from the server otherwise than it was sent.`,
    {
      details: { table: table.name, column: wrong },
    },
  );
}

function isKept(ours: Scalar, theirs: unknown): boolean {
  if (ours === null) return theirs === null;
  // A server writes a column of single precision out in six digits.
  if (typeof ours === 'number') return Math.abs(Number(theirs) - ours) <= 1e-5 * Math.max(1, Math.abs(ours));
  return String(theirs) === ours || Number(theirs) === Number(ours);
}
