// SPDX-License-Identifier: MIT

/** One thing after another, each in a turn of its own: what is drawn at once together would hold up the window. */
export interface Turns {
  /** Does it in its turn, unless the returned function is called before. */
  readonly take: (act: () => void) => () => void;
}

/** @param later lets others have the thread, then goes on */
export function createTurns(later: (next: () => void) => void): Turns {
  const queue: (() => void)[] = [];
  let waiting = false;
  const next = (): void => {
    const act = queue.shift();
    if (act === undefined) {
      waiting = false;
      return;
    }
    act();
    later(next);
  };
  return {
    take(act) {
      queue.push(act);
      if (!waiting) {
        waiting = true;
        later(next);
      }
      return () => {
        const at = queue.indexOf(act);
        if (at >= 0) queue.splice(at, 1);
      };
    },
  };
}
