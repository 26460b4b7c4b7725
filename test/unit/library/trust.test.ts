// SPDX-License-Identifier: MIT
import Database from 'better-sqlite3';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { VerifyReport } from '../../../main/contract/index.ts';
import { makeBackup, listBackups } from '../../../main/library/backup.ts';
import { createReader, openLibrary, restoreBackup } from '../../../main/library/index.ts';
import { verifyLibrary } from '../../../main/library/verify.ts';
import { newCells, newRun, newSession, temporaryFolder, testStores } from '../../support/library.ts';

const never = new AbortController().signal;
const at = new Date('2026-05-02T03:04:05.678Z');

/** A library with one run of two files. */
function made(): { directory: string; runUuid: string; file: (name: string) => string } {
  const directory = temporaryFolder();
  const stores = testStores({ directory });
  const { session } = stores.sessions.insert(newSession(1));
  const run = stores.runs.create(newRun(session.recordings[0]!.uuid));
  const file = (name: string): string => join(directory, 'runs', run.uuid, name);
  mkdirSync(file(''), { recursive: true });
  const arrays = ['a.npy', 'b.npy'].map((name) => {
    writeFileSync(file(name), `content of ${name}`);
    const sha256 = createHash('sha256')
      .update(readFileSync(file(name)))
      .digest('hex');
    return { path: name, dtype: '<f4', shape: [1], bytes: 16, sha256 };
  });
  stores.runs.claim({ runUuid: run.uuid });
  stores.runs.finish(run.uuid, { cells: newCells(2), arrays });
  stores.close();
  return { directory, runUuid: run.uuid, file };
}

/** Checks again and again with one library that stays open. */
async function checker(directory: string): Promise<(quarantine?: boolean) => Promise<VerifyReport>> {
  const library = await openLibrary({ directory });
  const reader = createReader(library.folders.database);
  onTestFinished(async () => {
    await reader[Symbol.asyncDispose]();
    await library.close();
  });
  return async (quarantine = true) => {
    let report: VerifyReport | null = null;
    for await (const step of verifyLibrary(library, reader, { quarantine, now: () => at }, never)) ({ report } = step);
    return report!;
  };
}

describe('verify', () => {
  it('finds nothing wrong with a whole library', async () => {
    const { directory } = made();
    const verified = await checker(directory);
    expect(await verified()).toMatchObject({
      ok: true,
      filesChecked: 2,
      damaged: [],
      orphans: [],
      integrity: [],
    });
  });

  it('puts a file with one wrong byte into quarantine, tells a missing one and an orphan, and knows a file that came back', async () => {
    const { directory, runUuid, file } = made();
    const verified = await checker(directory);
    const good = readFileSync(file('a.npy'));
    writeFileSync(file('a.npy'), 'content of a.npX');
    mkdirSync(join(directory, 'runs', 'stray'));
    const looked = await verified(false);
    expect(looked.damaged).toEqual([{ file: `runs/${runUuid}/a.npy`, what: 'hash', quarantined: null }]);
    expect(existsSync(file('a.npy'))).toBe(true);
    const report = await verified();
    const quarantined = `quarantine/2026-05-02T03-04-05-678Z/runs/${runUuid}/a.npy`;
    expect(report).toMatchObject({
      ok: false,
      damaged: [{ file: `runs/${runUuid}/a.npy`, what: 'hash', quarantined }],
      orphans: ['runs/stray'],
    });
    expect(readFileSync(join(directory, quarantined), 'utf8')).toBe('content of a.npX');
    expect((await verified()).damaged).toMatchObject([{ what: 'missing', quarantined: null }]);
    writeFileSync(file('a.npy'), good);
    expect(await verified()).toMatchObject({ ok: true, recovered: [`runs/${runUuid}/a.npy`] });
    expect(await verified()).toMatchObject({ ok: true, recovered: [] });
  });

  it('checks the files of edits too; those of edits made before they were hashed get their hashes', async () => {
    const { directory, runUuid } = made();
    const stores = testStores({ directory, seed: 9 });
    const { uuid: raterUuid } = stores.curation.addRater({ initials: 'AB' });
    const uuid = '01a20ba6-cef8-770a-a360-34fe36bbb36c';
    const { uuid: curation } = stores.curation.begin({ runUuid, raterUuid });
    const folder = join(directory, 'edits', curation, uuid);
    mkdirSync(join(folder, 'traces'), { recursive: true });
    writeFileSync(join(folder, 'edit.json'), '{}');
    writeFileSync(join(folder, 'traces', 'raw.npy'), 'traces');
    const cells = [{ row: 0, state: 'dark' as const, made: false, arrayRow: null, result: null }];
    stores.curation.addEdit({ runUuid, raterUuid, uuid, request: {}, folder, basis: [], cells });
    stores.close();
    const verified = await checker(directory);
    expect(await verified(false)).toMatchObject({ ok: true, filesChecked: 2 });
    expect(await verified()).toMatchObject({ ok: true, filesChecked: 4, orphans: [] });
    writeFileSync(join(folder, 'traces', 'raw.npy'), 'tracez');
    const file = `edits/${curation}/${uuid}/traces/raw.npy`;
    expect(await verified()).toMatchObject({
      ok: false,
      damaged: [{ file, what: 'hash', quarantined: `quarantine/2026-05-02T03-04-05-678Z/${file}` }],
    });
    writeFileSync(join(folder, 'traces', 'raw.npy'), 'traces');
    mkdirSync(join(directory, 'films', 'stray'), { recursive: true });
    expect(await verified()).toMatchObject({ ok: true, recovered: [file], orphans: ['films/stray'] });
  });

  it('tells rows without their parents', async () => {
    const { directory } = made();
    const raw = new Database(join(directory, 'library.sqlite'));
    raw.pragma('foreign_keys = OFF');
    raw.exec('UPDATE recording SET session_id = 99');
    raw.close();
    const report = await (await checker(directory))();
    expect(report).toMatchObject({ ok: false, foreignKeys: [{ table: 'recording', parent: 'session', rows: 1 }] });
  });
});

describe('a backup', () => {
  it('is a whole copy made while the library is in use, and comes back in its place', async () => {
    const { directory } = made();
    // Other uuids than those of the library that is there.
    const stores = testStores({ directory, seed: 2 });
    const folders = (await import('../../../main/library/folders.ts')).libraryFolders(directory);
    const reader = createReader(folders.database);
    onTestFinished(() => reader[Symbol.asyncDispose]());
    const elsewhere = temporaryFolder();
    const backup = await makeBackup(folders, reader, { kind: 'manual', now: at, to: elsewhere });
    expect(readdirSync(elsewhere)).toEqual(['library-2026-05-02T030405-manual.sqlite']);
    expect(backup).toMatchObject({
      kind: 'manual',
      file: join(folders.backups, 'library-2026-05-02T030405-manual.sqlite'),
    });
    expect((await listBackups(folders)).map(({ file }) => file)).toEqual([backup.file]);
    stores.sessions.insert(newSession(2));
    stores.close();

    const done = await restoreBackup(directory, 'newest', at);
    expect(done.restored).toBe(backup.file);
    expect(testStores({ directory }).sessions.list()).toHaveLength(1);
    const before = new Database(done.before!, { readonly: true });
    expect(before.prepare('SELECT count(*) AS n FROM session').get()).toEqual({ n: 2 });
    before.close();
  });

  it('that is damaged or no library is refused, and the library stays', async () => {
    const { directory } = made();
    const bad = join(directory, 'bad.sqlite');
    writeFileSync(bad, 'SQLite format 3\0 but not really');
    await expect(restoreBackup(directory, bad, at)).rejects.toMatchObject({ code: 'backup.invalid' });
    const other = join(directory, 'other.sqlite');
    const database = new Database(other);
    database.exec('CREATE TABLE notes (a)');
    database.close();
    await expect(restoreBackup(directory, other, at)).rejects.toMatchObject({ code: 'backup.invalid' });
    await expect(restoreBackup(directory, 'newest', at)).rejects.toMatchObject({ code: 'backup.invalid' });
    expect(testStores({ directory }).sessions.list()).toHaveLength(1);
    expect(readdirSync(directory).filter((name) => name.includes('restoring'))).toEqual([]);
  });
});

describe('the diagram', () => {
  it('places every table, parents above children, with rows', async () => {
    const { directory } = made();
    const reader = createReader(join(directory, 'library.sqlite'));
    onTestFinished(() => reader[Symbol.asyncDispose]());
    const { nodes, edges } = await reader.diagram({ internal: false });
    const at = new Map(nodes.map((node) => [node.table, node]));
    expect(at.get('session')).toMatchObject({ tier: 'manual', rows: 1 });
    expect(at.get('cell')?.rows).toBe(2);
    const edge = edges.find(({ child, parent }) => child === 'recording' && parent === 'session');
    expect(edge?.points.length).toBeGreaterThan(1);
    expect(at.get('session')!.y).toBeLessThan(at.get('recording')!.y);
    expect(at.has('deletion')).toBe(false);
  });
});
