// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { SessionFacts, SessionRow, TableInfo, TableRow } from '../../../main/contract/index.ts';
import { commandLine, emptyQuery, selectionOf } from '../../../renderer/stores/query-builder.ts';
import { changedColumns, columnTitle, problemOf, shownIn, valuesToSave } from '../../../renderer/stores/row-form.ts';
import {
  filterValues,
  findSessions,
  groupSessions,
  sessionLines,
  sortSessions,
} from '../../../renderer/stores/session-list.ts';
import { timeAxis, timelineRows } from '../../../renderer/stores/timeline.ts';
import { placeInSight } from '../../../renderer/ui/place-in-sight.ts';
import { toCsv } from '../../../renderer/ui/save-file.ts';

const uuid = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;

function session(n: number, change: Partial<SessionRow> = {}): SessionRow {
  return {
    uuid: uuid(n),
    name: `session ${n}`,
    subject: `m${n}`,
    startedAt: `2026-11-${String(10 + n)}T23:30:00.000Z`,
    tzOffsetMin: 60,
    importedAt: '2026-11-27T08:00:00.000Z',
    recordings: [
      {
        uuid: uuid(100 + n),
        sessionUuid: uuid(n),
        device: 'Miniscope',
        deviceType: 'Miniscope_V4_BNO',
        frames: 600,
        height: 240,
        width: 320,
        fps: 20,
        durationS: 30 + n,
        codec: 'FFV1',
        films: [],
      },
    ],
    findings: [],
    runs: 1,
    cells: 10,
    decided: 5,
    sample: false,
    filesPresent: true,
    ...change,
  };
}

function facts(n: number, change: Partial<SessionFacts> = {}): SessionFacts {
  return {
    uuid: uuid(n),
    bytes: n * 1e9,
    place: 'D:',
    tags: [],
    note: '',
    remarks: '',
    projects: [],
    locations: [],
    missing: 0,
    suggested: 8,
    verified: null,
    ...change,
  };
}

describe('the list of sessions', () => {
  const rows = [
    session(1, { subject: null }),
    session(2, { subject: 'm10', filesPresent: false }),
    session(3, { subject: 'm9', runs: 0 }),
    session(4, { subject: 'm9', decided: 10 }),
  ];
  const lines = sessionLines(rows, [
    facts(1, { note: 'Novel arena', tags: ['pilot'] }),
    facts(2, { missing: 41 }),
    facts(3, { missing: null, place: 'N:' }),
    facts(4, { verified: { at: '2026-11-27T08:00:00.000Z', sound: true } }),
  ]);
  const names = (some: readonly { readonly session: SessionRow }[]): readonly string[] =>
    some.map((line) => line.session.name);

  it('finds every word in names, notes and tags, wherever it stands', () => {
    expect(names(findSessions(lines, 'arena pilot v4'))).toEqual(['session 1']);
    expect(findSessions(lines, 'arena m10')).toEqual([]);
  });

  it('filters: those of one kind are alternatives, days both hold', () => {
    const two = [
      { kind: 'animal', value: 'm9' },
      { kind: 'animal', value: 'm10' },
    ] as const;
    expect(names(findSessions(lines, '', two))).toEqual(['session 2', 'session 3', 'session 4']);
    // 23:30 UTC is the next day where it was recorded.
    const days = [
      { kind: 'since', value: '2026-11-13' },
      { kind: 'until', value: '2026-11-14' },
    ] as const;
    expect(names(findSessions(lines, '', days))).toEqual(['session 2', 'session 3']);
    expect(names(findSessions(lines, '', [{ kind: 'curated', value: 'done' }]))).toEqual(['session 4']);
    expect(filterValues(lines, 'animal')).toEqual(['m9', 'm10', 'no animal named']);
    expect(filterValues(lines, 'on')).toEqual(['D:', 'N:']);
  });

  it('says how the files are, the worst first, and never takes unknown for good', () => {
    expect(lines.map(({ files }) => files)).toEqual(['present', 'moved', 'present', 'verified']);
    expect(lines.map(({ quality }) => quality.map(({ good }) => good))).toEqual([
      [true, true, true, true],
      [false, false, true, true],
      [true, null, true, null],
      [true, true, true, true],
    ]);
    const [gaps] = sessionLines([session(5)], [facts(5, { missing: 3 })]);
    expect(gaps?.files).toBe('gaps');
  });

  it('sorts with what is unknown last in both directions', () => {
    const by = (key: string, descending: boolean): readonly string[] => names(sortSessions(lines, { key, descending }));
    expect(by('dropped', false)).toEqual(['session 1', 'session 4', 'session 2', 'session 3']);
    expect(by('dropped', true)).toEqual(['session 2', 'session 1', 'session 4', 'session 3']);
    expect(by('size', true)[0]).toBe('session 4');
  });

  it('groups by animal in the order of numbers, nameless last, and by day, newest first', () => {
    expect(groupSessions(lines, 'animal').map(({ title }) => title)).toEqual(['m9', 'm10', 'No animal named']);
    expect(groupSessions(lines, 'day').map(({ title }) => title)[0]).toBe('2026-11-15');
  });

  it('puts animals on one axis of time, and leaves out what lies years before', () => {
    const events = [
      { animal: 'm9', day: '2021-01-01', label: 'born' },
      { animal: 'm9', day: '2026-10-20', label: 'implanted' },
    ];
    const timeline = timelineRows(lines, events, ['m77']);
    expect(timeline.map(({ animal }) => animal)).toEqual(['m9', 'm10', 'm77', 'No animal named']);
    expect(timeline[0]?.marks.map(({ kind }) => kind)).toEqual(['event', 'event', 'session', 'session']);
    const axis = timeAxis(timeline);
    expect(new Date(axis.first * 86_400_000).toISOString().slice(0, 7)).toBe('2026-10');
    expect(axis.ticks.length).toBeGreaterThan(2);
    expect(axis.ticks.length).toBeLessThan(10);
  });
});

describe('the form of a row', () => {
  const column = (name: string, change: Partial<TableInfo['columns'][number]> = {}): TableInfo['columns'][number] => ({
    name,
    kind: 'text',
    text: '',
    unit: null,
    required: false,
    nullable: false,
    preset: '',
    key: false,
    parent: null,
    choices: [],
    own: false,
    ...change,
  });
  const info: TableInfo = {
    table: 'injection',
    className: 'Injection',
    element: 'injection',
    tier: 'manual',
    text: '',
    rows: 0,
    primary: ['id'],
    columns: [
      column('id', { own: true }),
      column('total_volume', { kind: 'real', unit: 'nl', required: true, preset: null }),
      column('virus_id', { kind: 'reference', parent: 'virus', key: true, required: true, preset: null }),
      column('note'),
      column('made_on', { kind: 'day', nullable: true, preset: null }),
    ],
    children: [],
    noInsert: null,
    noUpdate: null,
  };
  const row: TableRow = { key: { id: 4 }, values: [4, 12.5, 7, 'x', null], labels: {}, builtin: false };

  it('saves of a row only what differs, and of a new one all that is filled in', () => {
    const draft = { total_volume: '12.5', note: '', made_on: ' 2026-11-20 ' };
    expect(changedColumns(info, row, draft)).toEqual(['note', 'made_on']);
    expect(valuesToSave(info, row, draft)).toEqual({ note: null, made_on: '2026-11-20' });
    expect(valuesToSave(info, null, { total_volume: '3', virus_id: '7' })).toEqual({ total_volume: '3', virus_id: 7 });
    const [, volume] = info.columns;
    expect(volume === undefined ? '' : shownIn(info, volume, row, {})).toBe('12.5');
  });

  it('says what is wrong at once', () => {
    const problems = info.columns.map((each) =>
      problemOf(each, each.kind === 'day' ? '2026-02-31x' : each.kind === 'real' ? '3 nl' : ''),
    );
    expect(problems).toEqual([
      undefined,
      'Must be a number.',
      'Needed.',
      undefined,
      'Must be a day, as in 2026-11-20.',
    ]);
    expect(columnTitle({ name: 'virus_id', kind: 'reference' })).toBe('Virus');
    expect(columnTitle({ name: 'session_id', kind: 'integer' })).toBe('Session id');
  });
});

describe('a question from views', () => {
  const query = {
    ...emptyQuery,
    join: 'Recording',
    conditions: [
      { id: 1, column: 'subject', is: '=', value: "m1'x" },
      { id: 2, column: 'fps', is: '>', value: '20' },
      { id: 3, column: 'session_id', is: 'is empty', value: '' },
      { id: 4, column: '', is: '=', value: 'left blank' },
    ],
    order: 'fps',
    descending: true,
  } as const;

  it('becomes a selection and the same on the command line', () => {
    expect(selectionOf(query)).toMatchObject({
      view: 'Session',
      join: [{ view: 'Recording', kind: 'inner' }],
      where: [
        { column: 'subject', is: '=', value: "m1'x" },
        { column: 'fps', is: '>', value: 20 },
        { column: 'session_id', isNull: true },
      ],
      order: ['-fps'],
    });
    expect(commandLine(query)).toBe(
      `calyx query Session --join Recording --where 'subject = '\\''m1'\\'''\\''x'\\''' --where 'fps > 20' --where 'session_id is null' --order -fps`,
    );
  });

  it('is saved as CSV that keeps separators, quotes and line ends', () => {
    expect(
      toCsv(
        ['a', 'b'],
        [
          ['x,y', null],
          ['say "no"\n', 1.5],
        ],
      ),
    ).toBe('a,b\r\n"x,y",\r\n"say ""no""\n",1.5\r\n');
  });
});

describe('a list that follows its chosen row', () => {
  const sight = { top: 100, height: 200, head: 24 };
  it('stays where the row is seen whole, to its edges', () => {
    expect(placeInSight({ start: 124, end: 150 }, sight)).toBeUndefined();
    expect(placeInSight({ start: 274, end: 300 }, sight)).toBeUndefined();
  });
  it('is moved by no more than what the head or the end covers', () => {
    expect(placeInSight({ start: 120, end: 146 }, sight)).toBe(96);
    expect(placeInSight({ start: 24, end: 50 }, sight)).toBe(0);
    expect(placeInSight({ start: 280, end: 306 }, sight)).toBe(106);
  });
  it('shows a row that is too tall for it from the row’s beginning, and rests there', () => {
    expect(placeInSight({ start: 274, end: 600 }, sight)).toBe(250);
    expect(placeInSight({ start: 274, end: 600 }, { ...sight, top: 250 })).toBeUndefined();
  });
});
