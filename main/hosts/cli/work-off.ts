// SPDX-License-Identifier: MIT
import { hostname } from 'node:os';
import type { JobRow } from '../../contract/index.ts';
import type { Invocation } from './command.ts';
import type { CoreClient } from './connection.ts';
import { leaseMs, stepNames, work } from './job-worker.ts';
import { showProgress } from './show-progress.ts';

/** Works jobs off, one after another, and tells how each ended; Ctrl-C ends the one under way and leaves the others for later. */
export async function workOff(
  invocation: Invocation,
  client: CoreClient,
  jobs: readonly { readonly uuid: string }[],
  line: (job: JobRow) => string,
): Promise<readonly JobRow[]> {
  const { terminal, json, signal } = invocation;
  const done: JobRow[] = [];
  for (const { uuid } of jobs) {
    if (signal.aborted) break;
    const worker = { name: `calyx ${hostname()}:${process.pid}`, host: hostname(), pid: process.pid };
    const { claim } = await client.jobs.claim({ steps: [...stepNames], worker, leaseMs, jobUuid: uuid });
    // Somebody else has it, or it waits for its next try.
    if (claim === null) continue;
    const ended = await work(client, claim, signal, (ticket, working) =>
      showProgress(invocation, client, ticket, working),
    );
    if (!json) terminal.err(line(ended));
    done.push(ended);
  }
  return done;
}
