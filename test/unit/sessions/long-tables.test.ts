// SPDX-License-Identifier: MIT
import path from 'node:path';
import type * as timers from 'node:timers/promises';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { headOrientationOf, inputsOf, openSession } from '../../../main/sessions/index.ts';
import { rowsAtOnce } from '../../../main/sessions/lines.ts';
import { fakeProbe, temporaryFolder, writeTree } from '../../support/session-folders.ts';

/** How often others were given their turn. */
const turns = vi.hoisted(() => ({ given: 0 }));
vi.mock('node:timers/promises', async (original) => {
  const real = await original<typeof timers>();
  const setImmediate: typeof real.setImmediate = async (value) => {
    turns.given += 1;
    return await real.setImmediate(value);
  };
  return { ...real, setImmediate };
});

const lots = 10;
const rows = lots * rowsAtOnce + 3;
const table = (header: string, row: (n: number) => string): string =>
  `${[header, ...Array.from({ length: rows }, (_, n) => row(n))].join('\n')}\n`;
/** The same with a word where no word may be, in the last row but one: whoever reads all rows before others get their turn has given none when he finds it. */
const spoiled = (text: string, column: number, separator: string): string => {
  const lines = text.split('\n');
  const fields = (lines[rows - 1] ?? '').split(separator);
  lines[rows - 1] = fields.with(column, 'oops').join(separator);
  return lines.join('\n');
};
const errorOf = async (folder: string): Promise<string | undefined> =>
  (await openSession(folder, { probeFilm: fakeProbe })).devices[0]?.error?.message;

describe('a table of a long recording is read in pieces, others get their turn in between:', () => {
  beforeEach(() => {
    turns.given = 0;
  });

  it('timestamp.dat of the V3 software', async () => {
    using folder = temporaryFolder();
    const text = table('camNum\tframeNum\tsysClock\tbuffer', (n) => `0\t${n + 1}\t${n * 50}\t1`);
    writeTree(folder.path, { 'msCam1.avi': `${rows} 752 480 60`, 'timestamp.dat': text });
    const { devices } = await openSession(folder.path, { probeFilm: fakeProbe });
    expect(devices[0]).toMatchObject({ frames: rows, csvRows: rows, error: null });
    expect(devices[0]?.timeS?.at(-1)).toBeCloseTo((rows - 1) * 0.05, 6);
    expect(turns.given).toBeGreaterThanOrEqual(lots);
    turns.given = 0;
    writeTree(folder.path, { 'timestamp.dat': spoiled(text, 2, '\t') });
    expect(await errorOf(folder.path)).toBe(`timestamp.dat, line ${rows}: “oops” is no time in ms.`);
    expect(turns.given).toBeGreaterThanOrEqual(lots);
  });

  it('the stamps beside Inscopix films', async () => {
    using folder = temporaryFolder();
    const text = table('frame,time (s)', (n) => `${n},${n / 20}`);
    writeTree(folder.path, {
      'session.json': {},
      'rec/movie_1.avi': `${rows} 640 400 30`,
      'rec/movie-timestamps.csv': text,
    });
    const { devices } = await openSession(folder.path, { probeFilm: fakeProbe });
    expect(devices[0]).toMatchObject({ frames: rows, csvRows: rows, error: null });
    expect(devices[0]?.timeS?.at(-1)).toBeCloseTo((rows - 1) * 0.05, 6);
    expect(turns.given).toBeGreaterThanOrEqual(lots);
    turns.given = 0;
    writeTree(folder.path, { 'rec/movie-timestamps.csv': spoiled(text, 1, ',') });
    expect(await errorOf(folder.path)).toBe(
      `${path.join('rec', 'movie-timestamps.csv')}, line ${rows}, column 2 (“time (s)”): “oops” is not a number.`,
    );
    expect(turns.given).toBeGreaterThanOrEqual(lots);
  });

  it('the table of the Open Ephys GUI, its orientations and its inputs', async () => {
    using folder = temporaryFolder();
    const film = path.join(folder.path, 'm_0.avi');
    const header =
      'FrameNumber,HardwareTime,Quaternion_X,Quaternion_Y,Quaternion_Z,Quaternion_W,DigitalIn0,DigitalIn1,Timestamp';
    const text = table(header, (n) => `${n},${n * 50_000},0,0,0,1,False,True,2026-05-01T11:00:00.0+02:00`);
    writeTree(folder.path, { 'm_0.avi': `${rows} 608 608 30`, 'm_0.csv': text });
    const { devices } = await openSession(folder.path, { probeFilm: fakeProbe });
    expect(devices[0]).toMatchObject({ frames: rows, csvRows: rows, error: null });
    expect(devices[0]?.timeS?.at(-1)).toBeCloseTo((rows - 1) * 0.05, 6);
    turns.given = 0;
    const [ms, ...quaternion] = ((await headOrientationOf(film))?.text.trimEnd().split('\n').at(-1) ?? '').split(',');
    expect(Number(ms)).toBeCloseTo((rows - 1) * 50, 6);
    expect(quaternion).toEqual(['1', '0', '0', '0']);
    // Once for its times, once for its quaternions.
    expect(turns.given).toBeGreaterThanOrEqual(2 * lots);
    turns.given = 0;
    const levels = await inputsOf(film);
    expect([levels?.length, levels?.at(-1)]).toEqual([rows, '01']);
    expect(turns.given).toBeGreaterThanOrEqual(2 * lots);
    turns.given = 0;
    writeTree(folder.path, { 'm_0.csv': spoiled(text, 1, ',') });
    expect(await errorOf(folder.path)).toBe(`m_0.csv, line ${rows}, column 2 (“HardwareTime”): “oops” is no time.`);
    expect(turns.given).toBeGreaterThanOrEqual(lots);
  });
});
