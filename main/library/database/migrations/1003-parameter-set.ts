// SPDX-License-Identifier: MIT
import { bool, instant, json, type Migration, protectBuiltin, uuid } from './kit.ts';

/** Methods and parameter sets with both hashes (datamodel.md 1.7, 2.4; the lost unique index of upstream defect 12 restored). */
export const parameterSet: Migration = {
  id: 1003,
  name: 'processing methods and parameter sets',
  sql: `
    CREATE TABLE processing_method (
      id INTEGER PRIMARY KEY,
      processing_method TEXT NOT NULL COLLATE NOCASE UNIQUE CHECK (length(processing_method) > 0),
      processing_method_desc TEXT NOT NULL DEFAULT '',
      builtin INTEGER NOT NULL DEFAULT 0 ${bool('builtin')}
    ) STRICT;
    INSERT INTO processing_method (processing_method, processing_method_desc, builtin)
    VALUES ('calyx', 'The engine of this program.', 1), ('caiman', 'CaImAn, results imported from its files.', 1);
    ${protectBuiltin('processing_method')}

    CREATE TABLE processing_param_set (
      id INTEGER PRIMARY KEY,
      uuid BLOB NOT NULL UNIQUE ${uuid('uuid')},
      processing_method_id INTEGER NOT NULL
        REFERENCES processing_method (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      engine_version TEXT,
      params_version INTEGER NOT NULL CHECK (params_version >= 1),
      paramset_desc TEXT NOT NULL DEFAULT '',
      dj_param_hash BLOB NOT NULL ${uuid('dj_param_hash')},
      params_sha256 TEXT NOT NULL UNIQUE CHECK (length(params_sha256) = 64),
      created_at TEXT NOT NULL ${instant('created_at')},
      params TEXT NOT NULL ${json('params')}
    ) STRICT;
    CREATE INDEX processing_param_set_by_dj_hash ON processing_param_set (dj_param_hash, processing_method_id);
    CREATE INDEX processing_param_set_by_method ON processing_param_set (processing_method_id);
    CREATE TRIGGER processing_param_set_fixed
    BEFORE UPDATE OF processing_method_id, engine_version, params_version, dj_param_hash, params_sha256, params ON processing_param_set
    BEGIN SELECT RAISE(ABORT, 'processing_param_set: the values of a set never change'); END;
  `,
  docs: {
    'processing_method.id': 'Key inside this file.',
    'processing_method.processing_method': 'Name of the method.',
    'processing_method.processing_method_desc': 'What it is.',
    'processing_method.builtin': '1 for a row that ships with the program.',
    'processing_param_set.id': 'Key inside this file; paramset_idx in DataJoint-shaped views.',
    'processing_param_set.uuid': 'Identity across libraries (version 7).',
    'processing_param_set.processing_method_id': 'The method the values are for.',
    'processing_param_set.engine_version': 'Version of the engine the values are for.',
    'processing_param_set.params_version': "Version of the parameters' file.",
    'processing_param_set.paramset_desc': 'Free text.',
    'processing_param_set.dj_param_hash': 'MD5 hash as element-miniscope makes it, for exchange only.',
    'processing_param_set.params_sha256': 'SHA-256 over canonical JSON of method, versions and values; unique.',
    'processing_param_set.created_at': 'When the set was first used, UTC.',
    'processing_param_set.params': 'The values as typed JSON.',
  },
};
