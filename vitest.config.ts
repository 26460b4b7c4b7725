// SPDX-License-Identifier: MIT
import path from 'node:path';
import { defineConfig } from 'vitest/config';

// Tests start many processes and threads from the sources: what Node has stripped and compiled once is kept.
process.env['NODE_COMPILE_CACHE'] ??= path.join(import.meta.dirname, 'node_modules', '.cache', 'node-compile');

const project = (name: string, timeoutMs: number, parallel: boolean) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    fileParallelism: parallel,
    pool: 'forks' as const,
    env: { CALYX_TEST: '1' },
    // A wait ends when what it waits for is there; on a busy machine a second, the default, is no proof that it will not be.
    expect: { poll: { timeout: 15_000 } },
  },
});

export default defineConfig({
  test: {
    maxWorkers: 2,
    /** Of tests that say themselves that they may run side by side. */
    maxConcurrency: 3,
    reporters:
      process.env['CALYX_TEST_SUMMARY'] === undefined ? ['default'] : ['default', './test/support/summary-reporter.ts'],
    projects: [
      project('unit', 20_000, true),
      project('contract', 60_000, true),
      project('integration', 120_000, false),
      project('e2e', 180_000, false),
      project('window', 180_000, false),
      project('electron', 180_000, false),
      project('interop', 400_000, false),
    ],
  },
});
