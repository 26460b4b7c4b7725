// SPDX-License-Identifier: MIT

/** What is seen of a list, px. */
export interface Sight {
  readonly top: number;
  readonly height: number;
  /** Of its height, what the head covers. */
  readonly head: number;
}

/** Where a list must be scrolled to so that a whole row is seen, moving it least; undefined when it is seen already. */
export function placeInSight(
  { start, end }: { readonly start: number; readonly end: number },
  { top, height, head }: Sight,
): number | undefined {
  // A row taller than what is seen begins where it is seen.
  if (start < top + head || end - start > height - head) return start - head === top ? undefined : start - head;
  return end > top + height ? end - height : undefined;
}
