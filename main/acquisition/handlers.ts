// SPDX-License-Identifier: MIT
import { type acquireApi, given } from '../contract/index.ts';
import { camerasSeen } from '../devices/index.ts';
import type { Handlers } from '../rpc/index.ts';
import type { Acquisition } from './service.ts';

/** Whether other programs may drive the rig, and with what token. */
export interface RemoteControl {
  readonly set: (on: boolean | undefined) => {
    readonly on: boolean;
    readonly address: string | null;
    readonly token: string | null;
  };
}

/** Serves `acquire.*`. */
export function createAcquireHandlers(
  acquisition: Acquisition,
  remote: RemoteControl,
): Handlers<typeof acquireApi.procedures> {
  const done = async (act: Promise<unknown>): Promise<Record<string, never>> => {
    await act;
    return {};
  };
  return {
    devices: () => Promise.resolve(acquisition.devices()),
    watchDevices: (_input, { signal }) => acquisition.followDevices(signal),
    cameras: async () => {
      const names = await camerasSeen();
      return { names: names === null ? null : [...names] };
    },
    scopeTypes: () => Promise.resolve(acquisition.scopeTypes()),
    identify: ({ deviceId, scopeType }) => done(acquisition.identify(deviceId, scopeType)),
    status: (_input, { signal }) => acquisition.follow(signal),
    connect: ({ deviceId, scopeType, boards }) => done(acquisition.connect(deviceId, scopeType, boards)),
    disconnect: () => done(acquisition.disconnect()),
    set: async ({ control, value, scope }) => ({ shown: await acquisition.set(control, value, scope) }),
    rigText: () => Promise.resolve(acquisition.rigText()),
    rois: ({ rois, scope }) => done(acquisition.rois(rois, scope)),
    plan: ({ change }) => acquisition.plan(given(change)),
    preflight: () => acquisition.preflight(),
    start: () => acquisition.start(),
    stop: () => done(acquisition.stop()),
    note: ({ text }) => done(acquisition.note(text)),
    screenshot: ({ scope }) => acquisition.screenshot(scope),
    stack: ({ scope, ...wish }, { signal }) => acquisition.stack(wish, signal, scope),
    report: () => Promise.resolve(acquisition.report),
    process: async ({ preset, devices }) => ({ runUuids: [...(await acquisition.process(preset, devices))] }),
    again: () => done(acquisition.again()),
    practise: ({ act, scope }) => done(acquisition.practise(act, scope)),
    remote: ({ on }) => Promise.resolve(remote.set(on)),
    ticket: () => acquisition.ticket(),
  };
}
