// SPDX-License-Identifier: MIT
import { randomUUID } from 'node:crypto';
import { AppError } from '../../contract/index.ts';
import type { Invocation } from './command.ts';
import type { CoreClient } from './connection.ts';
import { progressLine } from './output.ts';

/** Shows how far an export or import is, on a terminal only. What goes wrong here is told by the command itself. */
export async function showProgress(
  { terminal, json }: Invocation,
  client: CoreClient,
  ticket: string,
  working: Promise<unknown>,
): Promise<void> {
  if (json) return;
  const done = working.then(
    () => true,
    () => true,
  );
  const steps = client.interop.progress({ ticket })[Symbol.asyncIterator]();
  let shown = '';
  for (;;) {
    const next = await Promise.race([steps.next().catch(() => null), done.then(() => null)]);
    if (next === null || next.done === true) break;
    const { step, fraction } = next.value;
    const line = progressLine(terminal, step, fraction);
    if (line !== shown) terminal.err(line);
    shown = line;
  }
  if (terminal.redraws) terminal.err('\r\u001B[K');
  await steps.return?.();
}

/** What an import says that Ctrl-C ended. */
export const importStopped = 'The import was stopped; what was not finished has been put away.';

/**
 * Work of the core that is shown on the terminal while it goes on, and ended by Ctrl-C.
 *
 * @param stopped - what is said then, in the place of the core's own words
 * @throws AppError `rpc.cancelled`; what `begin` throws
 */
export async function withProgress<T>(
  invocation: Invocation,
  client: CoreClient,
  begin: (ticket: string, signal: AbortSignal) => Promise<T>,
  stopped?: string,
): Promise<T> {
  const ticket = randomUUID();
  const working = begin(ticket, invocation.signal).catch((error: unknown) => {
    if (stopped === undefined || !invocation.signal.aborted) throw error;
    throw new AppError('rpc.cancelled', stopped, { cause: error });
  });
  const [done] = await Promise.all([working, showProgress(invocation, client, ticket, working)]);
  return done;
}
