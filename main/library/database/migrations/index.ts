// SPDX-License-Identifier: MIT
import { subjectSession } from './1001-subject-session.ts';
import { recording } from './1002-recording.ts';
import { parameterSet } from './1003-parameter-set.ts';
import { run } from './1004-run.ts';
import { curation } from './1005-curation.ts';
import { datajointViews } from './1006-datajoint-views.ts';
import { curationEdit } from './1007-curation-edit.ts';
import { catalogue } from './1008-catalogue.ts';
import { labTables } from './1009-lab.ts';
import { animalTables } from './1010-animals.ts';
import { surgeryTables } from './1011-surgery.ts';
import { sessionParts } from './1012-session-parts.ts';
import { deletion } from './1050-deletion.ts';
import { eventTables } from './3001-events.ts';
import { resultTables } from './3002-results.ts';
import { workflowViews } from './3003-views.ts';
import { job } from './3100-job.ts';
import { otherPrograms } from './4050-other-programs.ts';
import { sessionAcquisition } from './5000-session-acquisition.ts';
import { positionTables } from './5100-position.ts';
import { runJobs } from './5110-run-jobs.ts';
import { parameterSets } from './5111-parameter-sets.ts';
import { alignedViews } from './5112-aligned-views.ts';
import { travel } from './5200-travel.ts';
import { runBatch } from './5410-run-batch.ts';
import { sessionMatch } from './5400-session-match.ts';
import { secondReading } from './5450-second-reading.ts';
import { consensus } from './5451-consensus.ts';
import { keptLimits } from './5452-kept-limits.ts';
import { morePrograms } from './5530-more-programs.ts';
import { nwbResults } from './5620-nwb-results.ts';
import type { Migration } from './kit.ts';

export { migrationChecksum } from './kit.ts';
export type { Migration, TableDoc, Tier } from './kit.ts';

/** Every migration this program knows, in id order. */
export const migrations: readonly Migration[] = [
  subjectSession,
  recording,
  parameterSet,
  run,
  curation,
  datajointViews,
  curationEdit,
  catalogue,
  labTables,
  animalTables,
  surgeryTables,
  sessionParts,
  deletion,
  eventTables,
  resultTables,
  workflowViews,
  job,
  otherPrograms,
  sessionAcquisition,
  positionTables,
  runJobs,
  parameterSets,
  alignedViews,
  travel,
  sessionMatch,
  runBatch,
  secondReading,
  consensus,
  keptLimits,
  morePrograms,
  nwbResults,
];
