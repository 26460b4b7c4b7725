// SPDX-License-Identifier: MIT
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeNpy, NpyFile, parseNpyHeader } from '../../../main/review/npy.ts';
import { readSparseRows } from '../../../main/review/npz.ts';
import { packFootprints } from '../../../main/review/footprints.ts';
import { RunFolder } from '../../../main/review/run-folder.ts';
import { npyBytes, sparseBytes, writeRun, zipBytes } from '../../support/run-folder.ts';
import { temporaryFolder } from '../../support/library.ts';

const damaged = expect.objectContaining({ code: 'disk.io' });

describe('NPY arrays', () => {
  it('are read by pieces, whatever their type', async () => {
    const folder = temporaryFolder();
    const cases = [
      Float32Array.from([0.5, -1, Number.NaN, 3, 4, 5]),
      Float64Array.from([0.1, 2, 3, 4, 5, 6]),
      Int32Array.from([-1, 2, 3, 4, 5, 6]),
      Uint32Array.from([1, 2 ** 31, 3, 4, 5, 6]),
      Uint8Array.from([1, 2, 3, 4, 5, 255]),
    ];
    for (const data of cases) {
      const path = join(folder, 'a.npy');
      writeFileSync(path, npyBytes([2, 3], data));
      const file = await NpyFile.open(path);
      expect(file.shape).toEqual([2, 3]);
      expect(await file.read(0, 6)).toEqual(data);
      expect(await file.read(2, 3)).toEqual(data.slice(2, 5));
      await file.close();
    }
    expect(decodeNpy(npyBytes([2], BigInt64Array.from([3n, -7n])), 'a').data).toEqual(Float64Array.from([3, -7]));
  });

  it('with headers of every version and of any length are read', async () => {
    const one = npyBytes([4], Uint8Array.from([9, 8, 7, 6]));
    const length = one.readUInt16LE(8);
    const two = Buffer.concat([one.subarray(0, 6), Buffer.from([2, 0, 0, 0, 0, 0]), one.subarray(10)]);
    two.writeUInt32LE(length, 8);
    expect(decodeNpy(two, 'a').data).toEqual(Uint8Array.from([9, 8, 7, 6]));
    const path = join(temporaryFolder(), 'long.npy');
    const pad = Buffer.alloc(5000, ' ');
    const long = Buffer.concat([one.subarray(0, 10 + length - 1), pad, one.subarray(10 + length - 1)]);
    long.writeUInt16LE(length + 5000, 8);
    writeFileSync(path, long);
    expect(parseNpyHeader(long.subarray(0, 256), 'a')).toBeNull();
    const file = await NpyFile.open(path);
    expect(await file.read(0, 4)).toEqual(Uint8Array.from([9, 8, 7, 6]));
    await file.close();
  });

  it.each([
    ['no array', Buffer.from('hello, I am a text of some length')],
    ['cut in its header', npyBytes([4], new Uint8Array(4)).subarray(0, 40)],
    ['cut in its elements', npyBytes([400], new Uint8Array(300))],
    [
      'of columns first',
      Buffer.from(npyBytes([4], new Uint8Array(4)).toString('latin1').replace('False', 'True '), 'latin1'),
    ],
    [
      'of another machine',
      Buffer.from(npyBytes([1], new Float32Array(1)).toString('latin1').replace('<f4', '>f4'), 'latin1'),
    ],
  ])('%s are refused by name', async (_, bytes) => {
    const path = join(temporaryFolder(), 'a.npy');
    writeFileSync(path, bytes);
    await expect(NpyFile.open(path, 'images/a.npy')).rejects.toEqual(damaged);
    await expect(NpyFile.open(path, 'images/a.npy')).rejects.toThrow(/images\/a\.npy/);
  });

  it('that are not there are said to be missing', async () => {
    await expect(NpyFile.open('/nowhere/a.npy', 'images/a.npy')).rejects.toThrow(/images\/a\.npy .* missing/);
  });
});

describe('sparse archives', () => {
  const rows = [
    [
      [3, 0.5],
      [7, 1],
    ],
    [],
    [[0, 0.25]],
  ] as const;

  it.each(['stored', 'deflated'] as const)('that are %s give their rows', async (method) => {
    const path = join(temporaryFolder(), 'a.npz');
    writeFileSync(path, sparseBytes(rows, 12, method));
    const matrix = await readSparseRows(path);
    expect([matrix.rows, matrix.columns]).toEqual([3, 12]);
    expect([...matrix.indptr]).toEqual([0, 2, 2, 3]);
    expect([...matrix.indices]).toEqual([3, 7, 0]);
    expect([...matrix.data]).toEqual([0.5, 1, 0.25]);
  });

  it('with a comment at the end are read, too', async () => {
    const path = join(temporaryFolder(), 'a.npz');
    const bytes = sparseBytes(rows, 12);
    bytes.writeUInt16LE(5, bytes.length - 2);
    writeFileSync(path, Buffer.concat([bytes, Buffer.from('hello')]));
    expect((await readSparseRows(path)).rows).toBe(3);
  });

  it('that are damaged are refused', async () => {
    const path = join(temporaryFolder(), 'a.npz');
    const whole = sparseBytes(rows, 12);
    const parts = {
      'shape.npy': npyBytes([2], Int32Array.from([3, 12])),
      'indptr.npy': npyBytes([2], Int32Array.from([0, 1])),
    };
    const torn = Buffer.from(whole);
    torn.fill(0xff, 60, 90);
    const cases = [
      Buffer.from('nothing'),
      whole.subarray(0, 200),
      torn,
      zipBytes(parts, 'stored'),
      zipBytes(
        { ...parts, 'indices.npy': npyBytes([1], new Int32Array(1)), 'data.npy': npyBytes([1], new Float32Array(1)) },
        'stored',
      ),
    ];
    for (const bytes of cases) {
      writeFileSync(path, bytes);
      await expect(readSparseRows(path)).rejects.toEqual(damaged);
    }
  });
});

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
