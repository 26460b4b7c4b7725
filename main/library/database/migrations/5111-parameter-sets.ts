// SPDX-License-Identifier: MIT
import { bool, json, protectBuiltin, within } from './kit.ts';
import { rootKey } from './natural-views.ts';
import { freeText, keyName, master, parent, tableMigration, type TableSpec } from './table-kit.ts';

/** The tutorial's 35 parameters (datamodel.md 2.4) as canonical typed JSON; both hashes are held by a test. */
const tutorial =
  '{"K":null,"border_nan":"copy","border_pix":0,"center_psf":true,"decay_time":0.4,"del_duplicates":true,"gSig":{"$tuple":[3,3]},"gSig_filt":{"$tuple":[3,3]},"gSiz":{"$tuple":[13,13]},"low_rank_background":null,"max_deviation_rigid":3,"max_shifts":{"$tuple":[5,5]},"merge_thr":0.7,"method_deconvolution":"oasis","method_init":"corr_pnr","min_SNR":3,"min_corr":0.8,"min_pnr":10,"nb":0,"nb_patch":0,"normalize_init":false,"only_init":true,"overlaps":{"$tuple":[24,24]},"p":1,"pw_rigid":false,"rf":40,"ring_size_factor":1.4,"rval_thr":0.85,"ssub":1,"ssub_B":2,"stride":20,"strides":{"$tuple":[48,48]},"tsub":2,"update_background_components":true,"use_cnn":false}';

/** Tables of migration 5111. */
export const askedSpecs: Readonly<Record<string, TableSpec>> = {
  run_asked: {
    element: 'calyx',
    className: 'ProcessingTask.Asked',
    tier: 'part',
    travels: 'parent',
    plain: true,
    audit: 'none',
    key: ['run_id'],
    text: 'The parameter set a run was asked to use, where it had to be translated into the one it used.',
    columns: {
      run_id: [master('run'), 'The run.'],
      processing_param_set_id: [parent('processing_param_set'), 'The set that was asked for.'],
    },
  },
  run_translation: {
    element: 'calyx',
    className: 'ProcessingTask.Translation',
    tier: 'part',
    travels: 'parent',
    plain: true,
    audit: 'none',
    key: ['run_id', 'parameter'],
    text: 'What became of a parameter of the set that was asked for.',
    columns: {
      run_id: [master('run'), 'The run.'],
      parameter: [keyName('parameter'), 'Its name in the set that was asked for.'],
      value: [`TEXT NOT NULL ${json('value')}`, 'Its value there, JSON.'],
      became: ['TEXT', 'The parameter it became; null where it has no counterpart.'],
      result: [`REAL ${within('result', '-1e300', '1e300')}`, 'The value it became.'],
      explanation: [freeText, 'How one becomes the other, or why it has no counterpart.'],
    },
    constraints: ['CHECK ((became IS NULL) = (result IS NULL))'],
  },
};

const run = rootKey('run');

/** The default set of element-miniscope's tutorial, protected; what became of a foreign set in a run. */
export const parameterSets = tableMigration(5111, 'shipped parameter sets, translated parameter sets', askedSpecs, {
  sql: `
    ALTER TABLE processing_param_set ADD COLUMN builtin INTEGER NOT NULL DEFAULT 0 ${bool('builtin')};
    INSERT INTO processing_param_set (id, uuid, processing_method_id, engine_version, params_version, paramset_desc, dj_param_hash,
      params_sha256, created_at, params, builtin)
    SELECT 0, X'0188316500007000800063616c797801', id, NULL, 1, 'element-miniscope default', X'7ebfca75799782cec46bf0cc28f69308',
      'aea8b328e874cdebebc664142b04ff4d7e46cd0d3406b837e23acb2307adfb82', '2023-05-18T00:00:00.000Z', '${tutorial}', 1
    FROM processing_method WHERE processing_method = 'caiman'
      AND NOT EXISTS (SELECT 1 FROM processing_param_set
        WHERE params_sha256 = 'aea8b328e874cdebebc664142b04ff4d7e46cd0d3406b837e23acb2307adfb82');
    ${protectBuiltin('processing_param_set')}
    DROP VIEW dj_ProcessingTask;
    CREATE VIEW dj_ProcessingTask AS SELECT ${run.key},
      CASE task_mode WHEN 'load' THEN run.processing_output_dir ELSE run.output_folder END AS processing_output_dir, task_mode, run.state,
      coalesce(run_asked.processing_param_set_id, run.processing_param_set_id) AS asked_paramset_idx
    FROM ${run.from} LEFT JOIN run_asked ON run_asked.run_id = run.id;
  `,
  docs: { 'processing_param_set.builtin': '1 for a set that ships with the program.' },
});
