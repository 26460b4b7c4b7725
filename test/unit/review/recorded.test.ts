// SPDX-License-Identifier: MIT
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunPart } from '../../../main/review/run-parts.ts';
import { camerasOf, headOf, mapFrames } from '../../../main/review/beside.ts';
import { integrityOf } from '../../../main/review/integrity.ts';
import { columnExtremes, motionOf } from '../../../main/review/motion.ts';
import { RunFolder } from '../../../main/review/run-folder.ts';
import { frameInRun } from '../../../main/review/run-parts.ts';
import { temporaryFolder } from '../../support/library.ts';
import { writeReviewRun } from '../../support/review-library.ts';

/** Frames 10 to 19 of a recording whose films lie in a folder of their own, as the run's frames 4 to 13. */
function part(): RunPart & { readonly folder: string } {
  const folder = path.join(temporaryFolder('calyx-recorded-'), 'Miniscope');
  mkdirSync(folder, { recursive: true });
  const recording = { device: 'Miniscope', files: [{ path: path.join(folder, '0.avi'), frames: 30, bytes: 1 }] };
  return { recording, session: {}, start: 4, frames: 10, firstFrame: 10, folder } as unknown as RunPart & {
    readonly folder: string;
  };
}

const rows = (count: number, row: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => row(n)).join('\n');

describe('the motion of a run', () => {
  it('is the least and the most of each column; a column without a number is unknown', () => {
    const values = [0, 9, 5, -3, Number.NaN, Number.NaN, 1, 1];
    expect(columnExtremes(values, 8, 4)).toEqual({ low: [0, -3, null, 1], high: [9, 5, null, 1] });
    // Every second value, from the second on.
    expect(columnExtremes(values, 4, 2, { step: 2, offset: 1 })).toEqual({ low: [-3, 1], high: [9, 1] });
    expect(columnExtremes([2], 1, 1)).toEqual({ low: [2], high: [2] });
  });

  it('comes with what the engine reports, and without what it did not write', async () => {
    const folder = temporaryFolder('calyx-motion-');
    writeReviewRun(folder, { cells: 1, frames: 300 });
    const motion = await motionOf(await RunFolder.open(folder), 1000);
    expect(motion?.frames).toHaveLength(300);
    expect(motion?.quality).toHaveLength(300);
    expect(motion?.report).toMatchObject({ crispness: { recorded: 210, rigid: 260 }, rotation: { largestDeg: 0.4 } });
    writeFileSync(path.join(folder, 'motion_report.json'), JSON.stringify({ crispness: 'sharp', unsureShare: 0.5 }));
    const odd = await motionOf(await RunFolder.open(folder), 10);
    expect(odd?.report).toMatchObject({ crispness: null, unsureShare: 0.5, shiftPx: null });
  });

  it('is none where nothing was registered', async () => {
    const folder = temporaryFolder('calyx-motion-');
    writeReviewRun(folder, { cells: 1, frames: 300 }, (manifest) => ({
      ...manifest,
      files: (manifest['files'] as { path: string }[]).filter((file) => file.path !== 'motion.npy'),
    }));
    expect(await motionOf(await RunFolder.open(folder), 10)).toBeNull();
  });
});

describe('the integrity of a recording', () => {
  it('is its report, with each gap at the frame of the run after it', async () => {
    const one = part();
    const report = {
      saved: 30,
      expected: 33,
      missing: 3,
      gaps: [
        { afterFrame: 11, frames: 2, timeS: 0.6, where: 'link' },
        { afterFrame: 25, frames: 1, timeS: 1.3, where: 'disk' },
      ],
    };
    writeFileSync(path.join(one.folder, 'integrity.json'), JSON.stringify(report));
    expect(await integrityOf(one, true)).toMatchObject({
      source: 'report',
      expected: 33,
      missing: 3,
      jitterMs: null,
      gaps: [
        { frame: 6, frames: 2, where: 'link' },
        { frame: null, frames: 1, where: 'disk' },
      ],
    });
    expect([9, 10, 19, 20].map((frame) => frameInRun(one, frame))).toEqual([null, 4, 13, null]);
  });

  it('is what the board’s counter says where there is no report, or a damaged one', async () => {
    const one = part();
    const stamps = rows(30, (n) => `${n},${n * 50},0,${n < 15 ? n : n + 4}`);
    writeFileSync(
      path.join(one.folder, 'timeStamps.csv'),
      `Frame Number,Time Stamp (ms),Buffer Index,DAQ Frame Number\n${stamps}\n`,
    );
    const found = await integrityOf(one, true);
    expect(found).toMatchObject({ source: 'time-stamps', saved: 30, missing: 4, expected: 34 });
    expect(found.gaps).toMatchObject([{ frame: 9, frames: 4 }]);
    writeFileSync(path.join(one.folder, 'integrity.json'), '{"saved": 30');
    expect(await integrityOf(one, true)).toMatchObject({
      missing: 4,
      note: expect.stringContaining('cannot be read') as string,
    });
  });

  it('says that nothing is known where nothing is written down, and that the disk is away', async () => {
    const one = part();
    expect(await integrityOf(one, true)).toMatchObject({ source: 'none', missing: null, saved: null });
    expect(await integrityOf(one, false)).toMatchObject({
      source: 'none',
      note: expect.stringContaining('not on this machine') as string,
    });
  });
});

describe('what was recorded beside', () => {
  it('tells cameras apart by folder, and by name within one; tables are no films', () => {
    const film = (name: string) => ({ path: name, offsetS: 0, rate: 1 });
    expect(
      camerasOf(
        ['/s/Cam_1/0.avi', '/s/Cam_1/1.avi', '/s/Cam_2/0.avi', '/s/behavCam1.avi', '/s/events.csv'].map(film),
      ).map(({ name, films }) => [name, films.length]),
    ).toEqual([
      ['Cam_1', 2],
      ['Cam_2', 1],
      ['behavCam', 1],
    ]);
  });

  it('is shown by the nearest moment of each clock, and not at all where a camera saw nothing', () => {
    const times = Float64Array.from({ length: 40 }, (_, frame) => frame * 0.05);
    // 10 Hz, begins half a second late, and pauses for a second.
    const camera = Float64Array.from([0.5, 0.6, 0.7, Number.NaN, 1.7, 1.8]);
    const map = mapFrames([{ start: 0, frames: 40 }], times, [camera]);
    expect([...map.subarray(0, 7)]).toEqual([-1, -1, -1, -1, -1, -1, -1]);
    expect([map[10], map[12], map[14]]).toEqual([0, 1, 2]);
    expect(map[24]).toBe(-1);
    expect([map[34], map[36], map[39]]).toEqual([4, 5, 5]);
    expect([...mapFrames([{ start: 0, frames: 40 }], times, [null])]).toEqual(Array.from({ length: 40 }, () => -1));
  });

  it('is the head as its sensor measured it; what is no rotation is not known', async () => {
    const one = part();
    const turned = rows(40, (n) => `${n * 50},${n === 12 ? 0 : 1},0,0,${n === 20 ? 1 : 0}`);
    writeFileSync(path.join(one.folder, 'headOrientation.csv'), `Time Stamp (ms),qw,qx,qy,qz\n${turned}\n`);
    const times = Float64Array.from({ length: 14 }, (_, frame) => (frame < 4 ? Number.NaN : (frame + 6) * 0.05));
    const head = await headOf([one], times);
    const at = (frame: number): number[] => [...head.subarray(4 * frame, 4 * frame + 4)];
    expect(at(4)).toEqual([1, 0, 0, 0]);
    expect(at(0)).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
    // The row of 600 ms is no rotation: the one beside it is nearest.
    expect(at(6)).toEqual([1, 0, 0, 0]);
    expect(await headOf([part()], times)).toEqual(new Float32Array(56).fill(Number.NaN));
  });

  it('is the head as the Open Ephys GUI wrote it with each frame', async () => {
    const one = part();
    const film = one.recording.files[0];
    if (film === undefined) throw new Error('the part has no film');
    const { dir, name } = path.parse(film.path);
    const table = rows(14, (n) => `${n},${n * 50_000},0,${n === 5 ? 1 : 0},0,${n === 5 ? 0 : 1},True,False,x`);
    writeFileSync(
      path.join(dir, `${name}.csv`),
      `FrameNumber,HardwareTime,Quaternion_X,Quaternion_Y,Quaternion_Z,Quaternion_W,DigitalIn0,DigitalIn1,Timestamp\n${table}\n`,
    );
    const head = await headOf(
      [one],
      Float64Array.from({ length: 14 }, (_, frame) => frame * 0.05),
    );
    expect([...head.subarray(16, 24)]).toEqual([1, 0, 0, 0, 0, 0, 1, 0]);
  });
});
