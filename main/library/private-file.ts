// SPDX-License-Identifier: MIT
import { chmodSync, renameSync, writeFileSync } from 'node:fs';

/**
 * Writes a value as JSON that only this person may read, in one step: under `<file>.<mark>` first. What is left of it after an error is the caller's.
 *
 * @throws the system's error
 */
export function writePrivateJson(file: string, mark: string, value: object): void {
  const temporary = `${file}.${mark}`;
  writeFileSync(temporary, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  chmodSync(temporary, 0o600);
  renameSync(temporary, file);
}
