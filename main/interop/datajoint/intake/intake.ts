// SPDX-License-Identifier: MIT
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError, type TableInfo } from '../../../contract/index.ts';
import {
  canonicalJson,
  djParamHash,
  type Judgements,
  parameterSetHash,
  type TravelRow,
  type TypedJson,
  uuidText,
} from '../../../library/index.ts';
import { readResult } from '../../../processing/index.ts';
import type { ForeignResult } from '../../results/foreign-result.ts';
import { resultIn } from '../../results/output-dir.ts';
import { readerOf } from '../../results/readers/index.ts';
import { writeRun } from '../../results/write-run.ts';
import { unpackTyped } from '../blob.ts';
import { viewsOfRun } from '../run-views.ts';
import type { Generation } from '../server.ts';
import { curationOf } from './curation.ts';
import { hexOf, instantOf, parentsFirst, Records, steadyUuid } from './records.ts';
import { ResultIntake, type AxesChoice } from './results.ts';
import { type KnownSession, type LookAtFolder, type PlacedRecording, SessionIntake } from './sessions.ts';
import { keyOf, type ServerRow, type Snapshot } from './snapshot.ts';

/** What an intake is told beside the server. */
export interface IntakeWish {
  readonly prefix: string;
  readonly catalogue: readonly TableInfo[];
  readonly sessions: readonly KnownSession[];
  /** Runs that are here. */
  readonly runs: ReadonlySet<string>;
  /** Names of folders of runs that are here, also of runs that were deleted and can come back. */
  readonly runFolders: ReadonlySet<string>;
  /** Absolute folder that paths on the server are relative to; null: files are not looked at. */
  readonly root: string | null;
  readonly axes: AxesChoice;
  /** Nothing is read but what counts, and nothing written. */
  readonly isDry: boolean;
  /** Absolute: where run folders are put by their uuid. */
  readonly stage: string;
  readonly now: string;
}

/** What an intake found. */
export interface Intake {
  readonly generation: Generation;
  readonly rows: readonly TravelRow[];
  /** A person's decisions about the cells of these runs. */
  readonly judgements: readonly { readonly runUuid: string; readonly judgements: Judgements }[];
  /** Runs that come, by uuid; their folders are in the stage. */
  readonly runs: readonly {
    readonly uuid: string;
    readonly name: string;
    readonly cells: number;
    readonly findings: readonly string[];
  }[];
  /** Runs that are here already. */
  readonly runsHere: number;
  readonly notes: readonly string[];
}

/** Read by code of their own, or computed anew here. */
const apart = new Set<string>([
  'Session',
  'Recording',
  'RecordingInfo',
  'RecordingInfo_Config',
  'RecordingInfo_File',
  'RecordingInfo_Timestamps',
  'ProcessingMethod',
  'ProcessingParamSet',
  'QualityMetrics',
  'Channel',
  'MaskType',
  'MaskClassificationMethod',
  'ActivityExtractionMethod',
  ...viewsOfRun,
]);

/** A path of the server below the root; null for one that is absolute or leads out of it. */
export function belowRoot(root: string, given: string): string | null {
  const parts = given
    .replaceAll('\\', '/')
    .split('/')
    .filter((part) => part !== '' && part !== '.');
  if (given.startsWith('/') || /^[A-Za-z]:/.test(given) || given.includes('\0') || parts.includes('..')) return null;
  return path.join(root, ...parts);
}

/**
 * Reads a lab's database into rows and run folders for the library; the server is only read. What each result was repaired by is among the
 * findings of its run.
 *
 * @throws AppError `datajoint.*`, `interop.unreadable`, `disk.*`
 */
export async function takeIn(
  snapshot: Snapshot,
  wish: IntakeWish,
  look: LookAtFolder,
  onProgress: (step: string, fraction: number) => void,
): Promise<Intake> {
  const records = new Records(wish.catalogue, wish.prefix, wish.now);
  const notes: string[] = [];
  const sessions = new SessionIntake({ ...wish, snapshot, records, known: wish.sessions, look });
  const ordered = parentsFirst([...snapshot.schema.tables.values()]);
  const unknown: string[] = [];
  const addSessions = async (onShare: (share: number) => void): Promise<void> => {
    const rows = await snapshot.rows(snapshot.table('Session'));
    for (const [i, row] of rows.entries()) {
      onShare(i / rows.length);
      await sessions.add(row);
    }
  };
  for (const [i, table] of ordered.entries()) {
    const onShare = (share: number): void =>
      onProgress(`reading ${table.name.replace('_', '.')}`, 0.02 + (0.08 * (i + share)) / ordered.length);
    onShare(0);
    if (table.name === 'Session') await addSessions(onShare);
    if (apart.has(table.name)) continue;
    const info = records.tableOf(table.name);
    if (info === undefined) {
      if (!table.isLookup && (await snapshot.count(table, {})) > 0) unknown.push(table.name.replace('_', '.'));
      continue;
    }
    // The rows of these are keyed by recordings, which follow from their sessions.
    const leftOut = await records.copy(snapshot, table, info, onShare);
    if (leftOut > 0)
      notes.push(
        `${leftOut} rows of ${table.name.replace('_', '.')} refer to something that was not brought, and were left out.`,
      );
  }
  if (unknown.length > 0) notes.push(`Tables that this library has no place for: ${unknown.join(', ')}.`);
  addCameras(snapshot, records, sessions, wish.prefix);
  const runs = new RunIntake(snapshot, records, sessions.recordings, wish, onProgress);
  await runs.all();
  return {
    generation: snapshot.schema.generation,
    rows: records.rows,
    judgements: runs.judgements,
    runs: runs.brought,
    runsHere: runs.here,
    notes: [...notes, ...sessions.notes, ...runs.notes],
  };
}

/** Films of cameras that lie in the folders, where the server has no behaviour recording of the session. */
function addCameras(snapshot: Snapshot, records: Records, sessions: SessionIntake, prefix: string): void {
  const table = snapshot.table('BehaviorRecording');
  for (const { session, key, files } of sessions.cameras) {
    const known = table === undefined ? undefined : records.numberOf(table, key);
    const number =
      known ??
      records.put('behavior_recording', {
        uuid: hexOf(steadyUuid('datajoint', prefix, 'cameras', ...Object.values(key).map(String))),
        session_id: { row: session },
      });
    for (const file of files)
      records.put('behavior_recording_file', { behavior_recording_id: { row: number }, filepath: file });
  }
}

/** Brings results as finished runs. */
class RunIntake {
  readonly #snapshot: Snapshot;
  readonly #records: Records;
  readonly #recordings: readonly PlacedRecording[];
  readonly #wish: IntakeWish;
  readonly #onProgress: (step: string, fraction: number) => void;
  readonly #sets = new Map<
    number,
    {
      readonly number: number;
      readonly method: string;
      readonly parameters: Readonly<Record<string, TypedJson>>;
    } | null
  >();
  readonly notes: string[] = [];
  readonly brought: { uuid: string; name: string; cells: number; findings: readonly string[] }[] = [];
  readonly judgements: { runUuid: string; judgements: Judgements }[] = [];
  here = 0;

  constructor(
    snapshot: Snapshot,
    records: Records,
    recordings: readonly PlacedRecording[],
    wish: IntakeWish,
    onProgress: (step: string, fraction: number) => void,
  ) {
    this.#snapshot = snapshot;
    this.#records = records;
    this.#recordings = recordings;
    this.#wish = wish;
    this.#onProgress = onProgress;
  }

  async all(): Promise<void> {
    const table = this.#snapshot.table('Segmentation');
    const rows = await this.#snapshot.rows(table);
    const tasks = await this.#snapshot.count(this.#snapshot.table('ProcessingTask'), {});
    if (tasks > rows.length)
      this.notes.push(
        `${tasks - rows.length} processing tasks have no segmentation on the server; there is nothing of them to bring.`,
      );
    for (const [i, row] of rows.entries()) {
      await this.#one(row, (share) =>
        this.#onProgress(`reading result ${i + 1} of ${rows.length}`, 0.1 + (0.85 * (i + share)) / rows.length),
      );
    }
  }

  async #one(key: ServerRow, onShare: (share: number) => void): Promise<void> {
    const recordingTable = this.#snapshot.table('Recording');
    const recording = this.#recordings.find(
      ({ row }) => recordingTable?.key.every((column) => row[column] === key[column]) === true,
    );
    const label = Object.values(key).map(String).join(', ');
    if (recording === undefined) {
      this.notes.push(`Result ${label}: its recording was not brought, so it was left out.`);
      return;
    }
    const set = await this.#set(Number(key['paramset_idx'] ?? key['paramset_id']));
    if (set === null) {
      this.notes.push(`Result ${label}: its parameter set is not on the server, so it was left out.`);
      return;
    }
    const [processing] = await this.#snapshot.rows(this.#snapshot.table('Processing'), key);
    const [task] = await this.#snapshot.rows(this.#snapshot.table('ProcessingTask'), key);
    const [curation] = await this.#snapshot.rows(this.#snapshot.table('Curation'), key);
    const at = instantOf(processing?.['processing_time']) ?? instantOf(curation?.['curation_time']) ?? this.#wish.now;
    // A result that was deleted and computed again under the same key is another one.
    const uuid = steadyUuid(
      'datajoint',
      this.#wish.prefix,
      'Segmentation',
      ...Object.values(key).map((value) => String(value).toLowerCase()),
      at,
    );
    const text = uuidText(uuid);
    if (this.#wish.runs.has(text)) {
      this.here += 1;
      return;
    }
    if (this.#wish.runFolders.has(text)) {
      this.notes.push(
        `Result ${label} was deleted here and can still be brought back (calyx delete --list); it was left out.`,
      );
      return;
    }
    const version = String(processing?.['package_version'] ?? '');
    const outputDir = String(curation?.['curation_output_dir'] ?? task?.['processing_output_dir'] ?? '');
    const run = {
      key,
      method: set.method,
      version: version === '' ? null : version,
      parameters: set.parameters,
      recording,
    };
    const name =
      `${recording.row['subject'] ?? ''} ${set.method} ${String(key['paramset_idx'] ?? key['paramset_id'])}`.trim();
    const values = {
      uuid: hexOf(uuid),
      session_id: { row: recording.sessionNumber },
      processing_param_set_id: { row: set.number },
      name,
      state: 'succeeded',
      created_at: at,
      started_at: at,
      ended_at: at,
      engine_version: run.version,
      output_folder: `runs/${text}`,
      task_mode: 'load',
      processing_output_dir: outputDir,
    };
    if (this.#wish.isDry) {
      const cells = await this.#snapshot.count(this.#snapshot.table('Segmentation_Mask'), key);
      const number = this.#records.put('run', { ...values, cell_count: cells, suggested_count: 0 });
      this.#input(number, recording);
      this.brought.push({ uuid: text, name, cells, findings: [] });
      return;
    }
    const intake = new ResultIntake(this.#snapshot, run, this.#wish.axes, (done, all) => onShare(done / all));
    const stored = await intake.read();
    const result = await this.#fromFiles(outputDir, stored);
    const folder = path.join(this.#wish.stage, text);
    await writeRun(folder, result, `${set.method} result from DataJoint`);
    const { arrays, cells } = await readResult(folder);
    const number = this.#records.put('run', {
      ...values,
      cell_count: cells.length,
      suggested_count: cells.filter(({ suggested }) => suggested).length,
    });
    this.#input(number, recording);
    for (const { path: file, dtype, shape, bytes, sha256 } of arrays)
      this.#records.put('run_array', {
        run_id: { row: number },
        path: file,
        dtype,
        shape: JSON.stringify(shape),
        bytes,
        sha256,
      });
    // A curated output folder holds what a person accepted; the file knows better than the rows, where it is there.
    const isManual = Number(curation?.['manual_curation'] ?? 0) === 1;
    const decided = intake.decided ?? (isManual ? result.accepted : null);
    const cellUuids = result.footprints.map((_, row) => uuidText(steadyUuid('datajoint', text, String(row))));
    const judgements =
      decided === null
        ? null
        : curationOf({ prefix: this.#wish.prefix, runUuid: text, curation, at, decided, cellUuids });
    if (judgements !== null) this.judgements.push({ runUuid: text, judgements });
    for (const cell of cells) {
      this.#records.put('cell', {
        uuid: hexOf(steadyUuid('datajoint', text, String(cell.row))),
        run_id: { row: number },
        row: cell.row,
        // A mask without a pixel has no centre; it is listed at its (empty) box.
        centroid_y: Number.isFinite(cell.centroid.y) ? cell.centroid.y : cell.box.top,
        centroid_x: Number.isFinite(cell.centroid.x) ? cell.centroid.x : cell.box.left,
        box_top: cell.box.top,
        box_left: cell.box.left,
        box_height: cell.box.height,
        box_width: cell.box.width,
        suggested: cell.suggested ? 1 : 0,
        reasons: JSON.stringify(cell.reasons),
        metrics: JSON.stringify(cell.metrics),
      });
    }
    this.brought.push({ uuid: text, name, cells: cells.length, findings: result.findings });
  }

  #input(run: number, recording: PlacedRecording): void {
    this.#records.put('run_input', {
      run_id: { row: run },
      position: 0,
      recording_id: { row: recording.number },
      first_frame: 0,
      last_frame: null,
    });
  }

  /** The file that the rows were read from, where it is there: it knows what they lost (datamodel.md 2.12). */
  async #fromFiles(outputDir: string, stored: ForeignResult): Promise<ForeignResult> {
    const { root } = this.#wish;
    const folder = root === null || outputDir === '' ? null : belowRoot(root, outputDir);
    if (
      folder === null ||
      !(await stat(folder).then(
        (info) => info.isDirectory(),
        () => false,
      ))
    )
      return stored;
    const told = (finding: string): ForeignResult => ({ ...stored, findings: [...stored.findings, finding] });
    try {
      const place = await resultIn(folder);
      const file = await (await readerOf(place))?.read(place, null);
      if (file === undefined) return stored;
      const isSame =
        file.footprints.length === stored.footprints.length &&
        file.frames === stored.frames &&
        file.height === stored.height &&
        file.width === stored.width;
      if (!isSame) {
        return told(
          `The file ${path.basename(place)} in the output folder has ${file.footprints.length} cells of ${file.frames} frames, the server ${stored.footprints.length} of ${stored.frames}: it is another result, and the server’s rows stand.`,
        );
      }
      return {
        ...file,
        program: stored.program,
        version: stored.version ?? file.version,
        fps: stored.fps ?? file.fps,
        timeS: stored.timeS ?? file.timeS,
        images: { ...stored.images, ...file.images },
        motion: file.motion ?? stored.motion,
        parameters: stored.parameters,
        findings: [
          ...file.findings,
          `Repaired from ${path.basename(place)}: masks, accepted cells, traces and shifts are the file’s, not those of the server’s rows.`,
        ],
      };
    } catch (error) {
      return told(`The output folder could not be read, so the server’s rows stand: ${AppError.from(error).message}`);
    }
  }

  async #set(idx: number): Promise<{
    readonly number: number;
    readonly method: string;
    readonly parameters: Readonly<Record<string, TypedJson>>;
  } | null> {
    const known = this.#sets.get(idx);
    if (known !== undefined) return known;
    const table = this.#snapshot.table('ProcessingParamSet');
    const row = (await this.#snapshot.rows(table)).find(
      (each) => Number(each['paramset_idx'] ?? each['paramset_id']) === idx,
    );
    if (table === undefined || row === undefined) {
      this.#sets.set(idx, null);
      return null;
    }
    const bytes = await this.#snapshot.blob(table, 'params', keyOf(table, row));
    const read = bytes === null ? {} : unpackTyped(bytes);
    const parameters =
      typeof read === 'object' && read !== null && !Array.isArray(read)
        ? (read as Readonly<Record<string, TypedJson>>)
        : { value: read };
    const hash = await this.#snapshot.blob(table, 'param_set_hash', keyOf(table, row));
    const ours = djParamHash(parameters);
    if (hash !== null && uuidText(hash) !== ours)
      this.notes.push(
        `Parameter set ${idx}: its hash on the server (${uuidText(hash)}) is not that of its values (${ours}).`,
      );
    const method = String(row['processing_method'] ?? 'unknown');
    const [described] = await this.#snapshot.rows(this.#snapshot.table('ProcessingMethod'), {
      processing_method: method,
    });
    const methodNumber = this.#records.put('processing_method', {
      processing_method: method,
      processing_method_desc: String(described?.['processing_method_desc'] ?? ''),
    });
    const number = this.#records.put('processing_param_set', {
      uuid: hexOf(steadyUuid('datajoint', this.#wish.prefix, 'ProcessingParamSet', String(idx), ours)),
      processing_method_id: { row: methodNumber },
      engine_version: null,
      params_version: 1,
      paramset_desc: String(row['paramset_desc'] ?? ''),
      dj_param_hash: hexOf(Buffer.from(ours.replaceAll('-', ''), 'hex')),
      params_sha256: parameterSetHash({ method, engineVersion: null, parametersVersion: 1, parameters }),
      created_at: this.#wish.now,
      params: canonicalJson(parameters),
    });
    const set = { number, method, parameters };
    this.#sets.set(idx, set);
    return set;
  }
}
