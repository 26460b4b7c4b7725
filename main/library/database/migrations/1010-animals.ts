// SPDX-License-Identifier: MIT
import { bool } from './kit.ts';
import { day, freeText, keyName, master, optional, parent, tableMigration, type TableSpec } from './table-kit.ts';

const lookup = { element: 'subject', tier: 'lookup', travels: 'uuid' } as const;
const part = { element: 'subject', tier: 'part', travels: 'parent', plain: true } as const;

const oneOfSubject = (className: string, table: string, text: string) =>
  ({
    ...part,
    className,
    key: ['subject_id'],
    text,
    columns: { subject_id: [master('subject'), 'The animal.'], [`${table}_id`]: [parent(table), text] },
  }) as const;

/** Tables of migration 1010. */
export const animalSpecs: Readonly<Record<string, TableSpec>> = {
  species: {
    ...lookup,
    className: 'Species',
    travels: 'name',
    key: ['species'],
    text: 'A species.',
    columns: { species: [keyName('species'), 'Latin name, e.g. Mus musculus.'] },
  },
  strain: {
    ...lookup,
    className: 'Strain',
    key: ['strain'],
    text: 'A strain.',
    columns: {
      strain: [keyName('strain'), 'Short name.'],
      strain_standard_name: [freeText, 'Name in the nomenclature.'],
      strain_desc: [freeText, 'Free text.'],
    },
  },
  allele: {
    ...lookup,
    className: 'Allele',
    key: ['allele'],
    text: 'A variant of a gene.',
    columns: {
      allele: [keyName('allele'), 'Short name.'],
      allele_standard_name: [freeText, 'Name in the nomenclature.'],
    },
  },
  allele_source: {
    ...part,
    className: 'Allele.Source',
    key: ['allele_id'],
    text: 'Where an allele comes from.',
    columns: {
      allele_id: [master('allele'), 'The allele.'],
      source_id: [parent('source'), 'Who supplies it.'],
      source_identifier: [freeText, 'Its number there.'],
      source_url: [freeText, 'Its page there.'],
      expression_data_url: [freeText, 'Where its expression is shown.'],
    },
  },
  line: {
    ...lookup,
    className: 'Line',
    key: ['line'],
    text: 'A breeding line.',
    columns: {
      line: [keyName('line'), 'Short name.'],
      line_description: [freeText, 'Free text.'],
      target_phenotype: [freeText, 'What it is bred for.'],
      is_active: [`INTEGER NOT NULL ${bool('is_active')}`, '1 while it is bred.'],
    },
  },
  line_allele: {
    ...part,
    className: 'Line.Allele',
    key: ['line_id', 'allele_id'],
    text: 'An allele of a line.',
    columns: { line_id: [master('line'), 'The line.'], allele_id: [parent('allele'), 'The allele.'] },
  },
  subject_protocol: {
    ...part,
    className: 'Subject.Protocol',
    key: ['subject_id', 'protocol_id'],
    text: 'A permission an animal is used under.',
    columns: { subject_id: [master('subject'), 'The animal.'], protocol_id: [parent('protocol'), 'The protocol.'] },
  },
  subject_user: {
    ...part,
    className: 'Subject.User',
    key: ['subject_id', 'user_id'],
    text: 'A person who works with an animal.',
    columns: { subject_id: [master('subject'), 'The animal.'], user_id: [parent('user'), 'The person.'] },
  },
  subject_species: oneOfSubject('Subject.Species', 'species', 'Species of the animal.'),
  subject_line: oneOfSubject('Subject.Line', 'line', 'Breeding line of the animal.'),
  subject_strain: oneOfSubject('Subject.Strain', 'strain', 'Strain of the animal.'),
  subject_source: oneOfSubject('Subject.Source', 'source', 'Where the animal comes from.'),
  subject_lab: {
    ...part,
    className: 'Subject.Lab',
    key: ['subject_id', 'lab_id'],
    text: 'A lab an animal is in, and its name there.',
    columns: {
      subject_id: [master('subject'), 'The animal.'],
      lab_id: [parent('lab'), 'The lab.'],
      subject_alias: [freeText, 'Its name in that lab.'],
    },
  },
  subject_death: {
    ...part,
    className: 'SubjectDeath',
    tier: 'manual',
    plain: false,
    key: ['subject_id'],
    text: 'The death of an animal.',
    columns: {
      subject_id: [parent('subject'), 'The animal.'],
      death_date: [`TEXT NOT NULL ${day('death_date')}`, 'The day.'],
    },
  },
  subject_cull: {
    ...part,
    className: 'SubjectCull',
    tier: 'manual',
    key: ['subject_death_id'],
    text: 'How and why an animal was killed.',
    columns: {
      subject_death_id: [parent('subject_death'), 'The death.'],
      cull_method: [freeText, 'How.'],
      cull_reason: [freeText, 'Why.'],
      cull_notes: [freeText, 'Free text.'],
    },
  },
  zygosity: {
    ...part,
    className: 'Zygosity',
    tier: 'manual',
    key: ['subject_id', 'allele_id'],
    text: 'What an animal carries of an allele.',
    columns: {
      subject_id: [parent('subject'), 'The animal.'],
      allele_id: [parent('allele'), 'The allele.'],
      zygosity: [
        "TEXT NOT NULL CHECK (zygosity IN ('Present', 'Absent', 'Homozygous', 'Heterozygous'))",
        'Present, Absent, Homozygous or Heterozygous.',
      ],
    },
  },
  sequence: {
    ...lookup,
    element: 'genotyping',
    className: 'Sequence',
    key: ['sequence'],
    text: 'A stretch of DNA that is tested for.',
    columns: {
      sequence: [keyName('sequence'), 'Short name.'],
      base_pairs: [freeText, 'Its base pairs.'],
      sequence_desc: [freeText, 'Free text.'],
    },
  },
  allele_sequence: {
    ...part,
    element: 'genotyping',
    className: 'AlleleSequence',
    tier: 'lookup',
    key: ['allele_id', 'sequence_id'],
    text: 'A sequence that shows an allele.',
    columns: { allele_id: [parent('allele'), 'The allele.'], sequence_id: [parent('sequence'), 'The sequence.'] },
  },
  breeding_pair: {
    element: 'genotyping',
    className: 'BreedingPair',
    tier: 'manual',
    travels: 'uuid',
    key: ['line_id', 'breeding_pair'],
    text: 'Two animals that breed a line.',
    columns: {
      line_id: [parent('line'), 'The line.'],
      breeding_pair: [keyName('breeding_pair'), 'Short name.'],
      bp_start_date: [`TEXT ${day('bp_start_date')}`, 'First day together.'],
      bp_end_date: [`TEXT ${day('bp_end_date')}`, 'Last day together.'],
      bp_description: [freeText, 'Free text.'],
    },
  },
  breeding_pair_father: {
    ...part,
    element: 'genotyping',
    className: 'BreedingPair.Father',
    key: ['breeding_pair_id'],
    text: 'The father of a pair.',
    columns: {
      breeding_pair_id: [master('breeding_pair'), 'The pair.'],
      father_id: [parent('subject'), 'The animal.'],
    },
  },
  breeding_pair_mother: {
    ...part,
    element: 'genotyping',
    className: 'BreedingPair.Mother',
    key: ['breeding_pair_id'],
    text: 'The mother of a pair.',
    columns: {
      breeding_pair_id: [master('breeding_pair'), 'The pair.'],
      mother_id: [parent('subject'), 'The animal.'],
    },
  },
  litter: {
    element: 'genotyping',
    className: 'Litter',
    tier: 'manual',
    travels: 'parent',
    key: ['breeding_pair_id', 'litter_birth_date'],
    text: 'Animals born together.',
    columns: {
      breeding_pair_id: [parent('breeding_pair'), 'The parents.'],
      litter_birth_date: [`TEXT NOT NULL ${day('litter_birth_date')}`, 'The day.'],
      num_of_pups: ['INTEGER NOT NULL CHECK (num_of_pups BETWEEN 0 AND 127)', 'How many.'],
      litter_notes: [freeText, 'Free text.'],
    },
  },
  weaning: {
    ...part,
    element: 'genotyping',
    className: 'Weaning',
    tier: 'manual',
    key: ['litter_id'],
    text: 'The weaning of a litter.',
    columns: {
      litter_id: [parent('litter'), 'The litter.'],
      weaning_date: [`TEXT NOT NULL ${day('weaning_date')}`, 'The day.'],
      num_of_male: ['INTEGER NOT NULL CHECK (num_of_male BETWEEN 0 AND 127)', 'Males.'],
      num_of_female: ['INTEGER NOT NULL CHECK (num_of_female BETWEEN 0 AND 127)', 'Females.'],
      weaning_notes: [freeText, 'Free text.'],
    },
  },
  subject_litter: {
    ...part,
    element: 'genotyping',
    className: 'SubjectLitter',
    tier: 'manual',
    key: ['subject_id'],
    text: 'The litter an animal was born in.',
    columns: { subject_id: [parent('subject'), 'The animal.'], litter_id: [parent('litter'), 'The litter.'] },
  },
  cage: {
    ...lookup,
    element: 'genotyping',
    className: 'Cage',
    travels: 'name',
    key: ['cage'],
    text: 'A cage.',
    columns: { cage: [keyName('cage'), 'Its name.'], cage_purpose: [freeText, 'What for.'] },
  },
  subject_caging: {
    ...part,
    element: 'genotyping',
    className: 'SubjectCaging',
    tier: 'manual',
    key: ['subject_id', 'caging_datetime'],
    text: 'An animal put into a cage.',
    columns: {
      subject_id: [parent('subject'), 'The animal.'],
      caging_datetime: [
        "TEXT NOT NULL CHECK (caging_datetime IS strftime('%Y-%m-%dT%H:%M:%fZ', caging_datetime))",
        'When, UTC.',
      ],
      cage_id: [parent('cage'), 'The cage.'],
      user_id: [optional('user'), 'Who did it.'],
    },
  },
  genotype_test: {
    ...part,
    element: 'genotyping',
    className: 'GenotypeTest',
    tier: 'manual',
    key: ['subject_id', 'sequence_id', 'genotype_test_id'],
    text: 'A test of an animal for a sequence.',
    columns: {
      subject_id: [parent('subject'), 'The animal.'],
      sequence_id: [parent('sequence'), 'The sequence.'],
      genotype_test_id: [keyName('genotype_test_id'), 'Name of the test.'],
      test_result: ["TEXT NOT NULL CHECK (test_result IN ('Present', 'Absent'))", 'Present or Absent.'],
    },
  },
};

/** element-animal: what animals are, where they come from and how they end (datamodel.md 1.3). */
export const animalTables = tableMigration(
  1010,
  'species, strains, alleles, lines and what belongs to an animal',
  animalSpecs,
);
