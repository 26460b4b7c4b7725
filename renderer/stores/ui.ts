// SPDX-License-Identifier: MIT
import { create } from 'zustand';
import { createJSONStorage, persist } from 'zustand/middleware';
import type { Rater } from '../../main/contract/index.ts';

/** The places that exist. */
export type Place = 'acquire' | 'library' | 'process' | 'review';

interface Ui {
  readonly place: Place;
  /** The session that Library shows, Process works on and Review belongs to. */
  readonly sessionUuid: string | null;
  /** The run that Review shows. */
  readonly runUuid: string | null;
  /** The run that Process follows. */
  readonly followedRunUuid: string | null;
  readonly overlay: 'none' | 'palette' | 'keys' | 'messages' | 'import' | 'rater';
}

/** Where the person is. Kept for the tab, so that a reload comes back to the same place. */
export const useUi = create<Ui>()(
  persist((): Ui => ({ place: 'library', sessionUuid: null, runUuid: null, followedRunUuid: null, overlay: 'none' }), {
    name: 'calyx.place',
    storage: createJSONStorage(() => sessionStorage),
    partialize: ({ place, sessionUuid, runUuid, followedRunUuid }) => ({
      place,
      sessionUuid,
      runUuid,
      followedRunUuid,
    }),
  }),
);

interface Person {
  readonly rater: Rater | null;
  readonly theme: 'dark' | 'light';
}

/** Who sits here and how they like the window. Kept for the browser. */
export const usePerson = create<Person>()(
  persist((): Person => ({ rater: null, theme: 'dark' }), {
    name: 'calyx.person',
    storage: createJSONStorage(() => localStorage),
  }),
);

/** Goes to a place. */
export function goTo(
  place: Place,
  change: Partial<Pick<Ui, 'sessionUuid' | 'runUuid' | 'followedRunUuid'>> = {},
): void {
  useUi.setState({ ...change, place, overlay: 'none' });
}

/** Opens one of the things that float, or closes what is open. */
export function showOverlay(overlay: Ui['overlay']): void {
  useUi.setState({ overlay });
}
