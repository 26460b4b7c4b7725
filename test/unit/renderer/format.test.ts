// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { bytes, dateTime, plural } from '../../../renderer/ui/format.ts';

describe('the start of a recording', () => {
  it('is told by the clock of the rig, wherever it is looked at', () => {
    expect(dateTime('2026-10-10T07:30:00.000Z', 120)).toBe('2026-10-10 09:30');
    expect(dateTime('2026-01-01T02:00:00.000Z', -300)).toBe('2025-12-31 21:00');
  });

  it('is a dash where it is not known', () => {
    expect(dateTime(null, 60)).toBe('–');
    expect(dateTime('yesterday', 60)).toBe('–');
  });
});

describe('numbers with a noun', () => {
  it('agree with it', () => {
    expect([plural(1, 'cell'), plural(28, 'cell'), plural(36_000, 'frame')]).toEqual([
      '1 cell',
      '28 cells',
      '36,000 frames',
    ]);
  });
});

describe('sizes of files', () => {
  it('are never nothing where there is something', () => {
    expect([bytes(0), bytes(300), bytes(40_000), bytes(3e6), bytes(641e6), bytes(3.3e9)]).toEqual([
      '0 kB',
      '1 kB',
      '40 kB',
      '2.9 MB',
      '611 MB',
      '3.1 GB',
    ]);
  });
});
