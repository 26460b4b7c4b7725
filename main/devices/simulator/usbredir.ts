// SPDX-License-Identifier: MIT
import { createServer, type Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import { request, type Selector } from '../miniscope/uvc.ts';
import { concat, u16, u32 } from './bytes.ts';
import { productIds, vendorId } from './descriptors.ts';
import type { Picture } from './simulated-link.ts';
import type { ControlAnswer, Setup, SimulatedUsbDevice } from './usb-device.ts';

/**
 * The simulated board as a USB device that is carried over a socket, by the protocol usbredir 0.7: Calyx' own USB capture runs on it without a USB port, and QEMU
 * plugs it into a virtual machine whose kernel then sees a real one (`npm run test:usb`).
 */

/** Numbers of the messages. */
const kind = {
  hello: 0,
  connect: 1,
  disconnect: 2,
  interfaceInfo: 4,
  endpointInfo: 5,
  setConfiguration: 6,
  getConfiguration: 7,
  configurationStatus: 8,
  setAlt: 9,
  getAlt: 10,
  altStatus: 11,
  startInterrupt: 15,
  stopInterrupt: 16,
  interruptStatus: 17,
  cancel: 21,
  control: 100,
  bulk: 101,
} as const;
const status = { success: 0, cancelled: 1, stall: 4, timeout: 5 } as const;
/** Version with connect, packet sizes with endpoints, 64-bit ids, 32-bit lengths of bulk packets. */
const capabilities = (1 << 1) | (1 << 4) | (1 << 5) | (1 << 6);
const longIds = 1 << 5;
const longBulk = 1 << 6;
const endpointSlots = 32;
const none = 255;
const superSpeed = 3;
const videoEndpoint = 0x83;

/** Payloads that the board keeps when nobody fetches them (acquisition.md 1.5). */
const ownBuffers = 8;

/** How a board is served. */
export interface ServedBoard {
  readonly usb: SimulatedUsbDevice;
  readonly picture: Picture;
  readonly clock: Clock;
  /** Payloads kept when nobody fetches them: 8, as on the board. */
  readonly buffers?: number;
  /** The sensor waits until a frame was fetched: for a reader in an emulated computer, which is slow. */
  readonly isPatient?: boolean;
  /** Told of each control that is written. */
  readonly onControl?: (selector: Selector, value: number) => void;
}

/** A board that is being served. */
export interface BoardServer {
  /** Payloads that were lost because nobody fetched them. */
  readonly lostPayloads: () => number;
  /** Pulls the plug, or puts it in again. */
  readonly plug: (isIn: boolean) => void;
  readonly close: () => Promise<void>;
}

/** Serves a board at a socket's path. One reader at a time holds it; the next one finds it as it was left. */
export async function serveUsbredir(address: string, board: ServedBoard): Promise<BoardServer> {
  let line: RedirLine | undefined;
  let lost = 0;
  let isIn = true;
  const server = createServer((socket) => {
    line?.end();
    line = new RedirLine(socket, board, {
      isPlugged: () => isIn,
      onLost: () => {
        lost += 1;
      },
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, resolve);
  });
  return {
    lostPayloads: () => lost,
    plug: (next) => {
      if (isIn === next) return;
      isIn = next;
      line?.plug(next);
    },
    close: () =>
      new Promise((resolve) => {
        line?.end();
        server.close(() => resolve());
      }),
  };
}

interface Events {
  readonly isPlugged: () => boolean;
  readonly onLost: () => void;
}

/** One reader. */
class RedirLine {
  readonly #socket: Socket;
  readonly #board: ServedBoard;
  readonly #events: Events;
  /** Requests for a payload, oldest first. */
  #wanted: bigint[] = [];
  #kept: Uint8Array[] = [];
  #theirs = 0;
  #isReady = false;
  #onFetched: () => void = () => undefined;
  #alternate = 0;
  #streaming: AbortController | undefined;
  #pending: Buffer = Buffer.alloc(0);

  constructor(socket: Socket, board: ServedBoard, events: Events) {
    this.#socket = socket;
    this.#board = board;
    this.#events = events;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#stopStream());
    this.#send(kind.hello, 0n, concat(version('Calyx simulated board'), u32(capabilities)));
  }

  end(): void {
    this.#stopStream();
    this.#socket.destroy();
  }

  plug(isIn: boolean): void {
    if (!this.#isReady) return;
    if (isIn) this.#present();
    else {
      this.#stopStream();
      this.#wanted = [];
      this.#send(kind.disconnect, 0n, []);
    }
  }

  #send(type: number, id: bigint, ...parts: readonly ArrayLike<number>[]): void {
    const body = concat(...parts);
    // The hello's id is short always; the others are as long as both sides offer.
    const isLong = type !== kind.hello && (this.#theirs & longIds) !== 0;
    const head = Buffer.alloc(isLong ? 16 : 12);
    head.writeUInt32LE(type, 0);
    head.writeUInt32LE(body.length, 4);
    if (isLong) head.writeBigUInt64LE(id, 8);
    else head.writeUInt32LE(Number(id & 0xffff_ffffn), 8);
    this.#socket.cork();
    this.#socket.write(head);
    this.#socket.write(body);
    this.#socket.uncork();
  }

  #take(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    for (;;) {
      const isLong = this.#isReady && (this.#theirs & longIds) !== 0;
      const head = isLong ? 16 : 12;
      if (this.#pending.length < head) return;
      const length = this.#pending.readUInt32LE(4);
      if (this.#pending.length < head + length) return;
      const type = this.#pending.readUInt32LE(0);
      const id = isLong ? this.#pending.readBigUInt64LE(8) : BigInt(this.#pending.readUInt32LE(8));
      const body = this.#pending.subarray(head, head + length);
      this.#pending = this.#pending.subarray(head + length);
      this.#handle(type, id, body);
    }
  }

  #handle(type: number, id: bigint, body: Buffer): void {
    switch (type) {
      case kind.hello:
        this.#theirs = body.length >= 68 ? body.readUInt32LE(64) & capabilities : 0;
        this.#isReady = true;
        if (this.#events.isPlugged()) this.#present();
        break;
      case kind.setConfiguration:
      case kind.getConfiguration:
        this.#send(kind.configurationStatus, id, [status.success, 1]);
        break;
      case kind.setAlt:
        this.#alternate = body[1] ?? 0;
        // SET_INTERFACE: how a stream that somebody left running is ended.
        if (body[0] === 1)
          this.#control({ requestType: 0x01, request: 0x0b, value: this.#alternate, index: 1, length: 0 });
        this.#send(kind.altStatus, id, [status.success, body[0] ?? 0, this.#alternate]);
        break;
      case kind.getAlt:
        this.#send(kind.altStatus, id, [status.success, body[0] ?? 0, this.#alternate]);
        break;
      case kind.startInterrupt:
      case kind.stopInterrupt:
        this.#send(kind.interruptStatus, id, [status.success, body[0] ?? 0]);
        break;
      case kind.cancel:
        if (this.#wanted.includes(id)) {
          this.#wanted = this.#wanted.filter((wanted) => wanted !== id);
          this.#answerBulk(id, status.cancelled, new Uint8Array());
        }
        break;
      case kind.control:
        this.#answerControl(id, body);
        break;
      case kind.bulk:
        this.#wanted.push(id);
        this.#serve();
        break;
      default:
        break;
    }
  }

  /** What the board is: its interfaces and endpoints, then that it is there. */
  #present(): void {
    const perInterface = (...values: readonly number[]): Uint8Array => {
      const all = new Uint8Array(endpointSlots);
      all.set(values);
      return all;
    };
    this.#send(
      kind.interfaceInfo,
      0n,
      u32(2),
      perInterface(0, 1),
      perInterface(0x0e, 0x0e),
      perInterface(1, 2),
      perInterface(0, 0),
    );
    const types = new Uint8Array(endpointSlots).fill(none);
    const intervals = new Uint8Array(endpointSlots);
    const interfaces = new Uint8Array(endpointSlots);
    const packets = new Uint16Array(endpointSlots);
    // Endpoints in: from slot 16 on. 0x82 interrupts, 0x83 sends video.
    for (const [slot, type, interval, of, packet] of [
      [0, 0, 0, 0, 64],
      [16, 0, 0, 0, 64],
      [18, 3, 1, 0, 64],
      [19, 2, 0, 1, 1024],
    ] as const) {
      types[slot] = type;
      intervals[slot] = interval;
      interfaces[slot] = of;
      packets[slot] = packet;
    }
    this.#send(kind.endpointInfo, 0n, types, intervals, interfaces, new Uint8Array(packets.buffer));
    this.#send(
      kind.connect,
      0n,
      [superSpeed, 0xef, 2, 1],
      u16(vendorId),
      u16(productIds[this.#board.usb.speed]),
      u16(0),
    );
  }

  #answerControl(id: bigint, body: Buffer): void {
    const [endpoint = 0, number = 0, requestType = 0] = body;
    const [value, index, length] = [body.readUInt16LE(4), body.readUInt16LE(6), body.readUInt16LE(8)];
    const setup: Setup = { requestType, request: number, value, index, length };
    const answer = this.#control(setup, body.subarray(10));
    const how = answer === undefined ? status.timeout : answer === 'stall' ? status.stall : status.success;
    const bytes = answer instanceof Uint8Array && (requestType & 0x80) !== 0 ? answer : new Uint8Array();
    const carried = (requestType & 0x80) === 0 ? length : bytes.length;
    this.#send(kind.control, id, [endpoint, number, requestType, how], u16(value), u16(index), u16(carried), bytes);
  }

  #control(setup: Setup, data?: Uint8Array): ControlAnswer | undefined {
    const { usb, onControl } = this.#board;
    const wasStreaming = usb.board.streaming;
    const answer = usb.control(setup, data);
    const isProcessing = setup.request === request.setCur && setup.index === 0x0200 && setup.requestType === 0x21;
    if (isProcessing && data !== undefined)
      onControl?.((setup.value >> 8) as Selector, (data[0] ?? 0) | ((data[1] ?? 0) << 8));
    if (usb.board.streaming && !wasStreaming) this.#startStream();
    else if (!usb.board.streaming && wasStreaming) this.#stopStream();
    return answer;
  }

  #startStream(): void {
    this.#streaming?.abort();
    this.#kept = [];
    const streaming = new AbortController();
    this.#streaming = streaming;
    void this.#stream(streaming.signal);
  }

  #stopStream(): void {
    this.#streaming?.abort();
    this.#streaming = undefined;
    this.#kept = [];
    this.#onFetched();
  }

  /** Frames at the sensor's rate, whether anybody fetches them or not. */
  async #stream(signal: AbortSignal): Promise<void> {
    const { usb, picture, clock, buffers = ownBuffers } = this.#board;
    const { board } = usb;
    const { width, height } = board.size;
    const light = new Uint8Array(width * height);
    let due = clock.nowNs();
    for (let frame = 0; !signal.aborted; frame += 1) {
      due += BigInt(Math.round(board.framePeriodS * 1e9));
      // After a moment in which this process was busy it does not catch up: a person would see no difference.
      if (due < clock.nowNs()) due = clock.nowNs();
      if (this.#board.isPatient === true) await this.#fetched();
      try {
        await clock.sleep(Math.max(0, Number(due - clock.nowNs()) / 1e6), signal);
      } catch {
        return;
      }
      picture(frame, board.scope.state, light);
      for (const payload of board.frame(light, Number(clock.nowNs() / 1_000_000n))) {
        const isFull = this.#kept.length >= buffers && this.#wanted.length === 0;
        if (isFull && this.#board.isPatient !== true) this.#events.onLost();
        else this.#kept.push(payload);
        this.#serve();
      }
    }
  }

  /** Resolves when nothing is kept any more. */
  async #fetched(): Promise<void> {
    if (this.#kept.length > 0) {
      await new Promise<void>((resolve) => {
        this.#onFetched = resolve;
      });
    }
  }

  #serve(): void {
    while (this.#kept.length > 0) {
      const id = this.#wanted.shift();
      if (id === undefined) return;
      this.#answerBulk(id, status.success, this.#kept.shift() ?? new Uint8Array());
    }
    this.#onFetched();
  }

  #answerBulk(id: bigint, how: number, bytes: Uint8Array): void {
    const isLong = (this.#theirs & longBulk) !== 0;
    this.#send(
      kind.bulk,
      id,
      [videoEndpoint, how],
      u16(bytes.length & 0xffff),
      u32(0),
      isLong ? u16(bytes.length >>> 16) : [],
      bytes,
    );
  }
}

function version(name: string): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set(new TextEncoder().encode(name));
  return bytes;
}
