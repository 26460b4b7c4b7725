// SPDX-License-Identifier: MIT
/** What a user has set on a machine. See README.md. */
export { settingsFolder } from './folder.ts';
export { RigFiles } from './rigs.ts';
export { createSettingsHandlers, type SettingsDependencies } from './handlers.ts';
export { MachineSettings } from './machine.ts';
