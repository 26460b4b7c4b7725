// SPDX-License-Identifier: MIT

/** The board counts to 2³² but shows 16 bits. */
const range = 0x1_0000;

/** What one reading of the board's frame counter says. */
export interface CounterReading {
  /** Frames the board has sent since the first reading, the first being 1; null for a reading that failed. */
  readonly frame: number | null;
  /** Frames between this one and the reading before that never came. */
  readonly lost: number;
  /** The board began to count anew before this frame: how many were lost there is unknown. */
  readonly restarted: boolean;
}

/**
 * The board's 16-bit frame counter made whole (acquisition.md 2.7): it wraps every 36 minutes at 30 frames/s. No step counts as unread. One of half the range or more is a step
 * back, which only a board that started anew makes; the count then goes on from the frame before, and how many were lost in between is unknown (0 is
 * counted, {@link restarts} says that it happened).
 */
export class FrameCounter {
  #last: number | undefined;
  #frame = 0;
  #unread = 0;
  #restarts = 0;
  #isRestarted = false;

  /** How often the board started counting anew. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Takes the counter of the frame that has just arrived; null when it could not be read. */
  take(raw: number | null): CounterReading {
    const restarted = this.#isRestarted;
    this.#isRestarted = false;
    if (raw === null) {
      this.#unread += 1;
      return { frame: null, lost: 0, restarted };
    }
    if (this.#last === undefined) {
      this.#last = raw;
      this.#frame = this.#unread + 1;
      this.#unread = 0;
      return { frame: this.#frame, lost: 0, restarted };
    }
    const step = (raw - this.#last + range) % range;
    // A frame never leaves the counter as it was: one of the two readings is not of its frame (it came too late, or the system gave an old one).
    if (step === 0) {
      this.#unread += 1;
      return { frame: null, lost: 0, restarted };
    }
    const isRestart = step >= range / 2;
    const arrived = this.#unread + 1;
    const forward = isRestart ? arrived : step;
    if (isRestart) this.#restarts += 1;
    this.#last = raw;
    this.#frame += forward;
    this.#unread = 0;
    return { frame: this.#frame, lost: Math.max(0, forward - arrived), restarted: restarted || isRestart };
  }

  /** The frame that a reading between two frames speaks of; null when it says nothing. */
  peek(raw: number): number | null {
    if (this.#last === undefined) return null;
    const step = (raw - this.#last + range) % range;
    return step >= range / 2 ? null : this.#frame + step;
  }

  /** The link was opened again: the next reading is no step from the last one. */
  reconnected(): void {
    if (this.#last === undefined) return;
    this.#restarts += 1;
    this.#isRestarted = true;
    this.#last = undefined;
    this.#unread += this.#frame;
  }
}
