// SPDX-License-Identifier: MIT
import { within } from './kit.ts';
import { freeText, keyName, master, parent, tableMigration, type TableSpec } from './table-kit.ts';

const lookup = { element: 'miniscope', tier: 'lookup', travels: 'name' } as const;
const computed = { element: 'miniscope', tier: 'computed', travels: 'parent', plain: true, audit: 'none' } as const;
const spread = (axis: string, text: string) => [`REAL ${within(axis, '0', '1e6')}`, 'px', text] as const;

/** Tables of migration 3002. */
export const resultSpecs: Readonly<Record<string, TableSpec>> = {
  channel: {
    ...lookup,
    className: 'Channel',
    key: ['channel'],
    text: 'A colour channel.',
    columns: { channel: ['INTEGER NOT NULL CHECK (channel BETWEEN 0 AND 127)', 'Number, from 0.'] },
    seeds: { columns: 'channel', rows: ['0', '1', '2', '3', '4'] },
  },
  mask_type: {
    ...lookup,
    className: 'MaskType',
    key: ['mask_type'],
    text: 'What a component is.',
    columns: { mask_type: [keyName('mask_type'), 'The kind.'] },
    seeds: {
      columns: 'mask_type',
      rows: ["'soma'", "'axon'", "'dendrite'", "'neuropil'", "'artefact'", "'unknown'"],
    },
  },
  mask_classification_method: {
    ...lookup,
    className: 'MaskClassificationMethod',
    key: ['mask_classification_method'],
    text: 'A way to tell what a component is.',
    columns: {
      mask_classification_method: [keyName('mask_classification_method'), 'Its name.'],
      description: [freeText, 'What it is.'],
    },
    seeds: {
      columns: 'mask_classification_method, description',
      rows: [
        "'caiman_default_classifier', 'Accepted by CaImAn.'",
        "'calyx_rules', 'Suggested by the engine of this program.'",
        "'calyx_curation', 'Accepted by a person.'",
      ],
    },
  },
  activity_extraction_method: {
    ...lookup,
    className: 'ActivityExtractionMethod',
    key: ['extraction_method'],
    text: 'A way to get activity from fluorescence.',
    columns: {
      extraction_method: [keyName('extraction_method'), 'Its name.'],
      trace: ["TEXT CHECK (trace IS NULL OR trace IN ('deconvolved', 'dff'))", 'Trace of a run folder that holds it.'],
    },
    seeds: {
      columns: 'extraction_method, trace',
      rows: [
        "'caiman_deconvolution', 'deconvolved'",
        "'caiman_dff', 'dff'",
        "'calyx_deconvolution', 'deconvolved'",
        "'calyx_dff', 'dff'",
      ],
    },
  },
  run_motion: {
    ...computed,
    className: 'MotionCorrection.RigidMotionCorrection',
    key: ['run_id'],
    text: 'How much the content of a film moved.',
    columns: {
      run_id: [master('run'), 'The run.'],
      frames: ['INTEGER NOT NULL CHECK (frames >= 0)', 'frames', 'Frames with a known displacement.'],
      y_std: spread('y_std', 'Standard deviation of the displacement down.'),
      x_std: spread('x_std', 'Standard deviation of the displacement to the right.'),
      y_max: spread('y_max', 'Largest displacement up or down.'),
      x_max: spread('x_max', 'Largest displacement to either side.'),
    },
  },
  run_motion_block: {
    ...computed,
    className: 'MotionCorrection.Block',
    key: ['run_id', 'block_id'],
    text: 'How much a block of the field moved beside the rest.',
    columns: {
      run_id: [master('run'), 'The run.'],
      block_id: ['INTEGER NOT NULL CHECK (block_id >= 0)', "Row-major number in the run's blocks, from 0."],
      centre_y: [`REAL NOT NULL ${within('centre_y', '-1e6', '1e6')}`, 'px', 'Centre of the block, down.'],
      centre_x: [`REAL NOT NULL ${within('centre_x', '-1e6', '1e6')}`, 'px', 'Centre of the block, right.'],
      y_std: spread('y_std', 'Standard deviation of the displacement down.'),
      x_std: spread('x_std', 'Standard deviation of the displacement to the right.'),
    },
  },
  trace_quality: {
    ...computed,
    className: 'ProcessingQualityMetrics.Trace',
    key: ['cell_id', 'trace'],
    text: 'Figures of a trace of a cell, over its finite samples.',
    columns: {
      cell_id: [master('cell'), 'The cell.'],
      trace: ["TEXT NOT NULL CHECK (trace IN ('raw', 'denoised', 'deconvolved', 'dff'))", 'Which trace.'],
      samples: ['INTEGER NOT NULL CHECK (samples >= 0)', 'frames', 'Finite samples.'],
      skewness: [`REAL ${within('skewness', '-1e9', '1e9')}`, 'Third standardised moment; null where constant.'],
      variance: [
        `REAL ${within('variance', '0', '1e300')}`,
        'grey levels²; 1 for dff',
        'Second central moment (not its root); null without samples.',
      ],
    },
  },
  activity_alignment_condition: {
    element: 'analysis',
    className: 'ActivityAlignmentCondition',
    tier: 'manual',
    travels: 'uuid',
    key: ['run_id', 'trace', 'alignment_event_id', 'trial_condition'],
    text: 'Trials of a run whose activity is aligned.',
    columns: {
      run_id: [parent('run'), 'The run.'],
      trace: ["TEXT NOT NULL CHECK (trace IN ('raw', 'denoised', 'deconvolved', 'dff'))", 'Which trace.'],
      alignment_event_id: [parent('alignment_event'), 'How windows are cut.'],
      trial_condition: [keyName('trial_condition'), 'Short name of the choice of trials.'],
      condition_description: [freeText, 'Free text.'],
      bin_size: ['REAL NOT NULL DEFAULT 0.04 CHECK (bin_size > 0 AND bin_size <= 1e6)', 's', 'Width of a bin.'],
      created_at: [
        "TEXT NOT NULL CHECK (created_at IS strftime('%Y-%m-%dT%H:%M:%fZ', created_at))",
        'When it was made, UTC.',
      ],
    },
  },
  activity_alignment_trial: {
    element: 'analysis',
    className: 'ActivityAlignmentCondition.Trial',
    tier: 'part',
    travels: 'parent',
    plain: true,
    key: ['condition_id', 'trial_id'],
    text: 'A trial of a condition.',
    columns: {
      condition_id: [master('activity_alignment_condition'), 'The condition.'],
      trial_id: [parent('trial'), 'The trial.'],
    },
  },
  activity_alignment: {
    element: 'analysis',
    className: 'ActivityAlignment',
    tier: 'computed',
    travels: 'parent',
    plain: true,
    audit: 'none',
    key: ['condition_id'],
    text: 'Activity around the events of a condition.',
    columns: {
      condition_id: [master('activity_alignment_condition'), 'The condition.'],
      computed_at: [
        "TEXT NOT NULL CHECK (computed_at IS strftime('%Y-%m-%dT%H:%M:%fZ', computed_at))",
        'When it was computed, UTC.',
      ],
      time_array_id: [parent('array_ref'), 'Centres of the bins from the event, s, float64 (bins).'],
      activity_array_id: [
        parent('array_ref'),
        'Activity, float32 (cells × trials × bins), rows of the run, trials by number; NaN where nothing was recorded.',
      ],
    },
  },
};

/**
 * Lookups of results and the figures computed from a run's arrays once and kept (datamodel.md 1.7). A run's arrays stay in its folder;
 * what can be read from rows is a view. Activity aligned to events: conditions (the workflow's `analysis` module) and what came of them.
 */
export const resultTables = tableMigration(
  3002,
  'channels, mask types, quality, motion, aligned activity',
  resultSpecs,
);
