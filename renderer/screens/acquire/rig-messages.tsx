// SPDX-License-Identifier: MIT
import { CircleX, Info, TriangleAlert } from 'lucide-react';
import type { ReactElement } from 'react';
import type { AcquireStatus } from '../../../main/contract/index.ts';
import { classes } from '../../ui/classes.ts';
import { plural, timeOfDay } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Panel } from '../../ui/panel.tsx';
import { PractiseMenu } from './practise-menu.tsx';
import { styles } from './styles.ts';

const c = classes(styles);
const icons = { info: Info, warning: TriangleAlert, error: CircleX } as const;
const tones = { info: 'quiet', warning: 'warn', error: 'bad' } as const;

/** What the rig has said, newest first, each thing once with its count. */
export function RigMessages({ status }: { readonly status: AcquireStatus }): ReactElement {
  const { messages } = status;
  const errors = messages.filter(({ severity }) => severity === 'error').length;
  const warnings = messages.filter(({ severity }) => severity === 'warning').length;
  return (
    <Panel
      title="Messages"
      meta={`${plural(errors, 'error')} · ${plural(warnings, 'warning')}`}
      scroll
      end={<PractiseMenu status={status} />}
    >
      <ol className={c('messages')} aria-live="polite" aria-label="Messages of the rig">
        {messages.map(({ id, at, severity, text, count }) => (
          <li key={id}>
            <span className={c(tones[severity])}>
              <Icon of={icons[severity]} />
            </span>
            <time>{timeOfDay(at)}</time>
            <span>{text}</span>
            <span className={c('quiet')}>{count > 1 ? `× ${String(count)}` : ''}</span>
          </li>
        ))}
      </ol>
    </Panel>
  );
}
