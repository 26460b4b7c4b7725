// SPDX-License-Identifier: MIT
import { open } from 'node:fs/promises';
import { z } from 'zod';
import { fileError } from '../../../processing/index.ts';
import { oddValue, unreadable } from '../../results/check.ts';
import { isxdKinds, isxdSizes, readFooter } from '../../results/isxd.ts';
import type { FilmReader } from '../foreign-film.ts';

/** Numbers before and behind the pixels of a frame as it comes from the sensor: two rows of 1280 each. */
const rowsAround = 2 * 1280;

const pixelBytes: Readonly<Record<number, number>> = { 0: 2, 1: 4, 2: 1 };

/** Frames that the recorder left out: numbers, or first and last of a range. */
const Left = z.array(z.union([z.number().int(), z.tuple([z.number().int(), z.number().int()])]));

const Timing = z.looseObject({
  dataType: z.number().int(),
  hasFrameHeaderFooter: z.boolean().default(false),
  timingInfo: z.looseObject({
    start: z
      .object({
        secsSinceEpoch: z.object({ num: z.number(), den: z.number().refine((value) => value !== 0) }),
      })
      .optional(),
    dropped: Left.default([]),
    cropped: Left.default([]),
    blank: Left.default([]),
  }),
});

function asSet(left: z.infer<typeof Left>): Set<number> {
  const all = new Set<number>();
  for (const entry of left) {
    const [first, last] = typeof entry === 'number' ? [entry, entry] : entry;
    for (let frame = first; frame <= last && all.size < 1e8; frame += 1) all.add(frame);
  }
  return all;
}

/** Of a clock that was never set there is only a second of 1970. */
const earliest = Date.UTC(2010, 0);

/** Movies of the Inscopix software (`.isxd`): frames one after another, then a description. */
export const isxdFilm: FilmReader = {
  format: 'Inscopix movie',
  recognises: async (place) => {
    if (!/\.isxd$/i.test(place)) return false;
    return await readFooter(place).then(
      ({ footer }) => footer.type === 0,
      () => false,
    );
  },
  open: async (place) => {
    const { footer, dataBytes } = await readFooter(place);
    if (footer.type !== 0) {
      throw unreadable(place, `it is an Inscopix ${isxdKinds[footer.type] ?? 'file of another kind'}, not a movie.`);
    }
    const { height, width, frames: times, fps } = isxdSizes(footer, place);
    const parsed = Timing.safeParse(footer);
    if (!parsed.success)
      throw unreadable(place, `in the description at its end ${oddValue(parsed.error, footer)}.`, parsed.error);
    const { dataType, hasFrameHeaderFooter, timingInfo } = parsed.data;
    const each = pixelBytes[dataType];
    if (each === undefined) throw unreadable(place, `its pixels are of the unknown kind ${dataType}.`);
    const before = hasFrameHeaderFooter ? rowsAround * each : 0;
    const frameBytes = height * width * each + 2 * before;
    const stored = Math.floor(dataBytes / frameBytes);
    const left = new Set([...asSet(timingInfo.dropped), ...asSet(timingInfo.cropped)]);
    if (stored + left.size + asSet(timingInfo.blank).size === times)
      for (const k of asSet(timingInfo.blank)) left.add(k);
    const at = Array.from({ length: times }, (_, k) => k).filter((k) => !left.has(k));
    if (stored < at.length || stored === 0) {
      throw unreadable(
        place,
        `it holds ${stored} whole frames of ${width} × ${height} pixels, its description speaks of ${at.length}.`,
      );
    }
    const file = await open(place, 'r').catch((error: unknown) => {
      throw fileError(error, `opening ${place}`);
    });
    const start = timingInfo.start?.secsSinceEpoch;
    const startMs = start === undefined ? 0 : (1000 * start.num) / start.den;
    const buffer = Buffer.alloc(height * width * each);
    const gaps = times - at.length;
    return {
      height,
      width,
      frames: at.length,
      isInteger: dataType !== 1,
      fps,
      timeS: gaps === 0 ? null : Float64Array.from(at, (k) => (k - (at[0] ?? 0)) / fps),
      startedAt: startMs > earliest ? new Date(startMs).toISOString() : null,
      findings: gaps === 0 ? [] : [`${gaps} of ${times} frames were dropped or cropped away; the times keep the gaps.`],
      read: async (frame) => {
        const { bytesRead } = await file.read(buffer, 0, buffer.length, frame * frameBytes + before);
        if (bytesRead < buffer.length) throw unreadable(place, `it ends within frame ${frame}.`);
        // A copy of its own: aligned for every kind of number.
        const { buffer: own } = Uint8Array.from(buffer);
        return each === 4 ? new Float32Array(own) : each === 2 ? new Uint16Array(own) : new Uint8Array(own);
      },
      [Symbol.asyncDispose]: () => file.close(),
    };
  },
};
