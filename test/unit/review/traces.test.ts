// SPDX-License-Identifier: MIT
import { describe, expect, it, onTestFinished } from 'vitest';
import { RunFolder } from '../../../main/review/run-folder.ts';
import { columnTimes, cutColumns } from '../../../main/review/trace-window.ts';
import { TraceReader, type TracePacket, type TraceRequest } from '../../../main/review/traces.ts';
import { extremes, pyramidLevels, writeRun } from '../../support/run-folder.ts';
import { seededNumbers, temporaryFolder } from '../../support/library.ts';

const open = { signal: new AbortController().signal };

async function begin(options: Parameters<typeof writeRun>[1] = {}) {
  const folder = temporaryFolder();
  const run = writeRun(folder, options);
  const reader = new TraceReader(await RunFolder.open(folder));
  onTestFinished(() => reader.close());
  const read = (request: Partial<TraceRequest>) =>
    reader.read(
      { request: 1, rows: [0], kinds: ['raw'], firstFrame: 0, lastFrame: run.frames - 1, columns: 100, ...request },
      open.signal,
    );
  return { run, read };
}

/** The packet's parts as the contract lays them out. */
function unpack({ header, bytes }: TracePacket) {
  const { columns, rows, kinds } = header;
  expect(bytes.length).toBe(8 * columns * (1 + rows.length * kinds.length));
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
  const series = rows.map((_, i) =>
    kinds.map((_, j) => {
      const at = 8 * columns * (1 + i * kinds.length + j);
      return {
        minima: [...new Float32Array(buffer, at, columns)],
        maxima: [...new Float32Array(buffer, at + 4 * columns, columns)],
      };
    }),
  );
  return { times: [...new Float64Array(buffer, 0, columns)], series };
}

describe('windows of traces', () => {
  it('are exact when there is a column for every frame', async () => {
    const { run, read } = await begin();
    const { times, series } = unpack(
      await read({ rows: [2, 0], kinds: ['denoised', 'raw'], firstFrame: 700, lastFrame: 799 }),
    );
    const raw = Array.from(run.traces[2]!.subarray(700, 800));
    expect(series[0]![1]).toEqual({ minima: raw, maxima: raw });
    expect(series[0]![0]!.maxima[3]).toBeCloseTo(raw[3]! + 100, 3);
    expect(series[1]![1]!.maxima[77]).toBe(run.traces[0]![777]);
    expect(times).toEqual(Array.from(run.times.subarray(700, 800)));
  });

  it('never have more columns than frames', async () => {
    const { read } = await begin();
    const packet = await read({ firstFrame: 10, lastFrame: 12, columns: 8192 });
    expect(packet.header).toMatchObject({ columns: 3, firstFrame: 10, lastFrame: 12 });
    expect(packet.bytes).toHaveLength(3 * 16);
  });

  it.each([true, false])('keep every peak at every zoom (pyramid: %s)', async (pyramid) => {
    const { run, read } = await begin({ pyramid });
    const random = seededNumbers(pyramid ? 1 : 2);
    for (let i = 0; i < 60; i += 1) {
      const first = Math.floor(random() * (run.frames - 1));
      const last = i === 0 ? run.frames - 1 : first + Math.floor(random() * (run.frames - first));
      const columns = 1 + Math.floor(random() * random() * 400);
      const cut = cutColumns(
        first,
        last,
        columns,
        run.frames,
        pyramid ? { factor: 4, levels: pyramidLevels(run.frames) } : null,
      );
      const packet = await read({ rows: [0, 1], firstFrame: first, lastFrame: last, columns });
      const { series, times } = unpack(packet);
      expect(packet.header.columns).toBe(Math.min(columns, last - first + 1));
      // Each column against the frames it says it covers, the slow way.
      for (const [k, [found]] of series.entries()) {
        const wanted = cut.edges
          .slice(0, -1)
          .map((edge, c) => extremes(run.traces[k]!.subarray(edge, cut.edges[c + 1])));
        expect(found!.minima).toEqual(wanted.map(([low]) => low));
        expect(found!.maxima).toEqual(wanted.map(([, high]) => high));
      }
      // Together they cover the window, and no column reaches further than a part of itself beyond it.
      expect(cut.edges[0]).toBeLessThanOrEqual(first);
      expect(cut.edges.at(-1)).toBeGreaterThan(last);
      const width = (last - first + 1) / packet.header.columns;
      expect(first - cut.edges[0]!).toBeLessThanOrEqual(width / 2);
      expect(cut.edges.at(-1)! - last - 1).toBeLessThanOrEqual(width / 2);
      expect(cut.edges.every((edge, c) => c === 0 || edge > cut.edges[c - 1]!)).toBe(true);
      const known = times.filter((time) => !Number.isNaN(time));
      expect(known).toEqual(known.toSorted((a, b) => a - b));
    }
  });

  it('show the one high frame of a long trace in one column', async () => {
    const { run, read } = await begin({ frames: 20_000 });
    const { series, times } = unpack(await read({ columns: 50 }));
    const peak = Math.max(...series[0]![0]!.maxima);
    expect(peak).toBeGreaterThan(30);
    expect(series[0]![0]!.maxima.filter((value) => value === peak)).toHaveLength(1);
    const column = series[0]![0]!.maxima.indexOf(peak);
    expect(Math.abs(times[column]! - run.times[777]!)).toBeLessThan((0.05 * 20_000) / 50);
  });

  it('have times where frames have them: a gap stays a gap, unknown is not-a-number', async () => {
    const { run, read } = await begin();
    const { times } = unpack(await read({ firstFrame: 4980, lastFrame: 4999, columns: 4 }));
    expect(times[0]).toBeCloseTo((run.times[4980]! + run.times[4984]!) / 2, 9);
    expect(times.slice(2)).toEqual([Number.NaN, Number.NaN]);
    const around = unpack(await read({ firstFrame: 999, lastFrame: 1002 })).times;
    expect(around[2]! - around[1]!).toBeCloseTo(7.05, 6);
    expect(columnTimes(Float64Array.from([Number.NaN, 4, Number.NaN, 6, Number.NaN]), [0, 5])).toEqual(
      Float64Array.of(5),
    );
  });

  it('leave out rows, kinds and frames the run does not have, and say so', async () => {
    const { run, read } = await begin();
    const packet = await read({
      rows: [99, 1, -1],
      kinds: ['dff', 'raw'],
      firstFrame: -5,
      lastFrame: 1e9,
      columns: 10,
      request: 7,
    });
    expect(packet.header).toEqual({
      request: 7,
      rows: [1],
      kinds: ['raw'],
      firstFrame: 0,
      lastFrame: run.frames - 1,
      columns: 10,
    });
    expect((await read({ firstFrame: 6000, lastFrame: 7000 })).header.columns).toBe(0);
    expect((await read({ rows: [] })).bytes).toHaveLength(800);
  });

  it('stop when nobody waits any more', async () => {
    const { read } = await begin();
    const stop = new AbortController();
    stop.abort(new Error('left'));
    const folder = temporaryFolder();
    writeRun(folder);
    const reader = new TraceReader(await RunFolder.open(folder));
    const request = { request: 1, rows: [0], kinds: ['raw' as const], firstFrame: 0, lastFrame: 9, columns: 5 };
    await expect(reader.read(request, stop.signal)).rejects.toThrow('left');
    await reader.close();
    expect((await read({})).header.columns).toBe(100);
  });

  it('of a film whose traces are gone are refused by name', async () => {
    const { read } = await begin({ without: ['traces/raw.npy'] });
    await expect(read({ lastFrame: 50 })).rejects.toThrow(/traces\/raw\.npy .* missing/);
  });
});
