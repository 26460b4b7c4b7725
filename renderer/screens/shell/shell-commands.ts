// SPDX-License-Identifier: MIT
import { goTo, showOverlay, usePerson } from '../../stores/ui.ts';
import type { Command } from '../../ui/commands/registry.ts';

/** Commands that work everywhere. */
export const shellCommands: readonly Command[] = [
  {
    id: 'shell.palette',
    label: 'Run a command',
    group: 'Window',
    scope: 'global',
    keys: ['Mod+K'],
    inText: true,
    keysOnly: true,
    run: () => showOverlay('palette'),
  },
  {
    id: 'shell.keys',
    label: 'Keyboard shortcuts',
    group: 'Window',
    scope: 'global',
    keys: ['?'],
    run: () => showOverlay('keys'),
  },
  {
    id: 'shell.acquire',
    label: 'Go to Acquire',
    group: 'Places',
    scope: 'global',
    keys: ['Mod+0'],
    run: () => goTo('acquire'),
  },
  {
    id: 'shell.review',
    label: 'Go to Review',
    group: 'Places',
    scope: 'global',
    keys: ['Mod+1'],
    run: () => goTo('review'),
  },
  {
    id: 'shell.process',
    label: 'Go to Process',
    group: 'Places',
    scope: 'global',
    keys: ['Mod+2'],
    run: () => goTo('process'),
  },
  {
    id: 'shell.explore',
    label: 'Go to Explore',
    group: 'Places',
    scope: 'global',
    keys: ['Mod+3'],
    run: () => goTo('explore'),
  },
  {
    id: 'shell.library',
    label: 'Go to Library',
    group: 'Places',
    scope: 'global',
    keys: ['Mod+4'],
    run: () => goTo('library'),
  },
  {
    id: 'shell.settings',
    label: 'Go to Settings',
    group: 'Places',
    scope: 'global',
    keys: ['Mod+,'],
    run: () => goTo('settings'),
  },
  ...(['appearance', 'shortcuts', 'raters', 'lab', 'rigs', 'storage', 'doctor'] as const).map((section): Command => ({
    id: `shell.settings.${section}`,
    label: `Settings: ${section}`,
    group: 'Places',
    scope: 'global',
    run: () => goTo('settings', { settingsSection: section }),
  })),
  {
    id: 'shell.tour',
    label: 'Take the guided tour',
    group: 'Window',
    scope: 'global',
    run: () => goTo('library', { tour: 0 }),
  },
  {
    id: 'shell.messages',
    label: 'Show messages',
    group: 'Window',
    scope: 'global',
    run: () => showOverlay('messages'),
  },
  {
    id: 'shell.rater',
    label: 'Change rater',
    group: 'Window',
    scope: 'global',
    detail: () => usePerson.getState().rater?.initials,
    run: () => showOverlay('rater'),
  },
  {
    id: 'shell.theme',
    label: 'Switch between dark and light',
    group: 'Window',
    scope: 'global',
    undo: 'shell.theme',
    run: () => {
      usePerson.setState((state) => ({ theme: state.theme === 'dark' ? 'light' : 'dark' }));
    },
  },
];
