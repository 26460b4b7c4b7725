// SPDX-License-Identifier: MIT
import { fileURLToPath } from 'node:url';
import { AppError, type ErrorData } from '../contract/index.ts';
import { type Child, superviseNodeChild } from '../supervisor/index.ts';
import { binding, fromNative } from './binding.ts';

/** What the core asks the edit process for; `request` is JSON for the engine. */
export interface EditCall {
  readonly type: 'call';
  readonly id: number;
  readonly procedure: 'computeEdit' | 'collectCells';
  readonly request: string;
}

/** What it answers. */
export type EditReply =
  | { readonly type: 'done'; readonly id: number; readonly value: string }
  | { readonly type: 'failed'; readonly id: number; readonly error: ErrorData };

/** Edits of cells by the native engine. Requests and answers are those of `native/engine/src/edit`. */
export interface Editor extends AsyncDisposable {
  /** Computes an edit and writes its folder; gives what is in its `edit.json`. @throws AppError `review.edit_…`, `disk.…`, `engine.crashed` */
  readonly compute: (request: object) => Promise<unknown>;
  /** Writes the cells that hold after some edits as flat arrays; gives the files written. @throws AppError as `compute` */
  readonly collect: (request: object) => Promise<unknown>;
}

type Call = (procedure: EditCall['procedure'], request: string) => Promise<string>;

function editor(call: Call, dispose: () => Promise<void>): Editor {
  const ask = async (procedure: EditCall['procedure'], request: object): Promise<unknown> =>
    JSON.parse(await call(procedure, JSON.stringify(request))) as unknown;
  return {
    compute: (request) => ask('computeEdit', request),
    collect: (request) => ask('collectCells', request),
    [Symbol.asyncDispose]: dispose,
  };
}

/** In a process of its own, started with the first edit; inside Electron's utility process on native threads of the core (see `startMedia`). */
export function startEditor({ logFolder }: { readonly logFolder: string }): Editor {
  return process.versions['electron'] === undefined ? inOwnProcess(logFolder) : inThisProcess();
}

function inThisProcess(): Editor {
  const call: Call = async (procedure, request) => {
    try {
      return await binding()[procedure](request);
    } catch (error) {
      throw fromNative(error);
    }
  };
  return editor(call, () => Promise.resolve());
}

interface Waiting {
  readonly resolve: (value: string) => void;
  readonly reject: (error: AppError) => void;
}

function inOwnProcess(logFolder: string): Editor {
  const waiting = new Map<number, Waiting>();
  let child: Child | undefined;
  let next = 1;
  const endAll = (cause: string): void => {
    const all = [...waiting.values()];
    waiting.clear();
    const hint = 'Nothing was changed. Try again; the log folder has its last words.';
    for (const { reject } of all) reject(new AppError('engine.crashed', cause, { hint, retryable: true }));
  };
  const receive = (message: unknown): void => {
    const reply = message as EditReply | { readonly type: 'pong' };
    if (reply.type === 'pong') return;
    const caller = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.type === 'done') caller?.resolve(reply.value);
    else caller?.reject(AppError.fromData(reply.error));
  };
  const running = (): Child =>
    (child ??= superviseNodeChild({
      name: 'edit',
      entry: fileURLToPath(new URL('./edit-process.ts', import.meta.url)),
      logFolder,
      onCrash: endAll,
      onMessage: receive,
    }));
  const call: Call = (procedure, request) =>
    new Promise((resolve, reject) => {
      const id = next;
      next += 1;
      waiting.set(id, { resolve, reject });
      running().send({ type: 'call', id, procedure, request } satisfies EditCall);
    });
  return editor(call, async () => {
    endAll('Calyx is closing.');
    await child?.stop();
  });
}
