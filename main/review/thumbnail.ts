// SPDX-License-Identifier: MIT
import type { Library } from '../library/index.ts';
import { RunFolder } from './run-folder.ts';

/** A small grey picture: `height × width` bytes, row-major. */
export interface Thumbnail {
  readonly width: number;
  readonly height: number;
  readonly grey: Uint8Array;
}

/** Longest edge, px: twice what a table shows, for dense screens. */
const edge = 72;

/** Means of blocks, stretched from the first to the 99.5th percentile. */
export function shrink(values: Float32Array, height: number, width: number): Thumbnail {
  const factor = Math.max(1, Math.ceil(Math.max(height, width) / edge));
  const [rows, columns] = [Math.max(1, Math.floor(height / factor)), Math.max(1, Math.floor(width / factor))];
  const small = new Float32Array(rows * columns);
  for (let y = 0; y < rows; y += 1)
    for (let x = 0; x < columns; x += 1) {
      let sum = 0;
      for (let dy = 0; dy < factor; dy += 1)
        for (let dx = 0; dx < factor; dx += 1) sum += values[(y * factor + dy) * width + x * factor + dx] ?? 0;
      small[y * columns + x] = sum / (factor * factor);
    }
  const sorted = small.filter((value) => Number.isFinite(value)).toSorted();
  const low = sorted[Math.floor(sorted.length * 0.01)] ?? 0;
  const high = sorted[Math.floor((sorted.length - 1) * 0.995)] ?? 1;
  const span = high > low ? high - low : 1;
  const grey = Uint8Array.from(small, (value) => Math.round(255 * Math.max(0, Math.min(1, (value - low) / span))) || 0);
  return { width: columns, height: rows, grey };
}

/** One frame of a film as bytes, row-major. */
export interface FilmFrame {
  readonly width: number;
  readonly height: number;
  readonly bytes: Uint8Array;
}

/** Small pictures of sessions, from the maximum image of the newest result, else from the film; made once. */
export class Thumbnails {
  readonly #library: Library;
  readonly #readFrame: ((film: string) => Promise<FilmFrame>) | undefined;
  readonly #made = new Map<string, Promise<Thumbnail | null>>();
  /** Films are read one after the other: a list that is scrolled must not start fifty decoders. */
  #films: Promise<unknown> = Promise.resolve();

  /** @param readFrame reads an early frame of a film; without it sessions without a result have no picture */
  constructor(library: Library, readFrame?: (film: string) => Promise<FilmFrame>) {
    this.#library = library;
    this.#readFrame = readFrame;
  }

  /** Null for a session without a result whose film cannot be read. */
  async of(sessionUuid: string): Promise<{ readonly runUuid: string | null; readonly picture: Thumbnail } | null> {
    const run = (await this.#library.runs.list({ sessionUuid })).find(({ state }) => state === 'succeeded');
    const key = run?.uuid ?? sessionUuid;
    const made = this.#made.get(key) ?? (run === undefined ? this.#ofFilm(sessionUuid) : this.#make(run.uuid));
    this.#made.set(key, made);
    const picture = await made;
    // A film may come back with its disk.
    if (picture === null && run === undefined) this.#made.delete(key);
    return picture === null ? null : { runUuid: run?.uuid ?? null, picture };
  }

  #ofFilm(sessionUuid: string): Promise<Thumbnail | null> {
    const readFrame = this.#readFrame;
    if (readFrame === undefined) return Promise.resolve(null);
    const read = async (): Promise<Thumbnail | null> => {
      try {
        const [recording] = await this.#library.sessions.filmPaths([sessionUuid]);
        const film = recording?.paths[0];
        if (film === undefined) return null;
        const { width, height, bytes } = await readFrame(film);
        return shrink(Float32Array.from(bytes), height, width);
      } catch {
        // The list says by its own means that files are missing or damaged.
        return null;
      }
    };
    const mine = this.#films.then(read);
    this.#films = mine;
    return mine;
  }

  async #make(runUuid: string): Promise<Thumbnail | null> {
    try {
      const folder = await RunFolder.open(this.#library.runFolder(runUuid));
      const { height, width, images } = folder.manifest;
      const name = images.includes('max') ? 'max' : images[0];
      if (name === undefined) return null;
      const file = await folder.array(`images/${name}.npy`, [height, width]);
      try {
        return shrink(Float32Array.from(await file.read(0, height * width)), height, width);
      } finally {
        await file.close();
      }
    } catch {
      // A run whose folder is damaged has no small picture; Review says what is wrong with it.
      return null;
    }
  }
}
