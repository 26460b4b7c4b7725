// SPDX-License-Identifier: MIT
/** Frames into session folders. See README.md. */
export { Recording, type IntegrityReport, type RecorderDependencies, type RecordingPlan } from './recorder.ts';
export { readRig, simulatorRig, type Rig, type RigScope } from './rig.ts';
export { ScopeFeed, type ScopeSession } from './session.ts';
export { recordingFolder } from './session-folder.ts';
