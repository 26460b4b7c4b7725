// SPDX-License-Identifier: MIT
/** The live instrument: preview, recording, report. See README.md. */
export { createAcquireHandlers, type RemoteControl } from './handlers.ts';
export type { PracticeBoard } from './practice-board.ts';
export { Acquisition, type AcquisitionOptions, livePath } from './service.ts';
export { SideWork } from './side-work.ts';
export { recordedSessions, type LeftBehind, type RecordedSessions } from './recorded-sessions.ts';
