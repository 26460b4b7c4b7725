// SPDX-License-Identifier: MIT
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Stores } from '../../../main/library/database/stores.ts';
import { ingestControl, type IngestRequest, type IngestResult } from '../../../main/library/index.ts';
import { newSession, temporaryFolder, testStores } from '../../support/library.ts';
import { workflowCsv } from '../../support/workflow-csv.ts';

/** 2026-05-01T09:00Z is 11:00 at the place. */
const at = '2026-05-01 11:00:00';
const csv = workflowCsv(at);

function library(): Stores {
  const stores = testStores();
  stores.sessions.insert(newSession(1, { subject: 'subject1' }));
  return stores;
}

function read(
  stores: Stores,
  files: Readonly<Record<string, string>>,
  options: Partial<IngestRequest> = {},
): IngestResult {
  return stores.ingest.ingest({
    files: Object.entries(files).map(([name, text]) => ({ name, text })),
    sessions: {},
    dryRun: false,
    allOrNothing: false,
    who: 'ada',
    ...options,
  });
}

const one = (stores: Stores, text: string) => read(stores, { 'file.csv': text }).files[0]!;
const behaviour = Object.fromEntries(Object.entries(csv).filter(([name]) => name !== 'sessions.csv'));
const rows = (stores: Stores, sql: string): readonly unknown[] => stores.database.prepare(sql).all();

describe('the workflow’s CSV files', () => {
  it('go into their tables, whatever order they are given in, and a second time change nothing', () => {
    const stores = library();
    const reversed = Object.fromEntries(Object.entries(behaviour).toReversed());
    const first = read(stores, reversed);
    expect(first.files.map(({ kind, bad }) => [kind, bad])).toEqual([
      ['subjects', 0],
      ['behavior_recordings', 0],
      ['blocks', 0],
      ['trials', 0],
      ['events', 0],
      ['alignments', 0],
    ]);
    expect(first.inserted).toEqual({
      behavior_recording: 1,
      behavior_recording_file: 1,
      block: 1,
      block_attribute: 1,
      trial_type: 1,
      trial: 2,
      trial_attribute: 3,
      block_trial: 2,
      event_type: 2,
      event: 2,
      trial_event: 2,
      alignment_event: 1,
    });
    expect(rows(stores, 'SELECT * FROM dj_Subject')).toMatchObject([
      { subject: 'subject1', sex: 'M', subject_birth_date: '2021-01-01', subject_description: 'Theo' },
    ]);
    expect(rows(stores, 'SELECT trial_id, trial_start_time, trial_type FROM dj_Trial')).toEqual([
      { trial_id: 1, trial_start_time: 0.193, trial_type: 'stim' },
      { trial_id: 2, trial_start_time: 2, trial_type: 'stim' },
    ]);
    const again = read(stores, behaviour);
    expect(again.inserted).toEqual({});
    expect(again.files.every(({ added, bad }) => added === 0 && bad === 0)).toBe(true);
    expect(rows(stores, "SELECT DISTINCT who FROM change_log WHERE table_name = 'alignment_event'")).toEqual([
      { who: 'ada' },
    ]);
  });

  it('can be tried without a trace', () => {
    const stores = library();
    expect(read(stores, behaviour, { dryRun: true }).inserted).toMatchObject({ trial: 2, event: 2 });
    for (const table of ['trial', 'event', 'event_type', 'behavior_recording', 'change_actor']) {
      expect(rows(stores, `SELECT * FROM ${table}`), table).toEqual([]);
    }
  });

  it('keep good rows beside bad ones, or nothing at all of the file where that is asked', () => {
    const stores = library();
    const text =
      'subject,sex,subject_birth_date\na,M,2021-01-01\nb,X,2021-01-01\nc,F,2021-13-01\nd,U,1066-10-14\ne,F\n';
    expect(read(stores, { 's.csv': text }, { allOrNothing: true }).files[0]).toMatchObject({
      rolledBack: true,
      bad: 4,
    });
    expect(rows(stores, "SELECT subject FROM subject WHERE subject = 'a'")).toEqual([]);
    const file = one(stores, text);
    expect(file).toMatchObject({ added: 1, bad: 4, rolledBack: false });
    expect(file.problems).toEqual([
      { line: 3, column: 2, name: 'sex', message: expect.stringContaining('“X”') as string },
      { line: 4, column: 3, name: 'subject_birth_date', message: expect.stringContaining('2021-13-01') as string },
      { line: 5, column: 3, name: 'subject_birth_date', message: expect.stringContaining('1066') as string },
      { line: 6, column: null, name: null, message: expect.stringContaining('2 fields') as string },
    ]);
  });

  it('say where a row contradicts what is there, and change nothing then', () => {
    const stores = library();
    read(stores, behaviour);
    const changed = csv['trials.csv']!.replaceAll('stim', 'ctrl').replace('0.193', '0.2');
    const file = one(stores, changed);
    expect(file).toMatchObject({ added: 0, bad: 3 });
    expect(file.problems[0]).toMatchObject({
      line: 2,
      column: 5,
      message: expect.stringContaining('0.193, not 0.2') as string,
    });
    expect(rows(stores, "SELECT * FROM trial_type WHERE trial_type = 'ctrl'")).toEqual([]);
  });

  it('name the unknown parent: animal, session, block, trial, event', () => {
    const stores = library();
    const head = 'subject,session_datetime,trial_id,event_start_time,event_type\n';
    expect(one(stores, `${head}nobody,${at},1,1,x\n`).problems[0]).toMatchObject({ column: 1 });
    expect(one(stores, `${head}subject1,2026-05-01 11:00:01,1,1,x\n`).problems[0]?.message).toContain(
      'known are 2026-05-01 11:00:00',
    );
    expect(one(stores, `${head}subject1,${at},1,1,x\n`).problems[0]?.message).toContain('behavior_recordings.csv');
    read(stores, { 'b.csv': csv['behavior_recordings.csv']! });
    expect(one(stores, `${head}subject1,${at},7,1,x\n`).problems[0]).toMatchObject({
      column: 3,
      message: expect.stringContaining('no trial 7') as string,
    });
    expect(one(stores, csv['trials.csv']!).problems[0]?.message).toContain('no block 1');
    expect(one(stores, csv['alignments.csv']!).problems[0]?.message).toContain('center');
    expect(rows(stores, 'SELECT * FROM event_type')).toEqual([]);
  });

  it('take a mark of byte order, CR LF, semicolons, quotes with line breaks, and names of any script', () => {
    const stores = library();
    const text =
      '\uFEFFsubject; sex ;subject_birth_date;subject_description\r\n"マウス🐭";f;;"zwei\nZeilen; ""so"""\r\n\r\nÄffchen;U;2020-02-29;\r\n';
    expect(one(stores, text)).toMatchObject({ added: 2, bad: 0 });
    expect(rows(stores, "SELECT subject, description FROM subject WHERE sex = 'F'")).toEqual([
      { subject: 'マウス🐭', description: 'zwei\nZeilen; "so"' },
    ]);
    const bad = one(stores, `${text}x;Q;2020-01-01;\n`);
    expect(bad.problems[0]).toMatchObject({ line: 6, column: 2 });
  });

  it('are refused as a whole, with the line, when they are no such files', () => {
    const stores = library();
    const refusal = (text: string, code: string, message: RegExp) =>
      expect(() => one(stores, text)).toThrow(
        expect.objectContaining({ code, message: expect.stringMatching(message) as string }),
      );
    refusal('', 'ingest.bad_header', /empty/);
    refusal('a,b,c\n1,2,3\n', 'ingest.bad_header', /of no known kind/);
    refusal('subject,sex\na,M\n', 'ingest.bad_header', /subject_birth_date/);
    refusal('subject,sex,subject_birth_date,sex\n', 'ingest.bad_header', /“sex” is there twice/);
    refusal('subject,sex,subject_birth_date\na,M,2020-01-01\n"b,M,2020-01-01\n', 'ingest.bad_csv', /quotes/);
  });

  it('have commas before the decimals where semicolons part the columns, one mark a file', () => {
    const stores = library();
    read(stores, behaviour);
    const german = (...times: readonly string[]): string =>
      `subject;session_datetime;trial_id;event_start_time;event_type\n${times.map((time) => `subject1;${at};1;${time};left\n`).join('')}`;
    expect(one(stores, german('0,5', '1.5', '1.234,5', '2,25'))).toMatchObject({
      added: 2,
      bad: 2,
      problems: [
        {
          line: 3,
          name: 'event_start_time',
          message: expect.stringContaining('“1.5” has its decimals behind a point'),
        },
        { line: 4, name: 'event_start_time', message: expect.stringContaining('without marks between thousands') },
      ],
    });
    expect(rows(stores, "SELECT event_start_time AS at FROM dj_Event WHERE event_type = 'left' ORDER BY at")).toEqual([
      { at: 0.5 },
      { at: 2.25 },
    ]);
  });

  it('tell how much was read, and are taken back as a whole when the caller wants it', () => {
    const stores = library();
    read(stores, behaviour);
    const long = `subject,session_datetime,trial_id,event_start_time,event_type\n${Array.from({ length: 1000 }, (_, i) => `subject1,${at},1,${i / 100},left\n`).join('')}`;
    const control = new Int32Array(new SharedArrayBuffer(4 * ingestControl.length));
    const before = rows(stores, 'SELECT count(*) AS n FROM event');
    Atomics.store(control, ingestControl.stop, 1);
    expect(() => read(stores, { 'events.csv': long }, { control })).toThrow(
      expect.objectContaining({ code: 'rpc.cancelled' }),
    );
    expect(rows(stores, 'SELECT count(*) AS n FROM event')).toEqual(before);
    Atomics.store(control, ingestControl.stop, 0);
    read(stores, { 'events.csv': long }, { control });
    expect(Atomics.load(control, ingestControl.thousandths)).toBeGreaterThan(900);
  });

  it('are read from files in every encoding that a mark tells; others are refused with the line', () => {
    const stores = library();
    const folder = temporaryFolder();
    const from = (name: string, bytes: Buffer): (() => IngestResult['files'][number]) => {
      const path = join(folder, name);
      writeFileSync(path, bytes);
      const request = { sessions: {}, dryRun: false, allOrNothing: false, who: 'ada' };
      return () => stores.ingest.ingest({ ...request, files: [{ name, path }] }).files[0]!;
    };
    const text = (subject: string, separator = ','): string =>
      `subject,sex,subject_birth_date,subject_description\n${subject},M,2021-01-01,Größe 鼠🐁\n`.replaceAll(
        ',',
        separator,
      );
    const files = {
      'utf8.csv': Buffer.from(text('utf8')),
      'mark.csv': Buffer.from(`\uFEFF${text('mark')}`),
      'le.csv': Buffer.from(`\uFEFF${text('le')}`, 'utf16le'),
      'be.csv': Buffer.from(`\uFEFF${text('be')}`, 'utf16le').swap16(),
      'tab.csv': Buffer.from(text('tab', '\t')),
      'cr.csv': Buffer.from(text('cr').replaceAll('\n', '\r')),
    };
    for (const [name, bytes] of Object.entries(files))
      expect(from(name, bytes)(), name).toMatchObject({ added: 1, bad: 0 });
    expect(rows(stores, "SELECT DISTINCT description FROM subject WHERE subject <> 'subject1'")).toEqual([
      { description: 'Größe 鼠🐁' },
    ]);
    const refused = (name: string, bytes: Buffer, message: RegExp): void => {
      const matching = expect.stringMatching(message) as string;
      expect(from(name, bytes), name).toThrow(expect.objectContaining({ code: 'ingest.bad_csv', message: matching }));
    };
    refused('latin1.csv', Buffer.from(text('x'), 'latin1'), /latin1.csv, line 2: this is not text in UTF-8/);
    refused('nomark.csv', Buffer.from(text('x'), 'utf16le'), /line 1: this is not text/);
    refused('zero.csv', Buffer.from(text('x\0y')), /line 2: this is not text/);
    refused('half.csv', Buffer.from(text('x')).subarray(0, -2), /this is not text/);
    const missing = { name: 'none.csv', path: join(folder, 'none.csv') };
    expect(() => stores.ingest.kinds([missing])).toThrow(expect.objectContaining({ code: 'ingest.unreadable' }));
  });

  it('of any length are read in pieces: letters and quotes may lie across their ends, and lines are counted on', () => {
    const stores = library();
    const path = join(temporaryFolder(), 'long.csv');
    // Three bytes a letter and rows of many lengths: every piece ends somewhere else in a row.
    const description = '鼠'.repeat(150);
    const lines = Array.from({ length: 3000 }, (_, n) => `m${n},U,,"${description}\n""${n}"""`);
    lines[2990] = 'bad,Q,,x';
    const header = 'subject,sex,subject_birth_date,subject_description';
    writeFileSync(path, `${header}\n${lines.join('\n')}\n`);
    const request = {
      files: [{ name: 'long.csv', path }],
      sessions: {},
      dryRun: false,
      allOrNothing: false,
      who: 'ada',
    };
    const [file] = stores.ingest.ingest(request).files;
    // 2990 rows of two lines stand before it.
    expect(file).toMatchObject({ rows: 3000, added: 2999, bad: 1, problems: [{ line: 2 + 2 * 2990, column: 2 }] });
    expect(rows(stores, "SELECT description FROM subject WHERE subject = 'm2999'")).toEqual([
      { description: `${description}\n"2999"` },
    ]);
    const broken = Buffer.from(`${header}\n${lines.join('\n')}\n`);
    broken[broken.length - 5] = 0xff;
    writeFileSync(path, broken);
    const again = library();
    const line = expect.stringMatching(/line 6000: this is not text/) as string;
    expect(() => again.ingest.ingest(request)).toThrow(expect.objectContaining({ message: line }));
    expect(rows(again, 'SELECT count(*) AS n FROM subject')).toEqual([{ n: 1 }]);
  });

  it('are told of without characters that would steer a terminal; names without a shape are none', () => {
    const stores = library();
    const lines = [
      'subject,sex,subject_birth_date',
      '"a\u001B[31m",M,',
      '\u200B,M,',
      '\u202E\u00A0,M,',
      '👩‍🔬,\u0007x,',
      '👩‍🔬,F,9999-12-31',
      '👩‍🔬,F,0000-00-00',
      '👩‍🔬,F,',
    ];
    const { problems, added } = one(stores, lines.join('\n'));
    expect(added).toBe(1);
    expect(problems.map(({ column, message }) => [column, message])).toEqual([
      [1, '“a\\u001b[31m” holds a control character.'],
      [1, 'a value is missing.'],
      [1, 'a value is missing.'],
      [2, '“\\u0007x” is none of M, F, U.'],
      [3, 'no animal that can be recorded was born on 9999-12-31.'],
      [3, '“0000-00-00” is no date; write YYYY-MM-DD.'],
    ]);
  });

  it('treat names as values: no statement can be smuggled in, and no path leads out of the root', () => {
    const stores = library();
    const name = "x'); DROP TABLE subject; --";
    expect(one(stores, `subject,sex,subject_birth_date\n"${name}",M,\n`)).toMatchObject({ added: 1 });
    expect(rows(stores, `SELECT subject FROM subject WHERE subject LIKE 'x%'`)).toEqual([{ subject: name }]);
    for (const path of ['../secret.csv', '/etc/passwd', 'C:\\x.csv', 'a/../../b.csv']) {
      const file = one(stores, `subject,session_datetime,filepath\nsubject1,${at},${path}\n`);
      expect(file.problems[0], path).toMatchObject({ column: 3, message: expect.stringContaining('root') as string });
    }
  });

  it('find the session by local time, by UTC with its zone, and by milliseconds where two began in one second', () => {
    const stores = library();
    stores.sessions.insert(newSession(2, { subject: 'subject1', startedAt: '2026-05-01T09:00:00.500Z' }));
    const added = (time: string) => one(stores, `subject,session_datetime,filepath\nsubject1,${time},a.csv\n`);
    expect(added(at).problems[0]?.message).toContain('2 sessions');
    expect(added('2026-05-01 11:00:00.500')).toMatchObject({ added: 1 });
    expect(added('2026-05-01T09:00:00.000Z')).toMatchObject({ added: 1 });
    expect(rows(stores, 'SELECT session_id FROM behavior_recording ORDER BY 1')).toEqual([
      { session_id: 1 },
      { session_id: 2 },
    ]);
  });

  it('complete an animal that an import made known, and do not overwrite one that a person described', () => {
    const stores = library();
    read(stores, { 's.csv': csv['subjects.csv']! });
    expect(one(stores, 'subject,sex,subject_birth_date\nsubject1,F,2021-01-01\n').problems[0]?.message).toContain(
      'M, not F',
    );
    expect(rows(stores, "SELECT sex FROM subject WHERE subject = 'subject1'")).toEqual([{ sex: 'M' }]);
  });

  it('of ten thousand trials take well under two seconds of the processor', () => {
    const stores = library();
    read(stores, { 'b.csv': csv['behavior_recordings.csv']! });
    const lines = Array.from({ length: 10_000 }, (_, n) => `subject1,${at},${n + 1},${n},${n + 0.5},stim`);
    const before = process.cpuUsage();
    const file = one(
      stores,
      `subject,session_datetime,trial_id,trial_start_time,trial_stop_time,trial_type\n${lines.join('\n')}\n`,
    );
    const { user, system } = process.cpuUsage(before);
    expect(file).toMatchObject({ added: 10_000, bad: 0 });
    expect((user + system) / 1e6).toBeLessThan(2);
  });
});
