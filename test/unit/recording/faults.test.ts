// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bindingFile } from '../../../main/installation/index.ts';
import { findFfmpeg } from '../../../main/media/index.ts';
import { type DiskFaultName, diskFaultNames, verifySession } from '../../../main/recording/index.ts';
import { type FaultName, faultNames } from '../../../main/devices/index.ts';
import { type FaultyRecording, recordWithFaults } from '../../support/faulty-rig.ts';
import { temporaryFolder } from '../../support/library.ts';

interface Case {
  readonly what: string;
  readonly seconds: number;
  readonly faults: readonly (readonly [FaultName | DiskFaultName, number])[];
  /** Every sentence that a person sees, in order. */
  readonly told: readonly string[];
  readonly report: Partial<FaultyRecording['report']>;
  /** Where the film leaves frames of the board out: after how many pictures, and how many are left out there. */
  readonly holes: readonly (readonly [after: number, frames: number])[];
}

const reach = 'Calyx tries to reach it again.';

const cases: readonly Case[] = [
  {
    what: 'a payload and an end of frame are lost, one twice at once',
    seconds: 2,
    faults: [
      ['lost-payload', 0.5],
      ['missing-eof', 1],
      ['missing-eof', 1],
    ],
    told: [
      '1 frame was lost before 00:00:00 on the way from the scope. It is marked in the recording.',
      '2 frames were lost before 00:00:01 on the way from the scope. They are marked in the recording.',
      '3 of 41 frames are missing. 3 came broken.',
    ],
    report: { saved: 38, expected: 41, missing: 3, corrupt: { short: 1, unended: 2, badHeaders: 0 } },
    holes: [
      [10, 1],
      [19, 2],
    ],
  },
  {
    what: 'a payload is lost in the first frame, and the end of the last',
    seconds: 1,
    faults: [
      ['lost-payload', 0],
      ['missing-eof', 0.95],
    ],
    told: [
      '1 frame was lost before 00:00:00 on the way from the scope. It is marked in the recording.',
      '1 frame was lost before 00:00:01 on the way from the scope. It is marked in the recording.',
      '2 of 21 frames are missing. 2 came broken.',
    ],
    report: { saved: 19, expected: 21, missing: 2 },
    holes: [[18, 1]],
  },
  {
    what: 'three frames that the board counted are never sent',
    seconds: 1,
    faults: [['lost-frames', 0.5]],
    told: [
      '3 frames were lost before 00:00:00 on the way from the scope. They are marked in the recording.',
      '3 of 24 frames are missing.',
    ],
    report: { saved: 21, expected: 24, missing: 3, corrupt: { short: 0, unended: 0, badHeaders: 0 } },
    // The board said that they were there; none was taken from its pictures.
    holes: [],
  },
  {
    what: 'the counter jumps, beyond the end of its 16 bits',
    seconds: 2,
    faults: [
      ['counter-wrap', 0],
      ['counter-jump', 1],
    ],
    told: [
      '40 frames were lost before 00:00:01 on the way from the scope. They are marked in the recording.',
      '40 of 81 frames are missing.',
    ],
    report: { saved: 41, missing: 40, counterRestarts: 0, interruptions: [] },
    // The board said that they were there; none was taken from its pictures.
    holes: [],
  },
  {
    what: 'the counter wraps',
    seconds: 3,
    faults: [['counter-wrap', 0]],
    told: ['All 61 frames are there.'],
    report: { saved: 61, expected: 61, missing: 0, counterRestarts: 0 },
    holes: [],
  },
  {
    what: 'nothing comes for 400 ms, twice, the second time across the stop',
    seconds: 2,
    faults: [
      ['stall', 0.5],
      ['stall', 1.9],
    ],
    told: [
      '8 frames were lost before 00:00:00 on the way from the scope. They are marked in the recording.',
      '8 frames were lost before 00:00:02 on the way from the scope. They are marked in the recording.',
      '16 of 48 frames are missing.',
    ],
    report: { saved: 32, missing: 16 },
    holes: [],
  },
  {
    what: 'the link is reset to boot defaults',
    seconds: 4,
    faults: [['link-reset', 1]],
    told: [
      'The scope lost power for a moment and began anew; its settings have been restored.',
      'All 95 frames are there. 11 of them are black: the scope had no link. 25 orientations came disturbed.',
    ],
    report: { saved: 95, missing: 0, blackFrames: 11, badOrientations: 25 },
    holes: [],
  },
  {
    what: 'the link freezes while the control channel answers, and heals',
    seconds: 4,
    faults: [['freeze', 1]],
    told: [
      'No frame came for 2.5 s until 00:00:03, and the board counted none: how many were lost is unknown.',
      '31 frames are saved. The scope was away once, 2.5 s in all: how many frames were lost then is unknown.',
    ],
    report: { saved: 31, expected: null, missing: null, knownMissing: 0, counterRestarts: 0 },
    holes: [[20, 50]],
  },
  {
    what: 'the link is frozen at the stop',
    seconds: 1,
    faults: [['freeze', 0.5]],
    told: [
      'No frame came any more before the end; how many were lost is unknown.',
      '10 frames are saved. The scope was away once, 1.1 s in all: how many frames were lost then is unknown.',
    ],
    report: { saved: 10, missing: null },
    holes: [],
  },
  {
    what: 'the board is unplugged and comes back on another port',
    seconds: 5.5,
    faults: [['replug-elsewhere', 1]],
    told: [
      `The Miniscope DAQ board was unplugged. ${reach}`,
      'The board is on another USB port now (simulated-2).',
      'No frame came for 3.1 s until 00:00:04, and the board counts anew: how many were lost is unknown.',
      'The scope is back with its settings.',
      '61 frames are saved. The scope was away once, 3.1 s in all: how many frames were lost then is unknown. 1 of them is black: the scope had no link. 15 orientations came disturbed.',
    ],
    report: { saved: 61, expected: null, missing: null, counterRestarts: 1 },
    holes: [],
  },
  {
    what: 'the board is unplugged at the stop',
    seconds: 1,
    faults: [['unplug', 0.5]],
    told: [
      `The Miniscope DAQ board was unplugged. ${reach}`,
      'No frame came any more before the end; how many were lost is unknown.',
      '10 frames are saved. The scope was away once, 1.1 s in all: how many frames were lost then is unknown.',
    ],
    report: { saved: 10, missing: null },
    holes: [],
  },
  {
    what: 'orientations are disturbed, and control requests get no answer, one fault in the other',
    seconds: 2,
    faults: [
      ['bad-orientation', 0.5],
      ['no-answer', 0],
      ['no-answer', 1],
    ],
    told: [
      'All 41 frames are there. The board did not answer in time: 10 counters could not be read. 5 orientations came disturbed.',
    ],
    report: { saved: 41, missing: 0, unreadCounters: 10, badOrientations: 5 },
    holes: [],
  },
  {
    what: 'the disk is full while the board is unplugged',
    seconds: 3,
    faults: [
      ['unplug', 0.5],
      ['full-disk', 1],
    ],
    told: [
      `The Miniscope DAQ board was unplugged. ${reach}`,
      'No frame came any more before the end; how many were lost is unknown.',
      'The disk is full.',
      '10 frames are saved. The scope was away once, 1.2 s in all: how many frames were lost then is unknown.',
    ],
    report: { saved: 10, expected: null, missing: null, failure: 'The disk is full.' },
    holes: [],
  },
  {
    what: 'the disk is full',
    seconds: 2,
    faults: [['full-disk', 0.5]],
    told: ['The disk is full.', '1 of 11 frames is missing.'],
    report: {
      saved: 10,
      missing: 1,
      failure: 'The disk is full.',
      stopped: 'The disk is full. The recording was ended; what was written before is saved.',
    },
    holes: [],
  },
];

/** Where numbers that go up leave some out; black pictures carry none, and one was taken for each of them. */
function holesIn(pictures: readonly number[]): [number, number][] {
  return pictures.flatMap((number, n) => {
    const before = pictures.findLastIndex((other, at) => at < n && other > 0);
    const left = before === -1 || number === 0 ? 0 : number - (pictures[before] ?? 0) - (n - before);
    return left === 0 ? [] : [[n, left] as [number, number]];
  });
}

describe('a fault while a recording is under way', () => {
  it('is one of those that can be raised, each in this table or, for a disk that is slow or nearly full, in disk-faults.test.ts', () => {
    const raised = new Set(cases.flatMap(({ faults }) => faults.map(([name]) => name)));
    expect([...faultNames, ...diskFaultNames].filter((name) => !raised.has(name))).toEqual(['slow-disk', 'low-disk']);
  });

  it.for(cases)('$what', async ({ seconds, faults, told, report, holes }, context) => {
    if (!existsSync(bindingFile())) context.skip('the native binding is not built');
    if (findFfmpeg() === undefined) context.skip('no ffmpeg');
    const recorded = await recordWithFaults(temporaryFolder('calyx-faults-'), seconds, faults);
    expect(recorded.told).toEqual(told);
    expect(recorded.report).toMatchObject(report);
    // The pictures that survived, by the numbers in them.
    expect(recorded.pictures).toHaveLength(recorded.report.saved);
    expect(holesIn(recorded.pictures)).toEqual(holes);
    expect(await verifySession(recorded.folder)).toMatchObject({ sound: true });
  });
});
