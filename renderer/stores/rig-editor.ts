// SPDX-License-Identifier: MIT
import { create } from 'zustand';

/** A rig under the pen. Form and text are one thing: the form writes into the text. Kept while the person looks elsewhere. */
interface RigEditor {
  readonly id: string | null;
  /** As it is saved; empty for one that is new. */
  readonly saved: string;
  readonly text: string;
  readonly isNew: boolean;
}

export const useRigEditor = create<RigEditor>(() => ({ id: null, saved: '', text: '', isNew: false }));

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
type Path = readonly string[];

/** The text as JSON; undefined while it is none. */
export function jsonOf(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

const isRecord = (value: Json | undefined): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A plain value as text; empty for what is none. */
export const textOf = (value: Json | undefined): string =>
  typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';

/** The value at a path. */
export function valueAt(json: Json | undefined, path: Path): Json | undefined {
  let value = json;
  for (const key of path) {
    if (Array.isArray(value)) value = (value as readonly Json[])[Number(key)];
    else if (isRecord(value)) value = value[key];
    else return undefined;
  }
  return value;
}

/** A copy with another value at a path; undefined takes the key away, what is missing on the way is made. */
export function withValue(json: Json | undefined, path: Path, value: Json | undefined): Json {
  const [key, ...rest] = path;
  if (key === undefined) return value ?? null;
  if (Array.isArray(json)) {
    const list = json as readonly Json[];
    if (value === undefined && rest.length === 0) return list.filter((_each, index) => index !== Number(key));
    return list.map((each, index) => (index === Number(key) ? withValue(each, rest, value) : each));
  }
  const record = isRecord(json) ? json : {};
  if (value === undefined && rest.length === 0)
    return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
  return { ...record, [key]: withValue(record[key], rest, value) };
}

/** A copy in which a key has another name, at the same place. */
export function renamed(json: Json | undefined, path: Path, name: string): Json {
  const parent = valueAt(json, path.slice(0, -1));
  const key = path.at(-1) ?? '';
  if (!isRecord(parent)) return withValue(json, [...path, 'deviceName'], name);
  return withValue(
    json,
    path.slice(0, -1),
    Object.fromEntries(Object.entries(parent).map(([each, value]) => [each === key ? name : each, value])),
  );
}

/** As the field's own program writes it. */
export const rigText = (json: Json): string => `${JSON.stringify(json, null, 4)}\n`;

export interface RigDevice {
  readonly name: string;
  readonly path: Path;
  readonly value: { readonly [key: string]: Json };
}

/** Devices of a kind with their place, from either form of a configuration. */
export function devicesOf(json: Json | undefined, kind: 'miniscopes' | 'cameras'): readonly RigDevice[] {
  const given = valueAt(json, ['devices', kind]);
  if (Array.isArray(given))
    return (given as readonly Json[]).map((device, index) => ({
      name: textOf(isRecord(device) ? device['deviceName'] : undefined),
      path: ['devices', kind, String(index)],
      value: isRecord(device) ? device : {},
    }));
  return isRecord(given)
    ? Object.entries(given).map(([name, device]) => ({
        name,
        path: ['devices', kind, name],
        value: isRecord(device) ? device : {},
      }))
    : [];
}

/** How many leaves differ between two texts: what “3 unsaved changes” counts. */
export function changedPaths(before: Json | undefined, after: Json | undefined, path: Path = []): readonly string[] {
  if (isRecord(before) && isRecord(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) => changedPaths(before[key], after[key], [...path, key]));
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [path.join('/')];
}

const base = {
  configVersion: 1,
  dataDirectory: '',
  directoryStructure: ['researcherName', 'experimentName', 'animalName', 'date', 'time'],
  researcherName: '',
  experimentName: '',
  animalName: '',
  recordLengthInSeconds: 1200,
};
const scope = {
  deviceType: 'Miniscope_V4_BNO',
  deviceID: 0,
  frameRate: '30FPS',
  led0: 10,
  gain: 'Low',
  ewl: 0,
  compression: 'FFV1',
  framesPerFile: 1000,
};

/** Rigs that work as they are. */
export const exampleRigs: readonly { readonly name: string; readonly text: string; readonly json: Json }[] = [
  {
    name: 'Practice rig',
    text: 'the simulated scope',
    json: { ...base, devices: { miniscopes: { Miniscope: scope }, cameras: {} }, calyx: { simulator: true } },
  },
  {
    name: 'V4',
    text: 'one Miniscope V4',
    json: { ...base, devices: { miniscopes: { Miniscope: scope }, cameras: {} } },
  },
  {
    name: 'V4 with camera',
    text: 'a Miniscope V4 and a behaviour camera',
    json: {
      ...base,
      devices: {
        miniscopes: { Miniscope: scope },
        cameras: { Behaviour: { deviceType: 'WebCam-1280x720', deviceID: 1, frameRate: 30, framesPerFile: 1000 } },
      },
    },
  },
];

const tokens: Readonly<Record<string, (json: Json | undefined, now: Date) => string>> = {
  date: (_json, now) => `${now.getFullYear()}_${two(now.getMonth() + 1)}_${two(now.getDate())}`,
  time: (_json, now) => `${two(now.getHours())}_${two(now.getMinutes())}_${two(now.getSeconds())}`,
};
const two = (value: number): string => String(value).padStart(2, '0');

const named = (value: Json | undefined, part: string): string => (value === undefined ? `‹${part}›` : textOf(value));

/** The folder that a recording would make; a name that is empty makes none. */
export function folderPreview(json: Json | undefined, now: Date): string {
  const structure = valueAt(json, ['directoryStructure']);
  const parts = Array.isArray(structure) ? (structure as readonly Json[]).map(String) : [];
  return parts
    .map((part) => tokens[part]?.(json, now) ?? named(valueAt(json, [part]), part))
    .filter((part) => part.trim() !== '')
    .join('/');
}
