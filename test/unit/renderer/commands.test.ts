// SPDX-License-Identifier: MIT
import { QueryClient } from '@tanstack/react-query';
import { describe, expect, it } from 'vitest';
import { chordOf, keptByFocus, keyCaps } from '../../../renderer/ui/commands/keys.ts';
import { type Command, conflicts, createRegistry, resolve, search } from '../../../renderer/ui/commands/registry.ts';
import type { Connection } from '../../../renderer/client/types.ts';
import { reviewCommands } from '../../../renderer/screens/review/review-commands.ts';
import { shellCommands } from '../../../renderer/screens/shell/shell-commands.ts';

const press = (key: string, held: Partial<Record<'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey', boolean>> = {}) => ({
  key,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  ...held,
});

const command = (
  id: string,
  scope: Command['scope'],
  keys: readonly string[],
  more: Partial<Command> = {},
): Command => ({
  id,
  label: id,
  group: 'Test',
  scope,
  keys,
  run: () => undefined,
  ...more,
});

describe('names of chords', () => {
  it('are the same for a letter with and without caps lock', () => {
    expect(chordOf(press('a'))).toBe('A');
    expect(chordOf(press('A'))).toBe('A');
    expect(chordOf(press('A', { shiftKey: true }))).toBe('Shift+A');
  });
  it('say Mod for Ctrl and for Cmd', () => {
    expect(chordOf(press('z', { ctrlKey: true }))).toBe('Mod+Z');
    expect(chordOf(press('Z', { metaKey: true, shiftKey: true }))).toBe('Mod+Shift+Z');
  });
  it('leave Shift out where it only makes the character', () => {
    expect(chordOf(press('?', { shiftKey: true }))).toBe('?');
    expect(chordOf(press('ArrowLeft', { shiftKey: true }))).toBe('Shift+ArrowLeft');
    expect(chordOf(press(' '))).toBe('Space');
  });
  it('do not exist for a modifier alone', () => {
    expect(chordOf(press('Control', { ctrlKey: true }))).toBeUndefined();
  });
  it('are shown as a person reads them', () => {
    expect(keyCaps('Mod+Shift+Z')).toEqual(['Ctrl', 'Shift', 'Z']);
    expect(keyCaps('Shift+ArrowRight')).toEqual(['Shift', '→']);
    expect(keyCaps('+')).toEqual(['+']);
  });
});

describe('the focused element', () => {
  it('keeps every key when text is typed into it', () => {
    expect(keptByFocus('A', 'text')).toBe(true);
  });
  it('keeps only the keys that press it when it is a button', () => {
    expect(keptByFocus('Space', 'button')).toBe(true);
    expect(keptByFocus('A', 'button')).toBe(false);
    expect(keptByFocus('ArrowDown', 'button')).toBe(false);
    expect(keptByFocus('ArrowDown', 'choice')).toBe(true);
  });
});

describe('which command a key does', () => {
  const commands = [
    command('everywhere', 'global', ['A']),
    command('here', 'screen:review', ['A']),
    command('panel', 'panel:map', ['A']),
    command('palette', 'global', ['Mod+K'], { inText: true }),
    command('play', 'screen:review', ['Space']),
  ];
  it('is the nearest one: panel, then place, then window', () => {
    expect(resolve(commands, 'A', ['global', 'screen:review', 'panel:map'], 'none')?.id).toBe('panel');
    expect(resolve(commands, 'A', ['global', 'screen:review'], 'none')?.id).toBe('here');
    expect(resolve(commands, 'A', ['global', 'screen:library'], 'none')?.id).toBe('everywhere');
  });
  it('is none while text is typed, but for those that say so', () => {
    expect(resolve(commands, 'A', ['global', 'screen:review'], 'text')).toBeUndefined();
    expect(resolve(commands, 'Mod+K', ['global'], 'text')?.id).toBe('palette');
  });
  it('leaves Space to the button that has the focus', () => {
    expect(resolve(commands, 'Space', ['global', 'screen:review'], 'button')).toBeUndefined();
    expect(resolve(commands, 'Space', ['global', 'screen:review'], 'none')?.id).toBe('play');
  });
});

describe('the registry', () => {
  it('refuses two commands for one key in one scope', () => {
    const registry = createRegistry();
    registry.register([command('one', 'screen:review', ['B'])]);
    expect(() => registry.register([command('two', 'screen:review', ['B'])])).toThrow('B: one, two');
    expect(registry.all()).toHaveLength(1);
  });
  it('forgets commands whose screen has gone and tells its listeners', () => {
    const registry = createRegistry();
    let told = 0;
    registry.subscribe(() => {
      told += 1;
    });
    const leave = registry.register([command('one', 'global', ['B'])]);
    leave();
    expect(registry.all()).toEqual([]);
    expect(told).toBe(2);
  });
  it('finds commands by a part of their label, beginnings first', () => {
    const list = [command('Undo accept', 'global', []), command('Accept', 'global', [])];
    expect(search(list, 'acc').map((match) => match.command.id)).toEqual(['Accept', 'Undo accept']);
    expect(search([command('hidden', 'global', ['X'], { keysOnly: true })], '')).toEqual([]);
  });
  it('has no clash between the commands of Review and those of the window', () => {
    const review = reviewCommands(
      () => {
        throw new Error('not asked');
      },
      {
        decide: () => Promise.resolve(),
        decideMany: () => Promise.resolve(),
        undo: () => Promise.resolve([]),
        redo: () => Promise.resolve([]),
        settle: () => Promise.resolve(),
        pending: () => 0,
      },
      {} as Connection,
      new QueryClient(),
      () => undefined,
    );
    expect(conflicts([...shellCommands, ...review])).toEqual([]);
    const ids = new Set([...shellCommands, ...review].map((each) => each.id));
    for (const each of [...shellCommands, ...review]) if (each.undo !== undefined) expect(ids).toContain(each.undo);
  });
});

describe('keys that a person bound anew', () => {
  const go = { group: 'g', scope: 'global', run: () => undefined } as const;

  it('replace the command’s own, now and for commands that come later; a clash keeps its own', () => {
    const registry = createRegistry();
    registry.bind({ accept: ['Y'], reject: ['Y'] });
    registry.register([
      { ...go, id: 'accept', label: 'Accept', keys: ['A'] },
      { ...go, id: 'reject', label: 'Reject', keys: ['R'] },
    ]);
    expect(registry.get('accept')?.keys).toEqual(['Y']);
    expect(registry.get('reject')?.keys).toEqual(['R']);
    expect(registry.ownKeys('accept')).toEqual(['A']);
    registry.bind({});
    expect(registry.get('accept')?.keys).toEqual(['A']);
  });
});
