// SPDX-License-Identifier: MIT
import type { Finding } from '../contract/index.ts';
import { binding, fromNative } from './binding.ts';
import { findFfmpeg } from './ffmpeg.ts';

/** What a film's own headers and index say; counted, not believed: `frames` is the number that can be decoded. */
export interface FilmProbe {
  readonly frames: number;
  readonly width: number;
  readonly height: number;
  /** Rate written in the container; a Miniscope DAQ always writes 60. Null where there is none. */
  readonly containerFps: number | null;
  /** `GREY`, `FFV1`, `MJPG` … */
  readonly codec: string;
  /** Remarks such as a cut last frame. */
  readonly findings: readonly Finding[];
}

/**
 * Looks into one film.
 *
 * @throws AppError `media.empty`, `media.unreadable`, `media.ffmpeg_missing`, `media.io`, `engine.missing`
 */
export async function probeFilm(absolutePath: string): Promise<FilmProbe> {
  useFoundFfmpeg();
  try {
    const { findings, containerFps, ...film } = await binding().probeFilm(absolutePath);
    return {
      ...film,
      containerFps: containerFps ?? null,
      findings: findings.map(({ code, message }) => ({ severity: 'warning', code, message })),
    };
  } catch (error) {
    throw fromNative(error);
  }
}

/** Native code looks for `$FFMPEG_BIN` and the PATH only; this names one that came with a package. */
export function useFoundFfmpeg(): void {
  if (process.env['FFMPEG_BIN'] !== undefined && process.env['FFMPEG_BIN'] !== '') return;
  const found = findFfmpeg();
  if (found !== undefined) process.env['FFMPEG_BIN'] = found;
}
