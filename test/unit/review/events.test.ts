// SPDX-License-Identifier: MIT
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { eventsOf, strongestEvents } from '../../../main/review/events.ts';
import { RunFolder } from '../../../main/review/run-folder.ts';
import { temporaryFolder } from '../../support/library.ts';
import { npyBytes, writeRun, zipBytes } from '../../support/run-folder.ts';

/** `events.npz` of (cell, peak, amplitude). */
function archive(events: readonly (readonly [number, number, number])[]): Buffer {
  const column = (at: 0 | 1): Buffer =>
    npyBytes(
      [events.length],
      Int32Array.from(events, (event) => event[at]),
    );
  return zipBytes(
    {
      'cell.npy': column(0),
      'peak.npy': column(1),
      'peak_time.npy': npyBytes(
        [events.length],
        Float64Array.from(events, ([, peak]) => (peak >= 4990 ? Number.NaN : -0.05 + peak * 0.05)),
      ),
      'amplitude.npy': npyBytes(
        [events.length],
        Float32Array.from(events, ([, , amplitude]) => amplitude),
      ),
    },
    'deflated',
  );
}

function list(folder: string, manifest: string, events: Parameters<typeof archive>[0]): void {
  writeFileSync(path.join(folder, 'events.npz'), archive(events));
  const file = path.join(folder, manifest);
  const told = JSON.parse(readFileSync(file, 'utf8')) as { files: object[] };
  writeFileSync(file, JSON.stringify({ ...told, files: [...told.files, { path: 'events.npz' }] }));
}

const { signal } = new AbortController();
let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
  writeRun(folder);
});

describe('the events of a cell', () => {
  it('are those that the run lists, the strongest of them in the order of time', async () => {
    list(folder, 'run.json', [
      [0, 40, 3],
      [2, 10, 5],
      [2, 700, 1],
      [2, 4995, 9],
    ]);
    const run = await RunFolder.open(folder);
    expect(await strongestEvents(run, [], 2, 2, signal)).toEqual({
      count: 3,
      strongest: [
        { frame: 10, height: 5, timeS: -0.05 + 10 * 0.05 },
        { frame: 4995, height: 9, timeS: null },
      ],
    });
    expect(await strongestEvents(run, [], 1, 9, signal)).toEqual({ count: 0, strongest: [] });
  });

  it('are those of the edit that made or changed it, and none where it is hidden', async () => {
    list(folder, 'run.json', [[2, 10, 5]]);
    const edit = path.join(folder, 'edit');
    mkdirSync(edit);
    writeFileSync(
      path.join(edit, 'edit.json'),
      JSON.stringify({ frames: 5000, pyramid: null, files: [], cells: [{ index: 0 }] }),
    );
    list(edit, 'edit.json', [
      [0, 33, 7],
      [0, 99, 8],
    ]);
    const cell = { row: 2, arrayRow: 0, state: 'live' as const };
    const run = await RunFolder.open(folder);
    const of = async (layers: unknown): Promise<number[]> => {
      const { strongest } = await strongestEvents(run, layers as Parameters<typeof strongestEvents>[1], 2, 9, signal);
      return strongest.map(({ frame }) => frame);
    };
    expect(await of([{ folder: edit, cells: [cell] }])).toEqual([33, 99]);
    expect(await of([{ folder: edit, cells: [{ ...cell, arrayRow: null, state: 'deleted' }] }])).toEqual([]);
  });
});

describe('events without a list', () => {
  it('are groups of activity placed at their largest step; close ones are one', () => {
    const trace = Float32Array.from([0, 2, 5, 0, 1, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 3, Number.NaN, 0]);
    expect(eventsOf(trace, 5)).toEqual([
      { frame: 2, height: 12 },
      { frame: 15, height: 3 },
    ]);
    expect(eventsOf(trace, 4)).toEqual([
      { frame: 2, height: 8 },
      { frame: 8, height: 4 },
      { frame: 15, height: 3 },
    ]);
    expect(eventsOf(new Float32Array(9), 2)).toEqual([]);
  });

  it('leave out what is far below the typical group: light of neighbours, noise', () => {
    const trace = new Float32Array(400);
    for (let t = 5; t < 400; t += 20) trace[t] = 0.4;
    trace[100] = 10;
    trace[300] = 12;
    expect(eventsOf(trace, 3).map(({ frame }) => frame)).toEqual([100, 300]);
  });
});
