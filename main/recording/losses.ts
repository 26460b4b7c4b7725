// SPDX-License-Identifier: MIT
import type { ScopeFrame } from '../devices/index.ts';
import type { LostBefore } from './integrity.ts';
import { clockText } from './words.ts';

const marked = (count: number): string => `${count === 1 ? 'It is' : 'They are'} marked in the recording.`;
const frames = (count: number): string => (count === 1 ? '1 frame was' : `${count} frames were`);

/** Says what is missing, in words: every loss once, where it ended. */
export class LossTeller {
  readonly #start: () => bigint;
  readonly #say: (text: string) => void;
  #isFull = false;

  constructor(startNs: () => bigint, say: (text: string) => void) {
    this.#start = startNs;
    this.#say = say;
  }

  /** A frame came for which there is no room. */
  full(): void {
    if (!this.#isFull) this.#say('Frames are not saved: the disk does not keep up.');
    this.#isFull = true;
  }

  /** A frame is saved again after so many that were not. */
  unsaved(count: number, frame: ScopeFrame): void {
    if (count > 0) this.#say(this.#unsavedText(count, this.#at(frame)));
    this.#isFull = false;
  }

  /** What was lost on its way before a frame. */
  lost({ frames: lost, restarted, silentS }: LostBefore, frame: ScopeFrame): void {
    const at = this.#at(frame);
    if (silentS !== null) {
      const why = restarted ? 'the board counts anew' : 'the board counted none';
      this.#say(`No frame came for ${silentS.toFixed(1)} s until ${at}, and ${why}: how many were lost is unknown.`);
    }
    if (lost > 0) this.#say(`${frames(lost)} lost before ${at} on the way from the scope. ${marked(lost)}`);
  }

  /** The stop came while frames had no room. */
  unsavedAtEnd(count: number): void {
    if (count > 0) this.#say(this.#unsavedText(count, 'the end'));
  }

  /** No frame came any more before the stop; `lost` is what the board has sent since, null when it cannot say. */
  silentAtEnd(lost: number | null): void {
    this.#say(
      lost !== null && lost > 0
        ? `${frames(lost)} lost before the end on the way from the scope.`
        : 'No frame came any more before the end; how many were lost is unknown.',
    );
  }

  #unsavedText(count: number, until: string): string {
    return `${frames(count)} not saved until ${until}: the disk did not keep up. ${marked(count)}`;
  }

  #at(frame: ScopeFrame): string {
    return clockText(Number(frame.lastNs - this.#start()) / 1e9);
  }
}
