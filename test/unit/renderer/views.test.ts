// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { readTraces } from '../../../renderer/client/streams.ts';
import { frameOfTime, timeBeyond, timeOfFrame } from '../../../renderer/client/traces.ts';
import { normalised } from '../../../renderer/client/raster.ts';
import { shownState, tokenIn } from '../../../renderer/client/connection.ts';
import { AppError } from '../../../main/contract/index.ts';
import { percentileLevels } from '../../../renderer/gl/levels.ts';
import { lutBytes, paint } from '../../../renderer/gl/lut.ts';
import { fitView, panBy, scaleBar, toImage, toScreen, zoomAt } from '../../../renderer/gl/viewport.ts';
import { inSight, messageCounts, withMessage } from '../../../renderer/stores/messages.ts';
import { panWindow, windowAround, zoomWindow } from '../../../renderer/stores/review.ts';
import { columnsWithin } from '../../../renderer/ui/grid-columns.ts';
import { about, bytes, clock, count, decimal, duration, percent, plural, took } from '../../../renderer/ui/format.ts';

describe('numbers as they are shown', () => {
  it('have thousands, a real minus, and a dash for what nobody knows', () => {
    expect(count(36_000)).toBe('36,000');
    expect(count(-1234)).toBe('−1,234');
    expect(count(null)).toBe('–');
    expect(decimal(-0.04, 1)).toBe('0.0');
    expect(decimal(-4.25, 1)).toBe('−4.3');
    expect(decimal(Number.NaN, 1)).toBe('–');
  });
  it('times are clocks, lengths or estimates', () => {
    expect(duration(1201)).toBe('20:01');
    expect(duration(3661)).toBe('1:01:01');
    expect(clock(312.44)).toBe('00:05:12.4');
    expect(about(46)).toBe('about 45 s');
    expect(about(59.9)).toBe('about 1 min');
    expect(about(4300)).toBe('about 1 h 10 min');
    expect(took(200)).toBe('3 min 20 s');
  });
  it('sizes and shares carry their unit', () => {
    expect(bytes(2 * 1024 ** 3)).toBe('2.0 GB');
    expect(bytes(300 * 1024 ** 2)).toBe('300 MB');
    expect(percent(0.624)).toBe('62 %');
    expect(plural(1, 'cell')).toBe('1 cell');
    expect(plural(0, 'entry', 'entries')).toBe('0 entries');
  });
});

describe('where a picture lies in its panel', () => {
  const panel = { width: 400, height: 200 };
  const image = { width: 320, height: 240 };
  it('shows the whole picture in the middle', () => {
    const view = fitView(panel, image);
    expect(view.zoom).toBeCloseTo(200 / 240);
    expect(toScreen(view, panel, { x: -0.5, y: -0.5 }).y).toBeCloseTo(0);
    expect(toScreen(view, panel, { x: 319.5, y: 239.5 }).y).toBeCloseTo(200);
  });
  it('keeps the point under the pointer while zooming, and comes back to the whole picture', () => {
    const pointer = { x: 180, y: 90 };
    const before = fitView(panel, image);
    const fixed = toImage(before, panel, pointer);
    const near = zoomAt(before, panel, image, pointer, 6);
    const after = toImage(near, panel, pointer);
    expect(after.x).toBeCloseTo(fixed.x);
    expect(after.y).toBeCloseTo(fixed.y);
    expect(zoomAt(near, panel, image, pointer, 1e-3)).toEqual(before);
  });
  it('does not let the picture be dragged out of sight', () => {
    const near = zoomAt(fitView(panel, image), panel, image, { x: 200, y: 100 }, 4);
    const moved = panBy(near, panel, image, 1e6, 1e6);
    const corner = toImage(moved, panel, { x: 0, y: 0 });
    expect(corner.x).toBeCloseTo(-0.5);
    expect(corner.y).toBeCloseTo(-0.5);
  });
  it('has a scale bar of a round length', () => {
    expect(scaleBar(1.6)).toEqual({ imagePx: 50, screenPx: 80 });
    expect([1, 2, 5].includes(Number(String(scaleBar(17).imagePx)[0]))).toBe(true);
  });
});

describe('grey levels', () => {
  it('ignore a few hot pixels and what is not a number', () => {
    const values = Float32Array.from({ length: 1000 }, (_, index) =>
      index === 7 ? 1e6 : index === 8 ? Number.NaN : index / 10,
    );
    const { low, high } = percentileLevels(values);
    expect(low).toBeCloseTo(1, 0);
    expect(high).toBeLessThan(101);
  });
  it('of a flat picture are still a range', () => {
    const { low, high } = percentileLevels(new Float32Array(9).fill(3));
    expect(high).toBeGreaterThan(low);
  });
  it('are those a sort would give, in any order and with many alike', () => {
    let seed = 1;
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    const many = Float32Array.from({ length: 5000 }, () => random() ** 3);
    const pictures = [many, many.toSorted(), many.toSorted().toReversed(), many.map((value) => Math.round(value * 4))];
    for (const values of pictures) {
      const sorted = values.toSorted();
      for (const [low, high] of [
        [0.01, 0.995],
        [0.25, 0.75],
        [0, 1],
      ] as const) {
        const given = percentileLevels(values, low, high);
        const top = sorted[Math.min(4999, Math.floor(high * 5000))] ?? 0;
        expect(given.low).toBe(sorted[Math.floor(low * 5000)]);
        expect(given.high).toBe(top > given.low ? top : given.low + 1);
      }
    }
  });
  it('are painted through a table', () => {
    const pixels = new Uint8ClampedArray(3 * 4);
    paint([-5, 10, 25], { low: 0, high: 20 }, lutBytes('grey'), pixels);
    expect([...pixels]).toEqual([0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255, 255]);
    const magma = lutBytes('magma');
    expect(Array.from(magma.slice(0, 4))).toEqual([0, 0, 4, 255]);
  });
});

describe('a packet of traces', () => {
  const header = {
    request: 1,
    rows: [4, 9],
    kinds: ['raw', 'denoised'] as const,
    firstFrame: 10,
    lastFrame: 13,
    columns: 2,
  };
  const packet = (offset: number) => {
    const whole = new Uint8Array(offset + 16 + 2 * 2 * 2 * 2 * 4);
    const view = new DataView(whole.buffer, offset);
    view.setFloat64(0, 0.525, true);
    view.setFloat64(8, 0.625, true);
    for (let index = 0; index < 16; index += 1) view.setFloat32(16 + index * 4, index, true);
    return {
      header: { ...header, rows: [...header.rows], kinds: [...header.kinds] },
      bytes: whole.subarray(offset),
      skipped: 0,
    };
  };
  it('holds times, then minima and maxima of each row and kind, wherever its bytes begin', () => {
    for (const offset of [0, 3]) {
      const window = readTraces(packet(offset));
      expect([...window.timesS]).toEqual([0.525, 0.625]);
      expect([...window.rows[1]![0]!.minima]).toEqual([8, 9]);
      expect([...window.rows[1]![0]!.maxima]).toEqual([10, 11]);
      expect([...window.rows[0]![1]!.maxima]).toEqual([6, 7]);
    }
  });
  it('of the wrong length is refused', () => {
    const { bytes: sent, ...rest } = packet(0);
    expect(() => readTraces({ ...rest, bytes: sent.subarray(0, 40) })).toThrow('Traces came as 40 bytes');
  });
  it('tells the time of a frame and the frame of a time, across a gap', () => {
    const window = {
      firstFrame: 0,
      lastFrame: 3,
      columns: 4,
      timesS: Float64Array.from([0, 0.1, 5.2, 5.3]),
      rowNumbers: [],
      rows: [],
    };
    expect(timeOfFrame(window, 1)).toBeCloseTo(0.1);
    expect(timeOfFrame(window, 2)).toBeCloseTo(5.2);
    expect(frameOfTime(window, 5.21)).toBe(2);
    expect(frameOfTime(window, -9)).toBe(0);
    expect(frameOfTime(window, 99)).toBe(3);
  });
});

describe('the window of the traces', () => {
  it('stays while the cursor is in it, and turns the page when it leaves', () => {
    expect(windowAround([0, 100], 60, 1000)).toEqual([0, 100]);
    expect(windowAround([0, 100], 101, 1000)).toEqual([91, 191]);
    expect(windowAround([500, 600], 499, 1000)).toEqual([409, 509]);
    expect(windowAround([0, 100], 999, 1000)).toEqual([899, 999]);
  });
  it('zooms about a frame inside the recording', () => {
    expect(zoomWindow([100, 200], 150, 0.5, 1000)).toEqual([125, 175]);
    expect(zoomWindow([100, 200], 150, 1000, 1000)).toEqual([0, 999]);
    expect(zoomWindow([100, 110], 105, 0.01, 1000)).toEqual([100, 110]);
  });
});

describe('the overview', () => {
  it('scales each row to its own maximum; below zero is nothing', () => {
    expect([...normalised(Float32Array.from([-2, 0, 2, 4]))]).toEqual([0, 0, 0.5, 1]);
    expect([...normalised(Float32Array.from([0, -1, Number.NaN]))]).toEqual([0, 0, 0]);
  });
});

describe('messages', () => {
  it('count the same thing again instead of filling the list', () => {
    const first = withMessage([], { severity: 'warning', source: 'Movie', text: 'slow' }, 1);
    const second = withMessage(first, { severity: 'error', source: 'Run', text: 'stopped' }, 2);
    const third = withMessage(second, { severity: 'warning', source: 'Movie', text: 'slow' }, 3);
    expect(third.map(({ text, count: times, at }) => ({ text, times, at }))).toEqual([
      { text: 'slow', times: 2, at: 3 },
      { text: 'stopped', times: 1, at: 2 },
    ]);
    expect(messageCounts(third)).toEqual({ errors: 1, warnings: 1 });
  });
  it('leave the status line with the place they belong to when they are hints, not when something is wrong', () => {
    const hint = withMessage([], { severity: 'info', source: 'Merge', text: 'Choose the other cell first.' }, 5);
    const fault = withMessage([], { severity: 'warning', source: 'Movie', text: 'slow' }, 5);
    expect(inSight({ list: hint, leftAt: 4 })?.text).toBe('Choose the other cell first.');
    expect(inSight({ list: hint, leftAt: 6 })).toBeUndefined();
    expect(inSight({ list: fault, leftAt: 6 })?.text).toBe('slow');
  });
});

describe('columns of a table', () => {
  const columns = [
    { key: 'cell', title: 'Cell', width: '34px' },
    { key: 'label', title: 'Label', width: 'minmax(76px, 1fr)' },
    { key: 'snr', title: 'SNR', width: '40px', yields: 2 },
    { key: 'r', title: 'r', width: '30px', yields: 1 },
  ];
  // 34 + 76 + 40 + 30, three gaps of 8 and two edges of 12.
  const all = 228;
  it('all stand where there is room, and give way in their order, whole, where there is none', () => {
    expect(columnsWithin(columns, all, 1)).toEqual([0, 1, 2, 3]);
    expect(columnsWithin(columns, all - 1, 1)).toEqual([0, 1, 2]);
    expect(columnsWithin(columns, 180, 1)).toEqual([0, 1]);
    expect(columnsWithin(columns, 10, 1)).toEqual([0, 1]);
  });
  it('need more room for larger text', () => {
    expect(columnsWithin(columns, all, 1.5)).toEqual([0, 1]);
  });
});

describe('the line to the core', () => {
  it('takes the token from the fragment of the address', () => {
    expect(tokenIn('#token=ab_C-9')).toBe('ab_C-9');
    expect(tokenIn('#/review')).toBeUndefined();
  });
  it('stays lost on the screen until it is open again', () => {
    const lost = { state: 'lost', error: new AppError('rpc.disconnected', 'gone'), retryInMs: 250 } as const;
    expect(shownState(lost, { state: 'connecting' })).toBe(lost);
    expect(shownState(lost, { state: 'open' })).toEqual({ state: 'open' });
    expect(shownState({ state: 'open' }, { state: 'connecting' })).toEqual({ state: 'connecting' });
  });
});

describe('the window of the traces', () => {
  it('is moved along the recording, and no further', () => {
    expect(panWindow([100, 200], 30.4, 1000)).toEqual([130, 230]);
    expect(panWindow([100, 200], -0.2, 1000)).toEqual([99, 199]);
    expect(panWindow([100, 200], -500, 1000)).toEqual([0, 100]);
    expect(panWindow([100, 200], 5000, 1000)).toEqual([899, 999]);
  });
  it('that is not there yet has the times that the one before leads to', () => {
    const timesS = Float64Array.of(10, 11, 12, 13);
    const window = { firstFrame: 200, lastFrame: 259, columns: 4, timesS, rowNumbers: [0], rows: [] };
    expect(timeBeyond(window, 200)).toBe(timeOfFrame(window, 200));
    expect(timeBeyond(window, 180)).toBeCloseTo(10 - (20 * 3) / 59, 9);
    expect(timeBeyond(window, 279)).toBeCloseTo(13 + (20 * 3) / 59, 9);
  });
});
