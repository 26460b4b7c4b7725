// SPDX-License-Identifier: MIT
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { AppError, type AcquireStack } from '../contract/index.ts';
import type { Resolved, ScopeFrame, ScopeType, Setting } from '../devices/index.ts';
import { writeFloatPages } from '../tiff/index.ts';

/** The scope as a stack uses it. */
export interface StackScope {
  readonly type: ScopeType;
  /** Lens setting as it should be, asked for when it is restored. */
  readonly lens: () => Setting;
  /** Resolves when the board has been told. */
  readonly set: (value: Setting) => Promise<Pick<Resolved, 'shown'>>;
  /** The next frame; rejects when none comes. */
  readonly nextFrame: () => Promise<ScopeFrame>;
  /** The clock by which frames tell when they came, ns. */
  readonly nowNs: () => bigint;
}

/** Frames after a step that do not count: the board moves the lens at a frame's end, the next is exposed while it moves. */
const movingFrames = 3;

/** Lens settings of a stack, the lower end first. @throws AppError `usage.invalid`, `device.bad_setting` for a scope without a lens or a setting beyond its range */
export function stackPlanes(type: ScopeType, { from, to, step }: Omit<AcquireStack, 'frames'>): readonly number[] {
  const control = type.controls['ewl'];
  if (control?.kind !== 'range') {
    throw new AppError(
      'device.bad_setting',
      `${type.label ?? type.type} has no lens that can be set: no stack can be taken.`,
    );
  }
  for (const end of [from, to]) {
    if (end < control.min || end > control.max) {
      throw new AppError(
        'device.bad_setting',
        `A stack must lie between the lens settings ${control.min} and ${control.max}; ${end} does not.`,
      );
    }
  }
  const planes = Math.floor(Math.abs(to - from) / step) + 1;
  return Array.from({ length: planes }, (_, n) => from + n * step * Math.sign(to - from || 1));
}

/**
 * Takes a stack: at each setting of the lens the mean of some frames, a page of a TIFF file (grey levels, 32-bit float) with the setting in its description. The lens is
 * left as it was; the file is whole or not there.
 *
 * @param onPlane told before each plane
 * @throws AppError `device.*`, `disk.io`, `rpc.cancelled`
 */
export async function takeStack(
  { type, lens, set, nextFrame, nowNs }: StackScope,
  { file, ...range }: AcquireStack & { readonly file: string },
  signal: AbortSignal,
  onPlane: (plane: number, of: number) => void,
): Promise<number> {
  const planes = stackPlanes(type, range);
  const temporary = `${file}.part`;
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFloatPages(temporary, {
      height: type.height,
      width: type.width,
      pages: planes.length,
      describe: (n) => `ewl=${planes[n] ?? ''}; frames=${range.frames}`,
      page: async (n) => {
        onPlane(n + 1, planes.length);
        await set(planes[n] ?? lens());
        // Frames that had come before and were waiting to be taken show the lens as it was.
        const toldNs = nowNs();
        for (let moving = 0; moving < movingFrames;) if ((await nextFrame()).firstNs > toldNs) moving += 1;
        return await meanFrame(type, range.frames, nextFrame, signal);
      },
    });
    await set(lens());
    await rename(temporary, file);
  } catch (error) {
    // Where the board is gone, why it failed is what matters.
    await set(lens()).catch(() => undefined);
    await rm(temporary, { force: true }).catch(() => undefined);
    if (error instanceof AppError) throw error;
    throw new AppError('disk.io', `${path.basename(file)} cannot be written.`, { cause: error });
  }
  return planes.length;
}

async function meanFrame(
  { width, height }: ScopeType,
  frames: number,
  nextFrame: StackScope['nextFrame'],
  signal: AbortSignal,
): Promise<Float32Array> {
  const sum = new Float64Array(width * height);
  for (let n = 0; n < frames; n += 1) {
    if (signal.aborted) throw new AppError('rpc.cancelled', 'The stack was stopped; nothing of it was kept.');
    const { pixels } = await nextFrame();
    for (let at = 0; at < sum.length; at += 1) sum[at] = (sum[at] ?? 0) + (pixels[at] ?? 0);
  }
  return Float32Array.from(sum, (value) => value / frames);
}
