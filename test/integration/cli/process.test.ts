// SPDX-License-Identifier: MIT
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it, type TestContext } from 'vitest';
import { stageNames } from '../../../main/contract/index.ts';
import { engineExecutable } from '../../../main/installation/index.ts';
import { calyx, engineMissing, sampleSession, startCli, type CliEnd } from '../../support/cli.ts';
import { temporaryFolder } from '../../support/session-folders.ts';
import { repositoryRoot } from '../../support/shared.ts';

const saboteur = path.join(repositoryRoot, 'test/support/saboteur.mjs');
const exported = [
  'accepted.npy',
  'dff.npy',
  'events.csv',
  'events.npz',
  'footprints.npz',
  'frame_flags.npy',
  'motion.npy',
  'run.json',
  'samples.npy',
  'spikes.npy',
  'time.npy',
  'traces.npy',
  'traces_raw.npy',
  'zscore.npy',
];

interface Processed {
  readonly run: { readonly uuid: string; readonly state: string; readonly cells: number; readonly suggested: number };
  readonly session: { readonly uuid: string };
}

function needEngine(context: TestContext): void {
  const missing = engineMissing();
  if (missing !== undefined) context.skip(missing);
}

function answer(end: CliEnd): Processed {
  expect(end.err).toBe('');
  expect(end.code).toBe(0);
  expect(end.out.trimEnd().split('\n')).toHaveLength(1);
  return JSON.parse(end.out) as Processed;
}

/** Axes of an NPY file. */
function shape(file: string): number[] {
  const header = readFileSync(file).subarray(0, 200).toString('latin1');
  return (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? '')
    .split(',')
    .filter((axis) => axis.trim() !== '')
    .map(Number);
}

describe('process', () => {
  it('takes the sample session to files that other programs read, and again to the same library', async (context) => {
    needEngine(context);
    using root = temporaryFolder();
    const library = path.join(root.path, 'library');
    const flags = ['--library', library, '--json', '--memory', '1G'];
    const first = answer(await calyx(['process', sampleSession, '--export', 'out', ...flags], { from: root.path }));
    expect(first.run).toMatchObject({ state: 'succeeded' });
    expect(first.run.suggested).toBeGreaterThan(8);
    const out = path.join(root.path, 'out');
    expect(readdirSync(out).toSorted()).toEqual(exported);
    const [cells = 0, frames = 0] = shape(path.join(out, 'traces.npy'));
    expect(cells).toBe(first.run.cells);
    for (const name of ['traces_raw.npy', 'spikes.npy', 'dff.npy'])
      expect(shape(path.join(out, name))).toEqual([cells, frames]);
    expect(shape(path.join(out, 'motion.npy'))).toEqual([frames, 2]);
    expect(shape(path.join(out, 'accepted.npy'))).toEqual([cells]);
    expect(shape(path.join(out, 'time.npy'))).toEqual([frames]);
    expect(shape(path.join(out, 'frame_flags.npy'))).toEqual([frames]);
    expect(existsSync(path.join(library, 'lock.json'))).toBe(false);
    const second = answer(
      await calyx(
        [
          'process',
          first.session.uuid,
          '--first-frame',
          '100',
          '--last-frame',
          '399',
          '--threads',
          '1',
          '--export',
          'out',
          ...flags,
        ],
        { from: root.path },
      ),
    );
    expect(second.run.uuid).not.toBe(first.run.uuid);
    expect(shape(path.join(out, 'traces.npy'))[1]).toBe(300);
    const listed = await calyx(['runs', '--library', library, '--json']);
    expect((JSON.parse(listed.out) as { runs: { uuid: string }[] }).runs.map((run) => run.uuid)).toEqual([
      second.run.uuid,
      first.run.uuid,
    ]);
    const again = await calyx(['export', first.run.uuid, 'again', '--library', library, '--json'], { from: root.path });
    expect(again.code).toBe(0);
    expect(readdirSync(path.join(root.path, 'again')).toSorted()).toEqual(exported);
  });

  it('says the same in words', async (context) => {
    needEngine(context);
    using root = temporaryFolder();
    const end = await calyx(['process', sampleSession, '--library', path.join(root.path, 'library')]);
    expect(end.code).toBe(0);
    expect(end.out).toMatch(/^\d+ components, \d+ suggested as cells, in [\d.]+ (s|min)\. Run [0-9a-f-]{36}\n$/);
    expect(end.err).toMatch(/Imported: /);
    expect(end.err).not.toContain('\u001B');
  });

  it('cancels its run on Ctrl-C and leaves nothing', async (context) => {
    needEngine(context);
    using root = temporaryFolder();
    const library = path.join(root.path, 'library');
    const running = startCli(['process', sampleSession, '--library', library, '--export', 'out'], { from: root.path });
    await running.said(/% · read|% · motion/);
    running.process.kill('SIGINT');
    const end = await running.ended;
    expect(end).toMatchObject({ code: 130, out: '' });
    expect(end.err).toContain('The run was cancelled; nothing of it was kept.');
    expect(existsSync(path.join(root.path, 'out'))).toBe(false);
    expect(readdirSync(path.join(library, 'runs'))).toEqual([]);
    const listed = await calyx(['runs', '--library', library, '--json']);
    expect((JSON.parse(listed.out) as { runs: { state: string }[] }).runs.map((run) => run.state)).toEqual([
      'cancelled',
    ]);
  });
});

describe('an engine that is killed', () => {
  const root = temporaryFolder();
  const library = path.join(root.path, 'library');
  const out = path.join(root.path, 'out');
  const args = ['process', sampleSession, '--last-frame', '199', '--library', library, '--export', out, '--json'];
  const sentence = (stage: string): string =>
    `The engine was killed (signal 9, SIGKILL) in step ${stage}. Nothing of this run was kept.`;
  afterAll(() => root[Symbol.dispose]());

  it.for([...stageNames])('in step %s fails its run with the cause and leaves nothing', async (stage, context) => {
    needEngine(context);
    const env = { CALYX_ENGINE: saboteur, SABOTEUR_ENGINE: engineExecutable(), SABOTEUR_STAGE: stage };
    const end = await calyx(args, { env });
    expect(end).toMatchObject({ code: 70, out: '' });
    expect(JSON.parse(end.err)).toMatchObject({ code: 'engine.crashed', message: sentence(stage), retryable: true });
    expect(readdirSync(path.join(library, 'runs'))).toEqual([]);
    expect(existsSync(out)).toBe(false);
    expect(existsSync(path.join(library, 'lock.json'))).toBe(false);
  });

  it('is followed by a run that succeeds in the same library, where every failure is still told', async (context) => {
    needEngine(context);
    const next = await calyx(args);
    expect(next).toMatchObject({ code: 0, err: '' });
    const listed = JSON.parse((await calyx(['runs', '--library', library, '--json'])).out) as {
      runs: { state: string; error: { message: string } | null }[];
    };
    expect(listed.runs.map((run) => [run.state, run.error?.message ?? null])).toEqual([
      ['succeeded', null],
      ...stageNames.toReversed().map((stage) => ['failed', sentence(stage)]),
    ]);
  });
});

describe('a disk that fills', () => {
  it('ends the run with a sentence and leaves nothing half-written', async (context) => {
    needEngine(context);
    using root = temporaryFolder();
    const library = path.join(root.path, 'library');
    const env = { CALYX_ENGINE: saboteur, SABOTEUR_ENGINE: engineExecutable(), SABOTEUR_FILE_BLOCKS: '16' };
    const end = await calyx(
      ['process', sampleSession, '--library', library, '--json', '--export', path.join(root.path, 'out')],
      { env },
    );
    expect(end).toMatchObject({ code: 5, out: '' });
    expect(JSON.parse(end.err)).toMatchObject({ code: 'disk.full', retryable: true });
    expect(readdirSync(path.join(library, 'runs'))).toEqual([]);
    expect(existsSync(path.join(root.path, 'out'))).toBe(false);
  });
});
