// SPDX-License-Identifier: MIT
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';

/**
 * A cell set of Inscopix whose traces take a while to read: zeros, which need no room on the disk.
 *
 * @param cells - traces of 40,000 frames each, 160 kB
 */
export function largeCellSet(place: string, cells = 200): string {
  const [height, width, frames] = [3, 5, 40_000];
  const footer = {
    type: 1,
    spacingInfo: { numPixels: { x: width, y: height } },
    timingInfo: { numTimes: frames, period: { num: 1, den: 20 } },
    CellNames: Array.from({ length: cells }, (_, cell) => `C${cell}`),
    CellStatuses: Array.from({ length: cells }, () => 0),
  };
  const text = Buffer.from(JSON.stringify(footer));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const values = cells * (height * width + frames) * 4;
  const file = openSync(place, 'w');
  try {
    ftruncateSync(file, values);
    writeSync(file, Buffer.concat([text, Buffer.from([0]), length]), 0, undefined, values);
  } finally {
    closeSync(file);
  }
  return place;
}
