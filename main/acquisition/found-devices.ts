// SPDX-License-Identifier: MIT
import type { AcquireDevice } from '../contract/index.ts';
import { listDevices } from '../devices/index.ts';

/** Boards that are connected, and the simulated one, with what stands against using them. */
export function foundDevices(): AcquireDevice[] {
  return listDevices().map(({ id, name, kind, problem }) => ({
    id,
    name,
    simulated: kind === 'simulator',
    problem:
      problem ??
      (kind === 'simulator'
        ? null
        : {
            message: 'Calyx cannot record from a real board yet.',
            fix: 'Use the simulated scope to practise; real boards come with the USB back-end.',
          }),
  }));
}
