// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { boxAround } from '../../../renderer/panels/event-clips.tsx';
import { partsOf, residualRange, sharedLevels } from '../../../renderer/panels/movie-frame.ts';
import { playedFrame } from '../../../renderer/stores/review.ts';

describe('the movie', () => {
  it('plays on to the last frame and stops there, or round a loop without end', () => {
    expect(playedFrame(7, 2, 10, null)).toEqual({ frame: 9, ended: true });
    expect(playedFrame(3, 2, 10, null)).toEqual({ frame: 5, ended: false });
    expect(playedFrame(5, 1, 10, [2, 5])).toEqual({ frame: 2, ended: false });
    expect(playedFrame(8, 1, 10, [2, 5])).toEqual({ frame: 2, ended: false });
  });

  it('has one contrast for all panes: as many grey levels from black to white', () => {
    expect(partsOf('split')).toEqual(['registered', 'cells', 'background', 'residual']);
    const grey = { low: 40, high: 90 };
    expect(sharedLevels('background', grey)).toEqual(grey);
    // A byte of the cells is half a grey level.
    expect(sharedLevels('cells', grey)).toEqual({ low: 0, high: 100 });
  });

  it('shows the residual about zero by its noise, whatever bright cells do', () => {
    const noise = Uint8Array.from({ length: 10_000 }, (_, i) => 128 + ((i * 7919) % 41) - 20);
    const box = { left: 0, top: 0, right: 100, bottom: 100 };
    const { low, high } = residualRange(noise, 100, box);
    expect((low + high) / 2).toBeCloseTo(128, 6);
    const bright = noise.slice().fill(255, 0, 800);
    expect(residualRange(bright, 100, box).high / high).toBeLessThan(1.15);
  });

  it('cuts clips of one size, inside the frame also at its edge', () => {
    const cell = { centroid: { y: 1, x: 99 } } as Parameters<typeof boxAround>[0];
    const box = boxAround(cell, 100, 80, 10);
    expect(box).toEqual({ left: 64, top: 0, right: 100, bottom: 36 });
  });
});
