// SPDX-License-Identifier: MIT
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packFootprints } from '../../../main/review/footprints.ts';
import { RunFolder } from '../../../main/review/run-folder.ts';
import { npyBytes, sparseBytes, writeRun } from '../../support/run-folder.ts';
import { temporaryFolder } from '../../support/library.ts';

const damaged = expect.objectContaining({ code: 'disk.io' });

describe('footprints', () => {
  it('are cut out where they lie, 255 at the maximum', async () => {
    const folder = temporaryFolder();
    const { width } = writeRun(folder);
    const run = await RunFolder.open(folder);
    const { cells, bytes } = await packFootprints(await run.footprints(), width, new AbortController().signal);
    expect(cells).toEqual([
      { top: 5, left: 30, height: 3, width: 4, offset: 0 },
      { top: 0, left: 0, height: 0, width: 0, offset: 12 },
      { top: 29, left: 39, height: 1, width: 1, offset: 12 },
    ]);
    expect([...bytes]).toEqual([64, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 255]);
  });

  it('by the million let other work through and can be stopped', async () => {
    const entries = 3_000_000;
    const indptr = Int32Array.from({ length: 301 }, (_, k) => k * 10_000);
    const matrix = {
      rows: 300,
      columns: 100 * 200,
      indptr,
      indices: Int32Array.from({ length: entries }, (_, i) => i % 10_000),
      data: new Float32Array(entries).fill(0.5),
    };
    const stop = new AbortController();
    let turns = 0;
    const turn = (): void => {
      turns += 1;
      if (turns < 1000) setImmediate(turn);
    };
    setImmediate(turn);
    await packFootprints(matrix, 200, stop.signal);
    expect(turns).toBeGreaterThan(10);
    stop.abort(new Error('left'));
    await expect(packFootprints(matrix, 200, stop.signal)).rejects.toThrow('left');
  });
});

describe('a run folder', () => {
  it('is known by its run.json; what is unknown is ignored', async () => {
    const folder = temporaryFolder();
    writeRun(folder);
    const { manifest } = await RunFolder.open(folder);
    expect(manifest).toMatchObject({
      components: 3,
      frames: 5000,
      height: 30,
      width: 40,
      fps: 20,
      diameterPx: 8.5,
      images: ['mean', 'correlation'],
      traces: ['raw', 'denoised'],
    });
  });

  it('without any known time counts its frames by the rate', async () => {
    const folder = temporaryFolder();
    writeRun(folder, { frames: 4 });
    writeFileSync(join(folder, 'time.npy'), npyBytes([4], new Float64Array(4).fill(Number.NaN)));
    expect(await (await RunFolder.open(folder)).times()).toEqual(Float64Array.of(0, 0.05, 0.1, 0.15));
  });

  it('of a newer form is refused with a sentence', async () => {
    const folder = temporaryFolder();
    writeRun(folder);
    const path = join(folder, 'run.json');
    writeFileSync(
      path,
      JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), formatVersion: 2, frames: 'other' }),
    );
    await expect(RunFolder.open(folder)).rejects.toMatchObject({
      code: 'run.format_newer',
      hint: expect.stringContaining('Update'),
    });
  });

  it('that is gone, torn or of other sizes is refused by name', async () => {
    await expect(RunFolder.open('/nowhere')).rejects.toEqual(damaged);
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'images'), { recursive: true });
    writeFileSync(join(folder, 'run.json'), '{"formatVersion": 1');
    await expect(RunFolder.open(folder)).rejects.toEqual(damaged);
    writeRun(folder, { without: ['time.npy'] });
    const run = await RunFolder.open(folder);
    await expect(run.times()).rejects.toThrow(/time\.npy .* missing/);
    writeFileSync(join(folder, 'images', 'mean.npy'), npyBytes([40, 30], new Float32Array(1200)));
    await expect(run.array('images/mean.npy', [30, 40])).rejects.toThrow(/40 × 30 and not 30 × 40/);
    writeFileSync(join(folder, 'footprints.npz'), sparseBytes([[], [], []], 30 * 41));
    await expect(run.footprints()).rejects.toThrow(/do not fit/);
  });
});
