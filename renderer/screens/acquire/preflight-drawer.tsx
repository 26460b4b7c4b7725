// SPDX-License-Identifier: MIT
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Check, RefreshCw, TriangleAlert, X } from 'lucide-react';
import type { ReactElement } from 'react';
import { AppError, type AcquireCheck, type AcquirePlan } from '../../../main/contract/index.ts';
import { atRig } from '../../client/acquire.ts';
import { useCore } from '../../client/context.ts';
import { useAcquire } from '../../stores/acquire.ts';
import { classes } from '../../ui/classes.ts';
import { Button } from '../../ui/controls.tsx';
import { plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { styles } from './styles.ts';
import { HoldButton } from './hold-button.tsx';

const c = classes(styles);
const icons = { ok: Check, look: TriangleAlert, fix: X } as const;
const words = { ok: 'in order', look: 'look at it', fix: 'must be mended' } as const;

/** The verdict over a list of checks, as a sentence. */
export function verdict(checks: readonly AcquireCheck[]): string {
  const first = checks.find(({ state }) => state === 'fix');
  if (first === undefined) return 'Ready to record';
  return first.id === 'animal' ? 'Not ready: choose an animal' : `Not ready: ${first.title.toLowerCase()}`;
}

/** Everything a recording needs, the worst first, each with the one act that mends it. */
export function PreflightDrawer({ plan }: { readonly plan: AcquirePlan }): ReactElement {
  const core = useCore();
  // Asked again with each change of the plan, which may have mended something.
  const answer = useQuery({
    queryKey: ['preflight', plan],
    queryFn: ({ signal }) => core.acquire.preflight({}, { signal }),
    staleTime: 0,
    gcTime: 0,
    placeholderData: keepPreviousData,
  });
  const checks = answer.data ?? null;
  const problem = answer.error === null ? null : AppError.from(answer.error);
  const check = (): void => void answer.refetch();
  const start = async (): Promise<void> => {
    if (await atRig('Record', core.acquire.start({}))) close();
    else check();
  };
  const close = (): void => useAcquire.setState({ preflightOpen: false });
  const count = (state: AcquireCheck['state']): number => (checks ?? []).filter((one) => one.state === state).length;
  const act = (does: NonNullable<AcquireCheck['action']>['does']): void => {
    if (does === 'again') check();
    else if (does === 'grey') void atRig('Film', core.acquire.plan({ change: { compression: 'GREY' } }));
    else {
      // It lies under the drawer and can hold the focus already.
      document.querySelector<HTMLElement>(places[does])?.focus();
      close();
    }
  };
  const red = count('fix');
  const off =
    checks === null ? 'The checks are still running.' : red > 0 ? 'Record unlocks when nothing is red.' : undefined;
  return (
    <aside className={c('drawer')} aria-label="Pre-flight">
      <header>
        <div>
          <h2>{checks === null ? 'Checking' : verdict(checks)}</h2>
          <p role="status">
            {problem !== null
              ? `${problem.message} ${problem.hint ?? ''}`
              : checks === null
                ? 'Measuring the disk and looking at the scope.'
                : `${plural(count('ok'), 'check')} green, ${String(count('look'))} to look at, ${String(red)} to mend.`}
          </p>
        </div>
        <Button onPress={check}>
          <Icon of={RefreshCw} />
          Check again
        </Button>
        <Button kind="bare" square label="Close pre-flight" onPress={close}>
          <Icon of={X} />
        </Button>
      </header>
      <ul>
        {(checks ?? []).map(({ id, title, state, text, action }) => (
          <li key={id} className={c(state === 'fix' && 'checkFix', state === 'look' && 'checkLook')}>
            <span className={c(state === 'ok' ? 'good' : state === 'look' ? 'warn' : 'bad')} title={words[state]}>
              <Icon of={icons[state]} />
            </span>
            <b>{title}</b>
            <span>{text}</span>
            {action === null ? null : (
              <Button size="big" onPress={() => act(action.does)}>
                {action.label}
              </Button>
            )}
          </li>
        ))}
      </ul>
      <footer>
        <span>Record unlocks when nothing is red. Amber may pass.</span>
        <HoldButton holdMs={400} off={off} hint="Hold for 0.4 seconds, or hold R" onHeld={() => void start()}>
          <span className={c('ring')} />
          <span>{plan.startBy === 'trigger' ? 'Hold to arm' : 'Hold to record'}</span>
        </HoldButton>
      </footer>
    </aside>
  );
}

const places = {
  form: '#acquire-animal',
  shorten: '[aria-label="Length"]',
  light: 'input[aria-label="LED"]',
} as const;
