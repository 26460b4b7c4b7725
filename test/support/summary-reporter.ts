// SPDX-License-Identifier: MIT
import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/** Writes counts and the reason of each skip to the file that CALYX_TEST_SUMMARY names; scripts/test.mjs adds them up. */
export class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const summary = { passed: 0, failed: errors.length, skipped: 0, reasons: [] as string[] };
    for (const module of modules) {
      if (module.errors().length > 0) summary.failed += 1;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') summary.passed += 1;
        else if (result.state === 'failed') summary.failed += 1;
        else {
          summary.skipped += 1;
          const note = result.state === 'skipped' ? result.note : undefined;
          summary.reasons.push(`${module.relativeModuleId}: ${test.fullName}: ${note ?? 'no reason given'}`);
        }
      }
    }
    const file = process.env['CALYX_TEST_SUMMARY'];
    if (file !== undefined) writeFileSync(file, JSON.stringify(summary));
  }
}

// oxlint-disable-next-line import/no-default-export -- vitest loads a reporter by its default export
export default SummaryReporter;
