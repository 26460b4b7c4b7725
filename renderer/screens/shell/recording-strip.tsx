// SPDX-License-Identifier: MIT
import type { ReactElement } from 'react';
import { useAcquire } from '../../stores/acquire.ts';
import { goTo, useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button } from '../../ui/controls.tsx';
import { clock, count, plural } from '../../ui/format.ts';
import styles from './shell.module.css';

const c = classes(styles);

/** In every place but Acquire, which has its own bar: that a recording is under way, for how long, and what is missing in it. */
export function RecordingStrip(): ReactElement | null {
  const status = useAcquire((state) => state.status);
  const place = useUi((state) => state.place);
  const recording = status?.recording ?? null;
  if (place === 'acquire' || recording === null) return null;
  const { seconds, missing, confirmed, doubt, folder } = recording;
  return (
    <section className={c('strip', !confirmed && 'stripDoubt')} aria-label="Recording under way">
      <span className={c('stripDot')} />
      <b>{status?.mode === 'finishing' ? 'Finishing' : confirmed ? 'Recording' : 'Recording not confirmed'}</b>
      <span className={c('stripClock')} role="timer" aria-label="Recording time">
        {clock(seconds).slice(0, -2)}
      </span>
      <span>{missing === null ? 'dropped –' : `dropped ${count(missing)}`}</span>
      <span className={c('stripFolder')}>{confirmed ? folder : doubt}</span>
      <span className={c('grow')} />
      {status?.messages.some(({ severity }) => severity === 'error') === true ? (
        <span>{plural(status.messages.filter(({ severity }) => severity === 'error').length, 'error')}</span>
      ) : null}
      <Button size="small" onPress={() => goTo('acquire')}>
        Go to Acquire
      </Button>
    </section>
  );
}
