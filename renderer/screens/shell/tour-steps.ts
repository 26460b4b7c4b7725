// SPDX-License-Identifier: MIT
import type { LibrarySection, Place } from '../../stores/ui.ts';

/** A stop of the tour: where one is, what is pointed at, and what is said about it. */
export interface TourStep {
  readonly title: string;
  readonly text: string;
  readonly place: Place;
  readonly section?: LibrarySection;
  /** Found by its accessible name, so that the tour cannot point at what a screen reader would not find. */
  readonly target: string;
}

/** Two minutes: from what is in the library to where the keys are. */
export const tourSteps: readonly TourStep[] = [
  {
    title: 'Five places',
    text: 'Acquire records. Process finds the cells. Review judges them. Explore compares. Library keeps all of it. Settings stand at the end.',
    place: 'library',
    section: 'sessions',
    target: 'nav[aria-label="Places"]',
  },
  {
    title: 'Record, or practise',
    text: 'Connect a Miniscope, or the simulated one: picture, LED, gain and focus, a check before you record, a report after it. Stop is held, so that nobody stops by mistake.',
    place: 'acquire',
    target: 'main[aria-label="Acquire"]',
  },
  {
    title: 'Everything you have recorded',
    text: 'Sessions by animal, by day or on a time line. Bring folders in with Import: films stay where they are. The sample session is a good beginning.',
    place: 'library',
    section: 'sessions',
    target: 'section[aria-label="Sessions"]',
  },
  {
    title: 'Find the cells',
    text: 'Choose a recording and press Run. Settings have defaults that work; what will run and what it costs is said before. It goes on when you close the window.',
    place: 'process',
    target: 'main[aria-label="Process"]',
  },
  {
    title: 'Judge them',
    text: 'Map, movie and traces share one cursor. A accepts, R rejects, J goes to the next undecided; every decision carries your initials and can be undone.',
    place: 'review',
    target: 'main[aria-label="Review"]',
  },
  {
    title: 'Animals, tables, questions',
    text: 'The Library is a database, too: each animal over time, a form for every table, CSV files with a preview, the schema as a drawing, and questions of your own.',
    place: 'library',
    section: 'tables',
    target: 'nav[aria-label="Rooms of the Library"]',
  },
  {
    title: 'Everything by its name',
    text: 'Ctrl K finds every command by its words, and the question mark shows the keys of the place you are in.',
    place: 'library',
    section: 'sessions',
    target: 'button[title^="Search, or run a command"]',
  },
];
