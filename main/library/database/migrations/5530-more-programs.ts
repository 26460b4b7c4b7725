// SPDX-License-Identifier: MIT
import type { Migration } from './kit.ts';

/** Further programs whose results can be imported, as methods of runs. */
export const morePrograms: Migration = {
  id: 5530,
  name: 'further programs whose results are imported',
  sql: `
    INSERT INTO processing_method (processing_method, processing_method_desc, builtin)
    VALUES
      ('suite2p', 'suite2p, results imported from its folders.', 1),
      ('cnmf_e', 'CNMF-E for MATLAB, results imported from MAT files.', 1),
      ('cellreg', 'CellReg, footprints imported from its MAT files.', 1),
      ('outlines', 'Outlines drawn by a person in ImageJ.', 1)
    ON CONFLICT (processing_method) DO NOTHING;
  `,
  docs: {},
};
