// SPDX-License-Identifier: MIT
import { type AcquireStatus, AppError } from '../../../main/contract/index.ts';
import type { CoreClient } from '../../../renderer/client/types.ts';

/** What the instrument says without a scope. */
export const idle: AcquireStatus = {
  mode: 'idle',
  device: null,
  connecting: null,
  controls: [],
  lightOff: false,
  trouble: null,
  scopeName: 'Miniscope',
  companions: { scopes: [], cameras: [], commutator: null },
  trigger: null,
  rig: null,
  fps: null,
  dropped: null,
  bufferWorst: 0,
  disk: null,
  recording: null,
  nextInS: null,
  quality: { focus: null, saturated: null, meanGrey: null, driftPx: null, bleachingPer10Min: null, advice: [] },
  messages: [],
  plan: {
    researcher: '',
    experiment: '',
    animal: '',
    folder: { root: 'home', path: 'Calyx recordings' },
    lengthS: 1200,
    compression: 'FFV1',
    startBy: 'hand',
    segments: { count: 1, everyS: 3600 },
    markers: [],
    processWith: null,
    rig: null,
  },
  folderPreview: '2026_11_23/12_03_20',
  reportId: null,
};

const simulator = {
  id: 'simulator',
  name: 'Simulated Miniscope V4',
  simulated: true,
  problem: null,
  scopeType: 'Miniscope_V4_BNO',
};

const refuse = (): Promise<never> => Promise.reject(new AppError('acquire.not_now', 'This window has no scope.'));

/** A rig with nothing on it. */
export function fakeAcquire(): CoreClient['acquire'] {
  return {
    devices: () => Promise.resolve([simulator]),
    watchDevices: (_input, options) =>
      (async function* devices() {
        yield [simulator];
        await new Promise<void>((resolve) => options?.signal?.addEventListener('abort', () => resolve()));
      })(),
    cameras: () => Promise.resolve({ names: ['Integrated Camera'] }),
    scopeTypes: () => Promise.resolve([{ type: 'Miniscope_V4_BNO', label: 'Miniscope V4', width: 608, height: 608 }]),
    identify: refuse,
    status: (_input, options) =>
      (async function* statuses() {
        yield idle;
        await new Promise<void>((resolve) => options?.signal?.addEventListener('abort', () => resolve()));
      })(),
    connect: refuse,
    disconnect: refuse,
    set: refuse,
    rois: refuse,
    rigText: refuse,
    plan: () => Promise.resolve(idle.plan),
    preflight: refuse,
    start: refuse,
    stop: refuse,
    note: refuse,
    screenshot: refuse,
    stack: refuse,
    report: () => Promise.resolve(null),
    process: refuse,
    again: refuse,
    practise: refuse,
    remote: () => Promise.resolve({ on: false, address: null, token: null }),
    ticket: refuse,
  };
}
