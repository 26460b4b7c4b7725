// SPDX-License-Identifier: MIT
import type { Firmware, Resolved, ScopeType } from '../devices/index.ts';
import type { Rig, RigScope } from './rig.ts';
import { startTime } from './session-folder.ts';

/** `metaData.json` of a session (acquisition.md 4.2): the folder's tokens by name, who, what, when, and the devices. */
export function baseMetadata(
  rig: Rig,
  devices: { readonly miniscopes: readonly string[]; readonly cameras: readonly string[] },
  folder: string,
  start: Date,
): Readonly<Record<string, unknown>> {
  const tokens = rig.directoryStructure.filter((token) => !['date', 'time'].includes(token.toLowerCase()));
  return {
    ...Object.fromEntries(tokens.map((token) => [token, rig.texts[token] ?? ''])),
    researcherName: rig.researcherName,
    experimentName: rig.experimentName,
    animalName: rig.animalName,
    baseDirectory: folder,
    recordingStartTime: startTime(start),
    miniscopes: [...devices.miniscopes].sort(),
    cameras: [...devices.cameras].sort(),
    ...(rig.behaviorTracker === null ? {} : { behaviorTracker: rig.behaviorTracker }),
  };
}

/** `metaData.json` of a scope (acquisition.md 4.3). `frameRate` and `gain` as labels, and always a ROI: the field's loaders count on both. */
export function deviceMetadata(
  scope: RigScope,
  type: ScopeType,
  settings: ReadonlyMap<string, Resolved>,
  folder: string,
): Readonly<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  for (const [name, { shown, number }] of settings)
    values[name] = name === 'frameRate' ? rateLabel(shown, number) : shown;
  values['frameRate'] ??= '30FPS';
  values['gain'] ??= 'Low';
  return {
    deviceName: scope.name,
    deviceType: type.type,
    deviceID: scope.deviceId,
    deviceDirectory: folder,
    framesPerFile: scope.framesPerFile,
    compression: scope.compression,
    ROI: scope.roi ?? { leftEdge: 0, topEdge: 0, width: type.width, height: type.height },
    ...values,
  };
}

const rateLabel = (shown: string | number, fps: number): string => (typeof shown === 'string' ? shown : `${fps}FPS`);

/** What ties the monotonic clock of `calyxFrames.csv` to the wall clock, what the pixels are, and what a repair needs: `calyx.json` of a device. */
export function clockAnchors(
  about: {
    readonly programVersion: string;
    readonly simulated: boolean;
    readonly firmware?: Firmware;
    /** `metaData.json` of the session and of the device, from which a recovery makes them again. */
    readonly metaData: { readonly session: unknown; readonly device: unknown };
  },
  times: {
    readonly start: Date;
    readonly startNs: bigint;
    readonly end: { readonly at: Date; readonly ns: bigint } | null;
  },
): Readonly<Record<string, unknown>> {
  const { start, startNs, end } = times;
  const elapsedMs = end === null ? null : Number(end.ns - startNs) / 1e6;
  return {
    formatVersion: 1,
    program: `Calyx ${about.programVersion}`,
    rawLuma: true,
    simulated: about.simulated,
    ...(about.firmware === undefined ? {} : { firmware: about.firmware }),
    startMonotonicNs: String(startNs),
    startUnixMs: start.getTime(),
    tzOffsetMin: -start.getTimezoneOffset(),
    metaData: about.metaData,
    ...(end === null || elapsedMs === null
      ? {}
      : {
          endMonotonicNs: String(end.ns),
          endUnixMs: end.at.getTime(),
          driftMs: Math.round((end.at.getTime() - start.getTime() - elapsedMs) * 1000) / 1000,
        }),
  };
}
