// SPDX-License-Identifier: MIT
import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { filesWithHashes, sha256OfFile } from '../checksum/index.ts';
import type { VerifyReport } from '../contract/index.ts';
import type { Reader } from './reader/reader.ts';
import type { Library, SideFile } from './types.ts';

type Damage = VerifyReport['damaged'][number];

/** What is wrong with a file, null when it is what its row says. */
async function damageOf(root: string, side: SideFile, signal: AbortSignal): Promise<Damage['what'] | null> {
  const file = join(root, side.file);
  const info = await stat(file).catch(() => null);
  if (info === null || !info.isFile()) return 'missing';
  if (info.size !== side.bytes) return 'size';
  return (await sha256OfFile(file, { signal })) === side.sha256 ? null : 'hash';
}

/**
 * Checks a library: SQLite's own checks, then every file of runs, edits and small films that a row names by size and SHA-256. A damaged file is moved to `quarantine/`
 * under its own path and a time, and its row says so; what no row names is listed and left alone.
 */
export async function* verifyLibrary(
  library: Library,
  reader: Reader,
  options: { readonly quarantine: boolean; readonly now: () => Date },
  signal: AbortSignal,
): AsyncGenerator<{ readonly done: number; readonly total: number; readonly report: VerifyReport | null }> {
  const { root } = library.folders;
  const mayChange = options.quarantine && library.readOnly === null;
  if (mayChange) await hashEdits(library, signal);
  const sideFiles = await library.files.sideFiles();
  const total = sideFiles.length;
  yield { done: 0, total, report: null };
  const { integrity, foreignKeys } = await reader.check(signal);
  const damaged: Damage[] = [];
  const recovered: string[] = [];
  const place = `quarantine/${options.now().toISOString().replaceAll(/[:.]/g, '-')}`;
  let bytes = 0;
  for (const [done, side] of sideFiles.entries()) {
    signal.throwIfAborted();
    const what = await damageOf(root, side, signal);
    bytes += side.bytes;
    if (what === null) {
      if (side.state !== 'ready') {
        recovered.push(side.file);
        if (mayChange) await library.files.setState({ ...side, state: 'ready' });
      }
    } else {
      const isThere = what !== 'missing';
      const quarantined = mayChange && isThere ? `${place}/${side.file}` : null;
      if (quarantined !== null) {
        await mkdir(dirname(join(root, quarantined)), { recursive: true });
        await rename(join(root, side.file), join(root, quarantined));
      }
      if (mayChange && side.state === 'ready')
        await library.files.setState({ ...side, state: isThere ? 'quarantined' : 'missing' });
      damaged.push({ file: side.file, what, quarantined });
    }
    if (done % 20 === 19) yield { done: done + 1, total, report: null };
  }
  const held = (await library.deletions.list())
    .filter(({ state }) => state === 'held')
    .flatMap(({ folders }) => folders);
  const orphans = await orphansOf(root, new Set([...(await library.files.folders()), ...held]));
  const ok = integrity.length === 0 && foreignKeys.length === 0 && damaged.length === 0;
  const report = {
    integrity,
    foreignKeys,
    filesChecked: total,
    bytesChecked: bytes,
    damaged,
    recovered,
    orphans,
    held,
    ok,
  };
  yield { done: total, total, report };
}

/** Edits of before files of edits were hashed get their hashes now: from then on damage is seen. */
async function hashEdits(library: Library, signal: AbortSignal): Promise<void> {
  for (const { uuid, folder } of await library.files.unhashedEdits()) {
    const place = join(library.folders.root, folder);
    const files = await filesWithHashes(place, signal).catch(() => []);
    await library.files.addEditFiles({ uuid, files });
  }
}

/** Folders and files below `runs/`, `edits/` and `films/` that no row names, and what an interrupted act left there. */
async function orphansOf(root: string, known: ReadonlySet<string>): Promise<string[]> {
  const inside = async (folder: string): Promise<string[]> =>
    (await readdir(join(root, folder)).catch(() => [])).map((name) => `${folder}/${name}`);
  const orphans = [...(await inside('runs')), ...(await inside('films')), ...(await inside('films/proxies'))].filter(
    (path) => !known.has(path) && path !== 'films/proxies',
  );
  for (const curation of (await inside('edits')).filter((path) => path !== 'edits/previews')) {
    const isKnown = [...known].some((path) => path === curation || path.startsWith(`${curation}/`));
    if (!isKnown) orphans.push(curation);
    else for (const edit of await inside(curation)) if (!known.has(edit)) orphans.push(edit);
  }
  return orphans.sort();
}
