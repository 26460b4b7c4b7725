// SPDX-License-Identifier: MIT
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { afterPassing } from '../../../renderer/ui/use-stayed.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it('lets rows that come into sight together wait for one timer, and forgets those that left', async () => {
  const seen: number[] = [];
  const leave = Array.from({ length: 30 }, (_, row) => afterPassing(() => seen.push(row)));
  expect(vi.getTimerCount()).toBe(1);
  await Promise.resolve();
  vi.advanceTimersByTime(50);
  for (const row of leave.slice(0, 28)) row();
  // One that comes later waits its own time.
  afterPassing(() => seen.push(100));
  expect(vi.getTimerCount()).toBe(2);
  vi.advanceTimersByTime(45);
  expect(seen).toEqual([28, 29]);
  vi.advanceTimersByTime(50);
  expect(seen).toEqual([28, 29, 100]);
});
