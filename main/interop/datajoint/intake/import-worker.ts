// SPDX-License-Identifier: MIT
/** The thread that reads a lab's server: blobs and large tables never pass the core. It asks the core to look at folders of sessions. */
import { parentPort, workerData } from 'node:worker_threads';
import { AppError } from '../../../contract/index.ts';
import type { ThreadEnd } from '../../../threads/index.ts';
import { connect, readSchema, serverError, type ServerAddress } from '../server.ts';
import { type Intake, type IntakeWish, takeIn } from './intake.ts';
import type { FolderPlan } from './sessions.ts';
import { Snapshot } from './snapshot.ts';

/** What the thread is asked for. */
export interface ImportJob {
  readonly address: ServerAddress;
  readonly subject: string | null;
  readonly wish: IntakeWish;
}

export type FromImport =
  | { readonly type: 'progress'; readonly step: string; readonly fraction: number }
  | { readonly type: 'look'; readonly id: number; readonly directory: string; readonly subject: string };

export interface ToImport {
  readonly id: number;
  /** Text: why the folder cannot be read; null: it is not there. */
  readonly plan: FolderPlan | string | null;
}

const port = parentPort;
const post = (message: FromImport | ThreadEnd<Intake>): void => port?.postMessage(message);
const waiting = new Map<number, (plan: ToImport['plan']) => void>();
port?.on('message', ({ id, plan }: ToImport) => {
  waiting.get(id)?.(plan);
  waiting.delete(id);
});

let asked = 0;
function look(directory: string, subject: string): Promise<ToImport['plan']> {
  asked += 1;
  const id = asked;
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    post({ type: 'look', id, directory, subject });
  });
}

async function work({ address, subject, wish }: ImportJob): Promise<Intake> {
  post({ type: 'progress', step: 'connecting', fraction: 0 });
  const connection = await connect(address);
  try {
    const schema = await readSchema(connection, wish.prefix);
    const snapshot = await Snapshot.take(connection, schema, subject);
    return await takeIn(snapshot, wish, look, (step, fraction) => post({ type: 'progress', step, fraction }));
  } catch (error) {
    throw error instanceof AppError ? error : serverError(error, 'reading');
  } finally {
    await connection.end().catch(() => undefined);
  }
}

const answer: ThreadEnd<Intake> = await work(workerData as ImportJob).then(
  (value) => ({ type: 'done', value }) as const,
  (error: unknown) => ({ type: 'failed', error: AppError.from(error).toData() }) as const,
);
post(answer);
port?.close();
