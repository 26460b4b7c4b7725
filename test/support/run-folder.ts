// SPDX-License-Identifier: MIT
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';

/** Writes run folders as the engine does, for tests that read them. */

type Elements = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array | BigInt64Array;

function descr(data: Elements): string {
  if (data instanceof Float32Array) return '<f4';
  if (data instanceof Float64Array) return '<f8';
  if (data instanceof Int32Array) return '<i4';
  if (data instanceof Uint32Array) return '<u4';
  return data instanceof BigInt64Array ? '<i8' : '|u1';
}

/** The bytes of an NPY file of version 1. */
export function npyBytes(shape: readonly number[], data: Elements, type = descr(data)): Buffer {
  const axes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${axes}), }`;
  const header = Buffer.from(`${text.padEnd(118 - 1 + Math.max(0, Math.ceil((text.length - 117) / 64)) * 64)}\n`);
  const start = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, header.length & 0xff, header.length >> 8]);
  return Buffer.concat([start, header, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]);
}

/** A ZIP of members, each deflated or stored. */
export function zipBytes(members: Readonly<Record<string, Buffer>>, method: 'stored' | 'deflated'): Buffer {
  const locals: Buffer[] = [];
  const entries: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(members)) {
    const packed = method === 'deflated' ? deflateRawSync(content) : content;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(method === 'deflated' ? 8 : 0, 4);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\u0003\u0004', 'latin1'), common, Buffer.from(name), packed]);
    const entry = Buffer.alloc(46);
    entry.write('PK\u0001\u0002', 0, 'latin1');
    entry.writeUInt16LE(20, 4);
    common.copy(entry, 6, 0, 24);
    entry.writeUInt32LE(offset, 42);
    entries.push(Buffer.concat([entry, Buffer.from(name)]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(entries);
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006', 0, 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

/** SciPy's sparse archive of rows given as (column, value) pairs. */
export function sparseBytes(
  rows: readonly (readonly (readonly [number, number])[])[],
  columns: number,
  method: 'stored' | 'deflated' = 'deflated',
): Buffer {
  const indptr = [0];
  for (const row of rows) indptr.push((indptr.at(-1) ?? 0) + row.length);
  const entries = rows.flat();
  return zipBytes(
    {
      'indices.npy': npyBytes(
        [entries.length],
        Int32Array.from(entries, ([column]) => column),
      ),
      'indptr.npy': npyBytes([indptr.length], Int32Array.from(indptr)),
      'format.npy': npyBytes([], new Uint8Array(Buffer.from('csr')), '|S3'),
      'shape.npy': npyBytes([2], BigInt64Array.from([BigInt(rows.length), BigInt(columns)])),
      'data.npy': npyBytes(
        [entries.length],
        Float32Array.from(entries, ([, value]) => value),
      ),
    },
    method,
  );
}

/** Buckets of each level for a trace of so many frames (factor 4, down to 64). */
export function pyramidLevels(frames: number): readonly number[] {
  const levels: number[] = [];
  for (let n = frames; n > 64;) {
    n = Math.ceil(n / 4);
    levels.push(n);
  }
  return levels;
}

/** Minimum and maximum of the numbers among the values; NaN of none. */
export function extremes(values: Iterable<number>): readonly [number, number] {
  const numbers = [...values].filter((value) => !Number.isNaN(value));
  return numbers.length === 0 ? [Number.NaN, Number.NaN] : [Math.min(...numbers), Math.max(...numbers)];
}

/** All levels of one trace, straight from the definition: level n covers 4^n frames a bucket. */
export function pyramidOf(trace: Float32Array): Float32Array {
  const pairs: number[] = [];
  for (const [level, buckets] of pyramidLevels(trace.length).entries()) {
    const size = 4 ** (level + 1);
    for (let i = 0; i < buckets; i += 1) pairs.push(...extremes(trace.subarray(i * size, (i + 1) * size)));
  }
  return Float32Array.from(pairs);
}

export interface WrittenRun {
  readonly height: number;
  readonly width: number;
  readonly frames: number;
  /** K rows of T. */
  readonly traces: readonly Float32Array[];
  readonly times: Float64Array;
}

/** A run of 3 cells on 30 × 40 pixels. Denoised = raw + 100. The second cell has no pixel. */
export function writeRun(
  folder: string,
  options: { readonly frames?: number; readonly pyramid?: boolean; readonly without?: readonly string[] } = {},
): WrittenRun {
  const { frames = 5000, pyramid = true, without = [] } = options;
  const [height, width, cells] = [30, 40, 3];
  const traces = Array.from({ length: cells }, (_, k) =>
    Float32Array.from({ length: frames }, (_, t) =>
      k === 1 && t % 97 === 0 ? Number.NaN : Math.sin(t * (k + 1) * 0.37) * (1 + (t % 13)) + (t === 777 ? 50 : 0),
    ),
  );
  const times = Float64Array.from({ length: frames }, (_, t) =>
    t >= frames - 10 ? Number.NaN : -0.05 + t * 0.05 + (t > 1000 ? 7 : 0),
  );
  const files: Record<string, Buffer> = {
    'footprints.npz': sparseBytes(
      [
        [
          [5 * width + 30, 0.25],
          [5 * width + 31, 1],
          [7 * width + 33, 0.5],
        ],
        [],
        [[29 * width + 39, 1]],
      ],
      height * width,
    ),
    'time.npy': npyBytes([frames], times),
  };
  for (const [i, name] of ['mean', 'correlation'].entries()) {
    const pixels = Float32Array.from({ length: height * width }, (_, p) => p + i);
    if (i === 1) pixels[0] = Number.NaN;
    files[`images/${name}.npy`] = npyBytes([height, width], pixels);
  }
  for (const [kind, add] of [
    ['raw', 0],
    ['denoised', 100],
  ] as const) {
    const rows = traces.map((trace) => trace.map((value) => value + add));
    files[`traces/${kind}.npy`] = npyBytes([cells, frames], Float32Array.from(rows.flatMap((row) => Array.from(row))));
    const levels = rows.map(pyramidOf);
    const pairs = Float32Array.from(levels.flatMap((row) => Array.from(row)));
    if (pyramid) files[`traces/${kind}.pyramid.npy`] = npyBytes([cells, pairs.length / cells], pairs);
  }
  const run = {
    formatVersion: 1,
    components: cells,
    frames,
    height,
    width,
    fps: 20,
    chosen: { diameterPx: 8.5, diameterEstimated: true },
    pyramid: { factor: 4, levels: pyramidLevels(frames), layout: 'words' },
    files: [...Object.keys(files), 'later/unknown.bin'].map((path) => ({ path, sha256: '', bytes: 1 })),
    somethingNew: true,
  };
  files['run.json'] = Buffer.from(JSON.stringify(run));
  for (const [path, bytes] of Object.entries(files)) {
    if (without.includes(path)) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  return { height, width, frames, traces, times };
}
