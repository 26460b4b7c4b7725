// SPDX-License-Identifier: MIT

/** A RIFF chunk: name, little-endian size, content, padded to an even length. */
function chunk(name: string, content: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.write(name, 'latin1');
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, content, Buffer.alloc(content.length % 2)]);
}

const list = (kind: string, ...parts: readonly Buffer[]): Buffer =>
  chunk('LIST', Buffer.concat([Buffer.from(kind, 'latin1'), ...parts]));

const words32 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value >>> 0, index * 4);
  return bytes;
};

/**
 * An AVI of raw 8-bit grey frames (`GREY`, rows top-down, as a Miniscope DAQ writes it at 60 frames/s). `pixel` gives the grey level at a
 * frame, row and column; width must be a multiple of 4.
 */
export function greyAvi(
  frames: number,
  height: number,
  width: number,
  pixel: (frame: number, y: number, x: number) => number = (frame, y, x) => (frame + y + x) % 256,
): Buffer {
  const size = height * width;
  const mainHeader = chunk('avih', words32(16_667, 0, 0, 0x10, frames, 0, 1, size, width, height, 0, 0, 0, 0));
  const streamHeader = chunk(
    'strh',
    Buffer.concat([
      Buffer.from('vidsGREY', 'latin1'),
      words32(0, 0, 0, 1, 60, 0, frames, size, 0xffff_ffff, size, 0, (height << 16) | width),
    ]),
  );
  const format = words32(40, width, height, 0, 0, size, 0, 0, 0, 0);
  format.writeUInt16LE(1, 12);
  format.writeUInt16LE(8, 14);
  format.write('GREY', 16, 'latin1');
  const header = list('hdrl', mainHeader, list('strl', streamHeader, chunk('strf', format)));
  const images: Buffer[] = [];
  const index: Buffer[] = [];
  for (let frame = 0; frame < frames; frame += 1) {
    const image = Buffer.alloc(size);
    for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) image[y * width + x] = pixel(frame, y, x);
    images.push(chunk('00dc', image));
    index.push(Buffer.concat([Buffer.from('00dc', 'latin1'), words32(0x10, 4 + frame * (size + 8), size)]));
  }
  return chunk(
    'RIFF',
    Buffer.concat([
      Buffer.from('AVI ', 'latin1'),
      header,
      list('movi', ...images),
      chunk('idx1', Buffer.concat(index)),
    ]),
  );
}
