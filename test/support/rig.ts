// SPDX-License-Identifier: MIT
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'vitest';
import { Acquisition, type AcquisitionOptions } from '../../main/acquisition/index.ts';
import type { AcquireStatus } from '../../main/contract/index.ts';
import { practiceScope, readCatalogue, scopeType, serveBoard, systemClock } from '../../main/devices/index.ts';
import { selector } from '../../main/devices/miniscope/uvc.ts';
import { bindingFile } from '../../main/installation/index.ts';
import { findFfmpeg } from '../../main/media/index.ts';
import { superviseNodeChild } from '../../main/supervisor/index.ts';

/** Leaves a test out, with the reason, where the simulated scope cannot draw or no film can be written. */
export function needRig(context: TestContext): void {
  if (!existsSync(bindingFile())) context.skip('the native binding is not built');
  if (findFfmpeg() === undefined) context.skip('no ffmpeg');
}

export const v4 = scopeType(readCatalogue(), 'Miniscope_V4_BNO');

/** A simulated board that lives in the test, so that its registers can be read whatever dies. */
export async function boardInTest(): Promise<{
  readonly address: string;
  /** LED of the scope's registers, percent. */
  readonly led: () => number;
  readonly fault: (name: string) => void;
  readonly close: () => Promise<void>;
}> {
  const folder = mkdtempSync(path.join(tmpdir(), 'calyx-test-board-'));
  const address = path.join(folder, 'board.sock');
  const practice = practiceScope(v4, systemClock, { name: 'tiny', seed: 1 });
  let isUnread = false;
  const act = (name: string): null => {
    if (name === 'trigger-unread') isUnread = true;
    else if (name.startsWith('trigger-')) practice.setTrigger(name === 'trigger-high');
    else practice.fault(name as Parameters<typeof practice.fault>[0]);
    return null;
  };
  const served = await serveBoard(address, {
    open: async () => {
      const link = await practice.open();
      const read = link.getControl;
      const getControl: typeof read = async (control) => {
        // As behind the camera driver, which only remembers what was written there.
        if (isUnread && control === selector.gamma) throw new Error('no answer of the board');
        return await read(control);
      };
      return Object.assign(link, { getControl });
    },
    act,
  });
  return {
    address,
    led: () => Math.abs(Math.round(practice.state().values['led0'] ?? -1)),
    fault: (name) => void act(name),
    close: async () => {
      await served.close();
      practice[Symbol.dispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** An acquisition service on a board in the test, with what a test wants to see of it. */
export async function rigInTest(folder: string, more: Pick<AcquisitionOptions, 'devices' | 'followDevices'> = {}) {
  const board = await boardInTest();
  const children: ChildProcess[] = [];
  const imported: string[] = [];
  const begun: { readonly folder: string; readonly files: number }[] = [];
  const discarded: (string | null)[] = [];
  const queued: string[] = [];
  const sessionUuid = '018f0000-0000-7000-8000-000000000001';
  let recoveries = 0;
  const data = path.join(folder, 'data');
  mkdirSync(data, { recursive: true });
  const acquisition = new Acquisition({
    ...more,
    clock: systemClock,
    now: () => new Date(),
    logFolder: path.join(folder, 'logs'),
    planFile: path.join(folder, 'acquire.json'),
    firstRoot: 'data',
    makeFolder: () => Promise.resolve(data),
    sessions: {
      begin: ({ folder: made }) => {
        begun.push({ folder: made, files: readdirSync(made).length });
        return Promise.resolve(sessionUuid);
      },
      complete: (_uuid, made) => {
        imported.push(made);
        return Promise.resolve({ sessionUuid });
      },
      discard: (uuid) => {
        discarded.push(uuid);
        return Promise.resolve();
      },
      async *recover() {
        recoveries += 1;
        yield* await Promise.resolve([]);
      },
      process: (uuid, preset) => {
        queued.push(`${uuid} ${preset}`);
        return Promise.resolve(['018f0000-0000-7000-8000-000000000002']);
      },
    },
    supervise: (options) =>
      superviseNodeChild({
        ...options,
        start: (entry) => {
          const child = fork(entry, [], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
          children.push(child);
          return child;
        },
      }),
    board: { address: board.address, act: (name) => Promise.resolve(board.fault(name)), close: board.close },
  });
  const leaving = new AbortController();
  return {
    acquisition,
    board,
    data,
    imported,
    /** Rows of the library before the first frame, with what was in their folders then. */
    begun,
    discarded,
    /** Sessions and presets that were queued for processing. */
    queued,
    /** How often somebody looked for recordings that a crash ended. */
    recoveries: () => recoveries,
    /** The capture process that runs now. */
    capture: () => children.at(-1)!,
    /** The first status that fits. @throws what it waited for when none came in time */
    until: async (what: string, fits: (status: AcquireStatus) => boolean, ms = 40_000): Promise<AcquireStatus> => {
      const late = AbortSignal.timeout(ms);
      const signal = AbortSignal.any([late, leaving.signal]);
      for await (const status of acquisition.follow(signal)) if (fits(status)) return status;
      throw new Error(`waited for ${what}; the last status is ${JSON.stringify(acquisition.status())}`);
    },
    [Symbol.asyncDispose]: async () => {
      leaving.abort();
      await acquisition.close();
    },
  };
}
