// SPDX-License-Identifier: MIT
import { within } from './kit.ts';
import { freeText, keyName, master, optional, parent, tableMigration, type TableSpec } from './table-kit.ts';

const surgery = { element: 'surgery', tier: 'lookup', travels: 'name' } as const;
const injection = { element: 'injection', tier: 'lookup', travels: 'name' } as const;

const millimetres = (axis: string, text: string) => [`REAL ${within(axis, '-100', '100')}`, 'mm', text] as const;
const degrees = (angle: string, low: string, high: string, text: string) =>
  [`REAL ${within(angle, low, high)}`, 'deg', text] as const;
const quoted = (...names: readonly string[]): readonly string[] => names.map((name) => `'${name}'`);

/** Tables of migration 1011. */
export const surgerySpecs: Readonly<Record<string, TableSpec>> = {
  coordinate_reference: {
    ...surgery,
    className: 'CoordinateReference',
    key: ['reference'],
    text: 'A point coordinates are taken from.',
    columns: { reference: [keyName('reference'), 'Its name.'] },
    seeds: {
      columns: 'reference',
      rows: quoted('bregma', 'lambda', 'dura', 'skull_surface', 'sagittal_suture', 'sinus'),
    },
  },
  brain_region: {
    ...surgery,
    className: 'BrainRegion',
    tier: 'manual',
    key: ['region_acronym'],
    text: 'A region of the brain.',
    columns: { region_acronym: [keyName('region_acronym'), 'Acronym.'], region_name: [freeText, 'Full name.'] },
  },
  hemisphere: {
    ...surgery,
    className: 'Hemisphere',
    key: ['hemisphere'],
    text: 'A side of the brain.',
    columns: { hemisphere: [keyName('hemisphere'), 'The side.'] },
    seeds: { columns: 'hemisphere', rows: quoted('left', 'right', 'middle') },
  },
  implantation_type: {
    ...surgery,
    className: 'ImplantationType',
    key: ['implant_type'],
    text: 'A kind of implant.',
    columns: { implant_type: [keyName('implant_type'), 'Short name.'], implant_description: [freeText, 'What it is.'] },
    seeds: {
      columns: 'implant_type, implant_description',
      rows: [
        "'ephys', 'electrophysiology'",
        "'fiber', 'fiber photometry'",
        "'opto', 'optogenetic perturbation'",
        "'grin_lens', 'gradient-index lens'",
      ],
    },
  },
  implantation: {
    ...surgery,
    className: 'Implantation',
    tier: 'manual',
    travels: 'uuid',
    key: ['subject_id', 'implant_date', 'implantation_type_id', 'target_region_id', 'target_hemisphere_id'],
    text: 'An implant put into an animal.',
    columns: {
      subject_id: [parent('subject'), 'The animal.'],
      implant_date: [
        "TEXT NOT NULL CHECK (implant_date IS strftime('%Y-%m-%dT%H:%M:%fZ', implant_date))",
        'When, UTC.',
      ],
      implantation_type_id: [parent('implantation_type'), 'What kind.'],
      target_region_id: [parent('brain_region'), 'Where to.'],
      target_hemisphere_id: [parent('hemisphere'), 'Which side.'],
      surgeon_id: [optional('user'), 'Who did it.'],
      implant_comment: [freeText, 'Free text.'],
    },
  },
  implantation_coordinate: {
    ...surgery,
    className: 'Implantation.Coordinate',
    tier: 'part',
    travels: 'parent',
    plain: true,
    key: ['implantation_id'],
    text: 'Where an implant sits.',
    columns: {
      implantation_id: [master('implantation'), 'The implant.'],
      ap: millimetres('ap', 'Towards the nose.'),
      ap_ref_id: [optional('coordinate_reference'), 'Where ap is 0.'],
      ml: millimetres('ml', 'Towards the right.'),
      ml_ref_id: [optional('coordinate_reference'), 'Where ml is 0.'],
      dv: millimetres('dv', 'Upwards; ventral is negative.'),
      dv_ref_id: [optional('coordinate_reference'), 'Where dv is 0.'],
      theta: degrees('theta', '0', '180', 'Elevation: rotation about the ml axis from the vertical.'),
      phi: degrees('phi', '0', '360', 'Azimuth: rotation about the dv axis.'),
      beta: degrees('beta', '-180', '180', 'Rotation about the shank, clockwise; 0 faces forwards.'),
    },
  },
  virus_serotype: {
    ...injection,
    className: 'AAVSerotype',
    key: ['virus_serotype'],
    text: 'A serotype of a virus.',
    columns: { virus_serotype: [keyName('virus_serotype'), 'The serotype.'] },
    seeds: {
      columns: 'virus_serotype',
      rows: quoted(
        'AAV1',
        'AAV2',
        'AAV4',
        'AAV5',
        'AAV6',
        'AAV7',
        'AAV8',
        'AAV9',
        'AAV2/1',
        'AAV2/5',
        'AAV2/9',
        'AAVrg',
        'AAV/DJ',
        'pAAV',
      ),
    },
  },
  micro_injection_device: {
    ...injection,
    className: 'MicroInjectionDevice',
    key: ['micro_injection_device'],
    text: 'An instrument that injects.',
    columns: { micro_injection_device: [keyName('micro_injection_device'), 'Its name.'] },
    seeds: { columns: 'micro_injection_device', rows: quoted('Nanoject', 'Picospritzer') },
  },
  injection_protocol: {
    ...injection,
    className: 'InjectionProtocol',
    tier: 'manual',
    travels: 'parent',
    key: ['micro_injection_device_id', 'protocol_id'],
    text: 'How an instrument injects.',
    columns: {
      micro_injection_device_id: [parent('micro_injection_device'), 'The instrument.'],
      protocol_id: ['INTEGER NOT NULL CHECK (protocol_id >= 0)', 'Number of the protocol.'],
      volume_per_pulse: [`REAL NOT NULL ${within('volume_per_pulse', '0', '1e6')}`, 'nl', 'Volume of a pulse.'],
      injection_rate: [`REAL NOT NULL ${within('injection_rate', '0', '1e6')}`, 'nl/s', 'Rate within a pulse.'],
      interpulse_delay: [`REAL NOT NULL ${within('interpulse_delay', '0', '1e6')}`, 's', 'Time between pulses.'],
    },
  },
  virus_name: {
    ...injection,
    className: 'VirusName',
    tier: 'manual',
    key: ['virus_name'],
    text: 'A virus.',
    columns: { virus_name: [keyName('virus_name'), 'Full name, e.g. AAV1.CAG.Flex.GCaMP6f.'] },
  },
  injection: {
    ...injection,
    className: 'Injection',
    tier: 'manual',
    travels: 'uuid',
    key: ['implantation_id', 'virus_name_id', 'brain_region_id'],
    text: 'A virus injected into an animal in the course of an implantation.',
    columns: {
      implantation_id: [parent('implantation'), 'The surgery.'],
      virus_name_id: [parent('virus_name'), 'The virus.'],
      brain_region_id: [parent('brain_region'), 'Where.'],
      virus_serotype_id: [optional('virus_serotype'), 'Its serotype.'],
      injection_protocol_id: [optional('injection_protocol'), 'How.'],
      titer: [freeText, 'Titer, e.g. 1.2e13 GC/ml.'],
      total_volume: [`REAL NOT NULL ${within('total_volume', '0', '1e6')}`, 'nl', 'Volume altogether.'],
    },
  },
};

/**
 * Implants and virus injections: what the workflow leaves out of element-animal, and miniscope labs need (datamodel.md 1.3). `grin_lens` is
 * ours.
 */
export const surgeryTables = tableMigration(1011, 'surgery and virus injection', surgerySpecs);
