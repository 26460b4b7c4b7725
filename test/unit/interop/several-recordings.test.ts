// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { decodeNpy, readNpz } from '../../../main/arrays/index.ts';
import { runTimes } from '../../../main/interop/gather.ts';
import { type H5Dataset, type H5Group, hdf5 } from '../../../main/interop/hdf5.ts';
import { createProcessingHandlers } from '../../../main/processing/index.ts';
import { eventsArchive, finishedRunOnDisk, ingestBehaviour, localCall } from '../../support/finished-run.ts';

const filmTime = (frame: number): number => frame * 0.05 + (frame % 7) * 0.001;
/** When a frame of the run was taken: 900 frames of the first recording, 600 of one of an hour later from its frame 100 on. */
const taken = (frame: number): number => (frame < 900 ? filmTime(frame) : 3600 + filmTime(frame - 900 + 100));
const near = (value: number): unknown => expect.closeTo(value, 6);

test('an NWB file of two recordings has all of both on one axis', async () => {
  const run = await finishedRunOnDisk('subject1', { two: true });
  await ingestBehaviour(run, '2026-05-01 12:00:00');
  const destination = path.join(run.folder, '..', 'two.nwb');
  const { findings } = await run.interop.export({ target: run.runUuid, format: 'nwb', destination }, localCall);
  expect(findings.map(({ check }) => check)).not.toContain('check_timestamps_ascending');
  const { File } = await hdf5();
  const nwb = new File(destination, 'r');
  try {
    const at = (name: string): H5Dataset => nwb.get(name) as H5Dataset;
    const numbers = (name: string): readonly number[] => [...(at(name).value as Iterable<number>)].map(Number);
    const text = (name: string): unknown => at(name).value;
    expect(text('session_start_time')).toBe('2026-05-01T11:00:00.000+02:00');
    expect(text('session_description')).toBe('Miniscope recordings “session 1”, “session 0”.');
    expect(text('general/experimenter')).toEqual(['Doe, Jane', 'Roe, Kim']);
    expect(text('general/notes')).toMatch(/^session 1:\n.*mouse turned around\n\nsession 0:\n.*second round$/s);

    const traces = numbers('processing/ophys/Fluorescence/RoiResponseSeries/timestamps');
    expect(traces).toHaveLength(1500);
    expect([0, 899, 900, 1499].map((t) => traces[t])).toEqual([0, 899, 900, 1499].map((t) => near(taken(t))));
    // Nobody knows when frame 905 was taken: half-way between its neighbours.
    expect(traces[905]).toBeCloseTo((taken(904) + taken(906)) / 2, 6);

    // Films are named whole: every one of their frames has its time, those that the run left out too.
    const [first, second] = ['acquisition/OnePhotonSeries1', 'acquisition/OnePhotonSeries2'] as const;
    const starts = (series: string): readonly number[] =>
      Array.from(at(`${series}/external_file`).attrs['starting_frame']?.value as Int32Array);
    expect([starts(first), starts(second)]).toEqual([
      [0, 1000],
      [0, 400],
    ]);
    const names = (series: string): readonly string[] => text(`${series}/external_file`) as string[];
    expect(names(second).map((name) => name.split('/').slice(-3).join('/'))).toEqual([
      'second/Scope_2/0.avi',
      'second/Scope_2/1.avi',
    ]);
    const films = [numbers(`${first}/timestamps`), numbers(`${second}/timestamps`)] as const;
    expect(films.map(({ length }) => length)).toEqual([1500, 700]);
    expect([films[0][0], films[0][899], films[0][1499]]).toEqual([0, near(filmTime(899)), near(filmTime(1499))]);
    expect([films[1][0], films[1][100], films[1][699]]).toEqual([3600, near(taken(900)), near(taken(1499))]);
    expect((nwb.get(`${second}/device`) as H5Group).attrs['description']?.value).toContain('“Scope 2”');

    expect(numbers('processing/behavior/HeadOrientation1/timestamps')[0]).toBeCloseTo(-0.025, 6);
    expect(numbers('processing/behavior/HeadOrientation2/timestamps').slice(0, 2)).toEqual([3600, near(3600.061)]);
    // Pulses of both boards, each at the frame where its level changed; frame 110 of the first was not read.
    expect(numbers('events/TTL_input_2/timestamp')).toEqual([100, 111, 900 + 20].map((t) => near(taken(t))));
    expect(numbers('events/TTL_input_2/duration')[2]).toBeCloseTo(filmTime(130) - filmTime(120), 6);
    expect(text('acquisition/Notes/data')).toEqual(['mouse turned around', 'second round']);
    expect(numbers('acquisition/Notes/timestamps')).toEqual([near(1.2), near(3602.5)]);
    // The behaviour is the second recording's: its clock counts from there.
    expect(numbers('intervals/trials/start_time')).toEqual([near(3600.193), near(3602)]);
    expect(numbers('events/behavior_center/timestamp').every((time) => time >= 3600)).toBe(true);
    expect(numbers('intervals/epochs/start_time')).toEqual([0, near(taken(900))]);
    expect(numbers('intervals/epochs/stop_time')).toEqual([near(taken(899)), near(taken(1499))]);
  } finally {
    nwb.close();
  }
});

test('tables and MATLAB files of two recordings have the run’s time; nobody’s time stays empty', async () => {
  const run = await finishedRunOnDisk('m1', { two: true });
  const csv = path.join(run.folder, '..', 'traces.csv');
  await run.interop.export({ target: run.runUuid, format: 'csv', destination: csv, table: 'wide' }, localCall);
  const rows = readFileSync(csv, 'utf8').trim().split('\n').slice(1);
  const column = rows.map((row) => row.split(',')[1] ?? '');
  expect(Number(column[899])).toBeCloseTo(taken(899), 6);
  expect(column[905]).toBe('');
  expect([900, 1499].map((t) => Number(column[t]))).toEqual([near(taken(900)), near(taken(1499))]);
  const to = path.join(run.folder, '..', 'run.mat');
  await run.interop.export({ target: run.runUuid, format: 'mat', destination: to }, localCall);
  const { File } = await hdf5();
  const mat = new File(to, 'r');
  const time = [...((mat.get('time') as H5Dataset).value as Float64Array)];
  mat.close();
  expect([899, 900, 905, 1499].map((t) => time[t])).toEqual([
    near(taken(899)),
    near(taken(900)),
    Number.NaN,
    near(taken(1499)),
  ]);
});

/** What the engine says of its files and this fixture leaves out. */
function completeManifest(folder: string): void {
  const file = path.join(folder, 'run.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as { files: { path: string }[] };
  const files = manifest.files
    .filter(({ path: name }) => existsSync(path.join(folder, name)))
    .map(({ path: name }) => ({ path: name, bytes: 1, sha256: '0'.repeat(64) }));
  writeFileSync(file, JSON.stringify(Object.assign(manifest, { files })));
  const cells = [0, 1, 2].map((row) => ({
    row,
    centroid: { y: 1, x: 1 },
    box: { top: 0, left: 0, height: 1, width: 1 },
    accepted: true,
    reasons: [],
  }));
  writeFileSync(path.join(folder, 'metrics.json'), JSON.stringify({ formatVersion: 1, cells }));
}

test('NumPy files of two recordings have the run’s time, events too; the run folder keeps each recording’s own', async () => {
  const run = await finishedRunOnDisk('m1', { two: true });
  writeFileSync(path.join(run.folder, 'events.npz'), eventsArchive([950, 890], [960, 895], [970, 903]));
  completeManifest(run.folder);
  const detail = await run.library.runs.get(run.runUuid);
  const times = await runTimes(run.library, detail);
  const before = readFileSync(path.join(run.folder, 'time.npy'));
  const out = path.join(run.folder, '..', 'npy');
  const processing = createProcessingHandlers({
    library: run.library,
    queue: null as never,
    limits: { threads: 1, memoryBytes: 1 },
    runTimes: (asked) => runTimes(run.library, asked),
  });
  await processing.export({ runUuid: run.runUuid, destination: out }, localCall);
  const written = decodeNpy(readFileSync(path.join(out, 'time.npy')), 'time.npy');
  expect(written.data).toEqual(times);
  expect([899, 900, 905, 1499].map((t) => written.data[t])).toEqual([
    near(taken(899)),
    near(taken(900)),
    Number.NaN,
    near(taken(1499)),
  ]);
  const events = await readNpz(path.join(out, 'events.npz'), ['cell', 'onset', 'onset_time', 'peak_time', 'end_time']);
  expect([...events.cell]).toEqual([0, 2]);
  // The second event begins in the first recording’s last frames and ends in the second recording.
  expect([...events.onset_time]).toEqual([near(taken(950)), near(taken(890))]);
  expect([...events.peak_time]).toEqual([near(taken(960)), near(taken(895))]);
  expect([...events.end_time]).toEqual([near(taken(970)), near(taken(903))]);
  expect(readFileSync(path.join(out, 'events.csv'), 'utf8').split('\n')[1]).toMatch(/^0,950,960,970,3607\.50\d\d,/);
  const { files } = JSON.parse(readFileSync(path.join(out, 'run.json'), 'utf8')) as {
    files: { path: string; sha256: string }[];
  };
  for (const name of ['time.npy', 'events.npz'])
    expect(files.find((file) => file.path === name)?.sha256).toBe(
      createHash('sha256')
        .update(readFileSync(path.join(out, name)))
        .digest('hex'),
    );
  expect(readFileSync(path.join(run.folder, 'time.npy'))).toEqual(before);
});
