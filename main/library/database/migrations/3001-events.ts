// SPDX-License-Identifier: MIT
import { instant, json, relativePath, tzOffset, within } from './kit.ts';
import {
  freeText,
  keyName,
  master,
  optional,
  parent,
  tableMigration,
  type Column,
  type TableSpec,
} from './table-kit.ts';

const seconds = (column: string, text: string, optionally = false): Column => [
  `REAL ${optionally ? '' : 'NOT NULL '}${within(column, '-1e9', '1e9')}`,
  's',
  text,
];

const attributeOf = (className: string, element: string, table: string): TableSpec => ({
  element,
  className,
  tier: 'part',
  travels: 'parent',
  plain: true,
  audit: 'updates',
  key: [`${table}_id`, 'attribute_name'],
  text: `A named value of a ${table}.`,
  columns: {
    [`${table}_id`]: [master(table), `The ${table}.`],
    attribute_name: [keyName('attribute_name'), 'Name of the attribute.'],
    attribute_value: [freeText, 'Value as text.'],
    attribute_json: [`TEXT ${json('attribute_json')}`, 'Value as JSON where text is not enough.'],
  },
});

/** Tables of migration 3001. */
export const eventSpecs: Readonly<Record<string, TableSpec>> = {
  event_type: {
    element: 'event',
    className: 'EventType',
    tier: 'lookup',
    travels: 'name',
    key: ['event_type'],
    text: 'A kind of event.',
    columns: { event_type: [keyName('event_type'), 'Short name.'], description: [freeText, 'What it is.'] },
  },
  behavior_recording: {
    element: 'event',
    className: 'BehaviorRecording',
    tier: 'manual',
    travels: 'uuid',
    key: ['session_id'],
    text: 'What was recorded of the behaviour in a session.',
    columns: {
      session_id: [parent('session'), 'The session.'],
      recording_start_time: [`TEXT ${instant('recording_start_time')}`, 'Start, UTC with milliseconds.'],
      tz_offset_min: [`INTEGER ${tzOffset('tz_offset_min')}`, 'min', 'Offset of local time from UTC at the start.'],
      recording_duration: [`REAL ${within('recording_duration', '0', '1e9')}`, 's', 'How long.'],
      recording_notes: [freeText, 'Free text.'],
    },
  },
  behavior_recording_file: {
    element: 'event',
    className: 'BehaviorRecording.File',
    tier: 'part',
    travels: 'parent',
    plain: true,
    key: ['behavior_recording_id', 'filepath'],
    text: 'A file of a behaviour recording.',
    columns: {
      behavior_recording_id: [master('behavior_recording'), 'The behaviour recording.'],
      filepath: [`TEXT NOT NULL ${relativePath('filepath')}`, 'Path relative to a root, forward slashes.'],
    },
  },
  behavior_clock: {
    element: 'calyx',
    className: 'BehaviorRecording.Clock',
    tier: 'part',
    travels: 'parent',
    plain: true,
    key: ['behavior_recording_id'],
    text: "Map from the behaviour's clock to the miniscope's: time = offset + rate · behaviour time.",
    columns: {
      behavior_recording_id: [master('behavior_recording'), 'The behaviour recording.'],
      offset_s: seconds('offset_s', "The miniscope recording's time at the behaviour's zero."),
      rate: ['REAL NOT NULL DEFAULT 1 CHECK (rate BETWEEN 0.9 AND 1.1)', 'Miniscope seconds per behaviour second.'],
      method: [
        "TEXT NOT NULL CHECK (method IN ('given', 'start-times', 'pulses'))",
        'given by a person, from the two start times, or fitted to pulses both saw.',
      ],
      pairs: ['INTEGER CHECK (pairs IS NULL OR pairs >= 1)', 'Pulses it was fitted to.'],
      residual_s: [`REAL ${within('residual_s', '0', '1e9')}`, 's', 'Root mean square of what the fit leaves.'],
    },
  },
  event: {
    element: 'event',
    className: 'Event',
    tier: 'imported',
    travels: 'parent',
    audit: 'updates',
    key: ['behavior_recording_id', 'event_type_id', 'event_start'],
    text: 'Something that happened.',
    columns: {
      behavior_recording_id: [parent('behavior_recording'), 'The behaviour recording.'],
      event_type_id: [parent('event_type'), 'What happened.'],
      event_start: [
        'INTEGER NOT NULL CHECK (event_start BETWEEN -1e13 AND 1e13)',
        '0.1 ms',
        "When it began, from the behaviour recording's start.",
      ],
      event_end_time: seconds('event_end_time', "When it ended, from the behaviour recording's start.", true),
    },
    constraints: ['CHECK (event_end_time IS NULL OR event_end_time >= event_start / 1e4 - 1e-4)'],
  },
  event_attribute: attributeOf('Event.Attribute', 'event', 'event'),
  alignment_event: {
    element: 'event',
    className: 'AlignmentEvent',
    tier: 'manual',
    travels: 'uuid',
    key: ['alignment_name'],
    text: 'How windows around events are cut out of trials.',
    columns: {
      alignment_name: [keyName('alignment_name'), 'Short name.'],
      alignment_description: [freeText, 'Free text.'],
      alignment_event_type_id: [parent('event_type'), 'Event that becomes time 0.'],
      alignment_time_shift: seconds('alignment_time_shift', 'Added to its time.'),
      start_event_type_id: [parent('event_type'), 'Event a window starts at.'],
      start_time_shift: seconds('start_time_shift', 'Added to its time.'),
      end_event_type_id: [parent('event_type'), 'Event a window ends at.'],
      end_time_shift: seconds('end_time_shift', 'Added to its time.'),
    },
  },
  block: {
    element: 'trial',
    className: 'Block',
    tier: 'imported',
    travels: 'parent',
    audit: 'updates',
    key: ['behavior_recording_id', 'block_id'],
    text: 'A stretch of a behaviour recording under one condition.',
    columns: {
      behavior_recording_id: [parent('behavior_recording'), 'The behaviour recording.'],
      block_id: ['INTEGER NOT NULL CHECK (block_id >= 0)', 'Number, from 1 by convention.'],
      block_start_time: seconds('block_start_time', "Start, from the behaviour recording's start."),
      block_stop_time: seconds('block_stop_time', "End, from the behaviour recording's start."),
    },
    constraints: ['CHECK (block_stop_time >= block_start_time)'],
  },
  block_attribute: attributeOf('Block.Attribute', 'trial', 'block'),
  trial_type: {
    element: 'trial',
    className: 'TrialType',
    tier: 'lookup',
    travels: 'name',
    key: ['trial_type'],
    text: 'A kind of trial.',
    columns: { trial_type: [keyName('trial_type'), 'Short name.'], trial_type_description: [freeText, 'What it is.'] },
  },
  trial: {
    element: 'trial',
    className: 'Trial',
    tier: 'imported',
    travels: 'parent',
    audit: 'updates',
    key: ['behavior_recording_id', 'trial_id'],
    text: 'A trial.',
    columns: {
      behavior_recording_id: [parent('behavior_recording'), 'The behaviour recording.'],
      trial_id: ['INTEGER NOT NULL CHECK (trial_id >= 0)', 'Number, from 1 by convention.'],
      trial_type_id: [optional('trial_type'), 'Its kind.'],
      trial_start_time: seconds('trial_start_time', "Start, from the behaviour recording's start."),
      trial_stop_time: seconds('trial_stop_time', "End, from the behaviour recording's start."),
    },
    constraints: ['CHECK (trial_stop_time >= trial_start_time)'],
  },
  trial_attribute: attributeOf('Trial.Attribute', 'trial', 'trial'),
  block_trial: {
    element: 'trial',
    className: 'BlockTrial',
    tier: 'imported',
    travels: 'parent',
    plain: true,
    audit: 'none',
    key: ['block_id', 'trial_id'],
    text: 'A trial of a block.',
    columns: { block_id: [parent('block'), 'The block.'], trial_id: [parent('trial'), 'The trial.'] },
  },
  trial_event: {
    element: 'trial',
    className: 'TrialEvent',
    tier: 'imported',
    travels: 'parent',
    plain: true,
    audit: 'none',
    key: ['trial_id', 'event_id'],
    text: 'An event of a trial.',
    columns: { trial_id: [parent('trial'), 'The trial.'], event_id: [parent('event'), 'The event.'] },
  },
};

/**
 * element-event: behaviour recordings, blocks, trials, events, alignment events (datamodel.md 1.5). Times count from the start of the
 * behaviour recording; `behavior_clock` says where that lies on the miniscope's time (missing upstream, defect 13). Event times are whole
 * 0.1 ms, exact as upstream's decimal(10,4), so that they can be a key.
 */
export const eventTables = tableMigration(3001, 'behaviour recordings, blocks, trials, events', eventSpecs);
