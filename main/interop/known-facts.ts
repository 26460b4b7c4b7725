// SPDX-License-Identifier: MIT
import { type ExportMetadata, given, type Scalar } from '../contract/index.ts';
import type { Reader } from '../library/index.ts';
import type { ExportRun } from './job.ts';

type Ask = (sql: string) => Promise<readonly Readonly<Record<string, Scalar>>[]>;

/** A name, or nothing for an empty one. */
const text = (value: Scalar | undefined): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;

const blob = (uuid: string): string => `X'${uuid.replaceAll('-', '')}'`;

/** Different names in their order, as one text; nothing for none. */
function joined(rows: Awaited<ReturnType<Ask>>, name: string): string | undefined {
  const names = new Set(rows.map((row) => text(row[name])).filter((value) => value !== undefined));
  return names.size === 0 ? undefined : [...names].join('; ');
}

/**
 * What the tables of a library say of a run's animal, lab, people and place in the brain, as metadata of an export: the animal's row and what hangs on it,
 * its lab (else the only one there is), experimenters and projects of the sessions, the place of the recording (else the target of the animal's
 * only implant).
 */
export async function knownFacts(
  reader: Pick<Reader, 'sql'>,
  run: ExportRun,
  signal: AbortSignal,
): Promise<ExportMetadata> {
  const ask: Ask = async (sql) => {
    const { columns, rows } = await reader.sql({ sql, limit: 200, offset: 0, timeoutMs: 15_000 }, signal);
    return rows.map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i] ?? null])));
  };
  const recordings = run.recordings.map(({ uuid }) => blob(uuid)).join(', ');
  const sessions = `(SELECT session_id FROM recording WHERE uuid IN (${recordings}))`;
  const animal = `(SELECT subject_id FROM session WHERE uuid = ${blob(run.session.uuid)})`;
  return given({
    subject: given(await subjectFacts(ask, animal)),
    session: given({
      ...(await labOf(ask, animal)),
      ...(await sessionFacts(ask, sessions)),
      ...(await surgeryFacts(ask, animal)),
      protocol: joined(
        await ask(
          `SELECT protocol.protocol FROM subject_protocol JOIN protocol ON protocol.id = protocol_id WHERE subject_id = ${animal} ORDER BY 1`,
        ),
        'protocol',
      ),
    }),
    imaging: given({ location: await placeOf(ask, recordings, animal) }),
  });
}

async function subjectFacts(ask: Ask, animal: string): Promise<NonNullable<ExportMetadata['subject']>> {
  const [row] = await ask(
    `SELECT subject.sex, subject.birth_date, subject.description, species.species, line.line,
      coalesce(nullif(strain.strain_standard_name, ''), strain.strain) AS strain
    FROM subject
    LEFT JOIN subject_species ON subject_species.subject_id = subject.id LEFT JOIN species ON species.id = species_id
    LEFT JOIN subject_strain ON subject_strain.subject_id = subject.id LEFT JOIN strain ON strain.id = strain_id
    LEFT JOIN subject_line ON subject_line.subject_id = subject.id LEFT JOIN line ON line.id = line_id
    WHERE subject.id = ${animal}`,
  );
  if (row === undefined) return {};
  const alleles = await ask(
    `SELECT allele.allele || ' (' || lower(zygosity) || ')' AS allele FROM zygosity JOIN allele ON allele.id = allele_id
    WHERE subject_id = ${animal} AND zygosity <> 'Absent' ORDER BY 1`,
  );
  const { sex } = row;
  return {
    // U is what the table holds as long as nobody has looked.
    ...(sex === 'M' || sex === 'F' ? { sex } : {}),
    species: text(row['species']),
    dateOfBirth: text(row['birth_date']),
    description: text(row['description']),
    strain: text(row['strain']),
    genotype: joined(alleles, 'allele') ?? text(row['line']),
  };
}

async function labOf(
  ask: Ask,
  animal: string,
): Promise<Pick<NonNullable<ExportMetadata['session']>, 'lab' | 'institution'>> {
  const labs = await ask(
    `SELECT coalesce(nullif(lab.lab_name, ''), lab.lab) AS lab,
      (SELECT coalesce(nullif(org_name, ''), organization) FROM lab_organization JOIN organization ON organization.id = organization_id
        WHERE lab_id = lab.id ORDER BY 1 LIMIT 1) AS institution
    FROM lab WHERE lab.id IN (SELECT lab_id FROM subject_lab WHERE subject_id = ${animal})
      OR (NOT EXISTS (SELECT 1 FROM subject_lab WHERE subject_id = ${animal}) AND (SELECT count(*) FROM lab) = 1)
    ORDER BY lab.id`,
  );
  return { lab: joined(labs, 'lab'), institution: joined(labs, 'institution') };
}

async function sessionFacts(
  ask: Ask,
  sessions: string,
): Promise<Pick<NonNullable<ExportMetadata['session']>, 'experimenter' | 'keywords' | 'description'>> {
  const people = await ask(
    `SELECT DISTINCT coalesce(nullif(user_fullname, ''), user) AS name FROM session_experimenter JOIN user ON user.id = user_id
    WHERE session_id IN ${sessions} ORDER BY 1`,
  );
  const words = await ask(
    `SELECT DISTINCT keyword FROM project_session JOIN project_keyword USING (project_id) WHERE session_id IN ${sessions} ORDER BY 1`,
  );
  const notes = await ask(`SELECT session_note AS note FROM session_note WHERE session_id IN ${sessions}`);
  const names = (rows: typeof people, column: string): string[] | undefined => {
    const found = rows.map((row) => text(row[column])).filter((value) => value !== undefined);
    return found.length === 0 ? undefined : found;
  };
  return {
    experimenter: names(people, 'name'),
    keywords: names(words, 'keyword'),
    description: joined(notes, 'note'),
  };
}

async function surgeryFacts(
  ask: Ask,
  animal: string,
): Promise<Pick<NonNullable<ExportMetadata['session']>, 'virus' | 'surgery'>> {
  const region = (of: string): string => `coalesce(nullif(${of}.region_name, ''), ${of}.region_acronym)`;
  const implants = await ask(
    `SELECT implantation_type.implant_type || ', ' || ${region('brain_region')} || ' (' || hemisphere.hemisphere || '), ' || substr(implant_date, 1, 10) AS text
    FROM implantation JOIN implantation_type ON implantation_type.id = implantation_type_id
    JOIN brain_region ON brain_region.id = target_region_id JOIN hemisphere ON hemisphere.id = target_hemisphere_id
    WHERE subject_id = ${animal} ORDER BY implant_date`,
  );
  const injections = await ask(
    `SELECT virus_name.virus_name || ', ' || ${region('brain_region')} || iif(titer = '', '', ', titer ' || titer) AS text
    FROM injection JOIN implantation ON implantation.id = implantation_id JOIN virus_name ON virus_name.id = virus_name_id
    JOIN brain_region ON brain_region.id = brain_region_id WHERE subject_id = ${animal} ORDER BY implant_date`,
  );
  return { surgery: joined(implants, 'text'), virus: joined(injections, 'text') };
}

async function placeOf(ask: Ask, recordings: string, animal: string): Promise<string | undefined> {
  const places = await ask(
    `SELECT anatomical_location.recording_location AS place FROM recording_location
    JOIN anatomical_location ON anatomical_location.id = anatomical_location_id
    JOIN recording ON recording.id = recording_location.recording_id WHERE recording.uuid IN (${recordings}) ORDER BY 1`,
  );
  const said = joined(places, 'place');
  if (said !== undefined) return said;
  const targets = await ask(
    `SELECT DISTINCT coalesce(nullif(region_name, ''), region_acronym) AS place FROM implantation
    JOIN brain_region ON brain_region.id = target_region_id WHERE subject_id = ${animal}`,
  );
  return targets.length === 1 ? text(targets[0]?.['place']) : undefined;
}
