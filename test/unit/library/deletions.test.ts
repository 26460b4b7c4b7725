// SPDX-License-Identifier: MIT
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Stores } from '../../../main/library/database/stores.ts';
import {
  dumpSql,
  finishedRun,
  newCells,
  newRun,
  newSession,
  temporaryFolder,
  testStores,
} from '../../support/library.ts';

const week = 7 * 86_400_000;

/** Rows of every table but those of the act itself, as text that can be compared. */
function rowsOf(stores: Stores): readonly string[] {
  return dumpSql(stores.database)
    .split('\n')
    .filter((line) => line.startsWith('INSERT') && !/INTO (deletion|change_|sqlite_)/.test(line))
    .toSorted();
}

function decided(stores: Stores, runUuid: string): void {
  const { uuid: raterUuid } = stores.curation.addRater({ initials: 'AB' });
  const cells = stores.runs.cells(runUuid);
  for (const [i, cell] of cells.entries())
    stores.curation.decide({
      runUuid,
      raterUuid,
      cellUuids: [cell.uuid],
      to: i % 2 === 0 ? 'accepted' : 'rejected',
      context: {},
    });
}

describe('deleting', () => {
  it('shows rows by table before, takes exactly those, and undo brings every one back', () => {
    const stores = testStores();
    const kept = finishedRun(stores, 3, 1);
    const gone = finishedRun(stores, 4, 2);
    decided(stores, gone);
    stores.curation.freeze(gone);
    const before = rowsOf(stores);
    const { sessionUuid } = stores.runs.get(gone).run;
    const preview = stores.deletions.preview({ key: sessionUuid });
    expect(Object.fromEntries(preview.counts.map(({ table, rows }) => [table, rows]))).toMatchObject({
      session: 1,
      recording: 1,
      recording_info: 1,
      recording_file: 2,
      run: 1,
      run_input: 1,
      run_attempt: 1,
      cell: 4,
      curation: 1,
      curation_log: 4,
    });
    expect(preview.folders).toEqual([`runs/${gone}`]);
    expect(rowsOf(stores)).toEqual(before);

    const deletion = stores.deletions.remove({ key: sessionUuid, graceMs: week });
    expect(deletion.counts).toEqual(preview.counts);
    expect(() => stores.runs.get(gone)).toThrow(expect.objectContaining({ code: 'run.not_found' }));
    expect(stores.runs.cells(kept)).toHaveLength(3);
    expect(stores.database.pragma('foreign_key_check')).toEqual([]);
    // The guard of the append-only log is back.
    decided(stores, kept);
    expect(() => stores.database.exec('DELETE FROM curation_log')).toThrow(/only ever added/);
    stores.deletions.remove({ key: kept, graceMs: 0 });

    expect(stores.deletions.undo(deletion.uuid).state).toBe('undone');
    expect(stores.runs.cells(gone).map((cell) => cell.label)).toEqual(['accepted', 'rejected', 'accepted', 'rejected']);
    expect(() => stores.deletions.undo(deletion.uuid)).toThrow(expect.objectContaining({ code: 'delete.refused' }));
    const after = new Set(rowsOf(stores));
    const keptRows = before.filter((row) => after.has(row));
    // Everything but the first session's run is as it was, to the letter.
    expect(before.length - keptRows.length).toBe(1 + 1 + 1 + 3);
  });

  it('brings rows back whose ids were given to others meanwhile', () => {
    const stores = testStores();
    const gone = finishedRun(stores, 3, 1);
    decided(stores, gone);
    const { sessionUuid } = stores.runs.get(gone).run;
    const { uuid } = stores.deletions.remove({ key: sessionUuid, graceMs: week });
    const other = finishedRun(stores, 5, 2);
    stores.deletions.undo(uuid);
    expect(stores.runs.cells(other)).toHaveLength(5);
    expect(stores.runs.cells(gone).map(({ label }) => label)).toEqual(['accepted', 'rejected', 'accepted']);
    expect(stores.runs.get(gone).run.sessionUuid).toBe(sessionUuid);
    expect(stores.database.pragma('foreign_key_check')).toEqual([]);
    expect(stores.sessions.list()).toHaveLength(2);
  });

  it('takes a run with it that reads a recording of the deleted session beside others', () => {
    const stores = testStores();
    const [a, b] = [1, 2].map((n) => stores.sessions.insert(newSession(n)).session);
    const both = [a!, b!].map(({ recordings }) => ({
      recordingUuid: recordings[0]!.uuid,
      firstFrame: 0,
      lastFrame: null,
    }));
    const run = stores.runs.create(newRun('', { inputs: both }));
    stores.deletions.remove({ key: b!.uuid, graceMs: week });
    expect(() => stores.runs.get(run.uuid)).toThrow(expect.objectContaining({ code: 'run.not_found' }));
    expect(stores.sessions.list()).toHaveLength(1);
  });

  it('finds rows by name and by restriction, and refuses what is not there, is built in, or runs', () => {
    const stores = testStores();
    const { session } = stores.sessions.insert(newSession(1, { subject: "O'Neil" }));
    const run = stores.runs.create(newRun(session.recordings[0]!.uuid));
    stores.runs.claim({ runUuid: run.uuid });
    const code = (act: () => unknown): string => {
      try {
        act();
      } catch (error) {
        return (error as { code: string }).code;
      }
      return 'nothing';
    };
    expect(stores.deletions.preview({ key: "subject:o'neil" }).counts[0]).toEqual({ table: 'subject', rows: 1 });
    expect(stores.deletions.preview({ table: 'session', where: ["name like 'session%'"] }).counts[0]).toEqual({
      table: 'session',
      rows: 1,
    });
    expect(code(() => stores.deletions.remove({ key: run.uuid, graceMs: 0 }))).toBe('delete.refused');
    expect(code(() => stores.deletions.remove({ key: 'acquisition_software:Inscopix', graceMs: 0 }))).toBe(
      'delete.refused',
    );
    expect(code(() => stores.deletions.remove({ key: 'nobody', graceMs: 0 }))).toBe('delete.not_found');
    expect(code(() => stores.deletions.remove({ key: "subject:x' OR 1=1 --", graceMs: 0 }))).toBe('delete.not_found');
    expect(code(() => stores.deletions.remove({ table: 'session; DROP TABLE session', where: [], graceMs: 0 }))).toBe(
      'usage.invalid',
    );
    expect(stores.sessions.list()).toHaveLength(1);
    stores.runs.finish(run.uuid, { cells: newCells(1), arrays: [] });
    expect(code(() => stores.deletions.remove({ key: run.uuid, graceMs: 0 }))).toBe('nothing');
    expect(stores.deletions.due()).toHaveLength(1);
  });

  it('refuses an undo that would make a second row of a name, and changes nothing', () => {
    const stores = testStores();
    stores.sessions.insert(newSession(1, { subject: 'm1' }));
    const { uuid } = stores.deletions.remove({ key: 'subject:m1', graceMs: week });
    stores.sessions.insert(newSession(2, { subject: 'M1' }));
    const before = rowsOf(stores);
    expect(() => stores.deletions.undo(uuid)).toThrow(expect.objectContaining({ code: 'delete.conflict' }));
    expect(rowsOf(stores)).toEqual(before);
    expect(stores.deletions.list()[0]?.state).toBe('held');
  });
});

describe('files of a deletion', () => {
  it('stay until the grace time is over', async () => {
    const { sweepDeletions, openLibrary } = await import('../../../main/library/index.ts');
    const directory = temporaryFolder();
    const stores = testStores({ directory });
    const runUuid = finishedRun(stores, 1);
    const held = finishedRun(stores, 1, 2);
    for (const uuid of [runUuid, held]) {
      mkdirSync(join(directory, 'runs', uuid), { recursive: true });
      writeFileSync(join(directory, 'runs', uuid, 'run.json'), '{}');
    }
    stores.deletions.remove({ key: runUuid, graceMs: 0 });
    stores.deletions.remove({ key: held, graceMs: 10 * 365 * 86_400_000 });
    stores.close();
    const library = await openLibrary({ directory });
    await sweepDeletions(library);
    const states = (await library.deletions.list()).map(({ state }) => state);
    await library.close();
    const { existsSync } = await import('node:fs');
    expect(states).toEqual(['held', 'purged']);
    expect([runUuid, held].map((uuid) => existsSync(join(directory, 'runs', uuid)))).toEqual([false, true]);
  });
});
