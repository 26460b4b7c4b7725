// SPDX-License-Identifier: MIT
/** Names of key chords, and which of them an element keeps for itself. Pure: no DOM, so that it is tested without a browser. */

/** The parts of a keyboard event that decide. */
export interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
}

/** What holds the focus: a text field takes every key, a button only those that press it, a choice also the arrows. */
export type FocusKind = 'none' | 'text' | 'button' | 'choice';

const bare = new Set(['Control', 'Shift', 'Alt', 'Meta', 'Dead', 'Unidentified', 'Process']);
const pressing = new Set(['Space', 'Enter', 'Shift+Space', 'Shift+Enter']);
const arrows = new Set(['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'Home', 'End', 'PageUp', 'PageDown']);

/**
 * The chord of a key press, such as `A`, `Shift+ArrowLeft`, `Mod+Shift+Z` or `?`; undefined for a modifier alone.
 * `Mod` is Ctrl, or Cmd on a Mac. Shift is named only where it does not change the character itself.
 */
export function chordOf(press: KeyPress): string | undefined {
  if (bare.has(press.key)) return undefined;
  const letter = /^\p{L}$/u.test(press.key);
  const key = press.key === ' ' ? 'Space' : letter ? press.key.toUpperCase() : press.key;
  const printable = key.length === 1 && !letter;
  const parts: string[] = [];
  if (press.ctrlKey || press.metaKey) parts.push('Mod');
  if (press.altKey) parts.push('Alt');
  if (press.shiftKey && !printable) parts.push('Shift');
  parts.push(key);
  return parts.join('+');
}

/** Whether the focused element needs the chord itself, so that no command may take it. */
export function keptByFocus(chord: string, focus: FocusKind): boolean {
  if (focus === 'text') return true;
  if (focus === 'none') return false;
  return pressing.has(chord) || (focus === 'choice' && arrows.has(chord));
}

const shown: Readonly<Record<string, string>> = {
  Mod: 'Ctrl',
  ArrowLeft: '←',
  ArrowRight: '→',
  ArrowUp: '↑',
  ArrowDown: '↓',
  Escape: 'Esc',
};

/** The chord as the keys a person sees: `Mod+Shift+Z` → `['Ctrl', 'Shift', 'Z']`. */
export function keyCaps(chord: string, mac = false): readonly string[] {
  const parts = chord === '+' ? ['+'] : chord.split('+');
  return parts.map((part) => (part === 'Mod' && mac ? '⌘' : (shown[part] ?? part)));
}
