// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { RunRow, RunState } from '../../../main/contract/index.ts';
import { endedSince } from '../../../renderer/screens/process/notify.ts';
import { movedOrder } from '../../../renderer/stores/process.ts';
import {
  brightest,
  busiestFrame,
  cellLight,
  onlyHere,
  placeAt,
  readTryOut,
  seedCandidates,
  seedsOf,
  type TryOutData,
} from '../../../renderer/stores/try-out.ts';

const run = (uuid: string, state: RunState): RunRow => ({
  uuid,
  sessionUuid: 's',
  recordingUuids: [],
  name: 'Miniscope',
  state,
  createdAt: '',
  startedAt: null,
  endedAt: null,
  cells: 5,
  suggested: 4,
  decided: 0,
  engineVersion: null,
  error: state === 'failed' ? { code: 'engine.crashed', message: 'It crashed.' } : null,
});

describe('the queue', () => {
  it('moves a run by one and no further than its ends', () => {
    expect(movedOrder(['a', 'b', 'c'], 'c', -1)).toEqual(['a', 'c', 'b']);
    expect(movedOrder(['a', 'b', 'c'], 'a', 1)).toEqual(['b', 'a', 'c']);
    expect(movedOrder(['a', 'b'], 'a', -1)).toEqual(['a', 'b']);
    expect(movedOrder(['a', 'b'], 'x', 1)).toEqual(['a', 'b']);
  });

  it('tells of runs that have ended since, once', () => {
    const before = [run('a', 'running'), run('b', 'queued'), run('c', 'succeeded'), run('d', 'running')];
    const now = [
      run('a', 'succeeded'),
      run('b', 'failed'),
      run('c', 'succeeded'),
      run('d', 'cancelled'),
      run('e', 'succeeded'),
    ];
    expect(endedSince(before, now, () => 'm12').map(({ title, body }) => [title, body])).toEqual([
      ['Done: m12', '4 cells suggested. Review them in Calyx.'],
      ['Stopped: m12', 'It crashed.'],
    ]);
    expect(endedSince(now, now, () => 'm12')).toEqual([]);
  });
});

describe('a piece to try', () => {
  it('lies inside the film at every spot', () => {
    for (const size of [
      { height: 608, width: 608, frames: 36_000, fps: 30 },
      { height: 120, width: 128, frames: 60, fps: 20 },
      { height: 300, width: 180, frames: 1, fps: null },
    ]) {
      for (let spot = 0; spot < 12; spot += 1) {
        const place = placeAt(size, spot);
        expect(place.top).toBeGreaterThanOrEqual(0);
        expect(place.left).toBeGreaterThanOrEqual(0);
        expect(place.top + place.height).toBeLessThanOrEqual(size.height);
        expect(place.left + place.width).toBeLessThanOrEqual(size.width);
        expect(place.firstFrame).toBeGreaterThanOrEqual(0);
        expect(place.lastFrame).toBeLessThan(size.frames);
      }
    }
    expect(placeAt({ height: 608, width: 608, frames: 36_000, fps: 30 }, 0)).toEqual({
      top: 204,
      left: 204,
      height: 200,
      width: 200,
      firstFrame: 17_850,
      lastFrame: 18_149,
    });
  });

  /** Two frames of 2 × 3 px with a cell of two pixels and one that is not suggested. */
  const packet = (cells: TryOutData['cells'], traces: readonly number[], footprints: readonly number[]): TryOutData => {
    const floats = Float32Array.from([...Array.from({ length: 6 }, (_, i) => i), ...traces]);
    const bytes = new Uint8Array(floats.byteLength + footprints.length);
    bytes.set(new Uint8Array(floats.buffer));
    bytes.set(footprints, floats.byteLength);
    return readTryOut({ height: 2, width: 3, frames: 2, images: ['mean'], cells }, bytes);
  };
  const cell = (row: number, suggested: boolean, left: number, offset: number) => ({
    row,
    suggested,
    snr: null,
    top: 0,
    left,
    height: 1,
    width: 2,
    offset,
  });
  const data = packet([cell(0, true, 0, 40), cell(1, false, 1, 42)], [10, 20, 99, 99], [255, 51, 255, 255]);

  it('is drawn as footprints times traces of the suggested cells', () => {
    expect([...(data.images.get('mean') ?? [])]).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...cellLight(data, 1)]).toEqual([20, 4, 0, 0, 0, 0]);
    expect(busiestFrame(data)).toBe(1);
    expect(brightest(data)).toBe(99);
  });

  it('tells which cells one side alone has', () => {
    const same = packet([cell(0, true, 0, 32)], [1, 1], [250, 60]);
    const elsewhere = packet([cell(0, true, 1, 32)], [1, 1], [10, 255]);
    expect(onlyHere(data, same)).toEqual([]);
    expect(onlyHere(data, elsewhere)).toEqual([0]);
    expect(onlyHere(elsewhere, data)).toEqual([0]);
  });

  it('has possible seeds where correlation × peak-to-noise is highest around, as the slow search finds them', () => {
    const [height, width, diameter] = [14, 17, 5];
    let state = 9;
    const random = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
    const pnr = Float32Array.from({ length: height * width }, () => Math.round(random() * 20) / 2);
    const correlation = Float32Array.from({ length: height * width }, () => Math.round(random() * 4) / 4);
    const value = (p: number): number => Math.fround(pnr[p] ?? 0) * Math.fround(correlation[p] ?? 0);
    const slow: string[] = [];
    for (let p = 0; p < height * width; p += 1) {
      const [y, x] = [Math.floor(p / width), p % width];
      const beaten = Array.from({ length: height * width }, (_, q) => q).some((q) => {
        const [j, i] = [Math.floor(q / width), q % width];
        if (q === p || Math.hypot(j - y, i - x) > 0.6 * diameter) return false;
        return value(q) > value(p) || (value(q) === value(p) && q < p);
      });
      if (value(p) > 0 && !beaten) slow.push(`${String(y)} ${String(x)}`);
    }
    const found = seedCandidates(pnr, correlation, height, width, diameter);
    expect(found.map(({ y, x }) => `${String(y)} ${String(x)}`)).toEqual(slow);
    expect(slow.length).toBeGreaterThan(5);
    const kept = seedsOf(found, 8, 0.9);
    expect(kept.every((seed) => seed.pnr >= 8 && seed.correlation >= 0.9)).toBe(true);
    expect(kept.length).toBeLessThan(found.length);
    expect(kept.length).toBeGreaterThan(0);
  });
});
