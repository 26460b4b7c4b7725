// SPDX-License-Identifier: MIT
import { create } from 'zustand';

/** Whose labels of a run Review shows: of an earlier version, of a second reading, or (neither) of the curation as it is now. */
export interface Look {
  readonly version?: number;
  readonly reading?: string;
}

interface Looks {
  /** By run; a run without one shows the newest version. */
  readonly looks: Readonly<Record<string, Look>>;
}

const newest: Look = {};

/** Not kept: who comes back sees the newest labels, or the reading they have not finished. */
export const useLooks = create<Looks>(() => ({ looks: {} }));

/** What is looked at of a run now. */
export function lookOf(runUuid: string): Look {
  return useLooks.getState().looks[runUuid] ?? newest;
}

/** The same for a component. */
export function useLook(runUuid: string | null): Look {
  return useLooks(({ looks }) => (runUuid === null ? newest : (looks[runUuid] ?? newest)));
}

/** Looks at other labels of a run. */
export function lookAt(runUuid: string, look: Look = newest): void {
  useLooks.setState(({ looks }) => ({ looks: { ...looks, [runUuid]: look } }));
}

/** The end of a name under which an answer is kept; empty for the newest labels. */
export function lookKey({ version, reading }: Look): readonly string[] {
  if (reading !== undefined) return [`reading ${reading}`];
  return version === undefined ? [] : [`version ${String(version)}`];
}

/** What calls about footprints and traces are given: readings are of the cells as they are now. */
export function versionOf({ version }: Look): { readonly version?: number } {
  return version === undefined ? {} : { version };
}
