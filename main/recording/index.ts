// SPDX-License-Identifier: MIT
/** Frames into session folders. See README.md. */
export { CameraRecording, type CameraReport } from './camera-recording.ts';
export { freeBytesOf, systemDisk, type Disk, type DiskFile } from './disk.ts';
export { diskFaultNames, failingDisk, type DiskFaultName, type FailingDisk } from './failing-disk.ts';
export { Recording, type IntegrityReport, type RecorderDependencies, type RecordingPlan } from './recorder.ts';
export { readRig, rigIssues, rigJson, rigOf, writeRig } from './rig-file.ts';
export {
  simulatorRig,
  type Rig,
  type RigCamera,
  type RigCommutator,
  type RigProgram,
  type RigScope,
  type Roi,
} from './rig.ts';
export { allowedPrograms, refuseUnlisted, startProgram } from './programs.ts';
export { RigRecording, type RigCameraOpen, type RigScopeOpen } from './rig-recording.ts';
export { readLost, type Lost } from './rebuild-report.ts';
export { isUnfinished, recoverSession, type DeviceRecovery, type Recovery } from './recovery.ts';
export { ScopeFeed, type ScopeSession } from './session.ts';
export { fileName, makeNewFolder, recordingFolder } from './session-folder.ts';
export { SharedSession } from './shared-session.ts';
export { bytesPerSecond, checkSpace, measureWriteSpeed, refuseWithoutSpace, type SpaceCheck } from './space.ts';
export { makeTruthFolder, writeTruth, type TruthOf } from './truth.ts';
export { faultsText, lossText } from './words.ts';
export { writeWholeFile } from './whole-file.ts';
export { verifySession, type DeviceVerdict, type Verdict } from './verify.ts';
