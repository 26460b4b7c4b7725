// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { zipSync } from 'fflate';
import { encodeNpy, littleEndian, npyHeader } from '../../arrays/index.ts';
import { fileError } from '../../processing/index.ts';
import { type ForeignFootprint, type ForeignResult, slabsOf, type Table } from './foreign-result.ts';

interface Written {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly dtype?: string;
  readonly shape?: readonly number[];
}

/** Where a run folder lies until it is whole. */
export const unfinished = (folder: string): string => `${folder}.tmp-${process.pid}`;

/**
 * Writes another program's result as a run folder (docs/formats.md): footprints brought to maximum 1 with their traces, which then are grey
 * levels at that pixel; what the program did not keep is left out. Beside the destination first, then renamed.
 *
 * @param folder - absolute; must not exist
 * @throws AppError `disk.full`, `disk.io`
 */
export async function writeRun(folder: string, result: ForeignResult, title: string): Promise<void> {
  const temporary = unfinished(folder);
  try {
    await mkdir(temporary, { recursive: true });
    const files: Written[] = [];
    const put = async (
      name: string,
      pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
      form: Pick<Written, 'dtype' | 'shape'> = {},
    ): Promise<void> => {
      const place = path.join(temporary, name);
      await mkdir(path.dirname(place), { recursive: true });
      const file = await open(place, 'wx');
      const hash = createHash('sha256');
      let bytes = 0;
      try {
        for await (const piece of pieces) {
          await file.writeFile(piece);
          hash.update(piece);
          bytes += piece.length;
        }
        await file.sync();
      } finally {
        await file.close();
      }
      if (name !== 'run.json') files.push({ path: name, bytes, sha256: hash.digest('hex'), ...form });
    };
    const cells = result.footprints.length;
    const peaks = result.footprints.map(({ values }) => values.reduce((most, value) => Math.max(most, value), 0));
    // A cell without a pixel has no scale to give its trace.
    const scales = peaks.map((peak) => (peak > 0 ? peak : 1));
    await put('footprints.npz', [encodeFootprints(result, peaks)], {
      dtype: 'float32',
      shape: [cells, result.height * result.width],
    });
    for (const [name, table] of Object.entries(result.traces)) {
      const shape = [cells, result.frames] as const;
      // ΔF/F has no unit that hangs on the footprint's scale.
      await put(`traces/${name}.npy`, encodeTraces(table, shape, name === 'dff' ? null : scales), {
        dtype: 'float32',
        shape,
      });
    }
    if (result.timeS !== null) {
      await put('time.npy', [encodeNpy(result.timeS, [result.frames])], { dtype: 'float64', shape: [result.frames] });
    }
    if (result.motion !== null) {
      await put('motion.npy', [encodeNpy(result.motion, [result.frames, 2])], {
        dtype: 'float32',
        shape: [result.frames, 2],
      });
    }
    for (const [name, image] of Object.entries(result.images)) {
      const shape = [result.height, result.width];
      await put(`images/${name}.npy`, [encodeNpy(image, shape)], { dtype: 'float32', shape });
    }
    await put('metrics.json', [
      json({ formatVersion: 1, cells: result.footprints.map((_, row) => cellOf(result, row)) }),
    ]);
    const { program, version, height, width, frames, fps, findings } = result;
    const accepted = result.accepted.filter((value) => value === true).length;
    await put('run.json', [
      json({
        formatVersion: 1,
        imported: { program, version, title },
        components: cells,
        accepted,
        frames,
        height,
        width,
        fps,
        warnings: findings.map((message) => ({ code: 'import', message })),
        files,
      }),
    ]);
    await rename(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw fileError(error, 'writing the imported result');
  }
}

/** A table some rows at a time, each row times its scale. */
async function* encodeTraces(
  table: Table,
  shape: readonly [cells: number, frames: number],
  scales: readonly number[] | null,
): AsyncGenerator<Uint8Array> {
  yield npyHeader('<f4', shape);
  const [cells, frames] = shape;
  for await (const { first, values } of slabsOf(table, cells, frames)) {
    const scaled =
      scales === null ? values : values.map((value, i) => value * (scales[first + Math.floor(i / frames)] ?? 1));
    yield littleEndian(scaled);
  }
}

function json(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}

/** SciPy's CSR archive, K × H·W. */
function encodeFootprints({ footprints, height, width }: ForeignResult, peaks: readonly number[]): Uint8Array {
  const total = footprints.reduce((sum, { pixels }) => sum + pixels.length, 0);
  const [data, indices, indptr] = [
    new Float32Array(total),
    new Int32Array(total),
    new Int32Array(footprints.length + 1),
  ];
  let at = 0;
  for (const [row, { pixels, values }] of footprints.entries()) {
    const peak = peaks[row] ?? 0;
    data.set(peak > 0 ? values.map((value) => value / peak) : values, at);
    indices.set(pixels, at);
    at += pixels.length;
    indptr[row + 1] = at;
  }
  const shape = Int32Array.from([footprints.length, height * width]);
  const entry = (array: Float32Array | Int32Array): Uint8Array => encodeNpy(array, [array.length]);
  return zipSync(
    {
      'indices.npy': entry(indices),
      'indptr.npy': entry(indptr),
      'format.npy': formatEntry(),
      'shape.npy': entry(shape),
      'data.npy': entry(data),
    },
    // A fixed date: the same result gives the same bytes.
    { level: 1, mtime: new Date(1980, 0, 1) },
  );
}

/** The text `csr` as NumPy keeps it: an array without axes of three bytes. */
function formatEntry(): Uint8Array {
  const text = "{'descr': '|S3', 'fortran_order': False, 'shape': (), }";
  const header = Buffer.alloc(118, ' ');
  header.write(text, 'latin1');
  header.write('\n', 117, 'latin1');
  const head = Buffer.from('\u0093NUMPY\u0001\u0000\u0076\u0000', 'latin1');
  return Buffer.concat([head, header, Buffer.from('csr', 'latin1')]);
}

function cellOf(result: ForeignResult, row: number): object {
  const metrics = Object.fromEntries(
    Object.entries(result.metrics).map(([name, values]) => [name, values[row] ?? null]),
  );
  const accepted = result.accepted[row] ?? null;
  return {
    row,
    ...placeOf(result.footprints[row] ?? { pixels: new Uint32Array(), values: new Float32Array() }, result.width),
    accepted: accepted === true,
    reasons:
      accepted === false
        ? [`rejected by ${result.program}`]
        : accepted === null
          ? [`not judged by ${result.program}`]
          : [],
    ...metrics,
  };
}

/** Centre of mass and bounding box, px. */
function placeOf({ pixels, values }: ForeignFootprint, width: number): object {
  let [sum, sumY, sumX, top, left, bottom, right] = [0, 0, 0, Infinity, Infinity, -1, -1];
  for (const [i, pixel] of pixels.entries()) {
    const [y, x, value] = [Math.floor(pixel / width), pixel % width, values[i] ?? 0];
    sum += value;
    sumY += value * y;
    sumX += value * x;
    top = Math.min(top, y);
    left = Math.min(left, x);
    bottom = Math.max(bottom, y);
    right = Math.max(right, x);
  }
  if (sum <= 0) return { centroid: { y: null, x: null }, box: { top: 0, left: 0, height: 0, width: 0 } };
  return {
    centroid: { y: sumY / sum, x: sumX / sum },
    box: { top, left, height: bottom - top + 1, width: right - left + 1 },
  };
}
