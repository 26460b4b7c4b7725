// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Selection, type Rows } from '../../../../main/contract/index.ts';
import { createReader, type Reader } from '../../../../main/library/index.ts';
import { parseCondition } from '../../../../main/library/reader/condition.ts';
import { compileSelection, parseProjection, type Relation } from '../../../../main/library/reader/select.ts';
import { newCells, newRun, newSession, temporaryFolder, testStores } from '../../../support/library.ts';

const relation = (name: string, ...columns: string[]): Relation => ({
  name,
  sqlName: `dj_${name}`,
  kind: 'view',
  columns,
});
const relations = [
  relation('Session', 'subject', 'session_datetime', 'n'),
  relation('Recording', 'subject', 'session_datetime', 'recording_id', 'fps'),
  relation('Odd "name"', 'a"b', 'c d'),
  relation('Device', 'device'),
];
const select = (given: object): Selection => Selection.parse({ view: 'Session', ...given });
const compile = (given: object) => compileSelection(select(given), relations);
const refusal = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return `${(error as Error).message} ${String((error as { hint?: string }).hint)}`;
  }
  throw new Error('nothing was refused');
};

describe('a restriction as text', () => {
  const parse = (text: string) => parseCondition(text, (name) => ['subject', 'fps', 'n'].includes(name));

  it.each<[string, unknown]>([
    ["subject = 'm1'", { column: 'subject', is: '=', value: 'm1' }],
    ['subject="m1"', { column: 'subject', is: '=', value: 'm1' }],
    [
      "subject = 'O''Neil; drop table session --'",
      { column: 'subject', is: '=', value: "O'Neil; drop table session --" },
    ],
    ['session_datetime >= 2026-05-01', { column: 'session_datetime', is: '>=', value: '2026-05-01' }],
    ['fps==20', { column: 'fps', is: '=', value: 20 }],
    ['fps != -1.5e3', { column: 'fps', is: '<>', value: -1500 }],
    ['fps > n', { column: 'fps', is: '>', other: 'n' }],
    ['subject is not null', { column: 'subject', isNull: false }],
    ["subject not in ('a', b, 3)", { not: { column: 'subject', oneOf: ['a', 'b', 3] } }],
    ["subject LIKE 'm%'", { column: 'subject', like: 'm%' }],
    [
      'not (fps between 1 and 2 or n = 3)',
      {
        not: {
          any: [
            {
              all: [
                { column: 'fps', is: '>=', value: 1 },
                { column: 'fps', is: '<=', value: 2 },
              ],
            },
            { column: 'n', is: '=', value: 3 },
          ],
        },
      },
    ],
    ["subject = '小鼠🐭'", { column: 'subject', is: '=', value: '小鼠🐭' }],
  ])('%s', (text, condition) => {
    expect(parse(text)).toEqual(condition);
  });

  it.each([
    ["subject = 'm1' or 1=1; drop table x", /character 22: “;” has no meaning here/],
    ["subject = 'm1", /character 11: a quote that is opened here is never closed/],
    ['subject', /character 8: an operator is expected after subject/],
    ['subject = ', /character 11: a value is expected/],
    ['subject = null', /is null/],
    ['(subject = 1', /“\)” is missing/],
    ['subject = 1 fps = 2', /character 13: “and” or “or” is missing before “fps”/],
    [`${'('.repeat(200)}n = 1`, /nested too deeply/],
    ['subject = (select password from user)', /a value is expected, not “\(”/],
    ['', /a column is expected/],
  ])('%s is refused with the place', (text, message) => {
    expect(refusal(() => parse(text))).toMatch(message);
  });
});

describe('the SQL of a selection', () => {
  it('binds every value and quotes every name', () => {
    const { sql, values } = compileSelection(
      Selection.parse({
        view: 'Odd "name"',
        where: [{ column: 'a"b', is: '=', value: `'); DROP TABLE session; --` }],
        columns: ['c d', { column: 'a"b', as: 'x" FROM session; --' }],
        order: ['-c d'],
      }),
      relations,
    );
    expect(sql).toBe(
      `SELECT r1."c d" AS "c d", r1."a""b" AS "x"" FROM session; --"\nFROM "dj_Odd ""name""" AS r1\nWHERE r1."a""b" = ?\nORDER BY "c d" DESC`,
    );
    expect(values).toEqual([`'); DROP TABLE session; --`]);
  });

  it.each([
    [{ view: 'session; DROP TABLE session' }, /There is no view/],
    [{ view: 'Sesion' }, /Did you mean|lists/],
    [{ columns: ['subject, (SELECT 1)'] }, /cannot be read|no column/],
    [{ columns: ['load_extension(subject)'] }, /no way to sum up/],
    [{ columns: ['sum(*)'] }, /no meaning/],
    [{ columns: ['subject', 'SUBJECT'] }, /Two columns/],
    [{ where: ['nothing = 1'] }, /has no column “nothing”.*Its columns are subject/],
    [{ order: ['subject; --'] }, /no column/],
    [{ join: [{ view: 'Device' }] }, /no column in common/],
  ])('%j is refused', (given, message) => {
    expect(refusal(() => compile(given))).toMatch(message);
  });

  it('groups by the plain columns when others are summed up', () => {
    expect(compile({ columns: ['subject', 'n=count(*)', 'max(n)', 'count(distinct n)'].slice(0, 3) }).sql).toBe(
      'SELECT r1."subject" AS "subject", count(*) AS "n", max(r1."n") AS "max_n"\nFROM "dj_Session" AS r1\nGROUP BY r1."subject"',
    );
    expect(parseProjection('k = count(distinct n)')).toEqual({
      column: 'n',
      as: 'k',
      aggregate: 'count',
      distinct: true,
    });
  });
});

/** Three animals; one session without an animal and a date; a run on the first. */
function library(): { directory: string; reader: Reader; digest: () => string } {
  const directory = temporaryFolder();
  const stores = testStores({ directory });
  const first = stores.sessions.insert(newSession(1, { subject: 'm1' })).session;
  stores.sessions.insert(newSession(2, { subject: '101' }));
  stores.sessions.insert(newSession(3, { subject: "Rob'); DROP TABLE session;--" }));
  stores.sessions.insert(newSession(4, { subject: null, startedAt: null }));
  const run = stores.runs.create(newRun(first.recordings[0]!.uuid));
  stores.runs.claim({ runUuid: run.uuid });
  stores.runs.finish(run.uuid, { cells: newCells(5), arrays: [] });
  const reader = createReader(join(directory, 'library.sqlite'));
  onTestFinished(() => reader[Symbol.asyncDispose]());
  const digest = (): string => {
    stores.database.pragma('wal_checkpoint(TRUNCATE)');
    return createHash('sha256')
      .update(readFileSync(join(directory, 'library.sqlite')))
      .digest('hex');
  };
  return { directory, reader, digest };
}

const page = { limit: 100, offset: 0, timeoutMs: 10_000 };
const column = ({ columns, rows }: Rows, name: string): unknown[] => rows.map((row) => row[columns.indexOf(name)]);

describe('a query of the views', () => {
  it('restricts, joins, projects, sums up and pages', async () => {
    const { reader } = library();
    const ask = (given: object): Promise<Rows> => reader.select(select(given));
    expect(column(await ask({ where: ["subject = 'M1'"] }), 'subject')).toEqual(['m1']);
    // A name of digits is text in the table and a number in the question.
    expect(column(await ask({ where: ['subject = 101'] }), 'subject')).toEqual(['101']);
    expect(column(await ask({ where: [`subject = 'Rob''); DROP TABLE session;--'`] }), 'subject')).toEqual([
      "Rob'); DROP TABLE session;--",
    ]);
    const joined = await ask({
      join: [{ view: 'Recording' }, { view: 'recordinginfo' }],
      columns: ['subject', 'recording_id', 'nframes'],
      order: ['-subject'],
    });
    expect(joined).toEqual({
      columns: ['subject', 'recording_id', 'nframes'],
      // The session without an animal keeps its recording.
      rows: [
        ["Rob'); DROP TABLE session;--", 0, 1500],
        ['m1', 0, 1500],
        ['101', 0, 1500],
        [null, 0, 1500],
      ],
      truncated: false,
    });
    expect(
      (await ask({ view: 'RecordingInfo.File', columns: ['subject', 'n=count(*)'], where: ['subject = m1'] })).rows,
    ).toEqual([['m1', 2]]);
    const left = await ask({
      join: [{ view: 'Segmentation.Mask', kind: 'left' }],
      columns: ['subject', 'cells=count(mask)'],
      order: ['subject'],
    });
    expect(left.rows).toEqual([
      [null, 0],
      ['101', 0],
      ['m1', 5],
      ["Rob'); DROP TABLE session;--", 0],
    ]);
    expect(column(await ask({ partners: [{ view: 'Processing' }] }), 'subject')).toEqual(['m1']);
    expect((await ask({ partners: [{ view: 'Processing', absent: true }] })).rows).toHaveLength(3);
    const second = await ask({ order: ['subject'], limit: 2, offset: 1, columns: ['subject'] });
    expect(second).toMatchObject({ rows: [['101'], ['m1']], truncated: true });
  });

  it('lists views before tables, and reads uuids of a table as text', async () => {
    const { reader } = library();
    const views = await reader.views();
    expect(views[0]?.kind).toBe('view');
    expect(views.map(({ name }) => name)).toContain('Segmentation_Mask');
    const { columns, rows } = await reader.select(select({ view: 'recording_info' }));
    expect(columns[0]).toBe('recording_id');
    expect(rows).toHaveLength(4);
    expect((await reader.sql({ ...page, sql: 'select uuid from recording limit 1' })).rows[0]?.[0]).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-7/,
    );
  });
});

describe('the SQL console', () => {
  const forbidden = [
    'DELETE FROM session',
    "INSERT INTO column_doc VALUES ('a', 'b', null, 'c')",
    'UPDATE session SET name = 1',
    'CREATE TABLE x (a)',
    'CREATE TEMP TABLE x (a)',
    'DROP TABLE session',
    'DROP VIEW dj_Session',
    "ATTACH '/tmp/calyx-other.sqlite' AS other",
    'DETACH main',
    'PRAGMA user_version = 5',
    'PRAGMA journal_mode',
    "SELECT * FROM pragma_table_info('session')",
    'BEGIN',
    'VACUUM',
    "VACUUM INTO '{folder}/copy.sqlite'",
    'REINDEX',
    "SELECT load_extension('/tmp/x.so')",
    'SELECT 1; DROP TABLE session',
    'WITH x AS (SELECT 1) DELETE FROM session',
    'EXPLAIN DELETE FROM session',
    '',
  ];

  it('refuses everything but one SELECT and changes nothing', async () => {
    const { directory, reader, digest } = library();
    const before = digest();
    for (const sql of forbidden) {
      await expect(reader.sql({ ...page, sql: sql.replace('{folder}', directory) }), sql).rejects.toMatchObject({
        code: expect.stringMatching(/^query\.(not_allowed|failed)$/) as string,
      });
    }
    expect(digest()).toBe(before);
    expect(readdirSync(directory).filter((name) => !name.startsWith('library.sqlite'))).toEqual([]);
    expect(existsSync('/tmp/calyx-other.sqlite')).toBe(false);
  });

  it('says what is wrong with a question, and answers the next one', async () => {
    const { reader } = library();
    await expect(reader.sql({ ...page, sql: 'SELECT * FROM nowhere' })).rejects.toMatchObject({
      code: 'query.failed',
      message: 'The query cannot be run: no such table: nowhere.',
    });
    const answer = await reader.sql({
      ...page,
      sql: "select 'a;--' as t, 9007199254740993 as big, 0.5 as x, null as n, x'0aff' as b; -- done\n ;",
    });
    expect(answer).toEqual({
      columns: ['t', 'big', 'x', 'n', 'b'],
      rows: [['a;--', '9007199254740993', 0.5, null, '0aff']],
      truncated: false,
    });
  });

  it('ends a statement that never comes to an end, and one that was taken back, and goes on', async () => {
    const { reader } = library();
    const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n';
    await expect(reader.sql({ ...page, sql: endless, timeoutMs: 300 })).rejects.toMatchObject({
      code: 'query.timed_out',
      message: 'The query took longer than 0.3 s and was ended.',
    });
    const abort = new AbortController();
    const asked = reader.sql({ ...page, sql: endless }, abort.signal);
    const next = reader.sql({ ...page, sql: 'select 1 as one' });
    abort.abort();
    await expect(asked).rejects.toMatchObject({ code: 'rpc.cancelled' });
    expect((await next).rows).toEqual([[1]]);
  });

  it('stops at the limit, also of a query without end, and refuses values that fill the memory', async () => {
    const { reader } = library();
    const numbers = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n';
    const answer = await reader.sql({ ...page, sql: numbers, limit: 1200, offset: 10 });
    expect([answer.rows.length, answer.rows[0], answer.rows.at(-1), answer.truncated]).toEqual([
      1200,
      [11],
      [1210],
      true,
    ]);
    await expect(reader.sql({ ...page, sql: 'select zeroblob(500000000)' })).rejects.toMatchObject({
      code: 'query.failed',
    });
  });
});
