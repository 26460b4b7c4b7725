// SPDX-License-Identifier: MIT
import { existsSync, readdirSync, writeFileSync, cpSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { greyAvi } from '../../support/avi.ts';
import { calyx, engineMissing, sampleSession, type CliEnd } from '../../support/cli.ts';
import {
  regularTimes,
  temporaryFolder,
  timeStampsCsv,
  writeTree,
  type TemporaryFolder,
} from '../../support/session-folders.ts';

/** A recording folder with one scope, whose films are given by name. */
function recording(
  root: string,
  films: Readonly<Record<string, Buffer>>,
  csv = timeStampsCsv(regularTimes(4, 50)),
): string {
  const folder = path.join(root, 'rec');
  writeTree(folder, {
    'metaData.json': { animalName: 'm1', miniscopes: ['Miniscope'] },
    'Miniscope/metaData.json': { deviceName: 'Miniscope', deviceType: 'Miniscope_V4' },
    'Miniscope/timeStamps.csv': csv,
  });
  for (const [name, bytes] of Object.entries(films)) writeFileSync(path.join(folder, 'Miniscope', name), bytes);
  return folder;
}

interface Attempt extends Disposable {
  readonly root: TemporaryFolder;
  /** `process <args> --library … --export … --json` */
  readonly process: (args: readonly string[], env?: NodeJS.ProcessEnv) => Promise<CliEnd>;
  readonly library: string;
  readonly destination: string;
}

function attempt(): Attempt {
  const root = temporaryFolder();
  const [library, destination] = [path.join(root.path, 'library'), path.join(root.path, 'out')];
  return {
    root,
    library,
    destination,
    process: (args, env = {}) =>
      calyx(['process', ...args, '--library', library, '--export', destination, '--json'], { env, from: root.path }),
    [Symbol.dispose]: () => root[Symbol.dispose](),
  };
}

/** Refused: this code, this sentence, one JSON object on stderr, nothing on stdout, no export and no run, and no owner left. */
function expectRefused(end: CliEnd, place: Attempt, exit: number, code: string, message: string | RegExp): void {
  expect(end.out).toBe('');
  expect(end.err.trimEnd().split('\n')).toHaveLength(1);
  const error = JSON.parse(end.err) as { code: string; message: string };
  expect(error.code).toBe(code);
  expect(error.message).toMatch(message);
  expect(end.code).toBe(exit);
  expectNothingHalfWritten(place);
}

function expectNothingHalfWritten(place: Attempt): void {
  expect(readdirSync(place.root.path).filter((name) => name.startsWith('out'))).toEqual([]);
  const runs = path.join(place.library, 'runs');
  expect(existsSync(runs) ? readdirSync(runs) : []).toEqual([]);
  const jobs = path.join(place.library, 'cache', 'jobs');
  expect(existsSync(jobs) ? readdirSync(jobs) : []).toEqual([]);
  expect(existsSync(path.join(place.library, 'lock.json'))).toBe(false);
}

function needEngine(context: TestContext): void {
  const missing = engineMissing();
  if (missing !== undefined) context.skip(missing);
}

describe('bad input is refused with a sentence', () => {
  it('no such folder', async () => {
    using place = attempt();
    const end = await place.process(['gone']);
    expectRefused(
      end,
      place,
      3,
      'session.not_found',
      `There is no folder or film at ${path.join(place.root.path, 'gone')}.`,
    );
  });

  it('a run’s id that is none points to the list of runs', async () => {
    using place = attempt();
    for (const args of [
      ['export', 'first', 'out'],
      ['runs', 'first'],
    ]) {
      const end = await calyx([...args, '--library', place.library, '--json'], { from: place.root.path });
      const error = JSON.parse(end.err) as { code: string; message: string; hint: string };
      expect(error).toMatchObject({ code: 'run.not_found', message: '“first” is no run’s id.' });
      expect(error.hint).toContain('calyx runs');
      expect(existsSync(place.library)).toBe(false);
    }
  });

  it('a recording that is named twice', async () => {
    using place = attempt();
    const folder = recording(place.root.path, { '0.avi': greyAvi(4, 24, 32) });
    const end = await place.process([folder, folder]);
    expectRefused(end, place, 2, 'usage.invalid', /is named twice/);
  });

  it('a folder without films', async () => {
    using place = attempt();
    mkdirSync(path.join(place.root.path, 'empty'));
    expectRefused(
      await place.process(['empty']),
      place,
      3,
      'session.no_films',
      'empty holds no films and no recording.',
    );
  });

  it('a recording whose films are elsewhere', async () => {
    using place = attempt();
    recording(place.root.path, {});
    expectRefused(
      await place.process(['rec']),
      place,
      3,
      'session.no_films',
      'Miniscope holds no film (0.avi, 1.avi …).',
    );
  });

  it('a film of zero frames', async () => {
    using place = attempt();
    recording(place.root.path, { '0.avi': greyAvi(0, 24, 32) });
    expectRefused(await place.process(['rec']), place, 3, 'media.empty', 'Miniscope: the film 0.avi holds no frame.');
  });

  it('a file that is called a film and is none', async () => {
    using place = attempt();
    writeFileSync(path.join(place.root.path, 'x.avi'), 'this is a letter');
    const end = await place.process(['x.avi']);
    expectRefused(end, place, 3, 'media.unreadable', /x\.avi/);
  });

  it('letters among the numbers of timeStamps.csv', async () => {
    using place = attempt();
    recording(
      place.root.path,
      { '0.avi': greyAvi(4, 24, 32) },
      timeStampsCsv(regularTimes(4, 50)).replace('100', '1O0'),
    );
    const end = await place.process(['rec']);
    expectRefused(
      end,
      place,
      3,
      'session.bad_csv',
      'Miniscope/timeStamps.csv, line 4, column 2 (“Time Stamp (ms)”): “1O0” is not a number.',
    );
  });

  it('films of different sizes in one session', async () => {
    using place = attempt();
    recording(place.root.path, { '0.avi': greyAvi(2, 24, 32), '1.avi': greyAvi(2, 32, 24) });
    const end = await place.process(['rec']);
    expectRefused(
      end,
      place,
      3,
      'media.size_mismatch',
      'Miniscope: 1.avi is 24 × 32, but 0.avi is 32 × 24 pixels; the films of one recording have one size.',
    );
  });

  it('a folder with several unrelated films', async () => {
    using place = attempt();
    writeFileSync(path.join(place.root.path, 'a.avi'), greyAvi(2, 24, 32));
    writeFileSync(path.join(place.root.path, 'b.avi'), greyAvi(2, 24, 32));
    const end = await place.process(['.']);
    expectRefused(
      end,
      place,
      3,
      'session.ambiguous_films',
      /holds several films and no order among them: a\.avi, b\.avi\./,
    );
  });

  it('an export folder that holds other things', async () => {
    using place = attempt();
    writeTree(place.destination, { 'thesis.txt': 'years of work' });
    const end = await place.process([sampleSession]);
    expect(end.code).toBe(2);
    expect(JSON.parse(end.err)).toMatchObject({ code: 'export.exists' });
    expect(readdirSync(place.destination)).toEqual(['thesis.txt']);
    expect(existsSync(place.library)).toBe(false);
  });

  it('frames beyond the end', async () => {
    using place = attempt();
    const end = await place.process([sampleSession, '--first-frame', '100000']);
    expectRefused(
      end,
      place,
      2,
      'usage.invalid',
      /--first-frame 100000 is beyond the recording's end: its frames are 0 to \d+\./,
    );
  });
});

describe('a library that cannot be used is refused with a sentence', () => {
  it('a file that is not SQLite stays as it is', async () => {
    using place = attempt();
    writeTree(place.library, {
      'library.sqlite': 'this is no database, and it is longer than a header of SQLite would be: '.repeat(20),
    });
    const end = await place.process([sampleSession]);
    expectRefused(end, place, 4, 'library.not_sqlite', /./);
  });

  it('a folder that is a file', async () => {
    using place = attempt();
    writeFileSync(place.library, 'x');
    const end = await place.process([sampleSession]);
    expect(end).toMatchObject({ code: 5, out: '' });
    expect(JSON.parse(end.err)).toMatchObject({ code: 'library.io' });
  });
});

describe('what is missing on the machine is named', () => {
  it('ffmpeg, for a film that needs it', async (context) => {
    needEngine(context);
    using place = attempt();
    const end = await place.process([sampleSession], { FFMPEG_BIN: '/nowhere/ffmpeg' });
    expectRefused(end, place, 4, 'media.ffmpeg_missing', /ffmpeg/);
  });

  it('the engine', async () => {
    using place = attempt();
    const end = await place.process([sampleSession], { CALYX_ENGINE: path.join(place.root.path, 'no-engine') });
    expectRefused(end, place, 4, 'engine.missing', /engine/);
  });
});

it('a sample session that was copied is the same session', async (context) => {
  needEngine(context);
  using place = attempt();
  const copy = path.join(place.root.path, 'copy');
  cpSync(sampleSession, copy, { recursive: true });
  const first = await calyx(['import', sampleSession, '--library', place.library, '--json']);
  const second = await calyx(['import', copy, '--library', place.library, '--json']);
  expect(JSON.parse(second.out)).toMatchObject({
    alreadyImported: true,
    session: { uuid: (JSON.parse(first.out) as { session: { uuid: string } }).session.uuid },
  });
  rmSync(copy, { recursive: true });
});
