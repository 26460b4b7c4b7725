// SPDX-License-Identifier: MIT
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openLibrary } from '../../main/library/index.ts';
import type { NewCell } from '../../main/library/types.ts';
import { greyAvi } from './avi.ts';
import { newLibraryIn, newRun, newSession, seededNumbers } from './library.ts';
import { npyBytes, pyramidLevels, pyramidOf, sparseBytes } from './run-folder.ts';

/** How large the made-up run is. */
export interface ReviewSize {
  readonly cells: number;
  readonly frames: number;
  readonly height?: number;
  readonly width?: number;
}

const fps = 20;

/** Rows one after the other. */
function joined(rows: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(rows.reduce((sum, row) => sum + row.length, 0));
  let at = 0;
  for (const row of rows) {
    all.set(row, at);
    at += row.length;
  }
  return all;
}

/** Writes a run as the engine does: cells on a grid whose activity is noise with events. */
export function writeReviewRun(
  folder: string,
  { cells, frames, height = 64, width = 80 }: ReviewSize,
  change: (manifest: Record<string, unknown>) => object = (manifest) => manifest,
): NewCell[] {
  const random = seededNumbers(7);
  const across = Math.max(1, Math.ceil(Math.sqrt((cells * width) / height)));
  const places = Array.from({ length: cells }, (_, row) => ({
    y: 3 + Math.floor(((height - 6) * Math.floor(row / across)) / Math.max(1, Math.ceil(cells / across))),
    x: 3 + Math.floor(((width - 6) * (row % across)) / across),
  }));
  const footprints = places.map(({ y, x }) =>
    [-1, 0, 1].flatMap((v) => [-1, 0, 1].map((u) => [(y + v) * width + x + u, v === 0 && u === 0 ? 1 : 0.6] as const)),
  );
  const picture = Float32Array.from({ length: height * width }, () => 20 * random());
  for (const row of footprints) for (const [pixel, value] of row) picture[pixel] = 40 + 60 * value;
  const levels = pyramidLevels(frames);
  const files: Record<string, Buffer> = {
    'footprints.npz': sparseBytes(footprints, height * width),
    'time.npy': npyBytes(
      [frames],
      Float64Array.from({ length: frames }, (_, t) => t / fps),
    ),
    'motion.npy': npyBytes(
      [frames, 2],
      Float32Array.from({ length: 2 * frames }, (_, i) => Math.sin(i / 40) * (i % 2 === 0 ? 3 : 1)),
    ),
    'motion_quality.npy': npyBytes(
      [frames],
      Float32Array.from({ length: frames }, () => 0.5 + 0.3 * random()),
    ),
    'motion_report.json': Buffer.from(
      JSON.stringify({
        formatVersion: 1,
        frames,
        shiftPx: { median: 1.9, p95: 3.1, largest: 3.2 },
        stepPx: { median: 0.1, p95: 0.2, largest: 0.4 },
        quality: { p5: 0.51, median: 0.65 },
        unsureShare: 0.01,
        boundShare: 0,
        crispness: { recorded: 210, rigid: 260, piecewise: null },
        piecewise: { used: false, reason: 'Blocks move together.', thresholdPx: 1, departingShare: 0 },
        rotation: { typicalDeg: 0.1, largestDeg: 0.4, frames: 12 },
        residualFlow: { rows: [16, 48], columns: [20, 60], rmsPx: [0.1, 0.2, 0.3, 0.4] },
      }),
    ),
    ...Object.fromEntries(
      ['mean', 'correlation'].map((name) => [`images/${name}.npy`, npyBytes([height, width], picture)]),
    ),
  };
  for (const kind of ['raw', 'denoised', 'deconvolved']) {
    const rows = Array.from({ length: cells }, () => {
      let level = 0;
      return Float32Array.from({ length: frames }, () => {
        level = level * 0.9 + (random() < 0.02 ? 30 : 0);
        return level + random();
      });
    });
    files[`traces/${kind}.npy`] = npyBytes([cells, frames], joined(rows));
    if (cells > 0) {
      const pairs = joined(rows.map(pyramidOf));
      files[`traces/${kind}.pyramid.npy`] = npyBytes([cells, pairs.length / cells], pairs);
    }
  }
  const manifest = {
    formatVersion: 1,
    components: cells,
    frames,
    height,
    width,
    fps,
    chosen: { diameterPx: 6 },
    pyramid: { factor: 4, levels },
    files: Object.keys(files).map((name) => ({ path: name })),
  };
  files['run.json'] = Buffer.from(JSON.stringify(change(manifest)));
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), bytes);
  }
  return places.map(({ y, x }, row) => ({
    row,
    centroid: { y, x },
    box: { top: y - 1, left: x - 1, height: 3, width: 3 },
    suggested: row % 5 !== 0,
    reasons: row % 5 === 0 ? ['SNR 2.1 is below 3'] : [],
    metrics: { snr: 2 + (row % 9), rValue: 0.6 + 0.01 * (row % 40), areaPx: 9, events: row % 12, diameterPx: 3 },
  }));
}

/** What lies beside the films of a session. */
function writeBeside(sessionFolder: string, frames: number): void {
  const scope = path.join(sessionFolder, 'Miniscope');
  const camera = path.join(sessionFolder, 'BehavCam');
  mkdirSync(camera, { recursive: true });
  const seen = Math.floor((frames - fps) / 2);
  const rows = (count: number, row: (n: number) => string): string =>
    `${Array.from({ length: count }, (_, n) => row(n)).join('\n')}\n`;
  writeFileSync(
    path.join(camera, '0.avi'),
    greyAvi(seen, 48, 64, (frame) => frame % 256),
  );
  writeFileSync(
    path.join(camera, 'timeStamps.csv'),
    `Frame Number,Time Stamp (ms),Buffer Index\n${rows(seen, (n) => `${n},${1000 + 100 * n},0`)}`,
  );
  const turn = (n: number): readonly [number, number] => [
    Math.cos((n * Math.PI) / frames),
    Math.sin((n * Math.PI) / frames),
  ];
  writeFileSync(
    path.join(scope, 'headOrientation.csv'),
    `Time Stamp (ms),qw,qx,qy,qz\n${rows(frames, (n) => `${n * 50},${turn(n)[0]},0,0,${turn(n)[1]}`)}`,
  );
  writeFileSync(
    path.join(scope, 'integrity.json'),
    JSON.stringify({
      formatVersion: 1,
      device: 'Miniscope',
      durationS: frames / fps,
      saved: frames,
      expected: frames + 3,
      missing: 3,
      knownMissing: 3,
      gaps: [{ afterFrame: 99, frames: 3, timeS: 5, where: 'link' }],
      interruptions: [],
      longestIntervalMs: 210,
      usualIntervalMs: 50,
      jitterMs: 1.2,
      meanGrey: 88.5,
      saturatedShare: 0.001,
      unreadCounters: 0,
      blackFrames: 0,
      badOrientations: 0,
      failure: null,
      stopped: null,
    }),
  );
}

/** A library with one session whose films are on the disk, and one finished run of it that nobody has judged. */
export async function reviewLibrary(
  root: string,
  size: ReviewSize,
  options: {
    readonly change?: (manifest: Record<string, unknown>) => object;
    /** A behaviour camera at half the rate that begins a second late, a head that turns once, and an integrity report with a gap at frame 100. */
    readonly beside?: boolean;
    /** The films are not where they were. */
    readonly withoutFilms?: boolean;
  } = {},
): Promise<{ readonly library: string; readonly runUuid: string; readonly sessionFolder: string }> {
  const { height = 64, width = 80, frames } = size;
  const sessionFolder = path.join(root, 'session');
  const films = path.join(sessionFolder, 'Miniscope');
  mkdirSync(films, { recursive: true });
  const film = path.join(films, '0.avi');
  if (options.withoutFilms !== true) writeFileSync(film, greyAvi(frames, height, width));
  const bytes = options.withoutFilms === true ? 1 : statSync(film).size;
  if (options.beside === true) writeBeside(sessionFolder, frames);
  const directory = newLibraryIn(path.join(root, 'library'));
  const library = await openLibrary({ directory });
  try {
    const [recording] = newSession(1).recordings;
    if (recording === undefined) throw new Error('a session without a recording');
    const { session } = await library.sessions.insert(
      newSession(1, {
        name: 'review',
        format: 'miniscope-daq-v4',
        ...(options.beside === true ? { cameraFiles: ['BehavCam/0.avi'] } : {}),
        folder: options.withoutFilms === true ? path.join(root, 'gone') : sessionFolder,
        recordings: [
          {
            ...recording,
            height,
            width,
            frames,
            fps,
            codec: 'GREY',
            files: [{ path: 'Miniscope/0.avi', frames, bytes }],
          },
        ],
      }),
    );
    const { uuid: runUuid } = await library.runs.create(
      newRun(session.recordings[0]?.uuid ?? '', { parameters: { diameterPx: 6, minSnr: 2 } }),
    );
    await library.runs.claim({ runUuid });
    const cells = writeReviewRun(library.runFolder(runUuid), size, options.change);
    await library.runs.finish(runUuid, { cells, arrays: [] });
    return { library: directory, runUuid, sessionFolder };
  } finally {
    await library.close();
  }
}
