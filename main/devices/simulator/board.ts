// SPDX-License-Identifier: MIT
import { type I2cPacket, unpackWords } from '../miniscope/i2c-packet.ts';
import { headerFlag, payloadData, payloadHeader } from '../miniscope/uvc.ts';
import { frameSizes } from './descriptors.ts';
import type { ScopeModel } from './scope-model.ts';

/** Firmware of a board: the one of the scope's inventors, or that of Open Ephys from version 1.1 on. */
export type Firmware = 'stock' | 'openEphys';

/** What disturbs the next frames; see {@link SimulatedBoard.disturb}. */
export type Disturbance =
  /** A payload in the middle of the next frame never comes. */
  | { readonly kind: 'lost-payload' }
  /** The last payload of the next frame never comes. */
  | { readonly kind: 'missing-eof' }
  /** So many frames are counted but never sent. */
  | { readonly kind: 'lost-frames'; readonly frames: number }
  /** The scope loses power for a moment: it begins anew, dark, at 30 frames/s, its link not set up. */
  | { readonly kind: 'link-reset' }
  /** No frame comes any more, while the control channel answers; until `thaw`. */
  | { readonly kind: 'freeze' }
  | { readonly kind: 'thaw' }
  /** The orientation is disturbed for so many frames. */
  | { readonly kind: 'bad-orientation'; readonly frames: number };

/** Slots of the firmware's ring of commands. */
const ringSlots = 64;
/** Version the firmware tells when it is asked. */
const abiVersion = 2;
const addresses = { deserialiser: 0xc0, serialiser: 0xb0, orientation: 0x50, board: 0xfe } as const;
/** Registers of the deserialiser. */
const deserialiser = { slaveIds: 0x08, slaveAliases: 0x10, mode: 0x1f } as const;
const serialiserMode = 0x05;
/** Above this pixel clock a link runs in its fast mode. */
const fastClockMHz = 50;

/** Parts of a half-sent command. */
interface Half {
  words: [number, number, number];
  has: Set<number>;
}

/**
 * The Miniscope DAQ board with a scope on it: its firmware to the byte (acquisition.md 1.5, 1.6, 2). Time does not pass in here; whoever drives it asks for a
 * frame when one is due.
 *
 * Where the sources are silent: before the link is in the right mode frames come but are black, so that the packets that set it up are executed; a ring of
 * commands that overflows begins anew, as its two indices then say.
 */
export class SimulatedBoard {
  readonly scope: ScopeModel;
  readonly firmware: Firmware;
  readonly #ring: I2cPacket[] = Array.from({ length: ringSlots }, () => []);
  #write = 0;
  #read = 0;
  #half: Half = { words: [0, 0, 0], has: new Set() };
  readonly #deserialiser = new Map<number, number>();
  #serialiserMode: number | undefined;
  #frameIndex = 1;
  #streaming = false;
  #fid = 0;
  #counter = 0;
  #polls = false;
  #recording = false;
  #frameOut = false;
  #edges = 0;
  #abiAsked = false;
  #trigger = false;
  #frozen = false;
  #badOrientation = 0;
  /** Frames to come that are disturbed, the next one first. */
  readonly #next: Disturbance[] = [];
  #head: readonly [number, number, number, number] = [0x4000, 0, 0, 0];
  #read4: readonly [number, number, number, number] = [0, 0, 0, 0];

  constructor(scope: ScopeModel, firmware: Firmware = 'stock') {
    this.scope = scope;
    this.firmware = firmware;
  }

  /** Frames since power came, 32 bit. */
  get counter(): number {
    return this.#counter;
  }

  get streaming(): boolean {
    return this.#streaming;
  }

  /** Changes of the sync output so far: one a frame while recording. */
  get syncEdges(): number {
    return this.#edges;
  }

  get size(): { readonly width: number; readonly height: number } {
    return frameSizes[this.#frameIndex - 1] ?? frameSizes[0];
  }

  /** Seconds between two frames as the sensor is set. */
  get framePeriodS(): number {
    return 1 / (this.scope.state.values['frameRate'] ?? 30);
  }

  /** True when the link carries a picture. */
  get linkUp(): boolean {
    const isFast = this.scope.type.pixelClockMHz > fastClockMHz;
    const [des, ser] = isFast ? [0x11, 0x21] : [0x10, 0x20];
    return this.#deserialiser.get(deserialiser.mode) === des && this.#serialiserMode === ser;
  }

  /** Level at the trigger input. */
  setTrigger(high: boolean): void {
    this.#trigger = high;
  }

  /** Turns the head: words w, x, y, z of the orientation sensor. */
  turnHead(words: readonly [number, number, number, number]): void {
    this.#head = words;
  }

  /** Sets the frame counter, so that what happens at its ends can be seen. */
  setCounter(value: number): void {
    this.#counter = value >>> 0;
  }

  disturb(disturbance: Disturbance): void {
    if (disturbance.kind === 'freeze' || disturbance.kind === 'thaw') this.#frozen = disturbance.kind === 'freeze';
    else if (disturbance.kind === 'lost-frames') this.#counter = (this.#counter + disturbance.frames) >>> 0;
    else if (disturbance.kind === 'link-reset') this.#resetLink();
    else if (disturbance.kind === 'bad-orientation') this.#badOrientation += disturbance.frames;
    else this.#next.push(disturbance);
  }

  /** COMMIT: the stream starts, its first frame with FID 0. */
  start(frameIndex: number): void {
    this.#frameIndex = frameIndex;
    this.#streaming = true;
    this.#fid = 0;
  }

  /** SET_INTERFACE or CLEAR_FEATURE: the stream stops. */
  stop(): void {
    this.#streaming = false;
  }

  /** SET_CUR of a control of the processing unit. */
  setControl(selector: number, value: number): void {
    if (selector === 0x03) {
      this.#half = { words: [value, 0, 0], has: new Set([0]) };
    } else if (selector === 0x09 || selector === 0x08) {
      const at = selector === 0x09 ? 1 : 2;
      this.#half.words[at] = value;
      this.#half.has.add(at);
    } else if (selector === 0x07) {
      this.#recording = (value & 1) === 1;
      if (value === 0x02) this.#abiAsked = true;
    }
    if (this.#half.has.size < 3) return;
    this.#queue(unpackWords(this.#half.words));
    this.#half = { words: [0, 0, 0], has: new Set() };
  }

  /** GET_CUR of a control of the processing unit, 16 bits. */
  getControl(selector: number): number {
    const [w, x, y, z] = this.#read4;
    switch (selector) {
      case 0x03:
        return this.#counter & 0xffff;
      case 0x09:
        return this.#trigger ? 1 : 0;
      case 0x07:
        return w & 0xffff;
      case 0x06: {
        const asked = this.#abiAsked;
        this.#abiAsked = false;
        return asked ? abiVersion : x & 0xffff;
      }
      case 0x04:
        return y & 0xffff;
      case 0x02:
        return z & 0xffff;
      default:
        return 0;
    }
  }

  /** Control 2 of Open Ephys' extension unit: a count and up to four packets of six bytes. */
  writePackets(data: Uint8Array): void {
    for (let n = 0; n < Math.min(data[0] ?? 0, 4); n += 1) {
      const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = data.subarray(1 + 6 * n, 7 + 6 * n);
      this.#queue(unpackWords([a | (b << 8), c | (d << 8), e | (f << 8)]));
    }
  }

  /** Control 3 of Open Ephys' extension unit: the sync output. */
  setFlags(flags: number): void {
    this.#recording = (flags & 1) === 1;
  }

  /**
   * Sends one frame: its payloads as they go over the bulk endpoint, each with its header; then does what the firmware does at a frame's end.
   *
   * @param picture luma, `width × height` of {@link size}, row by row
   * @param timeMs the board's clock, for Open Ephys' firmware
   * @returns nothing while the stream is stopped or the link frozen
   */
  frame(picture: Uint8Array, timeMs = 0): Uint8Array[] {
    if (!this.#streaming || this.#frozen) return [];
    const payloads = this.#payloads(this.#pixels(picture, timeMs));
    this.#endOfFrame();
    return payloads;
  }

  /** What the sensor's 16-bit bus carries: pixel and 0x80 in turn. */
  #pixels(picture: Uint8Array, timeMs: number): Uint8Array {
    const { width, height } = this.size;
    const words = new Uint16Array(width * height).fill(0x8000);
    if (this.linkUp) for (let p = 0; p < words.length; p += 1) words[p] = 0x8000 | (picture[p] ?? 0);
    const bytes = new Uint8Array(words.buffer);
    if (this.firmware === 'openEphys') this.#addMetadata(bytes, timeMs);
    return bytes;
  }

  #addMetadata(bytes: Uint8Array, timeMs: number): void {
    const [w, x, y, z] = this.#read4.map((word) => word & 0xffff) as [number, number, number, number];
    const words = [this.#counter, timeMs >>> 0, this.#trigger ? 1 : 0, (w | (x << 16)) >>> 0, (y | (z << 16)) >>> 0];
    for (const [n, word] of words.entries()) {
      for (let byte = 0; byte < 4; byte += 1) bytes[8 * n + 2 * byte + 1] = (word >>> (8 * byte)) & 0xff;
    }
  }

  #payloads(bytes: Uint8Array): Uint8Array[] {
    const payloads: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += payloadData) {
      const data = bytes.subarray(at, at + payloadData);
      const isLast = at + payloadData >= bytes.length;
      const payload = new Uint8Array(payloadHeader + data.length);
      payload[0] = payloadHeader;
      payload[1] = headerFlag.usual | this.#fid | (isLast ? headerFlag.eof : 0);
      payload.set(data, payloadHeader);
      payloads.push(payload);
    }
    this.#fid ^= 1;
    const disturbance = this.#next.shift()?.kind;
    if (disturbance === 'missing-eof') payloads.pop();
    if (disturbance === 'lost-payload') payloads.splice(payloads.length >> 1, 1);
    return payloads;
  }

  #endOfFrame(): void {
    this.#counter = (this.#counter + 1) >>> 0;
    for (; this.#read !== this.#write; this.#read = (this.#read + 1) % ringSlots)
      this.#execute(this.#ring[this.#read] ?? []);
    if (this.#polls) this.#pollOrientation();
    if (!this.#recording) return;
    this.#frameOut = !this.#frameOut;
    this.#edges += 1;
  }

  #pollOrientation(): void {
    if (this.#badOrientation > 0) {
      this.#badOrientation -= 1;
      this.#read4 = [0x7fff, 0x7fff, 0x7fff, 0x7fff];
    } else if (this.linkUp) {
      this.#read4 = this.scope.state.orientationOn ? this.#head : [0, 0, 0, 0];
    }
  }

  #queue(packet: I2cPacket): void {
    this.#ring[this.#write] = packet;
    this.#write = (this.#write + 1) % ringSlots;
  }

  #execute(packet: I2cPacket): void {
    const [address = 0, register = 0, ...data] = packet;
    if (address === addresses.board) {
      if (register === 0x00) this.#polls = true;
      else if (register === 0x01) this.#hardReset();
    } else if (address === addresses.deserialiser) {
      for (const [n, value] of data.entries()) this.#deserialiser.set(register + n, value);
    } else if (address === addresses.serialiser) {
      if (register === serialiserMode) this.#serialiserMode = data[0];
    } else {
      this.#overTheLink(address, [register, ...data]);
    }
  }

  /** Only chips the deserialiser was told of are reached, by their alias. */
  #overTheLink(alias: number, rest: readonly number[]): void {
    for (let n = 0; n < 8; n += 1) {
      const isThis = this.#deserialiser.get(deserialiser.slaveAliases + n) === alias;
      if (isThis && this.#deserialiser.get(deserialiser.slaveIds + n) !== undefined && this.linkUp) {
        this.scope.write([alias, ...rest]);
        return;
      }
    }
  }

  #hardReset(): void {
    this.#resetLink();
    this.#counter = 0;
    this.#polls = false;
    this.#recording = false;
    this.#streaming = false;
  }

  #resetLink(): void {
    this.scope.reset();
    this.#deserialiser.clear();
    this.#serialiserMode = undefined;
    this.#read4 = [0, 0, 0, 0];
  }
}
