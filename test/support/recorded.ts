// SPDX-License-Identifier: MIT
import path from 'node:path';
import { readCatalogue, resolveSetting, type ScopeFrame, type ScopeType, scopeType } from '../../main/devices/index.ts';
import { startFilm } from '../../main/media/index.ts';
import { type Disk, Recording, simulatorRig, systemDisk } from '../../main/recording/index.ts';
import { manualClock, type ManualClock } from './manual-clock.ts';

/** A small frame, so that hundreds of recordings take seconds. */
export const smallType: ScopeType = { ...scopeType(readCatalogue(), 'Miniscope_V4_BNO'), width: 64, height: 48 };
/** Settings that the practice rig begins with. */
export const practiceSettings = new Map(
  Object.entries(simulatorRig.scopes[0]!.settings).map(([name, setting]) => [
    name,
    resolveSetting(smallType, name, setting),
  ]),
);

/** Grey levels of frame n: above 0 everywhere, as a sensor's dark level is, and different in each frame. */
export function picture(n: number): Uint8Array {
  return Uint8Array.from({ length: 64 * 48 }, (_, p) => 4 + ((p * 7 + n * 13 + (p >> 6) * n) % 240));
}

/** A recording under way with the real writer of films. */
export interface UnderWay {
  readonly clock: ManualClock;
  readonly recording: Recording;
  readonly device: string;
  /** Lets so many frames come, 50 ms apart; `more` changes them. */
  readonly come: (frames: number, more?: Partial<ScopeFrame>) => Promise<void>;
}

/** Begins a recording of small frames on a clock that a test moves. */
export async function beginRecording(options: {
  readonly data: string;
  readonly compression: 'FFV1' | 'GREY';
  readonly framesPerFile?: number;
  readonly disk?: Disk;
  readonly plannedS?: number;
  /** Made already, and empty. */
  readonly folder?: string;
}): Promise<UnderWay> {
  const clock = manualClock();
  await clock.advance(1000);
  const scope = {
    ...simulatorRig.scopes[0]!,
    compression: options.compression,
    framesPerFile: options.framesPerFile ?? 1000,
  };
  const recording = await Recording.start(
    {
      rig: simulatorRig,
      scope,
      type: smallType,
      dataDirectory: options.data,
      settings: practiceSettings,
      plannedS: options.plannedS ?? null,
      ...(options.folder === undefined ? {} : { folder: options.folder }),
    },
    {
      clock,
      now: () => new Date(Date.UTC(2026, 9, 10, 7, 30) + Number(clock.nowNs() / 1_000_000n)),
      startFilm,
      programVersion: '0.0.0',
      disk: options.disk ?? systemDisk(startFilm),
    },
  );
  let n = 0;
  let counter = 0;
  const come = async (frames: number, more: Partial<ScopeFrame> = {}): Promise<void> => {
    for (let left = frames; left > 0; left -= 1) {
      counter += 1 + (more.lost ?? 0);
      await clock.advance(50 * (1 + (more.lost ?? 0)));
      const lastNs = clock.nowNs();
      recording.frame({
        pixels: picture(n),
        firstNs: lastNs - 22_000_000n,
        lastNs,
        rawCounter: counter & 0xffff,
        counter,
        lost: 0,
        restarted: false,
        orientation: { quaternion: { w: 1, x: 0, y: 0, z: 0 }, normError: 0, good: true },
        deviceMs: null,
        inputs: null,
        ...more,
      });
      n += 1;
    }
  };
  return { clock, recording, device: path.join(recording.folder, 'Miniscope'), come };
}

/** What a scope's session says of its board when nothing happened. */
export const nothingHappened = { corrupt: { short: 0, unended: 0, badHeaders: 0 }, counterRestarts: 0 };
