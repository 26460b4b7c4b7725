// SPDX-License-Identifier: MIT
import { type ComponentType, type ReactElement, use } from 'react';
import { AppError } from '../../main/contract/index.ts';

/** Parts of the window that nobody needs to begin: fetched when they are wanted, and ahead of that while nothing else is done. */

const parts = new Set<() => Promise<unknown>>();

/** A component whose code is fetched when it is first drawn. A failure can be tried again, unlike that of `React.lazy`. */
export function later<P extends object>(load: () => Promise<ComponentType<P>>): (props: P) => ReactElement {
  let wanted: Promise<ComponentType<P>> | undefined;
  let there: ComponentType<P> | undefined;
  const fetchPart = (): Promise<ComponentType<P>> => {
    const asked =
      wanted ??
      load().then(
        (part) => (there = part),
        (cause: unknown) => {
          wanted = undefined;
          throw new AppError('rpc.disconnected', 'This part of the window could not be fetched from the workstation.', {
            hint: 'Is Calyx still running? When the line is back, draw it again.',
            retryable: true,
            cause,
          });
        },
      );
    wanted = asked;
    return asked;
  };
  parts.add(fetchPart);
  return function Later(props: P): ReactElement {
    // What was fetched ahead is drawn at once, without a word of waiting.
    const Part = there ?? use(fetchPart());
    return <Part {...props} />;
  };
}

/** Fetches everything, one part after another, each when the window has nothing to do: what is open must not need the workstation to show another place. */
export function fetchAhead(): void {
  const queue = [...parts];
  const next = (): void => {
    const part = queue.shift();
    if (part === undefined) return;
    // A failure is told when somebody goes there.
    const go = (): void => void part().then(whenIdle, whenIdle);
    go();
  };
  const whenIdle = (): void => {
    requestIdleCallback(next, { timeout: 5000 });
  };
  whenIdle();
}
