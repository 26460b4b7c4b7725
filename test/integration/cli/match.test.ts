// SPDX-License-Identifier: MIT
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeNpy } from '../../../main/arrays/index.ts';
import { calyx, engineMissing } from '../../support/cli.ts';
import { temporaryFolder } from '../../support/session-folders.ts';

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

describe.skipIf(engineMissing() !== undefined)('calyx match', () => {
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
