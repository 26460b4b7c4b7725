// SPDX-License-Identifier: MIT
/** Numbers of the UVC requests that reach the board (acquisition.md 1.4, 2.1). */

/** Control selectors of the processing unit and what the firmware made of them. */
export const selector = {
  /** Reads the quaternion's z. */
  brightness: 0x02,
  /** Writes word 0 of a command; reads the frame counter. */
  contrast: 0x03,
  /** Reads the quaternion's y. */
  gain: 0x04,
  /** Reads the quaternion's x, or once the version that was asked for. */
  hue: 0x06,
  /** Writes the recording flag; reads the quaternion's w. */
  saturation: 0x07,
  /** Writes word 2 of a command. */
  sharpness: 0x08,
  /** Writes word 1 of a command; reads the trigger input. */
  gamma: 0x09,
} as const;

/** A control of the processing unit. */
export type Selector = (typeof selector)[keyof typeof selector];

/** Class requests. */
export const request = {
  setCur: 0x01,
  getCur: 0x81,
  getMin: 0x82,
  getMax: 0x83,
  getRes: 0x84,
  getLen: 0x85,
  getInfo: 0x86,
  getDef: 0x87,
} as const;

/** Units of the control interface. */
export const unit = { cameraTerminal: 1, processing: 2, extension: 3 } as const;

/** Data bytes of a full payload: a 16 KiB buffer of the board less its own 16. */
export const payloadData = 16_368;
/** Bytes before the data of each payload. */
export const payloadHeader = 12;
/** Bits of the second byte of a payload's header. */
export const headerFlag = { fid: 0x01, eof: 0x02, usual: 0x8c } as const;
