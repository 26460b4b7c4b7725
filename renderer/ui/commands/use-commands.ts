// SPDX-License-Identifier: MIT
import { useEffect, useSyncExternalStore } from 'react';
import { AppError } from '../../../main/contract/index.ts';
import { rememberCommands } from '../../stores/known-commands.ts';
import { report } from '../../stores/messages.ts';
import { chordOf, type FocusKind } from './keys.ts';
import { type Command, createRegistry, resolve, type Scope } from './registry.ts';

/** The window's commands. */
export const registry = createRegistry();

/** Offers commands while the component is there. The list must be stable (made once, or with `useMemo`). */
export function useCommands(commands: readonly Command[]): void {
  useEffect(() => {
    const leave = registry.register(commands);
    rememberCommands(commands, registry.ownKeys);
    return leave;
  }, [commands]);
}

/** All commands that exist now. */
export function useAllCommands(): readonly Command[] {
  return useSyncExternalStore(registry.subscribe, registry.all);
}

/** Does a command, or says why not. */
export function runCommand(command: Command): void {
  const enabled = command.enabled?.() ?? true;
  if (enabled !== true) {
    report('info', command.label, enabled);
    return;
  }
  const failed = (thrown: unknown): void => {
    const error = AppError.from(thrown);
    report('error', command.label, error.hint === undefined ? error.message : `${error.message} ${error.hint}`);
  };
  try {
    Promise.resolve(command.run()).catch(failed);
  } catch (thrown) {
    failed(thrown);
  }
}

/** Does the command of an id, if it exists now. */
export function runById(id: string): void {
  const command = registry.get(id);
  if (command !== undefined) runCommand(command);
}

const buttonRoles = new Set([
  'button',
  'link',
  'checkbox',
  'switch',
  'option',
  'menuitem',
  'tab',
  'row',
  'columnheader',
]);

function focusKind(target: EventTarget | null): FocusKind {
  if (!(target instanceof HTMLElement)) return 'none';
  const role = target.getAttribute('role');
  if (target instanceof HTMLInputElement) {
    if (target.type === 'checkbox') return 'button';
    return target.type === 'range' || target.type === 'radio' ? 'choice' : 'text';
  }
  if (target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable)
    return 'text';
  if (role === 'radio' || role === 'slider') return 'choice';
  if (target instanceof HTMLButtonElement || target instanceof HTMLAnchorElement) return 'button';
  return role !== null && buttonRoles.has(role) ? 'button' : 'none';
}

/** What the page does with a key now; windows that panels were put into do the same. */
let pageKeys: ((event: KeyboardEvent) => void) | undefined;

/** Takes the keys of another window of this page; the returned function leaves it alone. */
export function listenForKeys(other: Window): () => void {
  const pressed = (event: KeyboardEvent): void => pageKeys?.(event);
  other.addEventListener('keydown', pressed);
  return () => other.removeEventListener('keydown', pressed);
}

/** Listens to the keys of the page and does the commands they stand for. */
export function useKeys(screen: string): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing || document.querySelector('dialog[open]') !== null) return;
      const chord = chordOf(event);
      if (chord === undefined) return;
      const panel = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-scope]') : null;
      const active: Scope[] = ['global', `screen:${screen}`];
      const scope = panel?.dataset['scope'];
      if (scope !== undefined) active.push(`panel:${scope}`);
      const command = resolve(registry.all(), chord, active, focusKind(event.target));
      if (command === undefined) return;
      event.preventDefault();
      runCommand(command);
    };
    pageKeys = pressed;
    window.addEventListener('keydown', pressed);
    return () => {
      pageKeys = undefined;
      window.removeEventListener('keydown', pressed);
    };
  }, [screen]);
}
