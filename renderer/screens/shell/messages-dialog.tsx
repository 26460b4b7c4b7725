// SPDX-License-Identifier: MIT
import { CircleX, Info, TriangleAlert } from 'lucide-react';
import { type ReactElement, useState } from 'react';
import { messageCounts, useMessages } from '../../stores/messages.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Choice } from '../../ui/controls.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { plural, timeOfDay } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import styles from './shell.module.css';

const c = classes(styles);
const icons = { error: CircleX, warning: TriangleAlert, info: Info } as const;
const lines = { error: 'errLine', warning: 'warnLine', info: '' } as const;
const tones = { error: 'rec', warning: 'warn', info: '' } as const;

type Shown = 'all' | 'error' | 'warning';

/** What was said in this session; counts and lines stay. */
export function MessagesDialog({ onClose }: { readonly onClose: () => void }): ReactElement {
  const list = useMessages((state) => state.list);
  const [shown, setShown] = useState<Shown>('all');
  const counts = messageCounts(list);
  const lineList = list.filter((message) => shown === 'all' || message.severity === shown);
  const text = list
    .map(
      (message) =>
        `${new Date(message.at).toISOString()} ${message.severity} ${message.source}: ${message.text} ×${String(message.count)}`,
    )
    .join('\n');
  return (
    <Dialog
      title="Messages"
      onClose={onClose}
      width={880}
      foot={
        <>
          <Choice
            label="Show"
            value={shown}
            onChange={setShown}
            options={[
              { value: 'all', label: 'All' },
              { value: 'error', label: plural(counts.errors, 'error') },
              { value: 'warning', label: plural(counts.warnings, 'warning') },
            ]}
          />
          <span className={c('grow')} />
          <Button
            onPress={() => void navigator.clipboard.writeText(text)}
            off={list.length === 0 ? 'There is nothing to copy.' : undefined}
          >
            Copy for support
          </Button>
        </>
      }
    >
      <ol className={c('messages')}>
        {lineList.map((message) => (
          <li key={message.id} className={c(lines[message.severity])}>
            <span className={c(tones[message.severity])}>
              <Icon of={icons[message.severity]} />
            </span>
            <time>{timeOfDay(message.at)}</time>
            <span className={c('src')}>{message.source}</span>
            <span>{message.text}</span>
            <span className={c('src')}>× {message.count}</span>
          </li>
        ))}
        {lineList.length === 0 ? <p className={c('none')}>Nothing to say so far.</p> : null}
      </ol>
    </Dialog>
  );
}
