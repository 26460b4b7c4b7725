// SPDX-License-Identifier: MIT
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { findFfmpeg, inspectAvi, probeFilm } from '../../../main/media/index.ts';
import { recoverSession, verifySession } from '../../../main/recording/index.ts';
import { temporaryFolder } from '../../support/library.ts';
import { beginRecording, nothingHappened } from '../../support/recorded.ts';

const now = (): Date => new Date(Date.UTC(2026, 9, 10, 9));
const lines = (file: string): string[] => readFileSync(file, 'utf8').trimEnd().split('\n');
const codecs = findFfmpeg() === undefined ? (['GREY'] as const) : (['GREY', 'FFV1'] as const);

/** What is on the disk while a recording of 90 frames in files of 40 is under way, and what of it is synced. */
async function underWay(compression: 'FFV1' | 'GREY'): Promise<{ readonly crashed: string; readonly whole: string }> {
  const data = temporaryFolder('calyx-recovery-');
  const { recording, come, device } = await beginRecording({ data, compression, framesPerFile: 40 });
  await come(90);
  recording.note('mouse, enters');
  await vi.waitFor(() => expect(lines(path.join(device, 'timeStamps.csv'))).toHaveLength(91), { timeout: 10_000 });
  // The encoder may hold a frame or two back.
  await vi.waitFor(async () => expect((await inspectAvi(path.join(device, '2.avi'))).frames).toBeGreaterThan(5), {
    timeout: 10_000,
  });
  const crashed = path.join(data, 'crashed');
  cpSync(recording.folder, crashed, { recursive: true });
  await recording.stop(nothingHappened);
  return { crashed, whole: recording.folder };
}

/** A fixed sequence of numbers in 0 … 1. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fff_ffff;
    return state / 0x7fff_ffff;
  };
}

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
    const film = original.get('2.avi')!;
    // Thousands of syncs: in memory where there is such a place.
    const cut = mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'calyx-cut-'));
    onTestFinished(() => rmSync(cut, { recursive: true, force: true }));
    const points = compression === 'GREY' ? 170 : 30;
    const report = { readable: 0, most: 0, least: Number.POSITIVE_INFINITY };
    for (let point = 0; point < points; point += 1) {
      rmSync(cut, { recursive: true, force: true });
      cpSync(crashed, cut, { recursive: true });
      const into = path.join(cut, 'Miniscope');
      // What came after the last sync is on the disk up to any byte; the file may have grown before its content came; each file for itself.
      const filmLength = Math.floor(next() * film.length);
      const kept = Buffer.from(film.subarray(0, next() < 0.5 ? filmLength : film.length));
      if (next() < 0.5) kept.fill(0, Math.min(kept.length, filmLength));
      // The head may be as at any sync before: it counts fewer frames, or none.
      if (kept.length > 64) kept.writeUInt32LE(0, 48);
      writeFileSync(path.join(into, '2.avi'), kept);
      for (const name of ['timeStamps.csv', 'calyxFrames.csv', 'headOrientation.csv']) {
        const bytes = Buffer.from(original.get(name)!);
        const length = Math.floor(bytes.length * (0.85 + 0.15 * next()));
        if (next() < 0.5) bytes.fill(0, length);
        writeFileSync(path.join(into, name), next() < 0.5 ? bytes : bytes.subarray(0, length));
      }
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
      sentence: 'The recording is whole; nothing was to be done.',
    });
    // As another program's: no file of ours, and a row fewer than frames, which is not ours to judge.
    for (const name of ['calyx.json', 'integrity.json', 'calyxFrames.csv']) rmSync(path.join(device, name));
    truncateSync(path.join(device, 'timeStamps.csv'), before.get('timeStamps.csv')!.length - 40);
    const rows = readFileSync(path.join(device, 'timeStamps.csv'));
    expect(await recoverSession(device, now)).toMatchObject({ state: 'sound' });
    expect(readFileSync(path.join(device, 'timeStamps.csv'))).toEqual(rows);
    expect(readFileSync(path.join(device, '2.avi'))).toEqual(before.get('2.avi'));
  });

  it('sets aside a film that never got as far as its first frame', async () => {
    const { crashed } = await underWay('GREY');
    const device = path.join(crashed, 'Miniscope');
    writeFileSync(path.join(device, '3.avi'), Buffer.alloc(200));
    const recovery = await recoverSession(crashed, now);
    expect(recovery.devices[0]!.done).toContain('3.avi had no frame on the disk yet; it was renamed to 3.avi.empty.');
    expect(existsSync(path.join(device, '3.avi'))).toBe(false);
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
