// SPDX-License-Identifier: MIT
import { Aperture, ChartSpline, Library, ScanSearch, Settings2, Workflow } from 'lucide-react';
import type { LucideIcon } from 'lucide-react';
import type { ReactElement } from 'react';
import type { Place } from '../../stores/ui.ts';
import { later } from '../../ui/later.tsx';
import { AcquireScreen } from '../acquire/acquire-screen.tsx';
import { LibraryScreen } from '../library/library-screen.tsx';
import { ProcessScreen } from '../process/process-screen.tsx';
import { ReviewScreen } from '../review/review-screen.tsx';

/** Loaded when it is first wanted: nobody needs it to begin. */
const SettingsScreen = later(async () => (await import('../settings/settings-screen.tsx')).SettingsScreen);
const ExploreScreen = later(async () => (await import('../explore/explore-screen.tsx')).ExploreScreen);

/** The places, in the order of the rail; Settings stands at its end. */
export const places: readonly {
  readonly id: Place;
  readonly name: string;
  readonly icon: LucideIcon;
  readonly Screen: (props: object) => ReactElement;
}[] = [
  { id: 'acquire', name: 'Acquire', icon: Aperture, Screen: AcquireScreen },
  { id: 'review', name: 'Review', icon: ScanSearch, Screen: ReviewScreen },
  { id: 'process', name: 'Process', icon: Workflow, Screen: ProcessScreen },
  { id: 'explore', name: 'Explore', icon: ChartSpline, Screen: ExploreScreen },
  { id: 'library', name: 'Library', icon: Library, Screen: LibraryScreen },
  { id: 'settings', name: 'Settings', icon: Settings2, Screen: SettingsScreen },
];

/** The place of an id. */
export const placeOf = (id: Place): (typeof places)[number] => {
  const found = places.find((place) => place.id === id) ?? places[0];
  if (found === undefined) throw new Error('There are no places.');
  return found;
};
