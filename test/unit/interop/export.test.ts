// SPDX-License-Identifier: MIT
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { type H5Dataset, type H5Group, hdf5 } from '../../../main/interop/hdf5.ts';
import type { ExportCell } from '../../../main/interop/job.ts';
import { ratersOf } from '../../../main/interop/raters.ts';
import { finishedRunOnDisk, localCall } from '../../support/finished-run.ts';

test('an export replaces nothing that is there, unless it is asked to', async () => {
  const run = await finishedRunOnDisk();
  const destination = path.join(run.folder, '..', 'out.nwb');
  writeFileSync(destination, 'mine');
  const request = { target: run.runUuid, format: 'nwb', destination } as const;
  await expect(run.interop.export(request, localCall)).rejects.toMatchObject({ code: 'export.exists' });
  expect(readFileSync(destination, 'utf8')).toBe('mine');
  const result = await run.interop.export({ ...request, overwrite: true }, localCall);
  expect(result).toMatchObject({ path: destination, components: 3, accepted: 2 });
  expect(readFileSync(destination).subarray(1, 4).toString()).toBe('HDF');
});

test.each(['nwb', 'csv'] as const)(
  'of two exports (%s) to one place at once one is written whole and the other told',
  async (format) => {
    const run = await finishedRunOnDisk();
    const destination = path.join(run.folder, '..', format === 'nwb' ? 'out.nwb' : 'out');
    const request = { target: run.runUuid, format, destination, overwrite: true } as const;
    const ends = await Promise.allSettled([
      run.interop.export(request, localCall),
      run.interop.export(request, localCall),
    ]);
    expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const refused = ends.find((end) => end.status === 'rejected')?.reason as Error;
    expect(refused.message).toBe(`Another export is being written to ${destination}; nothing was written.`);
    expect(readdirSync(path.dirname(destination)).filter((name) => name.includes('tmp'))).toEqual([]);
  },
);

test('a cancelled export and one of a damaged run leave nothing behind', async () => {
  const run = await finishedRunOnDisk();
  const out = path.join(run.folder, '..', 'out');
  mkdirSync(out);
  const request = { target: run.runUuid, format: 'nwb', destination: path.join(out, 'run.nwb') } as const;
  const cancelled = { ...localCall, signal: AbortSignal.abort() };
  await expect(run.interop.export(request, cancelled)).rejects.toThrow();
  rmSync(path.join(run.folder, 'traces', 'dff.npy'));
  await expect(run.interop.export(request, localCall)).rejects.toMatchObject({ code: 'disk.io' });
  expect(readdirSync(out)).toEqual([]);
});

test('a session without a finished run, an unknown id and films that are gone are told', async () => {
  const run = await finishedRunOnDisk();
  const destination = path.join(run.folder, '..', 'x.nwb');
  const unknown = '01900000-0000-7000-8000-000000000000';
  await expect(run.interop.export({ target: unknown, format: 'nwb', destination }, localCall)).rejects.toMatchObject({
    code: 'run.not_found',
  });
  rmSync(run.films, { recursive: true });
  const { findings } = await run.interop.check({ target: run.sessionUuid }, localCall);
  expect(findings.map(({ check }) => check)).toContain('check_image_series_external_file_valid');
});

test('cells that two raters judged are exported with what each said, and whether they settled it', async () => {
  const run = await finishedRunOnDisk();
  const { curation, runs } = run.library;
  const destination = path.join(run.folder, '..', 'csv');
  const cellsTable = async (): Promise<string[][]> => {
    await run.interop.export({ target: run.runUuid, format: 'csv', destination, overwrite: true }, localCall);
    const text = readFileSync(path.join(destination, 'cells.csv'), 'utf8');
    return text
      .trim()
      .split('\n')
      .map((line) => line.split(','));
  };
  expect((await cellsTable())[0]).not.toContain('settled');
  const { uuid: raterUuid } = await curation.addRater({ initials: 'KL' });
  const { uuid: reading } = await curation.beginReading({ runUuid: run.runUuid, raterUuid });
  const [first] = await runs.cells(run.runUuid);
  const step = { runUuid: run.runUuid, raterUuid, cellUuids: [first!.uuid], to: 'rejected', context: {} } as const;
  await curation.decide({ ...step, reading });
  await curation.finishReading({ runUuid: run.runUuid, raterUuid, reading });
  const said = { JD: 'accepted', KL: 'rejected' } as const;
  await curation.settle({ runUuid: run.runUuid, raterUuid, cellUuid: first!.uuid, to: 'accepted', said });
  const [head, ...rows] = await cellsTable();
  expect(head?.slice(-3)).toEqual(['said_JD', 'said_KL', 'settled']);
  expect(rows.map((row) => row.slice(-3))).toEqual([
    ['accepted', 'rejected', '1'],
    ['undecided', 'undecided', '0'],
    ['undecided', 'undecided', '0'],
  ]);
  const file = async (format: 'mat' | 'nwb') => {
    const to = path.join(run.folder, '..', `run.${format}`);
    await run.interop.export({ target: run.runUuid, format, destination: to }, localCall);
    const { File } = await hdf5();
    return new File(to, 'r');
  };
  const mat = await file('mat');
  const values = (name: string) => (mat.get(name) as H5Dataset).to_array();
  const first0 = (name: string) => (values(name) as number[][]).map(([value]) => value);
  expect(first0('decision')).toEqual([1, Number.NaN, Number.NaN]);
  expect(values('said')).toEqual([
    [1, Number.NaN, Number.NaN],
    [0, Number.NaN, Number.NaN],
  ]);
  // Axes are MATLAB's: a row of letters for each rater there.
  expect((values('raters') as number[][]).map((letters) => String.fromCharCode(...letters))).toEqual(['JK', 'DL']);
  expect(first0('settled')).toEqual([1, 0, 0]);
  mat.close();
  const nwb = await file('nwb');
  const table = nwb.get('processing/ophys/ImageSegmentation/PlaneSegmentation') as H5Group;
  const column = (name: string) => [...((table.get(name) as H5Dataset).value as Iterable<unknown>)];
  expect(column('said_JD')).toEqual(['accepted', 'undecided', 'undecided']);
  expect(column('said_KL')).toEqual(['rejected', 'undecided', 'undecided']);
  expect(column('settled').map(Number)).toEqual([1, 0, 0]);
  expect(table.attrs['colnames']?.value).toEqual(expect.arrayContaining(['said_JD', 'said_KL', 'settled']));
  nwb.close();
});

test('what the Open Ephys GUI wrote of head and inputs beside its film is in an NWB file', async () => {
  const run = await finishedRunOnDisk();
  for (const name of ['headOrientation.csv', 'calyxFrames.csv']) rmSync(path.join(run.films, name));
  const rows = Array.from({ length: 1500 }, (_, i) =>
    [i, 50_000 * i, 0.6, 0, 0, 0.8, i >= 100 && i < 120 ? 'True' : 'False', 'False', 'x'].join(','),
  );
  writeFileSync(
    path.join(run.films, '0.csv'),
    `FrameNumber,HardwareTime,Quaternion_X,Quaternion_Y,Quaternion_Z,Quaternion_W,DigitalIn0,DigitalIn1,Timestamp\n${rows.join('\n')}\n`,
  );
  const to = path.join(run.folder, '..', 'run.nwb');
  await run.interop.export({ target: run.runUuid, format: 'nwb', destination: to }, localCall);
  const { File } = await hdf5();
  const nwb = new File(to, 'r');
  const head = nwb.get('processing/behavior/HeadOrientation/data') as H5Dataset;
  expect(head.shape).toEqual([1500, 4]);
  expect([...(head.value as Float64Array).subarray(0, 4)]).toEqual([0.8, 0.6, 0, 0]);
  // The second input was never high.
  expect((nwb.get('events') as H5Group).keys().filter((name) => name.startsWith('TTL'))).toEqual(['TTL_input_1']);
  expect([...((nwb.get('events/TTL_input_1/duration') as H5Dataset).value as Float64Array)]).toEqual([
    expect.closeTo(1, 6),
  ]);
  nwb.close();
});

test('raters whose initials are no name of a column get one each', () => {
  const cell = { said: { 'Ö.': 'accepted', 'Ä-': 'rejected', AB: 'undecided' } } as unknown as ExportCell;
  expect(ratersOf([cell]).map(({ column }) => column)).toEqual(['said_AB', 'said___', 'said____2']);
  expect(ratersOf([{} as ExportCell])).toEqual([]);
});
