// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { blinkBoard, blinkLed, practiceScope, readCatalogue, scopeType } from '../../../main/devices/index.ts';
import { manualClock, type ManualClock } from '../../support/manual-clock.ts';

const type = scopeType(readCatalogue(), 'Miniscope_V4_BNO');
const tissue = {
  draw: (_n: number, _camera: unknown, out: Uint8Array) => out.fill(9),
  [Symbol.dispose]: () => undefined,
};

async function meanwhile<T>(clock: ManualClock, act: Promise<T>): Promise<T> {
  const done = { is: false };
  void act.finally(() => (done.is = true)).catch(() => undefined);
  for (let ms = 0; !done.is && ms < 60_000; ms += 25) await clock.advance(25);
  return await act;
}

describe('a light that blinks to show which scope it is', () => {
  it('goes on three times and is left at the value it had', async () => {
    const clock = manualClock();
    const seen: [number, string | number][] = [];
    const set = (_led: string, value: string | number): Promise<void> => {
      seen.push([Number(clock.nowNs() / 1_000_000n), value]);
      return Promise.resolve();
    };
    await meanwhile(clock, blinkLed(type, clock, { set, shown: () => 12 }));
    expect(seen).toEqual([
      [0, 30],
      [400, 0],
      [800, 30],
      [1200, 0],
      [1600, 30],
      [2000, 0],
      [2400, 12],
    ]);
  });

  it('has its value back when it is stopped, or the board does not answer in between', async () => {
    const clock = manualClock();
    const seen: (string | number)[] = [];
    let fails = 3;
    const set = (_led: string, value: string | number): Promise<void> => {
      seen.push(value);
      fails -= 1;
      return fails === 0 ? Promise.reject(new Error('no answer')) : Promise.resolve();
    };
    await expect(meanwhile(clock, blinkLed(type, clock, { set, shown: () => 12 }))).rejects.toThrow('no answer');
    expect(seen).toEqual([30, 0, 30, 12]);
    const stopped = AbortSignal.abort();
    seen.length = 0;
    fails = 99;
    await meanwhile(clock, blinkLed(type, clock, { set, shown: () => 5, signal: stopped }));
    expect(seen).toEqual([5]);
  });

  it('is a real register on a board that nobody has open, which is dark and still afterwards', async () => {
    const clock = manualClock();
    using practice = practiceScope(type, clock, tissue);
    const seen: number[] = [];
    const led = (): number => Math.abs(Math.round(practice.state().values['led0'] ?? -1));
    const act = blinkBoard(type, () => practice.open(), clock);
    const done = { is: false };
    void act.finally(() => (done.is = true));
    for (let ms = 0; !done.is && ms < 20_000; ms += 25) {
      await clock.advance(25);
      if (seen.at(-1) !== led()) seen.push(led());
    }
    await act;
    expect(seen.filter((value, n) => !(n === 0 && value !== 0))).toEqual([0, 30, 0, 30, 0, 30, 0]);
  });

  it('is refused for a scope that has none', async () => {
    const blind = { ...type, label: 'Blind scope', controls: {} };
    await expect(
      blinkLed(blind, manualClock(), { set: () => Promise.resolve(), shown: () => 0 }),
    ).rejects.toMatchObject({
      code: 'device.bad_setting',
      message: 'Blind scope has no LED that could blink.',
    });
  });
});
