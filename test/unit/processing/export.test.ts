// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { currentProcess } from '../../../main/library/index.ts';
import { exportRun } from '../../../main/processing/export.ts';
import { diskStore, type FileStore } from '../../../main/processing/file-store.ts';
import { temporaryFolder } from '../../support/session-folders.ts';
import { repositoryRoot } from '../../support/shared.ts';

function finishedRun(root: string): string {
  const run = path.join(root, 'runs', 'r');
  const job = path.join(root, 'job');
  mkdirSync(job, { recursive: true });
  writeFileSync(path.join(job, 'job.json'), JSON.stringify({ runUuid: 'r', output: run }));
  execFileSync(process.execPath, [path.join(repositoryRoot, 'test/support/fake-engine.mjs'), 'ok', 'run', job]);
  return run;
}

const expected = [
  'accepted.npy',
  'dff.npy',
  'footprints.npz',
  'frame_flags.npy',
  'motion.npy',
  'run.json',
  'spikes.npy',
  'time.npy',
  'traces.npy',
  'traces_raw.npy',
];

describe('an export', () => {
  it('is the flat folder that other programs read', async () => {
    using root = temporaryFolder();
    const run = finishedRun(root.path);
    const destination = path.join(root.path, 'a', 'out');
    const result = await exportRun(run, destination);
    expect(result).toMatchObject({ components: 2, accepted: 1 });
    expect(readdirSync(destination).toSorted()).toEqual(expected);
    expect(result.files.toSorted()).toEqual(expected);
    expect(readFileSync(path.join(destination, 'traces.npy'))).toEqual(
      readFileSync(path.join(run, 'traces/denoised.npy')),
    );
    const accepted = readFileSync(path.join(destination, 'accepted.npy'));
    expect(accepted.subarray(0, 8).toString('latin1')).toBe('\u0093NUMPY\u0001\u0000');
    expect(accepted.toString('latin1')).toContain("'descr': '|u1', 'fortran_order': False, 'shape': (2,)");
    expect(accepted.length % 64).toBe(2);
    expect([...accepted.subarray(-2)]).toEqual([1, 0]);
    expect(JSON.parse(readFileSync(path.join(destination, 'run.json'), 'utf8'))).toMatchObject({
      engineVersion: '9.9',
      peakMemoryBytes: 5,
    });
    expect(readdirSync(path.join(root.path, 'a'))).toEqual(['out']);
  });

  it('replaces an earlier export and an empty folder', async () => {
    using root = temporaryFolder();
    const run = finishedRun(root.path);
    const destination = path.join(root.path, 'out');
    mkdirSync(destination);
    await exportRun(run, destination);
    writeFileSync(path.join(destination, 'traces.npy'), 'old');
    await exportRun(run, destination);
    expect(readFileSync(path.join(destination, 'traces.npy'), 'latin1')).not.toBe('old');
    expect(readdirSync(root.path).toSorted()).toEqual(['job', 'out', 'runs']);
  });

  it('never touches a folder that holds anything else', async () => {
    using root = temporaryFolder();
    const run = finishedRun(root.path);
    const destination = path.join(root.path, 'thesis');
    mkdirSync(destination);
    writeFileSync(path.join(destination, 'chapter1.txt'), 'years of work');
    await expect(exportRun(run, destination)).rejects.toMatchObject({
      code: 'export.exists',
      message: `${destination} holds other files (chapter1.txt…); nothing was written.`,
    });
    expect(readdirSync(destination)).toEqual(['chapter1.txt']);
    await expect(exportRun(run, path.join(destination, 'chapter1.txt'))).rejects.toMatchObject({
      code: 'export.exists',
    });
  });

  it('leaves nothing half-written on a disk that fills, and an earlier export as it was', async () => {
    using root = temporaryFolder();
    const run = finishedRun(root.path);
    const destination = path.join(root.path, 'out');
    await exportRun(run, destination);
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    for (let writes = 0; writes < 10; writes += 1) {
      let left = writes;
      const count = (): void => {
        left -= 1;
        if (left < 0) throw full;
      };
      const store: FileStore = {
        ...diskStore,
        copy: async (from, to) => {
          count();
          await diskStore.copy(from, to);
        },
        write: async (file, content) => {
          count();
          await diskStore.write(file, content);
        },
      };
      const fresh = path.join(root.path, 'fresh');
      for (const target of [destination, fresh]) {
        left = writes;
        await expect(exportRun(run, target, store)).rejects.toMatchObject({ code: 'disk.full' });
      }
      expect(existsSync(fresh)).toBe(false);
      expect(readdirSync(destination).toSorted()).toEqual(expected);
      expect(readdirSync(root.path).toSorted()).toEqual(['job', 'out', 'runs']);
    }
  });

  it('puts the earlier export back when the last step fails', async () => {
    using root = temporaryFolder();
    const run = finishedRun(root.path);
    const destination = path.join(root.path, 'out');
    await exportRun(run, destination);
    writeFileSync(path.join(destination, 'traces.npy'), 'old');
    const store: FileStore = {
      ...diskStore,
      rename: async (from, to) => {
        if (to === destination && from.includes('.tmp-') && !from.endsWith('previous'))
          throw Object.assign(new Error('i/o'), { code: 'EIO' });
        await diskStore.rename(from, to);
      },
    };
    await expect(exportRun(run, destination, store)).rejects.toMatchObject({ code: 'disk.io' });
    expect(readFileSync(path.join(destination, 'traces.npy'), 'latin1')).toBe('old');
    expect(readdirSync(root.path).toSorted()).toEqual(['job', 'out', 'runs']);
  });

  it('puts away what a killed export left, gives back what it was replacing, and touches nothing else', async () => {
    using root = temporaryFolder();
    const run = finishedRun(root.path);
    // The process of a number that was reused: it began at another time.
    const gone = { ...currentProcess(), startTicks: '1' };
    const leave = (name: string, owner: object | null, files: Readonly<Record<string, string>>): void => {
      for (const [file, text] of Object.entries(files)) {
        mkdirSync(path.dirname(path.join(root.path, name, file)), { recursive: true });
        writeFileSync(path.join(root.path, name, file), text);
      }
      if (owner !== null) writeFileSync(path.join(root.path, name, 'calyx-owner.json'), JSON.stringify(owner));
    };
    const by = (process: object, place: string, host = hostname()): object => ({
      program: 'calyx',
      host,
      process,
      place,
    });
    leave('.one.tmp-aaaaaa', by(gone, 'one'), { 'export/traces.npy': 'half', 'previous/run.json': 'old' });
    leave('.two.tmp-bbbbbb', by(currentProcess(), 'two'), { 'export/traces.npy': 'being written' });
    leave('.three.tmp-cccccc', by(gone, 'three', 'another machine'), { 'export/traces.npy': 'x' });
    leave('.four.tmp-dddddd', null, { 'mine.txt': 'of a person' });
    await exportRun(run, path.join(root.path, 'out'));
    expect(readdirSync(root.path).toSorted()).toEqual([
      '.four.tmp-dddddd',
      '.three.tmp-cccccc',
      '.two.tmp-bbbbbb',
      'job',
      'one',
      'out',
      'runs',
    ]);
    expect(readFileSync(path.join(root.path, 'one', 'run.json'), 'utf8')).toBe('old');
  });
});
