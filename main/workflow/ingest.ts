// SPDX-License-Identifier: MIT
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../contract/index.ts';
import {
  type CsvFile,
  ingestControl,
  type IngestResult,
  type Library,
  type PlannedSession,
  shown,
} from '../library/index.ts';
import { openSession, plannedSession, type ProbeFilm } from '../sessions/index.ts';

export interface IngestChoice {
  readonly files: readonly CsvFile[];
  /** Absolute folder that session_dir is relative to. */
  readonly root: string | undefined;
  readonly dryRun: boolean;
  readonly allOrNothing: boolean;
  readonly who: string;
  readonly signal?: AbortSignal | undefined;
  /** Hears how far it is, 0 to 1. */
  readonly report?: ((step: string, fraction: number) => void) | undefined;
}

const software = new Map(
  ['Miniscope-DAQ-V3', 'Miniscope-DAQ-V4', 'Inscopix'].map((name) => [name.toLowerCase(), name] as const),
);

/** A folder below the root, links followed; the problem of its row otherwise. */
async function below(root: string, given: string): Promise<{ readonly folder: string } | { readonly message: string }> {
  const relative = given.replaceAll('\\', '/');
  const parts = relative.split('/').filter((part) => part !== '' && part !== '.');
  const outside = { message: `“${shown(given)}” leads out of the root folder; give a folder below it.` };
  if (relative.startsWith('/') || /^[A-Za-z]:/.test(relative) || parts.includes('..') || given.includes('\0'))
    return outside;
  try {
    const [base, real] = [await realpath(root), await realpath(path.join(root, ...parts))];
    return real === base || real.startsWith(`${base}${path.sep}`) ? { folder: real } : outside;
  } catch {
    return { message: `there is no folder “${shown(given)}” below the root.` };
  }
}

async function plan(
  row: { readonly line: number; readonly values: Readonly<Record<string, string>> },
  root: string | undefined,
  library: Library,
  probeFilm: ProbeFilm,
): Promise<PlannedSession> {
  const { line, values } = row;
  const directory = values['session_dir'] ?? '';
  const number = values['session_id'] ?? '';
  const base = {
    line,
    subject: values['subject'] ?? '',
    directory: directory
      .replaceAll('\\', '/')
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .join('/'),
    sessionNumber: /^\d{1,9}$/.test(number) ? Number(number) : null,
  };
  const bad = (column: string, message: string): PlannedSession => ({ ...base, problem: { column, message } });
  if (number !== '' && base.sessionNumber === null)
    return bad('session_id', `“${shown(number)}” is not a whole number from 0.`);
  if (directory === '') return bad('session_dir', 'a value is missing.');
  const asked = values['acq_software'] ?? '';
  const known = software.get(asked.toLowerCase());
  if (asked !== '' && known === undefined) {
    return bad('acq_software', `“${shown(asked)}” is none of ${[...software.values()].join(', ')}.`);
  }
  if (root === undefined) return bad('session_dir', 'no root folder was given (--root) for it to be below.');
  const place = await below(root, directory);
  if ('message' in place) return bad('session_dir', place.message);
  try {
    const read = await openSession(place.folder, { probeFilm, fps: undefined });
    const { session } = await plannedSession(read, { subject: base.subject }, library);
    const recordings = session.recordings.map((each) =>
      known === undefined ? each : { ...each, acquisitionSoftware: known },
    );
    return { ...base, session: { ...session, recordings } };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return bad('session_dir', error.message);
  }
}

/** Share of the work that is done once all folders of sessions were looked at. */
const foldersShare = 0.5;

/** How often the database worker is looked at, ms. */
const lookMs = 100;

/** What the database worker shares while it reads: nothing else reaches it, or comes from it, before it is done. */
function follow(
  { signal, report }: Pick<IngestChoice, 'signal' | 'report'>,
  begun: number,
): Disposable & { readonly control: Int32Array<SharedArrayBuffer> } {
  const control = new Int32Array(new SharedArrayBuffer(ingestControl.length * Int32Array.BYTES_PER_ELEMENT));
  const stop = (): void => void Atomics.store(control, ingestControl.stop, 1);
  signal?.addEventListener('abort', stop, { once: true });
  const tell = (): void =>
    report?.('reading the rows', begun + ((1 - begun) * Atomics.load(control, ingestControl.thousandths)) / 1000);
  tell();
  const timer = setInterval(tell, lookMs);
  return {
    control,
    [Symbol.dispose]: () => {
      clearInterval(timer);
      signal?.removeEventListener('abort', stop);
    },
  };
}

/**
 * Reads the workflow's CSV files. Folders of sessions are looked at first (their own metadata tell when they were recorded, never the dates
 * of files); then all rows go in by one transaction of the database worker.
 *
 * @throws AppError `ingest.*` when a file as a whole cannot be read, `library.read_only`, `rpc.cancelled`: then nothing was added
 */
export async function ingestCsv(choice: IngestChoice, library: Library, probeFilm: ProbeFilm): Promise<IngestResult> {
  const names = new Set<string>();
  for (const { name } of choice.files) {
    if (names.has(name)) throw new AppError('usage.invalid', `The file “${name}” is given twice.`);
    names.add(name);
  }
  const kinds = await library.ingest.kinds(choice.files);
  const sessions: Record<string, PlannedSession[]> = {};
  for (const [index, { name, kind }] of kinds.entries()) {
    const file = choice.files[index];
    if (kind !== 'sessions' || file === undefined) continue;
    const plans: PlannedSession[] = [];
    const rows = await library.ingest.sessionRows(file);
    for (const [i, row] of rows.entries()) {
      choice.signal?.throwIfAborted();
      choice.report?.(`looking at session ${i + 1} of ${rows.length}`, (foldersShare * i) / rows.length);
      plans.push(await plan(row, choice.root, library, probeFilm));
    }
    sessions[name] = plans;
  }
  choice.signal?.throwIfAborted();
  const begun = Object.keys(sessions).length > 0 ? foldersShare : 0;
  using followed = follow(choice, begun);
  return await library.ingest.ingest({
    files: choice.files,
    sessions,
    dryRun: choice.dryRun,
    allOrNothing: choice.allOrNothing,
    who: choice.who,
    control: followed.control,
  });
}
