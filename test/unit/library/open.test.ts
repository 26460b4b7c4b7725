// SPDX-License-Identifier: MIT
import Database from 'better-sqlite3';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { migrate, schemaState } from '../../../main/library/database/migrate.ts';
import { migrationChecksum, migrations, type Migration } from '../../../main/library/database/migrations/index.ts';
import { openStores } from '../../../main/library/database/stores.ts';
import { dumpSql, finishedRun, newSession, temporaryFolder, testStores } from '../../support/library.ts';

const fixtures = join(import.meta.dirname, '..', '..', 'fixtures');

function open(
  directory: string,
  options: { readonly migrations?: readonly Migration[]; readonly readOnly?: string } = {},
) {
  return openStores({ directory, host: 'rig', ...options });
}

function digestOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** Schema as text without what may differ between two equal ones. */
function schemaOf(database: Database.Database): readonly string[] {
  return database
    .prepare<[], { sql: string }>(
      "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type, name",
    )
    .all()
    .map(({ sql }) => sql.replaceAll(/\s+/g, ' '));
}

const extra: Migration = {
  id: 1999,
  name: 'a later step',
  sql: 'CREATE TABLE later (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;',
  docs: { 'later.id': 'Key.', 'later.name': 'Name.' },
};

describe('a new library', () => {
  it('is a WAL file of 16 kB pages with checked keys, marked as ours', () => {
    const { database } = testStores();
    const pragma = (name: string): unknown => database.pragma(name, { simple: true });
    expect([pragma('journal_mode'), pragma('page_size'), pragma('foreign_keys'), pragma('synchronous')]).toEqual([
      'wal',
      16384,
      1,
      2,
    ]);
    expect(pragma('application_id')).toBe(0x43616c79);
    expect(pragma('busy_timeout')).toBe(5000);
  });

  it('has STRICT tables only and a line of explanation for every column', () => {
    const { database } = testStores();
    const tables = database
      .prepare<[], { name: string; strict: number }>(
        "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'",
      )
      .all();
    expect(tables.filter((table) => table.strict !== 1)).toEqual([]);
    const undocumented = database
      .prepare(
        `SELECT m.name || '.' || c.name AS column FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c
        LEFT JOIN column_doc ON table_name = m.name AND column_name = c.name
        WHERE m.type = 'table' AND m.name NOT IN ('migration', 'sqlite_sequence') AND m.name NOT LIKE 'sqlite_stat%' AND text IS NULL`,
      )
      .all();
    expect(undocumented).toEqual([]);
    const unknown = database
      .prepare(
        `SELECT * FROM column_doc WHERE NOT EXISTS (SELECT 1 FROM pragma_table_info(table_name) AS c WHERE c.name = column_name)`,
      )
      .all();
    expect(unknown).toEqual([]);
  });

  it('has an index for every foreign key', () => {
    const { database } = testStores();
    const keys = database
      .prepare<[], { tableName: string; column: string }>(
        `SELECT m.name AS tableName, k."from" AS column FROM sqlite_schema AS m JOIN pragma_foreign_key_list(m.name) AS k WHERE m.type = 'table'`,
      )
      .all();
    const searches = ({ tableName, column }: { tableName: string; column: string }): boolean =>
      database
        .prepare(`EXPLAIN QUERY PLAN SELECT 1 FROM ${tableName} WHERE ${column} = 1`)
        .all()
        .some((step) => JSON.stringify(step).includes('SEARCH'));
    expect(keys.length).toBeGreaterThan(15);
    expect(keys.filter((key) => !searches(key))).toEqual([]);
  });

  it('makes no folder before something needs it', () => {
    const directory = temporaryFolder();
    const stores = open(directory);
    stores.close();
    expect(readdirSync(directory)).toEqual(['library.sqlite']);
  });
});

describe('a file that is not a library', () => {
  it.each(['', 'a text of somebody '.repeat(100)])('of letters is refused and stays as it is', (text) => {
    const directory = temporaryFolder();
    const path = join(directory, 'library.sqlite');
    writeFileSync(path, `x${text}`);
    const before = digestOf(path);
    expect(() => open(directory)).toThrow(expect.objectContaining({ code: 'library.not_sqlite' }));
    expect(() => open(directory, { readOnly: 'for a test' })).toThrow(
      expect.objectContaining({ code: 'library.not_sqlite' }),
    );
    expect(digestOf(path)).toBe(before);
    expect(readdirSync(directory)).toEqual(['library.sqlite']);
  });

  it.each(['notes', 'migration'])('but the database of another program (%s) is refused and stays as it is', (table) => {
    const directory = temporaryFolder();
    const path = join(directory, 'library.sqlite');
    const other = new Database(path);
    other.exec(`CREATE TABLE ${table} (id, text)`);
    other.close();
    const before = digestOf(path);
    expect(() => open(directory)).toThrow(/another program/);
    expect(digestOf(path)).toBe(before);
  });

  it('any more (damaged pages) is refused, names the newest backup and stays as it is', () => {
    const directory = temporaryFolder();
    const stores = open(directory);
    finishedRun(stores, 50);
    stores.close();
    const path = join(directory, 'library.sqlite');
    const bytes = readFileSync(path);
    // Every page but the first: the header is whole, the trees are not.
    bytes.fill(0x5a, 16384);
    writeFileSync(path, bytes);
    mkdirSync(join(directory, 'backups'));
    writeFileSync(join(directory, 'backups', 'library-2026.sqlite'), 'x');
    const before = digestOf(path);
    expect(() => open(directory)).toThrow(expect.objectContaining({ code: 'library.corrupt' }));
    expect(digestOf(path)).toBe(before);
    bytes.fill(0x5a, 100);
    writeFileSync(path, bytes);
    expect(() => open(directory)).toThrow(
      expect.objectContaining({ code: 'library.corrupt', hint: expect.stringContaining('library-2026.sqlite') }),
    );
  });

  it('because there is none is refused when nothing may be written', () => {
    const directory = temporaryFolder();
    expect(() => open(directory, { readOnly: 'for a test' })).toThrow(
      expect.objectContaining({ code: 'library.not_found' }),
    );
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('a library that may not be changed', () => {
  it('opens, answers, and refuses every change with the reason', () => {
    const directory = temporaryFolder();
    const writable = open(directory);
    const runUuid = finishedRun(writable, 3);
    writable.close();
    const path = join(directory, 'library.sqlite');
    const before = digestOf(path);
    const stores = testStores({ directory, readOnly: 'The disk is mounted read-only.' });
    expect(stores.readOnly?.reason).toBe('The disk is mounted read-only.');
    expect(stores.sessions.list()).toHaveLength(1);
    expect(stores.runs.cells(runUuid)).toHaveLength(3);
    const refused = expect.objectContaining({
      code: 'library.read_only',
      message: 'The disk is mounted read-only.',
    });
    expect(() => stores.sessions.insert(newSession(5))).toThrow(refused);
    expect(() => stores.curation.addRater({ initials: 'AB' })).toThrow(refused);
    expect(() => stores.runs.heartbeat(runUuid)).toThrow(refused);
    expect(() => stores.runs.fail(runUuid, { code: 'x', message: 'y' })).toThrow(refused);
    stores.close();
    expect(digestOf(path)).toBe(before);
  });

  it('leaves a run alone that a dead process left running', () => {
    const directory = temporaryFolder();
    const gone = { pid: 4_194_000, bootId: 'an earlier boot', startTicks: '1' };
    const first = openStores({ directory, host: 'rig', owner: gone });
    const { session } = first.sessions.insert(newSession(1));
    first.runs.create({
      name: 'r',
      inputs: [{ recordingUuid: session.recordings[0]!.uuid, firstFrame: 0, lastFrame: null }],
      parameters: {},
      engineVersion: null,
      budget: {},
    });
    first.runs.claim({});
    first.close();
    const stores = testStores({ directory, readOnly: 'for a test' });
    expect(stores.recovered).toEqual([]);
    expect(stores.runs.list()).toMatchObject([{ state: 'running' }]);
  });
});

describe('a library of a newer program', () => {
  function newer() {
    const directory = temporaryFolder();
    const future = open(directory, { migrations: [...migrations, extra] });
    finishedRun(future, 2);
    future.close();
    return directory;
  }

  it('opens for reading only, says so, and is not changed', () => {
    const directory = newer();
    const before = digestOf(join(directory, 'library.sqlite'));
    const stores = testStores({ directory });
    expect(stores.readOnly).toMatchObject({
      code: 'library.from_future',
      reason: expect.stringContaining('newer version'),
    });
    expect(stores.sessions.list()).toMatchObject([{ runs: 1, cells: 2 }]);
    expect(() => stores.sessions.insert(newSession(5))).toThrow(
      expect.objectContaining({ code: 'library.from_future' }),
    );
    stores.close();
    expect(digestOf(join(directory, 'library.sqlite'))).toBe(before);
    expect(existsSync(join(directory, 'backups'))).toBe(false);
  });

  it('that cannot be read with today’s questions says that, too', () => {
    const directory = temporaryFolder();
    const drop: Migration = { ...extra, sql: 'ALTER TABLE session RENAME COLUMN folder TO place;', docs: {} };
    open(directory, { migrations: [...migrations, drop] }).close();
    const stores = testStores({ directory });
    const asked = (): unknown => {
      try {
        return stores.sessions.list();
      } catch (error) {
        return stores.toError(error);
      }
    };
    expect(asked()).toMatchObject({ code: 'library.from_future' });
  });
});

/** The schema as one text: seven hundred of them are compared. */
function wholeSchema(database: Database.Database): unknown {
  return database
    .prepare(
      "SELECT group_concat(coalesce(sql, name), ';') FROM (SELECT sql, name FROM sqlite_schema ORDER BY type, name)",
    )
    .pluck()
    .get();
}

/** The statements of a text; a trigger is one, whatever is in it. */
function statementsOf(sql: string): string[] {
  const statements: string[] = [];
  let current = '';
  for (const piece of sql.split(/(?<=;)/)) {
    current += piece;
    if (/^\s*CREATE TRIGGER/i.test(current) && !/\bEND\s*;\s*$/i.test(current)) continue;
    if (current.trim() !== '') statements.push(current);
    current = '';
  }
  return statements;
}

describe('migrations', () => {
  it('have ids in blocks, in order, and each has its own checksum', () => {
    const ids = migrations.map((migration) => migration.id);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect(ids.every((id) => id > 1000 && id < 10_000)).toBe(true);
    expect(new Set(migrations.map(migrationChecksum)).size).toBe(migrations.length);
  });

  it('once released never change', async () => {
    const checksums = Object.fromEntries(migrations.map((migration) => [migration.id, migrationChecksum(migration)]));
    await expect(`${JSON.stringify(checksums, null, 2)}\n`).toMatchFileSnapshot(
      join(fixtures, 'library-migrations.snapshot.json'),
    );
  });

  it('bring the released library of each version to the schema of a new one, with its rows', () => {
    for (const name of readdirSync(fixtures).filter((file) => /^library-\d+\.sql$/.test(file))) {
      const directory = temporaryFolder();
      const raw = new Database(join(directory, 'library.sqlite'));
      // A thousand statements, each of which would wait for the disk.
      raw.pragma('synchronous = OFF');
      raw.exec(readFileSync(join(fixtures, name), 'utf8'));
      raw.close();
      const stores = testStores({ directory });
      expect(stores.readOnly, name).toBeNull();
      expect(schemaOf(stores.database), name).toEqual(schemaOf(testStores().database));
      const [session] = stores.sessions.list();
      expect(session).toMatchObject({ name: 'session 1', subject: 'm1', runs: 1, cells: 4, decided: 2 });
      const [run] = stores.runs.list();
      expect(stores.runs.cells(run!.uuid).map((cell) => cell.label)).toEqual([
        'accepted',
        'undecided',
        'rejected',
        'undecided',
      ]);
      expect(stores.curation.current(run!.uuid)).toMatchObject({ canUndo: true, canRedo: true });
    }
  }, 120_000);

  it('of an older library run after a backup, and keep its rows', () => {
    const directory = temporaryFolder();
    const old = open(directory, { migrations });
    finishedRun(old, 2);
    old.close();
    const stores = testStores({ directory, migrations: [...migrations, extra] });
    expect(stores.sessions.list()).toHaveLength(1);
    expect(stores.database.prepare('SELECT count(*) AS n FROM later').get()).toEqual({ n: 0 });
    const copies = readdirSync(join(directory, 'backups'));
    expect(copies).toEqual(['library-2026-05-01T100000-before-1999.sqlite']);
    const copy = new Database(join(directory, 'backups', copies[0]!), { readonly: true });
    expect(copy.prepare('SELECT max(id) AS id FROM migration').get()).toEqual({
      id: migrations.at(-1)!.id,
    });
    expect(copy.prepare('SELECT count(*) AS n FROM cell').get()).toEqual({ n: 2 });
    copy.close();
  });

  it('keep the ten newest copies and leave other files in the folder alone', () => {
    const directory = temporaryFolder();
    open(directory, { migrations }).close();
    const backups = join(directory, 'backups');
    mkdirSync(backups);
    writeFileSync(join(backups, 'library-2020-01-01T000000-manual.sqlite'), 'x');
    const older = Array.from({ length: 11 }, (_, n) => `library-2025-01-${10 + n}T000000-before-1500.sqlite`);
    for (const name of [...older, 'mine.sqlite']) writeFileSync(join(backups, name), 'x');
    testStores({ directory, migrations: [...migrations, extra] });
    expect(readdirSync(backups).sort()).toEqual([
      // What a person made is theirs.
      'library-2020-01-01T000000-manual.sqlite',
      ...older.slice(2),
      'library-2026-05-01T100000-before-1999.sqlite',
      'mine.sqlite',
    ]);
  });

  it('that fail leave the library as the step before left it', () => {
    const directory = temporaryFolder();
    open(directory).close();
    const bad: Migration = {
      id: 2999,
      name: 'bad',
      sql: 'CREATE TABLE half (id INTEGER) STRICT; SELECT nonsense;',
      docs: {},
    };
    expect(() => open(directory, { migrations: [...migrations, extra, bad] })).toThrow();
    const raw = new Database(join(directory, 'library.sqlite'), { readonly: true });
    const names = raw.prepare<[], { name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    raw.close();
    expect(names.map(({ name }) => name)).toContain('later');
    expect(names.map(({ name }) => name)).not.toContain('half');
    // The program as it was before still opens what it knows, for reading.
    expect(testStores({ directory }).readOnly).toMatchObject({ code: 'library.from_future' });
  });

  it('that are killed at any statement leave a file that is as before, and the next start finishes', () => {
    const directory = temporaryFolder();
    const file = join(directory, 'library.sqlite');
    const database = new Database(file);
    onTestFinished(() => void database.close());
    database.exec(readFileSync(join(fixtures, 'library-1006.sql'), 'utf8'));
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = OFF');
    database.pragma('foreign_keys = OFF');
    // A page of memory: what is not committed is in the log on the disk already, as after a long step.
    database.pragma('cache_size = 1');
    const left = join(temporaryFolder(), 'library.sqlite');
    const whole = schemaOf(testStores().database);
    let kills = 0;
    for (const migration of schemaState(database, migrations).pending) {
      const before = wholeSchema(database);
      database.exec('BEGIN IMMEDIATE');
      for (const statement of statementsOf(migration.sql)) {
        database.exec(statement);
        // What a kill would leave: the file and its log as they are now.
        for (const end of ['', '-wal']) copyFileSync(file + end, left + end);
        rmSync(`${left}-shm`, { force: true });
        const found = new Database(left);
        expect(wholeSchema(found) === before, `${migration.id}: ${statement}`).toBe(true);
        found.close();
        kills += 1;
        if (kills % 150 !== 0) continue;
        const next = open(join(left, '..'));
        expect(schemaOf(next.database)).toEqual(whole);
        expect(next.sessions.list()).toHaveLength(1);
        next.close();
      }
      database.exec('ROLLBACK');
      migrate(database, [migration], () => '2026-05-01T10:00:00.000Z', 'test');
    }
    expect(kills).toBeGreaterThan(500);
    expect(schemaOf(database)).toEqual(whole);
  }, 120_000);

  it('that leave rows without their parents are refused', () => {
    const directory = temporaryFolder();
    const stores = open(directory);
    finishedRun(stores, 1);
    stores.close();
    const orphans: Migration = { id: 1999, name: 'orphans', sql: 'DELETE FROM session;', docs: {} };
    expect(() => open(directory, { migrations: [...migrations, orphans] })).toThrow(/without their parents/);
    expect(testStores({ directory }).sessions.list()).toHaveLength(1);
  });

  it('that were changed after they ran are noticed', () => {
    const directory = temporaryFolder();
    open(directory, { migrations: [...migrations, extra] }).close();
    const changed = { ...extra, sql: extra.sql.replace('name TEXT', 'name ANY') };
    expect(() => open(directory, { migrations: [...migrations, changed] })).toThrow(
      /differs from this program's at step 1999/,
    );
  });

  it('run on a library that is read-only by its disk are refused with a sentence', () => {
    const directory = temporaryFolder();
    open(directory).close();
    expect(() =>
      open(directory, { migrations: [...migrations, extra], readOnly: 'The disk is mounted read-only.' }),
    ).toThrow(/mounted read-only. It is of an older version/);
  });
});

describe('the views with natural keys', () => {
  it('show names, local wall time, numeric order, and x as the column', () => {
    const stores = testStores();
    finishedRun(stores, 3);
    const all = (sql: string): readonly unknown[] => stores.database.prepare(sql).all();
    expect(all('SELECT * FROM dj_Session')).toEqual([
      { subject: 'm1', session_datetime: '2026-05-01 11:00:00', session_id: null },
    ]);
    expect(all('SELECT subject, recording_id, file_id, file_path FROM dj_RecordingInfo_File')).toEqual([
      { subject: 'm1', recording_id: 0, file_id: 0, file_path: 'Miniscope/0.avi' },
      { subject: 'm1', recording_id: 0, file_id: 1, file_path: 'Miniscope/1.avi' },
    ]);
    expect(all('SELECT px_height, px_width, nframes, recording_datetime FROM dj_RecordingInfo')).toEqual([
      { px_height: 30, px_width: 40, nframes: 1500, recording_datetime: '2026-05-01 11:00:00' },
    ]);
    expect(all('SELECT mask, mask_center_x AS x, mask_center_y AS y FROM dj_Segmentation_Mask')).toEqual([
      { mask: 1, x: 30, y: 6 },
      { mask: 2, x: 31, y: 7 },
      { mask: 3, x: 32, y: 8 },
    ]);
    const views = stores.database
      .prepare<[], { name: string }>("SELECT name FROM sqlite_schema WHERE type = 'view'")
      .all();
    expect(views.length).toBeGreaterThanOrEqual(15);
    for (const { name } of views) {
      expect(() => stores.database.prepare(`SELECT * FROM ${name}`).all(), name).not.toThrow();
      expect(() => stores.database.exec(`DELETE FROM ${name}`), name).toThrow(/view/);
    }
  });
});

describe('a disk that is full', () => {
  it('refuses the change whole and says so; what was there stays', () => {
    const stores = testStores();
    finishedRun(stores, 2);
    stores.database.pragma(`max_page_count = ${String(stores.database.pragma('page_count', { simple: true }))}`);
    const config = { text: 'x'.repeat(3_000_000) };
    const recordings = [{ ...newSession(2).recordings[0]!, config }];
    let thrown: unknown;
    try {
      stores.sessions.insert(newSession(2, { recordings }));
    } catch (error) {
      thrown = stores.toError(error);
    }
    expect(thrown).toMatchObject({ code: 'disk.full', retryable: true });
    expect(stores.sessions.list().map((session) => session.name)).toEqual(['session 1']);
    expect(stores.database.prepare("SELECT 1 FROM subject WHERE subject = 'm2'").get()).toBeUndefined();
  });
});

it('the dump of a library loads into an equal one', () => {
  const stores = testStores();
  finishedRun(stores, 2);
  const copy = new Database(':memory:');
  copy.exec(dumpSql(stores.database));
  expect(dumpSql(copy)).toBe(dumpSql(stores.database));
  copy.close();
  expect(statSync(join(fixtures, 'library-1006.sql')).size).toBeGreaterThan(10_000);
});
