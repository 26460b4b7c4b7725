// SPDX-License-Identifier: MIT
/** The DataJoint miniscope workflow, natively. See README.md. */
export { createWorkflowHandlers } from './handlers.ts';
export type { WorkflowDependencies } from './handlers.ts';
export { average, binFrames, binGrid, binTrace } from './align.ts';
export type { CameraWindow } from './align.ts';
export { trialWindows } from './windows.ts';
export type { TrialWindow } from './windows.ts';
