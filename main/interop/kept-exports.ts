// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { ExportRequest, ExportTask } from '../contract/index.ts';
import type { Library } from '../library/index.ts';
import { writeWholeFile } from '../recording/index.ts';

/** What was ordered: it can be carried out again as it stands. */
export const ExportOrder = z.object({
  /** Absolute. */
  folder: z.string(),
  wish: ExportRequest.omit({ target: true, destination: true, ticket: true }),
});
export type ExportOrder = z.infer<typeof ExportOrder>;

const KeptExport = z.object({
  task: ExportTask,
  order: ExportOrder,
  /** The run that was written; null before. */
  runUuid: z.string().nullable(),
  /** Absolute folder of what is unfinished; null when there is nothing. */
  scratch: z.string().nullable(),
});
export type KeptExport = z.infer<typeof KeptExport>;

const Kept = z.object({ formatVersion: z.literal(1), exports: z.array(KeptExport) });

/** Where a list of exports is kept. */
export interface KeptExports {
  readonly read: () => Promise<readonly KeptExport[]>;
  readonly write: (exports: readonly KeptExport[]) => Promise<void>;
}

/** The list of a library: `exports.json` in its folder. One that is damaged or of a newer program is begun anew; it holds no data. */
export function keptExports({ folders, readOnly }: Pick<Library, 'folders' | 'readOnly'>): KeptExports {
  const file = path.join(folders.root, 'exports.json');
  return {
    read: async () => {
      try {
        return Kept.parse(JSON.parse(await readFile(file, 'utf8'))).exports;
      } catch {
        return [];
      }
    },
    write: async (exports) => {
      if (readOnly !== null) return;
      const kept: z.infer<typeof Kept> = { formatVersion: 1, exports: [...exports] };
      await writeWholeFile(file, `${JSON.stringify(kept)}\n`);
    },
  };
}
