// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createExploreHandlers } from '../../../main/explore/index.ts';
import { toNewMatch } from '../../../main/explore/matches.ts';
import { finishedRunOnDisk, localCall } from '../../support/finished-run.ts';

/** The only packet of a stream. */
async function packet<P>(stream: AsyncIterable<P>): Promise<P> {
  for await (const each of stream) return each;
  throw new Error('nothing was sent');
}

const none = (async function* none(): AsyncGenerator<never> {
  // The caller has nothing to say.
})();

const limits = { threads: 1, memoryBytes: 256 * 1024 ** 2 };

describe('a run on disk', () => {
  it('answers what Explore asks, in a thread, with numbers that are those of its traces', async () => {
    const run = await finishedRunOnDisk();
    const { runUuid } = run;
    const explore = createExploreHandlers({ library: run.library, limits });
    expect(await explore.options({ runUuid }, localCall)).toMatchObject({
      cells: { accepted: 1, all: 3 },
      alignments: [],
      trials: 0,
      orientation: true,
      position: false,
    });
    const wish = { runUuid, cells: 'all', trace: 'raw', binS: 0.05 } as const;
    const { header, bytes } = await packet(explore.population(wish, none, localCall));
    const [n, columns] = [header.rows.length, header.columns];
    expect([n, bytes.byteLength]).toEqual([3, 4 * (n * columns + n * n)]);
    const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    // The film has a gap of 7 s: nothing is drawn there.
    const gap = Math.round((1001 * 0.05 + 3 - header.startS) / header.columnS);
    expect(values[gap]).toBeNaN();
    const first = values.subarray(0, columns).filter((value) => !Number.isNaN(value));
    expect(first.reduce((sum, value) => sum + value, 0) / first.length).toBeCloseTo(0, 1);
    expect(values.at(-1)).toBe(1);
    // One event of cell 0 and one of cell 2 in 74.5 s that were recorded.
    expect(header.eventsPerMin).toEqual([expect.closeTo(60 / 74.5, 6), 0, expect.closeTo(60 / 74.5, 6)]);
    expect([...header.orders.cluster].sort((a, b) => a - b)).toEqual([0, 1, 2]);

    const turned = await explore.orientation({ runUuid, cells: 'all', trace: 'raw', bins: 36 }, localCall);
    // 0.5, 0.5, 0.5, 0.5 is a turn of 90° about the upright axis.
    expect(turned.occupancyS.findIndex((seconds) => seconds > 0)).toBe(9);
    expect(turned.occupancyS.filter((seconds) => seconds > 0)).toHaveLength(1);

    const same = await explore.compareRuns({ runA: runUuid, runB: runUuid, cells: 'all', least: 0.5 }, localCall);
    expect(same.matched.map(({ rowA, rowB }) => [rowA, rowB])).toEqual([
      [0, 0],
      [2, 2],
    ]);
    for (const pair of same.matched)
      expect([pair.similarity, pair.traceR ?? 0]).toEqual([expect.closeTo(1, 4), expect.closeTo(1, 4)]);
    // Cell 1 has no pixel: it cannot be found in the other.
    expect([same.onlyA, same.onlyB, same.parameters]).toEqual([[1], [1], []]);

    const from = await explore.provenance({ runUuid }, localCall);
    expect(from).toMatchObject({ runUuid, curation: { version: 1, frozen: false, accepted: 1, rejected: 0 } });
    expect(from.programVersion).toBe((JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version);

    const ask = { runUuid, cells: 'all', trace: 'raw' } as const;
    await expect(packet(explore.place({ ...ask, bin: 2, leastSpeed: 0 }, none, localCall))).rejects.toMatchObject({
      code: 'explore.no_position',
    });
    await expect(
      packet(explore.around({ ...ask, alignment: 'reward', scale: 'z' }, none, localCall)),
    ).rejects.toMatchObject({ code: 'align.not_found' });
    const ended = AbortSignal.abort();
    await expect(
      packet(explore.population({ ...ask, binS: 1 }, none, { ...localCall, signal: ended })),
    ).rejects.toMatchObject({ code: 'rpc.cancelled' });

    // Where the animal's way is known.
    const timesS = Float64Array.from({ length: 1600 }, (_, i) => i / 20);
    const track = { timesS, x: Float32Array.from(timesS, (_, i) => i % 50), y: new Float32Array(1600), unit: 'cm' };
    const placed = createExploreHandlers({ library: run.library, limits, position: () => Promise.resolve(track) });
    const map = await packet(placed.place({ ...ask, bin: 10, leastSpeed: 0 }, none, localCall));
    expect(map.header).toMatchObject({ rows: [0, 1, 2], columns: 5, lines: 1, unit: 'cm' });
    expect(map.bytes.byteLength).toBe(4 * 5 * 4);
  });
});

it('keeps the engine’s answer with sessions from 0 and the lowest score of each cell', () => {
  const match = toNewMatch(
    { runUuids: ['a', 'b'], umPerPx: 2, allCells: false },
    {
      formatVersion: 1,
      sessions: [
        { session: 1, path: '', cells: 2, shiftPx: [0, 0], rotationDegrees: 0 },
        { session: 2, path: '', cells: 1, shiftPx: [3, -1], rotationDegrees: 1.5 },
      ],
      groups: [
        [
          [1, 4],
          [2, 7],
        ],
        [[1, 5]],
      ],
      scores: [[0.9, 0.6], [1]],
      cells: 2,
      cellsInSeveralSessions: 1,
      meanShareOfSessions: 0.75,
      meanScore: 0.75,
      controls: { falseMatchRate: 0.02 },
    },
  );
  expect(match.groups).toEqual([
    {
      score: 0.6,
      members: [
        { session: 0, row: 4, score: 0.9 },
        { session: 1, row: 7, score: 0.6 },
      ],
    },
    { score: null, members: [{ session: 0, row: 5, score: null }] },
  ]);
  expect(match.runs[1]).toEqual({ runUuid: 'b', shiftY: 3, shiftX: -1, rotation: 1.5 });
});
