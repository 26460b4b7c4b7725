// SPDX-License-Identifier: MIT
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { allowedPrograms, refuseUnlisted, startProgram } from '../../../main/recording/index.ts';
import { temporaryFolder } from '../../support/library.ts';

describe('a program of a rig', () => {
  it('is started in the session’s folder with its arguments as they are, and no shell reads them', async () => {
    const folder = temporaryFolder();
    const node = process.execPath;
    const write =
      "require('fs').writeFileSync('seen.json', JSON.stringify([process.argv.slice(1), process.env.CALYX_SESSION]))";
    const program = { filePath: node, arguments: ['-e', write, '--', '$HOME; rm -rf x', '*'] };
    startProgram(program, { folder, allowed: [node], tell: () => undefined });
    const seen = path.join(folder, 'seen.json');
    await expect.poll(() => existsSync(seen) && readFileSync(seen, 'utf8').length > 0, { timeout: 10_000 }).toBe(true);
    expect(JSON.parse(readFileSync(seen, 'utf8'))).toEqual([['$HOME; rm -rf x', '*'], folder]);
  });

  it('that nobody of this machine has listed is refused with what to do', () => {
    const program = { filePath: '/usr/bin/env', arguments: [] };
    const list = { CALYX_PROGRAMS: ['/opt/lab/start.sh', 'relative'].join(path.delimiter) };
    expect(allowedPrograms(list)).toEqual(['/opt/lab/start.sh']);
    expect(() => refuseUnlisted(program, allowedPrograms(list))).toThrow(/not on this machine's list of programs/);
    expect(() =>
      refuseUnlisted({ ...program, filePath: '/opt/lab/../lab/start.sh' }, allowedPrograms(list)),
    ).not.toThrow();
    expect(() => refuseUnlisted(null, [])).not.toThrow();
  });

  it('that cannot be started, or fails, is told', async () => {
    const folder = temporaryFolder();
    const told: string[] = [];
    const tell = (text: string): void => void told.push(text);
    const gone = '/no/such/program';
    startProgram({ filePath: gone, arguments: [] }, { folder, allowed: [gone], tell });
    const fails = { filePath: process.execPath, arguments: ['-e', 'process.exit(3)'] };
    startProgram(fails, { folder, allowed: [process.execPath], tell });
    await expect.poll(() => told.length, { timeout: 10_000 }).toBe(2);
    expect(told.join('\n')).toMatch(/could not be started/);
    expect(told.join('\n')).toMatch(/ended with code 3/);
  });
});
