// SPDX-License-Identifier: MIT
import { Search } from 'lucide-react';
import { type KeyboardEvent, type ReactElement, useEffect, useRef, useState } from 'react';
import { useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { type Match, search } from '../../ui/commands/registry.ts';
import { runCommand, useAllCommands } from '../../ui/commands/use-commands.ts';
import { Keys } from '../../ui/controls.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Icon } from '../../ui/icons.tsx';
import styles from './shell.module.css';

const c = classes(styles);

/** Finds a command by its words and does it. */
export function Palette({ onClose }: { readonly onClose: () => void }): ReactElement {
  const place = useUi((state) => state.place);
  const commands = useAllCommands();
  const [query, setQuery] = useState('');
  const [index, setIndex] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const here = commands.filter((command) => command.scope === `screen:${place}`);
  const elsewhere = commands.filter((command) => command.scope === 'global');
  const matches = search([...here, ...elsewhere], query);
  const chosen = Math.min(index, matches.length - 1);
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);
  const run = (match: Match | undefined): void => {
    if (match === undefined) return;
    onClose();
    runCommand(match.command);
  };
  const keyed = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown') setIndex(Math.min(chosen + 1, matches.length - 1));
    else if (event.key === 'ArrowUp') setIndex(Math.max(chosen - 1, 0));
    else if (event.key === 'Enter') run(matches[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Run a command" onClose={onClose} width={560} top plain>
      <div className={c('palHead')}>
        <Icon of={Search} />
        <input
          data-autofocus
          role="combobox"
          aria-label="Search or run"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant={`palette-${String(chosen)}`}
          placeholder="Search or run…"
          autoComplete="off"
          spellCheck={false}
          value={query}
          onChange={(event) => {
            setQuery(event.target.value);
            setIndex(0);
          }}
          onKeyDown={keyed}
        />
        <kbd>Esc</kbd>
      </div>
      <div className={c('palList')} id="palette-list" role="listbox" aria-label="Commands" ref={list}>
        {matches.map((match, position) => (
          <PaletteItem
            key={match.command.id}
            match={match}
            id={`palette-${String(position)}`}
            selected={position === chosen}
            onPoint={() => setIndex(position)}
            onRun={() => run(match)}
          />
        ))}
        {matches.length === 0 ? <p className={c('palNone')}>No command has “{query}” in its name.</p> : null}
      </div>
      <div className={c('palFoot')}>
        <span>
          <kbd>↑</kbd> <kbd>↓</kbd> choose
        </span>
        <span>
          <kbd>Enter</kbd> run
        </span>
      </div>
    </Dialog>
  );
}

interface ItemProps {
  readonly match: Match;
  readonly id: string;
  readonly selected: boolean;
  readonly onPoint: () => void;
  readonly onRun: () => void;
}

function PaletteItem({ match, id, selected, onPoint, onRun }: ItemProps): ReactElement {
  const { command, start, length } = match;
  const enabled = command.enabled?.() ?? true;
  const detail = enabled === true ? command.detail?.() : enabled;
  const chord = command.keys?.[0];
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus -- the field above holds the focus and the keys
    <div
      id={id}
      role="option"
      aria-selected={selected}
      aria-disabled={enabled !== true}
      className={c('palItem')}
      onMouseMove={onPoint}
      onClick={onRun}
    >
      <span>
        {command.label.slice(0, start)}
        {length === 0 ? null : <mark>{command.label.slice(start, start + length)}</mark>}
        {command.label.slice(start + length)}
      </span>
      {detail === undefined ? null : <span className={c('palDetail')}>{detail}</span>}
      {chord === undefined ? null : (
        <span className={c('palKeys')}>
          <Keys chord={chord} />
        </span>
      )}
    </div>
  );
}
