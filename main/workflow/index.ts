// SPDX-License-Identifier: MIT
/** The DataJoint miniscope workflow, natively. See README.md. */
export { createWorkflowHandlers } from './handlers.ts';
export type { WorkflowDependencies } from './handlers.ts';
