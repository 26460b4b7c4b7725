// SPDX-License-Identifier: MIT
/** A thread for tests: does what its data says. */
import { parentPort, workerData } from 'node:worker_threads';
import { AppError } from '../../../main/contract/index.ts';

const { wish } = workerData as { wish: 'double' | 'fail' | 'leave' | 'ask' | 'hang' | 'tidy' };
const say = (message: unknown): void => parentPort?.postMessage(message);

if (wish === 'double') {
  say({ type: 'share', share: 0.5 });
  say({ type: 'done', value: [2, 4] });
} else if (wish === 'fail') {
  say({ type: 'failed', error: new AppError('disk.full', 'No room.').toData() });
} else if (wish === 'ask') {
  parentPort?.on('message', (answer: number) => say({ type: 'done', value: answer + 1 }));
  say({ type: 'question' });
} else if (wish === 'tidy') {
  parentPort?.on('message', () => {
    say({ type: 'tidied' });
    say({ type: 'failed', error: new AppError('disk.io', 'Broken off.').toData() });
  });
  say({ type: 'began' });
} else if (wish === 'hang') {
  parentPort?.on('message', () => undefined);
  say({ type: 'began' });
}
