// SPDX-License-Identifier: MIT
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../contract/index.ts';
import { makeFolder, syncFolder, type Disk } from './disk.ts';
import type { Rig } from './rig.ts';
import { writeWholeFile } from './whole-file.ts';

const two = (value: number): string => String(value).padStart(2, '0');

/**
 * The folder of a recording that starts at a moment, below the data directory: `date` and `time` are the start's in this computer's zone, other tokens texts of
 * the rig, spaces as `_` (acquisition.md 4.1). A rig without tokens has those two: a recording lies below the data directory, never beside it.
 */
export function recordingFolder(rig: Rig, dataDirectory: string, start: Date): string {
  const texts: Readonly<Record<string, string>> = {
    ...rig.texts,
    researcherName: rig.researcherName,
    experimentName: rig.experimentName,
    animalName: rig.animalName,
  };
  const tokens = rig.directoryStructure.length === 0 ? ['date', 'time'] : rig.directoryStructure;
  const parts = tokens.map((token) => {
    const lower = token.toLowerCase();
    if (lower === 'date') return `${start.getFullYear()}_${two(start.getMonth() + 1)}_${two(start.getDate())}`;
    if (lower === 'time') return `${two(start.getHours())}_${two(start.getMinutes())}_${two(start.getSeconds())}`;
    const text = (texts[token] ?? '').trim();
    return fileName(text === '' ? `${token}Missing` : text);
  });
  return path.join(dataDirectory, ...parts);
}

/** A file system takes names of 255 bytes; some stay for `_2` and what stands beside it. */
const longestNameBytes = 200;
/** What Windows keeps for devices, with any ending. */
const reserved = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** A name as a folder or file on any system: spaces, what a path may not hold, and dots at the end become `_`; what is too long is cut. */
export function fileName(text: string): string {
  const safe = text.replaceAll(/[\s\p{Cc}\p{Cs}<>:"/\\|?*]/gu, '_');
  let short = '';
  let bytes = 0;
  for (const letter of safe) {
    bytes += Buffer.byteLength(letter);
    if (bytes > longestNameBytes) break;
    short += letter;
  }
  if (/^\.+$/.test(short) || short === '') return '_';
  const named = short.replace(/\.+$/, (dots) => '_'.repeat(dots.length));
  return reserved.test(named) ? `_${named}` : named;
}

/**
 * Makes a folder that did not exist; two recordings of one second get `_2`, `_3` …
 *
 * @throws AppError `disk.io`
 */
export async function makeNewFolder(wanted: string, disk: Pick<Disk, 'syncFolder'> = { syncFolder }): Promise<string> {
  try {
    await makeFolder(path.dirname(wanted), disk);
    for (let n = 1; ; n += 1) {
      const folder = n === 1 ? wanted : `${wanted}_${n}`;
      try {
        await mkdir(folder);
        await disk.syncFolder(path.dirname(folder));
        return folder;
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      }
    }
  } catch (error) {
    throw new AppError('disk.io', `The folder ${wanted} cannot be made.`, {
      hint: 'Choose another data folder, or check the disk and your rights there.',
      cause: error,
    });
  }
}

/** Writes a JSON file as other programs of the field do: four spaces, keys in alphabetical order; whole or not at all. */
export async function writeJson(
  file: string,
  value: Readonly<Record<string, unknown>>,
  disk?: Pick<Disk, 'syncFolder'>,
): Promise<void> {
  await writeWholeFile(file, `${JSON.stringify(sorted(value), null, 4)}\n`, disk);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

/** The start's fields as metaData.json has them: local time, and milliseconds since 1970 in UTC. */
export function startTime(start: Date): Readonly<Record<string, number>> {
  return {
    year: start.getFullYear(),
    month: start.getMonth() + 1,
    day: start.getDate(),
    hour: start.getHours(),
    minute: start.getMinutes(),
    second: start.getSeconds(),
    msec: start.getMilliseconds(),
    msecSinceEpoch: start.getTime(),
  };
}
