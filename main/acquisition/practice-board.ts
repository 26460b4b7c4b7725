// SPDX-License-Identifier: MIT
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AppError, ErrorData } from '../contract/index.ts';
import { actOnBoard, boardEntry, type FromBoardProcess, type ToBoardProcess } from '../devices/index.ts';
import type { Child, ChildOptions } from '../supervisor/index.ts';

/** A simulated board that runs beside the core. */
export interface PracticeBoard {
  /** Where it can be reached. */
  readonly address: string;
  readonly act: (name: string) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

/** Starts a simulated board with a scope of a type on it. @throws AppError what its process could not do */
export async function startPracticeBoard(
  options: {
    readonly logFolder: string;
    readonly scopeType: string;
    readonly scene: { readonly name: string; readonly seed: number };
  },
  supervise: (options: ChildOptions) => Child,
): Promise<PracticeBoard> {
  const folder = mkdtempSync(path.join(tmpdir(), 'calyx-board-'));
  const address =
    process.platform === 'win32' ? `\\\\.\\pipe\\${path.basename(folder)}` : path.join(folder, 'board.sock');
  const clear = (): void => rmSync(folder, { recursive: true, force: true });
  let settled = false;
  let child: Child | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      child = supervise({
        name: 'simulated-board',
        entry: boardEntry,
        logFolder: options.logFolder,
        onMessage: (raw) => {
          const message = raw as FromBoardProcess;
          if (message.type === 'ready') {
            // A board that died left its socket behind.
            rmSync(address, { force: true });
            const { scopeType, scene } = options;
            child?.send({ type: 'serve', address, scopeType, scene } satisfies ToBoardProcess);
          } else if (message.type === 'serving') {
            settled = true;
            resolve();
          } else if (message.type === 'failed') reject(AppError.fromData(ErrorData.parse(message.error)));
        },
        onCrash: (cause) => {
          if (!settled) reject(new AppError('device.not_found', `The simulated board could not be started. ${cause}`));
        },
      });
    });
  } catch (error) {
    await child?.stop();
    clear();
    throw error;
  }
  return {
    address,
    act: (name) => actOnBoard(address, name),
    close: async () => {
      await child?.stop();
      clear();
    },
  };
}
