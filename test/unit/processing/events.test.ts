// SPDX-License-Identifier: MIT
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeNpy } from '../../../main/arrays/index.ts';
import { eventsCsv, readEvents } from '../../../main/processing/events.ts';
import { exportRun } from '../../../main/processing/export.ts';
import { npyBytes, zipBytes } from '../../support/run-folder.ts';
import { temporaryFolder } from '../../support/session-folders.ts';

function archive(): Buffer {
  const whole = (...values: number[]): Buffer => npyBytes([2], Int32Array.from(values));
  const seconds = (...values: number[]): Buffer => npyBytes([2], Float64Array.from(values));
  const real = (...values: number[]): Buffer => npyBytes([2], Float32Array.from(values));
  return zipBytes(
    {
      'cell.npy': whole(0, 1),
      'onset.npy': whole(3, 10),
      'peak.npy': whole(5, 11),
      'end.npy': whole(9, 20),
      'onset_time.npy': seconds(0.15, Number.NaN),
      'peak_time.npy': seconds(0.25, 0.55),
      'end_time.npy': seconds(0.45, 1),
      'amplitude.npy': real(12.5, 4),
      'amplitude_sigma.npy': real(6.25, 2),
      'amplitude_dff.npy': real(0.5, 0.125),
    },
    'deflated',
  );
}

function runWithEvents(folder: string): void {
  const cell = (row: number, dffNoise: number): object => ({
    row,
    accepted: true,
    reasons: [],
    dffNoise,
    centroid: { y: 1, x: 1 },
    box: { top: 0, left: 0, height: 2, width: 2 },
  });
  writeFileSync(path.join(folder, 'events.npz'), archive());
  writeFileSync(
    path.join(folder, 'metrics.json'),
    JSON.stringify({ formatVersion: 1, cells: [cell(0, 0.5), cell(1, 0)] }),
  );
  const files = ['events.npz'].map((name) => ({ path: name, sha256: '0'.repeat(64), bytes: 1 }));
  writeFileSync(path.join(folder, 'run.json'), JSON.stringify({ formatVersion: 1, files }));
}

describe('events', () => {
  it('are read from a run folder and written as a table in seconds', async () => {
    using root = temporaryFolder();
    writeFileSync(path.join(root.path, 'events.npz'), archive());
    const events = await readEvents(root.path);
    expect(events[0]).toEqual({
      cell: 0,
      onset: 3,
      peak: 5,
      end: 9,
      onsetTime: 0.15,
      peakTime: 0.25,
      endTime: 0.45,
      amplitude: 12.5,
      amplitudeSigma: 6.25,
      amplitudeDff: 0.5,
    });
    expect(eventsCsv(events)).toBe(
      [
        'cell,onset_frame,peak_frame,end_frame,onset_s,peak_s,end_s,amplitude,amplitude_sigma,amplitude_dff',
        '0,3,5,9,0.1500,0.2500,0.4500,12.5,6.25,0.5',
        '1,10,11,20,,0.5500,1.0000,4,2,0.125',
        '',
      ].join('\n'),
    );
  });

  it('say when their file is missing or damaged', async () => {
    using root = temporaryFolder();
    await expect(readEvents(root.path)).rejects.toMatchObject({ code: 'disk.io' });
    writeFileSync(
      path.join(root.path, 'events.npz'),
      zipBytes({ 'cell.npy': npyBytes([1], Int32Array.of(0)) }, 'stored'),
    );
    await expect(readEvents(root.path)).rejects.toMatchObject({ code: 'disk.io' });
  });

  it('go into an export as an archive and a table', async () => {
    using root = temporaryFolder();
    runWithEvents(root.path);
    const out = path.join(root.path, 'out');
    const { files } = await exportRun(root.path, out);
    expect(files).toContain('events.npz');
    expect(readFileSync(path.join(out, 'events.csv'), 'utf8').split('\n')).toHaveLength(4);
  });
});

describe('the z-score of an export', () => {
  it('is ΔF/F over its own noise, and 0 where there is no noise', async () => {
    using root = temporaryFolder();
    runWithEvents(root.path);
    mkdirSync(path.join(root.path, 'traces'));
    writeFileSync(path.join(root.path, 'traces/dff.npy'), npyBytes([2, 3], Float32Array.of(1, -2, 0, 5, 6, 7)));
    const files = ['traces/dff.npy'].map((name) => ({ path: name, sha256: '0'.repeat(64), bytes: 1 }));
    writeFileSync(path.join(root.path, 'run.json'), JSON.stringify({ formatVersion: 1, files }));
    const out = path.join(root.path, 'out');
    await exportRun(root.path, out);
    const zscore = decodeNpy(readFileSync(path.join(out, 'zscore.npy')), 'zscore.npy');
    expect([...zscore.data]).toEqual([2, -4, 0, 0, 0, 0]);
  });
});
