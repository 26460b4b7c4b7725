// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { coreApis, mediaApis } from '../../main/contract/index.ts';
import { describeContract } from './describe-contract.ts';

describe('the contract', () => {
  it('is the committed one (a wanted change: npm run contract:snapshot, and a line in CHANGELOG.md)', () => {
    const committed: unknown = JSON.parse(
      readFileSync(path.join(import.meta.dirname, 'contract.snapshot.json'), 'utf8'),
    );
    expect(JSON.parse(JSON.stringify(describeContract()))).toEqual(committed);
  });

  it.each(Object.entries({ ...coreApis, ...mediaApis }))('lists %s under its own name', (key, api) => {
    expect(api.domain).toBe(key);
    for (const procedure of Object.values(api.procedures)) expect(procedure.doc).toMatch(/\w.*\.$/);
  });
});
