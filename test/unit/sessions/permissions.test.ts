// SPDX-License-Identifier: MIT
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { AppError } from '../../../main/contract/index.ts';
import { exitCodeOf } from '../../../main/hosts/exit-codes.ts';
import { probeFilm } from '../../../main/media/index.ts';
import { scratchBeside } from '../../../main/processing/index.ts';
import { openSession, pathOfSource } from '../../../main/sessions/index.ts';
import { greyAvi } from '../../support/avi.ts';
import { localCall } from '../../support/finished-run.ts';
import { temporaryFolder } from '../../support/library.ts';
import { withoutRights } from '../../support/without-permission.ts';
import { writeTree } from '../../support/session-folders.ts';

const messageOf = async (work: () => Promise<unknown>): Promise<string> =>
  await withoutRights(
    async () =>
      await work().then(
        () => 'it was done',
        (error: unknown) => {
          const { code, message } = AppError.from(error);
          return `${exitCodeOf(code)}: ${message}`;
        },
      ),
  );

/** A folder that others may enter, taken back at the end. */
function openFolder(): string {
  const folder = temporaryFolder();
  chmodSync(folder, 0o755);
  return folder;
}

function locked(place: string, mode: number): string {
  chmodSync(place, mode);
  onTestFinished(() => chmodSync(place, 0o755));
  return place;
}

test('what may not be read is told as that, not as a file of no known kind', async () => {
  const folder = openFolder();
  const file = path.join(folder, 'result.hdf5');
  writeFileSync(file, 'x');
  locked(file, 0o000);
  expect(await messageOf(() => pathOfSource({ path: file }, [], localCall))).toBe(`5: You may not read ${file}.`);
  expect(await messageOf(() => readFile(file))).toBe(`5: You may not open ${file}.`);
});

test('a session whose film or whose times may not be read says which', async () => {
  const folder = openFolder();
  const session = path.join(folder, 'ses');
  writeTree(session, {
    'metaData.json': { animalName: 'm1', miniscopes: ['Scope'] },
    'Scope/metaData.json': { deviceName: 'Scope', deviceType: 'Miniscope_V4_BNO' },
    'Scope/timeStamps.csv': 'Frame Number,Time Stamp (ms),Buffer Index\n0,0,0\n1,50,0\n',
  });
  const film = path.join(session, 'Scope', '0.avi');
  writeFileSync(film, greyAvi(2, 8, 8));
  const told = async (): Promise<string> =>
    await messageOf(async () => {
      const { devices } = await openSession(session, { probeFilm });
      if (devices[0]?.error !== null && devices[0] !== undefined) throw devices[0].error;
    });
  expect(await told()).toBe('it was done');
  locked(film, 0o000);
  expect(await told()).toContain(`You may not open ${film}.`);
  chmodSync(film, 0o644);
  const times = locked(path.join(session, 'Scope', 'timeStamps.csv'), 0o000);
  expect(await told()).toBe(`5: You may not open ${times}.`);
  chmodSync(times, 0o644);
  locked(path.join(session, 'metaData.json'), 0o000);
  expect(await told()).toBe('3: metaData.json cannot be read: permission is missing.');
});

test('an export to a folder that takes nothing says so and leaves nothing', async () => {
  const folder = openFolder();
  const own = path.join(folder, 'own');
  mkdirSync(own);
  locked(own, 0o555);
  expect(await messageOf(() => scratchBeside(path.join(own, 'csv')))).toBe(
    `5: exporting to ${path.join(own, 'csv')}: You may not change what is in ${own}.`,
  );
  expect(await messageOf(() => scratchBeside(path.join(own, 'new', 'run.nwb')))).toBe(
    `5: ${path.join(own, 'new')} cannot be written: you may not write in ${own}.`,
  );
  expect(readdirSync(own)).toEqual([]);
});
