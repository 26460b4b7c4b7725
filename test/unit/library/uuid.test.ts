// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { createUuid7, seededRandom, systemRandom, uuidBytes, uuidText } from '../../../main/library/uuid.ts';

describe('uuids', () => {
  it('carry version, variant and the millisecond they were made in', () => {
    const uuid = createUuid7(() => 0x0190_1234_5678, seededRandom(1))();
    expect(uuid).toMatch(/^01901234-5678-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('repeat with the same clock and seed', () => {
    const make = () =>
      Array.from(
        { length: 5 },
        createUuid7(() => 1000, seededRandom(7)),
      );
    expect(make()).toEqual(make());
    expect(make()).not.toEqual(
      Array.from(
        { length: 5 },
        createUuid7(() => 1000, seededRandom(8)),
      ),
    );
  });

  it('grow although the clock stands still, overflows its counter and goes back', () => {
    let now = 5000;
    const next = createUuid7(() => now, seededRandom(3));
    const made = Array.from({ length: 10_000 }, (_, i) => {
      if (i === 9000) now = 10;
      return next();
    });
    expect(made).toEqual(made.toSorted());
    expect(new Set(made).size).toBe(made.length);
  });

  it('survive the way into 16 bytes and back', () => {
    const uuid = createUuid7(Date.now, systemRandom)();
    expect(uuidBytes(uuid)).toHaveLength(16);
    expect(uuidText(uuidBytes(uuid))).toBe(uuid);
  });
});
