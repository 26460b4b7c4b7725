// SPDX-License-Identifier: MIT
import { randomBytes, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../contract/index.ts';
import type { Resolved, ScopeType } from '../devices/index.ts';
import { create, makeFolder, syncFolder, type Disk } from './disk.ts';
import type { RigScope } from './rig.ts';
import { bytesText, lengthText } from './words.ts';

/** Less than this free and no recording is begun (acquisition.md 4.9). */
export const startAboveBytes = 500e6;
/** Less than this and a person is warned. */
export const warnBelowBytes = 5e9;
/** Less than this and a recording ends by itself, while everything can still be closed. */
export const stopBelowBytes = 250e6;
/** FFV1 takes up to this share of raw frames with a sensor's noise (acquisition.md 4.6: 1.8 to 3 times smaller). */
const ffv1Share = 0.6;
/** CSV rows of one frame, bytes. */
const rowBytes = 220;

/** What a scope writes a second at most, as it is set. */
export function bytesPerSecond(
  scope: Pick<RigScope, 'roi' | 'compression'>,
  type: ScopeType,
  settings: ReadonlyMap<string, Resolved>,
): number {
  const { width, height } = scope.roi ?? type;
  const fps = settings.get('frameRate')?.number ?? 30;
  return (width * height * (scope.compression === 'FFV1' ? ffv1Share : 1) + rowBytes) * fps;
}

/** What the disk has for a recording. */
export interface SpaceCheck {
  /** Null where the system does not tell. */
  readonly freeBytes: number | null;
  /** For the planned length; null for one without an end. */
  readonly neededBytes: number | null;
  /** How long the free space lasts, s. */
  readonly lastsS: number | null;
  /** Why no recording may begin, in the words for a person; null when it may. */
  readonly refusal: string | null;
  readonly warning: string | null;
}

/** Asks whether the disk has room for a recording of a length (null: without an end) at so many bytes a second. */
export async function checkSpace(
  folder: string,
  { perSecond, plannedS }: { readonly perSecond: number; readonly plannedS: number | null },
  disk: Pick<Disk, 'freeBytes'>,
): Promise<SpaceCheck> {
  const free = await disk.freeBytes(folder);
  const neededBytes = plannedS === null ? null : Math.ceil(plannedS * perSecond);
  const known = {
    freeBytes: free,
    neededBytes,
    lastsS: free === null ? null : Math.max(0, free - stopBelowBytes) / perSecond,
  };
  if (free === null)
    return { ...known, refusal: null, warning: `How much is free on the disk of ${folder} is unknown.` };
  const least = Math.max(startAboveBytes, (neededBytes ?? 0) + stopBelowBytes);
  if (free < least) {
    const need =
      neededBytes === null || neededBytes + stopBelowBytes < startAboveBytes
        ? `a recording needs ${bytesText(startAboveBytes)} at least`
        : `${lengthText(plannedS ?? 0)} need ${bytesText(neededBytes + stopBelowBytes)}`;
    return {
      ...known,
      refusal: `Not started: ${need}, ${bytesText(free)} are free on the disk of ${folder}.`,
      warning: null,
    };
  }
  const warning = free < warnBelowBytes ? `Only ${bytesText(free)} are free on the disk of ${folder}.` : null;
  return { ...known, refusal: null, warning };
}

/** @throws AppError `disk.full` with what is needed and what is free */
export function refuseWithoutSpace({ refusal, freeBytes, neededBytes }: SpaceCheck): void {
  if (refusal === null) return;
  throw new AppError('disk.full', refusal, {
    hint: 'Choose another folder, or a shorter recording.',
    details: { freeBytes, neededBytes },
  });
}

/** What is said when a recording ends because the disk gets full. */
export function stopSentence(freeBytes: number): string {
  return `The disk is nearly full (${bytesText(freeBytes)} free): the recording was ended, and everything up to here is saved.`;
}

/**
 * Measures how fast a folder's disk takes what is written, by a file that is synced and removed again.
 *
 * @returns bytes a second
 * @throws AppError `disk.io`
 */
export async function measureWriteSpeed(folder: string, nowNs: () => bigint, bytes = 16 << 20): Promise<number> {
  const file = path.join(folder, `.calyx-write-test-${randomUUID()}`);
  try {
    await makeFolder(folder, { syncFolder });
    const handle = await create(file);
    try {
      // Some disks compress what they are given; pictures of a scope are half noise.
      const block = randomBytes(1 << 20);
      const began = nowNs();
      for (let at = 0; at < bytes; at += block.length) await handle.write(block, at);
      await handle.sync();
      return bytes / (Number(nowNs() - began) / 1e9);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new AppError('disk.io', `Nothing can be written into ${folder}.`, {
      hint: 'Choose another data folder, or check the disk and your rights there.',
      cause: error,
    });
  } finally {
    await rm(file, { force: true });
  }
}
