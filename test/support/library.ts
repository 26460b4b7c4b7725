// SPDX-License-Identifier: MIT
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openStores, type OpenStoresOptions, type Stores } from '../../main/library/database/stores.ts';
import { testEpochMs } from './library-data.ts';

export * from './library-data.ts';

/** A folder that is gone after the test. */
export function temporaryFolder(prefix = 'calyx-library-'): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Stores with a clock and uuids that repeat from run to run; closed after the test. */
export function testStores(options: Partial<OpenStoresOptions> = {}): Stores {
  const stores = openStores({
    directory: options.directory ?? temporaryFolder(),
    host: 'rig',
    fixedClockMs: testEpochMs,
    seed: 1,
    ...options,
  });
  onTestFinished(() => {
    stores.close();
  });
  return stores;
}
