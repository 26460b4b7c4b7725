// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { followed } from '../../../main/rpc/index.ts';

const never = new AbortController().signal;

describe('followed work', () => {
  it('tells where it began, the newest of what a slow reader missed, and returns its result', async () => {
    const end = Promise.withResolvers<string>();
    let tell: (now: number) => void = () => undefined;
    const steps = followed(
      0,
      (told: (now: number) => void) => {
        tell = told;
        return end.promise;
      },
      never,
    );
    expect(await steps.next()).toEqual({ done: false, value: 0 });
    tell(1);
    tell(2);
    expect(await steps.next()).toEqual({ done: false, value: 2 });
    const waiting = steps.next();
    tell(3);
    expect(await waiting).toEqual({ done: false, value: 3 });
    end.resolve('made');
    expect(await steps.next()).toEqual({ done: true, value: 'made' });
  });

  it('is aborted when its reader leaves, who goes once it has ended', async () => {
    const order: string[] = [];
    const steps = followed(
      'begin',
      async (_tell, signal) => {
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        order.push('cleared up');
        throw new Error('cancelled');
      },
      never,
    );
    await steps.next();
    await steps.return(undefined as never);
    order.push('left');
    expect(order).toEqual(['cleared up', 'left']);
  });

  it('is aborted by its caller’s signal, and throws what it ended with', async () => {
    const stop = new AbortController();
    const steps = followed(
      'begin',
      async (_tell, signal) => {
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        throw new Error('stopped half-way');
      },
      stop.signal,
    );
    await steps.next();
    stop.abort();
    await expect(steps.next()).rejects.toThrow('stopped half-way');
  });
});
