// SPDX-License-Identifier: MIT
import type { SessionRow } from '../../../main/contract/index.ts';
import { fakeUuid } from './fake-scene.ts';

/** A session of the library in memory; the first is the sample, the third has a finding, the fifth has moved. */
export function session(index: number, subject: string | null, runs: number): SessionRow {
  const uuid = fakeUuid(1, index);
  return {
    uuid,
    name: index === 0 ? 'Sample session' : `2026-11-${String(20 - index)}, session ${String((index % 3) + 1)}`,
    subject,
    startedAt: `2026-11-${String(20 - index).padStart(2, '0')}T11:03:20.000Z`,
    tzOffsetMin: null,
    importedAt: '2026-11-21T08:00:00.000Z',
    recordings: [
      {
        uuid: fakeUuid(2, index),
        sessionUuid: uuid,
        device: 'Miniscope',
        deviceType: 'Miniscope_V4_BNO',
        frames: index === 0 ? 3000 : 36_000 - index * 211,
        height: 240,
        width: 320,
        fps: 20,
        durationS: index === 0 ? 150 : 1800 - index * 10,
        codec: 'FFV1',
        films: [{ name: '0.avi', frames: 1000 }],
      },
    ],
    findings:
      index === 2
        ? [
            {
              severity: 'warning',
              code: 'session.csv_shorter',
              message: 'timeStamps.csv has 35,578 rows, the films hold 35,581 frames: the last 3 frames have no time.',
              where: 'Miniscope/timeStamps.csv',
            },
          ]
        : [],
    runs,
    cells: runs > 0 ? 140 : 0,
    decided: runs > 0 ? 46 * (index % 3) : 0,
    sample: index === 0,
    filesPresent: index !== 4,
  };
}
