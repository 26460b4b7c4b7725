// SPDX-License-Identifier: MIT
import Database from 'better-sqlite3';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../contract/index.ts';
import { libraryFolders } from './folders.ts';
import { writePrivateJson } from './private-file.ts';
import { currentProcess, isAlive } from './process-identity.ts';
import type { ProcessRef } from './process-ref.ts';

/**
 * One owner of a library folder. The owner is named in `lock.json` (mode 0600) with its loopback address and token, so that every
 * other process works through it. A lock whose process is gone (number, boot, start time) is dead and is taken over.
 *
 * Looking at the lock and replacing it must be one act, or two processes that find the same dead lock both win. `lock.guard` is an
 * empty SQLite file whose exclusive lock wraps it: the kernel releases that one even when its holder is killed, so no guard can
 * go stale.
 */

const LockFile = z.object({
  formatVersion: z.literal(1),
  pid: z.number().int(),
  bootId: z.string(),
  startTicks: z.string().nullable(),
  host: z.string(),
  program: z.string(),
  nonce: z.string(),
  /** `http://127.0.0.1:<port>`; null until the owner listens. */
  address: z.string().nullable(),
  token: z.string().nullable(),
  contractVersion: z.number().int().nullable(),
});
type LockFile = z.infer<typeof LockFile>;

/** The process that holds a library. */
export interface OtherOwner {
  readonly process: ProcessRef;
  /** `calyx` and what it runs as, for a sentence. */
  readonly program: string;
  /** Loopback address and token; null while that process is still starting (ask again with {@link readOwner}). */
  readonly address: string | null;
  readonly token: string | null;
  readonly contractVersion: number | null;
}

/** Held by the caller until it is released. */
export interface Ownership {
  readonly directory: string;
  /** Names the address, token and contract version that other processes use. */
  publish(endpoint: { readonly address: string; readonly token: string; readonly contractVersion: number }): void;
  /** Removes `lock.json`, if it is still ours. */
  release(): void;
}

export type AcquireResult =
  | { readonly kind: 'owner'; readonly ownership: Ownership }
  /** Nobody can own a folder in which nothing can be written; open the library with this reason as `readOnly`. */
  | { readonly kind: 'read-only'; readonly reason: string }
  | { readonly kind: 'other'; readonly owner: OtherOwner };

export interface AcquireOptions {
  readonly program?: string | undefined;
  /** Replaces the system for tests. */
  readonly self?: ProcessRef | undefined;
  readonly host?: string | undefined;
}

/** Pause between two looks at a lock whose owner is still starting. */
const pollMs = 50;

function lockPath(directory: string): string {
  return libraryFolders(directory).lock;
}

/** The lock as written; null when there is none or it cannot be one of ours (a torn or foreign file counts as dead). */
function readLock(directory: string): LockFile | null {
  let text: string;
  try {
    text = readFileSync(lockPath(directory), 'utf8');
  } catch {
    return null;
  }
  try {
    const parsed = LockFile.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** Called inside the guard only: there, a temporary lock belongs to a process that was killed while it wrote it. */
function writeLock(directory: string, lock: LockFile): void {
  for (const name of readdirSync(directory)) {
    if (name.startsWith('lock.json.')) rmSync(join(directory, name), { force: true });
  }
  writePrivateJson(lockPath(directory), lock.nonce, lock);
}

function isWriteProtection(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return /^(EROFS|EACCES|EPERM|SQLITE_CANTOPEN|SQLITE_READONLY)/.test(String(error.code));
}

/** Runs `act` while no other process is inside the same section for this folder. */
function guarded<T>(directory: string, act: () => T): T {
  const guard = new Database(join(directory, 'lock.guard'), { timeout: 10_000 });
  try {
    guard.exec('BEGIN EXCLUSIVE');
    try {
      return act();
    } finally {
      guard.exec('ROLLBACK');
    }
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) {
      throw new AppError('library.locked', 'Another program is taking this library at the same moment.', {
        hint: 'Try again in a few seconds.',
        retryable: true,
        cause: error,
      });
    }
    throw error;
  } finally {
    guard.close();
  }
}

function toOwner(lock: LockFile): OtherOwner {
  return {
    process: { pid: lock.pid, bootId: lock.bootId, startTicks: lock.startTicks },
    program: lock.program,
    address: lock.address,
    token: lock.token,
    contractVersion: lock.contractVersion,
  };
}

/** A lock written on another machine (a folder on a network disk) cannot be judged from here. */
function refuseForeign(lock: LockFile, host: string): void {
  if (lock.host === host) return;
  throw new AppError('library.locked', `This library is open on another machine, “${lock.host}”.`, {
    hint: `Close it there. If that machine is gone for good, delete lock.json in the library folder.`,
    details: { host: lock.host, pid: lock.pid },
  });
}

/**
 * The living owner of a library folder, null when there is none.
 *
 * @throws AppError `library.locked` when the lock was written on another machine.
 */
export function readOwner(directory: string, host: string = hostname()): OtherOwner | null {
  const lock = readLock(directory);
  if (lock === null) return null;
  refuseForeign(lock, host);
  return isAlive(toOwner(lock).process) ? toOwner(lock) : null;
}

/**
 * The living owner once it has said where it listens; null when there is none (any more). For a client that meets an owner still starting.
 *
 * @throws AppError `library.locked` as {@link readOwner}; the signal's reason when it is aborted
 */
export async function ownerWhenListening(directory: string, signal: AbortSignal): Promise<OtherOwner | null> {
  for (;;) {
    const owner = readOwner(directory);
    if (owner === null || owner.address !== null) return owner;
    await setTimeout(pollMs, undefined, { signal });
  }
}

/**
 * Takes the library folder for this process, or says who has it. Makes the folder when it does not exist.
 *
 * @throws AppError `library.locked` (another machine, or a tie that lasts), `library.io`
 */
export function acquireOwnership(directory: string, options: AcquireOptions = {}): AcquireResult {
  const self = options.self ?? currentProcess();
  const host = options.host ?? hostname();
  const nonce = randomUUID();
  const mine: LockFile = {
    formatVersion: 1,
    ...self,
    host,
    program: options.program ?? 'calyx',
    nonce,
    address: null,
    token: null,
    contractVersion: null,
  };
  try {
    mkdirSync(directory, { recursive: true });
    const other = guarded(directory, () => {
      const owner = readOwner(directory, host);
      if (owner === null) writeLock(directory, mine);
      return owner;
    });
    if (other !== null) return { kind: 'other', owner: other };
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (isWriteProtection(error) && existsSync(libraryFolders(directory).database)) {
      return { kind: 'read-only', reason: 'The library folder is write-protected, so it is open for reading only.' };
    }
    throw new AppError('library.io', `The library folder ${directory} cannot be written.`, {
      hint: 'Check that the folder exists, that it is yours and that the disk is not full.',
      cause: error,
    });
  }
  return { kind: 'owner', ownership: new HeldLock(directory, mine) };
}

class HeldLock implements Ownership {
  readonly directory: string;
  readonly #lock: LockFile;

  constructor(directory: string, lock: LockFile) {
    this.directory = directory;
    this.#lock = lock;
  }

  publish(endpoint: { readonly address: string; readonly token: string; readonly contractVersion: number }): void {
    guarded(this.directory, () => {
      if (readLock(this.directory)?.nonce !== this.#lock.nonce) {
        throw new AppError('library.locked', 'Another program took this library over.', {
          hint: 'Close this one and use the other.',
        });
      }
      writeLock(this.directory, { ...this.#lock, ...endpoint });
    });
  }

  release(): void {
    guarded(this.directory, () => {
      if (readLock(this.directory)?.nonce === this.#lock.nonce) rmSync(lockPath(this.directory), { force: true });
    });
  }
}
