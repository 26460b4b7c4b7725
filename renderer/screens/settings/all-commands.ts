// SPDX-License-Identifier: MIT
import { QueryClient } from '@tanstack/react-query';
import type { Decider } from '../../client/decisions.ts';
import type { Connection, CoreClient } from '../../client/types.ts';
import { crossCommands } from '../../panels/edit-overlay.tsx';
import type { KnownCommand } from '../../stores/known-commands.ts';
import type { Command, Scope } from '../../ui/commands/registry.ts';
import { type DockApi, dockCommands } from '../../ui/dock/dock.tsx';
import { acquireCommands } from '../acquire/acquire-commands.ts';
import { explorePanels } from '../explore/explore-panels.tsx';
import { libraryCommands } from '../library/library-screen.tsx';
import { underWayCommands } from '../review/edit-commands.ts';
import { reviewCommands } from '../review/review-commands.ts';
import { reviewPanels } from '../review/review-panels.tsx';
import { shellCommands } from '../shell/shell-commands.ts';

/** Nothing is done with these commands but naming them: what they would work on is asked for only when they run. */
function unasked(): never {
  throw new Error('a command that is only listed was run');
}

const listed = (scope: Scope, rows: readonly (readonly [id: string, label: string, ...keys: string[]])[]) =>
  rows.map(([id, label, ...keys]): KnownCommand => ({ id, label, scope, keys }));

/** Those that a room or a panel makes for itself while it is open. A test opens them all and compares. */
const madeInPlace: readonly KnownCommand[] = [
  ...listed('screen:process', [['process.run', 'Run', 'Mod+Enter']]),
  ...listed('screen:library', [
    ['library.find', 'Find a session', '/'],
    ['library.all', 'Show all sessions again'],
    ['query.run', 'Run the query', 'Mod+Enter'],
  ]),
  ...listed('screen:review', [
    ['map.in', 'Zoom in', '+', '='],
    ['map.out', 'Zoom out', '-'],
    ['map.fit', 'Show the whole field', '0'],
  ]),
  ...listed('screen:explore', [
    ['explore.accept', 'Accept the match', 'A'],
    ['explore.reject', 'Reject the match', 'R'],
    ['explore.undecide', 'Leave the match undecided', 'U'],
    ['explore.next', 'Next undecided match', 'J'],
    ['explore.previous', 'Previous undecided match', 'K'],
    ['explore.acceptAbove', 'Accept all undecided matches above the limit', 'Shift+A'],
    ['explore.undo', 'Take the newest decision back', 'Mod+Z'],
  ]),
  ...listed('screen:settings', [['rig.save', 'Save rig', 'Mod+S']]),
];

const toKnown = ({ id, label, scope, keys = [] }: Command): KnownCommand => ({ id, label, scope, keys });

/** Every command of every place with the keys it came with, whether its place has been open or not. */
export function allCommands(): readonly KnownCommand[] {
  const none = {} as Connection;
  const made: readonly Command[] = [
    ...shellCommands,
    ...acquireCommands({} as CoreClient),
    ...reviewCommands(unasked, {} as Decider, none, new QueryClient(), unasked),
    ...underWayCommands(unasked, none, new QueryClient()),
    ...crossCommands(null, undefined, unasked),
    ...dockCommands('review', {} as DockApi, reviewPanels, unasked),
    ...dockCommands('explore', {} as DockApi, explorePanels, unasked),
    ...libraryCommands,
  ];
  const all = [...made.map(toKnown), ...madeInPlace];
  // Two commands may share a name where only one of them is there at a time; the first one tells of both.
  return [...new Map(all.toReversed().map((command) => [command.id, command])).values()].toReversed();
}
