// SPDX-License-Identifier: MIT
import type { AcquireDevice } from '../contract/index.ts';
import { listDevices } from '../devices/index.ts';

/** Boards that are connected, and the simulated one, with what stands against using them; against one that is held here nothing does. */
export function foundDevices(held: string | null, list: typeof listDevices = listDevices): AcquireDevice[] {
  return list().devices.map(({ id, name, kind, problem }) => ({
    id,
    name,
    simulated: kind === 'simulator',
    problem: id === held ? null : problem,
  }));
}
