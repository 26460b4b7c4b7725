// SPDX-License-Identifier: MIT
// The pictures of the pages about the window, taken anew from what the window shows: runs the test that visits every view and the one that drives a rig, then copies.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const from = path.join(root, 'test-output', 'pictures', 'places');
const to = path.join(root, 'docs', 'pictures');

const pictures = {
  'acquire.png': '../31-rig-other-scope.png',
  'library.png': 'library-sessions-ready-dark.png',
  'library-tables.png': 'library-tables-ready-dark.png',
  'library-ingest.png': 'library-ingest-preview.png',
  'library-export.png': '../exchange-export-dark.png',
  'library-publish.png': '../exchange-publish-dark.png',
  'process.png': 'process-ready-dark.png',
  'review.png': 'review-ready-dark.png',
  'explore.png': 'explore-ready-dark.png',
  'settings.png': 'settings-storage-ready-dark.png',
};

if (!process.argv.includes('--copy-only')) {
  for (const [project, ...which] of [
    ['e2e', 'test/e2e/places.test.ts'],
    ['window', 'test/window/rig.test.ts', '-t', 'opens a configuration'],
    ['window', 'test/window/exchange.test.ts'],
  ]) {
    const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project', project, ...which];
    const { status } = spawnSync(process.execPath, vitest, { cwd: root, stdio: 'inherit' });
    if (status !== 0) process.exit(status ?? 1);
  }
}
for (const [name, source] of Object.entries(pictures)) {
  const file = path.join(from, source);
  if (!existsSync(file)) {
    console.error(`There is no ${source}: run npm run docs:pictures.`);
    process.exit(1);
  }
  copyFileSync(file, path.join(to, name));
}
