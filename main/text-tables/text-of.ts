// SPDX-License-Identifier: MIT

/** The text of a file, without its byte-order mark: UTF-8, or UTF-16 where the mark says so. */
export function textOf(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}
