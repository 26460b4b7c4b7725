// SPDX-License-Identifier: MIT
import { fileURLToPath } from 'node:url';
import type {
  AcquireCompanions,
  AcquireControl,
  AcquireMark,
  AcquireQuality,
  AcquireReport,
  AcquireRoi,
  AcquireStack,
} from '../contract/index.ts';
import type { Setting } from '../devices/index.ts';
import type { UpgradeRequest } from '../media/index.ts';
import type { DiskFaultName, Rig } from '../recording/index.ts';
import type { CompanionRig } from './companion-rig.ts';

/** What the process that owns a board can be asked to do. Each request is answered once. */
export interface CaptureRequests {
  /** Opens the board at an address and sets its scope up. */
  readonly connect: {
    readonly input: {
      readonly address: string;
      readonly scopeType: string;
      readonly settings: Readonly<Record<string, Setting>>;
      /** What the rig has beside this scope. */
      readonly companions?: CompanionRig;
    };
    readonly output: null;
  };
  readonly disconnect: { readonly input: null; readonly output: null };
  /** Light off at a board whose process died. */
  readonly darken: { readonly input: { readonly address: string; readonly scopeType: string }; readonly output: null };
  /** Blinks the LED of a board, the open one or another, and leaves it as it was. */
  readonly identify: {
    readonly input: { readonly address: string; readonly scopeType: string };
    readonly output: null;
  };
  readonly set: {
    readonly input: {
      readonly control: string;
      readonly value: Setting;
      /** A companion; the first scope when it is left out. */
      readonly scope?: string;
    };
    readonly output: Setting;
  };
  /** Light off without forgetting its value, and on again. */
  readonly light: { readonly input: { readonly on: boolean }; readonly output: null };
  readonly rois: {
    readonly input: {
      readonly rois: readonly AcquireRoi[];
      /** A companion; the first scope when it is left out. */
      readonly scope?: string;
    };
    readonly output: null;
  };
  /** The rising edge of the trigger input is told by an event; so is the falling one. Refused where it cannot be read, unless it was before. */
  readonly watchTrigger: {
    readonly input: { readonly on: boolean; readonly wasRead?: boolean };
    readonly output: null;
  };
  readonly start: {
    readonly input: {
      readonly rig: Rig;
      readonly dataDirectory: string;
      /** Made, and empty. */
      readonly folder: string;
      readonly lengthS: number | null;
    };
    readonly output: { readonly folder: string };
  };
  readonly stop: { readonly input: null; readonly output: CaptureReport | null };
  readonly note: { readonly input: { readonly text: string }; readonly output: null };
  readonly screenshot: { readonly input: { readonly file: string; readonly scope?: string }; readonly output: null };
  readonly stack: {
    readonly input: AcquireStack & { readonly file: string; readonly scope?: string };
    readonly output: { readonly planes: number };
  };
  /** Ends a stack that is being taken. */
  readonly stopStack: { readonly input: null; readonly output: null };
  /** Lets something go wrong with the disk of a recording of the simulated scope. */
  readonly practise: { readonly input: { readonly name: DiskFaultName }; readonly output: null };
  readonly ticket: { readonly input: { readonly ticket: string }; readonly output: null };
}
export type CaptureRequest = keyof CaptureRequests;

/** What a recording holds and lacks, before the library knows it. */
export type CaptureReport = Omit<AcquireReport, 'id' | 'sessionUuid' | 'importProblem' | 'queued'>;

/** What the capture process says of itself, four times a second and whenever something happens. */
export interface CaptureState {
  readonly connected: boolean;
  readonly connecting: { readonly step: number; readonly steps: number; readonly text: string } | null;
  readonly controls: readonly AcquireControl[];
  readonly lightOff: boolean;
  readonly trouble: { readonly text: string; readonly next: string } | null;
  /** Mean of the last second. */
  readonly fps: number | null;
  /** The sensor's own rate by the board's counter over the last seconds, however unevenly frames come; null while it is not known. */
  readonly counterFps: number | null;
  readonly dropped: number | null;
  readonly bufferWorst: number;
  readonly counterAdvances: boolean;
  /** What runs on the board, in words; null before the first frame. */
  readonly firmware: string | null;
  readonly recording: {
    readonly folder: string;
    readonly startedAt: string;
    readonly seconds: number;
    readonly lengthS: number | null;
    readonly saved: number;
    readonly missing: number | null;
    readonly savedAgoMs: number;
    readonly failure: string | null;
    /** What waits is being written; no frame is taken any more. */
    readonly ending: boolean;
    readonly marks: readonly AcquireMark[];
  } | null;
  readonly quality: AcquireQuality;
  readonly stack: { readonly plane: number; readonly planes: number } | null;
  readonly companions: AcquireCompanions;
  /** Level at the trigger input; null while nobody waits for it. */
  readonly trigger: boolean | null;
}

export type ToCapture =
  | { readonly type: 'request'; readonly id: number; readonly name: CaptureRequest; readonly input: unknown }
  | { readonly type: 'upgrade'; readonly request: UpgradeRequest; readonly head: string }
  | { readonly type: 'ping' };

export type FromCapture =
  | { readonly type: 'ready'; readonly pid: number }
  | { readonly type: 'pong' }
  | { readonly type: 'answer'; readonly id: number; readonly value?: unknown; readonly error?: unknown }
  | { readonly type: 'state'; readonly state: CaptureState }
  | { readonly type: 'message'; readonly severity: 'info' | 'warning' | 'error'; readonly text: string }
  /** A recording ended by itself: its time was over, or it could not go on. */
  | { readonly type: 'ended'; readonly report: CaptureReport }
  | { readonly type: 'trigger'; readonly high: boolean };

/** The file that process runs. */
export const captureEntry = fileURLToPath(new URL('./capture-process.ts', import.meta.url));
