// SPDX-License-Identifier: MIT
import { type KeyboardEvent, type ReactElement, useMemo, useState } from 'react';
import { clashes, type KnownCommand, keysInForce, scopeName, useKnownCommands } from '../../stores/known-commands.ts';
import { usePerson } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { chordOf, keyCaps } from '../../ui/commands/keys.ts';
import { Button, Keys, SearchField } from '../../ui/controls.tsx';
import { plural } from '../../ui/format.ts';
import { allCommands } from './all-commands.ts';
import { Part } from './parts.tsx';
import styles from './settings.module.css';

const c = classes(styles);

/** Every key: what it does, where, and another one if a person likes. */
export function ShortcutsPage(): ReactElement {
  const bound = usePerson((state) => state.keys);
  const remembered = useKnownCommands((state) => state.commands);
  // What a place offers today says more than what is known of it by itself.
  const known = useMemo(
    () => Object.values({ ...Object.fromEntries(allCommands().map((one) => [one.id, one])), ...remembered }),
    [remembered],
  );
  const twice = known.filter(({ id }) =>
    (keysInForce(known, bound).get(id) ?? []).some((chord) =>
      clashes(known, bound, id, chord).some(({ same }) => same),
    ),
  ).length;
  const [query, setQuery] = useState('');
  const wanted = query.trim().toLowerCase();
  const inForce = keysInForce(known, bound);
  const shown = known.filter(
    ({ id, label }) =>
      label.toLowerCase().includes(wanted) ||
      (inForce.get(id) ?? []).some((chord) => keyCaps(chord).join(' ').toLowerCase() === wanted),
  );
  const scopes = [...new Set(known.map(({ scope }) => scope))].toSorted((a, b) =>
    a === 'global' ? -1 : b === 'global' ? 1 : a.localeCompare(b),
  );
  const changed = Object.keys(bound).length;
  return (
    <div className={c('page')}>
      <div className={c('acts')}>
        <span className={c('searchBox')}>
          <SearchField
            label="Find a command or a key"
            placeholder="Find a command or a key"
            value={query}
            onChange={setQuery}
          />
        </span>
        <span className={c('grow')} />
        <Button
          off={changed === 0 ? 'All keys are as they came.' : undefined}
          onPress={() => usePerson.setState({ keys: {} })}
        >
          {changed === 0 ? 'Undo all changes' : `Undo ${plural(changed, 'change')}`}
        </Button>
      </div>
      <p className={c('help')}>
        The keys of all places. Single letters do not work while you type in a field. A key may mean something else in
        another place; within one it is said where two commands want the same.
      </p>
      {twice === 0 ? null : (
        <p className={c('rec')} role="status">
          {plural(twice, 'command shares', 'commands share')} a key with another of the same place.
        </p>
      )}
      {scopes.map((scope) => {
        const members = shown.filter((command) => command.scope === scope);
        if (members.length === 0) return null;
        return (
          <Part key={scope} title={scopeName(scope)}>
            <table className={c('table')}>
              <tbody>
                {members
                  .toSorted((a, b) => a.label.localeCompare(b.label))
                  .map((command) => (
                    <Line key={command.id} command={command} known={known} chords={inForce.get(command.id) ?? []} />
                  ))}
              </tbody>
            </table>
          </Part>
        );
      })}
      {shown.length === 0 ? <p className={c('dim')}>No command or key is “{query}”.</p> : null}
    </div>
  );
}

interface LineProps {
  readonly command: KnownCommand;
  readonly known: readonly KnownCommand[];
  readonly chords: readonly string[];
}

function Line({ command, known, chords }: LineProps): ReactElement {
  const bound = usePerson((state) => state.keys);
  const [listening, setListening] = useState(false);
  const [refused, setRefused] = useState<string>();
  const bind = (next: readonly string[] | null): void => {
    const { [command.id]: _old, ...others } = bound;
    usePerson.setState({ keys: next === null ? others : { ...others, [command.id]: next } });
    setListening(false);
    setRefused(undefined);
  };
  const keyed = (event: KeyboardEvent): void => {
    if (!listening) return;
    if (event.key === 'Tab') {
      setListening(false);
      return;
    }
    const chord = chordOf(event.nativeEvent);
    if (chord === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (chord === 'Escape') {
      setListening(false);
      return;
    }
    if (chord === 'Backspace') {
      bind([]);
      return;
    }
    const other = clashes(known, bound, command.id, chord).find(({ same }) => same);
    if (other === undefined) bind([chord]);
    else setRefused(`${keyCaps(chord).join(' ')} is “${other.command.label}” already.`);
  };
  const elsewhere = chords.flatMap((chord) => clashes(known, bound, command.id, chord));
  const own = bound[command.id] !== undefined;
  return (
    <tr>
      <td className={c('hi')}>
        {command.label}
        {elsewhere.map(({ command: other, same }) => (
          <span key={other.id} className={c('clash', same ? 'rec' : 'dim')}>
            {same
              ? `also “${other.label}”`
              : `in ${scopeName(other.scope === 'global' ? command.scope : other.scope)} ${other.scope === 'global' ? 'instead of' : 'this key is'} “${other.label}”`}
          </span>
        ))}
        {refused === undefined ? null : (
          <span className={c('clash rec')} role="alert">
            {refused}
          </span>
        )}
      </td>
      <td className={c('act')}>
        <span className={c('keys')}>
          {listening ? (
            <span className={c('listening')}>Press keys; Esc leaves, Backspace takes them away</span>
          ) : chords.length === 0 ? (
            <span className={c('dim')}>no key</span>
          ) : (
            chords.map((chord) => <Keys key={chord} chord={chord} />)
          )}
          {own ? (
            <Button size="small" kind="bare" onPress={() => bind(null)} label={`As it came: ${command.label}`}>
              As it came
            </Button>
          ) : null}
          <span onKeyDown={keyed} onBlur={() => setListening(false)} role="presentation">
            <Button
              size="small"
              pressed={listening}
              label={`Change keys of ${command.label}`}
              onPress={() => {
                setRefused(undefined);
                setListening(!listening);
              }}
            >
              Change
            </Button>
          </span>
        </span>
      </td>
    </tr>
  );
}
