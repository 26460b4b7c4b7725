// SPDX-License-Identifier: MIT
// Runs the suites and adds them up. `npm test` runs all of them; `npm test -- unit rust` only those named.
// It ends with a line for each skip with its reason, one for each failure, and `N passed, N failed, N skipped`; what .ci/required lists may not
// skip under CI.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { root, run, which } from './lib.mjs';

const output = path.join(root, 'test-output');
const native = path.join(root, 'native');

/** Adds a suite's own last line (`N passed, N failed, N skipped`) up. */
function lastLine(text) {
  const found = [...text.matchAll(/^(\d+) passed, (\d+) failed, (\d+) skipped$/gm)].at(-1);
  return found === undefined
    ? undefined
    : { passed: Number(found[1]), failed: Number(found[2]), skipped: Number(found[3]) };
}

async function checks() {
  const result = await run(process.execPath, ['scripts/check.mjs'], { capture: true, echo: true });
  const failures = [...result.output.matchAll(/^FAILED  (.+)$/gm)].map((match) => match[1]);
  return {
    ...(lastLine(result.output) ?? { passed: 0, failed: 1, skipped: 0 }),
    reasons: skipLines(result.output),
    failures,
  };
}

function skipLines(text) {
  return [...text.matchAll(/^skipped (.+)$/gm)].map((match) => match[1]);
}

/** A vitest project; its reporter writes what was counted and why tests were skipped. */
async function vitest(project) {
  const file = path.join(output, `${project}.json`);
  rmSync(file, { force: true });
  const result = await run(
    process.execPath,
    [path.join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--project', project],
    {
      capture: true,
      echo: true,
      env: { ...process.env, CALYX_TEST_SUMMARY: file },
    },
  );
  try {
    const summary = JSON.parse(readFileSync(file, 'utf8'));
    if (result.code !== 0 && summary.failed === 0) {
      summary.failed = 1;
      summary.failures.push(`vitest ended with ${result.code} though every test passed`);
    }
    return summary;
  } catch {
    return { passed: 0, failed: 1, skipped: 0, reasons: [], failures: ['the suite did not report'] };
  }
}

/**
 * `cargo test`. A test that cannot run here prints `skipped: reason` and returns; cargo counts it as passed, so its output is read.
 * @param {readonly string[]} args
 */
async function cargo(args) {
  if (which('cargo') === undefined) {
    return { passed: 0, failed: 1, skipped: 0, reasons: [], failures: ['cargo is missing'] };
  }
  const result = await run(
    'cargo',
    [
      'test',
      '--release',
      '--locked',
      '--quiet',
      '--no-fail-fast',
      ...args,
      '--',
      '--show-output',
      '--test-threads',
      '2',
    ],
    {
      capture: true,
      cwd: native,
    },
  );
  const totals = { passed: 0, failed: 0, skipped: 0 };
  for (const match of result.output.matchAll(/^test result: .*? (\d+) passed; (\d+) failed; (\d+) ignored/gm)) {
    totals.passed += Number(match[1]);
    totals.failed += Number(match[2]);
    totals.skipped += Number(match[3]);
  }
  const reasons = [...result.output.matchAll(/^---- (\S+) stdout ----\n((?:(?!^----).*\n)*?)skipped: (.+)$/gm)].map(
    (match) => `${match[1]}: ${match[3]}`,
  );
  // The last list of a binary's failures: names alone, indented by four.
  const failures = [...result.output.matchAll(/^failures:\n((?: {4}\S+\n)+)\ntest result/gm)].flatMap((match) =>
    match[1].trim().split(/\s+/),
  );
  totals.passed -= reasons.length;
  totals.skipped += reasons.length;
  for (const line of result.output.matchAll(/^(film .+)$/gm)) console.log(`  ${line[1]}`);
  if (result.code !== 0) {
    console.log(result.output);
    if (failures.length === 0) failures.push(`cargo test ended with ${result.code}`);
    totals.failed = Math.max(totals.failed, 1);
  }
  return { ...totals, reasons, failures };
}

const suites = {
  check: checks,
  unit: () => vitest('unit'),
  contract: () => vitest('contract'),
  rust: () => cargo(['--workspace', '--lib', '--bins', '--tests', '--exclude', 'calyx-science']),
  integration: () => vitest('integration'),
  science: () => cargo(['-p', 'calyx-science']),
  e2e: () => vitest('e2e'),
  window: () => vitest('window'),
  electron: () => vitest('electron'),
  interop: () => vitest('interop'),
};

/** Suites with a command of their own, which `npm test` leaves out. */
const apart = new Set(['interop', 'window']);

const asked = process.argv.slice(2).filter((name) => !name.startsWith('-'));
const unknown = asked.filter((name) => !(name in suites));
if (unknown.length > 0) {
  console.error(`No such suite: ${unknown.join(', ')}. There are: ${Object.keys(suites).join(', ')}.`);
  process.exit(2);
}
mkdirSync(output, { recursive: true });
const required = new Set(
  readFileSync(path.join(root, '.ci', 'required'), 'utf8')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== ''),
);
const total = { passed: 0, failed: 0, skipped: 0 };
const skips = [];
const failures = [];
for (const name of asked.length > 0 ? asked : Object.keys(suites).filter((suite) => !apart.has(suite))) {
  const began = performance.now();
  console.log(`\n== ${name}`);
  const result = await suites[name]();
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`-- ${name}: ${result.passed} ok, ${result.failed} not, ${result.skipped} left out, ${seconds} s`);
  for (const key of ['passed', 'failed', 'skipped']) total[key] += result[key];
  skips.push(...result.reasons.map((reason) => `${name}: ${reason}`));
  failures.push(...result.failures.map((failure) => `${name}: ${failure}`));
  const nothingRan = result.passed + result.failed === 0;
  if (process.env.CI === 'true' && required.has(name) && (result.skipped > 0 || nothingRan)) {
    total.failed += 1;
    failures.push(`${name} is required here and may not skip`);
  }
}
console.log('');
for (const reason of skips) console.log(`skipped ${reason}`);
for (const failure of failures) console.log(`failed  ${failure}`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
