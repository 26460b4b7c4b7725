// SPDX-License-Identifier: MIT
import { instant, json } from './kit.ts';
import { freeText, master, tableMigration, type TableSpec } from './table-kit.ts';

/** Tables of migration 5000. */
export const sessionAcquisitionSpecs: Readonly<Record<string, TableSpec>> = {
  session_acquisition: {
    element: 'calyx',
    className: 'Session.Acquisition',
    tier: 'part',
    travels: 'parent',
    plain: true,
    key: ['session_id'],
    text: 'How a session was recorded with this program; one that is being recorded has a row before its first frame.',
    columns: {
      session_id: [master('session'), 'The session.'],
      state: [
        "TEXT NOT NULL CHECK (state IN ('recording', 'ended', 'recovered', 'lost'))",
        'recording; ended by a stop; recovered after a crash; lost when nothing of it was on the disk.',
      ],
      experimenter: [freeText, 'Who recorded, as typed in the form.'],
      experiment: [freeText, 'What for, as typed in the form.'],
      rig: [`TEXT NOT NULL ${json('rig')}`, 'The rig as a Miniscope-DAQ configuration, JSON.'],
      pid: ['INTEGER NOT NULL CHECK (pid > 0)', 'The process that writes the files.'],
      boot_id: [freeText, 'Boot of the machine that process belongs to; empty where the system has none.'],
      start_ticks: ['TEXT', 'Start of that process in clock ticks since boot; null where the system does not say.'],
      host: [freeText, 'Machine of that process.'],
      begun_at: [`TEXT NOT NULL ${instant('begun_at')}`, 'When Record was pressed, UTC.'],
      ended_at: [`TEXT ${instant('ended_at')}`, 'When the files were whole, UTC; null while it is under way.'],
    },
    constraints: ["CHECK ((ended_at IS NULL) = (state = 'recording'))"],
  },
};

/** A recording under way is in the library from its first moment, so that what a crash leaves is found. */
export const sessionAcquisition = tableMigration(5000, 'recordings under way', sessionAcquisitionSpecs, {
  sql: "CREATE INDEX session_acquisition_under_way ON session_acquisition (state) WHERE state = 'recording';",
});
