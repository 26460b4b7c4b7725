// SPDX-License-Identifier: MIT
import { fileURLToPath } from 'node:url';

/** What the process of a simulated board is told. */
export type ToBoardProcess =
  | {
      readonly type: 'serve';
      /** A socket's path, or a named pipe. */
      readonly address: string;
      readonly scopeType: string;
      readonly scene: { readonly name: string; readonly seed: number };
    }
  | { readonly type: 'ping' };

/** What it says. */
export type FromBoardProcess =
  | { readonly type: 'ready' }
  | { readonly type: 'serving'; readonly address: string }
  | { readonly type: 'failed'; readonly error: unknown }
  | { readonly type: 'pong' };

/** The file that process runs. */
export const boardEntry = fileURLToPath(new URL('./board-process.ts', import.meta.url));
