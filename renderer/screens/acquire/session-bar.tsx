// SPDX-License-Identifier: MIT
import { Eye, Flag, ListChecks, Lock, LockOpen, Square, Timer, Unplug, Zap } from 'lucide-react';
import type { ReactElement, ReactNode } from 'react';
import type { AcquireStatus } from '../../../main/contract/index.ts';
import { atRig } from '../../client/acquire.ts';
import { useCore } from '../../client/context.ts';
import { useAcquire, useRigLayout } from '../../stores/acquire.ts';
import { classes } from '../../ui/classes.ts';
import { Button } from '../../ui/controls.tsx';
import { bytes, count, decimal, unknown } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { styles } from './styles.ts';
import { HoldButton } from './hold-button.tsx';

const c = classes(styles);

/** Seconds as `hh:mm:ss`. */
export function wholeClock(seconds: number): string {
  const whole = Math.floor(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

/** What the instrument does, its numbers, and what can be done now. */
export function SessionBar({ status }: { readonly status: AcquireStatus }): ReactElement {
  const { recording } = status;
  const dropped = allDropped(status);
  const buffer = Math.max(status.bufferWorst, ...status.companions.scopes.map(({ bufferWorst }) => bufferWorst));
  return (
    <section className={c('sess')} aria-label="Recording">
      <Clock status={status} />
      <dl className={c('teles')}>
        <Tele
          name="Dropped"
          value={count(dropped)}
          unit="frames"
          warn={(dropped ?? 0) > 0}
          why={
            dropped === null
              ? 'Unknown: a board’s counter could not be read, or a scope was away.'
              : status.companions.scopes.length > 0
                ? 'Of all scopes together; each tile has its own.'
                : undefined
          }
        />
        <Tele
          name="Worst buffer, 10 s"
          value={recording === null ? unknown : String(Math.round(buffer * 100))}
          unit="%"
          warn={buffer > 0.5}
          why={recording === null ? 'It fills while recording only.' : undefined}
        />
        <Tele
          name="Rate"
          value={decimal(status.fps, 2)}
          unit="fps"
          why={status.fps === null ? 'No frames came in the last second.' : undefined}
        />
        <Tele
          name="Disk"
          value={status.disk === null ? unknown : (bytes(status.disk.freeBytes).split(' ')[0] ?? unknown)}
          unit={
            status.disk === null
              ? ''
              : `${bytes(status.disk.freeBytes).split(' ')[1] ?? ''} · ${hours(status.disk.hoursLeft)} left`
          }
          warn={(status.disk?.hoursLeft ?? 24) < 1}
          why={status.disk === null ? 'The data folder cannot be read.' : undefined}
        />
      </dl>
      <Acts status={status} />
      <Timeline status={status} />
    </section>
  );
}

/** Frames dropped by all scopes together; null while that of any of them is unknown. */
export function allDropped({ dropped, companions }: Pick<AcquireStatus, 'dropped' | 'companions'>): number | null {
  return companions.scopes.reduce<number | null>(
    (sum, scope) => (sum === null || scope.dropped === null ? null : sum + scope.dropped),
    dropped,
  );
}

function hours(left: number | null): string {
  if (left === null) return unknown;
  return left < 2 ? `${String(Math.round(left * 60))} min` : `${count(left)} h`;
}

const shown: Readonly<Record<AcquireStatus['mode'], readonly [title: string, detail: string]>> = {
  idle: ['No scope', 'nothing is connected'],
  connecting: ['Connecting', 'the scope is being set up'],
  preview: ['Preview', 'nothing is saved'],
  armed: ['Armed', 'waiting, nothing is saved'],
  recording: ['', ''],
  finishing: ['Finishing', 'writing what waits'],
  report: ['Report', 'nothing is saved'],
};

function Clock({ status }: { readonly status: AcquireStatus }): ReactElement {
  const { mode, recording, nextInS: wait } = status;
  const isRed = mode === 'recording' && recording !== null;
  const segment =
    recording !== null && recording.segment.of > 1
      ? ` · ${String(recording.segment.number)} of ${String(recording.segment.of)}`
      : '';
  const [title, detail] = shown[mode];
  return (
    <div className={c('clock', isRed && 'clockRed')} role="timer" aria-label={isRed ? 'Recording time' : title}>
      {isRed ? <span className={c('dot')} /> : <Icon of={mode === 'armed' ? Zap : Eye} size={20} />}
      <span className={c('digits')}>{wholeClock(wait ?? recording?.seconds ?? 0)}</span>
      <span className={c('of')}>
        {isRed ? (
          <>
            {recording.lengthS === null ? 'until stopped' : 'of'}
            <br />
            {recording.lengthS === null
              ? segment === ''
                ? 'by hand'
                : segment
              : `${wholeClock(recording.lengthS)}${segment}`}
          </>
        ) : (
          <>
            {title}
            <br />
            {wait !== null ? 'until the next one' : mode === 'armed' ? triggerWords(status.trigger) : detail}
          </>
        )}
      </span>
    </div>
  );
}

interface TeleProps {
  readonly name: string;
  readonly value: string;
  readonly unit: ReactNode;
  readonly warn?: boolean;
  readonly why?: string | undefined;
}

function Tele({ name, value, unit, warn = false, why }: TeleProps): ReactElement {
  return (
    <div className={c('tele')} {...(why === undefined ? {} : { title: why })}>
      <dt>{name}</dt>
      <dd className={c(warn && 'teleWarn')}>
        {value}
        <small>{value === unknown ? '' : unit}</small>
      </dd>
    </div>
  );
}

function Acts({ status }: { readonly status: AcquireStatus }): ReactElement {
  const core = useCore();
  const { mode, plan } = status;
  const isOpen = useAcquire((state) => state.preflightOpen);
  const start = async (): Promise<void> => {
    const started = await atRig('Record', core.acquire.start({}));
    useAcquire.setState({ preflightOpen: !started });
  };
  const stop = (): void => void atRig('Stop', core.acquire.stop({}));
  if (mode === 'recording') {
    return (
      <div className={c('acts')}>
        <Button size="big" keys="N" onPress={() => useAcquire.setState({ noteOpen: true })}>
          <Icon of={Flag} />
          <span className={c('word')}>Note</span>
        </Button>
        <LayoutLock />
        <HoldButton
          holdMs={800}
          onHeld={stop}
          red
          hint="Hold for 0.8 seconds, or hold Shift R"
          holdKey={{ key: 'r', shift: true }}
        >
          <Icon of={Square} />
          <span>Hold to stop</span>
        </HoldButton>
      </div>
    );
  }
  if (mode === 'armed') {
    return (
      <div className={c('acts')}>
        <Button size="big" onPress={stop}>
          <Icon of={Square} />
          Stop waiting
        </Button>
      </div>
    );
  }
  const off =
    mode === 'preview'
      ? undefined
      : mode === 'finishing'
        ? 'The last recording is still being written.'
        : 'No scope is connected.';
  return (
    <div className={c('acts')}>
      {mode === 'preview' ? (
        <Button kind="bare" size="big" onPress={() => void atRig('Disconnect', core.acquire.disconnect({}))}>
          <Icon of={Unplug} />
          <span className={c('word')}>Disconnect</span>
        </Button>
      ) : null}
      {mode === 'preview' ? (
        <>
          <LayoutLock />
          <Button
            size="big"
            pressed={plan.startBy === 'trigger'}
            title="The rising edge of the board’s trigger input starts a recording, the falling one stops it."
            onPress={() =>
              void atRig(
                'Trigger',
                core.acquire.plan({ change: { startBy: plan.startBy === 'trigger' ? 'hand' : 'trigger' } }),
              )
            }
          >
            <Icon of={Timer} />
            <span className={c('word')}>Trigger</span>
          </Button>
        </>
      ) : null}
      <Button size="big" pressed={isOpen} off={off} onPress={() => useAcquire.setState({ preflightOpen: !isOpen })}>
        <Icon of={ListChecks} />
        Pre-flight
      </Button>
      <HoldButton
        holdMs={400}
        onHeld={() => void start()}
        off={off}
        hint="Hold for 0.4 seconds, or hold R"
        holdKey={{ key: 'r', shift: false }}
      >
        <span className={c('ring')} />
        <span>{plan.startBy === 'trigger' ? 'Hold to arm' : 'Hold to record'}</span>
        <kbd aria-hidden="true">R</kbd>
      </HoldButton>
    </div>
  );
}

/** Where the trigger input stands while it is waited for. */
export function triggerWords(level: boolean | null): string {
  if (level === null) return 'trigger input cannot be read';
  return level ? 'trigger is high, waits for a fall first' : 'trigger is low, waits for it to rise';
}

function LayoutLock(): ReactElement {
  const locked = useRigLayout((state) => state.locked);
  return (
    <Button
      kind="bare"
      size="big"
      square
      pressed={locked}
      label={locked ? 'Unlock the layout' : 'Lock the layout'}
      title={locked ? 'The layout is locked; G lets borders be moved' : 'Borders can be moved; G locks them'}
      onPress={() => useRigLayout.setState({ locked: !locked })}
    >
      <Icon of={locked ? Lock : LockOpen} />
    </Button>
  );
}

/** Without a set length the line is as long as this, s, and grows. */
const openLengthS = 1200;

function Timeline({ status: { recording } }: { readonly status: AcquireStatus }): ReactElement | null {
  if (recording === null) return null;
  const length = recording.lengthS ?? Math.max(openLengthS, recording.seconds * 1.25);
  const at = (seconds: number): string => `${String(Math.min(100, (100 * seconds) / length))}%`;
  const notes = recording.marks.filter(({ kind }) => kind !== 'warning').length;
  const warnings = recording.marks.length - notes;
  return (
    <div
      className={c('line')}
      role="img"
      aria-label={`Timeline with ${String(notes)} notes and changes, ${String(warnings)} warnings`}
    >
      <i style={{ width: at(recording.seconds) }} />
      {recording.marks.map((mark, n) => (
        <b
          // oxlint-disable-next-line react/no-array-index-key -- marks are only ever added at the end
          key={n}
          className={c(mark.kind === 'warning' && 'lineWarn')}
          style={{ left: at(mark.timeS) }}
          title={`${wholeClock(mark.timeS)} ${mark.text}`}
        />
      ))}
    </div>
  );
}
