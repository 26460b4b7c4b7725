// SPDX-License-Identifier: MIT
import path from 'node:path';
import type {
  AcquireCamera,
  AcquireCheck,
  AcquireControl,
  AcquirePlan,
  AcquireRig,
  AcquireScope,
} from '../contract/index.ts';
import { isLight } from './controls.ts';
import type { CaptureState } from './capture-messages.ts';

/** What pre-flight judges; measured by the caller, so that each rule can be tested. */
export interface PreflightFacts {
  readonly device: {
    readonly name: string;
    readonly simulated: boolean;
    readonly width: number;
    readonly height: number;
    /** Of its USB connection; null where the system does not tell. */
    readonly speedMbps: number | null;
  } | null;
  readonly state: CaptureState | null;
  readonly plan: AcquirePlan;
  /** The rig that was chosen; null for one scope and nothing else. */
  readonly rig: AcquireRig | null;
  /** How far the system's clock and the steady one have come apart, and in what time. */
  readonly clock: { readonly apartMs: number; readonly overS: number };
  readonly folderPreview: string;
  readonly dataFolder: string;
  /** Null when the folder cannot be written, `writeProblem` says why. */
  readonly write: { readonly bytesPerS: number } | null;
  readonly writeProblem: string | null;
  readonly freeBytes: number | null;
  /** The folder of the next recording exists already. */
  readonly folderTaken: boolean;
}

/** Space that is never filled. */
export const reservedBytes = 500 * 1024 * 1024;
/** Share of raw size that a film takes, as a cautious guess. */
const kept = { FFV1: 0.7, GREY: 1 } as const;
/** Pictures this bright lose signal. */
const saturatedLimit = 0.002;
const rateLimit = 0.01;
const cameraRateLimit = 0.1;
/** A clock that is kept in time moves by less. */
const clockLimitMs = 500;
/** A camera's picture as JPEG, bytes of each pixel: a cautious guess. */
const jpegBytesPerPixel = 0.35;

/** Bytes a second of film that settings make. */
export function neededBytesPerS(
  size: { readonly width: number; readonly height: number },
  fps: number,
  compression: AcquirePlan['compression'],
): number {
  return size.width * size.height * fps * kept[compression];
}

const mega = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`;
const giga = (bytes: number): string => (bytes < 1e9 ? mega(bytes) : `${(bytes / 1e9).toFixed(1)} GB`);
const minutes = (seconds: number): string =>
  seconds < 120 ? `${String(Math.round(seconds))} s` : `${String(Math.round(seconds / 60))} min`;

/** The checks, the worst first. */
export function judge(facts: PreflightFacts): AcquireCheck[] {
  const checks = [
    animal(facts),
    device(facts),
    firmware(facts),
    counter(facts),
    rate(facts),
    picture(facts),
    light(facts),
    disk(facts),
    space(facts),
    folder(facts),
    clock(facts),
    ...otherScopes(facts),
    ...cameras(facts),
    commutator(facts),
    ...programs(facts),
  ];
  const rank = { fix: 0, look: 1, ok: 2 } as const;
  return checks
    .map((check, n) => ({ check, n }))
    .sort((a, b) => rank[a.check.state] - rank[b.check.state] || a.n - b.n)
    .map(({ check }) => check);
}

type Action = NonNullable<AcquireCheck['action']>;
const again: Action = { label: 'Check again', does: 'again' };
const line = (
  id: string,
  title: string,
  state: AcquireCheck['state'],
  text: string,
  action: Action | null = null,
): AcquireCheck => ({ id, title, state, text, action });

/** The system's clock names folders and is written beside each frame: one that was set meanwhile would mislead. */
function clock({ clock: { apartMs, overS } }: PreflightFacts): AcquireCheck {
  const text = `the system’s clock and the steady one agree to ${Math.abs(apartMs).toFixed(0)} ms over ${minutes(overS)}`;
  return Math.abs(apartMs) <= clockLimitMs
    ? line('clock', 'Clock', 'ok', text)
    : line(
        'clock',
        'Clock',
        'look',
        `the system’s clock was set by ${(apartMs / 1000).toFixed(1)} s since Calyx was started; times of frames stay steady, folders are named by the new time`,
      );
}

function otherScopes({ state }: PreflightFacts): AcquireCheck[] {
  return (state?.companions.scopes ?? []).map((scope) => otherScope(scope));
}

/** All that can be wrong with a scope beside the first one, in one line. */
function otherScope({
  name,
  width,
  height,
  controls,
  trouble,
  fps,
  counterAdvances,
  quality,
  firmware: told,
}: AcquireScope): AcquireCheck {
  const id = `scope ${name}`;
  if (trouble !== null) return line(id, name, 'fix', trouble.text, again);
  const lit = controls.filter(({ name: control }) => isLight(control));
  if (lit.length > 0 && lit.every(({ number: value }) => value === 0))
    return line(id, name, 'fix', 'its LED is at 0: nothing would be seen', again);
  const wanted = controls.find(({ name: control }) => control === 'frameRate')?.number ?? null;
  const text = `${String(width)} × ${String(height)}, ${fps === null ? '–' : fps.toFixed(2)} fps, ${wanted === null ? '–' : String(wanted)} set`;
  if (!counterAdvances)
    return line(id, name, 'look', `${text}; its counter is not advancing: lost frames could not be counted`, again);
  if ((quality.saturated ?? 0) > saturatedLimit)
    return line(id, name, 'look', `${text}; ${(100 * (quality.saturated ?? 0)).toFixed(2)} % saturated`, again);
  return line(id, name, 'ok', `${text}; counter advances; ${told ?? 'firmware unknown'}`);
}

function cameras({ state }: PreflightFacts): AcquireCheck[] {
  const all = state?.companions.cameras ?? [];
  return all.length === 0 ? [line('camera', 'Behaviour camera', 'ok', 'none in this rig')] : all.map(camera);
}

function camera({ name, size, fps, wantedFps, trouble }: AcquireCamera): AcquireCheck {
  const id = `camera ${name}`;
  if (trouble !== null) return line(id, name, 'fix', trouble.text, again);
  if (size === null || fps === null) return line(id, name, 'look', 'no picture has come yet', again);
  const text = `${String(size.width)} × ${String(size.height)}, ${fps.toFixed(1)} fps, ${String(wantedFps)} asked`;
  return fps < wantedFps * (1 - cameraRateLimit)
    ? line(id, name, 'look', `${text}: cameras slow down in dim light`, again)
    : line(id, name, 'ok', text);
}

function commutator({ state }: PreflightFacts): AcquireCheck {
  const found = state?.companions.commutator ?? null;
  if (found === null) return line('commutator', 'Commutator', 'ok', 'none in this rig');
  if (found.trouble !== null) return line('commutator', 'Commutator', 'look', found.trouble.text, again);
  return found.text === null
    ? line('commutator', 'Commutator', 'ok', `is on at ${found.port}, ${found.turns.toFixed(1)} turns so far`)
    : line('commutator', 'Commutator', 'look', found.text, again);
}

/** What a rig wants to start comes from elsewhere: it runs only when this machine lists it. */
function programs({ rig }: PreflightFacts): AcquireCheck[] {
  return (rig?.programs ?? []).map(({ when, file, allowed }) =>
    allowed
      ? line(`program ${when}`, when === 'start' ? 'Program at start' : 'Program at stop', 'ok', file)
      : line(
          `program ${when}`,
          when === 'start' ? 'Program at start' : 'Program at stop',
          'fix',
          `${file} is not on this machine’s list: put its absolute path into CALYX_PROGRAMS, or switch it off in the rig`,
          again,
        ),
  );
}

function animal({ plan, folderPreview }: PreflightFacts): AcquireCheck {
  return plan.animal === ''
    ? line('animal', 'Animal', 'fix', 'none chosen: the folder has no name yet', {
        label: 'Choose animal',
        does: 'form',
      })
    : line('animal', 'Animal', 'ok', `${plan.animal}, goes to ${folderPreview}`);
}

function device({ device, state }: PreflightFacts): AcquireCheck {
  if (device === null || state === null || !state.connected)
    return line('device', 'Miniscope', 'fix', 'no scope is connected', again);
  if (state.trouble !== null) return line('device', 'Miniscope', 'fix', state.trouble.text, again);
  return line('device', 'Miniscope', 'ok', device.simulated ? `${device.name}: practice, no real board` : device.name);
}

/** What runs on the board and how it is connected; neither keeps a recording from starting. */
function firmware({ device, state }: PreflightFacts): AcquireCheck {
  const told = state?.firmware ?? null;
  if (device === null || told === null)
    return line('firmware', 'Firmware', 'look', 'not known: no frame has come yet', again);
  const speed =
    device.speedMbps === null ? 'speed of the connection unknown' : `connected at ${String(device.speedMbps)} Mbit/s`;
  return line('firmware', 'Firmware', 'ok', device.simulated ? `${told}, simulated` : `${told}; ${speed}`);
}

function counter({ state }: PreflightFacts): AcquireCheck {
  return state?.counterAdvances === true
    ? line('counter', 'Frame counter', 'ok', 'advances with each frame: what is lost will be known')
    : line('counter', 'Frame counter', 'look', 'is not advancing: lost frames could not be counted', again);
}

function rate({ state }: PreflightFacts): AcquireCheck {
  const wanted = number(state, 'frameRate');
  const fps = state?.counterFps ?? null;
  if (fps === null || wanted === null) return line('rate', 'Frame rate', 'look', 'not measured yet', again);
  const off = Math.abs(fps / wanted - 1);
  const text = `${fps.toFixed(2)} fps, ${String(wanted)} set`;
  return off <= rateLimit
    ? line('rate', 'Frame rate', 'ok', `${text}, within 1 %`)
    : line('rate', 'Frame rate', 'look', `${text}: ${(100 * off).toFixed(1)} % off by the board’s counter`, again);
}

function picture({ state, device }: PreflightFacts): AcquireCheck {
  const saturated = state?.quality.saturated ?? null;
  if (device === null || saturated === null) return line('picture', 'Picture', 'look', 'no frame has come yet', again);
  const text = `${String(device.width)} × ${String(device.height)}, ${(100 * saturated).toFixed(2)} % saturated`;
  return saturated > saturatedLimit
    ? line('picture', 'Picture', 'look', `${text}: bright parts lose their signal`, {
        label: 'Set light',
        does: 'light',
      })
    : line('picture', 'Picture', 'ok', text);
}

function light({ state }: PreflightFacts): AcquireCheck {
  const leds = (state?.controls ?? []).filter(({ name }) => isLight(name));
  const lit = leds.filter((led) => led.number > 0);
  if (leds.length === 0) return line('light', 'LED', 'look', 'this scope has none that can be set');
  if (lit.length === 0)
    return line('light', 'LED', 'fix', 'is at 0: nothing would be seen', { label: 'Set light', does: 'light' });
  return line(
    'light',
    'LED',
    'ok',
    lit.map(({ label, number, unit }) => `${label} at ${String(number)}${unit === '' ? '' : ` ${unit}`}`).join(', '),
  );
}

function disk({ write, writeProblem, device, state, plan }: PreflightFacts): AcquireCheck {
  if (write === null)
    return line('disk', 'Disk', 'fix', writeProblem ?? 'the folder cannot be written', {
      label: 'Choose folder',
      does: 'form',
    });
  const needed = need(device, state, plan);
  const margin = needed === 0 ? Number.POSITIVE_INFINITY : write.bytesPerS / needed;
  const text = `write test ${mega(write.bytesPerS)}/s, needs ${mega(needed)}/s`;
  if (margin >= 2) return line('disk', 'Disk', 'ok', `${text}, margin ${String(Math.floor(margin))} ×`);
  return line('disk', 'Disk', margin < 1 ? 'fix' : 'look', `${text}: less than twice what is needed`, {
    label: 'Choose folder',
    does: 'form',
  });
}

function space({ freeBytes, device, state, plan }: PreflightFacts): AcquireCheck {
  if (freeBytes === null)
    return line('space', 'Space', 'fix', 'cannot be read', { label: 'Choose folder', does: 'form' });
  const perS = need(device, state, plan);
  const planned = plan.lengthS === null ? null : plan.lengthS * plan.segments.count;
  if (freeBytes < reservedBytes)
    return line('space', 'Space', 'fix', `${giga(freeBytes)} are free; 500 MB always stay free`, {
      label: 'Choose folder',
      does: 'form',
    });
  if (planned === null) {
    const left = perS === 0 ? 0 : (freeBytes - reservedBytes) / perS;
    return line(
      'space',
      'Space',
      left < 600 ? 'look' : 'ok',
      `${giga(freeBytes)} free, about ${minutes(left)} of recording`,
    );
  }
  const text = `${minutes(planned)} need ${giga(planned * perS)}, ${giga(freeBytes)} free`;
  return planned * perS + reservedBytes > freeBytes
    ? line('space', 'Space', 'fix', text, { label: 'Shorten', does: 'shorten' })
    : line('space', 'Space', 'ok', text);
}

function folder({ folderPreview, folderTaken, dataFolder }: PreflightFacts): AcquireCheck {
  return line(
    'folder',
    'Folder',
    'ok',
    `${folderPreview} in ${path.basename(dataFolder)}${folderTaken ? ': exists, the new one gets a number' : ', names unique'}`,
  );
}

/** Bytes a second of all films of the rig as it is set. */
export function need(
  device: { readonly width: number; readonly height: number } | null,
  state: CaptureState | null,
  plan: AcquirePlan,
): number {
  if (device === null) return 0;
  const rateOf = (controls: readonly AcquireControl[]): number =>
    controls.find(({ name }) => name === 'frameRate')?.number ?? 30;
  const first = neededBytesPerS(device, rateOf(state?.controls ?? []), plan.compression);
  const others = (state?.companions.scopes ?? []).map((scope) =>
    neededBytesPerS(scope, rateOf(scope.controls), plan.compression),
  );
  const films = (state?.companions.cameras ?? []).map(({ size, wantedFps }) =>
    size === null ? 0 : size.width * size.height * wantedFps * jpegBytesPerPixel,
  );
  return [...others, ...films].reduce((sum, bytes) => sum + bytes, first);
}

function number(state: CaptureState | null, name: AcquireControl['name']): number | null {
  return state?.controls.find((control) => control.name === name)?.number ?? null;
}
