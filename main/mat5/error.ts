// SPDX-License-Identifier: MIT

/** A file of level 5 that is not what it says: the message says why, as the end of a sentence about the file. Whoever reads it says which file. */
export class Mat5Error extends Error {
  override readonly name = 'Mat5Error';
}
