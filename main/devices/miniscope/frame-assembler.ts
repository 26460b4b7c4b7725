// SPDX-License-Identifier: MIT
import { headerFlag, type Selector } from './uvc.ts';

/** A frame as it came over the bulk endpoint. */
export interface RawFrame {
  /** `width × height` bytes, the luma as the sensor gave it. */
  readonly pixels: Uint8Array;
  /** The odd bytes of the frame's first 40: 0x80 each, or what Open Ephys' firmware tells there. */
  readonly oddBytes: Uint8Array;
  /** Monotonic time of the first and the last payload, ns. */
  readonly firstNs: bigint;
  readonly lastNs: bigint;
  /** Controls that were read right after it, while the board still spoke of it; null for one that could not be. Absent where the link does not read them. */
  readonly controls?: ReadonlyMap<Selector, number | null>;
}

/** Payloads that made no frame, by what was wrong with them. */
export interface AssemblyCounts {
  /** Frames whose bytes did not add up: a payload is missing. */
  readonly short: number;
  /** Frames that ended without saying so: the next one began. */
  readonly unended: number;
  /** Payloads without a sound header. */
  readonly badHeaders: number;
}

/**
 * Puts the payloads of the bulk endpoint together to frames (acquisition.md 1.5). Only a frame of exactly the agreed size is one; others are counted and left
 * out, never filled up.
 */
export class FrameAssembler {
  readonly #bytes: Uint8Array;
  readonly #onFrame: (frame: RawFrame) => void;
  #length = 0;
  #fid: number | undefined;
  #firstNs = 0n;
  #counts = { short: 0, unended: 0, badHeaders: 0 };

  constructor(size: { readonly width: number; readonly height: number }, onFrame: (frame: RawFrame) => void) {
    this.#bytes = new Uint8Array(2 * size.width * size.height);
    this.#onFrame = onFrame;
  }

  get counts(): AssemblyCounts {
    return { ...this.#counts };
  }

  /** Takes one payload that arrived at a time. */
  take(payload: Uint8Array, atNs: bigint): void {
    const headerLength = payload[0] ?? 0;
    if (headerLength < 2 || headerLength > payload.length) {
      this.#counts.badHeaders += 1;
      return;
    }
    const flags = payload[1] ?? 0;
    const fid = flags & headerFlag.fid;
    if (this.#fid !== undefined && this.#fid !== fid && this.#length > 0) {
      this.#counts.unended += 1;
      this.#length = 0;
    }
    this.#fid = fid;
    if (this.#length === 0) this.#firstNs = atNs;
    const data = payload.subarray(headerLength);
    // A frame that runs over is counted as wrong at its end.
    if (this.#length + data.length <= this.#bytes.length) this.#bytes.set(data, this.#length);
    this.#length += data.length;
    if ((flags & headerFlag.eof) !== 0) this.#end(atNs);
  }

  #end(atNs: bigint): void {
    if (this.#length === this.#bytes.length) {
      // The low byte of each 16-bit word: all machines this runs on are little-endian.
      const pixels = Uint8Array.from(new Uint16Array(this.#bytes.buffer));
      const oddBytes = Uint8Array.from({ length: 20 }, (_, n) => this.#bytes[2 * n + 1] ?? 0);
      this.#onFrame({ pixels, oddBytes, firstNs: this.#firstNs, lastNs: atNs });
    } else {
      this.#counts.short += 1;
    }
    this.#length = 0;
  }
}
