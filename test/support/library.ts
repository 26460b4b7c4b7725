// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import {
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openStores, type OpenStoresOptions, type Stores } from '../../main/library/database/stores.ts';
import { testEpochMs } from './library-data.ts';
import { repositoryRoot } from './shared.ts';

export * from './library-data.ts';

/** A folder that is gone after the test. */
export function temporaryFolder(prefix = 'calyx-library-'): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

let key: string | undefined;

/** Changes with anything that makes a library's schema. */
function schemaKey(): string {
  if (key !== undefined) return key;
  const folder = join(repositoryRoot, 'main', 'library', 'database');
  const hash = createHash('sha256');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort())
    if (name.endsWith('.ts')) hash.update(readFileSync(join(folder, name)));
  key = hash.digest('hex').slice(0, 16);
  return key;
}

/**
 * Puts a new library's database into a folder: a copy of one that was made once for this schema, since making it takes a hundred times
 * as long as copying. Tests of a new library itself open one without this.
 */
export function newLibraryIn(directory: string): string {
  const template = join(tmpdir(), `calyx-test-library-${schemaKey()}.sqlite`);
  if (!existsSync(template)) {
    const folder = mkdtempSync(join(tmpdir(), 'calyx-test-template-'));
    openStores({ directory: folder, host: 'rig', fixedClockMs: testEpochMs, seed: 1 }).close();
    // In one step: other test processes look for it, too.
    renameSync(join(folder, 'library.sqlite'), template);
    rmSync(folder, { recursive: true });
  }
  mkdirSync(directory, { recursive: true });
  copyFileSync(template, join(directory, 'library.sqlite'), constants.COPYFILE_EXCL);
  return directory;
}

/** Stores with a clock and uuids that repeat from run to run; closed after the test. */
export function testStores(options: Partial<OpenStoresOptions> = {}): Stores {
  const directory = options.directory ?? temporaryFolder();
  const isNew = !existsSync(join(directory, 'library.sqlite'));
  if (isNew && options.migrations === undefined && options.readOnly === undefined) newLibraryIn(directory);
  const stores = openStores({
    host: 'rig',
    fixedClockMs: testEpochMs,
    seed: 1,
    ...options,
    directory,
  });
  onTestFinished(() => {
    stores.close();
  });
  return stores;
}
