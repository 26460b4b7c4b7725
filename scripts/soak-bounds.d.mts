// SPDX-License-Identifier: MIT
export interface Bound {
  readonly name: string;
  readonly value: number | null;
  readonly bound: string;
  readonly kept: boolean;
}
interface ProcessFigures {
  readonly name: string;
  readonly memoryRangeBytes: number | null;
}
export function rigBounds(figures: {
  readonly missing: number | null;
  readonly bufferHighWater: number;
  readonly eventLoop: { readonly p99Ms: number; readonly maxMs: number };
  readonly preview: { readonly p99Ms: number | null };
  readonly processes: readonly ProcessFigures[];
}): Bound[];
export function devicesBounds(figures: {
  readonly devices: Readonly<
    Record<
      string,
      {
        readonly kind?: string;
        readonly missing: number | null;
        readonly saved: number;
        readonly knownMissing?: number;
        readonly bufferHighWater: number;
        readonly stopped: string | null;
      }
    >
  >;
  readonly processes: readonly ProcessFigures[];
  readonly seconds: number;
  readonly cameraFps: number;
}): Bound[];
export function endpointBounds(
  figures: {
    readonly lostPayloads: number;
    readonly payloads: number;
    readonly wrongFrames: number;
    readonly leastPending: number;
  },
  payloads: number,
): Bound[];
export function memoryRange(
  samples: readonly (readonly { readonly pid: number; readonly name: string; readonly anonymousBytes: number }[])[],
  name: string,
): number | null;
