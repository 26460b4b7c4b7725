// SPDX-License-Identifier: MIT
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { ExportRun } from '../../../main/interop/job.ts';
import { timelineFindings } from '../../../main/interop/nwb/write.ts';
import { readTimeline, sampling } from '../../../main/interop/timeline.ts';
import { temporaryFolder } from '../../support/library.ts';
import { npyBytes } from '../../support/run-folder.ts';

const recording = {
  firstFrame: 0,
  fps: 10,
  startedAt: null as string | null,
};

function runOf(times: readonly number[], parts: readonly { samples: number; startedAt?: string }[]): ExportRun {
  const time = path.join(temporaryFolder(), 'time.npy');
  writeFileSync(time, npyBytes([times.length], Float64Array.from(times)));
  let firstSample = 0;
  const recordings = parts.map(({ samples, startedAt }) => {
    const part = { ...recording, firstSample, samples, startedAt: startedAt ?? null };
    firstSample += samples;
    return part;
  });
  return { frames: times.length, fps: 10, arrays: { time }, recordings } as unknown as ExportRun;
}

test('unknown times are interpolated between known ones and counted out by the rate beyond them', async () => {
  const { times, known, filled } = await readTimeline(
    runOf([Number.NaN, 0.5, Number.NaN, Number.NaN, 1.1, Number.NaN], [{ samples: 6 }]),
  );
  expect([...times].map((time) => Math.round(time * 1000) / 1000)).toEqual([0.4, 0.5, 0.7, 0.9, 1.1, 1.2]);
  expect(filled).toBe(4);
  expect([...(known ?? [])]).toEqual([Number.NaN, 0.5, Number.NaN, Number.NaN, 1.1, Number.NaN]);
});

test('recordings lie where their wall clocks say; without clocks end to end, which is told', async () => {
  const times = [0, 0.1, 0.2, 0, 0.1];
  const clocked = await readTimeline(
    runOf(times, [
      { samples: 3, startedAt: '2026-05-01T10:00:00.000Z' },
      { samples: 2, startedAt: '2026-05-01T10:01:00.000Z' },
    ]),
  );
  expect([...clocked.times]).toEqual([0, 0.1, 0.2, 60, 60.1]);
  // What else is known of a recording (its head orientations, notes, trials) is moved by the same.
  expect(clocked.offsets).toEqual([0, 60]);
  const unclocked = await readTimeline(runOf(times, [{ samples: 3 }, { samples: 2 }]));
  expect(unclocked.times[3]).toBeCloseTo(0.3);
  expect(unclocked.offsets[1]).toBeCloseTo(0.3);
  expect(unclocked).toMatchObject({ laidEndToEnd: 1, againstClock: 0, disordered: 0 });
  // A run may hold recordings in another order than they were taken in: time still ascends, and it is told.
  const turned = await readTimeline(
    runOf(times, [
      { samples: 3, startedAt: '2026-05-01T10:01:00.000Z' },
      { samples: 2, startedAt: '2026-05-01T10:00:00.000Z' },
    ]),
  );
  expect(turned.times[3]).toBeCloseTo(0.3);
  expect(turned).toMatchObject({ laidEndToEnd: 1, againstClock: 1, disordered: 0 });
  expect(timelineFindings(turned).map(({ message }) => message)).toEqual([
    'By their clocks 1 of the recordings began before the one ahead of them in the run had ended.',
  ]);
});

test('regular times become a rate, others stay; a frame out of order is counted', async () => {
  expect(sampling(Float64Array.of(-0.05, 0, 0.05, 0.1))).toMatchObject({ kind: 'rate', start: -0.05 });
  expect(sampling(Float64Array.of(0, 0.05, 0.11))).toMatchObject({ kind: 'timestamps' });
  const { disordered } = await readTimeline(runOf([0, 0.2, 0.1, 0.3], [{ samples: 4 }]));
  expect(disordered).toBe(1);
});
