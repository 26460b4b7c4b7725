// SPDX-License-Identifier: MIT
import { cpSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openLibrary } from '../../../main/library/index.ts';
import { createSessionsHandlers } from '../../../main/sessions/index.ts';
import { movedBase } from '../../../main/sessions/relink.ts';
import { placeOf } from '../../../main/sessions/handlers.ts';
import { newLibraryIn } from '../../support/library.ts';
import { fakeProbe, regularTimes, temporaryFolder, timeStampsCsv, writeTree } from '../../support/session-folders.ts';

const context = { signal: new AbortController().signal, audience: 'window' } as const;

const sessionFiles = (folder: string, frames: number): Record<string, string | object> => ({
  [`${folder}/metaData.json`]: { animalName: 'm1' },
  [`${folder}/Miniscope/metaData.json`]: { deviceName: 'Miniscope', deviceType: 'Miniscope_V4' },
  [`${folder}/Miniscope/timeStamps.csv`]: timeStampsCsv(regularTimes(frames, 50)),
  [`${folder}/Miniscope/0.avi`]: `${frames} 4 3`,
});

describe('files that moved', () => {
  it('are found again with all sessions that moved in the same way, and only if they are the same films', async () => {
    using temporary = temporaryFolder();
    writeTree(temporary.path, {
      ...sessionFiles('old/m1/a', 10),
      ...sessionFiles('old/m1/b', 11),
      ...sessionFiles('old/m2/c', 12),
      ...sessionFiles('other', 13),
    });
    const library = await openLibrary({ directory: newLibraryIn(path.join(temporary.path, 'library')), seed: 1 });
    try {
      const changed: string[] = [];
      const handlers = createSessionsHandlers({
        library,
        probeFilm: fakeProbe,
        roots: [{ id: 'data-1', name: 'data', path: temporary.path }],
        changed: (uuid) => changed.push(uuid),
        verifySession: (folder) =>
          Promise.resolve({
            sound: folder.includes('new'),
            devices: [{ device: 'Miniscope', frames: 10, missing: 0, problems: [], films: [{ isHashed: true }] }],
          }),
      });
      const at = (folder: string) => ({ source: { folder: { root: 'data-1', path: folder } } });
      const uuids: string[] = [];
      for (const folder of ['old/m1/a', 'old/m1/b', 'old/m2/c'])
        uuids.push((await handlers.import(at(folder), context)).session.uuid);
      // One of the three is really gone.
      cpSync(path.join(temporary.path, 'old'), path.join(temporary.path, 'new'), { recursive: true });
      rmSync(path.join(temporary.path, 'old'), { recursive: true });
      renameSync(path.join(temporary.path, 'new/m2/c'), path.join(temporary.path, 'new/m2/x'));
      const sessionUuid = uuids[0] ?? '';
      await expect(handlers.verify({ sessionUuid }, context)).rejects.toMatchObject({ code: 'session.not_found' });
      await expect(handlers.relink({ sessionUuid, ...at('other') }, context)).rejects.toMatchObject({
        code: 'session.other_films',
      });
      changed.length = 0;
      const answer = await handlers.relink({ sessionUuid, ...at('new/m1/a') }, context);
      expect(answer.relinked.map(({ uuid }) => uuid)).toEqual(uuids.slice(0, 2));
      expect(answer.stillMissing).toBe(1);
      expect(changed).toEqual(uuids.slice(0, 2));
      const rows = await handlers.list({}, context);
      expect(Object.fromEntries(rows.map(({ uuid, filesPresent }) => [uuid, filesPresent]))).toEqual({
        [uuids[0] ?? '']: true,
        [uuids[1] ?? '']: true,
        [uuids[2] ?? '']: false,
      });
      expect(await handlers.verify({ sessionUuid }, context)).toMatchObject({
        sound: true,
        devices: [{ hashed: 1, films: 1, missing: 0 }],
      });
      const facts = await handlers.facts({}, context);
      expect(facts.find(({ uuid }) => uuid === sessionUuid)).toMatchObject({
        place: 'data',
        verified: { sound: true },
      });
      expect(JSON.stringify(facts)).not.toContain(temporary.path);
    } finally {
      await library.close();
    }
  });

  it('have a common change at the start of their paths', () => {
    expect(movedBase('D:\\lab\\m1\\a', '/mnt/disk/m1/a', path.posix)).toEqual({ from: 'D:/lab', to: '/mnt/disk' });
    expect(placeOf('/mnt/x/s1', [{ id: 'home', name: 'Home', path: '/home/x' }])).toBe('/mnt');
    expect(placeOf('D:\\lab\\m1', [])).toBe('D:');
  });
});
