// SPDX-License-Identifier: MIT
// Makes assets/sample-session again: a simulated Miniscope V4 session with known truth, always the same pixels from the same seed.
// Run it when the scene generator changes on purpose: node scripts/make-sample-session.mjs
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { root } from './lib.mjs';

const folder = path.join(root, 'assets', 'sample-session');
rmSync(folder, { recursive: true, force: true });
const made = spawnSync(
  'cargo',
  ['run', '--release', '-q', '-p', 'calyx-scene', '--bin', 'calyx-scene', '--', 'sample', '--out', folder],
  {
    cwd: path.join(root, 'native'),
    stdio: 'inherit',
  },
);
process.exitCode = made.status ?? 1;
