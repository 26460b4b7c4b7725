// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { readCatalogue, scopeType, fixedPacket } from '../../../main/devices/catalogue/index.ts';
import { FrameAssembler, type RawFrame } from '../../../main/devices/miniscope/frame-assembler.ts';
import { packWords, type I2cPacket } from '../../../main/devices/miniscope/i2c-packet.ts';
import { frameMetadata } from '../../../main/devices/miniscope/open-ephys.ts';
import { request, selector } from '../../../main/devices/miniscope/uvc.ts';
import { SimulatedBoard, type Firmware } from '../../../main/devices/simulator/board.ts';
import { ScopeModel } from '../../../main/devices/simulator/scope-model.ts';
import { SimulatedUsbDevice, type Setup } from '../../../main/devices/simulator/usb-device.ts';

const type = scopeType(readCatalogue(), 'Miniscope_V4_BNO');
const ramp = Uint8Array.from({ length: 608 * 608 }, (_, p) => (p * 7 + (p >> 8)) & 0xff);

interface Bench {
  readonly board: SimulatedBoard;
  readonly usb: SimulatedUsbDevice;
  readonly frames: RawFrame[];
  readonly assembler: FrameAssembler;
  readonly send: (packet: I2cPacket) => void;
  readonly frame: () => Uint8Array[];
}

function bench(firmware: Firmware = 'stock', setUp = true): Bench {
  const board = new SimulatedBoard(new ScopeModel(type), firmware);
  const usb = new SimulatedUsbDevice(board);
  const frames: RawFrame[] = [];
  const assembler = new FrameAssembler({ width: 608, height: 608 }, (frame) => frames.push(frame));
  let now = 0n;
  const frame = (): Uint8Array[] => {
    const payloads = board.frame(ramp, Number(now / 1_000_000n));
    for (const payload of payloads) assembler.take(payload, (now += 493_000n));
    return payloads;
  };
  const send = (packet: I2cPacket): void => {
    const [contrast, gamma, sharpness] = packWords(packet);
    for (const [which, value] of [
      [selector.contrast, contrast],
      [selector.gamma, gamma],
      [selector.sharpness, sharpness],
    ] as const) {
      usb.control(
        { requestType: 0x21, request: request.setCur, value: which << 8, index: 0x0200, length: 2 },
        Uint8Array.of(value & 0xff, value >> 8),
      );
    }
  };
  commit(usb, 1);
  if (setUp) {
    send([0xc0, 0x1f, 0x10]);
    send([0xb0, 0x05, 0x20]);
    for (const command of type.initialise) send(fixedPacket(command));
    frame();
    frames.length = 0;
  }
  return { board, usb, frames, assembler, send, frame };
}

function commit(usb: SimulatedUsbDevice, index: number): void {
  const data = new Uint8Array(34);
  data[3] = index;
  usb.control({ requestType: 0x21, request: request.setCur, value: 0x0200, index: 1, length: 34 }, data);
}

function read(usb: SimulatedUsbDevice, which: number): number {
  const setup: Setup = { requestType: 0xa1, request: request.getCur, value: which << 8, index: 0x0200, length: 2 };
  const answer = usb.control(setup);
  if (!(answer instanceof Uint8Array)) throw new Error('no answer');
  return Buffer.from(answer).readUInt16LE(0);
}

describe('a frame of the simulated board', () => {
  it('comes in 46 payloads whose last is short and says so, pixels in the even bytes', () => {
    const { frame, frames } = bench();
    const payloads = frame();
    expect(payloads.map((payload) => payload.length)).toEqual([...Array(45).fill(16_380), 12 + 2768]);
    expect(payloads.map((payload) => payload[1]! & 2)).toEqual([...Array(45).fill(0), 2]);
    expect([...payloads[0]!.subarray(0, 12)].slice(0, 2)).toEqual([12, 0x8c | 1]);
    expect(payloads[0]!.subarray(12, 16)).toEqual(Uint8Array.of(ramp[0]!, 0x80, ramp[1]!, 0x80));
    expect(Buffer.compare(frames[0]!.pixels, ramp)).toBe(0);
    expect(frames[0]!.lastNs - frames[0]!.firstNs).toBe(45n * 493_000n);
    // The next one flips the bit that tells frames apart.
    expect(frame()[0]![1]).toBe(0x8c);
  });

  it('is black until the link is in the mode of the scope', () => {
    const { frame, frames, send } = bench('stock', false);
    frame();
    send([0xc0, 0x1f, 0x11]);
    send([0xb0, 0x05, 0x21]);
    frame();
    frame();
    send([0xc0, 0x1f, 0x10]);
    send([0xb0, 0x05, 0x20]);
    frame();
    frame();
    expect(frames.map(({ pixels }) => pixels.some((value) => value > 0))).toEqual([false, false, false, false, true]);
  });

  it('that loses a payload, or its end, is counted and never filled up', () => {
    const { board, frame, frames, assembler } = bench();
    board.disturb({ kind: 'lost-payload' });
    frame();
    board.disturb({ kind: 'missing-eof' });
    frame();
    frame();
    expect(assembler.counts).toEqual({ short: 1, unended: 1, badHeaders: 0 });
    expect(frames).toHaveLength(1);
    expect(Buffer.compare(frames[0]!.pixels, ramp)).toBe(0);
  });

  it('does not come from a frozen link, whose control channel still answers', () => {
    const { board, usb, frame } = bench();
    board.disturb({ kind: 'freeze' });
    const before = read(usb, selector.contrast);
    expect(frame()).toEqual([]);
    expect(read(usb, selector.contrast)).toBe(before);
    board.disturb({ kind: 'thaw' });
    expect(frame()).toHaveLength(46);
  });
});

describe('commands to the simulated board', () => {
  it('are executed at the end of a frame only', () => {
    const { board, send, frame } = bench();
    send([0x20, 0x01, 0xe5]);
    send([0x58, 0x00, 0x72, 0xe5]);
    expect(board.scope.register(0x20, 1)).toBeUndefined();
    expect(board.scope.state.values['led0']).toBe(0);
    frame();
    expect(board.scope.register(0x20, 1)).toEqual([0xe5]);
    expect(board.scope.state.values['led0']).toBeCloseTo(10.2, 1);
  });

  it('set what the catalogue says they set', () => {
    const { board, send, frame } = bench();
    expect(board.scope.state.values).toEqual({ gain: 2, frameRate: 30, led0: 0, ewl: 0 });
    for (const packet of [
      [0x20, 0x05, 0x00, 0xc9, 0x27, 0x10],
      [0x20, 0x05, 0x00, 0xcc, 0x00, 0x24],
      [0xee, 0x08, 0x00, 0x02],
    ])
      send(packet);
    frame();
    expect(board.scope.state.values).toEqual({ gain: 3.5, frameRate: 10, led0: 0, ewl: -127 });
    expect(board.framePeriodS).toBe(0.1);
  });

  it('do not reach chips the deserialiser was not told of', () => {
    const { board, send, frame } = bench('stock', false);
    send([0xc0, 0x1f, 0x10]);
    send([0xb0, 0x05, 0x20]);
    send([0x20, 0x01, 0x00]);
    frame();
    frame();
    expect(board.scope.register(0x20, 1)).toBeUndefined();
  });

  it('of which half was sent give way to the next', () => {
    const { board, usb, send, frame } = bench();
    usb.control(
      { requestType: 0x21, request: request.setCur, value: selector.contrast << 8, index: 0x0200, length: 2 },
      Uint8Array.of(0x20, 0x03),
    );
    send([0x20, 0x06, 0x01]);
    frame();
    expect(board.scope.register(0x20, 6)).toEqual([1]);
  });

  it('fill a ring of 64 that a stopped stream never empties', () => {
    const { board, send, frame } = bench();
    for (let n = 0; n < 63; n += 1) send([0x20, n, n]);
    frame();
    expect(board.scope.register(0x20, 62)).toEqual([62]);
    // The 64th makes the ring look empty.
    for (let n = 0; n < 64; n += 1) send([0x20, n, 0x77]);
    frame();
    expect(board.scope.register(0x20, 62)).toEqual([62]);
  });

  it('are lost with the settings when the scope loses power', () => {
    const { board, send, frame, frames } = bench();
    send([0x20, 0x05, 0x00, 0xc9, 0x27, 0x10]);
    frame();
    board.disturb({ kind: 'link-reset' });
    frame();
    expect(board.scope.state.values).toMatchObject({ frameRate: 30, led0: 0 });
    expect(frames.at(-1)!.pixels.every((value) => value === 0)).toBe(true);
  });
});

describe('what the simulated board tells', () => {
  it('is its counter, 16 bits of it, and where it wraps', () => {
    const { board, usb, frame } = bench();
    board.setCounter(65_535);
    frame();
    expect(read(usb, selector.contrast)).toBe(0);
    expect(board.counter).toBe(65_536);
  });

  it('is the head’s orientation once the sensor fuses and the board polls it', () => {
    const { board, usb, frame } = bench();
    board.turnHead([0x2d41, 0, 0xd2bf, 0]);
    frame();
    expect(
      [selector.saturation, selector.hue, selector.gain, selector.brightness].map((which) => read(usb, which)),
    ).toEqual([0x2d41, 0, 0xd2bf, 0]);
    board.disturb({ kind: 'bad-orientation', frames: 1 });
    frame();
    expect(read(usb, selector.saturation)).toBe(0x7fff);
    frame();
    expect(read(usb, selector.saturation)).toBe(0x2d41);
  });

  it('is the trigger’s level, and its version once when asked, which ends recording', () => {
    const { board, usb, frame } = bench();
    board.setTrigger(true);
    expect(read(usb, selector.gamma)).toBe(1);
    const saturation = (value: number): unknown =>
      usb.control(
        { requestType: 0x21, request: request.setCur, value: selector.saturation << 8, index: 0x0200, length: 2 },
        Uint8Array.of(value, 0),
      );
    saturation(1);
    frame();
    frame();
    expect(board.syncEdges).toBe(2);
    saturation(2);
    expect(read(usb, selector.hue)).toBe(2);
    expect(read(usb, selector.hue)).toBe(0);
    frame();
    expect(board.syncEdges).toBe(2);
  });

  it('is nothing when its answer does not come in time', () => {
    const { usb } = bench();
    usb.failControls(1);
    const setup: Setup = { requestType: 0xa1, request: request.getCur, value: 0x0300, index: 0x0200, length: 2 };
    expect(usb.control(setup)).toBeUndefined();
    expect(usb.control(setup)).toBeInstanceOf(Uint8Array);
  });

  it('is the negotiated stream: frame size, largest frame, payload', () => {
    const { usb } = bench();
    const answer = usb.control({ requestType: 0xa1, request: request.getCur, value: 0x0100, index: 1, length: 34 });
    const bytes = Buffer.from(answer as Uint8Array);
    expect([bytes.length, bytes[3], bytes.readUInt32LE(18), bytes.readUInt32LE(22)]).toEqual([
      34, 1, 10_077_696, 0x4000,
    ]);
    expect(usb.control({ requestType: 0xa1, request: request.getCur, value: 0x0100, index: 2, length: 34 })).toBe(
      'stall',
    );
  });
});

describe('the firmware of Open Ephys', () => {
  it('writes counter, clock, inputs and orientation into the odd bytes', () => {
    const { board, frame, frames } = bench('openEphys');
    board.turnHead([0, 0x4000, 0, 0]);
    board.setTrigger(true);
    frame();
    frame();
    const told = frameMetadata(frames.at(-1)!.oddBytes);
    expect(told).toMatchObject({ frame: board.counter - 1, inputs: [true, false], orientation: { good: true } });
    expect(told?.orientation.quaternion).toEqual({ w: 0, x: 1, y: 0, z: 0 });
    expect(frameMetadata(new Uint8Array(20).fill(0x80))).toBeNull();
    expect(Buffer.compare(frames.at(-1)!.pixels, ramp)).toBe(0);
  });

  it('takes four packets in one request', () => {
    const { board, usb, frame } = bench('openEphys');
    const data = new Uint8Array(25);
    data.set([2, 0x20, 3, 0x01, 0xe5, 0, 0, 0x59, 4, 0, 0x72, 0xe5, 0]);
    data[7] = 0x58;
    usb.control({ requestType: 0x21, request: request.setCur, value: 0x0200, index: 0x0300, length: 25 }, data);
    frame();
    expect(board.scope.register(0x20, 1)).toEqual([0xe5]);
    expect(board.scope.register(0x58, 0)).toEqual([0x72, 0xe5]);
  });
});
