// SPDX-License-Identifier: MIT
import { type FocusKind, keptByFocus } from './keys.ts';

/** Where a command's keys work: everywhere, in one place of the rail, or while one panel holds the focus. */
export type Scope = 'global' | `screen:${string}` | `panel:${string}`;

/** Something a person can do. The palette, the `?` sheet and the keys are all made from these. */
export interface Command {
  readonly id: string;
  readonly label: string;
  /** Heading in the `?` sheet. */
  readonly group: string;
  readonly scope: Scope;
  /** Chords as `chordOf` names them; the first is shown. */
  readonly keys?: readonly string[];
  /** What it would act on now, shown dim beside the label. */
  readonly detail?: () => string | undefined;
  /** `true`, or why it cannot be done now. */
  readonly enabled?: () => true | string;
  readonly run: () => void | Promise<void>;
  /** The command that takes it back. */
  readonly undo?: string;
  /** Works while a text field holds the focus, too. */
  readonly inText?: boolean;
  /** Has keys, but is of no use in the palette. */
  readonly keysOnly?: boolean;
}

/** The commands that exist at this moment. */
export interface Registry {
  /** Adds commands; the returned function removes them. Throws when a chord or id is taken in the same scope. */
  readonly register: (commands: readonly Command[]) => () => void;
  readonly all: () => readonly Command[];
  readonly get: (id: string) => Command | undefined;
  /** Chords that a person bound anew, by command. One that would clash with another command is left at its own keys. */
  readonly bind: (keys: Readonly<Record<string, readonly string[]>>) => void;
  /** The keys a command has by itself. */
  readonly ownKeys: (id: string) => readonly string[];
  readonly subscribe: (listener: () => void) => () => void;
}

/** Two commands that want the same chord in the same scope, as `chord: a, b`. */
export function conflicts(commands: readonly Command[]): readonly string[] {
  const taken = new Map<string, string>();
  const found: string[] = [];
  for (const command of commands) {
    for (const chord of command.keys ?? []) {
      const place = `${command.scope} ${chord}`;
      const other = taken.get(place);
      if (other === undefined) taken.set(place, command.id);
      else found.push(`${chord}: ${other}, ${command.id}`);
    }
  }
  return found;
}

/** Commands with the chords a person bound anew; those that would clash keep their own. */
export function rebound(
  commands: readonly Command[],
  keys: Readonly<Record<string, readonly string[]>>,
): readonly Command[] {
  let result = commands;
  for (const [id, chords] of Object.entries(keys)) {
    const next = result.map((command) => (command.id === id ? Object.assign({}, command, { keys: chords }) : command));
    if (conflicts(next).length === 0) result = next;
  }
  return result;
}

/** An empty registry. */
export function createRegistry(): Registry {
  let own: readonly Command[] = [];
  let commands: readonly Command[] = [];
  let bound: Readonly<Record<string, readonly string[]>> = {};
  const listeners = new Set<() => void>();
  const publish = (next: readonly Command[]): void => {
    own = next;
    commands = rebound(own, bound);
    for (const listener of listeners) listener();
  };
  return {
    register(added) {
      const next = [...own, ...added];
      const clash = conflicts(next);
      if (clash.length > 0) throw new Error(`Two commands want the same keys: ${clash.join('; ')}`);
      const ids = new Set(next.map((command) => command.id));
      if (ids.size !== next.length) throw new Error('Two commands have the same id');
      publish(next);
      const mine = new Set(added);
      return () => publish(own.filter((command) => !mine.has(command)));
    },
    all: () => commands,
    get: (id) => commands.find((command) => command.id === id),
    bind(keys) {
      if (keys === bound) return;
      bound = keys;
      publish(own);
    },
    ownKeys: (id) => own.find((command) => command.id === id)?.keys ?? [],
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/**
 * The command that a chord stands for now, or undefined. A panel's command wins over its screen's, a screen's over a global one.
 * @param active scopes that are in force, `global` included
 */
export function resolve(
  commands: readonly Command[],
  chord: string,
  active: readonly Scope[],
  focus: FocusKind,
): Command | undefined {
  const rank = (scope: Scope): number => (scope === 'global' ? 0 : scope.startsWith('screen:') ? 1 : 2);
  let best: Command | undefined;
  for (const command of commands) {
    if (command.keys?.includes(chord) !== true || !active.includes(command.scope)) continue;
    if (focus === 'text' ? command.inText !== true : keptByFocus(chord, focus)) continue;
    if (best === undefined || rank(command.scope) > rank(best.scope)) best = command;
  }
  return best;
}

/** One line of the palette: a command and where its label matches. */
export interface Match {
  readonly command: Command;
  readonly start: number;
  readonly length: number;
}

/** Commands whose label holds the query, those that begin with it first; all of them for an empty query. */
export function search(commands: readonly Command[], query: string): readonly Match[] {
  const wanted = query.trim().toLowerCase();
  const found: Match[] = [];
  for (const command of commands) {
    if (command.keysOnly === true) continue;
    const start = command.label.toLowerCase().indexOf(wanted);
    if (start >= 0) found.push({ command, start, length: wanted.length });
  }
  const order = (match: Match): number =>
    match.start === 0 ? 0 : match.command.label[match.start - 1] === ' ' ? 1 : 2;
  return found
    .map((match, index) => ({ match, index }))
    .sort((a, b) => order(a.match) - order(b.match) || a.index - b.index)
    .map(({ match }) => match);
}
