// SPDX-License-Identifier: MIT
import { fork } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { captureEntry } from '../../../main/acquisition/capture-messages.ts';
import { boardInTest, needRig, rigInTest } from '../../support/rig.ts';
import { temporaryFolder } from '../../support/session-folders.ts';

/** The promise of the product: dark within two seconds. */
const darkWithin = { timeout: 2000, interval: 10 };

describe('the light of a scope', () => {
  it('is on in the preview and off once the board is let go', async (context) => {
    needRig(context);
    using root = temporaryFolder();
    await using rig = await rigInTest(root.path);
    await rig.acquisition.connect('simulator');
    expect(rig.board.led()).toBe(20);
    await rig.acquisition.set('led0', 12);
    await vi.waitFor(() => expect(rig.board.led()).toBe(12), darkWithin);
    await rig.acquisition.disconnect();
    expect(rig.board.led()).toBe(0);
  });

  it('goes on and off with a recording of a board that was let go before and reached again', async (context) => {
    needRig(context);
    using root = temporaryFolder();
    await using rig = await rigInTest(root.path);
    await rig.acquisition.connect('simulator');
    await rig.acquisition.disconnect();
    await rig.acquisition.connect('simulator');
    await rig.acquisition.plan({ animal: 'm12', lengthS: null });
    await rig.until('a picture', ({ quality }) => quality.meanGrey !== null);
    await rig.acquisition.start();
    await rig.until('frames', ({ recording }) => (recording?.saved ?? 0) > 1);
    expect(rig.acquisition.status().mode).toBe('recording');
    await rig.acquisition.stop();
    await vi.waitFor(() => expect(rig.board.led()).toBe(0), darkWithin);
    expect(rig.acquisition.status().mode).toBe('report');
  });

  it('goes off when a recording stops, keeps its value, and comes on again with the picture', async (context) => {
    needRig(context);
    using root = temporaryFolder();
    await using rig = await rigInTest(root.path);
    await rig.acquisition.connect('simulator');
    await rig.acquisition.set('frameRate', '5FPS');
    await rig.acquisition.plan({ animal: 'm12', lengthS: null, processWith: 'strict' });
    await rig.until('a picture', ({ quality }) => quality.meanGrey !== null);
    const { folder } = await rig.acquisition.start();
    await rig.until('frames', ({ recording }) => (recording?.saved ?? 0) > 1);
    await rig.acquisition.note('reward');
    await rig.acquisition.set('led0', 15);
    await rig.acquisition.stop();
    await vi.waitFor(() => expect(rig.board.led()).toBe(0), darkWithin);
    const status = rig.acquisition.status();
    expect(status.mode).toBe('report');
    expect(status.controls.find(({ name }) => name === 'led0')?.number).toBe(15);
    expect(rig.acquisition.report).toMatchObject({ folder, failure: null, missing: 0 });
    expect(rig.acquisition.report?.marks.map(({ text }) => text)).toEqual(['reward', 'LED 20 → 15']);
    const notes = readFileSync(path.join(rig.data, folder, 'notes.csv'), 'utf8');
    expect(notes).toContain('reward');
    expect(notes).toContain('led0,15');
    // The library's row came before the first file, and became a session at the end; its processing was asked for.
    expect(rig.begun).toEqual([{ folder: path.join(rig.data, folder), files: 0 }]);
    expect(rig.imported).toEqual([path.join(rig.data, folder)]);
    expect(rig.queued).toEqual(['018f0000-0000-7000-8000-000000000001 strict']);
    expect(rig.acquisition.report?.queued).toMatchObject({ preset: 'strict' });
    await rig.acquisition.again();
    await vi.waitFor(() => expect(rig.board.led()).toBe(15), darkWithin);
  });

  it('goes off after a crash of the capture process, and nothing claims to record any more', async (context) => {
    needRig(context);
    using root = temporaryFolder();
    await using rig = await rigInTest(root.path);
    await rig.acquisition.connect('simulator');
    await rig.acquisition.set('frameRate', '5FPS');
    await rig.acquisition.plan({ animal: 'm12', lengthS: null });
    await rig.until('a picture', ({ quality }) => quality.meanGrey !== null);
    await rig.acquisition.start();
    await rig.until('frames', ({ recording }) => (recording?.saved ?? 0) > 1);
    expect(rig.board.led()).toBe(20);
    rig.capture().kill('SIGKILL');
    await rig.until('the end of the claim', ({ mode, recording }) => mode === 'idle' && recording === null, 2000);
    await vi.waitFor(() => expect(rig.board.led()).toBe(0), { timeout: 4000, interval: 10 });
    const told = await rig.until('the word', ({ messages }) => messages[0]?.text === 'The light was switched off.');
    expect(told.messages[1]?.text).toMatch(
      /^The capture process was ended by SIGKILL\. The recording m12\/.* stopped after \d+ s; what was written up to a second before is on the disk\. The light is being switched off\.$/,
    );
    // Once at the start, and once for what the crash left.
    expect(rig.recoveries()).toBe(2);
    // And the rig can be used again.
    await rig.acquisition.connect('simulator');
    expect(rig.board.led()).toBe(20);
  });

  it('goes off, and the recording is closed, when the capture process loses its parent', async (context) => {
    needRig(context);
    using root = temporaryFolder();
    const board = await boardInTest();
    const child = fork(captureEntry, [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    try {
      const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
      const answered = (id: number) =>
        new Promise<{ value: unknown }>((resolve) => {
          child.on('message', (message: { type: string; id: number; value: unknown }) => {
            if (message.type === 'answer' && message.id === id) resolve(message);
          });
        });
      const ask = async (id: number, name: string, input: unknown): Promise<unknown> => {
        const answer = answered(id);
        child.send({ type: 'request', id, name, input });
        return (await answer).value;
      };
      await ask(1, 'connect', { address: board.address, scopeType: 'Miniscope_V4_BNO', settings: { led0: 30 } });
      expect(board.led()).toBe(30);
      const { simulatorRig } = await import('../../../main/recording/index.ts');
      const started = await ask(2, 'start', { rig: simulatorRig, dataDirectory: root.path, lengthS: null });
      child.disconnect();
      await vi.waitFor(() => expect(board.led()).toBe(0), darkWithin);
      expect(await ended).toBe(0);
      const { folder } = started as { folder: string };
      expect(existsSync(path.join(folder, 'Miniscope', 'integrity.json'))).toBe(true);
    } finally {
      child.kill('SIGKILL');
      await board.close();
    }
  });

  it('is off while a trigger is waited for, on while it is high, and the recording ends with it', async (context) => {
    needRig(context);
    using root = temporaryFolder();
    await using rig = await rigInTest(root.path);
    await rig.acquisition.connect('simulator');
    await rig.acquisition.set('frameRate', '5FPS');
    await rig.acquisition.plan({ animal: 'm12', lengthS: null, startBy: 'trigger' });
    await rig.until('a picture', ({ quality }) => quality.meanGrey !== null);
    await rig.acquisition.start();
    expect(rig.acquisition.status().mode).toBe('armed');
    await vi.waitFor(() => expect(rig.board.led()).toBe(0), darkWithin);
    rig.board.fault('trigger-high');
    await rig.until('frames', ({ recording }) => (recording?.saved ?? 0) > 1);
    expect(rig.board.led()).toBe(20);
    rig.board.fault('trigger-low');
    await rig.until('a report', ({ reportId }) => reportId === 1);
    await vi.waitFor(() => expect(rig.board.led()).toBe(0), darkWithin);
    await rig.until('the next wait', ({ mode }) => mode === 'armed');
    await rig.acquisition.stop();
    expect(rig.acquisition.status().mode).toBe('report');
  });

  it('stays on, and nothing is armed, where the trigger input cannot be read', async (context) => {
    needRig(context);
    using root = temporaryFolder();
    await using rig = await rigInTest(root.path);
    await rig.acquisition.connect('simulator');
    await rig.acquisition.plan({ animal: 'm12', lengthS: null, startBy: 'trigger' });
    await rig.until('a picture', ({ quality }) => quality.meanGrey !== null);
    rig.board.fault('trigger-unread');
    await expect(rig.acquisition.start()).rejects.toMatchObject({
      code: 'acquire.not_ready',
      message: 'Not armed: the board’s trigger input cannot be read, so that no edge of it would be seen.',
    });
    expect(rig.acquisition.status().mode).toBe('preview');
    await vi.waitFor(() => expect(rig.board.led()).toBe(20), darkWithin);
    // By hand it records.
    await rig.acquisition.plan({ startBy: 'hand' });
    await rig.acquisition.start();
    await rig.until('frames', ({ recording }) => (recording?.saved ?? 0) > 1);
    await rig.acquisition.stop();
  });
});
