// SPDX-License-Identifier: MIT
import type { CoreClient, OpenStream, Packet } from '../../../renderer/client/types.ts';

type Guard = <T>(answer: () => T) => Promise<T>;
type Single = <H>(packet: () => Omit<Packet<H>, 'skipped'>) => OpenStream<H, never>;

const none = (): Promise<never> => Promise.reject(new Error('the stand-in has no second readings and keeps no limits'));

/** Nothing was recorded beside the stand-in's run. */
export function fakeRecorded(guard: Guard, single: Single): CoreClient['recorded'] {
  return {
    motion: () => guard(() => null),
    integrity: () => guard(() => []),
    cameras: () => guard(() => []),
    cameraFrames: () => single(() => ({ header: { frames: 0 }, bytes: new Uint8Array(0) })),
    head: () => single(() => ({ header: { frames: 0, known: 0 }, bytes: new Uint8Array(0) })),
  };
}

/** Nobody reads the stand-in's run a second time; what was learned is made up. */
export function fakeReadings(
  guard: Guard,
): Pick<
  CoreClient['review'],
  'agreement' | 'learn' | 'beginReading' | 'finishReading' | 'limits' | 'keepLimits' | 'settle'
> {
  return {
    agreement: () => guard(() => ({ raters: [], pairs: [], settled: [] })),
    learn: () =>
      guard(() => ({ runs: 1, accepted: 20, rejected: 20, accuracy: 0.9, balancedAccuracy: 0.9, weights: [] })),
    beginReading: none,
    finishReading: none,
    limits: () => guard(() => null),
    keepLimits: none,
    settle: none,
  };
}
