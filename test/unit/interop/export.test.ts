// SPDX-License-Identifier: MIT
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
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
  const table = async (): Promise<string[][]> => {
    await run.interop.export({ target: run.runUuid, format: 'csv', destination, overwrite: true }, localCall);
    const text = readFileSync(path.join(destination, 'cells.csv'), 'utf8');
    return text
      .trim()
      .split('\n')
      .map((line) => line.split(','));
  };
  expect((await table())[0]).not.toContain('settled');
  const { uuid: raterUuid } = await curation.addRater({ initials: 'KL' });
  const { uuid: reading } = await curation.beginReading({ runUuid: run.runUuid, raterUuid });
  const [first] = await runs.cells(run.runUuid);
  const step = { runUuid: run.runUuid, raterUuid, cellUuids: [first!.uuid], to: 'rejected', context: {} } as const;
  await curation.decide({ ...step, reading });
  await curation.finishReading({ runUuid: run.runUuid, raterUuid, reading });
  const said = { JD: 'accepted', KL: 'rejected' } as const;
  await curation.settle({ runUuid: run.runUuid, raterUuid, cellUuid: first!.uuid, to: 'accepted', said });
  const [head, ...rows] = await table();
  expect(head?.slice(-3)).toEqual(['said_JD', 'said_KL', 'settled']);
  expect(rows.map((row) => row.slice(-3))).toEqual([
    ['accepted', 'rejected', '1'],
    ['undecided', 'undecided', '0'],
    ['undecided', 'undecided', '0'],
  ]);
});
