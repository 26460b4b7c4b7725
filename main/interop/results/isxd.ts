// SPDX-License-Identifier: MIT
import { open, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { fileError } from '../../processing/index.ts';
import { checkSize, frameCount, oddValue, unreadable } from './check.ts';

const whole = z.number().int().nonnegative();
const Ratio = z.object({ num: z.number(), den: z.number().refine((value) => value !== 0) });

/** What the JSON at the end of every Inscopix file says. */
export const IsxdFooter = z.looseObject({
  /** 0 movie, 1 cell set, 4 image, 5 events. */
  type: whole,
  spacingInfo: z.object({ numPixels: z.object({ x: whole, y: whole }) }).optional(),
  timingInfo: z
    .looseObject({
      numTimes: whole,
      period: Ratio,
      dropped: z.array(z.number()).optional(),
      cropped: z.array(z.unknown()).optional(),
    })
    .optional(),
  /** Of events: names of the cells, events of each, s between samples of each. */
  'channel list': z.array(z.string()).optional(),
  numSamples: z.array(whole).optional(),
  signalSteps: z.array(Ratio).optional(),
  /** Of events: start and end of the recording, s since 1970. */
  'global times': z.array(z.looseObject({ secsSinceEpoch: Ratio })).optional(),
  CellNames: z.array(z.string()).optional(),
  CellStatuses: z.array(z.number()).optional(),
});
export type IsxdFooter = z.infer<typeof IsxdFooter>;

/** Kinds of Inscopix files by their number. */
export const isxdKinds: Readonly<Record<number, string>> = { 0: 'movie', 1: 'cell set', 4: 'image', 5: 'event set' };

/** The JSON is never longer: a million cells' names. */
const longestFooter = 64 * 1024 * 1024;

/**
 * Reads the end of an Inscopix file: JSON, a zero, and the JSON's length in eight bytes.
 *
 * @throws AppError `interop.unreadable`, `disk.io`
 */
export async function readFooter(place: string): Promise<{ readonly footer: IsxdFooter; readonly dataBytes: number }> {
  let file: FileHandle;
  try {
    file = await open(place, 'r');
  } catch (error) {
    throw fileError(error, `opening ${place}`);
  }
  try {
    const { size } = await file.stat();
    const tail = Buffer.alloc(8);
    if (size < 16) throw unreadable(place, 'it is too short for an Inscopix file.');
    await file.read(tail, 0, 8, size - 8);
    const length = Number(tail.readBigUInt64LE());
    if (length < 2 || length > longestFooter || length + 9 > size) {
      throw unreadable(place, 'it does not end as Inscopix files do; it may be cut off.');
    }
    const text = Buffer.alloc(length);
    await file.read(text, 0, length, size - 9 - length);
    let value: unknown;
    try {
      value = JSON.parse(text.toString('utf8'));
    } catch (error) {
      throw unreadable(place, 'the description at its end is damaged.', error);
    }
    const parsed = IsxdFooter.safeParse(value);
    if (!parsed.success)
      throw unreadable(place, `in the description at its end ${oddValue(parsed.error, value)}.`, parsed.error);
    return { footer: parsed.data, dataBytes: size - 9 - length };
  } finally {
    await file.close();
  }
}

/** Sizes of a footer that has them. @throws AppError `interop.unreadable` */
export function isxdSizes(
  footer: IsxdFooter,
  place: string,
): { readonly height: number; readonly width: number; readonly frames: number; readonly fps: number } {
  const { spacingInfo, timingInfo } = footer;
  if (spacingInfo === undefined || timingInfo === undefined)
    throw unreadable(place, 'it does not say its size or its times.');
  const { x: width, y: height } = spacingInfo.numPixels;
  checkSize([height, width], 'field', place);
  return {
    height,
    width,
    frames: frameCount(timingInfo.numTimes, place),
    fps: timingInfo.period.den / timingInfo.period.num,
  };
}
