// SPDX-License-Identifier: MIT
import type { z } from 'zod';
import { inThread, type ThreadEnd } from '../threads/index.ts';
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

type Said =
  | { readonly type: 'progress'; readonly step: string; readonly fraction: number }
  /** The file system's word; the caller makes a sentence of it. */
  | { readonly type: 'broken'; readonly code: string; readonly message: string };

export type TravelMessage = ThreadEnd<unknown> | Said;

/** How long the thread may take to put away what it began, once it is told to stop, ms. */
const graceMs = 10_000;

export type OnProgress = (step: string, fraction: number) => void;

/** Does a job in a thread of its own; aborting ends it with nothing half-done left to the reader. @throws AppError `travel.*`, `media.*`, `rpc.cancelled`; what the file system says */
export async function runTravel<J extends TravelJob>(
  job: J,
  progress: OnProgress,
  signal: AbortSignal,
): Promise<Results[J['type']]> {
  return await inThread<Results[J['type']], Said>({
    module: new URL('./travel-worker.ts', import.meta.url),
    name: 'travel',
    data: job,
    signal,
    cancelled: 'It was cancelled; nothing was changed.',
    graceMs,
    hear: (said, answer) => {
      if (said.type === 'progress') progress(said.step, said.fraction);
      else answer.reject(Object.assign(new Error(said.message), { code: said.code }));
    },
  });
}
