// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import {
  choosePreset,
  parameterSpecs,
  presetOf,
  presets,
  readForm,
  readValue,
  requestValues,
  shownValue,
} from '../../../renderer/stores/parameters.ts';
import type { RunRow, SessionRow } from '../../../main/contract/index.ts';
import { runTitle } from '../../../renderer/stores/run-titles.ts';
import { whyNot } from '../../../renderer/screens/process/candidates.ts';

const spec = (name: string) => parameterSpecs.find((each) => each.name === name)!;

describe('the form of a run', () => {
  it('has the neuron diameter, the frame range and the memory limit in front', () => {
    const front = parameterSpecs.filter((each) => !each.advanced).map((each) => each.name);
    for (const name of ['diameterPx', 'firstFrame', 'lastFrame', 'memoryBytes']) expect(front).toContain(name);
  });
  it('asks for nothing but the limits of the machine while all is at its default', () => {
    const { parameters, budget } = requestValues(readForm({}, {}));
    expect(parameters).toEqual({});
    expect(budget).toEqual({ memoryBytes: spec('memoryBytes').default });
  });
  it('knows yes and no', () => {
    const changed = readForm({ removeRowNoise: 'yes', normaliseLight: 'yes' }, {});
    expect(requestValues(changed).parameters).toEqual({ removeRowNoise: true });
    expect(shownValue(spec('normaliseLight'), true)).toBe('yes');
    expect(readForm({ normaliseLight: 'perhaps' }, {}).find((field) => field.problem !== undefined)?.problem).toBe(
      'Yes or no.',
    );
  });

  it('takes places as row and column, and says which is none', () => {
    const given = readForm({ givenSeeds: ' 1.5,20; 3,4 ;' }, {});
    expect(requestValues(given).parameters).toEqual({ givenSeeds: '1.5,20;3,4' });
    expect(readForm({ givenSeeds: '1,2;3' }, {}).find((field) => field.problem !== undefined)?.problem).toBe(
      '“3” is no place: row,column, with ; between them.',
    );
    expect(requestValues(readForm({ givenSeeds: '' }, {})).parameters).toEqual({});
  });

  it('takes a changed value, and the default again when the same is typed', () => {
    const changed = readForm({ diameterPx: '8,5' }, {});
    expect(requestValues(changed).parameters).toEqual({ diameterPx: 8.5 });
    const same = readForm({ maxShiftPx: shownValue(spec('maxShiftPx'), spec('maxShiftPx').default) }, {});
    expect(same.filter((field) => field.changed)).toEqual([]);
  });
  it('shows memory in gigabytes', () => {
    expect(shownValue(spec('memoryBytes'), 3 * 1024 ** 3)).toBe('3');
    expect(readValue(spec('memoryBytes'), '1.5')).toEqual({ value: 1.5 * 1024 ** 3 });
  });
  it('says what would be right', () => {
    expect(readValue(spec('diameterPx'), 'big')).toEqual({ problem: '“big” is not a number.' });
    expect(readValue(spec('diameterPx'), '1')).toEqual({
      problem: `At least ${String(spec('diameterPx').minimum)} px.`,
    });
    expect(readValue(spec('rounds'), '2.5')).toEqual({ problem: 'Only whole numbers here.' });
    expect(readValue(spec('rounds'), '')).toEqual({ problem: 'A number is needed here.' });
    expect(readValue(spec('diameterPx'), ' ')).toEqual({ value: null });
  });
  it('knows that a range must lie inside the input and not run backwards', () => {
    const field = (typed: Record<string, string>, name: string) =>
      readForm(typed, { frames: 600 }).find((each) => each.spec.name === name)!;
    expect(field({ lastFrame: '599' }, 'lastFrame').problem).toBeUndefined();
    expect(field({ lastFrame: '600' }, 'lastFrame').problem).toBe('The input has frames 0 to 599.');
    expect(field({ firstFrame: '50', lastFrame: '20' }, 'lastFrame').problem).toBe(
      'Must not be before the first frame, 50.',
    );
  });
});

function session(name: string, subject: string | null, width = 320): SessionRow {
  const uuid = '0198a000-0001-7000-8000-000000000001';
  return {
    uuid,
    name,
    subject,
    startedAt: null,
    tzOffsetMin: null,
    importedAt: '2026-11-21T08:00:00Z',
    recordings: [
      {
        uuid,
        sessionUuid: uuid,
        device: 'Miniscope',
        deviceType: 'Miniscope_V4_BNO',
        frames: 600,
        height: 240,
        width,
        fps: 20,
        durationS: 30,
        codec: 'FFV1',
        films: [],
      },
    ],
    findings: [],
    runs: 0,
    cells: 0,
    decided: 0,
    sample: false,
    filesPresent: true,
  };
}

describe('why a run cannot start', () => {
  const of = (row: SessionRow) => ({ session: row, recording: row.recordings[0]! });
  const fields = readForm({}, {});
  it('is said: nothing chosen, films moved, other sizes, wrong settings', () => {
    expect(whyNot([], fields)).toBe('Choose a recording first.');
    expect(whyNot([of({ ...session('a', null), filesPresent: false })], fields)).toContain('not where they were');
    expect(whyNot([of(session('a', null)), of(session('b', null, 608))], fields)).toContain('b is 608 × 240 px');
    expect(whyNot([of(session('a', null))], readForm({ diameterPx: 'x' }, {}))).toContain('Neuron diameter');
    expect(whyNot([of(session('a', null))], fields)).toBeUndefined();
  });
});

describe('the title of a run', () => {
  it('numbers the runs of one session from the oldest, whatever their order in the list', () => {
    const run = (uuid: string, sessionUuid: string, createdAt: string): RunRow => ({
      uuid,
      sessionUuid,
      recordingUuids: [],
      name: 'Miniscope',
      state: 'succeeded',
      createdAt,
      startedAt: null,
      endedAt: null,
      cells: null,
      suggested: null,
      decided: 0,
      engineVersion: null,
      error: null,
    });
    const runs = [
      run('c', 's', '2026-11-21T09:00:02Z'),
      run('x', 'other', '2026-11-21T09:00:01Z'),
      run('a', 's', '2026-11-21T09:00:00Z'),
    ];
    expect(runs.map((each) => runTitle(each, runs))).toEqual([
      'Miniscope, run 2',
      'Miniscope, run 1',
      'Miniscope, run 1',
    ]);
  });
});

describe('presets', () => {
  const preset = (name: string) => presets.find((candidate) => candidate.name === name) ?? presets[0]!;

  it('set what they are about, leave the rest, and come off again', () => {
    const strict = choosePreset({ rounds: '3', minSnr: '1' }, preset('strict'));
    expect(requestValues(readForm(strict, {})).parameters).toEqual({ rounds: 3, ...preset('strict').values });
    expect(presetOf(readForm(strict, {}))?.name).toBe('strict');
    const balanced = choosePreset(strict, preset('balanced'));
    expect(requestValues(readForm(balanced, {})).parameters).toEqual({ rounds: 3 });
  });

  it('are recognised by their values, whoever typed them', () => {
    expect(presetOf(readForm({}, {}))?.name).toBe('balanced');
    expect(presetOf(readForm({ minSnr: '3' }, {}))?.name).toBe('balanced');
    expect(presetOf(readForm({ minSnr: '4' }, {}))).toBeUndefined();
    expect(presetOf(readForm({ minSnr: 'four' }, {}))).toBeUndefined();
  });
});
