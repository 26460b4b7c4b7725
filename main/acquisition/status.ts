// SPDX-License-Identifier: MIT
import path from 'node:path';
import type { AcquireMessage, AcquireMode, AcquirePlan, AcquireRig, AcquireStatus } from '../contract/index.ts';
import type { ScopeType } from '../devices/index.ts';
import { faultsText, lossText, type Rig } from '../recording/index.ts';
import type { CaptureReport, CaptureState } from './capture-messages.ts';
import { previewFolder } from './plan.ts';
import { need, reservedBytes } from './preflight.ts';
import { nothingSeen } from './quality.ts';

/** Frames that are not saved for so long raise a doubt, ms. */
const unsavedMs = 2000;

/** The board that is open. */
export interface ConnectedDevice {
  readonly id: string;
  readonly name: string;
  readonly type: ScopeType;
  readonly address: string;
  /** Of its USB connection; null where the system does not tell, and of the simulated one. */
  readonly speedMbps: number | null;
}

/** What a status is made of. */
export interface StatusFacts {
  readonly mode: AcquireMode;
  readonly device: ConnectedDevice | undefined;
  readonly state: CaptureState | null;
  /** The capture process has said nothing for too long. */
  readonly isStale: boolean;
  readonly freeBytes: number | null;
  readonly dataFolder: string;
  readonly segment: { readonly number: number; readonly of: number };
  /** Milliseconds since 1970 at which the next of several recordings begins. */
  readonly nextAt: number | null;
  readonly messages: readonly AcquireMessage[];
  readonly plan: AcquirePlan;
  /** The rig that was chosen, as it is shown and as it was read; null for one scope and nothing else. */
  readonly rig: AcquireRig | null;
  readonly file: Rig | null;
  readonly now: Date;
  readonly reportId: number | null;
}

/** The status as windows see it: what nobody knows any more is not told as if it were so. */
export function statusOf(facts: StatusFacts): AcquireStatus {
  const { mode, device, state, isStale, freeBytes, plan } = facts;
  return {
    mode,
    device: device === undefined ? null : shownDevice(device),
    connecting:
      mode === 'connecting' ? (state?.connecting ?? { step: 1, steps: 2, text: 'Looking for the board' }) : null,
    controls: [...(state?.controls ?? [])],
    lightOff: state?.lightOff ?? false,
    trouble: isStale ? silence : (state?.trouble ?? null),
    scopeName: facts.rig?.scopes[0]?.name ?? 'Miniscope',
    companions: state?.companions ?? noCompanions,
    trigger: isStale ? null : (state?.trigger ?? null),
    rig: facts.rig,
    fps: isStale ? null : (state?.fps ?? null),
    dropped: state?.dropped ?? null,
    bufferWorst: state?.bufferWorst ?? 0,
    disk: freeBytes === null ? null : { freeBytes, hoursLeft: hoursLeft(facts, freeBytes) },
    recording: recordingOf(facts),
    nextInS: facts.nextAt === null ? null : Math.max(0, (facts.nextAt - facts.now.getTime()) / 1000),
    quality: state?.quality ?? nothingSeen,
    messages: [...facts.messages],
    plan,
    folderPreview: previewFolder(plan, facts.now, facts.file),
    reportId: facts.reportId,
    ...(state?.stack == null ? {} : { stack: { ...state.stack } }),
  };
}

function shownDevice({ id, name, type }: ConnectedDevice): NonNullable<AcquireStatus['device']> {
  const { width, height, hasOrientation } = type;
  return { id, name, type: type.type, width, height, simulated: id === 'simulator', orientation: hasOrientation };
}

function recordingOf({ mode, state, isStale, dataFolder, segment }: StatusFacts): AcquireStatus['recording'] {
  const recording = state?.recording ?? null;
  if (recording === null || (mode !== 'recording' && mode !== 'finishing')) return null;
  const { folder, startedAt, seconds, lengthS, saved, marks } = recording;
  const missing = (state?.companions.scopes ?? []).reduce<number | null>(
    (sum, scope) => (sum === null || scope.dropped === null ? null : sum + scope.dropped),
    recording.missing,
  );
  const doubt = isStale
    ? 'The process that records does not answer.'
    : recording.failure !== null
      ? `Writing has stopped: ${recording.failure}`
      : !recording.ending && recording.savedAgoMs > unsavedMs
        ? `No frame has been saved for ${(recording.savedAgoMs / 1000).toFixed(1)} s.`
        : null;
  return {
    folder: path.relative(dataFolder, folder),
    startedAt,
    seconds,
    lengthS,
    saved,
    missing,
    confirmed: doubt === null,
    doubt,
    segment: { ...segment },
    marks: [...marks],
  };
}

function hoursLeft({ device, state, plan }: StatusFacts, free: number): number | null {
  if (device === undefined) return null;
  return Math.max(0, free - reservedBytes) / need(device.type, state, plan) / 3600;
}

const silence = {
  text: 'The process that has the scope does not answer.',
  next: 'It is ended and started again after 10 s; the light goes off then.',
} as const;

const noCompanions: AcquireStatus['companions'] = { scopes: [], cameras: [], commutator: null };

/** What is missing, in a sentence or two. */
export function lossSentence(report: CaptureReport): string {
  const { others, cameras } = report;
  if (others.length + cameras.length === 0) return scopeSentence(report);
  const scopes = [report, ...others].map((one) => `${one.device}: ${scopeSentence(one)}`);
  const films = cameras.map(({ device, saved, unsaved, failure, stopped }) => {
    const ended = failure ?? stopped;
    const lost = unsaved === 0 ? '' : ` ${String(unsaved)} had no room.`;
    return `${device}: ${String(saved)} pictures.${lost}${ended === null ? '' : ` ${ended}`}`;
  });
  return [...scopes, ...films].join(' ');
}

/** How loud it is said. */
export function lossSeverity({ others, cameras, ...first }: CaptureReport): 'info' | 'warning' | 'error' {
  const scopes = [first, ...others];
  if ([...scopes, ...cameras].some(({ failure }) => failure !== null)) return 'error';
  const isWhole = scopes.every(({ missing }) => missing === 0) && cameras.every(({ stopped }) => stopped === null);
  return isWhole ? 'info' : 'warning';
}

function scopeSentence(report: Omit<CaptureReport, 'folder' | 'others' | 'cameras'>): string {
  const { failure, stopped } = report;
  const ended = failure === null ? stopped : `Writing stopped: ${failure}`;
  const told = `${lossText(report)}${faultsText(report)}`;
  return ended === null ? told : `${ended} ${told}`;
}

/** What a mode means for somebody who wants to record now. */
export const modeWords: Readonly<Record<AcquireMode, string>> = {
  idle: 'no scope is connected',
  connecting: 'the scope is being set up',
  preview: 'it is ready',
  armed: 'it waits already',
  recording: 'a recording is under way',
  finishing: 'the last one is still being written',
  report: 'the report is open',
};
