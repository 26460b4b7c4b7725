// SPDX-License-Identifier: MIT
/**
 * A simulated board in a process of its own. It outlives whoever talks to it, as a board does: when the core is gone it stays until the last connection has
 * closed, so that the LED can still be switched off.
 */
import { AppError } from '../../contract/index.ts';
import { readCatalogue, scopeType } from '../catalogue/index.ts';
import { systemClock } from '../clock.ts';
import type { FromBoardProcess, ToBoardProcess } from './board-messages.ts';
import { serveBoard } from './board-socket.ts';
import { faultNames, type PracticeScope, practiceScope } from './practice.ts';

/** Looks whether anybody is still connected, ms. */
const lookMs = 500;
/** Somebody who was left alone connects within this time, ms. */
const graceMs = 3000;

const tell = (message: FromBoardProcess): void => void process.send?.(message, undefined, undefined, () => undefined);
let served: Awaited<ReturnType<typeof serveBoard>> | undefined;

function act(practice: PracticeScope, name: string): unknown {
  const fault = faultNames.find((candidate) => candidate === name);
  if (fault !== undefined) practice.fault(fault);
  else if (name === 'trigger-high' || name === 'trigger-low') practice.setTrigger(name === 'trigger-high');
  else if (name === 'state') return practice.state();
  else throw new AppError('usage.invalid', `The simulated board knows no “${name}”.`);
  return null;
}

async function serve({ address, scopeType: name, scene }: Extract<ToBoardProcess, { type: 'serve' }>): Promise<void> {
  try {
    const practice = practiceScope(scopeType(readCatalogue(), name), systemClock, scene);
    served = await serveBoard(address, { open: practice.open, act: (what) => act(practice, what) });
    tell({ type: 'serving', address });
  } catch (error) {
    tell({ type: 'failed', error: AppError.from(error).toData() });
  }
}

process.on('message', (message: ToBoardProcess) => {
  if (message.type === 'ping') tell({ type: 'pong' });
  else void serve(message);
});
process.on('disconnect', () => {
  const since = process.hrtime.bigint();
  setInterval(() => {
    const waitedMs = Number(process.hrtime.bigint() - since) / 1e6;
    if (waitedMs > graceMs && (served?.connections() ?? 0) === 0) process.exit(0);
  }, lookMs);
});
tell({ type: 'ready' });
