// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import path from 'node:path';

/** The repository's root. */
export const repositoryRoot = path.resolve(import.meta.dirname, '..', '..');

/** The folder of test recordings that do not belong to the repository: `$CALYX_SHARED`, else `../shared`. */
export const sharedFolder = process.env['CALYX_SHARED'] ?? path.resolve(repositoryRoot, '..', 'shared');

/** Why a test that wants `part` of the shared recordings cannot run, or undefined when it can. */
export function sharedMissing(part: string): string | undefined {
  return existsSync(path.join(sharedFolder, part))
    ? undefined
    : `the shared recordings (${part}) are not on this machine`;
}
