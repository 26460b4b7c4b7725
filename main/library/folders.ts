// SPDX-License-Identifier: MIT
import { join } from 'node:path';
import type { LibraryFolders } from './types.ts';

/** Where everything of a library is. Only `library.sqlite` and `lock.json` are made at once; the rest when first needed. */
export function libraryFolders(directory: string): LibraryFolders {
  return {
    root: directory,
    database: join(directory, 'library.sqlite'),
    runs: join(directory, 'runs'),
    edits: join(directory, 'edits'),
    films: join(directory, 'films'),
    cache: join(directory, 'cache'),
    backups: join(directory, 'backups'),
    quarantine: join(directory, 'quarantine'),
    logs: join(directory, 'logs'),
    evaluationModel: join(directory, 'models', 'evaluation.json'),
    lock: join(directory, 'lock.json'),
  };
}
