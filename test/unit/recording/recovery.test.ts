// SPDX-License-Identifier: MIT
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findFfmpeg, probeFilm, repairAvi } from '../../../main/media/index.ts';
import { recoverSession, verifySession } from '../../../main/recording/index.ts';
import { cutPoints, numbers, quickFolder, underWay } from '../../support/cut-points.ts';
import { temporaryFolder } from '../../support/library.ts';

const now = (): Date => new Date(Date.UTC(2026, 9, 10, 9));
const lines = (file: string): string[] => readFileSync(file, 'utf8').trimEnd().split('\n');
const codecs = findFfmpeg() === undefined ? (['GREY'] as const) : (['GREY', 'FFV1'] as const);

describe.each(codecs)('a recording in %s that a crash ended', (compression) => {
  it('is put right: index and lengths of films, rows, metadata, a report that says what is unknown', async () => {
    const { crashed } = await underWay(compression);
    const device = path.join(crashed, 'Miniscope');
    writeFileSync(
      path.join(device, 'timeStamps.csv'),
      `${readFileSync(path.join(device, 'timeStamps.csv'), 'utf8')}90,45`,
    );
    rmSync(path.join(device, 'metaData.json'));
    writeFileSync(path.join(device, 'integrity.json.tmp'), '{"formatV');
    expect((await verifySession(crashed)).devices[0]!.problems).toContain(
      'There is no integrity.json: the recording ended without a stop. Repair it with `calyx recover`.',
    );
    const recovery = await recoverSession(crashed, now);
    expect(recovery.state).toBe('repaired');
    expect(recovery.sentence).toBe(
      'The recording ended without a stop. 00:00:04 of it is intact, up to a second at its end may be missing.',
    );
    const [{ frames, done, problems } = { frames: 0, done: [], problems: [''] }] = recovery.devices;
    expect(problems).toEqual([]);
    expect(done).toContain('metaData.json was made again.');
    expect(done).toContain(`2.avi was closed with ${frames - 80} frames.`);
    expect(lines(path.join(device, 'timeStamps.csv'))).toHaveLength(frames + 1);
    expect(await probeFilm(path.join(device, '2.avi'))).toMatchObject({ frames: frames - 80, findings: [] });
    const report = JSON.parse(readFileSync(path.join(device, 'integrity.json'), 'utf8')) as Record<string, unknown>;
    expect(report).toMatchObject({ saved: frames, missing: 0, counterRestarts: 0, corrupt: null, meanGrey: null });
    expect(report['recovered']).toMatchObject({ at: '2026-10-10T09:00:00.000Z' });
    expect(await verifySession(crashed)).toMatchObject({ sound: true });
    expect(JSON.parse(readFileSync(path.join(device, 'metaData.json'), 'utf8'))).toMatchObject({
      frameRate: '20FPS',
      gain: 'Low',
      ROI: { width: 64 },
    });
    const again = await recoverSession(crashed, now);
    expect(again).toMatchObject({ state: 'sound', devices: [{ done: [], frames }] });
  });

  it('is readable at every point to which a power cut can throw it back', async () => {
    const { crashed } = await underWay(compression);
    const next = numbers(compression === 'GREY' ? 7 : 11);
    const device = path.join(crashed, 'Miniscope');
    const original = new Map(readdirSync(device).map((name) => [name, readFileSync(path.join(device, name))]));
    const cut = quickFolder();
    const throwBack = cutPoints(crashed, next);
    const points = compression === 'GREY' ? 170 : 30;
    const report = { readable: 0, most: 0, least: Number.POSITIVE_INFINITY };
    for (let point = 0; point < points; point += 1) {
      throwBack(cut);
      const into = path.join(cut, 'Miniscope');
      const { devices } = await recoverSession(cut, now);
      expect(devices[0]).toMatchObject({ problems: [] });
      const verdict = await verifySession(cut);
      expect(verdict.devices[0]!.problems).toEqual([]);
      // Of what a reader of AVI files sees, each frame is one that was recorded.
      const names = readdirSync(into).filter((name) => name.endsWith('.avi'));
      const last = names.at(-1)!;
      const seen = devices[0]!.frames;
      expect(await probeFilm(path.join(into, last))).toMatchObject({ frames: seen - 40 * Number.parseInt(last, 10) });
      for (const name of ['0.avi', '1.avi']) {
        if (devices[0]!.frames >= 80) expect(readFileSync(path.join(into, name))).toEqual(original.get(name));
      }
      report.readable += 1;
      report.most = Math.max(report.most, seen);
      report.least = Math.min(report.least, seen);
    }
    expect(report.readable).toBe(points);
    expect(report.most).toBeGreaterThan(80);
    expect(report.least).toBeGreaterThanOrEqual(76);
  }, 120_000);
});

describe('recovery', () => {
  it('does not touch what is sound, whoever recorded it', async () => {
    const { whole } = await underWay('GREY');
    const device = path.join(whole, 'Miniscope');
    const before = new Map(readdirSync(device).map((name) => [name, readFileSync(path.join(device, name))]));
    expect(await recoverSession(whole, now)).toMatchObject({
      state: 'sound',
      sentence: 'Nothing was to be done: the recording was closed. `calyx verify` reads every byte of it.',
    });
    // As another program's: no file of ours, and a row fewer than frames, which is not ours to judge.
    for (const name of ['calyx.json', 'integrity.json', 'calyxFrames.csv']) rmSync(path.join(device, name));
    truncateSync(path.join(device, 'timeStamps.csv'), before.get('timeStamps.csv')!.length - 40);
    const rows = readFileSync(path.join(device, 'timeStamps.csv'));
    expect(await recoverSession(device, now)).toMatchObject({ state: 'sound' });
    expect(readFileSync(path.join(device, 'timeStamps.csv'))).toEqual(rows);
    expect(readFileSync(path.join(device, '2.avi'))).toEqual(before.get('2.avi'));
  });

  it('does not call whole what its own report contradicts', async () => {
    const { whole } = await underWay('GREY');
    const device = path.join(whole, 'Miniscope');
    rmSync(path.join(device, '1.avi'));
    const recovery = await recoverSession(whole, now);
    expect(recovery).toMatchObject({ state: 'lost', devices: [{ done: [] }] });
    expect(recovery.sentence).toMatch(
      /^Nothing was mended, but something is wrong with the recording: 1\.avi is in the report but not in the folder\. The report says \d+ frames, the films hold \d+\./,
    );
    rmSync(path.join(device, 'timeStamps.csv'));
    expect((await recoverSession(whole, now)).sentence).toContain('timeStamps.csv is missing.');
  });

  it('keeps account of frames that went with the end of a film after the recording was stopped', async () => {
    const { whole } = await underWay('GREY');
    const device = path.join(whole, 'Miniscope');
    const report = (): { readonly saved: number; readonly expected: number; readonly missing: number } =>
      JSON.parse(readFileSync(path.join(device, 'integrity.json'), 'utf8')) as ReturnType<typeof report>;
    const before = report();
    const film = readdirSync(device)
      .filter((name) => name.endsWith('.avi'))
      .sort()
      .at(-1)!;
    truncateSync(path.join(device, film), readFileSync(path.join(device, film)).length - 9000);
    const { state, devices, sentence } = await recoverSession(whole, now);
    const frames = devices[0]!.frames;
    expect(sentence).toMatch(
      /^The recording was stopped properly and damaged afterwards; 00:00:0\d of it is intact\. /,
    );
    expect(frames).toBeLessThan(before.saved);
    expect(state).toBe('lost');
    expect(devices[0]!.problems).toEqual([
      `Miniscope was ended properly with ${before.saved} frames; ${frames} of them are there: it was damaged afterwards.`,
    ]);
    expect(report()).toMatchObject({
      saved: frames,
      expected: before.expected,
      missing: before.missing + before.saved - frames,
    });
    expect(await verifySession(whole)).toMatchObject({ sound: true });
  });

  it('sets aside a film that never got as far as its first frame', async () => {
    const { crashed } = await underWay('GREY');
    const device = path.join(crashed, 'Miniscope');
    writeFileSync(path.join(device, '3.avi'), Buffer.alloc(200));
    const recovery = await recoverSession(crashed, now);
    expect(recovery.devices[0]!.done).toContain('3.avi had no frame on the disk yet; it was renamed to 3.avi.empty.');
    expect(existsSync(path.join(device, '3.avi'))).toBe(false);
  });

  it('gives up a raw frame of which a part of a page never came, and no frame for a dark pixel', async () => {
    const { crashed } = await underWay('GREY');
    const file = path.join(crashed, 'Miniscope', '2.avi');
    const whole = readFileSync(file);
    const [size, page] = [64 * 48, 4096];
    const starts: number[] = [];
    for (let at = whole.indexOf('00dc'); at !== -1 && at + 8 + size <= whole.length; at = whole.indexOf('00dc', at + 8))
      starts.push(at + 8);
    // The first frame, after the first one, that goes on behind the end of a page.
    const crossing = starts.findIndex((at, n) => n > 0 && page - (at % page) < size);
    const pageEnd = Math.ceil(starts[crossing]! / page) * page;
    const last = starts.at(-1)!;
    const framesAfter = async (zeros: readonly [from: number, to: number]): Promise<number> => {
      const bytes = Buffer.from(whole.subarray(0, last + size)).fill(0, ...zeros);
      bytes.writeUInt32LE(0, 48);
      writeFileSync(file, bytes);
      return (await repairAvi(file)).frames;
    };
    expect(await framesAfter([last + size - 5, last + size])).toBe(starts.length - 1);
    expect(await framesAfter([pageEnd - 40, pageEnd])).toBe(crossing);
    // One dark pixel at either place, and dark ones elsewhere.
    expect(await framesAfter([pageEnd - 1, pageEnd])).toBe(starts.length);
    expect(await framesAfter([starts[0]! + size - 5, starts[0]! + size])).toBe(starts.length);
    // Closed, nothing is doubted: a second look finds all of them.
    expect(await repairAvi(file)).toMatchObject({ frames: starts.length, changed: false });
  });

  it('says that nothing was saved when nothing was', async () => {
    const { crashed } = await underWay('GREY');
    const device = path.join(crashed, 'Miniscope');
    for (const name of ['0.avi', '1.avi', '2.avi']) rmSync(path.join(device, name));
    expect(await recoverSession(crashed, now)).toMatchObject({
      state: 'empty',
      sentence: 'The recording ended before its first frame was on the disk; nothing of it can be shown.',
    });
  });

  it('refuses what holds no recording', async () => {
    await expect(recoverSession(temporaryFolder(), now)).rejects.toMatchObject({ code: 'session.no_films' });
    await expect(recoverSession('/nowhere', now)).rejects.toMatchObject({ code: 'session.not_found' });
  });
});

describe('verify', () => {
  it('misses the tables of Calyx, and their rows', async () => {
    const { whole } = await underWay('GREY');
    const device = path.join(whole, 'Miniscope');
    const problems = async (): Promise<readonly string[]> => (await verifySession(whole)).devices[0]!.problems;
    expect(await problems()).toEqual([]);
    const own = path.join(device, 'calyxFrames.csv');
    const rows = readFileSync(own, 'utf8').trimEnd().split('\n');
    writeFileSync(own, `${rows.slice(0, -2).join('\n')}\n`);
    expect(await problems()).toEqual([
      `calyxFrames.csv has ${rows.length - 3} rows, the films hold ${rows.length - 1} frames.`,
    ]);
    rmSync(own);
    rmSync(path.join(device, 'headOrientation.csv'));
    expect(await problems()).toEqual(['calyxFrames.csv is missing.', 'headOrientation.csv is missing.']);
  });

  it('finds a byte that changed, a row too few, and a film that is gone', async () => {
    const { whole } = await underWay(codecs.at(-1) ?? 'GREY');
    expect(await verifySession(whole)).toMatchObject({ sound: true, devices: [{ frames: 90, rows: 90, missing: 0 }] });
    const device = path.join(whole, 'Miniscope');
    const film = path.join(device, '1.avi');
    const bytes = readFileSync(film);
    writeFileSync(film, bytes.with(5000, (bytes[5000] ?? 0) ^ 1));
    const rows = lines(path.join(device, 'timeStamps.csv'));
    writeFileSync(path.join(device, 'timeStamps.csv'), `${rows.slice(0, -1).join('\n')}\n`);
    renameSync(path.join(device, '2.avi'), path.join(device, 'gone'));
    const { sound, devices } = await verifySession(whole);
    expect(sound).toBe(false);
    expect(devices[0]!.problems.join(' ')).toMatch(/2\.avi is in the report but not in the folder/);
    expect(devices[0]!.problems.join(' ')).toMatch(/1\.avi was changed after it was recorded/);
    expect(devices[0]!.problems.join(' ')).toMatch(/timeStamps\.csv has 89 rows, the films hold 80 frames/);
  });
});
