// SPDX-License-Identifier: MIT
import type { Frame } from './foreign-film.ts';

/** Bytes that are read and unpacked at one time. */
const blockBytes = 16 * 2 ** 20;

/**
 * Single frames out of whole chunks, so that a chunk of many frames is unpacked once when frames are read in order.
 *
 * @param load - frames `first` to before `last`, one after another
 */
export function blockwise(
  size: { readonly frames: number; readonly pixels: number; readonly bytes: number; readonly chunkFrames: number },
  load: (first: number, last: number) => Promise<Frame>,
): (frame: number) => Promise<Frame> {
  const { frames, pixels, bytes } = size;
  const chunk = Math.max(1, size.chunkFrames);
  const perBlock = Math.max(1, Math.floor(blockBytes / (pixels * bytes * chunk))) * chunk;
  let block: { readonly first: number; readonly values: Frame } | undefined;
  return async (frame) => {
    const first = frame - (frame % perBlock);
    if (block?.first !== first) block = { first, values: await load(first, Math.min(frames, first + perBlock)) };
    return block.values.slice((frame - first) * pixels, (frame - first + 1) * pixels);
  };
}
