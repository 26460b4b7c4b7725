// SPDX-License-Identifier: MIT
import { create } from 'zustand';
import { createJSONStorage, persist } from 'zustand/middleware';
import type { Command, Scope } from '../ui/commands/registry.ts';

/** What Settings shows of a command, also of one whose place is not open now. */
export interface KnownCommand {
  readonly id: string;
  readonly label: string;
  readonly scope: Scope;
  /** The keys it has by itself. */
  readonly keys: readonly string[];
}

interface Known {
  readonly commands: Readonly<Record<string, KnownCommand>>;
}

/** Commands that places have offered so far. Kept for the browser. */
export const useKnownCommands = create<Known>()(
  persist((): Known => ({ commands: {} }), {
    name: 'calyx.commands',
    storage: createJSONStorage(() => localStorage),
  }),
);

/** Remembers commands with what they are called today. */
export function rememberCommands(commands: readonly Command[], ownKeys: (id: string) => readonly string[]): void {
  const before = useKnownCommands.getState().commands;
  const next = { ...before };
  let changed = false;
  for (const { id, label, scope } of commands) {
    const keys = ownKeys(id);
    const old = before[id];
    if (old !== undefined && old.label === label && old.scope === scope && old.keys.join(' ') === keys.join(' '))
      continue;
    next[id] = { id, label, scope, keys };
    changed = true;
  }
  if (changed) useKnownCommands.setState({ commands: next });
}

/** Chords in force, by command. */
export function keysInForce(
  known: readonly KnownCommand[],
  bound: Readonly<Record<string, readonly string[]>>,
): ReadonlyMap<string, readonly string[]> {
  return new Map(known.map(({ id, keys }) => [id, bound[id] ?? keys]));
}

export interface Clash {
  readonly command: KnownCommand;
  /** In the same place: both cannot be. Else the one of the place wins over the one that works everywhere. */
  readonly same: boolean;
}

/** Who else has a chord where a command would work. */
export function clashes(
  known: readonly KnownCommand[],
  bound: Readonly<Record<string, readonly string[]>>,
  id: string,
  chord: string,
): readonly Clash[] {
  const me = known.find((command) => command.id === id);
  if (me === undefined) return [];
  const inForce = keysInForce(known, bound);
  return known.flatMap((command): readonly Clash[] => {
    if (command.id === id || inForce.get(command.id)?.includes(chord) !== true) return [];
    if (command.scope === me.scope) return [{ command, same: true }];
    return command.scope === 'global' || me.scope === 'global' ? [{ command, same: false }] : [];
  });
}

/** The place a scope belongs to, as a person calls it. */
export function scopeName(scope: Scope): string {
  if (scope === 'global') return 'Everywhere';
  const name = scope.slice(scope.indexOf(':') + 1);
  return name.charAt(0).toUpperCase() + name.slice(1);
}
