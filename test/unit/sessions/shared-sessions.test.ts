// SPDX-License-Identifier: MIT
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { openSession, type ProbeFilm } from '../../../main/sessions/index.ts';
import { sharedFolder, sharedMissing } from '../../support/shared.ts';

const sessions = path.join(sharedFolder, 'data/real/daq-sessions');
const names = existsSync(sessions) ? readdirSync(sessions) : ['recordings of other labs'];

/** Transcodes lie in one of the sessions and the simulated films have frames; their pixels do not matter here. */
const probeFilm: ProbeFilm = () =>
  Promise.resolve({ frames: 760, width: 152, height: 152, containerFps: 60, codec: 'FFV1', findings: [] });

function skipWithout(part: string, context: TestContext): void {
  const missing = sharedMissing(part);
  if (missing !== undefined) context.skip(missing);
}

async function device(session: string, name: string) {
  const read = await openSession(path.join(sharedFolder, 'data', session), { probeFilm });
  const found = read.devices.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`${session} has no ${name}`);
  return { ...found, codes: found.findings.map((finding) => finding.code) };
}

describe('recordings of other labs', () => {
  for (const name of names) {
    it(`${name} is read without its films`, async (context) => {
      skipWithout('data/real/daq-sessions', context);
      const read = await openSession(path.join(sessions, name), { probeFilm });
      expect(read.devices.length).toBeGreaterThan(0);
      expect(read.startedAt).toMatch(/^20[12]\d-/);
      expect([-240, -300]).toContain(read.tzOffsetMin);
      for (const found of read.devices) {
        expect(found.csvRows ?? 0, found.name).toBeGreaterThan(50);
        expect(found.fps ?? 0, found.name).toBeGreaterThan(9);
        expect(found.fps ?? 0, found.name).toBeLessThan(31);
        expect(found.durationS ?? 0, found.name).toBeGreaterThan(2);
        expect(found.error?.code, found.name).toBe('session.no_films');
        expect(found.kind, found.name).toBe(found.name.includes('cam') ? 'camera' : 'miniscope');
      }
    });
  }

  it('the lost frames of a slow sensor are told, its partner has none of them', async (context) => {
    skipWithout('data/real/daq-sessions', context);
    const top = await device('real/daq-sessions/many-late-frames', 'miniscope_top');
    const lost = Number(
      /^(\d+) frames are missing/.exec(
        top.findings.find((finding) => finding.code === 'frames.lost')?.message ?? '',
      )?.[1],
    );
    expect(lost).toBeGreaterThan(1200);
    expect(lost).toBeLessThan(2300);
    const clean = await device('real/daq-sessions/dual-v4-plus-behavcam', 'miniscope_top');
    expect(clean.codes).toEqual(['session.no_films']);
  });

  it('the film that a crash left is named', async (context) => {
    skipWithout('data/real/daq-sessions', context);
    const side = await device('real/daq-sessions/old-format-truncated-ffv1', 'Miniscope_side');
    expect(side.codes).toContain('film.left_behind');
    expect(side.codes).toContain('orientation.invalid');
  });

  it('silent orientation sensors are told', async (context) => {
    skipWithout('data/real/daq-sessions', context);
    for (const name of ['miniscope_side', 'miniscope_top']) {
      expect((await device('real/daq-sessions/roi-ffv1-garbage-quaternions', name)).codes).toContain(
        'orientation.none',
      );
    }
    const half = await device('real/daq-sessions/zero-quaternions-one-scope', 'miniscope_side');
    expect(half.codes).toEqual(['session.no_films']);
  });

  it('a device folder without a session above it is opened, at the true rate', async (context) => {
    skipWithout('data/real/daq-linear-track', context);
    const read = await openSession(path.join(sharedFolder, 'data/real/daq-linear-track/rhea'), { probeFilm });
    expect(read.findings.map((finding) => finding.code)).toEqual(['metadata.no_session']);
    expect(read.devices[0]?.fps).toBeCloseTo(29.79, 1);
    expect(read.devices[0]?.csvRows).toBe(35_761);
  });
});

describe('simulated recordings', () => {
  it('the forty frames lost in the times are counted exactly', async (context) => {
    skipWithout('data/sim/faults', context);
    const faults = await device('sim/faults', 'Miniscope');
    expect(faults.findings.map((finding) => finding.message)).toEqual([
      expect.stringMatching(/^40 frames are missing by gaps in the time stamps/),
    ]);
    expect(faults.fps).toBeCloseTo(20, 1);
  });
});
