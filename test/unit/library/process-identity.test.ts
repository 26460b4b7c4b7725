// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { currentProcess, isAlive, processRef } from '../../../main/library/index.ts';

const hasProc = existsSync('/proc/self/stat');

describe.skipIf(!hasProc)('a reference to a process (the system tells start times)', () => {
  it('holds for this one', () => {
    expect(isAlive(currentProcess())).toBe(true);
    expect(currentProcess().startTicks).toMatch(/^\d+$/);
    expect(currentProcess().bootId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('does not hold for another with the same number, another boot, or none', () => {
    const self = currentProcess();
    expect(isAlive({ ...self, startTicks: '1' })).toBe(false);
    expect(isAlive({ ...self, bootId: '' })).toBe(false);
    expect(isAlive({ ...self, pid: 4_194_000 })).toBe(false);
    expect(isAlive({ ...self, startTicks: null })).toBe(true);
  });

  it('holds until the process ends', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const ref = processRef(child.pid ?? 0);
    expect(isAlive(ref)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isAlive(ref)).toBe(false);
  });

  it('does not hold for one that has ended and was not fetched by its parent', async () => {
    // cat ends when its input does; by then sleep has taken the shell's place and never asks for it.
    const child = spawn('/bin/sh', ['-c', 'cat <&3 & echo $!; exec sleep 60 3<&-'], {
      stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    });
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    const [line] = (await once(createInterface({ input: child.stdout ?? Readable.from([]) }), 'line')) as [string];
    const pid = Number(line);
    const until = async (path: string, wanted: RegExp): Promise<void> => {
      while (!wanted.test(readFileSync(path, 'utf8'))) await new Promise((resolve) => setImmediate(resolve));
    };
    await until(`/proc/${child.pid}/comm`, /^sleep/);
    const ref = processRef(pid);
    expect(isAlive(ref)).toBe(true);
    child.stdio[3]?.destroy();
    await until(`/proc/${pid}/stat`, /\) Z /);
    expect(isAlive(ref)).toBe(false);
  });
});
