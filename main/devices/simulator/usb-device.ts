// SPDX-License-Identifier: MIT
import { request, selector as control, unit } from '../miniscope/uvc.ts';
import type { SimulatedBoard } from './board.ts';
import { concat, u16, u32 } from './bytes.ts';
import {
  bosDescriptor,
  configurationDescriptor,
  deviceDescriptor,
  frameSizes,
  strings,
  type UsbSpeed,
} from './descriptors.ts';

/** The eight bytes that begin a control transfer. */
export interface Setup {
  readonly requestType: number;
  readonly request: number;
  readonly value: number;
  readonly index: number;
  readonly length: number;
}

/** The board's answer on endpoint 0: the bytes it sends (none for a request that carries bytes to it), or a stall. */
export type ControlAnswer = Uint8Array | 'stall';

/** Largest frame of all, which the board names for every size. */
const largestFrame = 10_077_696;
/** One payload, as it is named in the negotiation. */
const payloadTransfer = 0x4000;
const extensionControls = { version: 1, i2cWrite: 2, flags: 3 } as const;
/** Version that the simulated firmware of Open Ephys gives: 1.1.0. */
const openEphysVersion = Uint8Array.of(1, 1, 0);
/** A quaternion that moved with the head is signed; these two controls say so. */
const signedControls: ReadonlySet<number> = new Set([control.hue, control.brightness]);

const empty = new Uint8Array();

/** Endpoint 0 of the simulated board: standard and video class requests as its firmware answers them (acquisition.md 1.4, 2.1, 2.8). */
export class SimulatedUsbDevice {
  readonly board: SimulatedBoard;
  readonly speed: UsbSpeed;
  #probed = 1;
  #timeouts = 0;

  constructor(board: SimulatedBoard, speed: UsbSpeed = 'super') {
    this.board = board;
    this.speed = speed;
  }

  /** So many more of the next control transfers get no answer in time. */
  failControls(count: number): void {
    this.#timeouts += count;
  }

  /**
   * One control transfer.
   *
   * @param data bytes to the board, empty where it sends them
   * @returns undefined when no answer comes in time
   */
  control(setup: Setup, data: Uint8Array = empty): ControlAnswer | undefined {
    if (this.#timeouts > 0) {
      this.#timeouts -= 1;
      return undefined;
    }
    const answer = (setup.requestType & 0x60) === 0x20 ? this.#classRequest(setup, data) : this.#standardRequest(setup);
    return answer instanceof Uint8Array ? answer.subarray(0, setup.length) : answer;
  }

  #standardRequest({ request: number, value, index }: Setup): ControlAnswer {
    switch (number) {
      case 0x06:
        return this.#descriptor(value >> 8, value & 0xff);
      case 0x09:
        return empty;
      case 0x0b:
        if (index === 1) this.board.stop();
        return empty;
      case 0x01:
        // CLEAR_FEATURE(ENDPOINT_HALT) of the video endpoint stops the stream: how Linux ends it.
        if (index === 0x83) this.board.stop();
        return empty;
      case 0x00:
        return Uint8Array.of(0, 0);
      default:
        return 'stall';
    }
  }

  #descriptor(type: number, index: number): ControlAnswer {
    if (type === 1) return deviceDescriptor(this.speed);
    if (type === 2) return configurationDescriptor(this.speed);
    if (type === 0x0f) return bosDescriptor();
    if (type !== 3) return 'stall';
    if (index === 0) return Uint8Array.of(4, 3, 0x09, 0x04);
    const text = strings[index];
    if (text === undefined) return 'stall';
    return concat([2 + 2 * text.length, 3], ...text.split('').map((letter) => u16(letter.charCodeAt(0))));
  }

  #classRequest(setup: Setup, data: Uint8Array): ControlAnswer {
    if (setup.index === 0x0001) return this.#negotiation(setup, data);
    if ((setup.index & 0xff) !== 0) return 'stall';
    const entity = setup.index >> 8;
    const which = setup.value >> 8;
    if (entity === unit.processing) return this.#processing(setup.request, which, data);
    if (entity === unit.cameraTerminal) return this.#cameraTerminal(setup.request, which);
    if (entity === unit.extension && this.board.firmware === 'openEphys')
      return this.#extension(setup.request, which, data);
    return 'stall';
  }

  /** PROBE and COMMIT: the frame size is taken from either, COMMIT starts the stream. */
  #negotiation({ request: number, value }: Setup, data: Uint8Array): ControlAnswer {
    const which = value >> 8;
    if (which !== 1 && which !== 2) return 'stall';
    switch (number) {
      case request.setCur: {
        const wanted = data[3] ?? 0;
        if (wanted >= 1 && wanted <= frameSizes.length) this.#probed = wanted;
        if (which === 2) this.board.start(this.#probed);
        return empty;
      }
      case request.getLen:
        return Uint8Array.of(34);
      case request.getInfo:
        return Uint8Array.of(3);
      case request.getCur:
      case request.getMin:
      case request.getMax:
      case request.getDef:
        return this.#agreed();
      default:
        return 'stall';
    }
  }

  #agreed(): Uint8Array {
    return concat(
      [0, 0, 1, this.#probed],
      u32(0x0005_1615),
      new Uint8Array(10),
      u32(largestFrame),
      u32(payloadTransfer),
      [0x00, 0x60, 0xe3, 0x16],
      new Uint8Array(4),
    );
  }

  #processing(number: number, which: number, data: Uint8Array): ControlAnswer {
    switch (number) {
      case request.setCur:
        this.board.setControl(which, (data[0] ?? 0) | ((data[1] ?? 0) << 8));
        return empty;
      case request.getCur:
        return Uint8Array.from(u16(this.board.getControl(which)));
      case request.getMin:
        return Uint8Array.from(u16(signedControls.has(which) ? 0x8000 : 0));
      case request.getMax:
        return Uint8Array.from(u16(signedControls.has(which) ? 0x7fff : 0xffff));
      case request.getRes:
        return Uint8Array.from(u16(1));
      case request.getDef:
        return Uint8Array.from(u16(0));
      case request.getLen:
        return Uint8Array.from(u16(2));
      case request.getInfo:
        return Uint8Array.of(3);
      default:
        return 'stall';
    }
  }

  /** The mirror that was added for Linux, which keeps the processing unit's values to itself: exposure is the counter, pan and tilt the orientation. */
  #cameraTerminal(number: number, which: number): ControlAnswer {
    if (number === request.getInfo) return Uint8Array.of(3);
    if (number !== request.getCur) return 'stall';
    if (which === 0x04) return Uint8Array.from(u32(this.board.getControl(control.contrast)));
    if (which !== 0x0d) return 'stall';
    const words = [control.saturation, control.hue, control.gain, control.brightness];
    return concat(...words.map((word) => u16(this.board.getControl(word))));
  }

  #extension(number: number, which: number, data: Uint8Array): ControlAnswer {
    if (number === request.getCur && which === extensionControls.version) return openEphysVersion;
    if (number !== request.setCur) return 'stall';
    if (which === extensionControls.i2cWrite) this.board.writePackets(data);
    else if (which === extensionControls.flags) this.board.setFlags(data[0] ?? 0);
    else return 'stall';
    return empty;
  }
}
