// SPDX-License-Identifier: MIT
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fromFile } from 'geotiff';
import { describe, expect, it } from 'vitest';
import { stackPlanes, type StackScope, takeStack } from '../../../main/acquisition/z-stack.ts';
import type { ScopeFrame } from '../../../main/devices/index.ts';
import { temporaryFolder } from '../../support/library.ts';
import { v4 } from '../../support/rig.ts';

const type = { ...v4, width: 16, height: 9 };

/** A scope whose lens takes three frames to move, and whose frames wait to be taken while a step is told; a pixel shows the lens setting, the frame's parity and where it is. */
function movingScope(): StackScope & { readonly sets: (string | number)[] } {
  const sets: (string | number)[] = [];
  let still = 0;
  let frame = 0;
  let nowNs = 0n;
  /** Frames that came before the lens was told to move. */
  let waiting = 0;
  return {
    type,
    lens: () => 7,
    sets,
    set: (value) => {
      sets.push(value);
      still = 0;
      waiting = 5;
      return Promise.resolve({ shown: value });
    },
    nowNs: () => nowNs,
    nextFrame: () => {
      frame += 1;
      const isOld = waiting > 0;
      if (isOld) waiting -= 1;
      else {
        still += 1;
        nowNs += 50_000_000n;
      }
      const lens = still <= 3 ? 0 : 100 + Number(sets.at(-1));
      const pixels = Uint8Array.from({ length: 16 * 9 }, (_, at) => lens + (at % 16) + (frame % 2) * 2);
      return Promise.resolve({ pixels, firstNs: isOld ? nowNs - 1n : nowNs } as unknown as ScopeFrame);
    },
  };
}

describe('a stack through the depth that the lens reaches', () => {
  it('has a page for each lens setting: the mean of frames taken once the lens stood still', async () => {
    const file = path.join(temporaryFolder(), 'imageCaptures', 'stack.tif');
    const scope = movingScope();
    const told: string[] = [];
    const planes = await takeStack(
      scope,
      { file, from: -20, to: 20, step: 10, frames: 4 },
      new AbortController().signal,
      (plane, of) => told.push(`${plane}/${of}`),
    );
    expect(planes).toBe(5);
    expect(told).toEqual(['1/5', '2/5', '3/5', '4/5', '5/5']);
    expect(scope.sets).toEqual([-20, -10, 0, 10, 20, 7]);
    const tiff = await fromFile(file);
    expect(await tiff.getImageCount()).toBe(5);
    for (const [n, lens] of [-20, -10, 0, 10, 20].entries()) {
      const image = await tiff.getImage(n);
      expect([image.getWidth(), image.getHeight(), image.getBitsPerSample()]).toEqual([16, 9, 32]);
      const [pixels] = (await image.readRasters()) as unknown as Float32Array[];
      expect(pixels?.[0]).toBe(100 + lens + 1);
      expect(pixels?.[16 * 8 + 5]).toBe(100 + lens + 5 + 1);
      expect(String(await image.fileDirectory.loadValue('ImageDescription'))).toContain(`ewl=${lens}; frames=4`);
    }
    void tiff.close();
    expect(readdirSync(path.dirname(file))).toEqual(['stack.tif']);
  });

  it('that is stopped, or whose board goes away, leaves nothing, and the lens where it was', async () => {
    const folder = temporaryFolder();
    const file = path.join(folder, 'stack.tif');
    const stop = new AbortController();
    const scope = movingScope();
    const act = takeStack(scope, { file, from: 0, to: 50, step: 10, frames: 2 }, stop.signal, (plane) => {
      if (plane === 3) stop.abort();
    });
    await expect(act).rejects.toMatchObject({
      code: 'rpc.cancelled',
      message: 'The stack was stopped; nothing of it was kept.',
    });
    expect(scope.sets.at(-1)).toBe(7);
    const dying = { ...movingScope(), nextFrame: () => Promise.reject(new Error('gone')) };
    await expect(
      takeStack(dying, { file, from: 0, to: 5, step: 5, frames: 2 }, new AbortController().signal, () => undefined),
    ).rejects.toThrow();
    expect(existsSync(file)).toBe(false);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('goes from either end, and is refused beyond the lens or without one', () => {
    expect(stackPlanes(v4, { from: 10, to: -10, step: 5 })).toEqual([10, 5, 0, -5, -10]);
    expect(stackPlanes(v4, { from: 3, to: 3, step: 1 })).toEqual([3]);
    expect(stackPlanes(v4, { from: 0, to: 9, step: 4 })).toEqual([0, 4, 8]);
    expect(() => stackPlanes(v4, { from: 0, to: 200, step: 4 })).toThrow(
      'A stack must lie between the lens settings -127 and 127; 200 does not.',
    );
    expect(() => stackPlanes({ ...v4, label: 'V3', controls: {} }, { from: 0, to: 1, step: 1 })).toThrow(
      'V3 has no lens that can be set: no stack can be taken.',
    );
  });
});
