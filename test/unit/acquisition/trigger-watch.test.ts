// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { TriggerWatch } from '../../../main/acquisition/trigger-watch.ts';
import { manualClock } from '../../support/manual-clock.ts';

describe('the wait for a trigger', () => {
  it('is refused where the input cannot be read, and asks no more', async () => {
    const clock = manualClock();
    let asked = 0;
    const edges: boolean[] = [];
    const watch = new TriggerWatch(
      clock,
      () => {
        asked += 1;
        return Promise.resolve(null);
      },
      (high) => edges.push(high),
    );
    const refused = expect(watch.begin()).rejects.toMatchObject({
      code: 'acquire.not_ready',
      message: 'Not armed: the board’s trigger input cannot be read, so that no edge of it would be seen.',
    });
    for (let n = 0; n < 15; n += 1) await clock.advance(20);
    await refused;
    const before = asked;
    await clock.advance(200);
    expect(asked).toBe(before);
    expect(watch.level).toBeNull();
    expect(edges).toEqual([]);
  });

  it('waits out an answer that stays away for a moment, at the begin and between recordings', async () => {
    const clock = manualClock();
    const levels: (boolean | null)[] = [null, null, false, null, true];
    const edges: boolean[] = [];
    const watch = new TriggerWatch(
      clock,
      () => Promise.resolve(levels.length > 1 ? levels.shift()! : levels[0]!),
      (high) => edges.push(high),
    );
    const begun = watch.begin();
    for (let n = 0; n < 6; n += 1) await clock.advance(20);
    await begun;
    expect(edges).toEqual([true]);
    watch.end();
    // Away for longer than a first wait has patience.
    levels.splice(0, 1, ...Array.from({ length: 30 }, () => null), false, true);
    await watch.begin(true);
    for (let n = 0; n < 40; n += 1) await clock.advance(20);
    expect(edges).toEqual([true, true]);
    watch.end();
  });
});
