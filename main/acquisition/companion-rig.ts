// SPDX-License-Identifier: MIT
import type { RigCamera, RigCommutator, RigScope } from '../recording/index.ts';

/** What a rig has beside its first scope. */
export interface CompanionRig {
  /** Name of the first scope. */
  readonly first: string;
  readonly scopes: readonly { readonly scope: RigScope; readonly address: string }[];
  readonly cameras: readonly RigCamera[];
  readonly commutator: RigCommutator | null;
}
