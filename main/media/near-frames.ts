// SPDX-License-Identifier: MIT
/**
 * Frames of a film in small, spread evenly over it: what is shown while somebody drags through a film whose frames take long to decode. They are filled in the
 * background, the coarse ones first come from whatever was read anyway.
 */

/** A picture as it is kept: every second pixel of every second line, by the mean of four. */
interface Small {
  readonly bytes: Uint8Array;
  readonly unreadable: boolean;
}

/** From this distance on a decoder is begun anew for each kept frame, so that their order costs nothing. */
const farApart = 13;
/** So many frames, spread over the film, come first. */
const firstPlaces = 64;

/** Numbers of the frames to keep: one after another, or a few over all of the film first. */
export function* placesInOrder(frames: number, stride: number): Generator<number> {
  const places = Math.ceil(frames / stride);
  const coarse = stride < farApart ? 1 : Math.max(1, Math.ceil(places / firstPlaces));
  if (coarse > 1) for (let place = 0; place < places; place += coarse) yield place * stride;
  for (let place = 0; place < places; place += 1) if (coarse === 1 || place % coarse !== 0) yield place * stride;
}

/** Bytes of small frames that are kept of one film and layer. */
const keptBytes = 64 << 20;

/** Half the size in each direction; the last row and column of an odd frame are left out. */
export function halved(bytes: Uint8Array, height: number, width: number): Uint8Array {
  const [rows, columns] = [height >> 1, width >> 1];
  const small = new Uint8Array(rows * columns);
  for (let y = 0; y < rows; y += 1) {
    const upper = 2 * y * width;
    const lower = upper + width;
    for (let x = 0; x < columns; x += 1) {
      const i = 2 * x;
      const sum =
        (bytes[upper + i] ?? 0) + (bytes[upper + i + 1] ?? 0) + (bytes[lower + i] ?? 0) + (bytes[lower + i + 1] ?? 0);
      small[y * columns + x] = (sum + 2) >> 2;
    }
  }
  return small;
}

/** The full size again, each pixel four times. */
export function doubled(small: Uint8Array, height: number, width: number): Uint8Array {
  const columns = width >> 1;
  const rows = height >> 1;
  const bytes = new Uint8Array(height * width);
  for (let y = 0; y < height; y += 1) {
    const from = Math.min(y >> 1, rows - 1) * columns;
    const to = y * width;
    for (let x = 0; x < width; x += 1) bytes[to + x] = small[from + Math.min(x >> 1, columns - 1)] ?? 0;
  }
  return bytes;
}

/** The small frames of one film as one layer. */
export class NearFrames {
  readonly height: number;
  readonly width: number;
  /** Every so many frames one is kept. */
  readonly stride: number;
  readonly #frames: number;
  readonly #kept = new Map<number, Small>();

  constructor(frames: number, height: number, width: number, mostBytes = keptBytes) {
    this.#frames = frames;
    this.height = height;
    this.width = width;
    const room = Math.max(1, Math.floor(mostBytes / Math.max(1, (height >> 1) * (width >> 1))));
    this.stride = Math.max(1, Math.ceil(frames / room));
  }

  /** Frames that are to be kept. */
  get places(): number {
    return Math.ceil(this.#frames / this.stride);
  }

  get isWhole(): boolean {
    return this.#kept.size >= this.places;
  }

  has(frame: number): boolean {
    return this.#kept.has(frame);
  }

  /** Keeps a frame, where it is one of those that are kept. */
  put(frame: number, bytes: Uint8Array, unreadable: boolean): void {
    if (frame % this.stride !== 0 || this.#kept.has(frame) || this.height < 2 || this.width < 2) return;
    this.#kept.set(frame, { bytes: halved(bytes, this.height, this.width), unreadable });
  }

  /** A kept frame near this one; undefined where none is filled yet within a fiftieth of the film. */
  near(
    frame: number,
  ): { readonly frame: number; readonly bytes: Uint8Array; readonly unreadable: boolean } | undefined {
    const at = Math.round(frame / this.stride);
    const reach = Math.ceil(this.places / 50);
    for (let off = 0; off <= reach; off += 1) {
      for (const place of off === 0 ? [at] : [at - off, at + off]) {
        const small = this.#kept.get(place * this.stride);
        if (small === undefined) continue;
        const bytes = doubled(small.bytes, this.height, this.width);
        return { frame: place * this.stride, bytes, unreadable: small.unreadable };
      }
    }
    return undefined;
  }
}
