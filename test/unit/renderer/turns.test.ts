// SPDX-License-Identifier: MIT
import { expect, it } from 'vitest';
import { createTurns } from '../../../renderer/ui/dock/turns.ts';

it('panels are drawn one after the other, each in a turn of its own, and those that have gone are left out', () => {
  const later: (() => void)[] = [];
  const turns = createTurns((next) => later.push(next));
  const drawn: string[] = [];
  turns.take(() => drawn.push('map'));
  const leave = turns.take(() => drawn.push('movie'));
  turns.take(() => drawn.push('traces'));
  expect(drawn).toEqual([]);
  later.shift()?.();
  expect(drawn).toEqual(['map']);
  leave();
  later.shift()?.();
  later.shift()?.();
  expect(drawn).toEqual(['map', 'traces']);
  expect(later).toEqual([]);
  turns.take(() => drawn.push('why'));
  later.shift()?.();
  expect(drawn).toEqual(['map', 'traces', 'why']);
});
