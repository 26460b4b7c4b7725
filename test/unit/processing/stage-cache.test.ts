// SPDX-License-Identifier: MIT
import { existsSync, readdirSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { cacheLimit, defaultCacheBytes, trimCache } from '../../../main/processing/stage-cache.ts';
import { temporaryFolder, writeTree } from '../../support/session-folders.ts';

const key = (digit: string): string => digit.repeat(64);
const alive = (pid: number): boolean => pid === 7;

/** A cache of three checkpoints of 1000 bytes and a little, the one of key `b` used longest ago. */
function cache(): Disposable & { readonly path: string; readonly keys: () => string[] } {
  const folder = temporaryFolder();
  writeTree(folder.path, {
    [`${key('a')}/state.bin`]: 'x'.repeat(1000),
    [`${key('b')}/state.bin`]: 'x'.repeat(1000),
    [`${key('c')}/state.bin`]: 'x'.repeat(1000),
    'films/known.json': '{}',
    'jobs/run/job.json': '{}',
  });
  for (const [digit, at] of [
    ['a', 2000],
    ['b', 1000],
    ['c', 3000],
  ] as const) {
    writeTree(folder.path, { [`${key(digit)}/checkpoint.json`]: '{}' });
    utimesSync(path.join(folder.path, key(digit), 'checkpoint.json'), at, at);
  }
  return {
    path: folder.path,
    keys: () =>
      readdirSync(folder.path)
        .filter((name) => name.length >= 64)
        .map((name) => name.charAt(0)),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

describe('the cache of kept results', () => {
  it('stays as it is below its size', async () => {
    using folder = cache();
    expect((await trimCache(folder.path, 10_000, alive)).removed).toBe(0);
    expect(folder.keys()).toEqual(['a', 'b', 'c']);
  });

  it('loses what was not used for the longest first, and nothing else of the folder', async () => {
    using folder = cache();
    const { removed, bytes } = await trimCache(folder.path, 2500, alive);
    expect([removed, folder.keys()]).toEqual([1, ['a', 'c']]);
    expect(bytes).toBeLessThanOrEqual(2500);
    await trimCache(folder.path, 1100, alive);
    expect(folder.keys()).toEqual(['c']);
    expect(existsSync(path.join(folder.path, 'films/known.json'))).toBe(true);
    expect(existsSync(path.join(folder.path, 'jobs/run/job.json'))).toBe(true);
  });

  it('keeps what a living process uses, and forgets the marks of dead ones', async () => {
    using folder = cache();
    writeTree(folder.path, { [`${key('b')}/in-use-7`]: '', [`${key('a')}/in-use-8`]: '' });
    await trimCache(folder.path, 0, alive);
    expect(folder.keys()).toEqual(['b']);
  });

  it('removes first what has no list of its files, and what dead processes left unfinished', async () => {
    using folder = cache();
    writeTree(folder.path, {
      [`${key('d')}/state.bin`]: 'x'.repeat(1000),
      'tmp-8/large': 'x',
      'tmp-7/large': 'x',
      [`${key('e')}.removed/state.bin`]: 'x',
    });
    await trimCache(folder.path, 3200, alive);
    expect(folder.keys()).toEqual(['a', 'b', 'c']);
    expect([existsSync(path.join(folder.path, 'tmp-8')), existsSync(path.join(folder.path, 'tmp-7'))]).toEqual([
      false,
      true,
    ]);
  });

  it('may be missing', async () => {
    expect(await trimCache('/nowhere/at/all', 0)).toEqual({ bytes: 0, removed: 0 });
  });

  it('has a size that the environment may change', () => {
    expect(cacheLimit({})).toBe(defaultCacheBytes);
    expect([cacheLimit({ CALYX_CACHE_SIZE: '3G' }), cacheLimit({ CALYX_CACHE_SIZE: '0' })]).toEqual([3 * 2 ** 30, 0]);
    expect(() => cacheLimit({ CALYX_CACHE_SIZE: 'much' })).toThrow('CALYX_CACHE_SIZE must be a size');
  });
});
