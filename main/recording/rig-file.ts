// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { AppError } from '../contract/index.ts';
import type { Setting } from '../devices/index.ts';
import type { Rig, RigCamera, RigCommutator, RigProgram, RigScope } from './rig.ts';
import { writeWholeFile } from './whole-file.ts';

const SettingValue = z.union([z.string(), z.number()]);
const Playback = z.looseObject({
  folderPath: z.string(),
  filePrefix: z.string().default(''),
  frameRate: z.number().positive().default(30),
});
const Device = z.looseObject({
  deviceName: z.string().optional(),
  deviceType: z.string(),
  deviceID: z.number().default(0),
  compression: z.string().optional(),
  framesPerFile: z.number().int().min(1).default(1000),
  ROI: z
    .looseObject({
      leftEdge: z.number().int().min(0),
      topEdge: z.number().int().min(0),
      width: z.number().int().min(2),
      height: z.number().int().min(2),
    })
    .optional(),
  headOrientation: z.looseObject({ filterBadData: z.boolean().default(true) }).optional(),
  frameRate: SettingValue.optional(),
  videoPlayback: Playback.optional(),
  systemName: z.string().optional(),
});
type Device = z.output<typeof Device>;
/** Devices by name, or in files of old as a list that names them. */
const Devices = z.union([z.record(z.string(), Device), z.array(Device)]).default({});
const Program = z
  .looseObject({
    enabled: z.boolean().default(false),
    filePath: z.string().default(''),
    arguments: z.array(z.string()).default([]),
  })
  .optional();
const Axis = z.tuple([z.number(), z.number(), z.number()]);
const Commutator = z
  .looseObject({
    enabled: z.boolean().default(false),
    port: z.string().default(''),
    deviceName: z.string().default(''),
    led: z.boolean().default(true),
    sampleRate: z.number().positive().max(100).default(10),
    headstageAxis: Axis.default([0, 0, 1]),
    commutatorAxis: Axis.default([0, 0, 1]),
    fallbackThreshold: z.number().min(-1).max(1).default(-0.9),
    fallbackMode: z.enum(['global', 'local']).default('global'),
  })
  .optional();
const Configuration = z.looseObject({
  dataDirectory: z.string().optional(),
  directoryStructure: z.array(z.string()).default(['researcherName', 'experimentName', 'animalName', 'date', 'time']),
  researcherName: z.string().default(''),
  experimentName: z.string().default(''),
  animalName: z.string().default(''),
  recordLengthInSeconds: z.number().min(0).optional(),
  recordLengthinSeconds: z.number().min(0).optional(),
  executableOnStartRecording: Program,
  executableOnStopRecording: Program,
  commutator: Commutator,
  behaviorTracker: z.unknown().optional(),
  devices: z.looseObject({ miniscopes: Devices, cameras: Devices }),
  calyx: z.looseObject({ simulator: z.boolean().default(false) }).optional(),
});

const controls = ['gain', 'frameRate', 'led0', 'led1', 'ewl'] as const;
const knownTexts: ReadonlySet<string> = new Set([
  '$schema',
  'dataDirectory',
  'researcherName',
  'experimentName',
  'animalName',
]);

/** Reads a Miniscope-DAQ user configuration, schema version 1 or the older form with lists of devices. @throws AppError `recording.bad_rig` naming the field */
export async function readRig(file: string): Promise<Rig> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new AppError('recording.bad_rig', whyUnread(file, error), {
      hint: 'Check the path given to --rig.',
      cause: error,
    });
  }
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    const reason = text.trim() === '' ? 'it is empty' : error instanceof Error ? error.message : 'something is odd';
    throw new AppError('recording.bad_rig', `The configuration ${file} is no JSON: ${reason}.`, { cause: error });
  }
  return rigOf(json, file);
}

function whyUnread(file: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  if (code === 'ENOENT' || code === 'ENOTDIR') return `There is no configuration ${file}.`;
  if (code === 'EISDIR') return `${file} is a folder, not a configuration.`;
  if (code === 'EACCES') return `You may not read the configuration ${file}.`;
  return `The configuration ${file} cannot be read.`;
}

/** A rig from the content of a configuration. @param name names it in errors @throws AppError `recording.bad_rig` naming the field */
export function rigOf(json: unknown, name: string): Rig {
  const parsed = Configuration.safeParse(json);
  if (!parsed.success) {
    const [issue] = issuesOf(parsed.error, json);
    const place = issue?.path.join('.') ?? '';
    throw new AppError(
      'recording.bad_rig',
      `The configuration ${name} is wrong at ${place === '' ? 'its top' : place}: ${issue?.message ?? ''}`,
    );
  }
  const { devices, calyx, ...data } = parsed.data;
  return {
    dataDirectory: data.dataDirectory ?? null,
    directoryStructure: data.directoryStructure,
    researcherName: data.researcherName,
    experimentName: data.experimentName,
    animalName: data.animalName,
    texts: Object.fromEntries(
      Object.entries(data).filter(
        (entry): entry is [string, string] => typeof entry[1] === 'string' && !knownTexts.has(entry[0]),
      ),
    ),
    recordLengthS: data.recordLengthInSeconds ?? data.recordLengthinSeconds ?? 0,
    scopes: named(devices.miniscopes, 'Miniscope').map(([device, value]) => scopeOf(device, value, name)),
    cameras: named(devices.cameras, 'BehavCam').map(([device, value]) => cameraOf(device, value)),
    isSimulated: calyx?.simulator ?? false,
    behaviorTracker: data.behaviorTracker ?? null,
    onStart: programOf(data.executableOnStartRecording),
    onStop: programOf(data.executableOnStopRecording),
    commutator: commutatorOf(data.commutator),
    configuration: json as Readonly<Record<string, unknown>>,
  };
}

/** Everything that is wrong with the shape of a configuration, with its place. */
export function rigIssues(json: unknown): readonly { readonly path: readonly string[]; readonly message: string }[] {
  const parsed = Configuration.safeParse(json);
  return parsed.success ? [] : issuesOf(parsed.error, json);
}

function issuesOf(error: z.ZodError, json: unknown): { readonly path: readonly string[]; readonly message: string }[] {
  return error.issues
    .flatMap((issue) => flat(issue))
    .map(([issue, place]) => {
      const given = place.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | null)?.[key], json);
      return { path: place.map(String), message: sentenceOf(issue, given) };
    });
}

const kinds: Readonly<Record<string, string>> = {
  object: 'a section { … }',
  record: 'a section { … }',
  array: 'a list [ … ]',
  tuple: 'a list [ … ]',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

/** What is wrong with a value, and what it is. */
function sentenceOf(about: Issue, given: unknown): string {
  if (about.code === 'invalid_type' && given === undefined)
    return `${kinds[about.expected] ?? about.expected} is missing.`;
  const wanted = wantedBy(about);
  const shown = JSON.stringify(given) ?? 'nothing';
  return wanted === undefined
    ? `${about.message}.`
    : `${wanted} belongs there, not ${shown.length > 40 ? `${shown.slice(0, 40)}…` : shown}.`;
}

function wantedBy(issue: Issue): string | undefined {
  if (issue.code === 'invalid_type') return kinds[issue.expected] ?? issue.expected;
  if (issue.code === 'too_small' && (issue.origin === 'number' || issue.origin === 'int'))
    return `a number ${issue.inclusive === false ? 'above' : 'from'} ${issue.minimum}${issue.inclusive === false ? '' : ' on'}`;
  if (issue.code === 'too_big' && issue.origin === 'number') return `at most ${issue.maximum}`;
  if (issue.code === 'invalid_value') return `one of ${issue.values.join(', ')}`;
  return undefined;
}

type Issue = z.core.$ZodIssue;

/** Of a value that may have one of several forms, what keeps it from the form it comes closest to, each with its whole place. */
function flat(issue: Issue, above: readonly PropertyKey[] = []): readonly (readonly [Issue, readonly PropertyKey[]])[] {
  const place = [...above, ...issue.path];
  if (issue.code !== 'invalid_union') return [[issue, place]];
  const depth = (branch: readonly Issue[]): number => Math.max(0, ...branch.map(({ path }) => path.length));
  const closest = issue.errors.toSorted((a, b) => depth(b) - depth(a))[0] ?? [];
  const inner = closest.flatMap((each) => flat(each, place));
  return inner.length === 0 ? [[issue, place]] : inner;
}

function named(
  devices: Readonly<Record<string, Device>> | readonly Device[],
  otherwise: string,
): (readonly [string, Device])[] {
  return Array.isArray(devices)
    ? (devices as readonly Device[]).map((device, n) => [device.deviceName ?? `${otherwise} ${n + 1}`, device] as const)
    : Object.entries(devices as Readonly<Record<string, Device>>);
}

function scopeOf(name: string, device: Device, file: string): RigScope {
  const settings: Record<string, Setting> = {};
  for (const control of controls) {
    const given = device[control];
    if (given === undefined) continue;
    const value = SettingValue.safeParse(given);
    // To leave it out would record in another light than the one that was asked for.
    if (!value.success) {
      throw new AppError(
        'recording.bad_rig',
        `The configuration ${file} is wrong at ${control} of ${name}: a number or a text belongs there, not ${JSON.stringify(given)}.`,
      );
    }
    settings[control] = value.data;
  }
  const compression = (device.compression ?? 'FFV1').toUpperCase();
  if (compression !== 'FFV1' && compression !== 'GREY') {
    throw new AppError(
      'recording.bad_rig',
      `The configuration ${file} asks for ${device.compression ?? ''} for ${name}: Calyx records scopes without loss, as FFV1 or GREY.`,
    );
  }
  return {
    name,
    type: device.deviceType,
    deviceId: device.deviceID,
    settings,
    compression,
    framesPerFile: device.framesPerFile,
    roi: roiOf(device),
    filterBadOrientation: device.headOrientation?.filterBadData ?? true,
  };
}

function roiOf({ ROI: roi }: Device): RigScope['roi'] {
  if (roi === undefined) return null;
  const { leftEdge, topEdge, width, height } = roi;
  return { leftEdge, topEdge, width, height };
}

function cameraOf(name: string, device: Device): RigCamera {
  const [, width, height] = /-(\d+)x(\d+)$/i.exec(device.deviceType) ?? [];
  const rate = Number.parseFloat(String(device.frameRate ?? 30));
  return {
    name,
    type: device.deviceType,
    deviceId: device.deviceID,
    systemName: device.systemName ?? null,
    framesPerFile: device.framesPerFile,
    size: width === undefined || height === undefined ? null : { width: Number(width), height: Number(height) },
    frameRate: Number.isFinite(rate) && rate > 0 ? rate : 30,
    playback: device.videoPlayback ?? null,
    isTest: device.deviceType.toLowerCase().startsWith('testpicture'),
  };
}

function programOf(program: z.output<typeof Program>): RigProgram | null {
  if (program?.enabled !== true || program.filePath === '') return null;
  return { filePath: program.filePath, arguments: program.arguments };
}

function commutatorOf(section: z.output<typeof Commutator>): RigCommutator | null {
  if (section?.enabled !== true || section.port === '') return null;
  return {
    port: section.port,
    deviceName: section.deviceName === '' ? null : section.deviceName,
    led: section.led,
    sampleRate: section.sampleRate,
    headstageAxis: section.headstageAxis,
    commutatorAxis: section.commutatorAxis,
    fallbackThreshold: section.fallbackThreshold,
    fallbackMode: section.fallbackMode,
  };
}

/**
 * A rig as a Miniscope-DAQ configuration: what it was read from with today's values in it, so that nothing Calyx does not know is lost; a list of devices stays
 * a list.
 */
export function rigJson(rig: Rig): Readonly<Record<string, unknown>> {
  const from = structuredClone(rig.configuration ?? {}) as Record<string, unknown>;
  const devices = asRecord(from['devices']);
  const calyx = asRecord(from['calyx']);
  const old = 'recordLengthinSeconds' in from && !('recordLengthInSeconds' in from);
  return {
    ...(rig.configuration === null ? { configVersion: 1 } : {}),
    ...from,
    ...rig.texts,
    dataDirectory: rig.dataDirectory ?? '',
    directoryStructure: rig.directoryStructure,
    researcherName: rig.researcherName,
    experimentName: rig.experimentName,
    animalName: rig.animalName,
    [old ? 'recordLengthinSeconds' : 'recordLengthInSeconds']: rig.recordLengthS,
    devices: {
      ...devices,
      miniscopes: merged(devices['miniscopes'], rig.scopes.map(scopeJson)),
      cameras: merged(devices['cameras'], rig.cameras.map(cameraJson)),
    },
    ...(rig.isSimulated || 'calyx' in from ? { calyx: { ...calyx, simulator: rig.isSimulated } } : {}),
  };
}

/** Saves a rig as a Miniscope-DAQ configuration; whole or not at all. @throws AppError `disk.io` */
export async function writeRig(file: string, rig: Rig): Promise<void> {
  try {
    await writeWholeFile(file, `${JSON.stringify(rigJson(rig), null, 4)}\n`);
  } catch (error) {
    throw new AppError('disk.io', `The rig could not be saved as ${file}.`, { cause: error });
  }
}

type Named = readonly [string, Readonly<Record<string, unknown>>];

const scopeJson = ({ name, type, deviceId, settings, compression, framesPerFile, roi }: RigScope): Named => [
  name,
  {
    deviceType: type,
    deviceID: deviceId,
    ...settings,
    compression,
    framesPerFile,
    ...(roi === null ? {} : { ROI: roi }),
  },
];

const cameraJson = ({ name, type, deviceId, framesPerFile }: RigCamera): Named => [
  name,
  { deviceType: type, deviceID: deviceId, framesPerFile },
];

/** Today's values over those of the file; devices that are gone leave it, new ones join. */
function merged(given: unknown, devices: readonly Named[]): unknown {
  if (Array.isArray(given)) {
    const list = given.map(asRecord);
    const before = (name: string, n: number): Record<string, unknown> =>
      list.find((device) => device['deviceName'] === name) ??
      (list[n]?.['deviceName'] === undefined ? (list[n] ?? {}) : {});
    return devices.map(([name, values], n) => {
      const device = before(name, n);
      return {
        ...device,
        ...('deviceName' in device || list[n] === undefined ? { deviceName: name } : {}),
        ...roiKept(device, values),
      };
    });
  }
  const byName = asRecord(given);
  return Object.fromEntries(
    devices.map(([name, values]) => {
      const device = asRecord(byName[name]);
      return [name, { ...device, ...roiKept(device, values) }];
    }),
  );
}

/** A ROI may have notes of its own. */
function roiKept(
  device: Readonly<Record<string, unknown>>,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return 'ROI' in values
    ? { ...values, ROI: { ...asRecord(device['ROI']), ...asRecord(values['ROI']) } }
    : { ...values };
}

const asRecord = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
