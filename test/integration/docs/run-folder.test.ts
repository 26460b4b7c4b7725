// SPDX-License-Identifier: MIT
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { engineExecutable } from '../../../main/installation/index.ts';
import { findFfmpeg } from '../../../main/media/index.ts';
import { engineMissing, sampleSession } from '../../support/cli.ts';
import { temporaryFolder } from '../../support/session-folders.ts';
import { repositoryRoot } from '../../support/shared.ts';

/** The page's section under a heading, to the next heading. */
function section(page: string, heading: string): string {
  const start = page.indexOf(heading);
  expect(start, heading).toBeGreaterThanOrEqual(0);
  const end = page.indexOf('\n#', start + heading.length);
  return page.slice(start, end === -1 ? undefined : end);
}

const quoted = (text: string): Set<string> => new Set([...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''));

const read = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

it('docs/formats.md names every file and field of a real run folder', async (context) => {
  const missing = engineMissing();
  if (missing !== undefined) context.skip(missing);
  using root = temporaryFolder();
  const output = path.join(root.path, 'run');
  const job = {
    formatVersion: 1,
    runUuid: 'docs',
    output,
    inputs: [{ films: [path.join(sampleSession, 'Miniscope', '0.avi')], fps: 20 }],
    parameters: {},
    budget: { threads: 2, memoryBytes: 2 ** 30 },
  };
  writeFileSync(path.join(root.path, 'job.json'), JSON.stringify(job));
  const ffmpeg = findFfmpeg();
  const env = { ...process.env, ...(ffmpeg === undefined ? {} : { FFMPEG_BIN: ffmpeg }) };
  await promisify(execFile)(engineExecutable(), ['run', root.path], { env });

  const page = readFileSync(path.join(repositoryRoot, 'docs', 'formats.md'), 'utf8');
  const files = quoted(section(page, '## Run folder'));
  const found = readdirSync(output, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(output, path.join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
  expect(found.length).toBeGreaterThan(15);
  const named = (file: string): boolean => files.has(file) || files.has(file.replace(/\/\w+(\.pyramid\.npy)$/, '/*$1'));
  expect(found.filter((file) => !named(file))).toEqual([]);

  const run = read(path.join(output, 'run.json')) as Readonly<Record<string, unknown>>;
  const runFields = quoted(section(page, '### Fields of `run.json`'));
  expect(Object.keys(run).filter((field) => !runFields.has(field))).toEqual([]);

  const metrics = read(path.join(output, 'metrics.json')) as { readonly cells: readonly object[] };
  const cellFields = quoted(section(page, '### Fields of `metrics.json`'));
  expect(metrics.cells.length).toBeGreaterThan(0);
  expect(Object.keys(metrics.cells[0] ?? {}).filter((field) => !cellFields.has(field))).toEqual([]);
});
