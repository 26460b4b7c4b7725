// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { defineApi, query } from '../define.ts';
import { FolderRef } from '../types.ts';

/** Choosing a folder without seeing paths: names of folders and recognised sessions below the data roots and the home folder. */
export const filesApi = defineApi('files', {
  roots: query(z.object({}), z.array(z.object({ root: z.string(), name: z.string() })), {
    doc: 'Where browsing may start.',
  }),
  list: query(
    z.object({
      folder: FolderRef,
      /** Which files are told beside folders: films and sessions (when absent), results of other programs, or places of cells. */
      files: z.enum(['films', 'results', 'places']).optional(),
    }),
    z.object({
      folder: FolderRef,
      entries: z.array(
        z.object({
          name: z.string(),
          kind: z.enum(['folder', 'session', 'film', 'file']),
          detail: z.string().optional(),
        }),
      ),
    }),
    {
      doc: 'Folders, recognised sessions and films in a folder, or files that may hold results or places of cells; nothing else.',
    },
  ),
});
