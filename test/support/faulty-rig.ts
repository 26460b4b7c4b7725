// SPDX-License-Identifier: MIT
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import path from 'node:path';
import { expect, vi } from 'vitest';
import { type FaultName, Miniscope, practiceScope, readCatalogue, scopeType } from '../../main/devices/index.ts';
import { probeFilm, startFilm } from '../../main/media/index.ts';
import {
  diskFaultNames,
  type DiskFaultName,
  failingDisk,
  faultsText,
  type IntegrityReport,
  lossText,
  type RigScope,
  ScopeFeed,
  simulatorRig,
  systemDisk,
} from '../../main/recording/index.ts';
import { manualClock } from './manual-clock.ts';

const type = scopeType(readCatalogue(), 'Miniscope_V4_BNO');
/** A frame is longer than a page of memory: black ones must not be taken for pages that never came. */
const roi = { leftEdge: 0, topEdge: 0, width: 96, height: 64 };
const scope: RigScope = { ...simulatorRig.scopes[0]!, compression: 'GREY', roi };

/** What a recording with faults ended as. */
export interface FaultyRecording {
  readonly folder: string;
  readonly report: IntegrityReport;
  /** What a person was told while it went on, and at its end. */
  readonly told: readonly string[];
  /** Numbers that the pictures of the film carry: which of the board's frames survived, byte by byte. */
  readonly pictures: readonly number[];
}

/**
 * Records the simulated scope on a clock that nobody waits for. Each picture carries its number: the board's count of frames when it was taken, from `firstPicture` of the
 * recording on.
 */
export async function recordWithFaults(
  data: string,
  seconds: number,
  faults: readonly (readonly [name: FaultName | DiskFaultName, atS: number])[],
): Promise<FaultyRecording> {
  const clock = manualClock();
  await clock.advance(1000);
  let drawn = 0;
  const practice = practiceScope(type, clock, {
    draw: (_frame, { light }, out) => {
      out.fill(light > 0 ? 60 : 2);
      new DataView(out.buffer).setUint32(0, drawn);
      drawn += 1;
    },
    [Symbol.dispose]: () => undefined,
  });
  const { disk, fault: failDisk } = failingDisk(systemDisk(startFilm), clock);
  const feed = new ScopeFeed();
  const told: string[] = [];
  const miniscope = new Miniscope({
    type,
    clock,
    settings: scope.settings,
    open: async () => feed.opened(await practice.open()),
    onFrame: feed.onFrame,
    onEvent: (event) => {
      told.push(event.message);
      feed.onEvent(event);
    },
  });
  /** Lets time pass until something is done, so many milliseconds at most: what the disk takes is no time of the recording. */
  const meanwhile = async <T>(act: Promise<T>, mostMs = 4000): Promise<T> => {
    const done = { is: false };
    void act
      .finally(() => {
        done.is = true;
      })
      .catch(() => undefined);
    for (let ms = 0; !done.is && ms < mostMs; ms += 50) await clock.advance(50);
    return await act;
  };
  const raise = (name: FaultName | DiskFaultName): void => {
    if (diskFaultNames.some((candidate) => candidate === name)) failDisk(name as DiskFaultName);
    else practice.fault(name as FaultName);
  };
  try {
    if (faults.some(([name]) => name === 'counter-wrap')) practice.fault('counter-wrap');
    await meanwhile(miniscope.connect());
    const session = feed.session(miniscope);
    const plan = { rig: simulatorRig, scope, type, dataDirectory: data, settings: miniscope.settings };
    const now = (): Date => new Date(Date.UTC(2026, 9, 10, 7, 30) + Number(clock.nowNs() / 1_000_000n));
    const recording = await session.start(plan, {
      clock,
      now,
      startFilm,
      programVersion: '0.0.0',
      disk,
      onLoss: (text) => told.push(text),
    });
    const due = faults.filter(([name]) => name !== 'counter-wrap');
    for (let ms = 0; ms < seconds * 1000 && recording.stopped === null; ms += 50) {
      for (const [name] of due.filter(([, atS]) => atS * 1000 === ms)) {
        // What was saved is with the system by then, however busy this computer is.
        if (name === 'full-disk') await vi.waitFor(() => expect(rowsOf(recording.folder)).toBe(recording.saved), 5000);
        raise(name);
      }
      await clock.advance(50);
    }
    const report = await meanwhile(session.stop(), 700);
    if (report === null) throw new Error('no report');
    await meanwhile(miniscope[Symbol.asyncDispose]());
    const device = path.join(recording.folder, 'Miniscope');
    const ended = report.failure ?? report.stopped;
    return {
      folder: recording.folder,
      report,
      told: [...told, ...(ended === null ? [] : [ended]), `${lossText(report)}${faultsText(report)}`],
      pictures: await numbers(path.join(device, '0.avi')),
    };
  } finally {
    practice[Symbol.dispose]();
  }
}

const rowsOf = (folder: string): number =>
  readFileSync(path.join(folder, 'Miniscope', 'timeStamps.csv'), 'utf8')
    .trimEnd()
    .split('\n').length - 1;

/** The numbers that the pictures of a raw film carry. */
async function numbers(film: string): Promise<readonly number[]> {
  const { frames } = await probeFilm(film);
  const found: number[] = [];
  const file = openSync(film, 'r');
  try {
    // Chunks of a raw film: eight bytes of name and length, then rows.
    const size = roi.width * roi.height;
    const whole = Buffer.alloc(frames * (size + 8) + 65_536);
    const read = readSync(file, whole, 0, whole.length, 0);
    for (let at = whole.indexOf('movi') + 4; found.length < frames && at < read;) {
      const length = whole.readUInt32LE(at + 4);
      if (length === size) found.push(whole.readUInt32BE(at + 8));
      at += 8 + length + (length & 1);
    }
  } finally {
    closeSync(file);
  }
  return found;
}
