// SPDX-License-Identifier: MIT
import { createContext, useContext } from 'react';

/** The parts of a group's header that the panel in front fills: its line of facts, and its controls. */
export interface HeaderSlots {
  readonly meta: HTMLElement;
  readonly end: HTMLElement;
}

/** Headers of groups by the group's id. */
export interface SlotStore {
  readonly set: (group: string, slots: HeaderSlots | null) => void;
  readonly get: (group: string) => HeaderSlots | undefined;
  readonly subscribe: (listener: () => void) => () => void;
}

/** An empty store. */
export function createSlots(): SlotStore {
  const slots = new Map<string, HeaderSlots>();
  const listeners = new Set<() => void>();
  return {
    set: (group, value) => {
      if (value === null) slots.delete(group);
      else slots.set(group, value);
      for (const listener of listeners) listener();
    },
    get: (group) => slots.get(group),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** What a panel needs to know of the dock it lies in. */
export interface Docked {
  /** Sets the words of its tab. */
  readonly setTitle: (title: string) => void;
  /** Takes the panel away; a command brings it back. */
  readonly close: () => void;
  /** Where it may write its facts and controls; undefined while another panel of its group is in front. */
  readonly slots: HeaderSlots | undefined;
}

/** Set around each panel of a dock; null for panels that stand alone. */
export const DockedContext = createContext<Docked | null>(null);

/** Is the panel in sight? What is behind another one asks for nothing. */
export function useInFront(): boolean {
  const docked = useContext(DockedContext);
  return docked === null || docked.slots !== undefined;
}
