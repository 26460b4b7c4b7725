// SPDX-License-Identifier: MIT
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Bound, devicesBounds, endpointBounds, memoryRange, rigBounds } from '../../../scripts/soak-bounds.mjs';
import { needRig } from '../../support/rig.ts';
import { temporaryFolder } from '../../support/session-folders.ts';
import { repositoryRoot } from '../../support/shared.ts';

const missed = (bounds: readonly Bound[]): string[] => bounds.filter(({ kept }) => !kept).map(({ name }) => name);

describe('the bounds of a soak', () => {
  const rig = {
    missing: 0,
    bufferHighWater: 3,
    eventLoop: { p99Ms: 5.1, maxMs: 30 },
    preview: { p99Ms: 80 },
    processes: [
      { name: 'core', memoryRangeBytes: 39e6 },
      { name: 'capture', memoryRangeBytes: 12e6 },
    ],
  };

  it('are kept by a sound run, and each is missed by what it is for', () => {
    expect(missed(rigBounds(rig))).toEqual([]);
    expect(missed(rigBounds({ ...rig, missing: 1 }))).toEqual(['frames lost']);
    expect(missed(rigBounds({ ...rig, missing: null }))).toEqual(['frames lost']);
    expect(missed(rigBounds({ ...rig, bufferHighWater: 17 }))).toEqual(['fullest buffer, of 128']);
    expect(missed(rigBounds({ ...rig, eventLoop: { p99Ms: Number.NaN, maxMs: 51 } }))).toHaveLength(2);
    expect(missed(rigBounds({ ...rig, processes: [{ name: 'core', memoryRangeBytes: 41e6 }] }))).toEqual([
      'memory of core, MB between least and most',
    ]);
    expect(missed(rigBounds({ ...rig, processes: [{ name: 'core', memoryRangeBytes: null }] }))).toHaveLength(1);
  });

  it('of several devices count the pictures of a camera, which has no counter', () => {
    const scope = { missing: 0, saved: 1200, bufferHighWater: 2, stopped: null };
    const camera = { kind: 'camera', missing: null, knownMissing: 0, saved: 1790, bufferHighWater: 1, stopped: null };
    const of = (devices: Parameters<typeof devicesBounds>[0]['devices']): string[] =>
      missed(devicesBounds({ devices, processes: [], seconds: 60, cameraFps: 30 }));
    expect(of({ Left: scope, Cam: camera })).toEqual([]);
    expect(of({ Left: { ...scope, missing: null }, Cam: { ...camera, saved: 1700 } })).toEqual([
      'Left: frames lost',
      'Cam: pictures saved',
    ]);
    expect(of({ Cam: { ...camera, stopped: 'It stopped.' } })).toEqual(['Cam: pictures saved']);
    expect(of({ Cam: { ...camera, knownMissing: 1 } })).toEqual(['Cam: pictures without room']);
  });

  it('take memory for flat when encoders come and go alike, and see one that grows', () => {
    const looks = (sizes: readonly (readonly (readonly [number, number])[])[], name: string): number | null =>
      memoryRange(
        sizes.map((sample) => sample.map(([pid, anonymousBytes]) => ({ pid, name, anonymousBytes }))),
        name,
      );
    const core = [[[1, 100]], [[1, 108]], [[1, 103]]] as const;
    expect(looks(core, 'core')).toBe(8);
    // Three encoders, each small at first; the second is there a moment beside the first.
    const encoder = [
      [[2, 60]],
      [[2, 69]],
      [
        [2, 69],
        [3, 11],
      ],
      [[3, 69]],
      [[3, 70]],
      [[4, 11]],
      [[4, 70]],
      [[4, 69]],
    ] as const;
    expect(looks(encoder, 'encoder')).toBe(1);
    // One that was begun shortly before the end is small yet.
    expect(looks([...encoder, [[5, 11]], [[5, 12]], [[5, 13]]], 'encoder')).toBe(1);
    const growing = encoder.map((sample) =>
      sample.map(([pid, bytes]) => [pid, pid === 4 ? bytes + 50 : bytes] as const),
    );
    expect(looks(growing, 'encoder')).toBe(51);
    expect(memoryRange([[], []], 'core')).toBeNull();
  });

  it('of the endpoint are none lost and eight always pending', () => {
    const figures = { lostPayloads: 0, payloads: 1000, wrongFrames: 0, leastPending: 8 };
    expect(missed(endpointBounds(figures, 1000))).toEqual([]);
    expect(missed(endpointBounds({ ...figures, leastPending: 7, payloads: 999 }, 1000))).toHaveLength(2);
  });
});

describe('npm run soak:acquisition', () => {
  it('runs every part for as long as it is told, judges each and says so by its exit code', async (context) => {
    needRig(context);
    if (process.platform !== 'linux') context.skip('memory of processes is read from /proc');
    if (!existsSync(path.join(repositoryRoot, 'native', 'target', 'release', 'calyx-usb')))
      context.skip('calyx-usb is not built');
    using root = temporaryFolder();
    const out = path.join(root.path, 'soak.json');
    const script = path.join(repositoryRoot, 'scripts', 'soak-acquisition.mjs');
    const short = [
      '--minutes',
      '0.05',
      '--devices-minutes',
      '0.05',
      '--payloads',
      '1000',
      '--kills',
      '1',
      '--seed',
      '5',
    ];
    const { code, said, steps } = await new Promise<{ code: number; said: string; steps: string }>((resolve) => {
      const child = execFile(process.execPath, [script, ...short, '--out', out], (_error, stdout, stderr) =>
        resolve({ code: child.exitCode ?? -1, said: stdout, steps: stderr }),
      );
    });
    expect(existsSync(out), `${said}\n${steps}`).toBe(true);
    const { lengths, parts: told } = JSON.parse(readFileSync(out, 'utf8')) as {
      lengths: object;
      parts: Record<string, { bounds?: Bound[]; error?: string }>;
    };
    expect(lengths).toEqual({ minutes: 0.05, devicesMinutes: 0.05, payloads: 1000, kills: 1 });
    expect(Object.keys(told)).toEqual([
      'one scope with live picture',
      'two scopes and a camera',
      'payloads of a scripted endpoint',
      'killed at random',
    ]);
    for (const { error } of Object.values(told)) expect(error, steps).toBeUndefined();
    const bounds = Object.values(told).flatMap((part) => part.bounds ?? []);
    const failed = missed(bounds).length;
    // A machine with other work may miss a bound of time; what a kill leaves is readable on any.
    expect(told['killed at random']?.bounds?.every(({ kept }) => kept)).toBe(true);
    expect(bounds.find(({ name }) => name === 'Left: frames lost')?.value).not.toBeNull();
    expect(bounds.some(({ name }) => name.startsWith('memory of capture'))).toBe(true);
    expect(said.trimEnd().split('\n').at(-1)).toBe(`${bounds.length - failed} passed, ${failed} failed, 0 skipped`);
    expect(code).toBe(failed === 0 ? 0 : 1);
  }, 240_000);
});
