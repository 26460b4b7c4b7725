// SPDX-License-Identifier: MIT
import type { MovieLayer } from '../stores/review.ts';
import type { Connection, MediaClient, OpenStream } from './types.ts';

/** A frame as it came. */
export interface FilmFrame {
  readonly frame: number;
  readonly height: number;
  readonly width: number;
  readonly layer: MovieLayer;
  readonly timeS: number | null;
  readonly unreadable: boolean;
  /** It stands in for a frame that is still being decoded. */
  readonly small?: boolean | undefined;
  /** `height × width` bytes, row-major. */
  readonly bytes: Uint8Array;
}

/** Where the movie stands. */
export type FilmState =
  | { readonly kind: 'opening'; readonly step: 1 | 2 | 3 }
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: unknown };

type Frames = OpenStream<Omit<FilmFrame, 'bytes'>, { frame: number }>;

/** The frames of one run, or of a behaviour camera beside it, asked for by number; the newest asked for wins. */
export class Film {
  readonly #connection: Connection;
  readonly #runUuid: string;
  readonly #onFrame: (frame: FilmFrame) => void;
  readonly #onState: (state: FilmState) => void;
  readonly #camera: string | undefined;
  #abort = new AbortController();
  #source: { readonly client: MediaClient; readonly close: () => void } | undefined;
  #stream: Frames | undefined;
  #layer: MovieLayer;
  #wanted = 0;
  #asked = -1;
  #disposed = false;

  constructor(
    connection: Connection,
    runUuid: string,
    layer: MovieLayer,
    onFrame: (frame: FilmFrame) => void,
    onState: (state: FilmState) => void,
    camera?: string,
  ) {
    this.#camera = camera;
    this.#connection = connection;
    this.#runUuid = runUuid;
    this.#layer = layer;
    this.#onFrame = onFrame;
    this.#onState = onState;
    void this.#open();
  }

  /** Asks for a frame of a layer; a frame that is on its way is overtaken. */
  show(layer: MovieLayer, frame: number): void {
    this.#wanted = frame;
    if (layer !== this.#layer) {
      this.#layer = layer;
      if (this.#source !== undefined) this.#follow(this.#source.client);
      return;
    }
    this.#ask();
  }

  /** Asks for the frame once more: what is made of it has changed. */
  again(): void {
    this.#asked = -1;
    this.#ask();
  }

  /** Opens it again after a failure. */
  retry(): void {
    this.#close();
    this.#abort = new AbortController();
    void this.#open();
  }

  dispose(): void {
    this.#disposed = true;
    this.#close();
  }

  #close(): void {
    this.#abort.abort();
    this.#stream?.close();
    this.#source?.close();
    this.#stream = undefined;
    this.#source = undefined;
  }

  async #open(): Promise<void> {
    const { signal } = this.#abort;
    this.#onState({ kind: 'opening', step: 1 });
    try {
      const source = await this.#connection.openMovie(this.#runUuid, signal, this.#camera);
      if (signal.aborted) {
        source.close();
        return;
      }
      this.#source = source;
      this.#onState({ kind: 'opening', step: 2 });
      this.#follow(source.client);
    } catch (error) {
      if (!signal.aborted) this.#onState({ kind: 'failed', error });
    }
  }

  #follow(client: MediaClient): void {
    this.#stream?.close();
    const stream = client.movie.frames(
      { layer: this.#layer, ahead: this.#camera === undefined },
      { signal: this.#abort.signal },
    );
    this.#stream = stream;
    this.#asked = -1;
    this.#ask();
    void this.#read(stream);
  }

  #ask(): void {
    if (this.#stream === undefined || this.#asked === this.#wanted) return;
    this.#asked = this.#wanted;
    this.#stream.update({ frame: this.#wanted });
  }

  async #read(stream: Frames): Promise<void> {
    const mine = (): boolean => this.#stream === stream && !this.#disposed;
    let first = true;
    try {
      for await (const { header, bytes } of stream.packets) {
        if (!mine()) return;
        if (first) this.#onState({ kind: 'ready' });
        first = false;
        this.#onFrame({ ...header, bytes });
      }
      if (mine()) this.#onState({ kind: 'failed', error: new Error('The process that reads the films ended.') });
    } catch (error) {
      if (mine()) this.#onState({ kind: 'failed', error });
    }
  }
}
