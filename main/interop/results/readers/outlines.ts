// SPDX-License-Identifier: MIT
import { open } from 'node:fs/promises';
import { unreadable } from '../check.ts';
import type { ResultReader } from '../foreign-result.ts';
import { readOutlines } from '../outlines/read-outlines.ts';
import { pixelsOf } from '../outlines/roi.ts';

/** Outlines that a person drew in ImageJ (`RoiSet.zip`, or one `.roi`): cells of one weight inside, without traces. They need the recording for its size. */
export const outlines: ResultReader = {
  program: 'outlines',
  title: 'ImageJ outlines',
  recognises: async (place) => {
    if (!/\.(zip|roi)$/i.test(place)) return false;
    const file = await open(place, 'r').catch(() => null);
    if (file === null) return false;
    try {
      const head = Buffer.alloc(4);
      await file.read(head, 0, 4, 0).catch(() => undefined);
      const start = head.toString('latin1');
      return start === 'Iout' || start.startsWith('PK');
    } finally {
      await file.close();
    }
  },
  read: async (place, field, onShare) => {
    if (field === null) {
      throw unreadable(
        place,
        'outlines do not say the size of the film they were drawn on. Give its recording (--recording <uuid>), or compare two raters with calyx agreement <zip> <zip>.',
      );
    }
    const { outlines: drawn, findings } = await readOutlines(place);
    const { height, width, frames } = field;
    const filled = drawn.map((outline, k) => {
      onShare?.(k / drawn.length);
      return pixelsOf(outline, field);
    });
    const outside = filled.filter((each) => each.outside > 0).length;
    return {
      program: 'outlines',
      version: null,
      height,
      width,
      frames,
      fps: field.fps,
      footprints: filled.map(({ pixels }) => ({ pixels, values: new Float32Array(pixels.length).fill(1) })),
      traces: {},
      accepted: filled.map(() => true),
      metrics: { areaPx: filled.map(({ pixels }) => pixels.length) },
      images: {},
      motion: null,
      timeS: null,
      parameters: {},
      findings: [
        ...findings,
        ...(outside === 0
          ? []
          : [`${outside} outlines reach beyond the film’s ${width} × ${height} pixels; what lies outside was cut.`]),
        'Outlines have no traces.',
      ],
    };
  },
};
