// SPDX-License-Identifier: MIT
import { Bookmark, Plus, X } from 'lucide-react';
import { type ReactElement, useState } from 'react';
import { dropFilter, plainView, saveView, useLibraryView } from '../../stores/library-views.ts';
import {
  type Filter,
  type FilterKind,
  filterKinds,
  filterValues,
  type SessionLine,
} from '../../stores/session-list.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Field, Select } from '../../ui/controls.tsx';
import { Icon } from '../../ui/icons.tsx';
import { MenuList, Popup } from '../../ui/popup.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

/** The filters in force; each can be taken away. */
export function Chips({ filters }: { readonly filters: readonly Filter[] }): ReactElement {
  return (
    <>
      {filters.map((filter) => (
        <button
          key={`${filter.kind} ${filter.value}`}
          type="button"
          className={c('chip')}
          aria-label={`Remove filter ${filter.kind} ${filter.value}`}
          onClick={() => dropFilter(filter)}
        >
          {filter.kind} <b>{filter.value}</b>
          <Icon of={X} size={12} />
        </button>
      ))}
    </>
  );
}

const isDay = (text: string): boolean => /^\d{4}-\d{2}-\d{2}$/.test(text) && Number.isFinite(Date.parse(text));

interface FilterProps {
  readonly lines: readonly SessionLine[];
  readonly onAdd: (filter: Filter) => void;
}

/** Adds a filter: what it is about, then a value that occurs. */
export function FilterPopup({ lines, onAdd }: FilterProps): ReactElement {
  return (
    <Popup
      kind="bare"
      label="Filter"
      button={
        <>
          <Icon of={Plus} />
          Filter
        </>
      }
      width={280}
    >
      {(close) => (
        <FilterForm
          lines={lines}
          onAdd={(filter) => {
            onAdd(filter);
            close();
          }}
        />
      )}
    </Popup>
  );
}

function FilterForm({ lines, onAdd }: FilterProps): ReactElement {
  const [kind, setKind] = useState<FilterKind>('animal');
  const [day, setDay] = useState('');
  const [value, setValue] = useState('');
  const typed = kind === 'since' || kind === 'until';
  const values = filterValues(lines, kind);
  const chosen = typed ? day.trim() : values.includes(value) ? value : (values[0] ?? '');
  const off = typed
    ? isDay(chosen)
      ? undefined
      : 'Type a day, as in 2026-11-20.'
    : chosen === ''
      ? 'No session has such a value.'
      : undefined;
  const add = (): void => {
    if (off === undefined) onAdd({ kind, value: chosen });
  };
  return (
    <div className={c('popForm')}>
      <Select
        label="Filter by"
        value={kind}
        onChange={setKind}
        options={filterKinds.map((name) => ({ value: name, label: name }))}
      />
      {typed ? (
        <Field label={`Sessions ${kind}`} value={day} onChange={setDay} placeholder="2026-11-20" onEnter={add} />
      ) : values.length === 0 ? (
        <span className={c('dim')}>No session has a {kind} yet.</span>
      ) : (
        <Select
          label="Value"
          value={chosen}
          onChange={setValue}
          options={values.map((name) => ({ value: name, label: name }))}
        />
      )}
      <Button onPress={add} off={off}>
        Add filter
      </Button>
    </div>
  );
}

/** Looks at the list that were saved under a name. */
export function ViewsPopup(): ReactElement {
  const { saved, query, filters } = useLibraryView();
  const [name, setName] = useState('');
  const plain = query === '' && filters.length === 0;
  return (
    <Popup
      kind="bare"
      label="Saved views"
      button={
        <>
          <Icon of={Bookmark} />
          Views
        </>
      }
      width={280}
    >
      {(close) => (
        <>
          <MenuList
            close={close}
            items={[
              { label: 'All sessions', onPress: () => useLibraryView.setState(plainView) },
              ...saved.map((view) => ({
                label: view.name,
                onPress: () => {
                  const { name: _name, ...look } = view;
                  useLibraryView.setState(look);
                },
              })),
            ]}
          />
          <div className={c('popForm')}>
            <Field
              label="Name of this view"
              placeholder="Name of this view"
              value={name}
              onChange={setName}
              maxLength={60}
            />
            <div className={c('popActs')}>
              <Button
                size="small"
                off={name.trim() === '' ? 'Give it a name first.' : undefined}
                onPress={() => {
                  saveView(name.trim());
                  setName('');
                  close();
                }}
              >
                Save {plain ? 'this arrangement' : 'these filters'}
              </Button>
              {saved.some((view) => view.name === name.trim()) ? (
                <Button
                  size="small"
                  onPress={() => {
                    useLibraryView.setState({ saved: saved.filter((view) => view.name !== name.trim()) });
                    setName('');
                  }}
                >
                  Delete “{name.trim()}”
                </Button>
              ) : null}
            </div>
          </div>
        </>
      )}
    </Popup>
  );
}
