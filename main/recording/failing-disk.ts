// SPDX-License-Identifier: MIT
import type { Clock } from '../devices/index.ts';
import type { FilmStats, FilmWriter } from '../media/index.ts';
import type { Disk, DiskFile } from './disk.ts';

/** What can be made to go wrong with the disk; see `docs/acquisition.md`. */
export const diskFaultNames = ['slow-disk', 'low-disk', 'full-disk'] as const;
/** One of {@link diskFaultNames}. */
export type DiskFaultName = (typeof diskFaultNames)[number];

/** Frames that fit between whoever brings them and the disk, as in the real writer. */
const ring = 128;
/** A slow disk takes nothing for so long, ms: more than the ring holds at 20 frames/s. */
const slowMs = 8000;
/** What a disk that gets full reports as free, bytes. */
const lowBytes = 100e6;

/** A disk that fails on command, for practice and for tests. */
export interface FailingDisk {
  readonly disk: Disk;
  readonly fault: (name: DiskFaultName) => void;
}

/** A disk that works as the given one until a fault is asked for. */
export function failingDisk(real: Disk, clock: Pick<Clock, 'nowNs'>): FailingDisk {
  let slowUntilNs = 0n;
  let isLow = false;
  let isFull = false;
  const full = (): Error => Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  const refuse = (): void => {
    if (isFull) throw full();
  };
  const file = (inner: DiskFile): DiskFile => ({
    ...inner,
    write: async (bytes, at) => {
      refuse();
      await inner.write(bytes, at);
    },
  });
  const film = (inner: FilmWriter): FilmWriter => {
    const waiting: Uint8Array[] = [];
    let highWater = 0;
    const drain = (): void => {
      while (waiting.length > 0 && inner.push(waiting[0] ?? new Uint8Array()) === 'taken') waiting.shift();
    };
    const stats = (): FilmStats => {
      const now = inner.stats();
      return {
        ...now,
        taken: now.taken + waiting.length,
        waiting: now.waiting + waiting.length,
        highWater: Math.max(now.highWater, highWater),
        failure: isFull ? 'The disk is full.' : now.failure,
      };
    };
    return {
      push: (frame) => {
        if (isFull) return 'failed';
        if (clock.nowNs() >= slowUntilNs) {
          drain();
          if (waiting.length === 0) return inner.push(frame);
        }
        if (waiting.length >= ring) return 'full';
        waiting.push(Uint8Array.from(frame));
        highWater = Math.max(highWater, waiting.length);
        return 'taken';
      },
      stats,
      finish: async () => {
        while (waiting.length > 0) {
          const before = waiting.length;
          drain();
          if (waiting.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
        }
        return await inner.finish();
      },
    };
  };
  return {
    disk: {
      create: async (name) => {
        refuse();
        return file(await real.create(name));
      },
      syncFolder: real.syncFolder,
      freeBytes: async (folder) => (isFull ? 0 : isLow ? lowBytes : await real.freeBytes(folder)),
      startFilm: async (options) => film(await real.startFilm(options)),
    },
    fault: (name) => {
      if (name === 'slow-disk') slowUntilNs = clock.nowNs() + BigInt(slowMs) * 1_000_000n;
      else if (name === 'low-disk') isLow = true;
      else isFull = true;
    },
  };
}
