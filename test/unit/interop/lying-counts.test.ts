// SPDX-License-Identifier: MIT
import { statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { Hdf5Writer } from '../../../main/interop/hdf5.ts';
import { readerOf } from '../../../main/interop/results/readers/index.ts';
import { temporaryFolder } from '../../support/session-folders.ts';

/** Small files that claim much: refused with a sentence, before memory is taken for what they claim. */

/** What is said of a file, and by how much the memory of the process grew meanwhile. */
async function refused(place: string): Promise<{ readonly message: string; readonly grownBytes: number }> {
  const reader = await readerOf(place);
  const before = process.memoryUsage();
  const message = await reader?.read(place, null).then(
    () => 'nothing',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const after = process.memoryUsage();
  return { message: message ?? 'no reader', grownBytes: after.rss - before.rss };
}

const few = 200 * 2 ** 20;

it('CellReg’s footprints of 10,000 cells on 600 × 600 in a file of a few kB', async () => {
  using root = temporaryFolder();
  const place = path.join(root.path, 'spatial_footprints_01.mat');
  // Chunks that were never written cost nothing, and read as zeros.
  const file = await Hdf5Writer.create(place);
  file.empty('allFiltersMat', '<d', [600, 600, 10_000], [60, 60, 100]);
  file.close();
  expect(statSync(place).size).toBeLessThan(100_000);
  const { message, grownBytes } = await refused(place);
  expect(message).toMatch(/its allFiltersMat would have 28800000000 bytes, the whole file has \d+\./);
  expect(grownBytes).toBeLessThan(few);
});

/** An Inscopix file: data, then the description. */
function isxd(place: string, about: object, data: Buffer = Buffer.alloc(0)): string {
  const text = Buffer.from(JSON.stringify(about));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(place, Buffer.concat([data, text, Buffer.of(0), length]));
  return place;
}

it('an event set of Inscopix that says it lasted a thousand years, or has an event then', async () => {
  using root = temporaryFolder();
  const about = (seconds: number) => ({
    type: 5,
    'channel list': ['C0'],
    numSamples: [1],
    signalSteps: [{ num: 1, den: 20 }],
    'global times': [{ secsSinceEpoch: { num: 0, den: 1 } }, { secsSinceEpoch: { num: seconds, den: 1 } }],
  });
  const event = (us: bigint): Buffer => {
    const bytes = Buffer.alloc(20);
    bytes.writeBigUInt64LE(us);
    bytes.writeFloatLE(1, 16);
    return bytes;
  };
  const long = isxd(path.join(root.path, 'long.isxd'), about(3e10), event(0n));
  const late = isxd(path.join(root.path, 'late.isxd'), about(1), event(2n ** 63n));
  for (const place of [long, late]) {
    const { message, grownBytes } = await refused(place);
    expect(message).toMatch(/would be of [\d.e+]+ frames; no recording is so long/);
    expect(grownBytes).toBeLessThan(few);
  }
  // One of an hour with a single event is read, and its table is made row by row.
  const fair = await readerOf(isxd(path.join(root.path, 'fair.isxd'), about(3600), event(50_000n)));
  const result = await fair?.read(path.join(root.path, 'fair.isxd'), null);
  expect(result?.frames).toBe(72_000);
  expect(typeof result?.traces.deconvolved).toBe('function');
});

it('a cell set of Inscopix without cells and of very many frames', async () => {
  using root = temporaryFolder();
  const about = {
    type: 1,
    spacingInfo: { numPixels: { x: 5, y: 5 } },
    timingInfo: { numTimes: 3_000_000_000, period: { num: 1, den: 20 } },
    CellNames: [],
    CellStatuses: [],
  };
  const { message } = await refused(isxd(path.join(root.path, 'none.isxd'), about));
  expect(message).toMatch(/would be of 3.0e\+9 frames; no recording is so long/);
});

it('traces of CNMF-E in a file of 7.3 are read some rows at a time, however large their table is', async () => {
  using root = temporaryFolder();
  const place = path.join(root.path, 'long.mat');
  const file = await Hdf5Writer.create(place);
  // 400 cells, a million frames: 3.2 GB as a whole. MATLAB's axes are turned.
  const traces = file.empty('C', '<d', [1_000_000, 400], [50_000, 1]);
  traces.write_slice(
    [
      [999_999, 1_000_000],
      [7, 8],
    ],
    Float64Array.of(5),
  );
  file.group('A');
  file.attributes('A', { MATLAB_sparse: new Uint32Array([12]) });
  file.array('A/jc', new Uint32Array(401), [401]);
  file.array('Cn', new Float64Array(12), [4, 3]);
  file.close();
  const reader = await readerOf(place);
  expect(reader?.program).toBe('cnmf_e');
  const before = process.memoryUsage().rss;
  const result = await reader?.read(place, null);
  expect(result).toMatchObject({ height: 3, width: 4, frames: 1_000_000 });
  const rows = result?.traces.denoised;
  const row = typeof rows === 'function' ? await rows(7, 1) : undefined;
  expect([row?.length, row?.at(-2), row?.at(-1)]).toEqual([1_000_000, 0, 5]);
  expect(process.memoryUsage().rss - before).toBeLessThan(few);
});
