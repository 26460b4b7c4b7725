// SPDX-License-Identifier: MIT
import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { GeoTIFF, GeoTIFFImage } from 'geotiff';
import { fileError } from '../../../processing/index.ts';
import { checkSize, unreadable } from '../../results/check.ts';
import { piece } from '../../results/piece.ts';
import type { FilmReader, ForeignFilm, Frame } from '../foreign-film.ts';
import { checkPages } from './tiff-pages.ts';

const isName = (name: string): boolean => /\.(?:tiff?|btf|tf8)$/i.test(name) && !name.startsWith('.');

/** Tiffs of a folder that holds nothing else of a film, in natural order; the file itself for a file. */
async function parts(place: string): Promise<readonly string[]> {
  const info = await stat(place).catch(() => null);
  if (info === null) return [];
  if (info.isFile()) return isName(path.basename(place)) ? [place] : [];
  const names = (await readdir(place).catch(() => [])).filter((name) => isName(name));
  return names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).map((name) => path.join(place, name));
}

interface Page {
  readonly read: () => Promise<Frame>;
}

interface Stack {
  readonly height: number;
  readonly width: number;
  readonly isInteger: boolean;
  readonly pages: readonly Page[];
  readonly fps: number | null;
  readonly close: () => Promise<void>;
}

/** Short values lie in the list of pages, long ones elsewhere: `loadValue` reads both. */
async function tag(image: GeoTIFFImage, name: string): Promise<unknown> {
  const directory = image.getFileDirectory() as {
    readonly hasTag: (tag: string) => boolean;
    readonly loadValue: (tag: string) => Promise<unknown>;
  };
  return directory.hasTag(name) ? await directory.loadValue(name) : null;
}

/** ImageJ writes `finterval=0.05` (seconds a frame) and `fps=20`. */
function imageJRate(description: string): number | null {
  const interval = Number(/^finterval=(.+)$/m.exec(description)?.[1]);
  if (interval > 0) return 1 / interval;
  const fps = Number(/^fps=(.+)$/m.exec(description)?.[1]);
  return fps > 0 ? fps : null;
}

const listOf = (value: unknown): readonly number[] =>
  typeof value === 'number'
    ? [value]
    : ArrayBuffer.isView(value) || Array.isArray(value)
      ? Array.from(value as ArrayLike<number>, Number)
      : [];

/** Are all strips or tiles of a page there and in the file? What is not would be read as zeros. */
async function isWhole(image: GeoTIFFImage, bytes: number): Promise<boolean> {
  const needed =
    Math.ceil(image.getHeight() / image.getTileHeight()) * Math.ceil(image.getWidth() / image.getTileWidth());
  let listed = 0;
  for (const kind of ['Strip', 'Tile']) {
    const offsets = listOf(await tag(image, `${kind}Offsets`));
    const counts = listOf(await tag(image, `${kind}ByteCounts`));
    if (offsets.some((offset, i) => offset + (counts[i] ?? 0) > bytes)) return false;
    listed += offsets.length;
  }
  return listed >= needed;
}

/** Is it a TIFF once its bytes are read in the order that it does not name? Its third number is always 42 (43 beyond 4 GB). */
async function hasOtherOrder(file: string): Promise<boolean> {
  const head = await piece(file, 0, 4);
  if (head.length < 4) return false;
  const order = head.toString('latin1', 0, 2);
  const version = order === 'MM' ? head.readUInt16LE(2) : order === 'II' ? head.readUInt16BE(2) : 0;
  return version === 42 || version === 43;
}

async function openStack(file: string): Promise<Stack> {
  await checkPages(file);
  // Loaded when it is needed: the core only recognises names.
  const { fromFile } = await import('geotiff');
  let tiff: GeoTIFF;
  let count: number;
  let first: GeoTIFFImage;
  try {
    tiff = await fromFile(file);
    count = await tiff.getImageCount();
    first = await tiff.getImage(0);
  } catch (error) {
    throw unreadable(
      file,
      (await hasOtherOrder(file))
        ? 'its first two letters name an order of bytes that the rest does not have; they were changed, or the file is damaged.'
        : 'it is no TIFF, or its list of pages is damaged or cut off.',
      error,
    );
  }
  const [height, width] = [first.getHeight(), first.getWidth()];
  checkSize([height, width], 'page', file);
  if (!(height > 0 && width > 0)) throw unreadable(file, `its first page is ${width} × ${height} px.`);
  if (first.getSamplesPerPixel() !== 1)
    throw unreadable(file, `its pages have ${first.getSamplesPerPixel()} channels; a film has one, of grey values.`);
  const said = await tag(first, 'ImageDescription');
  const description = typeof said === 'string' ? said : '';
  const { size: bytes } = await stat(file);
  const page = (index: number): Page => ({
    read: async () => {
      try {
        const image = await tiff.getImage(index);
        if (!(image.getHeight() > 0 && image.getWidth() > 0))
          throw unreadable(file, `page ${index} has no size; the file is cut off or damaged there.`);
        if (image.getHeight() !== height || image.getWidth() !== width)
          throw unreadable(
            file,
            `page ${index} is ${image.getWidth()} × ${image.getHeight()}, the first ${width} × ${height}.`,
          );
        if (!(await isWhole(image, bytes))) throw unreadable(file, `it ends before page ${index}; it was cut off.`);
        const [values] = (await image.readRasters()) as unknown as readonly Frame[];
        if (values === undefined || values.length !== height * width)
          throw unreadable(file, `page ${index} is not whole.`);
        return values;
      } catch (error) {
        if (error instanceof Error && 'code' in error) throw error;
        throw unreadable(file, `page ${index} is damaged or packed in an unknown way.`, error);
      }
    },
  });
  const close = async (): Promise<void> => void (await tiff.close());
  const shared = { height, width, isInteger: first.getSampleFormat() !== 3, fps: imageJRate(description), close };
  // ImageJ lists only the first page of a stack beyond 4 GB; the others follow it without gaps.
  const images = Number(/^images=(\d+)$/m.exec(description)?.[1] ?? count);
  if (count === 1 && images > 1) return { ...shared, ...(await contiguous(file, first, images)) };
  return { ...shared, pages: Array.from({ length: count }, (_, index) => page(index)) };
}

async function contiguous(file: string, first: GeoTIFFImage, images: number): Promise<Pick<Stack, 'pages' | 'close'>> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw fileError(error, `opening ${file}`);
  });
  const head = Buffer.alloc(2);
  await handle.read(head, 0, 2, 0);
  const isBig = head.toString('latin1') === 'MM';
  const [start = Number.NaN] = listOf(await tag(first, 'StripOffsets'));
  const pixels = first.getHeight() * first.getWidth();
  const bits = first.getBitsPerSample();
  const isFloat = first.getSampleFormat() === 3;
  const each = bits / 8;
  const { size } = await handle.stat();
  if (![1, 2, 4].includes(each) || (each === 4 && !isFloat) || !(start + images * pixels * each <= size)) {
    await handle.close();
    throw unreadable(file, `it speaks of ${images} pages of ${bits} bits, and holds fewer bytes than they need.`);
  }
  const read = async (index: number): Promise<Frame> => {
    const bytes = Buffer.from(new ArrayBuffer(pixels * each));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, start + index * bytes.length);
    if (bytesRead < bytes.length) throw unreadable(file, `it ends within page ${index}.`);
    if (isBig && each === 2) bytes.swap16();
    if (isBig && each === 4) bytes.swap32();
    if (each === 1) return new Uint8Array(bytes.buffer);
    if (each === 4) return new Float32Array(bytes.buffer);
    return first.getSampleFormat() === 2 ? new Int16Array(bytes.buffer) : new Uint16Array(bytes.buffer);
  };
  return {
    pages: Array.from({ length: images }, (_, index) => ({ read: () => read(index) })),
    close: () => handle.close(),
  };
}

/** TIFF stacks: pages of one file, BigTIFF too, or the files of a folder one after another. */
export const tiffFilm: FilmReader = {
  format: 'TIFF stack',
  recognises: async (place) => {
    const found = await parts(place);
    if (found[0] !== undefined && found[0] !== place) {
      // A folder with films of its own is a session with a picture beside it.
      const names = await readdir(place);
      return !names.some((name) => /\.(?:avi|mkv|mp4|mov|csv|json)$/i.test(name));
    }
    return found.length > 0;
  },
  open: async (place) => {
    const stacks: Stack[] = [];
    const close = async (): Promise<void> => {
      for (const stack of stacks) await stack.close();
    };
    try {
      for (const file of await parts(place)) {
        const stack = await openStack(file);
        stacks.push(stack);
        const [first] = stacks;
        if (first !== undefined && (stack.height !== first.height || stack.width !== first.width)) {
          throw unreadable(
            file,
            `its pages are ${stack.width} × ${stack.height}, those of the files before ${first.width} × ${first.height}.`,
          );
        }
      }
    } catch (error) {
      await close();
      throw error;
    }
    const [first] = stacks;
    if (first === undefined) throw unreadable(place, 'it holds no page.');
    const pages = stacks.flatMap((stack) => stack.pages);
    return {
      height: first.height,
      width: first.width,
      frames: pages.length,
      isInteger: stacks.every((stack) => stack.isInteger),
      fps: first.fps,
      timeS: null,
      startedAt: null,
      findings: stacks.length > 1 ? [`${stacks.length} files, one after another by name.`] : [],
      read: async (frame) => {
        const page = pages[frame];
        if (page === undefined) throw unreadable(place, `there is no page ${frame}.`);
        return await page.read();
      },
      [Symbol.asyncDispose]: close,
    } satisfies ForeignFilm;
  },
};
