// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { beginAnewToRecord, type RunningNode } from '../../../../main/hosts/cli/begin-anew.ts';
import { recordingFlags } from '../../../../main/supervisor/index.ts';

/** What a process with these words would be begun anew with; null when it goes on as it is. */
function anew(words: readonly string[], execArgv: readonly string[] = []): readonly unknown[] | null {
  let told: readonly unknown[] | null = null;
  const node: RunningNode = {
    argv: ['node', 'main.ts', ...words],
    execArgv: [...execArgv],
    execPath: '/bin/node',
    env: { HOME: '/home/me' },
    execve: ((...given) => {
      told = given;
    }) as NonNullable<RunningNode['execve']>,
  };
  beginAnewToRecord(node);
  return told;
}

describe.skipIf(process.platform === 'win32')('the command line’s own process', () => {
  it('begins anew with the flags of a recording, each word and flag kept', () => {
    expect(anew(['record', '--rig', 'a b', ''], ['--no-warnings'])).toEqual([
      '/bin/node',
      ['/bin/node', '--no-warnings', ...recordingFlags, 'main.ts', 'record', '--rig', 'a b', ''],
      { HOME: '/home/me' },
    ]);
  });

  it('goes on as it is once it has them, and for commands that do not record', () => {
    expect(anew(['record', '--help'], [...recordingFlags])).toBeNull();
    expect(anew(['devices'])).toBeNull();
    expect(anew([])).toBeNull();
  });
});
