// SPDX-License-Identifier: MIT
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { encodeNpy } from '../../../main/arrays/index.ts';
import { calyx, engineMissing } from '../../support/cli.ts';
import { temporaryFolder } from '../../support/session-folders.ts';
import { sharedFolder, sharedMissing } from '../../support/shared.ts';

const [height, width] = [90, 130];

/** Soft discs at the centres as a K × H × W array; those off the frame are empty. */
function footprints(centres: readonly (readonly [number, number])[]): Uint8Array {
  const data = new Float64Array(centres.length * height * width);
  for (const [k, [cy, cx]] of centres.entries())
    for (let y = 0; y < height; y += 1)
      for (let x = 0; x < width; x += 1) {
        const value = Math.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 14);
        data[(k * height + y) * width + x] = value < 0.02 ? 0 : value;
      }
  return encodeNpy(data, [centres.length, height, width]);
}

/** 24 centres without a pattern that repeats. */
const first = Array.from({ length: 24 }, (_, i): readonly [number, number] => [
  14 + 16 * Math.floor(i / 6) + ((i * 37) % 11),
  12 + 18 * (i % 6) + ((i * 53) % 13),
]);
/** The same cells, moved by (6, −9) px, in the opposite order, without the first. */
const second = first
  .slice(1)
  .map(([y, x]): readonly [number, number] => [y + 6, x - 9])
  .toReversed();

interface Report {
  groups: [number, number][][];
  scores: number[][];
  cells: number;
  sessions: { shiftPx: [number, number]; rotationDegrees: number }[];
}

describe('calyx match', () => {
  beforeEach((context) => {
    const missing = engineMissing();
    if (missing !== undefined) context.skip(missing);
  });

  it('prints the same cells of two files, and writes the groups alone where asked', async () => {
    using root = temporaryFolder();
    writeFileSync(path.join(root.path, 'a.npy'), footprints(first));
    writeFileSync(path.join(root.path, 'b.npy'), footprints(second));
    const end = await calyx(['match', 'a.npy', 'b.npy', '--um-per-px', '2', '--out', 'm.json', '--json'], {
      from: root.path,
    });
    expect(end.err).toBe('');
    expect(end.code).toBe(0);
    const report = JSON.parse(end.out) as Report;
    const pairs = report.groups.filter((group) => group.length === 2);
    expect(pairs.toSorted((a, b) => (a[0]?.[1] ?? 0) - (b[0]?.[1] ?? 0))).toEqual(
      Array.from({ length: 23 }, (_, i) => [
        [1, i + 1],
        [2, 22 - i],
      ]),
    );
    expect(report.cells).toBe(24);
    expect(report.scores.map((list) => list.length)).toEqual(report.groups.map((group) => group.length));
    expect(report.sessions[1]?.shiftPx[0]).toBeCloseTo(6, 1);
    expect(report.sessions[1]?.shiftPx[1]).toBeCloseTo(-9, 1);
    expect(JSON.parse(readFileSync(path.join(root.path, 'm.json'), 'utf8'))).toEqual(report.groups);
    expect(readdirSync(root.path).toSorted()).toEqual(['a.npy', 'b.npy', 'm.json']);
  });

  it.each([
    [['a.npy'], 2, 'usage.invalid', /two sessions/],
    [['a.npy', 'b.npy'], 2, 'usage.invalid', /µm/],
    [['a.npy', 'nowhere.npz', '--um-per-px', '2'], 3, 'review.footprints_unreadable', /nowhere/],
    [['a.npy', 'torn.mat', '--um-per-px', '2'], 3, 'review.footprints_unreadable', /MAT 5/],
    [['a.npy', 'new.mat', '--um-per-px', '2'], 3, 'review.footprints_unreadable', /-v7/],
  ] as const)('refuses %j with a sentence', async (args, code, reason, sentence) => {
    using root = temporaryFolder();
    writeFileSync(path.join(root.path, 'a.npy'), footprints(first));
    writeFileSync(path.join(root.path, 'b.npy'), footprints(second));
    writeFileSync(path.join(root.path, 'torn.mat'), 'nothing');
    writeFileSync(path.join(root.path, 'new.mat'), 'MATLAB 7.3 MAT-file, Platform: PCWIN64');
    const end = await calyx(['match', ...args, '--out', 'm.json', '--json'], { from: root.path });
    expect(end.out).toBe('');
    const error = JSON.parse(end.err) as { code: string; message: string; hint?: string };
    expect(error.code).toBe(reason);
    expect(`${error.message} ${error.hint ?? ''}`).toMatch(sentence);
    expect(end.code).toBe(code);
    expect(existsSync(path.join(root.path, 'm.json'))).toBe(false);
  });
});

/** F1 over all pairs of footprints of different sessions that are said to be, and are, one cell. */
function f1(groups: Report['groups'], identity: ReadonlyMap<string, number>): number {
  const pairs = (list: readonly (readonly string[])[]): ReadonlySet<string> =>
    new Set(list.flatMap((members) => members.flatMap((a, n) => members.slice(n + 1).map((b) => `${a} ${b}`))));
  const known = groups.map((group) => group.map(([s, i]) => `${s}:${i}`).filter((member) => identity.has(member)));
  const truth = Map.groupBy(identity.keys(), (member) => identity.get(member));
  const [said, there] = [pairs(known), pairs([...truth.values()])];
  return (2 * [...said].filter((pair) => there.has(pair)).length) / (said.size + there.size);
}

describe('calyx match on shared recordings', () => {
  it('matches the true footprints of three days', async (context) => {
    const missing = sharedMissing('data/sim/multiday') ?? engineMissing();
    if (missing !== undefined) context.skip(missing);
    const truths = [1, 2, 3].map((n) => path.join(sharedFolder, `data/sim/multiday/session${n}/truth`));
    const identity = new Map<string, number>();
    for (const [n, truth] of truths.entries()) {
      const { cells } = JSON.parse(readFileSync(path.join(truth, 'truth.json'), 'utf8')) as {
        cells: { index: number; kind: string; id: number }[];
      };
      for (const { index, kind, id } of cells) if (kind === 'cell') identity.set(`${n + 1}:${index}`, id);
    }
    const end = await calyx(['match', ...truths, '--um-per-px', '2', '--json']);
    expect(end.code).toBe(0);
    expect(f1((JSON.parse(end.out) as Report).groups, identity)).toBeGreaterThanOrEqual(0.98);
  });

  it('finds about as many cells in the five sessions of CellReg as CellReg does', async (context) => {
    const folder = 'data/real/cellreg-5-sessions';
    const missing = sharedMissing(folder) ?? engineMissing();
    if (missing !== undefined) context.skip(missing);
    const files = [1, 2, 3, 4, 5].map((n) => path.join(sharedFolder, folder, `spatial_footprints_0${n}.mat`));
    const end = await calyx(['match', ...files, '--um-per-px', '2.35', '--json']);
    expect(end.code).toBe(0);
    const report = JSON.parse(end.out) as Report & { meanShareOfSessions: number };
    // Its own summary says 787 cells, active in .71 of the sessions on average.
    expect(Math.abs(report.cells / 787 - 1)).toBeLessThanOrEqual(0.05);
    expect(Math.abs(report.meanShareOfSessions - 0.71)).toBeLessThanOrEqual(0.05);
  });
});
