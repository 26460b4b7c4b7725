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

/**
 * The facts of a run's NWB file, and what nwbinspector (with its configuration for the DANDI archive) would say of those that are missing.
 * A gap is filled with what is true of every recording (an age of zero days or more, a vertebrate), never with a guess.
 */
export function nwbFacts(
  run: ExportRun,
  given: ExportMetadata,
): { readonly facts: NwbFacts; readonly findings: readonly ExportFinding[] } {
  const findings: ExportFinding[] = [];
  const missing = (importance: ExportFinding['importance'], check: string, message: string, remedy: string): void =>
    void findings.push({ importance, check, message, remedy });
  const { subject = {}, session = {}, imaging = {} } = given;
  const [recording] = run.recordings;

  const id = subject.id ?? run.session.subject;
  if (id === null)
    missing('CRITICAL', 'check_subject_id_exists', 'The animal has no name.', 'Written as “unknown”; set subject.id.');
  if (subject.species === undefined)
    missing(
      'CRITICAL',
      'check_subject_species_exists',
      'The species is not known.',
      'Written as “vertebrate” (NCBI taxon 7742); set subject.species, e.g. “Mus musculus”.',
    );
  else if (!/^([A-Z][a-z]+ [a-z]+|http:\/\/purl\.obolibrary\.org\/obo\/NCBITaxon_\d+)$/.test(subject.species))
    missing(
      'CRITICAL',
      'check_subject_species_form',
      `The species “${subject.species}” is neither a Latin name of two words nor the address of an NCBI taxon.`,
      'Write it as “Mus musculus”.',
    );
  if (subject.sex === undefined)
    missing('CRITICAL', 'check_subject_sex', 'The sex is not known.', 'Written as U (unknown); set subject.sex.');
  if (subject.age === undefined && subject.dateOfBirth === undefined)
    missing(
      'CRITICAL',
      'check_subject_age',
      'Neither age nor date of birth is known.',
      'Written as the range P0D/ (any age); set subject.age or subject.dateOfBirth.',
    );
  if (session.start === undefined && (recording?.startedAt ?? null) === null)
    missing(
      'BEST_PRACTICE_SUGGESTION',
      'check_session_start_time_old_date',
      'Nothing says when the recording began.',
      'Written as 1970-01-01; set session.start.',
    );
  if (imaging.indicator === undefined)
    missing('BEST_PRACTICE_SUGGESTION', 'check_placeholders', 'The indicator is not known.', 'Set imaging.indicator.');
  if (imaging.location === undefined)
    missing(
      'BEST_PRACTICE_SUGGESTION',
      'check_placeholders',
      'The brain region is not known.',
      'Set imaging.location.',
    );
  if (imaging.excitationNm === undefined && recording?.deviceType?.startsWith('Miniscope_V') !== true)
    missing(
      'BEST_PRACTICE_SUGGESTION',
      'check_excitation_lambda_in_nm',
      'The wavelengths of this scope are not known.',
      'Those of the Miniscope V4 are written (470 and 525 nm); set imaging.excitationNm and imaging.emissionNm.',
    );
  if (session.experimenter === undefined && run.session.experimenters.length === 0)
    missing(
      'BEST_PRACTICE_SUGGESTION',
      'check_experimenter_exists',
      'Nobody is named as experimenter.',
      'Set session.experimenter.',
    );

  const start = session.start ?? localTime(recording?.startedAt ?? null, recording?.tzOffsetMin ?? null);
  const experimenter = session.experimenter ?? run.session.experimenters;
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
      experimentDescription: session.experimentDescription ?? run.session.experiment,
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
