// SPDX-License-Identifier: MIT
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cellsSql } from '../../../main/library/database/run-detail.ts';
import { nextQueuedSql, runInputsSql, runsSql } from '../../../main/library/database/runs.ts';
import {
  filesSql,
  findingsSql,
  recordingsSql,
  sessionIdsSql,
  sessionsSql,
} from '../../../main/library/database/sessions.ts';
import { openStores, type Stores } from '../../../main/library/database/stores.ts';
import { newCells, newRun, newSession } from '../../support/library-data.ts';

/** A lab's library after some years. */
const count = 5000;
const directory = mkdtempSync(join(tmpdir(), 'calyx-large-'));
let stores: Stores;

beforeAll(() => {
  stores = openStores({ directory, host: 'rig', fixedClockMs: 0, seed: 1 });
  // Millions of rows are made in one transaction, without waiting for the disk.
  stores.database.pragma('synchronous = OFF');
  stores.database.transaction(() => {
    const { uuid: raterUuid } = stores.curation.addRater({ initials: 'AB' });
    for (let n = 0; n < count; n += 1) {
      const { session } = stores.sessions.insert(newSession(n));
      const recording = session.recordings[0];
      if (n % 5 !== 0 || recording === undefined) continue;
      const run = stores.runs.create(newRun(recording.uuid));
      stores.runs.claim({ runUuid: run.uuid });
      stores.runs.finish(run.uuid, { cells: newCells(3), arrays: [] });
      if (n % 100 !== 0) continue;
      const cellUuids = stores.runs.cells(run.uuid).map((cell) => cell.uuid);
      stores.curation.decide({ runUuid: run.uuid, raterUuid, cellUuids, to: 'accepted', context: {} });
    }
  })();
  stores.database.exec('ANALYZE');
  return () => {
    stores.close();
    rmSync(directory, { recursive: true });
  };
}, 120_000);

/** Steps of the plan, one text each. */
function plan(sql: string, values: Readonly<Record<string, string | Uint8Array | number>> = {}): readonly string[] {
  const bound = Object.keys(values).length === 0 ? [] : [values];
  return stores.database
    .prepare<(typeof values)[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
    .all(...bound)
    .map((row) => row.detail);
}

/** Steps that read a table from end to end. */
function scans(steps: readonly string[]): readonly string[] {
  return steps.filter((step) => step.startsWith('SCAN') && !step.startsWith('SCAN CONSTANT'));
}

describe('with 5,000 sessions', () => {
  it('the list reads each table once, in the order of an index, and sorts nothing', () => {
    const sessions = plan(sessionsSql('all'));
    expect(scans(sessions)).toEqual(['SCAN session USING INDEX session_by_order']);
    expect(sessions.filter((step) => step.includes('TEMP B-TREE'))).toEqual([]);
    for (const sql of [recordingsSql('all'), filesSql('all'), findingsSql('all')]) {
      const steps = plan(sql);
      expect(scans(steps), sql).toHaveLength(1);
      expect(
        steps.filter((step) => step.includes('TEMP B-TREE')),
        sql,
      ).toEqual([]);
    }
  });

  it('the list is four questions, however long it is', () => {
    const { database } = stores;
    const prepare = vi.spyOn(database, 'prepare');
    try {
      const list = stores.sessions.list();
      expect(list).toHaveLength(count);
      expect(list[0]).toMatchObject({ name: 'session 0', runs: 1, cells: 3, decided: 3 });
      expect(list[1]).toMatchObject({ name: 'session 1', runs: 0, cells: 0, decided: 0 });
      expect(list.every((session) => session.recordings[0]?.films.length === 2)).toBe(true);
      expect(prepare).toHaveBeenCalledTimes(4);
    } finally {
      prepare.mockRestore();
    }
  });

  it('a page is read without the rest, and a search looks into notes, too', () => {
    const page = stores.sessions.list({ limit: 3, offset: 10 });
    expect(page.map(({ name }) => name)).toEqual(['session 10', 'session 11', 'session 12']);
    expect(page.every(({ recordings }) => recordings[0]?.films.length === 2)).toBe(true);
    expect(scans(plan(sessionIdsSql('all')))).toEqual(['SCAN session USING COVERING INDEX session_by_order']);
    for (const sql of [recordingsSql('page'), filesSql('page'), findingsSql('page')])
      expect(
        scans(plan(sql, { value: '[1,2]' })).filter((step) => !step.includes('json_each')),
        sql,
      ).toEqual([]);
    stores.database.exec(
      "INSERT INTO session_note (session_id, session_note) VALUES (43, 'Objektiv 鼠 gereinigt, 50 % LED')",
    );
    const found = (search: string) => stores.sessions.list({ search }).map(({ name }) => name);
    expect(found('objektiv 鼠')).toEqual(['session 42']);
    expect(found('50 % l')).toEqual(['session 42']);
    expect(found("' OR 1=1 --")).toEqual([]);
    expect(stores.sessions.list({ search: 'session', limit: 2, offset: 1 }).map(({ name }) => name)).toEqual([
      'session 1',
      'session 2',
    ]);
  });

  it('first and last film of each recording are told, however many there are', () => {
    const [first, second] = stores.sessions.list({ limit: 2 });
    const nobody = '01a20ba6-cef8-770a-a360-34fe36bbb36c';
    expect(stores.sessions.filmPaths([second!.uuid, nobody, first!.uuid])).toEqual([
      { sessionUuid: second!.uuid, paths: ['/recordings/s1/Miniscope/0.avi', '/recordings/s1/Miniscope/1.avi'] },
      { sessionUuid: nobody, paths: [] },
      { sessionUuid: first!.uuid, paths: ['/recordings/s0/Miniscope/0.avi', '/recordings/s0/Miniscope/1.avi'] },
    ]);
  });

  it('one session is found without reading the others', () => {
    const value = new Uint8Array(16);
    for (const sql of [sessionsSql('uuid'), recordingsSql('uuid'), filesSql('uuid'), findingsSql('uuid')]) {
      expect(scans(plan(sql, { value })), sql).toEqual([]);
    }
    expect(scans(plan(sessionsSql('digest'), { value: 'a'.repeat(64) }))).toEqual([]);
    expect(scans(plan(sessionsSql('sample')))).toEqual([]);
  });

  it('runs of all, of one session, in one state, and the cells of one come by their indexes', () => {
    expect(scans(plan(runsSql('all')))).toEqual(['SCAN run']);
    expect(plan(runsSql('all')).filter((step) => step.includes('TEMP B-TREE'))).toEqual([]);
    expect(scans(plan(runInputsSql('all')))).toHaveLength(1);
    const session = new Uint8Array(16);
    expect(scans(plan(runsSql('session'), { session }))).toEqual([]);
    expect(scans(plan(runInputsSql('session'), { session }))).toEqual([]);
    expect(scans(plan(runsSql('uuid'), { uuid: session }))).toEqual([]);
    const cells = plan(cellsSql, { run: 1, curation: 1 });
    expect(scans(cells)).toEqual([]);
    expect(cells.some((step) => step.includes('COVERING INDEX curation_log_by_cell'))).toBe(true);
    expect(stores.runs.list()).toHaveLength(count / 5);
  });

  it('the queue is found although thousands of runs have ended', () => {
    expect(plan(nextQueuedSql)).toEqual(['SCAN run USING COVERING INDEX run_queued']);
    expect(stores.runs.claim({})).toBeNull();
  });
});
