// SPDX-License-Identifier: MIT
import { create } from 'zustand';
import { createJSONStorage, persist } from 'zustand/middleware';
import type { Rater } from '../../main/contract/index.ts';

/** The places that exist. */
export type Place = 'acquire' | 'explore' | 'library' | 'process' | 'review' | 'settings';

/** The rooms of the Library. */
export type LibrarySection = 'sessions' | 'animals' | 'tables' | 'diagram' | 'query' | 'trash';

/** The pages of Settings. */
export type SettingsSection =
  | 'rigs'
  | 'storage'
  | 'processing'
  | 'appearance'
  | 'shortcuts'
  | 'raters'
  | 'lab'
  | 'remote'
  | 'doctor'
  | 'privacy';

interface Ui {
  readonly place: Place;
  /** The session that Library shows, Process works on and Review belongs to. */
  readonly sessionUuid: string | null;
  /** The run that Review shows. */
  readonly runUuid: string | null;
  /** The run that Process follows. */
  readonly followedRunUuid: string | null;
  readonly librarySection: LibrarySection;
  /** The table whose rows are shown, and what they are narrowed to. */
  readonly table: { readonly name: string; readonly where: Readonly<Record<string, string | number | null>> } | null;
  readonly settingsSection: SettingsSection;
  /** Step of the guided tour; null when nobody is on it. */
  readonly tour: number | null;
  readonly overlay:
    | 'none'
    | 'palette'
    | 'keys'
    | 'messages'
    | 'import'
    | 'rater'
    | 'ingest'
    | 'export'
    | 'result'
    | 'publish'
    | 'server';
}

/** Where the person is. Kept for the tab, so that a reload comes back to the same place. */
export const useUi = create<Ui>()(
  persist(
    (): Ui => ({
      place: 'library',
      sessionUuid: null,
      runUuid: null,
      followedRunUuid: null,
      librarySection: 'sessions',
      table: null,
      settingsSection: 'rigs',
      tour: null,
      overlay: 'none',
    }),
    {
      name: 'calyx.place',
      storage: createJSONStorage(() => sessionStorage),
      partialize: ({ overlay: _overlay, ...kept }) => kept,
    },
  ),
);

interface Person {
  readonly rater: Rater | null;
  readonly theme: 'dark' | 'light';
  /** 0.9 … 1.5. */
  readonly fontScale: number;
  /** As the system says, or never. */
  readonly motion: 'system' | 'none';
  /** Chords that were bound anew, by command. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
  /** The tour was taken or left: it is not offered by itself again. */
  readonly toured: boolean;
}

export const fontScales = [0.9, 1, 1.1, 1.25, 1.5] as const;

/** Who sits here and how they like the window. Kept for the browser. */
export const usePerson = create<Person>()(
  persist((): Person => ({ rater: null, theme: 'dark', fontScale: 1, motion: 'system', keys: {}, toured: false }), {
    name: 'calyx.person',
    storage: createJSONStorage(() => localStorage),
  }),
);

/** Goes to a place. */
export function goTo(
  place: Place,
  change: Partial<Omit<Ui, 'place' | 'overlay'>> = {},
  overlay: Ui['overlay'] = 'none',
): void {
  useUi.setState({ ...change, place, overlay });
}

/** Opens one of the things that float, or closes what is open. */
export function showOverlay(overlay: Ui['overlay']): void {
  useUi.setState({ overlay });
}
