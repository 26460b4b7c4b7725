// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeTurn } from '../../../scripts/lib-turn.mjs';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'calyx-turn-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const nobody = (): void => {
  throw new Error('there is nobody to wait for');
};

describe('a turn', () => {
  it('is waited for while another has it, and taken once that one has left', async () => {
    const file = path.join(folder, 'setup.tmp');
    const leave = await takeTurn(file, nobody);
    let told = 0;
    let looks = 0;
    const wait = (): Promise<void> => {
      looks += 1;
      if (looks === 3) leave();
      return Promise.resolve();
    };
    const leaveToo = await takeTurn(file, () => (told += 1), wait);
    expect({ told, looks }).toEqual({ told: 1, looks: 3 });
    leaveToo();
    expect(existsSync(file)).toBe(false);
  });

  it('of one that died is free', async () => {
    const file = path.join(folder, 'setup.tmp');
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    writeFileSync(file, String(pid));
    const leave = await takeTurn(file, nobody);
    leave();
  });
});
