// SPDX-License-Identifier: MIT

/** One part of a run's input: the films of a recording and the frames of them that were used. */
export interface MovieInput {
  /** Absolute paths, in order. */
  readonly films: readonly string[];
  readonly firstFrame: number;
  /** Inclusive. */
  readonly lastFrame: number;
}

/** What a ticket admits to. */
export interface Movie {
  readonly inputs: readonly MovieInput[];
  /** `motion.npy` (T × 2) of the run. */
  readonly motionFile: string;
  /** `time.npy` (T, seconds) of the run. */
  readonly timeFile: string;
  /** What its frames can be taken apart with: the run folder and the folders of the edits that hold, oldest first. Absent for films that are no run's input. */
  readonly model?: { readonly folder: string; readonly layers: readonly string[] };
}

/** Tickets that nobody has used fall away after this many newer ones. */
const kept = 64;

/** Single-use admissions to movies. */
export class Tickets {
  readonly #open = new Map<string, Movie>();

  put(ticket: string, movie: Movie): void {
    this.#open.set(ticket, movie);
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= kept) break;
      this.#open.delete(oldest);
    }
  }

  /** The movie of a ticket, once. */
  redeem(ticket: string): Movie | undefined {
    const movie = this.#open.get(ticket);
    this.#open.delete(ticket);
    return movie;
  }
}
