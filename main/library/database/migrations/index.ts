// SPDX-License-Identifier: MIT
import { subjectSession } from './1001-subject-session.ts';
import { recording } from './1002-recording.ts';
import { parameterSet } from './1003-parameter-set.ts';
import { run } from './1004-run.ts';
import { curation } from './1005-curation.ts';
import { datajointViews } from './1006-datajoint-views.ts';
import { curationEdit } from './1007-curation-edit.ts';
import type { Migration } from './kit.ts';

export { migrationChecksum } from './kit.ts';
export type { Migration } from './kit.ts';

/** Every migration this program knows, in id order. */
export const migrations: readonly Migration[] = [
  subjectSession,
  recording,
  parameterSet,
  run,
  curation,
  datajointViews,
  curationEdit,
];
