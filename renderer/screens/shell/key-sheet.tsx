// SPDX-License-Identifier: MIT
import { type ReactElement, useState } from 'react';
import type { Place } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import type { Command } from '../../ui/commands/registry.ts';
import { useAllCommands } from '../../ui/commands/use-commands.ts';
import { Keys, SearchField } from '../../ui/controls.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { placeOf } from './places.tsx';
import styles from './shell.module.css';

const c = classes(styles);

/** All keys that work here, this place's first. */
export function KeySheet({ place, onClose }: { readonly place: Place; readonly onClose: () => void }): ReactElement {
  const [query, setQuery] = useState('');
  const wanted = query.trim().toLowerCase();
  const commands = useAllCommands().filter(
    (command) =>
      command.keys !== undefined &&
      (command.scope === 'global' || command.scope === `screen:${place}`) &&
      command.label.toLowerCase().includes(wanted),
  );
  const ordered = [
    ...commands.filter((command) => command.scope !== 'global'),
    ...commands.filter((command) => command.scope === 'global'),
  ];
  const groups = new Map<string, Command[]>();
  for (const command of ordered) groups.set(command.group, [...(groups.get(command.group) ?? []), command]);
  return (
    <Dialog title={`Shortcuts in ${placeOf(place).name}`} onClose={onClose} width={760} top>
      <div className={c('sheetSearch')}>
        <SearchField
          label="Find a shortcut"
          placeholder="Find a shortcut"
          value={query}
          onChange={setQuery}
          takesFocus
        />
      </div>
      <div className={c('sheet')}>
        {[...groups].map(([group, members]) => (
          <div key={group} className={c('group')}>
            <h3>{group}</h3>
            <dl>
              {members.map((command) => (
                <Row key={command.id} command={command} />
              ))}
            </dl>
          </div>
        ))}
        {groups.size === 0 ? <p className={c('none')}>No shortcut has “{query}” in its name.</p> : null}
      </div>
    </Dialog>
  );
}

function Row({ command }: { readonly command: Command }): ReactElement {
  return (
    <>
      <dt>{command.label}</dt>
      <dd>
        <Keys chord={command.keys?.[0] ?? ''} />
      </dd>
    </>
  );
}
