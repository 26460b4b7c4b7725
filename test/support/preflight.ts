// SPDX-License-Identifier: MIT
import type { CaptureState } from '../../main/acquisition/capture-messages.ts';
import { firstPlan } from '../../main/acquisition/plan.ts';
import type { PreflightFacts } from '../../main/acquisition/preflight.ts';
import type { AcquireScope } from '../../main/contract/index.ts';

/** What was planned for {@link soundFacts}. */
export const soundPlan = { ...firstPlan('data'), animal: 'm12', experiment: 'linear track', researcher: 'EE' };

/** Light and frame rate of a scope that is well. @param light - in per cent */
export const soundControls = (light: number): AcquireScope['controls'] => [
  {
    name: 'led0',
    label: 'LED',
    unit: '%',
    kind: 'range',
    min: 0,
    max: 100,
    step: 1,
    options: [],
    shown: light,
    number: light,
  },
  {
    name: 'frameRate',
    label: 'Frame rate',
    unit: 'fps',
    kind: 'choice',
    min: 0,
    max: 0,
    step: 0,
    options: ['30FPS'],
    shown: '30FPS',
    number: 30,
  },
];

/** A scope that runs as it should, before a recording. */
export const soundState: CaptureState = {
  connected: true,
  connecting: null,
  controls: soundControls(12),
  lightOff: false,
  trouble: null,
  fps: 29.97,
  counterFps: 29.97,
  dropped: 0,
  bufferWorst: 0.03,
  counterAdvances: true,
  firmware: 'stock firmware, interface version 2',
  recording: null,
  quality: { focus: 0.7, saturated: 0.0002, meanGrey: 90, driftPx: 0, bleachingPer10Min: null, advice: [] },
  stack: null,
  companions: { scopes: [], cameras: [], commutator: null },
  trigger: null,
};
/** A rig with nothing against it. */
export const soundFacts: PreflightFacts = {
  device: { name: 'Miniscope V4', simulated: true, width: 608, height: 608, speedMbps: null },
  state: soundState,
  plan: soundPlan,
  rig: null,
  clock: { apartMs: 3, overS: 3600 },
  folderPreview: 'EE/linear_track/m12/2026_11_27/10_00_00',
  dataFolder: '/data/rig',
  write: { bytesPerS: 400e6 },
  writeProblem: null,
  freeBytes: 1e12,
  folderTaken: false,
};
