// SPDX-License-Identifier: MIT

/** What draws with a graphics context on a canvas of its own. */
export interface Drawer {
  readonly canvas: HTMLCanvasElement;
  /** Its context is away just now. */
  readonly isLost: boolean;
  /** Forgets what it showed: it goes back, and someone else will show something else. */
  rest(): void;
}

/**
 * Drawers that are lent to panels and come back, so that there are never more contexts than were once needed at the same time. A context that is left to be collected
 * is destroyed in the middle of other work, and the window's thread waits until the driver has done it: up to four seconds where a processor draws.
 */
export class Kept<T extends Drawer> {
  readonly #make: () => T;
  readonly #resting: T[] = [];

  constructor(make: () => T) {
    this.#make = make;
  }

  /** Puts the one that rests longest, or a new one, into an element: panels that come back in the order they went get what they had, in its size. */
  lend(host: HTMLElement): T {
    const at = this.#resting.findIndex((one) => !one.isLost);
    const [one = this.#make()] = at < 0 ? [] : this.#resting.splice(at, 1);
    host.append(one.canvas);
    return one;
  }

  /** Takes one back from its element. */
  giveBack(one: T): void {
    one.canvas.remove();
    one.rest();
    this.#resting.push(one);
  }
}
