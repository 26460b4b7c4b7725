// SPDX-License-Identifier: MIT
/** A process that takes a library folder, says so on stdout, and does as it is told until its end. Started by ownership.test.ts. */
import { createInterface } from 'node:readline';
import { acquireOwnership, openLibrary, type AcquireResult } from '../../../main/library/index.ts';
import { newRun, newSession } from '../../support/library-data.ts';

const directory = process.argv[2] ?? '';
const say = (value: unknown): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`);
};

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const order = async (): Promise<string> => {
  const { value, done } = await lines.next();
  return done === true ? 'end' : value;
};

let taken: AcquireResult | undefined;
say({ ready: true });
for (let line = await order(); line !== 'end'; line = await order()) {
  if (line === 'acquire') {
    taken = acquireOwnership(directory, { program: 'test' });
    say({ kind: taken.kind, pid: process.pid });
  } else if (line === 'publish') {
    if (taken?.kind === 'owner') {
      taken.ownership.publish({ address: 'http://127.0.0.1:4712', token: 'secret', contractVersion: 1 });
    }
    say({ published: true });
  } else if (line === 'work') {
    const library = await openLibrary({ directory });
    const { session } = await library.sessions.insert(newSession(1));
    const run = await library.runs.create(newRun(session.recordings[0]?.uuid ?? ''));
    await library.runs.claim({ runUuid: run.uuid });
    await library.runs.create(newRun(session.recordings[0]?.uuid ?? '', { name: 'waiting' }));
    say({ runUuid: run.uuid });
  } else if (line === 'storm') {
    // Decisions without end; each that was answered is said, so that a reader knows what must survive.
    const library = await openLibrary({ directory });
    for (let i = 2; ; i += 1) {
      await library.sessions.insert(newSession(i));
      say({ stored: i });
    }
  }
}
