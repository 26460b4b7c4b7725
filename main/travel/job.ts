// SPDX-License-Identifier: MIT
import { Worker } from 'node:worker_threads';
import { AppError, type ErrorData } from '../contract/index.ts';
import type { z } from 'zod';
import type { Belongs, Contents, Head, PackedFile } from './contents.ts';

/** What the travelling thread is told: plain values and absolute paths, so that it needs neither the library nor the core. */

/** A file that is packed. */
export interface SourceFile {
  /** Absolute. */
  readonly source: string;
  readonly path: string;
  readonly belongs: Belongs;
  /** What the library says of it; a file that is otherwise is not packed. */
  readonly sha256: string | null;
}

/** A small film to be made and packed. */
export interface ProxySource {
  readonly recordingUuid: string;
  /** Absolute. */
  readonly films: readonly string[];
  readonly frames: number;
  readonly fps: number;
  /** Absolute path where it is made. */
  readonly target: string;
}

export type TravelJob =
  | {
      readonly type: 'pack';
      /** Absolute path that is written. */
      readonly file: string;
      readonly head: z.infer<typeof Head>;
      /** JSON. */
      readonly records: string;
      readonly sources: readonly SourceFile[];
      readonly proxies: readonly ProxySource[];
    }
  | { readonly type: 'check'; readonly file: string }
  | {
      readonly type: 'stage';
      readonly file: string;
      /** By entry: what it must be, and the absolute path it is written to. */
      readonly places: Readonly<Record<string, { readonly target: string; readonly sha256: string }>>;
    };

export interface PackedResult {
  readonly bytes: number;
  readonly files: readonly PackedFile[];
}

export interface CheckedPackage {
  readonly head: z.infer<typeof Head>;
  /** JSON, checked for its form. */
  readonly records: string;
  readonly names: { readonly run: string; readonly session: string };
  readonly contents: Contents;
}

/** What each job gives. */
interface Results {
  readonly pack: PackedResult;
  readonly check: CheckedPackage;
  readonly stage: null;
}

export type TravelMessage =
  | { readonly type: 'progress'; readonly step: string; readonly fraction: number }
  | { readonly type: 'done'; readonly value: unknown }
  | { readonly type: 'failed'; readonly error: ErrorData }
  /** The file system's word; the caller makes a sentence of it. */
  | { readonly type: 'broken'; readonly code: string; readonly message: string };

export type OnProgress = (step: string, fraction: number) => void;

/** Does a job in a thread of its own; aborting ends it with nothing half-done left to the reader. @throws AppError `travel.*`, `media.*`, `rpc.cancelled`; what the file system says */
export async function runTravel<J extends TravelJob>(
  job: J,
  progress: OnProgress,
  signal: AbortSignal,
): Promise<Results[J['type']]> {
  signal.throwIfAborted();
  const worker = new Worker(new URL('./travel-worker.ts', import.meta.url), { workerData: job, name: 'travel' });
  const abort = (): void => worker.postMessage('abort');
  try {
    return await new Promise<Results[J['type']]>((resolve, reject) => {
      signal.addEventListener('abort', abort, { once: true });
      worker.on('message', (message: TravelMessage) => {
        if (message.type === 'progress') progress(message.step, message.fraction);
        else if (message.type === 'done') resolve(message.value as Results[J['type']]);
        else if (message.type === 'failed') reject(AppError.fromData(message.error));
        else reject(Object.assign(new Error(message.message), { code: message.code }));
      });
      worker.on('error', reject);
      worker.on('exit', (code) =>
        reject(new AppError('rpc.internal', `The travelling thread ended with code ${code}.`)),
      );
    });
  } finally {
    signal.removeEventListener('abort', abort);
    await worker.terminate();
  }
}
