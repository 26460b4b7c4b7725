// SPDX-License-Identifier: MIT

const endOfHeader = Buffer.from('\r\n\r\n');
/** A part's header is short; what is longer is no such stream. */
const longestHeader = 4096;

/** Cuts the output of ffmpeg's `mpjpeg` into pictures: a boundary, headers with `Content-length`, the bytes of a JPEG file. */
export class JpegStream {
  readonly #onPicture: (jpeg: Uint8Array) => void;
  #waiting: Buffer[] = [];
  #length = 0;
  /** Bytes of the picture whose header was read; null before one. */
  #wanted: number | null = null;

  constructor(onPicture: (jpeg: Uint8Array) => void) {
    this.#onPicture = onPicture;
  }

  /** Takes what came. @throws Error for bytes that are no such stream */
  take(chunk: Buffer): void {
    this.#waiting.push(chunk);
    this.#length += chunk.length;
    while (this.#step());
  }

  #step(): boolean {
    if (this.#wanted === null) {
      const all = this.#all();
      const end = all.indexOf(endOfHeader);
      if (end === -1) {
        if (all.length > longestHeader) throw new Error('the camera sends no pictures that can be told apart');
        return false;
      }
      const [, length] = /content-length:\s*(\d+)/i.exec(all.toString('latin1', 0, end)) ?? [];
      if (length === undefined) throw new Error('the camera sends a picture without its length');
      this.#wanted = Number(length);
      this.#keep(all.subarray(end + endOfHeader.length));
      return true;
    }
    if (this.#length < this.#wanted) return false;
    const all = this.#all();
    const wanted = this.#wanted;
    this.#wanted = null;
    this.#keep(all.subarray(wanted));
    // Copied: the rest of the chunk must not be kept alive by it, nor change under it.
    this.#onPicture(Uint8Array.from(all.subarray(0, wanted)));
    return true;
  }

  #all(): Buffer {
    const [only] = this.#waiting;
    const all = this.#waiting.length === 1 && only !== undefined ? only : Buffer.concat(this.#waiting);
    this.#waiting = [all];
    return all;
  }

  #keep(rest: Buffer): void {
    this.#waiting = [rest];
    this.#length = rest.length;
  }
}

/** Width and height of a JPEG picture; null when no frame header is found. */
export function jpegSize(jpeg: Uint8Array): { readonly width: number; readonly height: number } | null {
  const view = new DataView(jpeg.buffer, jpeg.byteOffset, jpeg.byteLength);
  for (let at = 2; at + 9 < jpeg.length;) {
    if (jpeg[at] !== 0xff) return null;
    const marker = jpeg[at + 1] ?? 0;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    at += 2 + view.getUint16(at + 2);
  }
  return null;
}
