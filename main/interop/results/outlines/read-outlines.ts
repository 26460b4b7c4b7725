// SPDX-License-Identifier: MIT
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { unzipSync } from 'fflate';
import { fileError } from '../../../processing/index.ts';
import { unreadable } from '../check.ts';
import { type Outline, parseRoi, RoiError } from './roi.ts';

/** Outlines of a file in its order, and what of it has no area or cannot be read. */
export interface ReadOutlines {
  readonly outlines: readonly Outline[];
  readonly findings: readonly string[];
}

/** A person draws hundreds; a file that holds more, or larger ones, is a bomb. Looked at before anything is unpacked. */
const [mostEntries, largestEntry, largestAll, largestFile] = [20_000, 4 * 2 ** 20, 256 * 2 ** 20, 256 * 2 ** 20];

/** `PK`, an entry of a zip archive. */
const zipStart = 'PK\u0003\u0004';

/** Reads a ZIP of ImageJ ROIs (RoiSet.zip), or one `.roi` file. @throws AppError `interop.unreadable`, `disk.io` */
export async function readOutlines(place: string): Promise<ReadOutlines> {
  const { size } = await stat(place).catch((error: unknown) => {
    throw fileError(error, `opening ${place}`);
  });
  if (size > largestFile) throw unreadable(place, `it has ${size} bytes; outlines never need so many.`);
  const bytes = await readFile(place);
  const entries =
    bytes.toString('latin1', 0, 4) === zipStart ? entriesOf(bytes, place) : [[path.basename(place), bytes] as const];
  const outlines: Outline[] = [];
  const lost = new Map<string, number>();
  for (const [entry, content] of entries) {
    try {
      const read = parseRoi(
        Buffer.from(content.buffer, content.byteOffset, content.byteLength),
        path.basename(entry, '.roi'),
      );
      if ('loops' in read) outlines.push(read);
      else lost.set(`${read.kind}, which has no area`, (lost.get(`${read.kind}, which has no area`) ?? 0) + 1);
    } catch (error) {
      if (!(error instanceof RoiError)) throw error;
      lost.set(error.message, (lost.get(error.message) ?? 0) + 1);
    }
  }
  const findings = [...lost].map(([why, count]) => `${count} of ${entries.length} ROIs were left out: ${why}.`);
  if (outlines.length === 0)
    throw unreadable(
      place,
      `it holds no outline with an area.${findings.length === 0 ? '' : ` ${findings.join(' ')}`}`,
    );
  return { outlines, findings };
}

function entriesOf(bytes: Buffer, place: string): readonly (readonly [string, Uint8Array])[] {
  let [count, all] = [0, 0];
  try {
    const files = unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        if (!name.toLowerCase().endsWith('.roi') || name.startsWith('__MACOSX/')) return false;
        count += 1;
        all += originalSize;
        if (count > mostEntries || originalSize > largestEntry || all > largestAll)
          throw unreadable(place, `it unpacks to more than outlines ever are (${count} entries, ${all} bytes so far).`);
        return true;
      },
    });
    return Object.entries(files);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'interop.unreadable') throw error;
    throw unreadable(place, 'its archive is damaged or cut off.', error);
  }
}
