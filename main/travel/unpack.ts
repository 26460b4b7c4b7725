// SPDX-License-Identifier: MIT
import { access, mkdir, mkdtemp, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { AppError, type UnpackReport, type Uuid } from '../contract/index.ts';
import type { Library, Received, TravelFile } from '../library/index.ts';
import { fileError } from '../processing/index.ts';
import type { PackedFile } from './contents.ts';
import { type OnProgress, runTravel } from './job.ts';

/** Where an interrupted unpacking leaves what it had staged; removed when the library is next opened. */
const stagePrefix = '.unpack-';

/** Removes what an interrupted unpacking left. */
export async function sweepStages(library: Library): Promise<void> {
  if (library.readOnly !== null) return;
  for (const name of await readdir(library.folders.root))
    if (name.startsWith(stagePrefix)) await rm(path.join(library.folders.root, name), { recursive: true, force: true });
}

/** A folder or file that is moved from the stage to its place. */
interface Move {
  readonly from: string;
  readonly to: string;
}

interface Placed {
  readonly files: readonly PackedFile[];
  /** By entry: where it is staged. */
  readonly staged: Readonly<Record<string, { readonly target: string; readonly sha256: string }>>;
  readonly moves: readonly Move[];
  readonly proxies: Received['proxies'];
}

/** Which files come in, where they are staged and where they go. */
async function plan(
  library: Library,
  files: readonly PackedFile[],
  known: Awaited<ReturnType<Library['travel']['known']>>,
  runUuid: Uuid,
  stage: string,
): Promise<Placed> {
  const { root, runs, films } = library.folders;
  const moves = new Map<string, string>();
  const proxies: Received['proxies'][number][] = [];
  const staged: Record<string, { target: string; sha256: string }> = {};
  const taken: PackedFile[] = [];
  for (const file of files) {
    const { belongs, bytes, sha256 } = file;
    let from: string;
    let to: string;
    if (belongs.to === 'run') {
      if (known.run === 'here') continue;
      [from, to] = ['run', path.join(runs, runUuid)];
    } else if (belongs.to === 'edit') {
      if (known.editUuids.includes(belongs.uuid)) continue;
      [from, to] = [path.join('edits', belongs.uuid), path.join(root, 'edits', 'received', belongs.uuid)];
    } else if (belongs.to === 'session') {
      if (known.recordingUuids.includes(belongs.recordingUuid)) continue;
      [from, to] = [path.join('films', belongs.uuid), path.join(films, belongs.uuid)];
    } else {
      if (known.recordingUuids.includes(belongs.recordingUuid)) continue;
      [from, to] = ['proxies', path.join(films, 'proxies')];
      const { recordingUuid, frames } = belongs;
      proxies.push({ recordingUuid, path: `films/proxies/${recordingUuid}.avi`, frames, bytes, sha256 });
    }
    const inner = belongs.to === 'proxy' ? `${belongs.recordingUuid}.avi` : file.path;
    const target = path.join(stage, from, ...inner.split('/'));
    if (Object.values(staged).some((one) => one.target === target))
      throw new AppError('travel.damaged', `This package is damaged: ${file.path} comes twice. Nothing was added.`);
    staged[file.name] = { target, sha256 };
    taken.push(file);
    if (belongs.to === 'proxy') moves.set(target, path.join(to, inner));
    else moves.set(path.join(stage, from), to);
  }
  return { files: taken, staged, proxies, moves: [...moves].map(([from, to]) => ({ from, to })) };
}

async function mustFit(folder: string, files: readonly PackedFile[]): Promise<void> {
  const wanted = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize > wanted + 64 * 1024 * 1024) return;
  throw new AppError(
    'disk.full',
    `The package needs ${Math.ceil(wanted / 1e6)} MB and the library’s disk has ${Math.floor((bavail * bsize) / 1e6)} MB. Nothing was added.`,
    {
      hint: 'Free some space, then unpack again.',
      retryable: true,
    },
  );
}

/** Moves what was staged to its place; what stands there is not named by any row and is in nobody's use. */
async function place(moves: readonly Move[]): Promise<void> {
  const done: Move[] = [];
  try {
    for (const move of moves) {
      await mkdir(path.dirname(move.to), { recursive: true });
      await rm(move.to, { recursive: true, force: true });
      await rename(move.from, move.to);
      done.push(move);
    }
  } catch (error) {
    await takeBack(done);
    throw fileError(error, 'placing the package’s files');
  }
}

async function takeBack(moves: readonly Move[]): Promise<void> {
  for (const { to } of moves) await rm(to, { recursive: true, force: true });
}

function filesOfEdits(files: readonly PackedFile[]): Record<Uuid, TravelFile[]> {
  const edits: Record<Uuid, TravelFile[]> = {};
  for (const { belongs, path: inner, bytes, sha256 } of files)
    if (belongs.to === 'edit') (edits[belongs.uuid] ??= []).push({ path: inner, bytes, sha256 });
  return edits;
}

/** What goes wrong with files in the thread, in the words of the contract. */
async function travelled<T>(act: Promise<T>, file: string): Promise<T> {
  return await act.catch((error: unknown) => {
    throw fileError(error, `unpacking ${file}`);
  });
}

/**
 * Adds a package to the library: reads it whole and compares it with what it says of itself, stages its files beside the library's own, moves
 * them to their places, then adds its rows in one transaction. What goes wrong leaves the library as it was.
 *
 * @throws AppError `travel.*`, `disk.*`, `library.read_only`, `rpc.cancelled`
 */
export async function unpackFile(
  library: Library,
  { file, goOn }: { readonly file: string; readonly goOn: boolean },
  progress: OnProgress,
  signal: AbortSignal,
): Promise<UnpackReport> {
  if (library.readOnly !== null) throw new AppError('library.read_only', library.readOnly);
  if (!path.isAbsolute(file)) throw new AppError('usage.invalid', `The file must be absolute: ${file}`);
  const info = await stat(file).catch(() => null);
  if (info === null || !info.isFile())
    throw new AppError('files.not_found', `There is no file ${file}.`, { hint: 'calyx pack writes one.' });
  await access(file).catch((error: unknown) => {
    throw fileError(error, `reading ${file}`);
  });
  const { head, records, names, contents } = await travelled(
    runTravel({ type: 'check', file }, progress, signal),
    file,
  );
  const { runUuid } = head;
  const decisionsOnly = head.kind === 'decisions';
  const known = await library.travel.known(records);
  if (known.run === 'deleted')
    throw new AppError('travel.deleted', `The run “${names.run}” was deleted here and can still be brought back.`, {
      hint: 'calyx delete --list names the deletion; --undo brings it back, or wait until its grace time is over.',
    });
  const stage = await mkdtemp(path.join(library.folders.root, stagePrefix));
  try {
    const placed = await plan(library, contents.files, known, runUuid, stage);
    await mustFit(library.folders.root, placed.files);
    if (placed.files.length > 0)
      await travelled(runTravel({ type: 'stage', file, places: placed.staged }, progress, signal), file);
    signal.throwIfAborted();
    await place(placed.moves);
    try {
      const done = await library.travel.receive({
        records,
        decisionsOnly,
        proxies: placed.proxies,
        editFiles: filesOfEdits(contents.files),
        goOn,
      });
      const { rows, ...counts } = done;
      return {
        runUuid,
        runName: names.run,
        sessionName: names.session,
        decisionsOnly,
        wasHere: known.run === 'here',
        rows: { ...rows },
        files: placed.files.length,
        ...counts,
        unchanged:
          Object.keys(rows).length === 0 &&
          placed.files.length === 0 &&
          counts.curations + counts.decisions + counts.edits + counts.settled + counts.limits === 0,
      };
    } catch (error) {
      await takeBack(placed.moves);
      throw error;
    }
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}
