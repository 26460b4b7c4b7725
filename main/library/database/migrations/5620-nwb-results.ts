// SPDX-License-Identifier: MIT
import type { Migration } from './kit.ts';

/** Results in NWB files as a method of runs. */
export const nwbResults: Migration = {
  id: 5620,
  name: 'results of NWB files',
  sql: `
    INSERT INTO processing_method (processing_method, processing_method_desc, builtin)
    VALUES ('nwb', 'Cells and traces imported from NWB files, whichever program found them.', 1)
    ON CONFLICT (processing_method) DO NOTHING;
  `,
  docs: {},
};
