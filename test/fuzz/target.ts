// SPDX-License-Identifier: MIT

/** Files by their path below a folder. */
export type Files = Readonly<Record<string, Uint8Array>>;

/** A parser under fire. */
export interface Target {
  readonly name: string;
  /** Good inputs; each is damaged. */
  readonly corpus: () => Promise<readonly Files[]> | readonly Files[];
  /**
   * Reads what lies in the folder as the program would, to the end; false where nothing recognises it. It may succeed or throw an AppError with a sentence; anything else (another error, a code that stands for
   * a bug, no end, no memory) is a finding.
   */
  readonly read: (folder: string, names: readonly string[]) => Promise<boolean>;
}
