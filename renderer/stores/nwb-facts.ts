// SPDX-License-Identifier: MIT
import { ExportMetadata, type LabFacts } from '../../main/contract/index.ts';

/** Where a fact belongs, so that it need not be given with every export. */
export type FactHome = 'animal' | 'session' | 'lab';

export interface FactField {
  readonly label: string;
  readonly kind: 'text' | 'list' | 'number' | 'sex';
  readonly example: string;
  readonly home: FactHome;
}

/** Facts that an NWB file asks for and a person can type, by their names in the metadata of an export. */
export const factFields: Readonly<Record<string, FactField>> = {
  'subject.id': { label: 'Animal', kind: 'text', example: 'm12', home: 'session' },
  'subject.species': { label: 'Species', kind: 'text', example: 'Mus musculus', home: 'animal' },
  'subject.sex': { label: 'Sex', kind: 'sex', example: '', home: 'animal' },
  'subject.dateOfBirth': { label: 'Date of birth', kind: 'text', example: '2026-03-14', home: 'animal' },
  'session.start': { label: 'Start', kind: 'text', example: '2026-05-01T10:00:00+02:00', home: 'session' },
  'session.experimenter': { label: 'Experimenter', kind: 'list', example: 'Doe, Jane; Roe, Kim', home: 'session' },
  'session.institution': { label: 'Institution', kind: 'text', example: 'University of …', home: 'lab' },
  'session.lab': { label: 'Lab', kind: 'text', example: 'Doe lab', home: 'lab' },
  'session.keywords': { label: 'Keywords', kind: 'list', example: 'place cells; hippocampus', home: 'lab' },
  'session.experimentDescription': { label: 'Experiment', kind: 'text', example: 'open field, 20 min', home: 'lab' },
  'session.protocol': { label: 'Animal protocol', kind: 'text', example: 'the number of the permit', home: 'lab' },
  'imaging.indicator': { label: 'Indicator', kind: 'text', example: 'GCaMP6f', home: 'lab' },
  'imaging.location': { label: 'Brain region', kind: 'text', example: 'Field CA1', home: 'lab' },
  'imaging.excitationNm': { label: 'Excitation, nm', kind: 'number', example: '470', home: 'lab' },
  'imaging.emissionNm': { label: 'Emission, nm', kind: 'number', example: '525', home: 'lab' },
};

/** Facts that Settings keep for the whole lab. */
export const labFactNames = [
  'session.institution',
  'session.lab',
  'session.keywords',
  'session.experimentDescription',
  'session.protocol',
  'subject.species',
  'imaging.indicator',
  'imaging.location',
  'imaging.excitationNm',
  'imaging.emissionNm',
] as const;

/** What was typed, by fact; an empty text is nothing. */
export type TypedFacts = Readonly<Record<string, string>>;

/** What was typed as metadata, and the names of what cannot be. */
export function metadataOf(typed: TypedFacts): {
  readonly metadata: ExportMetadata;
  readonly wrong: readonly string[];
} {
  const groups: Record<string, Record<string, unknown>> = {};
  const wrong: string[] = [];
  for (const [fact, text] of Object.entries(typed)) {
    const [group = '', name = ''] = fact.split('.');
    const value = valueOf(factFields[fact]?.kind ?? 'text', text);
    if (value === null) continue;
    if (ExportMetadata.safeParse({ [group]: { [name]: value } }).success)
      groups[group] = { ...groups[group], [name]: value };
    else wrong.push(fact);
  }
  return { metadata: ExportMetadata.parse(groups), wrong };
}

function valueOf(kind: FactField['kind'], text: string): unknown {
  if (text.trim() === '') return null;
  if (kind === 'number') return Number(text.replace(',', '.'));
  if (kind !== 'list') return text.trim();
  const names = text
    .split(';')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  return names.length === 0 ? null : names;
}

/** Facts of the lab as they are shown in fields. */
export function typedOf(facts: LabFacts): TypedFacts {
  const groups: Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>> = facts;
  return Object.fromEntries(
    labFactNames.map((fact) => {
      const [group = '', name = ''] = fact.split('.');
      const value = groups[group]?.[name];
      return [
        fact,
        Array.isArray(value)
          ? value.join('; ')
          : typeof value === 'number'
            ? String(value)
            : typeof value === 'string'
              ? value
              : '',
      ];
    }),
  );
}
