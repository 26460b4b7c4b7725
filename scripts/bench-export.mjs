// SPDX-License-Identifier: MIT
// Time and memory of exports, and of reading a result back: each in a process of its own, in the thread that the program uses.
//   npm run bench:export [-- --cells N --frames N --out file]
// The run is made up (noise and transients of seeded numbers, footprints of 300 pixels on 600 × 600), so that compression has real work to do.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { deflateSync } from 'node:zlib';

import { bytesOf, runExport } from '../main/interop/export.ts';
import { readAside } from '../main/interop/results/import-result.ts';
import { greyAvi } from '../test/support/avi.ts';
import { npyBytes, sparseBytes } from '../test/support/run-folder.ts';
import { root } from './lib.mjs';

const words = process.argv.slice(2);
const option = (name, otherwise) => (words.includes(name) ? words[words.indexOf(name) + 1] : otherwise);
const cells = Number(option('--cells', '500'));
const frames = Number(option('--frames', '36000'));
const [height, width] = [600, 600];
const kinds = ['raw', 'denoised', 'deconvolved', 'dff'];

/** Forms that are files; the others are folders. */
const endings = { nwb: '.nwb', caiman: '.hdf5', mat: '.mat', csv: '.csv', roizip: '.zip', avi: '.avi', mp4: '.mp4' };

/** Most memory this process ever had in reach, pages of mapped files too, bytes. The count of `getrusage` would begin with the parent's. */
function highWater() {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
  return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}

/** Follows the memory of this process's own; pages of a film file that are mapped are the system's, which takes them when it needs them. */
function followOwnMemory() {
  const own = () => {
    if (process.platform !== 'linux') return highWater();
    return 1024 * Number(/RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
  };
  let most = own();
  // The work runs in a thread, so that this one is free to look.
  const timer = setInterval(() => (most = Math.max(most, own())), 10);
  return () => {
    clearInterval(timer);
    return Math.max(most, own());
  };
}

/** What one process does, and what it took. */
async function child(folder, format) {
  const out = path.join(folder, `out.${format}`);
  const memory = followOwnMemory();
  const began = performance.now();
  if (format.startsWith('read-')) {
    const place = format === 'read-caiman' ? path.join(folder, 'out.caiman.hdf5') : path.join(folder, 'minian');
    await readAside({ place, folder: out, fps: null, field: null }, new AbortController().signal);
  } else {
    const run = JSON.parse(readFileSync(path.join(folder, 'job.json'), 'utf8'));
    const place = `${out}${endings[format] ?? ''}`;
    const job = {
      format,
      temporary: place,
      destination: place,
      metadata: {},
      table: 'wide',
      films: 'link',
      movie: { layer: 'raw' },
      run:
        format === 'avi' || format === 'mp4'
          ? {
              ...run,
              frames: 2000,
              height: 300,
              width: 300,
              recordings: [{ ...run.recordings[0], samples: 2000 }],
              arrays: { ...run.arrays, time: null },
            }
          : run,
    };
    await runExport(job, () => undefined, new AbortController().signal);
  }
  const seconds = (performance.now() - began) / 1000;
  const own = memory();
  const bytes = await bytesOf(`${out}${endings[format] ?? ''}`);
  console.log(
    JSON.stringify({
      seconds: Number(seconds.toFixed(2)),
      peakMemoryBytes: own,
      peakResidentBytes: highWater(),
      fileBytes: bytes,
    }),
  );
}

/** The run folder of so many cells, and the job that exports it. */
function makeRun(folder) {
  let state = 1;
  const dice = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  mkdirSync(path.join(folder, 'traces'));
  mkdirSync(path.join(folder, 'images'));
  const trace = new Float32Array(cells * frames);
  for (let k = 0; k < cells; k += 1) {
    let calcium = 0;
    for (let t = 0; t < frames; t += 1) {
      calcium = calcium * 0.95 + (dice() < 0.005 ? 20 * dice() : 0);
      trace[k * frames + t] = calcium + dice() + dice() - 1;
    }
  }
  for (const kind of kinds) writeFileSync(path.join(folder, 'traces', `${kind}.npy`), npyBytes([cells, frames], trace));
  const footprints = Array.from({ length: cells }, (_, k) => {
    const [top, left] = [Math.floor(dice() * (height - 20)), Math.floor(dice() * (width - 20))];
    return Array.from({ length: 300 }, (__, i) => [
      (top + Math.floor(i / 18)) * width + left + (i % 18),
      (1 + ((i * 7 + k) % 97)) / 97,
    ]);
  });
  writeFileSync(path.join(folder, 'footprints.npz'), sparseBytes(footprints, height * width));
  for (const name of ['mean', 'max', 'correlation'])
    writeFileSync(
      path.join(folder, 'images', `${name}.npy`),
      npyBytes(
        [height, width],
        Float32Array.from({ length: height * width }, () => dice()),
      ),
    );
  const put = (name, values, shape) => writeFileSync(path.join(folder, name), npyBytes(shape, values));
  put(
    'time.npy',
    Float64Array.from({ length: frames }, (_, t) => t * 0.05 + 0.003 * dice()),
    [frames],
  );
  put(
    'motion.npy',
    Float32Array.from({ length: 2 * frames }, () => 4 * dice() - 2),
    [frames, 2],
  );
  put('frame_flags.npy', new Uint32Array(frames), [frames]);
  const film = path.join(folder, '0.avi');
  writeFileSync(
    film,
    greyAvi(2000, 300, 300, (frame, y, x) => (frame * 7 + y * 3 + x * 5) % 251),
  );
  const place = (name) => path.join(folder, name);
  const run = {
    runUuid: '01900000-0000-7000-8000-000000000001',
    folder,
    layers: [],
    name: 'bench',
    createdAt: '2026-01-01T00:00:00.000Z',
    engineVersion: '0',
    programVersion: '0',
    frames,
    height,
    width,
    fps: 20,
    diameterPx: 18,
    umPerPx: null,
    parameters: {},
    f0: null,
    arrays: {
      footprints: place('footprints.npz'),
      traces: Object.fromEntries(kinds.map((kind) => [kind, place(`traces/${kind}.npy`)])),
      images: Object.fromEntries(['mean', 'max', 'correlation'].map((name) => [name, place(`images/${name}.npy`)])),
      time: place('time.npy'),
      frameFlags: place('frame_flags.npy'),
      motion: place('motion.npy'),
      model: null,
      motionBlocks: null,
      events: null,
    },
    cells: Array.from({ length: cells }, (_, k) => ({
      index: k,
      row: k,
      uuid: `01900000-0000-7000-8000-${String(k).padStart(12, '0')}`,
      label: 'undecided',
      suggested: true,
      accepted: true,
      reasons: [],
      centroid: { y: 300, x: 300 },
      metrics: { snr: 5, rValue: 0.9 },
    })),
    curation: '',
    recordings: [
      {
        uuid: '01900000-0000-7000-8000-000000000002',
        device: 'Miniscope',
        deviceType: 'Miniscope_V4_BNO',
        films: [film],
        filmFrames: [frames],
        filmsPresent: true,
        filmTimes: null,
        firstFrame: 0,
        firstSample: 0,
        samples: frames,
        fps: 20,
        height: 300,
        width: 300,
        codec: 'GREY',
        config: null,
        startedAt: '2026-01-01T00:00:00.000Z',
        tzOffsetMin: 0,
        headOrientation: null,
        frameTable: null,
        happenings: null,
      },
    ],
    session: {
      uuid: '',
      name: 'bench',
      subject: 'm1',
      names: ['bench'],
      notes: '',
      experimenters: [],
      experiment: null,
    },
  };
  writeFileSync(path.join(folder, 'job.json'), JSON.stringify(run));
}

/** The same cells as a result of MiniAn: dense masks, half of a gigabyte unpacked, and traces in pieces of 100 cells and 10 000 frames. */
function makeMinian(folder) {
  const put = (name, axes, shape, chunks, pieces) => {
    const store = path.join(folder, 'minian', `${name}.zarr`, name);
    mkdirSync(store, { recursive: true });
    const head = { zarr_format: 2, shape, chunks, dtype: '<f4', order: 'C', fill_value: 'NaN', filters: null };
    writeFileSync(path.join(store, '.zarray'), JSON.stringify({ ...head, compressor: { id: 'zlib', level: 1 } }));
    writeFileSync(path.join(store, '.zattrs'), JSON.stringify({ _ARRAY_DIMENSIONS: axes }));
    for (const [key, values] of pieces) {
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      writeFileSync(path.join(store, key), deflateSync(bytes, { level: 1 }));
    }
  };
  const mask = (k) => {
    const image = new Float32Array(height * width);
    for (let i = 0; i < 300; i += 1)
      image[((k * 769) % (height * width - 600 * 18)) + Math.floor(i / 18) * width + (i % 18)] = 1;
    return image;
  };
  function* masks() {
    for (let k = 0; k < cells; k += 1) yield [`${k}.0.0`, mask(k)];
  }
  const [units, stretch] = [100, 10_000];
  function* pieces() {
    for (let k = 0; k * units < cells; k += 1)
      for (let t = 0; t * stretch < frames; t += 1)
        yield [`${k}.${t}`, Float32Array.from({ length: units * stretch }, (_, i) => (i * 7919) % 1013)];
  }
  put('A', ['unit_id', 'height', 'width'], [cells, height, width], [1, height, width], masks());
  for (const name of ['C', 'S', 'YrA']) put(name, ['unit_id', 'frame'], [cells, frames], [units, stretch], pieces());
}

/** What 500 cells of 36,000 frames may take on two cores; the other forms have no bound of their own. */
const bounds = Object.fromEntries(
  ['nwb', 'read-caiman', 'read-minian'].map((name) => [name, { seconds: 30, mebibytes: 300 }]),
);

if (words[0] === '--child') {
  await child(words[1], words[2]);
} else {
  const folder = mkdtempSync(path.join(tmpdir(), 'calyx-bench-export-'));
  try {
    makeRun(folder);
    const results = {};
    makeMinian(folder);
    for (const format of [...Object.keys(endings), 'tiff', 'svg', 'read-caiman', 'read-minian']) {
      const text = execFileSync(process.execPath, [import.meta.filename, '--child', folder, format], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      results[format] = JSON.parse(text.trim().split('\n').at(-1));
      const { seconds, peakMemoryBytes, fileBytes } = results[format];
      const bound = bounds[format];
      const verdict =
        bound === undefined
          ? ''
          : ` (at most ${bound.seconds} s and ${bound.mebibytes} MiB: ${seconds <= bound.seconds && peakMemoryBytes <= bound.mebibytes * 2 ** 20 ? 'kept' : 'MISSED'})`;
      console.log(
        `${format}: ${seconds} s, ${Math.round(peakMemoryBytes / 2 ** 20)} MiB, ${Math.round(fileBytes / 1e6)} MB written${verdict}`,
      );
    }
    const out = option('--out', path.join(root, 'docs', 'bench', 'export.json'));
    const report = {
      measuredAt: new Date().toISOString(),
      processor: cpus()[0]?.model ?? '',
      cores: cpus().length,
      cells,
      frames,
      height,
      width,
      film: { frames: 2000, height: 300, width: 300 },
      bounds,
      results,
    };
    writeFileSync(out, `${JSON.stringify(report, null, 2)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
