// SPDX-License-Identifier: MIT
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { largeCellSet } from '../../support/cell-set.ts';
import { calyx, startCli } from '../../support/cli.ts';
import { temporaryFolder } from '../../support/session-folders.ts';

it(
  'an import of a result tells how far it is; Ctrl-C ends it, and nothing of it stays',
  { timeout: 60_000 },
  async () => {
    using root = temporaryFolder();
    const library = path.join(root.path, 'library');
    largeCellSet(path.join(root.path, 'day.isxd'), 2000);
    const running = startCli(['import', 'day.isxd', '--library', library], { from: root.path });
    await running.said(/\d % · reading the traces|reading the traces/);
    running.process.kill('SIGINT');
    const end = await running.ended;
    expect(end).toMatchObject({ code: 130, out: '' });
    expect(end.err).toContain('The import was stopped; what was not finished has been put away.');
    expect(readdirSync(path.join(library, 'runs'))).toEqual([]);
    expect(existsSync(path.join(library, 'lock.json'))).toBe(false);
    const listed = await calyx(['sessions', '--library', library, '--json']);
    expect(JSON.parse(listed.out)).toMatchObject({ sessions: [] });
  },
);
