// SPDX-License-Identifier: MIT
import { instant, json, type Migration } from './kit.ts';
import { auditSql } from './table-kit.ts';

/**
 * The catalogue of tables (tier, natural key, edges) and the append-only change log of metadata (datamodel.md 1.1, 7.3). `table_edge` is
 * filled from the foreign keys of the finished schema whenever migrations ran.
 */
export const catalogue: Migration = {
  id: 1008,
  name: 'catalogue of tables, change log',
  sql: `
    -- All columns that older tables get, here: SQLite reads the whole schema again at each.
    ALTER TABLE session ADD COLUMN session_number INTEGER CHECK (session_number IS NULL OR session_number >= 0);
    ALTER TABLE recording ADD COLUMN device_id INTEGER REFERENCES device (id) ON UPDATE CASCADE ON DELETE RESTRICT;
    CREATE INDEX recording_by_device ON recording (device_id);
    ALTER TABLE run ADD COLUMN task_mode TEXT NOT NULL DEFAULT 'trigger' CHECK (task_mode IN ('load', 'trigger'));
    ALTER TABLE run ADD COLUMN processing_output_dir TEXT NOT NULL DEFAULT '';

    CREATE TABLE table_doc (
      table_name TEXT PRIMARY KEY,
      element TEXT NOT NULL,
      class_name TEXT NOT NULL,
      tier TEXT NOT NULL CHECK (tier IN ('lookup', 'manual', 'imported', 'computed', 'part', 'internal')),
      travels TEXT NOT NULL CHECK (travels IN ('uuid', 'name', 'parent', 'never')),
      text TEXT NOT NULL CHECK (length(text) > 0)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE table_key (
      table_name TEXT NOT NULL REFERENCES table_doc (table_name) ON UPDATE CASCADE ON DELETE CASCADE,
      position INTEGER NOT NULL CHECK (position >= 0),
      column_name TEXT NOT NULL,
      PRIMARY KEY (table_name, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE table_edge (
      child_table TEXT NOT NULL,
      child_column TEXT NOT NULL,
      parent_table TEXT NOT NULL,
      kind TEXT NOT NULL CHECK (kind IN ('key', 'secondary', 'part')),
      PRIMARY KEY (child_table, child_column)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE change_actor (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      who TEXT NOT NULL,
      at TEXT NOT NULL ${instant('at')}
    ) STRICT;
    CREATE TABLE change_log (
      id INTEGER PRIMARY KEY,
      at TEXT NOT NULL ${instant('at')},
      who TEXT NOT NULL,
      table_name TEXT NOT NULL,
      row_key TEXT NOT NULL ${json('row_key')},
      action TEXT NOT NULL CHECK (action IN ('insert', 'update', 'delete')),
      old TEXT ${json('old')},
      new TEXT ${json('new')}
    ) STRICT;
    CREATE INDEX change_log_by_table ON change_log (table_name, id);
    CREATE TRIGGER change_log_no_update BEFORE UPDATE ON change_log
    BEGIN SELECT RAISE(ABORT, 'change_log: rows are only ever added'); END;
    CREATE TRIGGER change_log_no_delete BEFORE DELETE ON change_log
    BEGIN SELECT RAISE(ABORT, 'change_log: rows are only ever added'); END;

    ${auditSql('subject', ['id'], ['id', 'uuid', 'subject', 'nickname', 'sex', 'birth_date', 'description'], 'all')}
    ${auditSql(
      'session',
      ['id'],
      ['id', 'uuid', 'subject_id', 'session_datetime', 'tz_offset_min', 'name', 'folder', 'format', 'content_digest'],
      'all',
    )}
    ${auditSql(
      'session_attribute',
      ['session_id', 'attribute_name'],
      ['session_id', 'attribute_name', 'attribute_value', 'attribute_json'],
      'all',
    )}
    ${auditSql(
      'recording_info',
      ['recording_id'],
      ['recording_id', 'nframes', 'px_height', 'px_width', 'fps', 'recording_datetime', 'tz_offset_min'],
      'updates',
    )}
  `,
  docs: {
    'session.session_number': 'Number the lab gave it (session_id in DataJoint).',
    'recording.device_id': 'The model of the miniscope.',
    'run.task_mode': 'trigger: this program computes; load: the result existed and was read.',
    'run.processing_output_dir': 'Where the result was read from, as given; empty for trigger.',
    'table_doc.table_name': 'Table the row explains.',
    'table_doc.element': 'DataJoint Element it belongs to; calyx where no Element has it.',
    'table_doc.class_name': 'Name of the class there, Master.Part for parts.',
    'table_doc.tier': 'lookup, manual, imported, computed, part, or internal.',
    'table_doc.travels': 'How another library knows a row: uuid, name (unique), parent (with it), or never.',
    'table_doc.text': 'What a row stands for.',
    'table_key.table_name': 'The table.',
    'table_key.position': 'Place in the natural key, from 0.',
    'table_key.column_name': 'The column; a foreign key stands for the natural key of its parent.',
    'table_edge.child_table': 'Table with the foreign key.',
    'table_edge.child_column': 'Its column.',
    'table_edge.parent_table': 'Table it refers to.',
    'table_edge.kind': 'key (part of the natural key), secondary, or part (goes with its master).',
    'change_actor.id': 'Always 1.',
    'change_actor.who': 'Who makes the changes of this transaction.',
    'change_actor.at': 'Time of this transaction, UTC.',
    'change_log.id': 'Order of the changes.',
    'change_log.at': 'When, UTC.',
    'change_log.who': 'Who, empty where nobody said so.',
    'change_log.table_name': 'The table.',
    'change_log.row_key': 'Primary key of the row as JSON.',
    'change_log.action': 'insert, update or delete.',
    'change_log.old': 'Values before, JSON; null for an insert.',
    'change_log.new': 'Values after, JSON; null for a delete.',
  },
  tables: {
    column_doc: {
      element: 'calyx',
      className: 'ColumnDoc',
      tier: 'internal',
      key: ['table_name', 'column_name'],
      travels: 'never',
      text: 'Meaning and unit of a column.',
    },
    table_doc: {
      element: 'calyx',
      className: 'TableDoc',
      tier: 'internal',
      key: ['table_name'],
      travels: 'never',
      text: 'Tier and meaning of a table.',
    },
    table_key: {
      element: 'calyx',
      className: 'TableDoc.Key',
      tier: 'internal',
      key: ['table_name', 'position'],
      travels: 'never',
      text: 'A column of a natural key.',
    },
    table_edge: {
      element: 'calyx',
      className: 'TableEdge',
      tier: 'internal',
      key: ['child_table', 'child_column'],
      travels: 'never',
      text: 'A foreign key.',
    },
    migration: {
      element: 'calyx',
      className: 'Migration',
      tier: 'internal',
      key: ['id'],
      travels: 'never',
      text: 'A step of the schema that was applied.',
    },
    change_actor: {
      element: 'calyx',
      className: 'ChangeActor',
      tier: 'internal',
      key: ['id'],
      travels: 'never',
      text: 'Who makes the changes of the transaction under way.',
    },
    change_log: {
      element: 'calyx',
      className: 'ChangeLog',
      tier: 'internal',
      key: ['id'],
      travels: 'never',
      text: 'A change of metadata; rows are only ever added.',
    },
    subject: {
      element: 'subject',
      className: 'Subject',
      tier: 'manual',
      key: ['subject'],
      travels: 'uuid',
      text: 'An animal.',
    },
    session: {
      element: 'session',
      className: 'Session',
      tier: 'manual',
      key: ['subject_id', 'session_datetime'],
      travels: 'uuid',
      text: 'One recording folder: what was recorded of an animal at a time.',
    },
    session_finding: {
      element: 'calyx',
      className: 'Session.Finding',
      tier: 'part',
      key: ['session_id', 'position'],
      travels: 'parent',
      text: 'What was noticed about a session when it was imported.',
    },
    session_attribute: {
      element: 'session',
      className: 'Session.Attribute',
      tier: 'part',
      key: ['session_id', 'attribute_name'],
      travels: 'parent',
      text: 'A named value of a session.',
    },
    acquisition_software: {
      element: 'miniscope',
      className: 'AcquisitionSoftware',
      tier: 'lookup',
      key: ['acq_software'],
      travels: 'name',
      text: 'A program that records.',
    },
    recording: {
      element: 'miniscope',
      className: 'Recording',
      tier: 'manual',
      key: ['session_id', 'recording_id'],
      travels: 'uuid',
      text: 'One miniscope of a session.',
    },
    recording_info: {
      element: 'miniscope',
      className: 'RecordingInfo',
      tier: 'imported',
      key: ['recording_id'],
      travels: 'parent',
      text: 'Facts of a recording, from its films, metadata and time stamps.',
    },
    recording_file: {
      element: 'miniscope',
      className: 'RecordingInfo.File',
      tier: 'part',
      key: ['recording_id', 'file_id'],
      travels: 'parent',
      text: 'A film of a recording.',
    },
    processing_method: {
      element: 'miniscope',
      className: 'ProcessingMethod',
      tier: 'lookup',
      key: ['processing_method'],
      travels: 'name',
      text: 'A way to process recordings.',
    },
    processing_param_set: {
      element: 'miniscope',
      className: 'ProcessingParamSet',
      tier: 'lookup',
      key: ['params_sha256'],
      travels: 'uuid',
      text: 'Values of all parameters of a method; never changes.',
    },
    run: {
      element: 'miniscope',
      className: 'ProcessingTask',
      tier: 'manual',
      key: ['uuid'],
      travels: 'uuid',
      text: 'A task of processing and, once it succeeded, its result (Processing).',
    },
    run_input: {
      element: 'calyx',
      className: 'ProcessingTask.Input',
      tier: 'part',
      key: ['run_id', 'position'],
      travels: 'parent',
      text: 'A recording a run reads.',
    },
    run_attempt: {
      element: 'calyx',
      className: 'ProcessingTask.Attempt',
      tier: 'part',
      key: ['run_id', 'number'],
      travels: 'never',
      text: 'One try at a run, with its machine and process.',
    },
    run_array: {
      element: 'calyx',
      className: 'Processing.Array',
      tier: 'part',
      key: ['run_id', 'path'],
      travels: 'parent',
      text: "An array in a run's folder.",
    },
    cell: {
      element: 'miniscope',
      className: 'Segmentation.Mask',
      tier: 'computed',
      key: ['run_id', 'row'],
      travels: 'uuid',
      text: 'A component that a run found.',
    },
    rater: {
      element: 'calyx',
      className: 'Rater',
      tier: 'manual',
      key: ['initials'],
      travels: 'uuid',
      text: 'A person who judges cells.',
    },
    curation: {
      element: 'miniscope',
      className: 'Curation',
      tier: 'manual',
      key: ['uuid'],
      travels: 'uuid',
      text: "A version of the judgement of a run's cells.",
    },
    curation_log: {
      element: 'calyx',
      className: 'Curation.Log',
      tier: 'manual',
      key: ['curation_id', 'seq'],
      travels: 'parent',
      text: 'A decision about a cell; rows are only ever added.',
    },
    curation_edit: {
      element: 'calyx',
      className: 'Curation.Edit',
      tier: 'manual',
      key: ['curation_id', 'step'],
      travels: 'uuid',
      text: 'An edit of cells; rows are only ever added.',
    },
    curation_edit_cell: {
      element: 'calyx',
      className: 'Curation.EditCell',
      tier: 'manual',
      key: ['edit_id', 'cell_id'],
      travels: 'parent',
      text: 'A cell that an edit touched.',
    },
  },
};
