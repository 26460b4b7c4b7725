// SPDX-License-Identifier: MIT
import { shown } from './values.ts';
import { AppError } from '../../contract/index.ts';

/** The seven CSV files of workflow-miniscope (datamodel.md 2.2), in the order they are read whatever order they are given in. */
export const csvKinds = [
  'subjects',
  'sessions',
  'behavior_recordings',
  'blocks',
  'trials',
  'events',
  'alignments',
] as const;
export type CsvKind = (typeof csvKinds)[number];

interface Kind {
  /** A file with these columns is of this kind. */
  readonly required: readonly string[];
  /** Read where they are there. */
  readonly optional: readonly string[];
}

const session = ['subject', 'session_datetime'] as const;

/** Columns of each kind, upstream's names. */
export const kinds: Readonly<Record<CsvKind, Kind>> = {
  subjects: {
    required: ['subject', 'sex', 'subject_birth_date'],
    optional: ['subject_description', 'subject_nickname'],
  },
  sessions: { required: ['subject', 'session_dir'], optional: ['acq_software', 'session_datetime', 'session_id'] },
  behavior_recordings: {
    required: [...session, 'filepath'],
    optional: ['recording_start_time', 'recording_duration', 'recording_notes', 'clock_offset'],
  },
  blocks: {
    required: [...session, 'block_id', 'block_start_time', 'block_stop_time'],
    optional: ['attribute_name', 'attribute_value'],
  },
  trials: {
    required: [...session, 'trial_id', 'trial_start_time', 'trial_stop_time'],
    optional: ['block_id', 'trial_type', 'attribute_name', 'attribute_value'],
  },
  events: {
    required: [...session, 'event_start_time', 'event_type'],
    optional: ['trial_id', 'event_end_time', 'attribute_name', 'attribute_value'],
  },
  alignments: {
    required: [
      'alignment_name',
      'alignment_event_type',
      'alignment_time_shift',
      'start_event_type',
      'start_time_shift',
      'end_event_type',
      'end_time_shift',
    ],
    optional: ['alignment_description'],
  },
};

/**
 * The kind of a file by its header: the one all of whose required columns are there; of several, the one that asks for most.
 *
 * @throws AppError `ingest.bad_header` naming what is missing from the closest kind, `ingest.bad_header` for a column that is there twice
 */
export function kindOf(header: readonly string[], file: string): CsvKind {
  const names = header.map((name) => name.toLowerCase());
  const twice = names.find((name, index) => name !== '' && names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new AppError('ingest.bad_header', `${file}, line 1: the column “${shown(twice)}” is there twice.`, {
      details: { file, line: 1, column: names.lastIndexOf(twice) + 1 },
    });
  }
  const ranked = csvKinds
    .map((kind) => ({ kind, missing: kinds[kind].required.filter((name) => !names.includes(name)) }))
    .toSorted(
      (a, b) => a.missing.length - b.missing.length || kinds[b.kind].required.length - kinds[a.kind].required.length,
    );
  const [best] = ranked;
  if (best?.missing.length === 0) return best.kind;
  throw new AppError(
    'ingest.bad_header',
    `${file}, line 1: these columns are of no known kind of file; ${best?.kind ?? ''} needs ${(best?.missing ?? []).join(', ')} as well.`,
    { hint: `The kinds are ${csvKinds.join(', ')}; docs/workflow.md lists their columns.`, details: { file, line: 1 } },
  );
}
