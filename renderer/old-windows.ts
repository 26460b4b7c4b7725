// SPDX-License-Identifier: MIT
/** What Chromium 108, the oldest window this page runs in (`vite.config.ts`), lacks of ES2023: it came with 110. */

/** Adds a method of arrays where there is none. */
function add(name: 'toSorted' | 'toReversed', method: (this: readonly unknown[], ...args: never[]) => unknown[]): void {
  if (name in Array.prototype) return;
  // oxlint-disable-next-line no-extend-native -- only where the method is missing, and as the standard has it
  Object.defineProperty(Array.prototype, name, { value: method, configurable: true, writable: true });
}

add('toSorted', function toSorted(compare?: (a: unknown, b: unknown) => number) {
  return [...this].sort(compare);
});
add('toReversed', function toReversed() {
  return [...this].reverse();
});
