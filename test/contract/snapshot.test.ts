// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { captureApis, coreApis, mediaApis } from '../../main/contract/index.ts';
import { describeContract } from './describe-contract.ts';

const apiFolder = path.join(import.meta.dirname, '..', '..', 'main', 'contract', 'api');

describe('the contract', () => {
  it('lists every domain that has a file in main/contract/api', async () => {
    const listed = new Set<unknown>([
      ...Object.values(coreApis),
      ...Object.values(mediaApis),
      ...Object.values(captureApis),
    ]);
    const files = readdirSync(apiFolder).filter((name) => name.endsWith('.ts') && name !== 'index.ts');
    expect(files.length).toBeGreaterThan(4);
    for (const name of files) {
      const exported = Object.entries((await import(path.join(apiFolder, name))) as Record<string, unknown>);
      const domains = exported.filter(([word]) => word.endsWith('Api'));
      expect(domains.length, `${name} declares no domain`).toBeGreaterThan(0);
      for (const [word, api] of domains) expect(listed.has(api), `${word} of ${name} is not in the index`).toBe(true);
    }
  });

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
