// SPDX-License-Identifier: MIT
import { AppError } from '../../contract/index.ts';
import { openScene } from '../../media/index.ts';
import type { ScopeType } from '../catalogue/index.ts';
import type { Clock } from '../clock.ts';
import { SimulatedBoard } from './board.ts';
import { ScopeModel, type ScopeState } from './scope-model.ts';
import { SimulatedLink } from './simulated-link.ts';
import { SimulatedUsbDevice } from './usb-device.ts';

/** What can be made to go wrong while somebody watches; see `docs/acquisition.md`. */
export const faultNames = [
  'lost-payload',
  'missing-eof',
  'lost-frames',
  'counter-jump',
  'counter-wrap',
  'link-reset',
  'freeze',
  'unplug',
  'replug-elsewhere',
  'bad-orientation',
  'stall',
  'no-answer',
] as const;
/** One of {@link faultNames}. */
export type FaultName = (typeof faultNames)[number];

/** What a simulated scope looks at. */
export interface Tissue extends Disposable {
  /** Fills `out` (`width × height`, luma) with a picture as a scope with these settings sees it. */
  readonly draw: (
    frame: number,
    camera: { readonly light: number; readonly gain: number; readonly blur: number },
    out: Uint8Array,
  ) => void;
}

/** A simulated scope to practise with. */
export interface PracticeScope extends Disposable {
  /** The way to its board; rejects while it is unplugged. */
  readonly open: () => Promise<SimulatedLink>;
  /** Lets something go wrong now. What heals by itself (a frozen link, an unplugged board) does so after some seconds. */
  readonly fault: (name: FaultName) => void;
  /** The USB port the board is on: it has no other identity. */
  readonly port: () => string;
  /** Which picture of its scene was shown when (monotonic, ns), in the order of time. */
  readonly shown: () => readonly { readonly atNs: bigint; readonly sceneFrame: number }[];
  /** Level at the board's trigger input. */
  readonly setTrigger: (high: boolean) => void;
  /** What the scope's registers say now: its LED, too. */
  readonly state: () => ScopeState;
}

/** LED setting, percent, that shows a scene as it was made, at the lowest gain and 20 frames/s. */
const usualLed = 20;
/** Lens setting at which the scene is sharp. */
const sharpLens = 35;
/** Lens steps for a pixel of blur. */
const lensStepsPerPx = 12;
const healMs = 2500;
const framesBeforeWrap = 60;

/** A scope of a type that looks at a scene. @throws AppError `usage.invalid` for an unknown scene, `engine.missing` */
export function practiceScope(
  type: ScopeType,
  clock: Clock,
  scene: { readonly name: string; readonly seed: number } | Tissue,
): PracticeScope {
  const size = { width: type.width, height: type.height };
  const tissue = 'draw' in scene ? scene : openScene(scene.name, scene.seed, size);
  const board = new SimulatedBoard(new ScopeModel(type));
  const usb = new SimulatedUsbDevice(board);
  const ended = new AbortController();
  let link: SimulatedLink | undefined;
  /** How often it was unplugged, and frozen, and has not healed yet. */
  let unplugged = 0;
  let frozen = 0;
  let port = 1;
  const shown: { readonly atNs: bigint; readonly sceneFrame: number }[] = [];
  const unplug = (then: () => void): void => {
    unplugged += 1;
    link?.unplug();
    board.disturb({ kind: 'link-reset' });
    // The board lives on the port's power: it counts from 0 again.
    board.setCounter(0);
    later(() => {
      unplugged -= 1;
      then();
    });
  };
  const later = (act: () => void): void => {
    clock.sleep(healMs, ended.signal).then(act, () => undefined);
  };
  const faults: Readonly<Record<FaultName, () => void>> = {
    'lost-payload': () => board.disturb({ kind: 'lost-payload' }),
    'missing-eof': () => board.disturb({ kind: 'missing-eof' }),
    'lost-frames': () => board.disturb({ kind: 'lost-frames', frames: 3 }),
    'counter-jump': () => board.disturb({ kind: 'lost-frames', frames: 40 }),
    // Before the scope is connected: as if the board had been counting for half an hour.
    'counter-wrap': () => board.setCounter(0xffff - framesBeforeWrap),
    'link-reset': () => board.disturb({ kind: 'link-reset' }),
    freeze: () => {
      board.disturb({ kind: 'freeze' });
      frozen += 1;
      later(() => {
        frozen -= 1;
        if (frozen === 0) board.disturb({ kind: 'thaw' });
      });
    },
    unplug: () => unplug(() => undefined),
    'replug-elsewhere': () =>
      unplug(() => {
        port += 1;
      }),
    'bad-orientation': () => board.disturb({ kind: 'bad-orientation', frames: 5 }),
    stall: () => link?.stall(400),
    'no-answer': () => usb.failControls(10),
  };
  return {
    open: () => {
      if (unplugged > 0)
        return Promise.reject(new AppError('device.not_found', 'The Miniscope DAQ board is not connected.'));
      link = new SimulatedLink({
        usb,
        clock,
        port: `simulated-${port}`,
        picture: (frame, state, out) => {
          shown.push({ atNs: clock.nowNs(), sceneFrame: frame });
          tissue.draw(frame, cameraOf(state), out);
        },
      });
      return Promise.resolve(link);
    },
    fault: (name) => faults[name](),
    port: () => `simulated-${port}`,
    shown: () => shown,
    setTrigger: (high) => board.setTrigger(high),
    state: () => board.scope.state,
    [Symbol.dispose]: () => {
      ended.abort();
      tissue[Symbol.dispose]();
    },
  };
}

/** What the settings of a scope do to its picture. A longer frame collects more light. */
function cameraOf({ values, lensOn }: ScopeState): {
  readonly light: number;
  readonly gain: number;
  readonly blur: number;
} {
  const { led0 = 0, gain = 1, frameRate = 20, ewl } = values;
  const lens = lensOn ? (ewl ?? sharpLens) : 0;
  return {
    light: (led0 / usualLed) * (20 / frameRate),
    gain,
    blur: Math.abs(lens - sharpLens) / lensStepsPerPx,
  };
}
