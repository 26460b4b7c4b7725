// SPDX-License-Identifier: MIT
import { concat, u16, u32 } from './bytes.ts';

/** USB speeds at which the board shows itself; a scope works at `super` only. */
export type UsbSpeed = 'super' | 'high';

/** Sizes of the frames the board offers, in the order of their UVC frame index from 1 (acquisition.md 1.3). */
export const frameSizes = [
  { width: 608, height: 608 },
  { width: 2592, height: 1944 },
  { width: 1296, height: 972 },
  { width: 752, height: 480 },
  { width: 1024, height: 768 },
  { width: 800, height: 800 },
  { width: 1000, height: 1000 },
  { width: 1500, height: 1500 },
  { width: 1800, height: 1800 },
] as const;

/** The one frame a board on a USB 2 port claims to have; nothing useful comes out of it. */
const highSpeedSize = { width: 640, height: 480 } as const;

/** YUY2 as a GUID, little-endian fields first. */
const yuy2 = Uint8Array.of(0x59, 0x55, 0x59, 0x32, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71);

/** 100 ns units of one frame at the nominal 30 frames/s: the true rate is the sensor's. */
const nominalInterval = 333_333;
const highSpeedInterval = 666_666;

export const vendorId = 0x04b4;
/** Product ids by speed. */
export const productIds: Readonly<Record<UsbSpeed, number>> = { super: 0x00f9, high: 0x00f8 };

/** Strings by index; the board has no serial number. */
export const strings: readonly string[] = ['', 'Cypress', 'MINISCOPE'];

/** The device descriptor, 18 bytes. */
export function deviceDescriptor(speed: UsbSpeed): Uint8Array {
  const [usb, packet] = speed === 'super' ? [0x0310, 9] : [0x0210, 64];
  return concat([18, 1], u16(usb), [0xef, 2, 1, packet], u16(vendorId), u16(productIds[speed]), u16(0), [1, 2, 0, 1]);
}

/** The BOS descriptor, 22 bytes: what the board can do with USB 2 and USB 3. */
export function bosDescriptor(): Uint8Array {
  return concat([5, 0x0f], u16(22), [2], [7, 0x10, 2], u32(0x641e), [10, 0x10, 3, 0], u16(0x000e), [3, 0], u16(0));
}

/** The whole configuration: 458 bytes at `super` (acquisition.md 1.2), 206 at `high`. */
export function configurationDescriptor(speed: UsbSpeed): Uint8Array {
  const isSuper = speed === 'super';
  const control = controlInterface(speed);
  const streaming = streamingInterface(speed);
  const [power] = isSuper ? [0x32] : [0xfa];
  const association = [8, 0x0b, 0, 2, 0x0e, 3, 0, 2];
  const total = 9 + association.length + control.length + streaming.length;
  return concat([9, 2], u16(total), [2, 1, 0, 0x80, power ?? 0], association, control, streaming);
}

/** Bytes of a SuperSpeed endpoint companion; an endpoint at high speed has none. */
function companion(speed: UsbSpeed, burst: number, bytesPerInterval: number): Uint8Array {
  return speed === 'super' ? concat([6, 0x30, burst, 0], u16(bytesPerInterval)) : new Uint8Array();
}

function controlInterface(speed: UsbSpeed): Uint8Array {
  const cameraTerminal = concat(
    [18, 0x24, 2, 1],
    u16(0x0201),
    [0, 0],
    u16(0),
    u16(0xffff),
    u16(0xff00),
    [3, 0xa8, 0x2a, 0],
  );
  const processingUnit = concat([13, 0x24, 5, 2, 1], u16(0x4000), [3, 0x3f, 2, 0, 0, 0]);
  const extensionUnit = concat([28, 0x24, 6, 3], new Uint8Array(16).fill(0xff), [0, 1, 2, 3, 0x3f, 2, 0, 0]);
  const outputTerminal = concat([9, 0x24, 3, 4], u16(0x0101), [0, 3, 0]);
  const units = concat(cameraTerminal, processingUnit, extensionUnit, outputTerminal);
  return concat(
    [9, 4, 0, 0, 1, 0x0e, 1, 0, 2],
    [13, 0x24, 1],
    u16(0x0110),
    u16(13 + units.length),
    u32(48_000_000),
    [1, 1],
    units,
    [7, 5, 0x82, 3, 64, 0, speed === 'super' ? 1 : 8],
    companion(speed, 0, 1024),
    [5, 0x25, 3, 64, 0],
  );
}

function streamingInterface(speed: UsbSpeed): Uint8Array {
  const sizes = speed === 'super' ? frameSizes : [highSpeedSize];
  const interval = speed === 'super' ? nominalInterval : highSpeedInterval;
  const format = concat([27, 0x24, 4, 1, sizes.length], yuy2, [16, 1, 1, 1, 0, 0]);
  const frames = sizes.map(({ width, height }, n) =>
    concat(
      [30, 0x24, 5, n + 1, 1],
      u16(width),
      u16(height),
      u32(1),
      u32(0xffff_ffff),
      u32(0xffff_ffff),
      u32(interval),
      [1],
      u32(interval),
    ),
  );
  const described = concat(format, ...frames);
  return concat(
    [9, 4, 1, 0, 1, 0x0e, 2, 0, 0],
    [14, 0x24, 1, 1],
    u16(14 + described.length),
    [0x83, 0, 4, 1, 0, 0, 1, 0],
    described,
    [7, 5, 0x83, 2],
    u16(speed === 'super' ? 1024 : 512),
    [0],
    companion(speed, 15, 0),
  );
}
