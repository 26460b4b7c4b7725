// SPDX-License-Identifier: MIT
import type { ExportFinding, ExportMetadata } from '../../contract/index.ts';
import type { ExportRun } from '../job.ts';

/** What an NWB file says about animal, session and optics, with every gap filled truthfully. */
export interface NwbFacts {
  readonly subject: {
    readonly id: string;
    readonly sex: string;
    readonly species: string;
    readonly age: string | null;
    /** ISO date-time with zone. */
    readonly dateOfBirth: string | null;
    readonly description: string;
    readonly genotype: string | null;
    readonly strain: string | null;
    readonly weight: string | null;
  };
  readonly session: {
    readonly id: string;
    /** ISO date-time with zone. */
    readonly start: string;
    readonly description: string;
    readonly experimenter: readonly string[];
    readonly institution: string | null;
    readonly lab: string | null;
    readonly keywords: readonly string[];
    readonly experimentDescription: string | null;
    readonly protocol: string | null;
    readonly surgery: string | null;
    readonly virus: string | null;
  };
  readonly imaging: {
    readonly indicator: string;
    readonly location: string;
    readonly excitationNm: number;
    readonly emissionNm: number;
    readonly description: string;
  };
}

/** Any animal with a backbone: the narrowest taxon that is true of every animal that carries a miniscope. */
const vertebrate = 'http://purl.obolibrary.org/obo/NCBITaxon_7742';
/** LED and emission filter of the Miniscope V3 and V4 (their bills of material). */
const miniscopeExcitationNm = 470;
const miniscopeEmissionNm = 525;
/** For mice nwbinspector wants a term of the Allen atlas: this one holds every region with cells. */
const wholeMouseBrain = 'Basic cell groups and regions';
const mouse: ReadonlySet<string> = new Set(['Mus musculus', 'http://purl.obolibrary.org/obo/NCBITaxon_10090']);
/** Stands for a start nobody knows; nwbinspector recognises it as such. */
const unknownStart = '1970-01-01T00:00:00.000+00:00';

const tables = (name: string): string => `Library, Tables, ${name}`;
/** Where a fact is filled in for good. */
const atAnimal = (column: string): string => `fill it in at the animal (${tables('Subject')}: ${column})`;
const atTables = (name: string): string => `fill it in (${tables(name)})`;
const atSession = 'name it at the session (Library, Tables, Session)';
const inLab = 'for the whole lab in Settings, Lab';

/**
 * The facts of a run's NWB file, and what nwbinspector (with its configuration for the DANDI archive) would say of those that are missing.
 * A gap is filled with what is true of every recording (an age of zero days or more, a vertebrate), never with a guess.
 */
export function nwbFacts(
  run: ExportRun,
  given: ExportMetadata,
): { readonly facts: NwbFacts; readonly findings: readonly ExportFinding[] } {
  const findings: ExportFinding[] = [];
  const missing = (
    importance: ExportFinding['importance'],
    check: string,
    fact: string,
    [message, remedy]: readonly [message: string, remedy: string],
  ): void => void findings.push({ importance, check, message, remedy, fact });
  const wish = (check: string, fact: string, words: readonly [message: string, remedy: string]): void =>
    missing('BEST_PRACTICE_SUGGESTION', check, fact, words);
  const { subject = {}, session = {}, imaging = {} } = given;
  const [recording] = run.recordings;

  const id = subject.id ?? run.session.subject;
  if (id === null)
    missing('CRITICAL', 'check_subject_id_exists', 'subject.id', [
      'The animal has no name.',
      `Written as “unknown”; ${atSession}, or set subject.id.`,
    ]);
  if (subject.species === undefined)
    missing('CRITICAL', 'check_subject_species_exists', 'subject.species', [
      'The species is not known.',
      `Written as “vertebrate” (NCBI taxon 7742); ${atTables('Subject.Species')}, ${inLab}, or set subject.species, e.g. “Mus musculus”.`,
    ]);
  else if (!/^([A-Z][a-z]+ [a-z]+|http:\/\/purl\.obolibrary\.org\/obo\/NCBITaxon_\d+)$/.test(subject.species))
    missing('CRITICAL', 'check_subject_species_form', 'subject.species', [
      `The species “${subject.species}” is neither a Latin name of two words nor the address of an NCBI taxon.`,
      'Write it as “Mus musculus”.',
    ]);
  if (subject.sex === undefined)
    missing('CRITICAL', 'check_subject_sex', 'subject.sex', [
      'The sex is not known.',
      `Written as U (unknown); ${atAnimal('sex')}, or set subject.sex.`,
    ]);
  if (subject.age === undefined && subject.dateOfBirth === undefined)
    missing('CRITICAL', 'check_subject_age', 'subject.dateOfBirth', [
      'Neither age nor date of birth is known.',
      `Written as the range P0D/ (any age); ${atAnimal('birth_date')}, or set subject.dateOfBirth or subject.age.`,
    ]);
  if (session.start === undefined && (recording?.startedAt ?? null) === null)
    wish('check_session_start_time_old_date', 'session.start', [
      'Nothing says when the recording began.',
      'Written as 1970-01-01; set session.start.',
    ]);
  const experimenter = session.experimenter ?? run.session.experimenters;
  if (experimenter.length === 0)
    wish('check_experimenter_exists', 'session.experimenter', [
      'Nobody is named as experimenter.',
      `Left out; ${atTables('SessionExperimenter')}, or set session.experimenter.`,
    ]);
  const wrongNames = experimenter.filter((name) => !/^[^,]+,\s*[^,]+/.test(name));
  if (wrongNames.length > 0)
    wish('check_experimenter_form', 'session.experimenter', [
      `${wrongNames.map((name) => `“${name}”`).join(', ')} is not written as “Last, First”.`,
      `Written as it is; mend the full name (${tables('User')}), or set session.experimenter.`,
    ]);
  if (session.institution === undefined)
    wish('check_institution', 'session.institution', [
      'The institution is not known.',
      `Left out; ${inLab}, or set session.institution.`,
    ]);
  if (session.keywords === undefined)
    wish('check_keywords', 'session.keywords', [
      'There are no keywords of your own.',
      `Written as “miniscope” and “calcium imaging”; ${inLab}, or set session.keywords.`,
    ]);
  const experiment = session.experimentDescription ?? run.session.experiment;
  if (experiment === null)
    wish('check_experiment_description', 'session.experimentDescription', [
      'Nothing describes the experiment.',
      `Left out; ${inLab}, or set session.experimentDescription.`,
    ]);
  if (imaging.indicator === undefined)
    wish('check_placeholders', 'imaging.indicator', [
      'The indicator is not known.',
      `Written as “unknown calcium indicator”; ${inLab}, or set imaging.indicator.`,
    ]);
  if (imaging.location === undefined)
    wish('check_placeholders', 'imaging.location', [
      'The brain region is not known.',
      `Written as what holds for every brain; ${atTables('AnatomicalLocation and RecordingLocation')}, ${inLab}, or set imaging.location.`,
    ]);
  if (imaging.excitationNm === undefined && recording?.deviceType?.startsWith('Miniscope_V') !== true)
    wish('check_excitation_lambda_in_nm', 'imaging.excitationNm', [
      'The wavelengths of this scope are not known.',
      `Those of the Miniscope V4 are written (470 and 525 nm); ${inLab}, or set imaging.excitationNm and imaging.emissionNm.`,
    ]);

  const start = session.start ?? localTime(recording?.startedAt ?? null, recording?.tzOffsetMin ?? null);
  const facts: NwbFacts = {
    subject: {
      id: dandiName(id ?? 'unknown'),
      sex: subject.sex ?? 'U',
      species: subject.species ?? vertebrate,
      age: subject.age ?? (subject.dateOfBirth === undefined ? 'P0D/' : null),
      dateOfBirth: subject.dateOfBirth === undefined ? null : `${subject.dateOfBirth}T00:00:00.000${zone(start)}`,
      description: subject.description ?? `Animal ${id ?? 'without a name'}.`,
      genotype: subject.genotype ?? null,
      strain: subject.strain ?? null,
      weight: subject.weight ?? null,
    },
    session: {
      id: dandiName(session.id ?? start.slice(0, 19).replaceAll(/[-:]/g, '')),
      start,
      description:
        session.description ??
        (run.session.names.length > 1
          ? `Miniscope recordings ${run.session.names.map((name) => `“${name}”`).join(', ')}.`
          : `Miniscope recording “${run.session.name}”.`),
      experimenter,
      institution: session.institution ?? null,
      lab: session.lab ?? null,
      keywords: session.keywords ?? ['miniscope', 'calcium imaging'],
      experimentDescription: experiment,
      protocol: session.protocol ?? null,
      surgery: session.surgery ?? null,
      virus: session.virus ?? null,
    },
    imaging: {
      indicator: imaging.indicator ?? 'unknown calcium indicator',
      location: imaging.location ?? (mouse.has(subject.species ?? '') ? wholeMouseBrain : 'unknown brain region'),
      excitationNm: imaging.excitationNm ?? miniscopeExcitationNm,
      emissionNm: imaging.emissionNm ?? miniscopeEmissionNm,
      description: imaging.description ?? `Field of the miniscope, ${run.width} × ${run.height} px (width × height).`,
    },
  };
  return { facts, findings };
}

/** An instant as the clock at the rig showed it, with its zone; the sentinel for an unknown one. */
export function localTime(startedAt: string | null, tzOffsetMin: number | null): string {
  if (startedAt === null) return unknownStart;
  const offset = tzOffsetMin ?? 0;
  const local = new Date(Date.parse(startedAt) + offset * 60_000).toISOString().slice(0, 23);
  const absolute = Math.abs(offset);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${local}${offset < 0 ? '-' : '+'}${two(Math.floor(absolute / 60))}:${two(absolute % 60)}`;
}

function zone(time: string): string {
  return /(Z|[+-]\d\d:\d\d)$/.exec(time)?.[0] ?? '+00:00';
}

/** A name as the DANDI archive takes it in a path. */
function dandiName(name: string): string {
  return name.trim().replaceAll(/[\s_*\\/<>:|"?{}]+/g, '-');
}

/** `sub-<subject>/sub-<subject>_ses-<session>_<modalities>.nwb`, with forward slashes. */
export function dandiPath(facts: NwbFacts, hasBehaviour: boolean): string {
  const subject = `sub-${facts.subject.id}`;
  return `${subject}/${subject}_ses-${facts.session.id}_${hasBehaviour ? 'behavior+ophys' : 'ophys'}.nwb`;
}
