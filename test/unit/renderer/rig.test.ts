// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { AcquireReport, AcquireScopeReport } from '../../../main/contract/index.ts';
import { cameraFacts, scopeFacts } from '../../../renderer/screens/acquire/companion-tiles.tsx';
import { commutatorWords } from '../../../renderer/screens/acquire/head-panel.tsx';
import { seenWords } from '../../../renderer/screens/acquire/no-scope.tsx';
import { chosenRecordings, headline, worstOf } from '../../../renderer/screens/acquire/report-page.tsx';
import { rigName, rigWords } from '../../../renderer/screens/acquire/rig-choice.tsx';
import { allDropped, triggerWords } from '../../../renderer/screens/acquire/session-bar.tsx';
import { stackProblem } from '../../../renderer/screens/acquire/stack-row.tsx';
import {
  changeRois,
  chosenOf,
  named,
  roisOf,
  scopesOf,
  takeStatus,
  useAcquire,
  useLiveView,
} from '../../../renderer/stores/acquire.ts';
import { idle } from '../../support/window/fake-acquire.ts';

const quality = { focus: null, saturated: null, meanGrey: null, driftPx: null, bleachingPer10Min: null, advice: [] };
const scope = {
  name: 'PFC',
  type: 'Miniscope_V4_BNO',
  width: 608,
  height: 608,
  controls: [],
  trouble: null,
  fps: 19.98,
  dropped: 2,
  counterAdvances: true,
  bufferWorst: 0,
  orientation: true,
  firmware: null,
  quality,
  saved: null,
};
const camera = { name: 'BehavCam', size: null, wantedFps: 30, fps: null, trouble: null, saved: null };

describe('a rig in words', () => {
  it('names what it has', () => {
    const programs = [{ when: 'stop' as const, file: '/opt/mark', allowed: true }];
    const rig = { id: 'a', problem: null, simulated: false, scopes: [{ name: 'CA1', type: 'V4' }], cameras: ['Side'] };
    expect(rigWords({ ...rig, commutator: null, programs })).toBe(
      '1 scope: CA1 · 1 camera: Side · no commutator · at the end /opt/mark.',
    );
    expect(rigWords({ ...rig, cameras: [], commutator: 'COM3', programs: [] })).toBe(
      '1 scope: CA1 · no camera · commutator at COM3.',
    );
  });

  it('is called as its file, without what a name may not hold', () => {
    expect(rigName('UserConfig_V4: arena.json')).toBe('UserConfig_V4  arena');
    expect(rigName('.json')).toBe('rig');
  });

  it('says what is unknown by a dash', () => {
    expect(cameraFacts(camera)).toBe('no picture · – fps');
    expect(cameraFacts({ ...camera, size: { width: 1280, height: 720 }, fps: 29.97, saved: 1200 })).toBe(
      '1280 × 720 · 30.0 fps · 1,200 saved',
    );
    expect(scopeFacts({ ...scope, dropped: null, fps: null })).toBe('608 × 608 · – fps · dropped –');
    expect(scopeFacts(scope)).toBe('608 × 608 · 19.98 fps · dropped 2');
  });

  it('counts what all scopes dropped, unless one of them does not know', () => {
    const companions = { scopes: [scope, { ...scope, dropped: 1 }], cameras: [], commutator: null };
    expect(allDropped({ dropped: 4, companions })).toBe(7);
    expect(allDropped({ dropped: null, companions })).toBeNull();
    expect(allDropped({ dropped: 4, companions: { ...companions, scopes: [{ ...scope, dropped: null }] } })).toBeNull();
  });

  it('says where commutator, trigger and cameras stand', () => {
    expect(commutatorWords(null)).toBe('commutator: none in this rig');
    expect(commutatorWords({ port: 'COM3', turns: -1.24, trouble: null, text: null })).toBe('commutator −1.2 turns');
    const trouble = { text: 'It is gone.', next: '' };
    expect(commutatorWords({ port: 'COM3', turns: 0, trouble, text: null })).toBe('commutator: It is gone.');
    expect(triggerWords(null)).toBe('trigger input cannot be read');
    expect(triggerWords(false)).toContain('waits for it to rise');
    expect(seenWords(null)).toBe('');
    expect(seenWords([])).toBe('I see no camera either.');
    expect(seenWords(['Integrated Camera'])).toBe('I can see: Integrated Camera.');
  });
});

describe('a stack', () => {
  it('lies inside what the lens reaches', () => {
    const lens = { min: -127, max: 127 };
    expect(stackProblem(-60, 60, 10, lens)).toBeUndefined();
    expect(stackProblem(-60, 200, 10, lens)).toBe('The lens goes from -127 to 127.');
    expect(stackProblem(-60, 60, 0, lens)).toBe('The step must be more than 0.');
    expect(stackProblem(Number('x'), 60, 1, lens)).toMatch(/^Numbers are needed/);
  });
});

describe('the report of several scopes', () => {
  const one: AcquireScopeReport = {
    device: 'CA1',
    startedAt: '2026-11-27T10:00:00.000Z',
    durationS: 10,
    saved: 300,
    expected: 300,
    missing: 0,
    knownMissing: 0,
    gaps: [],
    interruptions: [],
    badOrientations: 0,
    blackFrames: 0,
    unreadCounters: 0,
    counterRestarts: 0,
    corrupt: { short: 0, unended: 0, badHeaders: 0 },
    longestIntervalMs: 34,
    usualIntervalMs: 33,
    jitterMs: 1,
    meanGrey: 80,
    saturatedShare: 0,
    bufferHighWater: 2,
    failure: null,
    stopped: null,
    files: [],
    marks: [],
    series: { timeS: [], mean: [], saturated: [] },
    intervals: { firstMs: 0, binMs: 0.5, counts: [] },
    settings: [],
  };
  const about = { id: 1, sessionUuid: null, importProblem: null, queued: null, folder: 'm12/a', cameras: [] };
  const worst = (...others: AcquireScopeReport[]): AcquireScopeReport =>
    worstOf({ ...one, ...about, others } satisfies AcquireReport);

  it('begins with the one that needs a look: ended, then unknown, then the greatest loss', () => {
    const lost = { ...one, device: 'PFC', saved: 297, missing: 3 };
    const unknown = { ...one, device: 'V1', missing: null, expected: null };
    const ended = { ...one, device: 'M1', stopped: 'The disk is full.' };
    expect(worst().device).toBe('CA1');
    expect(worst(lost).device).toBe('PFC');
    expect(worst(lost, unknown).device).toBe('V1');
    expect(worst(lost, unknown, ended).device).toBe('M1');
    expect(headline(worst(lost))).toBe('Recording saved. 3 of 300 frames are missing.');
  });
});

describe('the scope of a rig that is looked at', () => {
  const device = { id: 'simulator', name: 'V4', type: 'Miniscope_V4_BNO', width: 608, height: 608, simulated: true };
  const first = { ...quality, focus: 0.8, meanGrey: 90 };
  const second = { ...quality, focus: 0.2, meanGrey: 40, driftPx: 9 };
  const status = {
    ...idle,
    mode: 'preview' as const,
    device: { ...device, orientation: false },
    scopeName: 'CA1',
    fps: 30,
    quality: first,
    companions: { scopes: [{ ...scope, quality: second }], cameras: [], commutator: null },
  };

  it('is the chosen one, and the first one where none was chosen or it is gone', () => {
    expect(scopesOf(status).map(({ name }) => name)).toEqual(['CA1', 'PFC']);
    expect(scopesOf({ ...status, device: null })).toEqual([]);
    expect(chosenOf(status, null)).toMatchObject({ name: 'CA1', orientation: false, quality: first });
    expect(chosenOf(status, 'PFC')).toMatchObject({ name: 'PFC', orientation: true, quality: second });
    expect(chosenOf(status, 'V1')?.name).toBe('CA1');
    // A rig of one scope is spoken to without a name, as before.
    expect(named(status, 'PFC')).toEqual({ scope: 'PFC' });
    expect(named({ ...status, companions: idle.companions }, 'CA1')).toEqual({});
  });

  it('has a history of its own', () => {
    takeStatus(status, 1000);
    takeStatus(status, 1400);
    takeStatus(status, 2100);
    const { history } = useAcquire.getState();
    expect(history['CA1']?.map(({ focus }) => focus)).toEqual([0.8, 0.8]);
    expect(history['PFC']?.map(({ driftPx }) => driftPx)).toEqual([9, 9]);
    takeStatus(idle, 3000);
    expect(useAcquire.getState().history).toEqual({});
  });

  it('has regions of its own', () => {
    const roi = { x: 1, y: 2, width: 24, height: 24 };
    changeRois('CA1', () => [roi]);
    changeRois('PFC', (rois) => [...rois, { ...roi, x: 9 }]);
    expect(roisOf('CA1')(useLiveView.getState())).toEqual([roi]);
    expect(roisOf('PFC')(useLiveView.getState())).toEqual([{ ...roi, x: 9 }]);
    expect(roisOf('V1')(useLiveView.getState())).toBe(roisOf('V2')(useLiveView.getState()));
  });

  it('is one of those whose recordings are processed', () => {
    const recordings = [
      { uuid: 'a', device: 'CA1' },
      { uuid: 'b', device: 'PFC_left' },
    ];
    expect(chosenRecordings(recordings, ['CA1', 'PFC left'])).toEqual(['a', 'b']);
    expect(chosenRecordings(recordings, ['PFC left'])).toEqual(['b']);
  });
});
