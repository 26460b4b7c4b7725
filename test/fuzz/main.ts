// SPDX-License-Identifier: MIT
/** Damages good files and lets every parser read them: `npm run test:fuzz -- [--seconds N] [--seed N] [--target name]…`. Exits 1 with a finding. */
import { fork } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { repositoryRoot } from '../support/shared.ts';
import type { Said } from './runner.ts';
import { targets } from './targets.ts';

/** Reading one damaged file may take so long, ms; starting a process takes longer on a busy machine. */
const longestMs = 20_000;
const startMs = 120_000;
/** Findings shown of one target. */
const mostShown = 5;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    target: { type: 'string', multiple: true, default: targets.map(({ name }) => name) },
    from: { type: 'string', default: '0' },
  },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed);
const unknown = values.target.filter((name) => !targets.some((target) => target.name === name));
if (unknown.length > 0 || !(seconds > 0) || !Number.isInteger(seed)) {
  console.error(`--target is one of ${targets.map(({ name }) => name).join(', ')}; --seconds and --seed are numbers.`);
  process.exit(2);
}

/** What became of one target. */
interface Outcome {
  readonly inputs: number;
  readonly refused: number;
  readonly findings: readonly { readonly input: number; readonly what: string }[];
}

const kept = path.join(repositoryRoot, 'test-output', 'fuzz');

/** Lets one target read for so long; after a crash or a hang it goes on with the next input. */
async function fire(name: string, ms: number): Promise<Outcome> {
  const folder = mkdtempSync(path.join(tmpdir(), 'calyx-fuzz-'));
  const until = performance.now() + ms;
  const findings: { input: number; what: string }[] = [];
  const keep = (input: number, what: string): void => {
    findings.push({ input, what });
  };
  /** What a dead process was reading lies there still. */
  const keepNow = (input: number, what: string): void => {
    keep(input, what);
    if (findings.length > mostShown) return;
    const place = path.join(kept, `${name}-${seed}-${input}`);
    mkdirSync(kept, { recursive: true });
    rmSync(place, { recursive: true, force: true });
    // One that ended before it had read anything left nothing.
    if (existsSync(path.join(folder, 'now'))) cpSync(path.join(folder, 'now'), place, { recursive: true });
  };
  let [inputs, refused, from] = [0, 0, Number(values.from)];
  try {
    for (;;) {
      const left = until - performance.now();
      if (left <= 0 || findings.length > 200) break;
      const end = await once(name, { left, from, folder }, { keep, keepNow });
      inputs += end.inputs;
      refused += end.refused;
      from = end.next;
      if (end.isDone) break;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { inputs, refused, findings };
}

/** One process of a target. */
async function once(
  name: string,
  { left, from, folder }: { readonly left: number; readonly from: number; readonly folder: string },
  { keep, keepNow }: Readonly<Record<'keep' | 'keepNow', (input: number, what: string) => void>>,
): Promise<{ readonly inputs: number; readonly refused: number; readonly next: number; readonly isDone: boolean }> {
  const job = JSON.stringify({ target: name, seed, ms: left, from, folder, kept });
  const child = fork(path.join(import.meta.dirname, 'runner.ts'), [job], {
    execArgv: ['--max-old-space-size=1024'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = `${stderr}${text}`.slice(-4000);
  });
  let at = from;
  let done: { inputs: number; refused: number } | undefined;
  let hangs = false;
  let timer: NodeJS.Timeout | undefined;
  const watch = (ms: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      hangs = true;
      child.kill('SIGKILL');
    }, ms);
  };
  watch(startMs);
  child.on('message', (said: Said) => {
    watch(longestMs);
    if (said.type === 'at') at = said.input;
    else if (said.type === 'finding') keep(said.input, said.what);
    else done = said;
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.once('close', (...end) => resolve(end));
  });
  clearTimeout(timer);
  if (done !== undefined) return { ...done, next: at + 1, isDone: true };
  keepNow(at, hangs ? `no end within ${longestMs / 1000} s` : `the process ended with ${signal ?? code}: ${stderr}`);
  return { inputs: at - from + 1, refused: 0, next: at + 1, isDone: false };
}

let bad = 0;
for (const name of values.target) {
  const { inputs, refused, findings } = await fire(name, (1000 * seconds) / values.target.length);
  console.log(`${name}: ${inputs} inputs, ${refused} refused, ${findings.length} findings`);
  for (const { input, what } of findings.slice(0, mostShown))
    console.log(`  input ${input} (seed ${seed}; kept in test-output/fuzz/${name}-${seed}-${input}): ${what}`);
  if (inputs === 0) console.log(`  FAILED: nothing was read.`);
  bad += findings.length + (inputs === 0 ? 1 : 0);
}
console.log(`${bad === 0 ? 'no' : bad} findings`);
process.exitCode = bad === 0 ? 0 : 1;
