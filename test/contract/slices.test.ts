// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseInSlices } from '../../main/contract/rpc/flow.ts';

const Rows = z.array(z.object({ n: z.number().int() }));
const rows = (count: number) => Array.from({ length: count }, (_, n) => ({ n, unknown: true }));

/** Looks at an answer and says how often others had their turn. */
async function looked(schema: z.ZodType, value: unknown) {
  let pauses = 0;
  const found = await parseInSlices(schema, value, 'lab.rows', () => {
    pauses += 1;
    return Promise.resolve();
  });
  return { found, pauses };
}

describe('a long answer', () => {
  it('is looked at in slices, with a pause after each, and is what it would be in one go', async () => {
    const { found, pauses } = await looked(Rows, rows(5000));
    expect(found).toEqual(Rows.parse(rows(5000)));
    expect(pauses).toBe(49);
    expect((await looked(Rows, rows(100))).pauses).toBe(0);
  });

  it('that is wrong somewhere names the place as it is in the whole list', async () => {
    const wrong: unknown[] = rows(1000);
    wrong[777] = { n: 'seven' };
    await expect(looked(Rows, wrong)).rejects.toThrow(/^lab\.rows: .* at 777\.n\.$/);
  });

  it('whose list has a rule of its own is looked at as a whole', async () => {
    const Short = z.array(z.object({ n: z.number() })).max(500);
    await expect(looked(Short, rows(600))).rejects.toThrow('lab.rows');
    expect((await looked(Short, rows(400))).pauses).toBe(0);
  });
});
