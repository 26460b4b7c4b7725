// SPDX-License-Identifier: MIT
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

/** A behaviour camera of a rig. */
export interface RigCamera {
  readonly name: string;
  readonly type: string;
  /** Number of the camera as the system lists it. */
  readonly deviceId: number;
  /** The camera's name where the system knows cameras by name (Windows); null for none. */
  readonly systemName: string | null;
  readonly framesPerFile: number;
  /** Size asked of the camera, px; null takes what it gives. */
  readonly size: { readonly width: number; readonly height: number } | null;
  readonly frameRate: number;
  /** Films that are played instead of a camera; null for a real one. */
  readonly playback: Playback | null;
  /** A moving test picture instead of a camera. */
  readonly isTest: boolean;
}

/** Films that stand for a device: `videoPlayback` of a Miniscope-DAQ configuration. */
export interface Playback {
  readonly folderPath: string;
  /** Text before the number in the films' names. */
  readonly filePrefix: string;
  readonly frameRate: number;
}

/** A part of a frame, px. */
export interface Roi {
  readonly leftEdge: number;
  readonly topEdge: number;
  readonly width: number;
  readonly height: number;
}

/** A program that is started with a recording, or after it. */
export interface RigProgram {
  readonly filePath: string;
  readonly arguments: readonly string[];
}

/** The commutator's section of a configuration (acquisition.md 4.8). */
export interface RigCommutator {
  readonly port: string;
  /** The scope whose head turns; null for the first. */
  readonly deviceName: string | null;
  readonly led: boolean;
  readonly sampleRate: number;
  readonly headstageAxis: readonly [number, number, number];
  readonly commutatorAxis: readonly [number, number, number];
  readonly fallbackThreshold: number;
  readonly fallbackMode: 'global' | 'local';
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
  readonly cameras: readonly RigCamera[];
  /** True for a rig whose scopes are simulated. */
  readonly isSimulated: boolean;
  /** Its section, as it is: DLC-Live is not run. */
  readonly behaviorTracker: unknown;
  /** Null where the configuration has none, or has it switched off. */
  readonly onStart: RigProgram | null;
  readonly onStop: RigProgram | null;
  readonly commutator: RigCommutator | null;
  /** The configuration it was read from, with everything Calyx does not know; null for a rig that comes from no file. */
  readonly configuration: Readonly<Record<string, unknown>> | null;
}

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
  cameras: [],
  isSimulated: true,
  behaviorTracker: null,
  onStart: null,
  onStop: null,
  commutator: null,
  configuration: null,
};
