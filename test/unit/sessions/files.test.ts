// SPDX-License-Identifier: MIT
import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { dataRoots } from '../../../main/sessions/index.ts';
import { listChoices, resolveFolder } from '../../../main/sessions/files.ts';
import { temporaryFolder, timeStampsCsv, writeTree } from '../../support/session-folders.ts';

function disk() {
  const folder = temporaryFolder();
  writeTree(folder.path, {
    'data/session/metaData.json': { miniscopes: ['S'] },
    'data/session/S/timeStamps.csv': timeStampsCsv([0, 50]),
    'data/plain/readme.txt': 'x',
    'data/film.avi': '1 2 2',
    'data/secret.txt': 'x',
    'data/.hidden/0.avi': '1 2 2',
    'outside/0.avi': '1 2 2',
  });
  symlinkSync(path.join(folder.path, 'outside'), path.join(folder.path, 'data', 'way-out'));
  symlinkSync(path.join(folder.path, 'data', 'plain'), path.join(folder.path, 'data', 'way-in'));
  const roots = [{ id: 'data-1', name: 'data', path: path.join(folder.path, 'data') }];
  return { path: folder.path, roots, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

describe('choosing a folder', () => {
  it('shows folders, recognised sessions and films, and nothing hidden, foreign or outside', async () => {
    using place = disk();
    const { roots } = place;
    const entries = await listChoices(roots, { root: 'data-1', path: '' });
    expect(entries).toEqual([
      { name: 'film.avi', kind: 'film' },
      { name: 'plain', kind: 'folder' },
      { name: 'session', kind: 'session', detail: 'Miniscope DAQ session' },
      { name: 'way-in', kind: 'folder' },
    ]);
  });

  it.each(['..', 'plain/../../outside', 'way-out', '.hidden', 'plain\\..\\..'])('refuses %s', async (below) => {
    using place = disk();
    const { roots } = place;
    await expect(resolveFolder(roots, { root: 'data-1', path: below })).rejects.toMatchObject({
      code: 'files.outside_roots',
    });
  });

  it('refuses a root that was not offered', async () => {
    using place = disk();
    const { roots } = place;
    await expect(resolveFolder(roots, { root: '/', path: 'etc' })).rejects.toMatchObject({
      code: 'files.outside_roots',
    });
  });

  it('names a folder that went away', async () => {
    using place = disk();
    const { roots } = place;
    await expect(resolveFolder(roots, { root: 'data-1', path: 'gone' })).rejects.toMatchObject({
      code: 'files.not_found',
      message: '“gone” is not there any more.',
    });
  });

  it('does not mistake a sibling with the same beginning for the inside', async () => {
    using place = disk();
    const { roots } = place;
    mkdirSync(path.join(place.path, 'data-more'));
    symlinkSync(path.join(place.path, 'data-more'), path.join(place.path, 'data', 'sibling'));
    await expect(resolveFolder(roots, { root: 'data-1', path: 'sibling' })).rejects.toMatchObject({
      code: 'files.outside_roots',
    });
  });

  it('offers the data roots of the environment and the home folder', () => {
    const env = { CALYX_DATA_ROOTS: ['/mnt/a', '/mnt/b'].join(path.delimiter) };
    expect(dataRoots(env, '/home/me').map(({ id, name }) => [id, name])).toEqual([
      ['data-1', 'a'],
      ['data-2', 'b'],
      ['home', 'Home'],
    ]);
  });
});
