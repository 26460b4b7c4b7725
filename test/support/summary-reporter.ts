// SPDX-License-Identifier: MIT
import { writeFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import type { Reporter, TestModule } from 'vitest/node';

/** Writes counts, what failed and the reason of each skip to the file that CALYX_TEST_SUMMARY names; scripts/test.mjs adds them up. */
export class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const summary = { passed: 0, failed: errors.length, skipped: 0, reasons: [] as string[], failures: [] as string[] };
    for (const error of errors) summary.failures.push(`outside the tests: ${firstLine(error)}`);
    for (const module of modules) {
      if (module.errors().length > 0) {
        summary.failed += 1;
        summary.failures.push(`${module.relativeModuleId}: ${firstLine(module.errors()[0])}`);
      }
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') summary.passed += 1;
        else if (result.state === 'failed') {
          summary.failed += 1;
          summary.failures.push(`${module.relativeModuleId}: ${test.fullName}: ${firstLine(result.errors[0])}`);
        } else {
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

/** What an error says, without its colours, differences and stack. */
function firstLine(error: unknown): string {
  const message = isMessage(error) ? error.message : String(error);
  return stripVTControlCharacters(message).split('\n', 1)[0] ?? '';
}

function isMessage(error: unknown): error is { readonly message: string } {
  return typeof error === 'object' && error !== null && 'message' in error && typeof error.message === 'string';
}

// oxlint-disable-next-line import/no-default-export -- vitest loads a reporter by its default export
export default SummaryReporter;
