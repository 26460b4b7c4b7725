// SPDX-License-Identifier: MIT
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { Hdf5Writer } from '../../../main/interop/hdf5.ts';
import { filmReaderOf } from '../../../main/interop/films/readers/index.ts';
import { asUnreadable } from '../../../main/interop/results/check.ts';
import { probeFilm } from '../../../main/media/index.ts';
import { greyAvi } from '../../support/avi.ts';
import { temporaryFolder } from '../../support/library.ts';
import { tiffBytes } from '../../support/tiff.ts';

/** What `npm run test:fuzz` found once. */

async function opening(name: string, bytes: Buffer): Promise<unknown> {
  const place = path.join(temporaryFolder(), name);
  writeFileSync(place, bytes);
  const film = await (await filmReaderOf(place))?.open(place, { dataset: null });
  if (film === undefined || 'film' in film) return film;
  await using held = film;
  return await held.read(0);
}

const pages = [0, 1, 2].map((frame) => Uint16Array.from({ length: 24 }, (_, i) => 100 * frame + i));
const tiff = (): Buffer => tiffBytes({ height: 4, width: 6, pages });
/** Offsets of the directories of a plain little-endian TIFF. */
function directories(bytes: Buffer): readonly number[] {
  const found: number[] = [];
  for (let at = bytes.readUInt32LE(4); at !== 0; at = bytes.readUInt32LE(at + 2 + 12 * bytes.readUInt16LE(at)))
    found.push(at);
  return found;
}

test('a TIFF whose list of pages leads back to itself is refused, not followed for ever', async () => {
  const bytes = tiff();
  const [first = 0, , last = 0] = directories(bytes);
  bytes.writeUInt32LE(first, last + 2 + 12 * bytes.readUInt16LE(last));
  await expect(opening('film.tif', bytes)).rejects.toMatchObject({
    code: 'interop.unreadable',
    message: expect.stringContaining('leads from page 2 back to an earlier one'),
  });
});

test('a TIFF that claims more tags, values or rows than it holds is refused before room is made for them', async () => {
  const [first = 0] = directories(tiff());
  const tags = tiff();
  tags.writeUInt16LE(65_535, first);
  await expect(opening('film.tif', tags)).rejects.toThrow('would have 65535 tags');
  const values = tiff();
  values.writeUInt32LE(0xffff_fff0, first + 2 + 4);
  await expect(opening('film.tif', values)).rejects.toThrow('values, more than the file holds');
  const rows = tiff();
  // The second tag is the height.
  expect(rows.readUInt16LE(first + 2 + 12)).toBe(257);
  rows.writeUInt32LE(5_570_564, first + 2 + 12 + 8);
  await expect(opening('film.tif', rows)).rejects.toMatchObject({ code: 'interop.unreadable' });
});

test('an AVI whose header speaks of absurd frames is refused; the program lives on', async () => {
  const place = path.join(temporaryFolder(), 'film.avi');
  const bytes = greyAvi(3, 4, 8);
  const format = bytes.indexOf('strf') + 8;
  bytes.writeUInt32LE(0x7fff_fff0, format + 4);
  bytes.writeUInt32LE(0x0fff_fff0, format + 8);
  writeFileSync(place, bytes);
  await expect(probeFilm(place)).rejects.toMatchObject({
    code: 'media.unreadable',
    message: expect.stringContaining('2147483632 × 268435440'),
  });
});

test('a zarr array whose description lacks its shape is no film, and no mistake of ours', async () => {
  const place = path.join(temporaryFolder(), 'film.zarr');
  mkdirSync(place);
  const description = { zarr_format: 2, chunks: [2, 4, 6], dtype: '<u2', compressor: null, fill_value: 0, order: 'C' };
  writeFileSync(path.join(place, '.zarray'), JSON.stringify(description));
  const reader = await filmReaderOf(place);
  await expect(reader?.open(place, { dataset: null })).rejects.toMatchObject({
    code: expect.stringMatching(/^interop\./),
  });
});

test('what the HDF5 library says of damage becomes a sentence with its last words', async () => {
  const place = path.join(temporaryFolder(), 'film.h5');
  const file = await Hdf5Writer.create(place);
  file.array(
    '/film',
    Uint16Array.from({ length: 120 }, (_, i) => i),
    [5, 4, 6],
  );
  file.close();
  const bytes = readFileSync(place);
  // The sizes of the array stand twice, now and at most; the first may not be larger.
  const size = Buffer.from(BigUint64Array.of(5n, 4n, 6n).buffer);
  const at = bytes.indexOf(size);
  expect(at).toBeGreaterThan(0);
  bytes.writeBigUInt64LE(1n << 40n, at);
  await expect(opening('film.h5', bytes)).rejects.toMatchObject({
    code: 'interop.unreadable',
    message: expect.stringMatching(/^film\.h5 cannot be read: /),
  });
  // A mistake of ours is not blamed on the file.
  const bug = new TypeError('x is not a function');
  expect(asUnreadable(place, bug)).toBe(bug);
});

test('a zarr array whose description lacks the size of its pieces is told so', async () => {
  const place = path.join(temporaryFolder(), 'film.zarr');
  mkdirSync(place);
  const description = {
    zarr_format: 2,
    shape: [5, 4, 6],
    dtype: '<u2',
    compressor: null,
    fill_value: 0,
    filters: null,
  };
  writeFileSync(path.join(place, '.zarray'), JSON.stringify({ ...description, order: 'C' }));
  const reader = await filmReaderOf(place);
  await expect(reader?.open(place, { dataset: null })).rejects.toMatchObject({
    code: 'interop.unreadable',
    message: expect.stringContaining('does not say in which pieces it is stored'),
  });
});

test('a zarr array whose frames would lie in a hundred thousand pieces is refused before each is looked for', async () => {
  const place = path.join(temporaryFolder(), 'film.zarr');
  mkdirSync(place);
  const description = { zarr_format: 2, shape: [5, 65_534, 6], chunks: [2, 4, 1], dtype: '<u2', compressor: null };
  writeFileSync(
    path.join(place, '.zarray'),
    JSON.stringify({ ...description, fill_value: 0, filters: null, order: 'C' }),
  );
  const reader = await filmReaderOf(place);
  await expect(reader?.open(place, { dataset: null })).rejects.toMatchObject({
    message: expect.stringContaining('would be stored in 98304 pieces'),
  });
});
