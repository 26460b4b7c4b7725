// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { average, binFrames, binGrid, binTrace, studentQuantile975 } from '../../../main/workflow/align.ts';

describe('activity in bins around an event', () => {
  const frames = Array.from({ length: 100 }, (_, frame) => frame);
  const timesS = frames.map((frame) => frame * 0.1);
  const ramp = frames.map((frame) => frame);
  const window = { zeroS: 5, startS: 4.5, endS: 5.5 };

  it('is the mean of the frames of a bin, the event at zero', () => {
    const grid = binGrid([window], 0.2);
    expect(grid.centresS.map((centre) => Number(centre.toFixed(6)))).toEqual([-0.4, -0.2, 0, 0.2, 0.4]);
    const wide = { zeroS: 5.05, startS: 4, endS: 6 };
    const values = binTrace(ramp, frames, binFrames(timesS, wide, binGrid([wide], 0.2), 0.1));
    expect(values[5]).toBeCloseTo(50.5, 6);
  });

  it('lies on the line between two frames where bins are narrower than frames', () => {
    const values = binTrace(ramp, frames, binFrames(timesS, window, binGrid([window], 0.025), 0.1));
    expect(values[20]).toBeCloseTo(50, 6);
    expect(values[21]).toBeCloseTo(50.25, 6);
  });

  it('is nothing outside the window, before the first frame and in a gap', () => {
    const grid = binGrid([{ zeroS: 0, startS: -1, endS: 1 }, window], 0.1);
    const early = binTrace(ramp, frames, binFrames(timesS, { zeroS: 0, startS: -1, endS: 1 }, grid, 0.1));
    expect(early[0]).toBeNaN();
    expect(early[10]).toBe(0);
    const narrow = binTrace(ramp, frames, binFrames(timesS, window, grid, 0.1));
    expect(narrow[0]).toBeNaN();
    const kept = frames.filter((frame) => frame < 48 || frame > 56);
    const gap = binFrames(
      kept.map((frame) => frame * 0.1),
      window,
      binGrid([window], 0.1),
      0.1,
    );
    expect(binTrace(ramp, kept, gap)[5]).toBeNaN();
  });
});

describe('the average over trials', () => {
  it('has Student’s band, none below two trials, and leaves out trials without a value', () => {
    expect(average([Number.NaN])).toEqual({ n: 0, mean: null, low: null, high: null });
    expect(average([4])).toEqual({ n: 1, mean: 4, low: null, high: null });
    const band = average([1, 2, 3, 4, 5, Number.NaN]);
    expect(band).toMatchObject({ n: 5, mean: 3 });
    // 3 ± 2.7764 · 1.5811 / √5
    expect(band.low).toBeCloseTo(3 - 1.963_243, 3);
    expect(band.high).toBeCloseTo(3 + 1.963_243, 3);
  });

  it.each([
    [1, 12.7062],
    [2, 4.302_65],
    [3, 3.182_45],
    [4, 2.776_45],
    [5, 2.570_58],
    [10, 2.228_14],
    [30, 2.042_27],
    [1000, 1.962_34],
  ])('uses the 0.975 quantile of Student’s t: %i degrees give %f', (degrees, quantile) => {
    expect(Math.abs(studentQuantile975(degrees) / quantile - 1)).toBeLessThan(2e-4);
  });
});
