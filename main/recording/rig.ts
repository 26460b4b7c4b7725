// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { AppError } from '../contract/index.ts';
import type { Setting } from '../devices/index.ts';

/** A scope of a rig and how its film is kept. */
export interface RigScope {
  /** The device's name in the session folder. */
  readonly name: string;
  readonly type: string;
  readonly deviceId: number;
  readonly settings: Readonly<Record<string, Setting>>;
  readonly compression: 'FFV1' | 'GREY';
  readonly framesPerFile: number;
  /** The part of each frame that is kept; null keeps all of it. */
  readonly roi: Roi | null;
  /** Leave orientations that a disturbed link falsified out of headOrientation.csv. */
  readonly filterBadOrientation: boolean;
}

/** A part of a frame, px. */
export interface Roi {
  readonly leftEdge: number;
  readonly topEdge: number;
  readonly width: number;
  readonly height: number;
}

/** What is recorded, by whom, and where: a Miniscope-DAQ user configuration, read (acquisition.md 4.8). */
export interface Rig {
  readonly dataDirectory: string | null;
  readonly directoryStructure: readonly string[];
  readonly researcherName: string;
  readonly experimentName: string;
  readonly animalName: string;
  /** Other texts of the configuration: they may be folder tokens. */
  readonly texts: Readonly<Record<string, string>>;
  readonly recordLengthS: number;
  readonly scopes: readonly RigScope[];
  /** True for a rig whose scope is simulated. */
  readonly isSimulated: boolean;
}

const SettingValue = z.union([z.string(), z.number()]);
const Device = z.looseObject({
  deviceName: z.string().optional(),
  deviceType: z.string(),
  deviceID: z.number().default(0),
  compression: z.string().default('FFV1'),
  framesPerFile: z.number().int().min(1).default(1000),
  ROI: z
    .object({
      leftEdge: z.number().int().min(0),
      topEdge: z.number().int().min(0),
      width: z.number().int().min(2),
      height: z.number().int().min(2),
    })
    .optional(),
  headOrientation: z.looseObject({ filterBadData: z.boolean().default(true) }).optional(),
});
/** Devices by name, or in files of old as a list that names them. */
const Devices = z.union([z.record(z.string(), Device), z.array(Device)]).default({});
const Configuration = z.looseObject({
  dataDirectory: z.string().optional(),
  directoryStructure: z.array(z.string()).default(['researcherName', 'experimentName', 'animalName', 'date', 'time']),
  researcherName: z.string().default(''),
  experimentName: z.string().default(''),
  animalName: z.string().default(''),
  recordLengthInSeconds: z.number().min(0).optional(),
  recordLengthinSeconds: z.number().min(0).optional(),
  devices: z.looseObject({ miniscopes: Devices }),
  calyx: z.looseObject({ simulator: z.boolean().default(false) }).optional(),
});

const controls = ['gain', 'frameRate', 'led0', 'led1', 'ewl'] as const;

/** The rig to practise with: one simulated Miniscope V4. */
export const simulatorRig: Rig = {
  dataDirectory: null,
  directoryStructure: ['date', 'time'],
  researcherName: '',
  experimentName: 'practice',
  animalName: 'simulated',
  texts: {},
  recordLengthS: 0,
  scopes: [
    {
      name: 'Miniscope',
      type: 'Miniscope_V4_BNO',
      deviceId: 0,
      settings: { led0: 20, frameRate: '20FPS', gain: 'Low', ewl: 35 },
      compression: 'FFV1',
      framesPerFile: 1000,
      roi: null,
      filterBadOrientation: true,
    },
  ],
  isSimulated: true,
};

/** Reads a Miniscope-DAQ user configuration. @throws AppError `recording.bad_rig` naming the field */
export async function readRig(file: string): Promise<Rig> {
  let json: unknown;
  try {
    json = JSON.parse((await readFile(file, 'utf8')).replace(/^\uFEFF/, ''));
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'it is not JSON';
    throw new AppError('recording.bad_rig', `The configuration ${file} cannot be read: ${reason}.`, { cause: error });
  }
  const parsed = Configuration.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new AppError(
      'recording.bad_rig',
      `The configuration ${file} is wrong at ${issue?.path.join('.') ?? 'its top'}: ${issue?.message ?? ''}.`,
    );
  }
  const { devices, calyx, ...data } = parsed.data;
  const { miniscopes } = devices;
  const named = Array.isArray(miniscopes)
    ? miniscopes.map((device, n) => [device.deviceName ?? `Miniscope ${n + 1}`, device] as const)
    : Object.entries(miniscopes);
  return {
    dataDirectory: data.dataDirectory ?? null,
    directoryStructure: data.directoryStructure,
    researcherName: data.researcherName,
    experimentName: data.experimentName,
    animalName: data.animalName,
    texts: Object.fromEntries(
      Object.entries(data).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    ),
    recordLengthS: data.recordLengthInSeconds ?? data.recordLengthinSeconds ?? 0,
    scopes: named.map(([name, device]) => scopeOf(name, device, file)),
    isSimulated: calyx?.simulator ?? false,
  };
}

function scopeOf(name: string, device: z.output<typeof Device>, file: string): RigScope {
  const settings: Record<string, Setting> = {};
  for (const control of controls) {
    const value = SettingValue.safeParse(device[control]);
    if (value.success) settings[control] = value.data;
  }
  const compression = device.compression.toUpperCase();
  if (compression !== 'FFV1' && compression !== 'GREY') {
    throw new AppError(
      'recording.bad_rig',
      `The configuration ${file} asks for ${device.compression} for ${name}: Calyx records scopes without loss, as FFV1 or GREY.`,
    );
  }
  return {
    name,
    type: device.deviceType,
    deviceId: device.deviceID,
    settings,
    compression,
    framesPerFile: device.framesPerFile,
    roi: device.ROI ?? null,
    filterBadOrientation: device.headOrientation?.filterBadData ?? true,
  };
}
