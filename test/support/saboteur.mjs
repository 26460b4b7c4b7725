#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Runs the real engine ($SABOTEUR_ENGINE) and kills it with signal 9 as soon as it says that the stage $SABOTEUR_STAGE has started; then dies
// the same way, as if the system had killed the engine itself. An engine that is told a size limit ($SABOTEUR_FILE_BLOCKS, in 1024 bytes)
// gets it by `ulimit -f`.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const { SABOTEUR_ENGINE: engine, SABOTEUR_STAGE: stage, SABOTEUR_FILE_BLOCKS: blocks } = process.env;
const [program, args] =
  blocks === undefined
    ? [engine, process.argv.slice(2)]
    : ['bash', ['-c', `ulimit -f ${blocks}; exec "$0" "$@"`, engine, ...process.argv.slice(2)]];
const child = spawn(program, args, { stdio: ['inherit', 'pipe', 'inherit'] });
let killed = false;
createInterface({ input: child.stdout }).on('line', (line) => {
  if (killed) return;
  process.stdout.write(`${line}\n`);
  const message = JSON.parse(line);
  if (stage === undefined || message.type !== 'stage' || message.stage !== stage || message.state !== 'started') return;
  killed = true;
  child.kill('SIGKILL');
  process.stdout.write('', () => process.kill(process.pid, 'SIGKILL'));
});
child.on('close', (code, signal) => {
  if (signal !== null) process.kill(process.pid, signal);
  else process.exitCode = code ?? 1;
});
