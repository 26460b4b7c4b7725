// SPDX-License-Identifier: MIT
import { acquireApi, liveApi } from './acquire.ts';
import { appApi } from './app.ts';
import { datajointApi } from './datajoint.ts';
import { exploreApi } from './explore.ts';
import { filesApi } from './files.ts';
import { framesApi, movieApi } from './frames.ts';
import { interopApi } from './interop.ts';
import { libraryApi } from './library.ts';
import { jobsApi } from './jobs.ts';
import { positionApi } from './position.ts';
import { processingApi } from './processing.ts';
import { recordedApi } from './recorded.ts';
import { reviewApi } from './review.ts';
import { resultsApi } from './results.ts';
import { sessionsApi } from './sessions.ts';
import { settingsApi } from './settings.ts';
import { tablesApi } from './tables.ts';
import { travelApi } from './travel.ts';
import { workflowApi } from './workflow.ts';

/** Raised whenever a committed snapshot changes in a way an older client could trip over; compared first by every client. */
export const contractVersion = 1;

/** Every domain the core serves. */
export const coreApis = {
  app: appApi,
  files: filesApi,
  sessions: sessionsApi,
  library: libraryApi,
  tables: tablesApi,
  jobs: jobsApi,
  processing: processingApi,
  review: reviewApi,
  recorded: recordedApi,
  results: resultsApi,
  frames: framesApi,
  interop: interopApi,
  datajoint: datajointApi,
  workflow: workflowApi,
  position: positionApi,
  travel: travelApi,
  acquire: acquireApi,
  explore: exploreApi,
  settings: settingsApi,
} as const;

/** What the media process serves on its own socket. */
export const mediaApis = { movie: movieApi } as const;

/** What the capture process serves on its own socket. */
export const captureApis = { live: liveApi } as const;
