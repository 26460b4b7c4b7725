// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../main/contract/index.ts';
import type { Stores } from '../../../main/library/database/stores.ts';
import { type Ask, columnClauses, tableCatalogue } from '../../../main/library/tables/catalogue.ts';
import { readChanges, readChoices, readRows } from '../../../main/library/tables/rows.ts';
import { newSession, testStores } from '../../support/library.ts';

const asker =
  ({ database }: Stores): Ask =>
  (sql, ...values) =>
    database.prepare<unknown[], Record<string, string | number | Uint8Array | null>>(sql).all(...values);

function refusal(act: () => unknown): AppError {
  try {
    act();
  } catch (error) {
    return AppError.from(error);
  }
  throw new Error('nothing was refused');
}

const request = { search: '', where: {}, limit: 100, offset: 0 } as const;

describe('the catalogue of tables', () => {
  it('tells of every table what a form needs', () => {
    const stores = testStores();
    const tables = tableCatalogue(asker(stores));
    const documented = stores.database
      .prepare<[], { n: number }>(
        "SELECT count(*) AS n FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
      )
      .get();
    expect(tables.length).toBe(documented?.n);
    for (const table of tables) {
      expect(table.text, table.table).not.toBe('');
      expect(table.primary.length, table.table).toBeGreaterThan(0);
      if (table.tier !== 'internal')
        for (const column of table.columns) expect(column.text, `${table.table}.${column.name}`).not.toBe('');
    }
    const subject = tables.find(({ table }) => table === 'subject');
    const column = (name: string) => subject?.columns.find((candidate) => candidate.name === name);
    expect(column('subject')).toMatchObject({ kind: 'text', required: true, key: true, own: false });
    expect(column('sex')).toMatchObject({ kind: 'choice', choices: ['M', 'F', 'U'], preset: 'U', required: false });
    expect(column('birth_date')).toMatchObject({ kind: 'day', nullable: true });
    expect(column('uuid')).toMatchObject({ own: true });
    expect(subject?.children).toContainEqual({ table: 'session', column: 'subject_id' });
    const injection = tables.find(({ table }) => table === 'injection');
    expect(injection?.columns.find(({ name }) => name === 'total_volume')).toMatchObject({
      kind: 'real',
      required: true,
    });
    expect(injection?.columns.find(({ name }) => name === 'virus_name_id')).toMatchObject({
      kind: 'reference',
      parent: 'virus_name',
    });
    expect(tables.find(({ table }) => table === 'cell')?.noInsert).toMatch(/Computed/);
    expect(tables.find(({ table }) => table === 'session')).toMatchObject({ noUpdate: null });
    expect(tables.find(({ table }) => table === 'session')?.noInsert).toMatch(/import/);
  });

  it('reads columns around commas and parentheses in checks', () => {
    const clauses = columnClauses("CREATE TABLE t (a TEXT CHECK (a IN ('x, y', 'z''(')), b INTEGER, UNIQUE (a, b))");
    expect([...clauses.keys()]).toEqual(['a', 'b']);
    expect(clauses.get('a')).toContain("'x, y'");
  });
});

describe('rows that a person types', () => {
  it('are added and changed, with who and what in the change log', () => {
    const stores = testStores();
    const ask = asker(stores);
    const { key } = stores.rows.save({ table: 'subject', key: null, values: { subject: 'm12', sex: 'F' }, who: 'AB' });
    stores.rows.save({ table: 'subject', key, values: { nickname: ' Theo ' }, who: 'CD' });
    const tables = tableCatalogue(ask);
    const { rows, total } = readRows(ask, tables, { ...request, table: 'subject' });
    expect(total).toBe(1);
    const columns = tables.find(({ table }) => table === 'subject')?.columns.map(({ name }) => name) ?? [];
    const value = (name: string) => rows[0]?.values[columns.indexOf(name)];
    expect([value('subject'), value('sex'), value('nickname'), value('birth_date')]).toEqual([
      'm12',
      'F',
      'Theo',
      null,
    ]);
    expect(readChanges(ask, tables, { table: 'subject', key, limit: 10 })).toMatchObject([
      { who: 'CD', action: 'update', values: [{ column: 'nickname', before: '', after: 'Theo' }] },
      { who: 'AB', action: 'insert' },
    ]);
    expect(readChanges(ask, tables, { table: 'subject', key: { id: 99 }, limit: 10 })).toEqual([]);
    // Nobody is left as the one who makes later changes.
    expect(stores.database.prepare('SELECT * FROM change_actor').all()).toEqual([]);
  });

  it('are refused at their columns, and nothing is written', () => {
    const stores = testStores();
    const save =
      (values: Record<string, string | number | null>, table = 'subject') =>
      () =>
        stores.rows.save({ table, key: null, values, who: '' });
    const columns = (act: () => unknown) => {
      const error = refusal(act);
      expect(error.code).toBe('table.refused');
      return error.details?.['columns'] as Record<string, string>;
    };
    expect(columns(save({ sex: 'X', birth_date: '2026-02-30', uuid: 'a' }))).toEqual({
      subject: expect.stringMatching(/Needed/),
      sex: expect.stringMatching(/one of M, F, U/),
      birth_date: expect.stringMatching(/day that exists/),
      uuid: expect.stringMatching(/program/),
    });
    save({ subject: 'm1' })();
    expect(columns(save({ subject: 'M1' }))).toEqual({ subject: expect.stringMatching(/there already/) });
    expect(columns(save({ subject_id: 77, death_date: '2026-05-01' }, 'subject_death'))).toEqual({
      subject_id: expect.stringMatching(/No row of subject/),
    });
    expect(columns(save({ subject_id: 'one', death_date: '2026-05-01' }, 'subject_death'))).toEqual({
      subject_id: expect.stringMatching(/not a number/),
    });
    expect(refusal(save({ row: 1 }, 'cell')).message).toMatch(/Computed/);
    expect(refusal(save({ "x'); DROP TABLE subject; --": 1 })).code).toBe('usage.invalid');
    expect(
      refusal(() => stores.rows.save({ table: 'device', key: { id: 1 }, values: { device: 'mine' }, who: '' })).message,
    ).toMatch(/ships with the program/);
    expect(
      refusal(() => stores.rows.save({ table: 'subject', key: { id: 9 }, values: { sex: 'F' }, who: '' })).message,
    ).toMatch(/not there any more/);
    expect(stores.database.prepare('SELECT count(*) AS n FROM subject').get()).toEqual({ n: 1 });
  });

  it('refer to other rows by name, are searched by those names and sorted', () => {
    const stores = testStores();
    const ask = asker(stores);
    for (const n of [1, 2, 3]) stores.sessions.insert(newSession(n));
    const tables = tableCatalogue(ask);
    const found = readRows(ask, tables, { ...request, table: 'recording', search: 'session 2' });
    expect(found.rows.map(({ labels }) => labels['session_id'])).toEqual(['session 2']);
    const sorted = readRows(ask, tables, {
      ...request,
      table: 'recording',
      order: { column: 'session_id', descending: true },
      limit: 2,
    });
    expect(sorted).toMatchObject({
      total: 3,
      rows: [{ labels: { session_id: 'session 3' } }, { labels: { session_id: 'session 2' } }],
    });
    const one = readRows(ask, tables, { ...request, table: 'session', where: { subject_id: 1 } });
    expect(one.total).toBe(1);
    expect(readChoices(ask, tables, { table: 'subject', limit: 2 })).toEqual({
      rows: [
        { value: 1, label: 'm1' },
        { value: 2, label: 'm2' },
      ],
      truncated: true,
    });
    expect(refusal(() => readRows(ask, tables, { ...request, table: 'recording', where: { 'x" OR 1': 1 } })).code).toBe(
      'usage.invalid',
    );
  });
});

describe('what a list shows beside the sessions', () => {
  it('is size, notes, tags and frames that are missing', () => {
    const stores = testStores();
    const lost = { severity: 'warning' as const, code: 'frames.lost', message: '41 frames are missing by gaps.' };
    const { session } = stores.sessions.insert(newSession(1, { findings: [lost] }));
    stores.sessions.insert(newSession(2, { format: 'film' }));
    stores.sessions.annotate({ sessionUuid: session.uuid, note: 'novel arena', tags: ['pilot', 'arena'], who: 'AB' });
    stores.sessions.annotate({
      sessionUuid: session.uuid,
      verified: { at: '2026-05-01T00:00:00.000Z', sound: true },
      who: '',
    });
    stores.sessions.relink(session.uuid, '/elsewhere/s1');
    expect(stores.sessions.facts()).toMatchObject([
      {
        uuid: session.uuid,
        folder: '/elsewhere/s1',
        bytes: 3000,
        note: 'novel arena',
        tags: ['pilot', 'arena'],
        missing: 41,
        verified: { sound: true },
      },
      { missing: null, tags: [], verified: null, note: '' },
    ]);
  });
});
