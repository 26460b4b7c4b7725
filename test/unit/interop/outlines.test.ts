// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { agreementOf } from '../../../main/interop/results/outlines/agreement.ts';
import { readOutlines } from '../../../main/interop/results/outlines/read-outlines.ts';
import { parseRoi, pixelsOf, RoiError, type Outline } from '../../../main/interop/results/outlines/roi.ts';
import { readerOf } from '../../../main/interop/results/readers/index.ts';
import { temporaryFolder } from '../../support/session-folders.ts';
import { sharedFolder, sharedMissing } from '../../support/shared.ts';

/** Written by roifile: corners with fractions, a box from (3, 2) to (7, 4), an oval of 10 × 4 at (10, 10), points. */
const written = {
  fine: 'SW91dADlBwAABgAeAAkAIwAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAqAAAAAAAAAAAAAAAcAAAAAQABAAAAAAAAAACAAJB8gAAQgoAAEIKAABB8gAAQLAAAECwAABBBAAAQQQAAAAAAAAAAAAAAAAAAAAAAAAAAACwAAAAJAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAANgBkADAAMgBlAGUAMgAyAC0AZQBhAGEAMQAtADEAMQBmADEALQA4ADEAYQBmAC0AMAAyAGYAYwAwADAAMAAwADAAMAAwADE=',
  box: 'SW91dADjAQAAAgADAAQABwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAACAAAAAAwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAYgBvAHg=',
  oval: 'SW91dADjAgAACgAKAA4AFAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAACAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAbw==',
  point:
    'SW91dADlCgAAAQABAAUABgADAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAKAAAAAAAAAAAAAAATAAAAAQABAAAAAAAAwAAAAAAAAAAAAAAAAAAAAAAAACMAAAAJAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAANgBkADAAMgBmAGIAMQAwAC0AZQBhAGEAMQAtADEAMQBmADEALQA4ADEAYQBmAC0AMAAyAGYAYwAwADAAMAAwADAAMAAwADE=',
} as const;
const field = { height: 30, width: 40 };
const outlineOf = (bytes: Buffer): Outline => {
  const read = parseRoi(bytes, 'x');
  if (!('loops' in read)) throw new Error(`it is a ${read.kind}`);
  return read;
};
const of = (name: keyof typeof written): Buffer => Buffer.from(written[name], 'base64');
const at = (pixels: Uint32Array): string[] =>
  Array.from(pixels, (pixel) => `${pixel % field.width},${Math.floor(pixel / field.width)}`);

/** A polygon or traced ROI with whole corners; a composite one of floats. */
function roi(type: number, corners: readonly (readonly [number, number])[], composite: readonly number[] = []): Buffer {
  const xs = corners.map(([x]) => x);
  const ys = corners.map(([, y]) => y);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const bytes = Buffer.alloc(64 + 4 * corners.length + 4 * composite.length);
  bytes.write('Iout', 'latin1');
  bytes.writeInt16BE(227, 4);
  bytes.writeUInt8(type, 6);
  bytes.writeInt16BE(top, 8);
  bytes.writeInt16BE(left, 10);
  bytes.writeInt16BE(Math.max(...ys), 12);
  bytes.writeInt16BE(Math.max(...xs), 14);
  if (composite.length > 0) {
    bytes.writeInt32BE(composite.length, 36);
    for (const [i, value] of composite.entries()) bytes.writeFloatBE(value, 64 + 4 * i);
    return bytes;
  }
  bytes.writeUInt16BE(corners.length, 16);
  for (const [i, [x, y]] of corners.entries()) {
    bytes.writeInt16BE(x - left, 64 + 2 * i);
    bytes.writeInt16BE(y - top, 64 + 2 * (corners.length + i));
  }
  return bytes;
}

const square = (x: number, y: number, size: number): readonly (readonly [number, number])[] => [
  [x, y],
  [x + size, y],
  [x + size, y + size],
  [x, y + size],
];

describe('outlines of ImageJ', () => {
  it('fill the pixels whose centre they hold, in a frame wider than high', () => {
    expect(at(pixelsOf(outlineOf(of('box')), field).pixels)).toEqual([
      '3,2',
      '4,2',
      '5,2',
      '6,2',
      '3,3',
      '4,3',
      '5,3',
      '6,3',
    ]);
    // Corners at 30.25, 5.5 and 34.5, 8.25: the centre of row 5 lies on the upper edge, that of column 34 on the right one.
    const fine = at(pixelsOf(outlineOf(of('fine')), field).pixels);
    expect(fine).toEqual([
      '30,5',
      '31,5',
      '32,5',
      '33,5',
      '30,6',
      '31,6',
      '32,6',
      '33,6',
      '30,7',
      '31,7',
      '32,7',
      '33,7',
    ]);
    const oval = pixelsOf(outlineOf(of('oval')), field).pixels;
    expect(oval.length).toBeGreaterThan(26);
    expect(oval.length).toBeLessThan(36);
    expect(at(oval)).toContain('15,10');
    expect(at(oval)).not.toContain('10,10');
    for (const type of [0, 7, 8])
      expect(at(pixelsOf(outlineOf(roi(type, square(38, 1, 2))), field).pixels)).toEqual([
        '38,1',
        '39,1',
        '38,2',
        '39,2',
      ]);
  });

  it('with holes keep them', () => {
    const closed = (corners: readonly (readonly [number, number])[]): number[] => [
      ...corners.flatMap(([x, y], i) => [i === 0 ? 0 : 1, x, y]),
      4,
    ];
    const ring = roi(1, square(2, 2, 4), [...closed(square(2, 2, 4)), ...closed(square(3, 3, 2))]);
    const pixels = at(pixelsOf(outlineOf(ring), field).pixels);
    expect(pixels).toHaveLength(12);
    expect(pixels).not.toContain('3,3');
  });

  it('beyond the field are cut there and told', () => {
    const { pixels, outside } = pixelsOf(outlineOf(roi(0, square(-2, 28, 4))), field);
    expect(at(pixels)).toEqual(['0,28', '1,28', '0,29', '1,29']);
    expect(outside).toBe(12);
  });

  it('that are damaged are refused, never read past their end', () => {
    const whole = of('fine');
    for (let length = 0; length < 64; length += 1)
      expect(() => parseRoi(whole.subarray(0, length), 'x')).toThrow(RoiError);
    const many = roi(0, square(1, 1, 3));
    many.writeUInt16BE(60_000, 16);
    expect(() => parseRoi(many, 'x')).toThrow(/cut off/);
    const long = roi(1, square(1, 1, 3), [0, 1, 1]);
    long.writeInt32BE(900_000, 36);
    expect(() => parseRoi(long, 'x')).toThrow(/cut off/);
    expect(() => parseRoi(roi(1, square(1, 1, 3), [7, 1, 1]), 'x')).toThrow(/damaged/);
  });
});

describe('files of outlines', () => {
  const zip = (files: Readonly<Record<string, Uint8Array>>): Uint8Array => zipSync(files);

  it('become a run of one rater on a recording; points and what is no ROI are told', async () => {
    using root = temporaryFolder();
    const place = path.join(root.path, 'RoiSet.zip');
    writeFileSync(
      place,
      zip({
        'a.roi': of('box'),
        'b.roi': of('point'),
        'c.roi': Buffer.from('nothing'),
        'readme.txt': Buffer.from('x'),
      }),
    );
    const reader = await readerOf(place);
    expect(reader?.program).toBe('outlines');
    await expect(reader?.read(place, null)).rejects.toMatchObject({ message: expect.stringContaining('--recording') });
    const result = await reader?.read(place, { ...field, frames: 100, fps: 20 });
    expect(result).toMatchObject({ frames: 100, fps: 20, accepted: [true], metrics: { areaPx: [8] } });
    expect(result?.findings).toEqual([
      '1 of 3 ROIs were left out: point, which has no area.',
      '1 of 3 ROIs were left out: it is no ROI of ImageJ.',
      'Outlines have no traces.',
    ]);
  });

  it('that are bombs or cut off are refused before anything is unpacked', async () => {
    using root = temporaryFolder();
    const place = path.join(root.path, 'bomb.zip');
    writeFileSync(place, zip({ 'a.roi': new Uint8Array(5 * 2 ** 20) }));
    await expect(readOutlines(place)).rejects.toMatchObject({
      code: 'interop.unreadable',
      message: expect.stringContaining('more than outlines ever are'),
    });
    const whole = Buffer.from(zip({ 'a.roi': of('box'), 'b.roi': of('oval') }));
    for (let length = 4; length < whole.length; length += 11) {
      writeFileSync(place, whole.subarray(0, length));
      await expect(readOutlines(place), String(length)).rejects.toMatchObject({ code: 'interop.unreadable' });
    }
    // Its directory says 10 bytes; what is packed is more.
    const lying = Buffer.from(zip({ 'a.roi': new Uint8Array(100_000) }));
    const directory = lying.indexOf(Buffer.from('PK\u0001\u0002', 'latin1'));
    lying.writeUInt32LE(10, directory + 24);
    writeFileSync(place, lying);
    await expect(readOutlines(place)).rejects.toMatchObject({ code: 'interop.unreadable' });
  });
});

describe('agreement of two raters’ outlines', () => {
  const drawn = (x: number, y: number): Outline => outlineOf(roi(0, square(x, y, 4)));

  it('pairs the nearest centres within the distance, each once', () => {
    const told = agreementOf([drawn(2, 2), drawn(20, 20), drawn(30, 2)], [drawn(21, 20), drawn(3, 2), drawn(5, 2)], 5);
    expect(told.pairs).toEqual([
      { first: 0, second: 1, distancePx: 1, overlap: 12 / 20 },
      { first: 1, second: 0, distancePx: 1, overlap: 12 / 20 },
    ]);
    expect(told).toMatchObject({ onlyFirst: [2], onlySecond: [2] });
    expect(told.f1).toBeCloseTo(2 / 3);
    expect(agreementOf([], [], 5).f1).toBeNull();
  });

  const animals = 'data/real/daq-linear-track';
  it.skipIf(sharedMissing(animals) !== undefined)('finds the pairs that the lab’s own mapping has', async () => {
    const root = path.join(sharedFolder, animals);
    for (const animal of readdirSync(root)) {
      const [one, other] = [
        await readOutlines(path.join(root, animal, 'manual_score_DM.zip')),
        await readOutlines(path.join(root, animal, 'manual_score_TF.zip')),
      ];
      const mapping = readFileSync(path.join(root, animal, 'gt_mapping.csv'), 'utf8')
        .trim()
        .split('\n')
        .slice(1);
      const { pairs } = agreementOf(one.outlines, other.outlines, 10);
      const ours = new Map(pairs.map(({ first, second, distancePx }) => [`${first},${second}`, distancePx]));
      const same = mapping.map((line) => line.split(',')).filter(([first, second]) => ours.has(`${first},${second}`));
      expect(same.length / mapping.length, animal).toBeGreaterThan(0.85);
      for (const [first, second, distance] of same)
        expect(Math.abs((ours.get(`${first},${second}`) ?? 0) - Number(distance)), animal).toBeLessThan(1);
    }
  });
});
