// SPDX-License-Identifier: MIT
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, vi } from 'vitest';
import { inspectAvi } from '../../main/media/index.ts';
import { temporaryFolder } from './library.ts';
import { beginRecording, nothingHappened } from './recorded.ts';

/** What is on the disk while a recording of 90 frames in files of 40 is under way, and what its stop makes of it. */
export async function underWay(
  compression: 'FFV1' | 'GREY',
): Promise<{ readonly crashed: string; readonly whole: string }> {
  const data = temporaryFolder('calyx-recovery-');
  const { recording, come, device } = await beginRecording({ data, compression, framesPerFile: 40 });
  await come(90);
  recording.note('mouse, enters');
  const rows = path.join(device, 'timeStamps.csv');
  await vi.waitFor(() => expect(readFileSync(rows, 'utf8').trimEnd().split('\n')).toHaveLength(91), {
    timeout: 10_000,
  });
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
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fff_ffff;
    return state / 0x7fff_ffff;
  };
}

/** A folder for thousands of syncs: in memory where there is such a place; gone when the test has finished. */
export function quickFolder(): string {
  const folder = mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'calyx-cut-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Makes, in place of what is there, a state of a crashed session to which a power cut can throw it back; each call takes another one. */
export function cutPoints(crashed: string, next: () => number): (into: string) => void {
  const device = path.join(crashed, 'Miniscope');
  const original = new Map(readdirSync(device).map((name) => [name, readFileSync(path.join(device, name))]));
  const film = original.get('2.avi')!;
  return (into) => {
    rmSync(into, { recursive: true, force: true });
    cpSync(crashed, into, { recursive: true });
    const place = path.join(into, 'Miniscope');
    // What came after the last sync is on the disk up to any byte; the file may have grown before its content came; each file for itself.
    const filmLength = Math.floor(next() * film.length);
    const kept = Buffer.from(film.subarray(0, next() < 0.5 ? filmLength : film.length));
    if (next() < 0.5) kept.fill(0, Math.min(kept.length, filmLength));
    // The head may be as at any sync before: it counts fewer frames, or none.
    if (kept.length > 64) kept.writeUInt32LE(0, 48);
    writeFileSync(path.join(place, '2.avi'), kept);
    for (const name of ['timeStamps.csv', 'calyxFrames.csv', 'headOrientation.csv']) {
      const bytes = Buffer.from(original.get(name)!);
      const length = Math.floor(bytes.length * (0.85 + 0.15 * next()));
      if (next() < 0.5) bytes.fill(0, length);
      writeFileSync(path.join(place, name), next() < 0.5 ? bytes : bytes.subarray(0, length));
    }
  };
}
