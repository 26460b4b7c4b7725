// SPDX-License-Identifier: MIT
import { createHmac, randomUUID } from 'node:crypto';
import { lstatSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { writePrivateJson } from '../../library/index.ts';
import { newToken } from './guard.ts';

/**
 * Where windows come in: port and token, kept in the library's folder so that a tab that is open finds the workstation again after it was
 * started anew. A token is good for its port only, and for a month.
 */
export interface Door {
  readonly port: number;
  readonly token: string;
  /** When the token was made, UTC. */
  readonly madeAt: string;
}

const DoorFile = z.object({
  formatVersion: z.literal(1),
  port: z.number().int().min(1).max(65_535),
  token: z.string().regex(/^[\w-]{43}$/),
  madeAt: z.iso.datetime(),
});

const longestAgeMs = 30 * 24 * 60 * 60 * 1000;

/** The file in the library's folder. */
export const doorFile = (library: string): string => path.join(library, 'window.json');

/**
 * The door that was used last; undefined when there is none, it is too old, or others than this person could have read or written it.
 */
export function lastDoor(library: string, now: Date): Door | undefined {
  const file = doorFile(library);
  try {
    const info = lstatSync(file);
    const isOurs = process.getuid === undefined || (info.uid === process.getuid() && (info.mode & 0o077) === 0);
    if (!info.isFile() || !isOurs) return undefined;
    const { port, token, madeAt } = DoorFile.parse(JSON.parse(readFileSync(file, 'utf8')));
    const ageMs = now.getTime() - Date.parse(madeAt);
    return ageMs >= 0 && ageMs < longestAgeMs ? { port, token, madeAt } : undefined;
  } catch {
    return undefined;
  }
}

/** The door for this start: the last one where it is for this port, else a new one. */
export function doorFor(port: number, last: Door | undefined, now: Date): Door {
  return last?.port === port ? last : { port, token: newToken(), madeAt: now.toISOString() };
}

/** Keeps the door for the next start, readable by this person only. A folder that cannot be written keeps none. */
export function keepDoor(library: string, door: Door): void {
  const mark = randomUUID();
  try {
    writePrivateJson(doorFile(library), mark, { formatVersion: 1, ...door });
  } catch {
    rmSync(`${doorFile(library)}.${mark}`, { force: true });
  }
}

/**
 * Shows a window that this is the workstation that knows its token, before the window says it: while the workstation is not running, another program may
 * listen on its port. The origin is in it, so that an answer cannot be fetched from here by a program on another port.
 */
export function proofFor(token: string, origin: string, nonce: string): string {
  return createHmac('sha256', token).update(`calyx ${origin} ${nonce}`).digest('base64url');
}

/** The nonce of a request for a proof; undefined for every other request. */
export function nonceOf(requestPath: string): string | undefined {
  return /^\/proof\?of=([\w-]{22,64})$/.exec(requestPath)?.[1];
}
