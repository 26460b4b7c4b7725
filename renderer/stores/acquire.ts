// SPDX-License-Identifier: MIT
import { create } from 'zustand';
import { persist } from 'zustand/middleware';
import type { AcquireRoi, AcquireScope, AcquireStatus } from '../../main/contract/index.ts';

/** One second of the picture's measures. */
export interface QualityPoint {
  readonly at: number;
  readonly focus: number | null;
  readonly saturated: number | null;
  readonly driftPx: number | null;
  readonly meanGrey: number | null;
}

interface Acquire {
  /** What the instrument says; null before its first word and while the line is lost. */
  readonly status: AcquireStatus | null;
  /** The last ten minutes of each scope by its name, a point a second. */
  readonly history: Readonly<Record<string, readonly QualityPoint[]>>;
  readonly preflightOpen: boolean;
  readonly noteOpen: boolean;
}

const historyLength = 600;

/** The rig, as the core last told it. */
export const useAcquire = create<Acquire>(() => ({
  status: null,
  history: {},
  preflightOpen: false,
  noteOpen: false,
}));

/** The scopes of a rig, the first one like the others; none while no scope is connected. */
export function scopesOf(status: AcquireStatus): readonly AcquireScope[] {
  const { device, scopeName, companions, controls, trouble, fps, dropped, bufferWorst, quality, recording } = status;
  if (device === null) return [];
  const { type, width, height, orientation } = device;
  const first = { name: scopeName, type, width, height, orientation, controls, trouble, fps, dropped, bufferWorst };
  const more = { counterAdvances: fps !== null, firmware: null, quality, saved: recording?.saved ?? null };
  return [{ ...first, ...more }, ...companions.scopes];
}

/** The scope that is looked at: the chosen one, the first one where none was chosen or it is not there. */
export function chosenOf(status: AcquireStatus, chosen: string | null): AcquireScope | undefined {
  const scopes = scopesOf(status);
  return scopes.find(({ name }) => name === chosen) ?? scopes[0];
}

/** How a command names a scope: a rig of one scope needs no name. */
export function named(status: AcquireStatus, scope: string): { readonly scope?: string } {
  return status.companions.scopes.length === 0 ? {} : { scope };
}

/** Takes a status in; its measures join the history once a second. */
export function takeStatus(status: AcquireStatus, at: number): void {
  useAcquire.setState(({ history }) => ({
    status,
    history: Object.fromEntries(
      scopesOf(status).map(({ name, quality }) => [name, withPoint(history[name] ?? [], quality, at)]),
    ),
  }));
}

/** A history with the measures of a scope, if a second has passed since the last. */
export function withPoint(
  history: readonly QualityPoint[],
  { focus, saturated, driftPx, meanGrey }: AcquireScope['quality'],
  at: number,
): readonly QualityPoint[] {
  if (meanGrey === null || at - (history.at(-1)?.at ?? -Infinity) < 1000) return history;
  return [...history.slice(1 - historyLength), { at, focus, saturated, driftPx, meanGrey }];
}

/** Ways to see the live picture. None of them changes what is recorded. */
export const looks = ['grey', 'saturation', 'change'] as const;
export type LookName = (typeof looks)[number];
export const liveLuts = ['grey', 'viridis', 'cividis', 'magma'] as const;

/** A picture of another day to lay over the live one. */
export interface Reference {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

/** The name of a scope that no rig names. */
const onlyScope = 'Miniscope';
const noRois: readonly AcquireRoi[] = [];

interface LiveView {
  readonly look: LookName;
  readonly lut: (typeof liveLuts)[number];
  readonly frozen: boolean;
  readonly maximum: boolean;
  /** Grey levels shown from black to white; null follows the picture. */
  readonly levels: { readonly low: number; readonly high: number } | null;
  readonly reference: Reference | null;
  /** The scope that is looked at, by name; the first one when it is null or not there. */
  readonly chosen: string | null;
  /** Regions of each scope by its name. */
  readonly rois: Readonly<Record<string, readonly AcquireRoi[]>>;
  /** A click on the picture adds a region. */
  readonly addsRoi: boolean;
}

/** How the live picture is seen. */
export const useLiveView = create<LiveView>()(
  persist(
    (): LiveView => ({
      look: 'grey',
      lut: 'grey',
      frozen: false,
      maximum: false,
      levels: null,
      reference: null,
      chosen: null,
      rois: {},
      addsRoi: false,
    }),
    {
      name: 'calyx.live',
      partialize: ({ lut, rois }) => ({ lut, rois }),
      version: 1,
      // Before, all regions were those of the one scope.
      migrate: (kept) => {
        const { lut = 'grey', rois = [] } = (kept ?? {}) as { lut?: LiveView['lut']; rois?: readonly AcquireRoi[] };
        return { lut, rois: { [onlyScope]: rois } };
      },
    },
  ),
);

/** The regions of a scope. */
export function roisOf(scope: string): ({ rois }: Pick<LiveView, 'rois'>) => readonly AcquireRoi[] {
  return ({ rois }) => rois[scope] ?? noRois;
}

/** Changes the regions of a scope. */
export function changeRois(scope: string, change: (rois: readonly AcquireRoi[]) => readonly AcquireRoi[]): void {
  useLiveView.setState(({ rois }) => ({ rois: { ...rois, [scope]: change(rois[scope] ?? noRois) } }));
}

/** Share of the width that the picture's side takes, percent; height of traces and messages, px. */
export const leastLeft = 30;
export const mostLeft = 70;
export const leastFoot = 96;
export const mostFoot = 420;

interface RigLayout {
  readonly left: number;
  readonly foot: number;
  /** Nothing moves by mistake while somebody wears gloves. */
  readonly locked: boolean;
}

/** How the rig's place is divided. */
export const useRigLayout = create<RigLayout>()(
  persist((): RigLayout => ({ left: 43.5, foot: 176, locked: true }), { name: 'calyx.rig-layout' }),
);

/** Moves a border, inside what leaves every part readable. */
export function movedLayout({ left, foot }: { readonly left?: number; readonly foot?: number }): void {
  const inside = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));
  useRigLayout.setState((state) => ({
    left: inside(left ?? state.left, leastLeft, mostLeft),
    foot: inside(foot ?? state.foot, leastFoot, mostFoot),
  }));
}

/** The next of a list, round. */
export function nextOf<T>(list: readonly T[], now: T): T {
  const [first] = list;
  return list[(list.indexOf(now) + 1) % list.length] ?? first ?? now;
}

/** Side of a new region, px. */
export const roiSide = 24;
/** Regions that can be followed: as many as there are colours that stay apart. */
export const mostRois = 6;

/** Regions with one more about a point, whole and inside the picture; the oldest goes when there are too many. */
export function withRoi(
  rois: readonly AcquireRoi[],
  point: { readonly x: number; readonly y: number },
  size: { readonly width: number; readonly height: number },
): readonly AcquireRoi[] {
  const inside = (middle: number, length: number): number =>
    Math.round(Math.max(0, Math.min(length - roiSide, middle - roiSide / 2)));
  const roi = { x: inside(point.x, size.width), y: inside(point.y, size.height), width: roiSide, height: roiSide };
  return [...rois, roi].slice(-mostRois);
}

/** Euler angles of a unit quaternion in degrees: roll and pitch from −180 to 180, yaw from 0 to 360. */
export function anglesOf({
  w,
  x,
  y,
  z,
}: {
  readonly w: number;
  readonly x: number;
  readonly y: number;
  readonly z: number;
}): { readonly roll: number; readonly pitch: number; readonly yaw: number } {
  const degrees = 180 / Math.PI;
  const yaw = Math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)) * degrees;
  return {
    roll: Math.atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y)) * degrees,
    pitch: Math.asin(Math.max(-1, Math.min(1, 2 * (w * y - z * x)))) * degrees,
    yaw: (yaw + 360) % 360,
  };
}
