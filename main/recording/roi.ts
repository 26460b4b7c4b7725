// SPDX-License-Identifier: MIT
import { AppError } from '../contract/index.ts';
import type { RigScope, Roi } from './rig.ts';

/** A scope's frame keeps a part of it only where that lies inside. @throws AppError `recording.bad_rig` */
export function refuseRoiOutside(
  { roi, name }: RigScope,
  frame: { readonly width: number; readonly height: number },
): void {
  if (roi === null) return;
  if (roi.leftEdge + roi.width <= frame.width && roi.topEdge + roi.height <= frame.height) return;
  throw new AppError(
    'recording.bad_rig',
    `The part of ${name}'s frame to be kept (${roi.width} × ${roi.height} at ${roi.leftEdge}, ${roi.topEdge}) does not lie inside ${frame.width} × ${frame.height}.`,
  );
}

/** A part of a frame's pixels, row by row. @param width - of the whole frame, px */
export function cutOut(pixels: Uint8Array, width: number, roi: Roi): Uint8Array {
  const out = new Uint8Array(roi.width * roi.height);
  for (let y = 0; y < roi.height; y += 1) {
    const from = (roi.topEdge + y) * width + roi.leftEdge;
    out.set(pixels.subarray(from, from + roi.width), y * roi.width);
  }
  return out;
}
