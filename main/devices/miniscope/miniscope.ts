// SPDX-License-Identifier: MIT
import { AppError } from '../../contract/index.ts';
import type { BoardLink } from '../board-link.ts';
import {
  fixedPacket,
  resolveSetting,
  startSetting,
  type Resolved,
  type ScopeType,
  type Setting,
} from '../catalogue/index.ts';
import type { Clock } from '../clock.ts';
import { CommandQueue } from './command-queue.ts';
import type { RawFrame } from './frame-assembler.ts';
import { askAbi, type Firmware } from './firmware.ts';
import { FrameCounter } from './frame-counter.ts';
import { packWords, type I2cPacket } from './i2c-packet.ts';
import { frameMetadata } from './open-ephys.ts';
import { persist } from './persist.ts';
import { orientationOf, type Orientation } from './quaternion.ts';
import { type Selector, selector } from './uvc.ts';

/** A frame with what the board said of it. */
export interface ScopeFrame {
  /** Luma, `width × height`, row by row. */
  readonly pixels: Uint8Array;
  /** Monotonic time of the first and the last payload, ns. */
  readonly firstNs: bigint;
  readonly lastNs: bigint;
  /** The board's frame counter as read, 16 bits; null when it could not be read. */
  readonly rawCounter: number | null;
  /** Frames the board has sent since the first, the first being 1; null when unknown. */
  readonly counter: number | null;
  /** Frames before this one that never came. */
  readonly lost: number;
  /** The board began to count anew before this frame: how many were lost there is unknown. */
  readonly restarted: boolean;
  /** Null without an orientation sensor, or when it could not be read. */
  readonly orientation: Orientation | null;
  /** The board's own clock, ms; null with firmware that does not tell. */
  readonly deviceMs: number | null;
  /** Levels at the board's inputs; null when not read. */
  readonly inputs: readonly boolean[] | null;
}

/** What happens to a scope that a person should know. */
export type ScopeEvent =
  | { readonly kind: 'lost'; readonly message: string }
  | { readonly kind: 'reconnected'; readonly message: string }
  | { readonly kind: 'restarted'; readonly message: string }
  | { readonly kind: 'moved'; readonly message: string };

/** How a scope is opened. */
export interface MiniscopeOptions {
  readonly type: ScopeType;
  /** Opens the way to the board; called again for each reconnection. */
  readonly open: () => Promise<BoardLink>;
  readonly clock: Clock;
  /** Settings to begin with; the type's own where none is given. */
  readonly settings?: Readonly<Record<string, Setting>>;
  readonly onFrame: (frame: ScopeFrame) => void;
  readonly onEvent?: (event: ScopeEvent) => void;
}

/** Pause between the steps of setting up a scope, ms: the link's chips need it (acquisition.md 2.5). */
const settleMs = 500;
/** Pause after each control write, ms: 200 µs there, a millisecond is the least a timer gives. */
const paceMs = 1;
/** Pauses before trying again to reach a board, ms; the last one repeats. */
const backOffMs = [1000, 2000, 3000, 4000, 5000] as const;
/** Without a frame for so many frame times, and at least this long, a link counts as frozen. */
const frozen = { periods: 10, leastMs: 2000 } as const;
/** A scope that lost power begins at another rate: the time of so many frames by the board's counter, off by this share, tells. */
const otherRate = { frames: 40, share: 0.2, pauseMs: 500 } as const;
/** A wait that took so much longer than it should says that this process was held up, not the board. */
const overslept = 1.3;
/** So many black frames after pictures tell that the link has lost its mode. */
const blackFrames = 10;
const pixelClockOfFastLinkMHz = 50;
/** Controls that read w, x, y, z of the orientation. */
const quaternion = [selector.saturation, selector.hue, selector.gain, selector.brightness] as const;

/**
 * A scope on a Miniscope DAQ board: sets it up, sets its controls, reads what each frame's counter and orientation say, and brings it back with all settings when
 * the link was lost (acquisition.md 2.4–2.8).
 */
export class Miniscope implements AsyncDisposable {
  readonly type: ScopeType;
  readonly #options: MiniscopeOptions;
  readonly #queue = new CommandQueue();
  readonly #settings = new Map<string, Resolved>();
  readonly #counter = new FrameCounter();
  #link: BoardLink | undefined;
  #recording = false;
  #seen = 0;
  #countedNs: bigint | undefined;
  #rateSince: { readonly counter: number; readonly atNs: bigint } | undefined;
  #awaiting: ((frame: RawFrame) => void)[] = [];
  #handed: (() => void)[] = [];
  /** Frame counters come with the frames. */
  #isTold = false;
  /** The newest counter that was taken. */
  #taken: number | null = null;
  readonly #gone = new WeakSet<BoardLink>();
  #port: string | undefined;
  #firmware: Firmware = { variant: null, abi: null };
  #flushing: Promise<void> | undefined;
  #black = 0;
  #hadLight = false;
  #isSetUp = false;
  #mending: Promise<void> | undefined;
  readonly #closing = new AbortController();
  #handing: Promise<void> = Promise.resolve();

  constructor(options: MiniscopeOptions) {
    this.#options = options;
    this.type = options.type;
    for (const name of Object.keys(this.type.controls)) {
      const setting = options.settings?.[name] ?? startSetting(this.type, name);
      if (setting !== undefined) this.#settings.set(name, resolveSetting(this.type, name, setting));
    }
  }

  /** Settings as they are now, by control. */
  get settings(): ReadonlyMap<string, Resolved> {
    return this.#settings;
  }

  /** What runs on the board. */
  get firmware(): Firmware {
    return this.#firmware;
  }

  /** How often the board began to count anew. */
  get restarts(): number {
    return this.#counter.restarts;
  }

  /**
   * Opens the board and sets the scope up; resolves when frames come.
   *
   * @throws AppError `device.*`
   */
  async connect(): Promise<void> {
    this.#link = await this.#open();
    this.#firmware = { variant: null, abi: await askAbi(this.#link) };
    await this.#setUp(this.#link);
    void this.#watch();
  }

  /** Sets a control; resolves when the board has been told. @throws AppError `device.bad_setting`, `device.no_answer` */
  async set(name: string, setting: Setting): Promise<Resolved> {
    const resolved = resolveSetting(this.type, name, setting);
    this.#settings.set(name, resolved);
    this.#put(name, resolved.packets);
    await this.#flush();
    // Frames of the rate before say nothing about the new one.
    if (name === 'frameRate') this.#rateSince = undefined;
    return resolved;
  }

  /** Tells the board whether frames are being recorded: its sync output toggles once a frame only then. */
  async setRecording(on: boolean): Promise<void> {
    this.#recording = on;
    const link = this.#link;
    if (link !== undefined) await this.#persist(link, () => link.setControl(selector.saturation, on ? 1 : 0));
  }

  /** Level at the board's trigger input; null when it could not be read. */
  async trigger(): Promise<boolean | null> {
    const value = await this.#link?.getControl(selector.gamma).catch(() => null);
    return value === undefined || value === null ? null : value !== 0;
  }

  /** Resolves with true once the next frame has been handed on, with false when none was within so many milliseconds. */
  async nextFrame(ms: number): Promise<boolean> {
    const waited = new AbortController();
    const handed = new Promise<boolean>((resolve) => {
      this.#handed.push(() => resolve(true));
    });
    const overdue = this.#options.clock.sleep(ms, waited.signal).then(
      () => false,
      () => false,
    );
    const came = await Promise.race([handed, overdue]);
    waited.abort();
    return came;
  }

  /** The frame that the board has sent last, as {@link ScopeFrame.counter}; null when it cannot be read. */
  async sent(): Promise<number | null> {
    if (this.#isTold) return this.#taken;
    const raw = await this.#link?.getControl(selector.contrast).catch(() => null);
    return raw === undefined || raw === null ? null : this.#counter.peek(raw);
  }

  /** LEDs off and one frame awaited, since the board executes commands at a frame's end only; then the stream is stopped. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    const link = this.#link;
    this.#link = undefined;
    if (link === undefined) return;
    try {
      await this.#darken(link);
    } catch {
      // The board does not answer any more; there is nobody left to tell.
    }
    await link[Symbol.asyncDispose]();
  }

  async #darken(link: BoardLink): Promise<void> {
    for (const name of Object.keys(this.type.controls).filter((control) => control.startsWith('led'))) {
      for (const packet of resolveSetting(this.type, name, 0).packets) await this.#send(link, packet);
    }
    if (this.#recording) await this.#persist(link, () => link.setControl(selector.saturation, 0));
    await this.#executed();
  }

  /**
   * Waits until the board has executed what was sent: it does so at a frame's end. Frames that had come before and were waiting to be taken do not count; of those that
   * came after, two, since the first may have ended on the board just before the commands came.
   */
  async #executed(): Promise<void> {
    const sentNs = this.#options.clock.nowNs();
    for (let after = 0; after < 2;) {
      const frame = await this.#nextFrame();
      if (frame === undefined) return;
      if (frame.lastNs > sentNs) after += 1;
    }
  }

  /** Resolves with the next frame, or with nothing when one is overdue. */
  async #nextFrame(): Promise<RawFrame | undefined> {
    const waited = new AbortController();
    const frame = new Promise<RawFrame>((resolve) => {
      this.#awaiting.push(resolve);
    });
    const overdue = this.#options.clock.sleep(frozen.leastMs, waited.signal).then(
      () => undefined,
      () => undefined,
    );
    const came = await Promise.race([frame, overdue]);
    waited.abort();
    return came;
  }

  async #open(): Promise<BoardLink> {
    const link = await this.#options.open();
    const before = this.#port;
    this.#port = link.port;
    if (before !== undefined && link.port !== undefined && link.port !== before) {
      this.#options.onEvent?.({ kind: 'moved', message: `The board is on another USB port now (${link.port}).` });
    }
    void link.gone.then(() => this.#gone.add(link));
    return link;
  }

  async #setUp(link: BoardLink): Promise<void> {
    const { clock } = this.#options;
    this.#queue.clear();
    this.#isSetUp = false;
    const size = { width: this.type.width, height: this.type.height };
    link.readWithFrames?.([selector.contrast, ...(this.type.hasOrientation ? quaternion : [])]);
    await link.start(size, (frame) => this.#arrived(link, frame));
    for (const packet of linkPackets(this.type)) await this.#send(link, packet);
    await clock.sleep(settleMs, this.#closing.signal);
    for (const command of this.type.initialise) await this.#send(link, fixedPacket(command));
    await clock.sleep(settleMs, this.#closing.signal);
    for (const { packets } of this.#settings.values()) {
      for (const packet of packets) await this.#send(link, packet);
    }
    if (this.#recording) await this.#persist(link, () => link.setControl(selector.saturation, 1));
    // The first frame ends with the last command; the next one is as it was set.
    await this.#executed();
    this.#hadLight = false;
    this.#black = 0;
    this.#rateSince = undefined;
    this.#isSetUp = true;
  }

  #put(name: string, packets: readonly I2cPacket[]): void {
    packets.forEach((packet, n) => void this.#queue.put(`${name} ${n}`, packet));
  }

  /** Sends what waits, one command after another. */
  #flush(): Promise<void> {
    this.#flushing ??= (async () => {
      // Nothing may be there to send, or nobody to send it to: the end comes after the assignment all the same.
      await Promise.resolve();
      try {
        for (let words = this.#queue.take(); words !== undefined; words = this.#queue.take()) {
          if (this.#link !== undefined) await this.#sendWords(this.#link, words);
        }
      } finally {
        this.#flushing = undefined;
      }
    })();
    return this.#flushing;
  }

  async #send(link: BoardLink, packet: I2cPacket): Promise<void> {
    await this.#sendWords(link, packWords(packet));
  }

  async #sendWords(link: BoardLink, [contrast, gamma, sharpness]: readonly [number, number, number]): Promise<void> {
    const { clock } = this.#options;
    for (const [control, word] of [
      [selector.contrast, contrast],
      [selector.gamma, gamma],
      [selector.sharpness, sharpness],
    ] as const) {
      await this.#persist(link, () => link.setControl(control, word));
      await clock.sleep(paceMs);
    }
  }

  async #persist(link: BoardLink, ask: () => Promise<void>): Promise<void> {
    await persist(this.#options.clock, ask, () => this.#gone.has(link));
  }

  #arrived(link: BoardLink, raw: RawFrame): void {
    this.#seen += 1;
    const number = this.#seen;
    this.#noteLight(raw);
    for (const resolve of this.#awaiting.splice(0)) resolve(raw);
    this.#handing = this.#handing.then(() => this.#hand(link, raw, number));
  }

  /**
   * Reads what the board says of a frame, unless that came with it, and hands it on. A frame after which another has come already goes unread: the board speaks of the
   * newest.
   */
  async #hand(link: BoardLink, raw: RawFrame, number: number): Promise<void> {
    const told = frameMetadata(raw.oddBytes);
    if (this.#firmware.variant === null)
      this.#firmware = { ...this.#firmware, variant: told === null ? 'stock' : 'openEphys' };
    const isNewest = this.#seen === number;
    const read = async (control: Selector): Promise<number | null> => {
      const came = raw.controls?.get(control);
      if (came !== undefined) return came;
      return isNewest ? await link.getControl(control).catch(() => null) : null;
    };
    const rawCounter = told === null ? await read(selector.contrast) : told.frame & 0xffff;
    const orientation = told === null && this.type.hasOrientation ? await readOrientation(read) : null;
    const { frame, lost, restarted } = this.#counter.take(rawCounter);
    this.#isTold = told !== null;
    this.#taken = frame ?? this.#taken;
    this.#noteRate(frame, lost, raw.lastNs);
    this.#options.onFrame({
      pixels: raw.pixels,
      firstNs: raw.firstNs,
      lastNs: raw.lastNs,
      rawCounter,
      counter: frame,
      lost,
      restarted,
      orientation: told !== null && this.type.hasOrientation ? told.orientation : orientation,
      deviceMs: told?.timeMs ?? null,
      inputs: told?.inputs ?? null,
    });
    for (const handed of this.#handed.splice(0)) handed();
  }

  /** A link that lost its mode gives black frames. */
  #noteLight(raw: RawFrame): void {
    const isBlack = raw.pixels.every((value) => value === 0);
    if (!isBlack) this.#hadLight = true;
    this.#black = isBlack && this.#hadLight ? this.#black + 1 : 0;
    if (this.#black >= blackFrames) this.#beganAnew();
  }

  /** The board's counter and this computer's clock tell the sensor's rate, however late frames are taken here and however many are lost. */
  #noteRate(counter: number | null, lost: number, atNs: bigint): void {
    const rate = this.#settings.get('frameRate')?.number;
    if (counter === null || rate === undefined || !this.#isSetUp) return;
    const tookMs = Number(atNs - (this.#countedNs ?? atNs)) / 1e6;
    this.#countedNs = atNs;
    // Frames were counted without the time for them, or time passed and none was counted: that is no rate.
    const frameMs = 1000 / rate;
    const isJump = lost > 0 && tookMs < ((lost + 1) * frameMs) / 2;
    const isPause = tookMs > (lost + 1) * frameMs + otherRate.pauseMs;
    if (isJump || isPause) this.#rateSince = undefined;
    const since = this.#rateSince;
    const frames = since === undefined ? 0 : counter - since.counter;
    if (since !== undefined && frames >= 0 && frames < otherRate.frames) return;
    this.#rateSince = { counter, atNs };
    if (since === undefined || frames < 0) return;
    const share = (Number(atNs - since.atNs) / 1e9 / frames) * rate;
    if (Math.abs(share - 1) > otherRate.share) this.#beganAnew();
  }

  #beganAnew(): void {
    if (this.#isSetUp) this.#mend('The scope lost power for a moment and began anew; its settings have been restored.');
  }

  /** Waits for the board to go, or for frames to stay away. */
  async #watch(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#closing.signal.aborted) {
      const link = this.#link;
      if (link === undefined) return;
      const rate = this.#settings.get('frameRate')?.number ?? 30;
      const patience = Math.max(frozen.leastMs, (frozen.periods * 1000) / rate);
      const before = this.#seen;
      const since = clock.nowNs();
      const gone = await Promise.race([
        link.gone,
        clock.sleep(patience, this.#closing.signal).then(
          () => undefined,
          () => undefined,
        ),
      ]);
      if (this.#closing.signal.aborted) return;
      if (this.#mending !== undefined) await this.#mending;
      else if (gone !== undefined) await this.#reconnect(gone);
      else if (this.#seen === before && Number(clock.nowNs() - since) / 1e6 < patience * overslept) {
        await this.#reconnect('No frame came any more from the scope.');
      }
    }
  }

  /** Sets the scope up again over the link there is. */
  #mend(message: string): void {
    const link = this.#link;
    if (this.#mending !== undefined || link === undefined) return;
    this.#mending = (async () => {
      try {
        await link.stop();
        await this.#setUp(link);
        this.#options.onEvent?.({ kind: 'restarted', message });
      } catch {
        // The watch finds that no frame comes and reconnects.
      } finally {
        this.#mending = undefined;
      }
    })();
  }

  async #reconnect(why: string): Promise<void> {
    const { clock, onEvent } = this.#options;
    const old = this.#link;
    onEvent?.({ kind: 'lost', message: `${why} Calyx tries to reach it again.` });
    try {
      await old?.[Symbol.asyncDispose]();
    } catch {
      // It is gone already.
    }
    for (let attempt = 0; !this.#closing.signal.aborted; attempt += 1) {
      try {
        await clock.sleep(backOffMs[Math.min(attempt, backOffMs.length - 1)] ?? 5000, this.#closing.signal);
        const link = await this.#open();
        this.#counter.reconnected();
        this.#link = link;
        await this.#setUp(link);
        onEvent?.({ kind: 'reconnected', message: 'The scope is back with its settings.' });
        return;
      } catch (error) {
        if (!(error instanceof AppError) && this.#closing.signal.aborted) return;
      }
    }
  }
}

/** Packets that bring the link into the mode of a scope's pixel clock; none for a clock of zero. */
export function linkPackets({ pixelClockMHz }: ScopeType): readonly I2cPacket[] {
  if (pixelClockMHz <= 0) return [];
  const isFast = pixelClockMHz > pixelClockOfFastLinkMHz;
  return [
    [0xc0, 0x1f, isFast ? 0x11 : 0x10],
    [0xb0, 0x05, isFast ? 0x21 : 0x20],
  ];
}

async function readOrientation(read: (control: Selector) => Promise<number | null>): Promise<Orientation | null> {
  const words: number[] = [];
  for (const control of quaternion) {
    const word = await read(control);
    if (word === null) return null;
    words.push(word);
  }
  const [w = 0, x = 0, y = 0, z = 0] = words;
  return orientationOf([w, x, y, z]);
}
