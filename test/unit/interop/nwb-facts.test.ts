// SPDX-License-Identifier: MIT
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { ExportFinding, Scalar } from '../../../main/contract/index.ts';
import { type H5Dataset, hdf5 } from '../../../main/interop/hdf5.ts';
import { createInteropHandlers, knownFacts } from '../../../main/interop/index.ts';
import { createReader, createTablesHandlers } from '../../../main/library/index.ts';
import { type FinishedRun, finishedRunOnDisk, localCall } from '../../support/finished-run.ts';

type Values = Readonly<Record<string, Scalar>>;

/** A finished run whose exports ask the tables of the library; and a way to fill those. */
async function inLibrary() {
  const run = await finishedRunOnDisk();
  const { library } = run;
  const reader = createReader(library.folders.database);
  onTestFinished(() => reader[Symbol.asyncDispose]());
  const tables = createTablesHandlers({ library, reader });
  const interop = createInteropHandlers({
    library,
    exportNpy: () => Promise.reject(new Error('not asked for')),
    knownFacts: (about, signal) => knownFacts(reader, about, signal),
  });
  const save = async (table: string, values: Values): Promise<number> => {
    await tables.save({ table, key: null, values, who: '' }, localCall);
    const { rows } = await reader.sql({ sql: `SELECT max(rowid) FROM ${table}`, limit: 1, offset: 0, timeoutMs: 9000 });
    return Number(rows[0]?.[0]);
  };
  /** A part of an existing row, whose table has no numbers of its own. */
  const add = async (table: string, values: Values): Promise<void> =>
    void (await tables.save({ table, key: null, values, who: '' }, localCall));
  const change = async (table: string, values: Values): Promise<void> =>
    void (await tables.save({ table, key: { id: 1 }, values, who: '' }, localCall));
  return { run, interop, save, add, change };
}

async function read(file: string, ...names: readonly string[]): Promise<unknown[]> {
  const { File } = await hdf5();
  const nwb = new File(file, 'r');
  try {
    return names.map((name) => (nwb.get(name) as H5Dataset | null)?.value ?? null);
  } finally {
    nwb.close();
  }
}

const facts = (findings: readonly ExportFinding[]): (string | undefined)[] => findings.map(({ fact }) => fact);
const nwbOf = ({ folder }: FinishedRun, name: string): string => path.join(folder, '..', name);

test('what the tables of the library say of the animal, its lab and the session stands in the NWB file', async () => {
  const { run, interop, save, add, change } = await inLibrary();
  const { findings: before } = await interop.check({ target: run.runUuid }, localCall);
  expect(new Set(facts(before).filter(Boolean))).toEqual(
    new Set([
      'subject.species',
      'subject.sex',
      'subject.dateOfBirth',
      'session.institution',
      'session.keywords',
      'imaging.indicator',
      'imaging.location',
    ]),
  );
  // Each says where it is filled in for good.
  for (const { fact, remedy } of before)
    if (fact !== undefined) expect(remedy).toMatch(/Library, Tables|Settings, Lab/);

  await change('subject', { sex: 'F', birth_date: '2026-01-02', description: 'right ear marked' });
  await add('subject_species', { subject_id: 1, species_id: await save('species', { species: 'Mus musculus' }) });
  await add('subject_strain', { subject_id: 1, strain_id: await save('strain', { strain: 'C57BL/6J' }) });
  const lab = await save('lab', { lab: 'neuro', lab_name: 'Neuro lab' });
  const place = await save('organization', { organization: 'TU', org_name: 'Technical University' });
  await add('lab_organization', { lab_id: lab, organization_id: place });
  const user = await save('user', { user: 'ada', user_fullname: 'Lovelace, Ada' });
  await add('session_experimenter', { session_id: 1, user_id: user });
  const project = await save('project', { project: 'maps' });
  await add('project_keyword', { project_id: project, keyword: 'place cells' });
  await add('project_session', { project_id: project, session_id: 1 });
  const region = await save('anatomical_location', { recording_location: 'Field CA1' });
  await add('recording_location', { recording_id: 1, anatomical_location_id: region });
  const ca1 = await save('brain_region', { region_acronym: 'CA1' });
  const implant = await save('implantation', {
    subject_id: 1,
    implant_date: '2026-03-01T09:00:00.000Z',
    implantation_type_id: await save('implantation_type', { implant_type: 'lens' }),
    target_region_id: ca1,
    target_hemisphere_id: 1,
  });
  const virus = await save('virus_name', { virus_name: 'AAV1.Syn.GCaMP6f' });
  await save('injection', { implantation_id: implant, virus_name_id: virus, brain_region_id: ca1, total_volume: 500 });
  await add('session_note', { session_id: 1, session_note: 'first day in the box' });

  const { findings } = await interop.check({ target: run.runUuid }, localCall);
  expect(facts(findings).filter(Boolean)).toEqual(['imaging.indicator']);
  const destination = nwbOf(run, 'tables.nwb');
  await interop.export({ target: run.runUuid, format: 'nwb', destination }, localCall);
  expect(
    await read(
      destination,
      'general/subject/sex',
      'general/subject/species',
      'general/subject/strain',
      'general/subject/date_of_birth',
      'general/institution',
      'general/lab',
      'general/surgery',
      'general/virus',
      'session_description',
      'general/experimenter',
      'general/keywords',
      'general/optophysiology/ImagingPlane/location',
    ),
  ).toEqual([
    'F',
    'Mus musculus',
    'C57BL/6J',
    expect.stringContaining('2026-01-02T00:00:00'),
    'Technical University',
    'Neuro lab',
    expect.stringMatching(/^lens, CA1 \(.+\), 2026-03-01$/),
    'AAV1.Syn.GCaMP6f, CA1',
    'first day in the box',
    ['Lovelace, Ada'],
    ['place cells'],
    'Field CA1',
  ]);
});

test('what holds for the lab stands where the tables say nothing; what is given for an export wins', async () => {
  const { run, interop, add, save } = await inLibrary();
  const { library } = run;
  await interop.setLabFacts(
    {
      subject: { species: 'Rattus norvegicus' },
      session: { institution: 'TU', keywords: ['memory'] },
      imaging: { indicator: 'GCaMP6f', excitationNm: 455 },
    },
    localCall,
  );
  expect(await interop.labFacts({}, localCall)).toMatchObject({ session: { institution: 'TU' } });
  await add('subject_species', { subject_id: 1, species_id: await save('species', { species: 'Mus musculus' }) });
  const destination = nwbOf(run, 'lab.nwb');
  const metadata = { session: { institution: 'Here' } };
  await interop.export({ target: run.runUuid, format: 'nwb', destination, metadata }, localCall);
  const plane = 'general/optophysiology/ImagingPlane';
  expect(
    await read(
      destination,
      'general/subject/species',
      'general/institution',
      'general/keywords',
      `${plane}/indicator`,
      `${plane}/excitation_lambda`,
    ),
  ).toEqual(['Mus musculus', 'Here', ['memory'], 'GCaMP6f', 455]);

  const file = path.join(library.folders.root, 'lab.json');
  const whole = readFileSync(file, 'utf8');
  writeFileSync(file, whole.slice(0, 40));
  await expect(interop.check({ target: run.runUuid }, localCall)).rejects.toMatchObject({
    code: 'disk.io',
    message: expect.stringContaining('lab.json in the library’s folder is damaged'),
  });
});

test('people whose names nwbinspector does not take are named', async () => {
  const { run, interop } = await inLibrary();
  const metadata = { session: { experimenter: ['Ada Lovelace', 'Doe, Jane'] } };
  const { findings } = await interop.check({ target: run.runUuid, metadata }, localCall);
  expect(findings.find(({ check }) => check === 'check_experimenter_form')?.message).toBe(
    '“Ada Lovelace” is not written as “Last, First”.',
  );
});
