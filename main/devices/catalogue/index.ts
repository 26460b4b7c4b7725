// SPDX-License-Identifier: MIT
export { readCatalogue, scopeType, type Catalogue } from './catalogue.ts';
export { fixedPacket, resolveSetting, startSetting, type Resolved, type Setting } from './control.ts';
export type { CommandTemplate, Control, ScopeType } from './scope-type.ts';
