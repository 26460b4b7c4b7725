// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { Stores } from '../../../main/library/database/stores.ts';
import { finishedRun, newSession, testStores } from '../../support/library.ts';

const all = (stores: Stores, sql: string): readonly unknown[] => stores.database.prepare(sql).all();
const column = (stores: Stores, sql: string): readonly unknown[] => stores.database.prepare(sql).pluck().all();

/** Classes of datamodel.md 1.2 to 1.7, with genotyping, surgery and injection. */
const upstream = `
  Organization Lab Lab.Organization Location UserRole User LabMembership ProtocolType Protocol Project ProjectKeywords ProjectPublication
  ProjectSourceCode ProjectUser Source Device Study Study.Protocol Experiment
  Species Strain Allele Allele.Source Line Line.Allele Subject Subject.Protocol Subject.User Subject.Species Subject.Line Subject.Strain
  Subject.Source Subject.Lab SubjectDeath SubjectCull Zygosity
  Sequence AlleleSequence BreedingPair BreedingPair.Father BreedingPair.Mother Litter Weaning SubjectLitter Cage SubjectCaging GenotypeTest
  CoordinateReference BrainRegion Hemisphere ImplantationType Implantation Implantation.Coordinate
  AAVSerotype MicroInjectionDevice InjectionProtocol VirusName Injection
  Session Session.Attribute SessionDirectory SessionExperimenter SessionNote ProjectSession
  EventType BehaviorRecording BehaviorRecording.File Event Event.Attribute AlignmentEvent Block Block.Attribute TrialType Trial
  Trial.Attribute BlockTrial TrialEvent AnatomicalLocation
  AcquisitionSoftware Channel Recording RecordingLocation RecordingInfo RecordingInfo.Config RecordingInfo.Timestamps RecordingInfo.File
  ProcessingMethod ProcessingParamSet MaskType ProcessingTask Processing MotionCorrection MotionCorrection.RigidMotionCorrection
  MotionCorrection.NonRigidMotionCorrection MotionCorrection.Block MotionCorrection.Summary Segmentation Segmentation.Mask
  MaskClassificationMethod MaskClassification MaskClassification.MaskType Fluorescence Fluorescence.Trace ActivityExtractionMethod Activity
  Activity.Trace ProcessingQualityMetrics ProcessingQualityMetrics.Trace QualityMetrics Curation
  ActivityAlignmentCondition ActivityAlignmentCondition.Trial ActivityAlignment ActivityAlignment.AlignedTrialActivity`
  .trim()
  .split(/\s+/);

describe('the catalogue', () => {
  it('has an entry for every table, with columns of its key that exist', () => {
    const stores = testStores();
    expect(
      column(
        stores,
        `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
        AND name NOT IN (SELECT table_name FROM table_doc)`,
      ),
    ).toEqual([]);
    expect(
      column(
        stores,
        `SELECT table_name FROM table_doc WHERE table_name NOT IN (SELECT table_name FROM table_key)
        UNION SELECT table_name || '.' || column_name FROM table_key
        WHERE NOT EXISTS (SELECT 1 FROM pragma_table_info(table_name) AS c WHERE c.name = column_name)`,
      ),
    ).toEqual([]);
  });

  it('lists every foreign key, and which is part of a key, secondary, or goes with its master', () => {
    const stores = testStores();
    const edges = all(
      stores,
      `SELECT m.name AS child_table, k."from" AS child_column, k."table" AS parent_table
      FROM sqlite_schema AS m JOIN pragma_foreign_key_list(m.name) AS k WHERE m.type = 'table' ORDER BY 1, 2`,
    );
    expect(all(stores, 'SELECT child_table, child_column, parent_table FROM table_edge ORDER BY 1, 2')).toEqual(edges);
    const kind = (child: string): unknown =>
      stores.database
        .prepare("SELECT kind FROM table_edge WHERE child_table || '.' || child_column = ?")
        .pluck()
        .get(child);
    expect(
      ['trial.behavior_recording_id', 'trial.trial_type_id', 'trial_attribute.trial_id', 'run_input.run_id'].map(kind),
    ).toEqual(['key', 'secondary', 'part', 'part']);
  });

  it('shows every table of the Elements as a view with natural keys', () => {
    const stores = testStores();
    const views = new Set(column(stores, "SELECT name FROM sqlite_schema WHERE type = 'view'"));
    expect(upstream.filter((name) => !views.has(`dj_${name.replace('.', '_')}`))).toEqual([]);
    const parts = column(stores, "SELECT class_name FROM table_doc WHERE element <> 'calyx'") as readonly string[];
    expect(parts.filter((name) => !upstream.includes(name))).toEqual([]);
  });

  it('gives every row that travels by uuid a uuid, and every row that travels by name one name', () => {
    const stores = testStores();
    expect(
      column(
        stores,
        `SELECT table_name FROM table_doc WHERE travels = 'uuid'
        AND NOT EXISTS (SELECT 1 FROM pragma_table_info(table_name) AS c WHERE c.name = 'uuid')
        UNION SELECT table_name FROM table_doc WHERE travels = 'name'
        AND (SELECT count(*) FROM table_key WHERE table_key.table_name = table_doc.table_name) <> 1`,
      ),
    ).toEqual([]);
  });
});

describe('the views', () => {
  it('give rows the natural keys of their parents, renamed where upstream renames them', () => {
    const stores = testStores();
    const { database } = stores;
    const uuid = (n: number): string => `x'${n.toString(16).padStart(32, '0')}'`;
    finishedRun(stores, 3);
    database.exec(`
      INSERT INTO user (uuid, user) VALUES (${uuid(1)}, 'ada');
      INSERT INTO brain_region (region_acronym, region_name) VALUES ('CA1', 'Field CA1');
      INSERT INTO implantation (uuid, subject_id, implant_date, implantation_type_id, target_region_id, target_hemisphere_id, surgeon_id)
      SELECT ${uuid(2)}, subject.id, '2026-01-02T08:00:00.000Z', t.id, 1, h.id, 1 FROM subject, implantation_type AS t, hemisphere AS h
      WHERE t.implant_type = 'grin_lens' AND h.hemisphere = 'right';
      INSERT INTO implantation_coordinate (implantation_id, ap, ap_ref_id) VALUES (1, -2.1, 1);
      INSERT INTO behavior_recording (uuid, session_id, recording_start_time, tz_offset_min)
      VALUES (${uuid(3)}, 1, '2026-05-01T09:00:00.250Z', 120);
      INSERT INTO block (behavior_recording_id, block_id, block_start_time, block_stop_time) VALUES (1, 1, 0, 24);
      INSERT INTO trial (behavior_recording_id, trial_id, trial_start_time, trial_stop_time) VALUES (1, 4, 0.193, 1.057);
      INSERT INTO event_type (event_type) VALUES ('center');
      INSERT INTO event (behavior_recording_id, event_type_id, event_start) VALUES (1, 1, 2690);
      INSERT INTO block_trial VALUES (1, 1);
      INSERT INTO trial_event VALUES (1, 1);
      INSERT INTO alignment_event (uuid, alignment_name, alignment_event_type_id, alignment_time_shift, start_event_type_id, start_time_shift,
        end_event_type_id, end_time_shift) VALUES (${uuid(4)}, 'center_button', 1, 0, 1, -1, 1, 1);
    `);
    expect(all(stores, 'SELECT * FROM dj_Implantation_Coordinate')).toEqual([
      {
        subject: 'm1',
        implant_date: '2026-01-02 08:00:00',
        implant_type: 'grin_lens',
        target_region: 'CA1',
        target_hemisphere: 'right',
        ap: -2.1,
        ap_ref: 'bregma',
        ml: null,
        ml_ref: null,
        dv: null,
        dv_ref: null,
        theta: null,
        phi: null,
        beta: null,
      },
    ]);
    expect(all(stores, 'SELECT surgeon FROM dj_Implantation')).toEqual([{ surgeon: 'ada' }]);
    const session = { subject: 'm1', session_datetime: '2026-05-01 11:00:00' };
    expect(all(stores, 'SELECT * FROM dj_BehaviorRecording')).toMatchObject([
      { ...session, recording_start_time: '2026-05-01 11:00:00' },
    ]);
    expect(all(stores, 'SELECT * FROM dj_BlockTrial')).toEqual([{ ...session, block_id: 1, trial_id: 4 }]);
    expect(all(stores, 'SELECT * FROM dj_TrialEvent')).toEqual([
      { ...session, trial_id: 4, event_type: 'center', event_start_time: 0.269 },
    ]);
    expect(all(stores, 'SELECT * FROM dj_AlignmentEvent')).toMatchObject([
      {
        alignment_name: 'center_button',
        alignment_event_type: 'center',
        start_event_type: 'center',
        start_time_shift: -1,
      },
    ]);
    expect(
      all(stores, 'SELECT mask, extraction_method, array_row, activity_trace FROM dj_Activity_Trace'),
    ).toHaveLength(6);
    expect(all(stores, 'SELECT * FROM dj_Recording')).toMatchObject([
      { ...session, recording_id: 0, device: 'Miniscope_V4_BNO' },
    ]);
  });
});

describe('lookups', () => {
  it('have what the Elements ship, and more where labs miss it', () => {
    const stores = testStores();
    expect(column(stores, 'SELECT channel FROM channel ORDER BY 1')).toEqual([0, 1, 2, 3, 4]);
    expect(column(stores, 'SELECT mask_type FROM mask_type ORDER BY id')).toEqual([
      'soma',
      'axon',
      'dendrite',
      'neuropil',
      'artefact',
      'unknown',
    ]);
    expect(column(stores, 'SELECT implant_type FROM implantation_type ORDER BY id')).toEqual([
      'ephys',
      'fiber',
      'opto',
      'grin_lens',
    ]);
    expect(column(stores, 'SELECT count(*) FROM virus_serotype')).toEqual([14]);
    expect(all(stores, 'SELECT * FROM dj_Device')).toEqual([
      { device: 'Miniscope_V4_BNO', modality: 'Miniscope', description: 'V4 Miniscope with head orientation sensor.' },
    ]);
  });

  it('that ship with the program are protected in every table that has such rows, added ones are not', () => {
    const stores = testStores();
    const tables = column(
      stores,
      "SELECT m.name FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c WHERE m.type = 'table' AND c.name = 'builtin'",
    ) as readonly string[];
    expect(tables.length).toBeGreaterThanOrEqual(12);
    for (const table of tables) {
      expect(() => stores.database.exec(`DELETE FROM ${table} WHERE builtin = 1`), table).toThrow(/cannot be deleted/);
      expect(() => stores.database.exec(`UPDATE ${table} SET id = id + 1000 WHERE builtin = 1`), table).toThrow(
        /cannot be changed/,
      );
    }
    stores.database.exec(
      "INSERT INTO mask_type (mask_type) VALUES ('glia'); DELETE FROM mask_type WHERE mask_type = 'glia'",
    );
  });
});

describe('the change log', () => {
  it('notes who changed what, when, from what to what; and is never changed itself', () => {
    const stores = testStores();
    stores.sessions.insert(newSession(1));
    stores.database.exec(`
      INSERT INTO change_actor VALUES (1, 'AB', '2026-05-01T10:00:00.007Z');
      UPDATE subject SET sex = 'F' WHERE subject = 'm1';
      UPDATE subject SET sex = 'F' WHERE subject = 'm1';
      DELETE FROM change_actor;
    `);
    const entries = all(stores, "SELECT * FROM change_log WHERE table_name = 'subject' AND action = 'update'");
    expect(entries).toMatchObject([{ at: '2026-05-01T10:00:00.007Z', who: 'AB', row_key: '{"id":1}' }]);
    const [entry] = entries as readonly { old: string; new: string }[];
    expect([JSON.parse(entry!.old), JSON.parse(entry!.new)]).toMatchObject([
      { subject: 'm1', sex: 'U' },
      { subject: 'm1', sex: 'F' },
    ]);
    expect(column(stores, "SELECT table_name FROM change_log WHERE action = 'insert'")).toEqual(
      expect.arrayContaining(['subject', 'session', 'recording']),
    );
    expect(() => stores.database.exec('UPDATE change_log SET who = 1')).toThrow(/only ever added/);
    expect(() => stores.database.exec('DELETE FROM change_log')).toThrow(/only ever added/);
  });
});

describe('values that cannot be', () => {
  it.each([
    ["INSERT INTO subject_death (subject_id, death_date) VALUES (1, '2026-02-30')", /CHECK/],
    ["INSERT INTO zygosity VALUES (1, 1, 'Maybe')", /CHECK|FOREIGN/],
    ["INSERT INTO lab (uuid, lab) VALUES (randomblob(16), '  ')", /CHECK/],
    ["INSERT INTO lab (uuid, lab) VALUES (x'00', 'a')", /CHECK/],
    ["INSERT INTO session_directory VALUES (1, '../other')", /CHECK/],
    ["INSERT INTO session_directory VALUES (1, '/absolute')", /CHECK/],
    ['INSERT INTO channel (channel) VALUES (-1)', /CHECK/],
    [
      "INSERT INTO array_ref (dtype, shape, bytes, sha256, inline) VALUES ('<f4', '[1]', 4, '" +
        '0'.repeat(64) +
        "', x'00')",
      /CHECK/,
    ],
    ["INSERT INTO trace_quality VALUES (1, 'raw', 3, 9e999, 1)", /CHECK/],
  ])('are refused: %s', (sql, reason) => {
    const stores = testStores();
    finishedRun(stores, 1);
    expect(() => stores.database.exec(sql)).toThrow(reason);
  });

  it('names are compared without case, as a server would', () => {
    const { database } = testStores();
    database.exec("INSERT INTO lab (uuid, lab) VALUES (randomblob(16), 'Müller 研究室 🧠')");
    expect(() =>
      database.exec("INSERT INTO lab (uuid, lab) VALUES (randomblob(16), 'mÜLLER 研究室 🧠')"),
    ).not.toThrow();
    expect(() => database.exec("INSERT INTO lab (uuid, lab) VALUES (randomblob(16), 'MüLLER 研究室 🧠')")).toThrow(
      /UNIQUE/,
    );
  });
});
