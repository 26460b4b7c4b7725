// SPDX-License-Identifier: MIT
import { binding, fromNative } from './binding.ts';
import { useFoundFfmpeg } from './probe.ts';

/** How a film is recorded. */
export interface FilmOptions {
  /** A folder that exists; the files are `0.avi`, `1.avi` … in it. */
  readonly folder: string;
  readonly width: number;
  readonly height: number;
  /** Frames per second for the container; times are kept elsewhere. */
  readonly fps: number;
  /** Both keep every bit; FFV1 takes half the space and a core. */
  readonly compression: 'FFV1' | 'GREY';
  readonly framesPerFile: number;
}

/** Counts of a film being recorded, frames unless said otherwise. */
export interface FilmStats {
  readonly taken: number;
  readonly written: number;
  /** In a file and known to be on the disk. */
  readonly synced: number;
  readonly bytes: number;
  readonly waiting: number;
  /** Most that ever waited; 128 fit. */
  readonly highWater: number;
  /** Why writing failed; null while it works. */
  readonly failure: string | null;
}

/** A file that was written. */
export interface WrittenFilm {
  readonly name: string;
  readonly frames: number;
  readonly bytes: number;
}

/** A film being recorded. */
export interface FilmWriter {
  /** Takes a frame without waiting; one that is not taken is lost. */
  readonly push: (frame: Uint8Array) => 'taken' | 'full' | 'failed';
  readonly stats: () => FilmStats;
  /** Writes what waits and closes the files. @throws AppError `media.io`, `disk.full` */
  readonly finish: () => Promise<readonly WrittenFilm[]>;
}

const ended: FilmStats = { taken: 0, written: 0, synced: 0, bytes: 0, waiting: 0, highWater: 0, failure: null };

/** Begins a film. @throws AppError `media.ffmpeg_missing`, `media.io`, `engine.missing` */
export async function startFilm({ compression, ...options }: FilmOptions): Promise<FilmWriter> {
  useFoundFfmpeg();
  const native = binding();
  try {
    const handle = await native.startFilm({ ...options, ffv1: compression === 'FFV1' });
    let last = ended;
    return {
      push: (frame) => native.pushFrame(handle, frame),
      stats: () => {
        const stats = native.filmStats(handle);
        if (stats !== null) last = { ...stats, failure: stats.failure ?? null };
        return last;
      },
      finish: async () => {
        try {
          return await native.finishFilm(handle);
        } catch (error) {
          throw fromNative(error);
        }
      },
    };
  } catch (error) {
    throw fromNative(error);
  }
}
