// SPDX-License-Identifier: MIT
// Format, lint, dependency rules, types, clippy, rustfmt: zero warnings. Ends with a line `N passed, N failed, N skipped`.
import path from 'node:path';
import { root, run, which } from './lib.mjs';

/** @type {(project: string) => readonly [string, readonly string[]]} */
const tsc = (project) => ['tsc', ['-p', project]];
/** @type {ReadonlyArray<readonly [string, string, readonly string[]]>} */
const checks = [
  ['format (oxfmt)', 'oxfmt', ['--check', '.']],
  ['lint (oxlint, type-aware)', 'oxlint', ['--type-aware', '--deny-warnings']],
  [
    'who may import whom (dependency-cruiser)',
    'depcruise',
    ['--config', '.dependency-cruiser.cjs', '--output-type', 'err', 'main', 'renderer'],
  ],
  ['types of main/contract', ...tsc('main/contract')],
  ['types of main', ...tsc('main')],
  ['types of renderer', ...tsc('renderer')],
  ['types of test', ...tsc('test')],
];
const native = path.join(root, 'native');
/** @type {ReadonlyArray<readonly [string, readonly string[]]>} */
const cargo = [
  ['rustfmt', ['fmt', '--all', '--check']],
  ['clippy', ['clippy', '--release', '--locked', '--quiet', '--workspace', '--all-targets', '--', '-D', 'warnings']],
];

const counts = { passed: 0, failed: 0, skipped: 0 };
function told(name, result) {
  if (result.code === 0) {
    counts.passed += 1;
    console.log(`ok      ${name}`);
  } else {
    counts.failed += 1;
    console.log(`FAILED  ${name}\n${result.output}`);
  }
}
for (const [name, program, args] of checks) told(name, await run(program, args, { capture: true }));
for (const [name, args] of cargo) {
  if (which('cargo') === undefined) {
    counts.skipped += 1;
    console.log(`skipped ${name}: no cargo on the PATH`);
  } else {
    told(name, await run('cargo', args, { capture: true, cwd: native }));
  }
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed === 0 ? 0 : 1;
