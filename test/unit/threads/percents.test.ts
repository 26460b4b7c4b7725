// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import { inPercents } from '../../../main/threads/index.ts';

test('each percent of a step is told once, and each step from its beginning', () => {
  const told: [string, number][] = [];
  const tell = inPercents((step, fraction) => told.push([step, fraction]));
  for (const fraction of [0, 0.004, 0.01, 0.019, 0.5]) tell('rows', fraction);
  tell('cells', 0.5);
  expect(told).toEqual([
    ['rows', 0],
    ['rows', 0.01],
    ['rows', 0.5],
    ['cells', 0.5],
  ]);
});
