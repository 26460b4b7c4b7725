// SPDX-License-Identifier: MIT
import type { Migration } from './kit.ts';

/** Programs whose results can be imported, as methods of runs. */
export const otherPrograms: Migration = {
  id: 4050,
  name: 'programs whose results are imported',
  sql: `
    INSERT INTO processing_method (processing_method, processing_method_desc, builtin)
    VALUES
      ('minian', 'MiniAn, results imported from its zarr stores.', 1),
      ('min1pipe', 'MIN1PIPE, results imported from its MAT files.', 1),
      ('inscopix', 'Inscopix, cell sets imported.', 1);
  `,
  docs: {},
};
