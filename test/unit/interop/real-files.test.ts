// SPDX-License-Identifier: MIT
import { copyFileSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../main/contract/index.ts';
import { describeFilm } from '../../../main/interop/index.ts';
import { readerOf } from '../../../main/interop/results/readers/index.ts';
import { probeFilm } from '../../../main/media/index.ts';
import { positionReaders } from '../../../main/position/readers/index.ts';
import { readTimes } from '../../../main/position/times.ts';
import { openSession } from '../../../main/sessions/index.ts';
import { temporaryFolder } from '../../support/session-folders.ts';
import { sharedFolder, sharedMissing } from '../../support/shared.ts';

const real = path.join(sharedFolder, 'data', 'real');
const manifest = 'data/real/MANIFEST.csv';

/**
 * Every file of the MANIFEST by the first rule that fits: what is opened in its place (`$1` of the pattern where a file is part of something larger), how,
 * and what comes out or the sentence of the refusal.
 */
const rules: readonly (readonly [
  pattern: RegExp,
  place: string,
  how: 'import' | 'position' | 'times',
  outcome: string | RegExp,
])[] = [
  // MiniAn's stores: one result; each store by itself is said to be a part of it, or to hold no film.
  [/^(minian-demo\/minian_result_500f)\/(A|C|S)\.zarr\//, '$1', 'import', 'minian: 75 cells, 500 frames of 240 × 376'],
  [
    /^(minian-demo\/minian_result_500f\/(?:A_init|b)\.zarr)\//,
    '$1',
    'import',
    /its arrays have no frames: .*height.*A\.zarr and C\.zarr/,
  ],
  [
    /^(minian-demo\/minian_result_500f\/[^/]+\.zarr)\//,
    '$1',
    'import',
    /holds no array of frames|its arrays have no frames/,
  ],
  [/^(camap-sessions\/regression_1d\/neural_data)\//, '$1', 'import', 'minian: 10 cells, 10000 frames of 200 × 200'],
  [/^(camap-sessions\/regression_2d\/neural_data)\//, '$1', 'import', 'minian: 10 cells, 5000 frames of 200 × 200'],
  [/^camap-sessions\/.*\/behavior_position\.csv$/, '$&', 'position', /^\d parts of \d{4,} rows$/],
  [/^camap-sessions\/.*\/(behavior|neural)_timestamp\.csv$/, '$&', 'times', /^\d{4,5} times$/],
  [/^camap-sessions\/.*\/zone_tracking\.csv$/, '$&', 'import', /no film that Calyx knows/],
  [/^camap-sessions\/.*\.yaml$/, '$&', 'import', /no film that Calyx knows/],
  [
    /^cellreg-5-sessions\/.*\.mat$/,
    '$&',
    'import',
    /it holds (598|552|548|594|495) footprints on 32\d × 25\d pixels and no traces/,
  ],
  [/^cellreg-5-sessions\/.*\.txt$/, '$&', 'import', /no film that Calyx knows/],
  [/^etter-ca1\/.*\/behav_vec\.mat$/, '$&', 'position', /^1 parts of 26\d{3} rows$/],
  [/^etter-ca1\/.*\/(behav|ca)_time\.mat$/, '$&', 'times', /^26\d{3} times$/],
  [
    /^etter-ca1\/.*\/ca_trace\.mat$/,
    '$&',
    'import',
    /it holds ca_trace, which is not what CNMF-E, MIN1PIPE or CellReg write/,
  ],
  // Session folders without their films (they are not in the repository): what is there is told, and why it cannot be imported.
  [
    /^(daq-sessions\/old-format-truncated-ffv1\/Miniscope_side\/1\.avi\.bak)$/,
    '$1',
    'import',
    /was still writing when it died/,
  ],
  [/^daq-sessions\/.*\.mp4$/, '$&', 'import', 'film: 994 frames of 608 × 608'],
  [
    /^(daq-sessions\/[^/]+)\//,
    '$1',
    'import',
    /^miniscope-daq-v4 without films: .*(holds no film|holds several films)/,
  ],
  [/^daq-linear-track\/.*\.zip$/, '$&', 'import', /outlines do not say the size.*--recording/],
  [/^daq-linear-track\/.*\/gt_mapping\.csv$/, '$&', 'import', /no film that Calyx knows/],
  [/^(daq-linear-track\/[^/]+)\//, '$1', 'import', /^miniscope-daq-v4 without films: .*holds no film/],
  [/^inscopix-1p\/cellset_accepted_cells_only\.isxd$/, '$&', 'import', 'inscopix: 20 cells, 2047 frames of 52 × 50'],
  [/^inscopix-1p\/cellset_series_part1\.isxd$/, '$&', 'import', 'inscopix: 6 cells, 100 frames of 21 × 21'],
  [/^inscopix-1p\/cellset_series_part2\.isxd$/, '$&', 'import', 'inscopix: 6 cells, 95 frames of 21 × 21'],
  [/^inscopix-1p\/sample_eventset.*\.isxd$/, '$&', 'import', 'inscopix: 5 cells, 12075 frames of 1 × 1'],
  [/^inscopix-1p\/four-sessions\/.*\.isxd$/, '$&', 'import', /it is an Inscopix image/],
  [/^inscopix-1p\/movie_part2_108x123x63\.(isxd|tiff)$/, '$&', 'import', 'film: 63 frames of 123 × 108'],
  [/^inscopix-1p\/movie_part3\.isxd$/, '$&', 'import', 'film: 34 frames of 128 × 128'],
  // Their index says 200 and 126 frames; what can be decoded counts.
  [/^inscopix-1p\/movie_part1.*\.avi$/, '$&', 'import', 'film: 100 frames of 122 × 108'],
  [/^inscopix-1p\/movie_part2.*\.avi$/, '$&', 'import', 'film: 63 frames of 122 × 108'],
  [/^inscopix-1p\/sample_cellset.*\.hdf5$/, '$&', 'import', 'caiman: 5 cells, 100 frames of 400 × 640'],
  [/^inscopix-1p\/sample_template.*\.tif$/, '$&', 'import', 'film: 1 frames of 400 × 640'],
  [
    /^min1pipe-demo-result\/demo_data_data_processed\.mat$/,
    '$&',
    'import',
    'min1pipe: 50 cells, 1000 frames of 150 × 150',
  ],
  [
    /^min1pipe-demo-result\/demo_data_supporting\.mat$/,
    '$&',
    'import',
    /which is not what CNMF-E, MIN1PIPE or CellReg write/,
  ],
  [/^minian-demo\/.*ffv1\.avi$/, '$&', 'import', 'film: 1000 frames of 480 × 752'],
  [/^minian-demo\/.*\.mp4$/, '$&', 'import', 'film: 500 frames of 480 × 752'],
  [/^mio-wireless\/stream_daq_test_output_200px\.avi$/, '$&', 'import', 'film: 94 frames of 200 × 200'],
  [/^mio-wireless\/wireless_corrupted\.avi$/, '$&', 'import', 'film: 60 frames of 200 × 200'],
  [/^mio-wireless\/.*\.(csv|yaml)$/, '$&', 'import', /no film that Calyx knows/],
  [/^openephys-artefacts\/banding\.mp4$/, '$&', 'import', 'film: 548 frames of 600 × 600'],
  [/^openephys-artefacts\/stripes\.mp4$/, '$&', 'import', 'film: 283 frames of 570 × 632'],
  [/^v4-grin-h264\/0\.mp4$/, '$&', 'import', 'film: 1000 frames of 484 × 548'],
];

/** As `calyx import` does: a result, a film of another program, else a session or a film. */
async function imported(place: string): Promise<string> {
  const result = await readerOf(place);
  if (result !== null) {
    const { program, footprints, frames, height, width } = await result.read(place, null);
    return `${program}: ${footprints.length} cells, ${frames} frames of ${height} × ${width}`;
  }
  const session = (await describeFilm(place, {})) ?? (await openSession(place, { probeFilm }));
  if ('film' in session) return session.film;
  const device = session.devices.find(({ error }) => error === null);
  if (device !== undefined) return `film: ${device.frames} frames of ${device.height} × ${device.width}`;
  return `${session.format} without films: ${session.devices.map(({ error }) => error?.message ?? '').join(' ')}`;
}

async function tracked(place: string): Promise<string> {
  const handle = await open(place);
  const head = Buffer.alloc(64 * 1024);
  const { bytesRead } = await handle.read(head, 0, head.length, 0);
  await handle.close();
  for (const reader of positionReaders) {
    if (!(await reader.recognises({ path: place, head: head.subarray(0, bytesRead) }))) continue;
    const { parts } = await reader.read(place);
    return `${parts.length} parts of ${parts[0]?.x.length ?? 0} rows`;
  }
  return 'nobody knows it';
}

async function outcomeOf(place: string, how: 'import' | 'position' | 'times'): Promise<string> {
  try {
    if (how === 'position') return await tracked(place);
    if (how === 'times') return `${(await readTimes(place)).length} times`;
    return await imported(place);
  } catch (error) {
    if (error instanceof AppError) return error.message;
    throw error;
  }
}

describe.skipIf(sharedMissing(manifest) !== undefined)('every file that labs have published', () => {
  const files =
    sharedMissing(manifest) === undefined
      ? readFileSync(path.join(sharedFolder, manifest), 'utf8')
          .trim()
          .split('\n')
          .slice(1)
          .map((line) => line.split(',')[0] ?? '')
      : [];
  const asked = new Map<string, (typeof rules)[number]>();
  const unclaimed: string[] = [];
  for (const file of files) {
    const rule = rules.find(([pattern]) => pattern.test(file));
    const place = rule === undefined ? undefined : pattern(rule, file);
    if (rule === undefined || place === undefined) unclaimed.push(file);
    else if (!asked.has(place)) asked.set(place, rule);
  }

  it('has an outcome in the table', () => {
    expect(unclaimed).toEqual([]);
    expect(files.length).toBeGreaterThan(690);
  });

  it('that a recording program left when it died holds its whole frames under the name it should have', async () => {
    using root = temporaryFolder();
    const left = path.join(real, 'daq-sessions', 'old-format-truncated-ffv1', 'Miniscope_side', '1.avi.bak');
    copyFileSync(left, path.join(root.path, '1.avi'));
    expect(await outcomeOf(path.join(root.path, '1.avi'), 'import')).toBe('film: 88 frames of 608 × 608');
  });

  it.each([...asked])('%s opens, or is refused with what is true', async (place, [, , how, outcome]) => {
    const said = await outcomeOf(path.join(real, place), how);
    if (typeof outcome === 'string') expect(said).toBe(outcome);
    else expect(said).toMatch(outcome);
  });
});

/** The place that is opened for a file. */
function pattern([expression, place]: (typeof rules)[number], file: string): string | undefined {
  const match = expression.exec(file);
  return match === null ? undefined : place === '$&' ? match[0] : match[1];
}
