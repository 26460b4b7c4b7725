// SPDX-License-Identifier: MIT
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { decodeNpy } from '../../../main/arrays/index.ts';
import { sceneExecutable } from '../../../main/installation/index.ts';
import { findFfmpeg } from '../../../main/media/index.ts';
import { writeTruth } from '../../../main/recording/index.ts';
import { temporaryFolder } from '../../support/library.ts';

/** Sums of all cells' spikes in each saved frame, where the pictures of the scene that were shown come one each 10 ns. */
async function spikesOf(shownNs: readonly number[], sceneFrames: readonly number[], savedNs: readonly number[]) {
  const folder = temporaryFolder('calyx-truth-test-');
  const device = path.join(folder, 'Miniscope');
  mkdirSync(device);
  const header = 'Frame Number,Raw Counter,First Payload (ns),Last Payload (ns),Device Time (ms),Inputs,Lost Before';
  const rows = savedNs.map((ns, n) => `${n},${n},${ns},${ns + 1},,,0`);
  writeFileSync(path.join(device, 'calyxFrames.csv'), `${[header, ...rows].join('\n')}\n`);
  const shown = shownNs.map((ns, n) => ({ atNs: BigInt(ns), sceneFrame: sceneFrames[n] ?? 0 }));
  const scene = { scene: { name: 'tiny', seed: 3 }, size: { width: 96, height: 96 }, fps: 20 };
  const truth = path.join(folder, 'truth');
  await writeTruth({ ...scene, deviceFolder: device, shown }, truth, sceneExecutable());
  const { shape, data } = decodeNpy(readFileSync(path.join(truth, 'spikes.npy')), 'spikes.npy');
  const [cells = 0, frames = 0] = shape;
  expect(frames).toBe(savedNs.length);
  const told = JSON.parse(readFileSync(path.join(truth, 'truth.json'), 'utf8')) as { sceneFrames: number[] };
  const sum = (n: number): number =>
    Array.from({ length: cells }, (_, cell) => data[cell * frames + n] ?? 0).reduce((a, b) => a + b, 0);
  return { spikes: savedNs.map((_, n) => sum(n)), sceneFrames: told.sceneFrames };
}

it('counts each spike once: those of lost frames in the next saved one, none in a frame without a new picture', async (context) => {
  if (!existsSync(sceneExecutable())) context.skip('calyx-scene is not built');
  if (findFfmpeg() === undefined) context.skip('no ffmpeg');
  const every = Array.from({ length: 40 }, (_, n) => n);
  const whole = await spikesOf(
    every.map((n) => 10 * n),
    every,
    every.map((n) => 10 * n + 5),
  );
  expect(whole.spikes.reduce((a, b) => a + b, 0)).toBeGreaterThan(0);
  const busiest = whole.spikes.indexOf(Math.max(...whole.spikes.slice(1, 30)), 1);
  // The busiest picture stands for three frames; then six pictures are lost.
  const { spikes, sceneFrames } = await spikesOf(
    every.map((n) => 10 * n + (n > busiest ? 20 : 0)),
    every,
    [busiest - 1, busiest, busiest + 1, busiest + 2, busiest + 9].map((n) => 10 * n + 5),
  );
  expect(sceneFrames).toEqual([busiest - 1, busiest, busiest, busiest, busiest + 7]);
  const [before = 0, at = 0] = whole.spikes.slice(busiest - 1, busiest + 1);
  const after = whole.spikes.slice(busiest + 1, busiest + 8).reduce((a, b) => a + b, 0);
  expect(spikes).toEqual([before, at, 0, 0, after]);
});
