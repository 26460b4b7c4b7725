// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { AppError, denial } from '../contract/index.ts';

/** A number, or a text that begins with one ("20FPS", "1X"); other texts ("Low") and anything else are undefined. */
function looseNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const match = /^\s*([+-]?\d+(?:\.\d+)?)/.exec(value);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

const Loose = z.record(z.string(), z.unknown());
type Loose = z.infer<typeof Loose>;

/**
 * Reads a metaData.json. Any value may be missing or of another type; only a file that is no JSON object is an error.
 *
 * @param shown name for messages
 * @returns null when there is no such file
 * @throws AppError `session.bad_metadata`
 */
export async function readMetaData(file: string, shown: string): Promise<Loose | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    const denied = denial(error);
    throw new AppError(
      'session.bad_metadata',
      `${shown} cannot be read${denied === null ? '' : ': permission is missing'}.`,
      {
        ...(denied === null ? {} : { hint: denied.hint }),
        cause: error,
      },
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'it is not JSON';
    throw new AppError('session.bad_metadata', `${shown} is not valid JSON: ${reason}.`, { cause: error });
  }
  const object = Loose.safeParse(value);
  if (!object.success) throw new AppError('session.bad_metadata', `${shown} holds no JSON object.`);
  return object.data;
}

/** What a device's metaData.json says; all of it optional. */
export interface DeviceMetaData {
  readonly name: string | null;
  readonly type: string | null;
  readonly frameRate: number | null;
  readonly framesPerFile: number | null;
  readonly roi: { readonly height: number; readonly width: number } | null;
}

const text = (value: unknown): string | null =>
  typeof value === 'string' && value.trim() !== '' ? value.trim() : null;

/** Reads a device's metadata (reference/acquisition.md 4.3). `null` gives all nulls. */
export function deviceMetaData(data: Loose | null): DeviceMetaData {
  const roi = Loose.safeParse(data?.['ROI']);
  const height = roi.success ? looseNumber(roi.data['height']) : undefined;
  const width = roi.success ? looseNumber(roi.data['width']) : undefined;
  const perFile = looseNumber(data?.['framesPerFile']);
  const rate = looseNumber(data?.['frameRate']);
  return {
    name: text(data?.['deviceName']),
    type: text(data?.['deviceType']),
    frameRate: rate !== undefined && rate > 0 ? rate : null,
    framesPerFile: perFile !== undefined && perFile >= 1 ? Math.floor(perFile) : null,
    roi: height === undefined || width === undefined ? null : { height, width },
  };
}

/** What a session's metaData.json says. */
export interface SessionMetaData {
  readonly subject: string | null;
  readonly experiment: string | null;
  readonly startedAt: string | null;
  readonly tzOffsetMin: number | null;
  /** Folder names (spaces as `_`) of the devices that the session lists, by kind. */
  readonly miniscopes: readonly string[];
  readonly cameras: readonly string[];
}

/** Folder name of a device. */
const folderName = (device: string): string => device.replaceAll(' ', '_');

/** Names of devices: a list of texts, a list of objects with `deviceName`, or an object keyed by name. */
function deviceNames(value: unknown): string[] {
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown) => {
      const name = typeof item === 'string' ? item : text(Loose.safeParse(item).data?.['deviceName']);
      return name === null ? [] : [folderName(name)];
    });
  }
  const object = Loose.safeParse(value);
  return object.success ? Object.keys(object.data).map(folderName) : [];
}

/** Reads a session's metadata: start time as `recordingStartTime` object or as flat keys of 2020 (reference/acquisition.md 4.2, 4.7). */
export function sessionMetaData(data: Loose | null): SessionMetaData {
  const nested = Loose.safeParse(data?.['recordingStartTime']);
  const devices = Loose.safeParse(data?.['devices']).data;
  return {
    subject: text(data?.['animalName']) ?? text(data?.['animalID']),
    experiment: text(data?.['experimentName']),
    ...startTime(nested.success ? nested.data : (data ?? {})),
    miniscopes: deviceNames(data?.['miniscopes'] ?? devices?.['miniscopes']),
    cameras: deviceNames(data?.['cameras'] ?? devices?.['cameras']),
  };
}

function startTime(fields: Loose): { startedAt: string | null; tzOffsetMin: number | null } {
  const numbers = ['year', 'month', 'day', 'hour', 'minute', 'second', 'msec'].map((key) => looseNumber(fields[key]));
  const [year, month, day, hour = 0, minute = 0, second = 0, msec = 0] = numbers;
  const known = year !== undefined && month !== undefined && day !== undefined;
  const local = known ? Date.UTC(year, month - 1, day, hour, minute, second, msec) : undefined;
  const epoch = looseNumber(fields['msecSinceEpoch']);
  // Dates before 2000 or beyond 2100 come from boards without a clock.
  const believable = (ms: number | undefined): ms is number =>
    ms !== undefined && ms > 946_684_800_000 && ms < 4_102_444_800_000;
  if (believable(epoch)) {
    const offset = believable(local) ? Math.round((local - epoch) / 900_000) * 15 : null;
    return {
      startedAt: new Date(epoch).toISOString(),
      tzOffsetMin: offset !== null && Math.abs(offset) <= 14 * 60 ? offset : null,
    };
  }
  return { startedAt: believable(local) ? new Date(local).toISOString() : null, tzOffsetMin: null };
}
