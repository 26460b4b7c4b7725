// SPDX-License-Identifier: MIT
/** The decision that was made before anyone had said who decides: done as soon as the initials are there. */

let waiting: (() => void) | undefined;

/** Keeps an act until the rater is known; a newer one replaces it. */
export function waitForRater(act: () => void): void {
  waiting = act;
}

/** Hands the waiting act over, once. */
export function takeWaiting(): (() => void) | undefined {
  const act = waiting;
  waiting = undefined;
  return act;
}
