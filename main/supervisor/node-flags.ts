// SPDX-License-Identifier: MIT
/**
 * Flags of a Node process that takes part in a recording: at most 4 MB for a half of the heap's young part. With V8's own 16 MB, garbage of frames and messages piles up between two
 * collections, so that memory goes up and down by 40 to 50 MB and nobody sees whether it grows; with 4 MB capture holds 106 MB where it held 130 (`bench:acquisition`).
 */
export const recordingFlags: readonly string[] = ['--max-semi-space-size=4'];
