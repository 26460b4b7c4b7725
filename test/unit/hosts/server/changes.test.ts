// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { type Change, ChangeHub } from '../../../../main/hosts/server/changes.ts';

/** A follower that has begun to wait, so that it hears what is told next. */
function follower(hub: ChangeHub) {
  const abort = new AbortController();
  const changes = hub.follow(abort.signal);
  const first = changes.next();
  return {
    abort,
    changes,
    /** The change it began to wait for; undefined when there came none. */
    take: async (): Promise<Change | undefined> => {
      const taken = await first;
      return taken.done === true ? undefined : taken.value;
    },
  };
}

/** Takes `count` changes of what a follower has queued. */
async function takeMany(changes: AsyncGenerator<Change>, count: number): Promise<Change[]> {
  const taken: Change[] = [];
  while (taken.length < count) {
    const next = await changes.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}

describe('who follows the changes', () => {
  it('hears each one, beside other followers', async () => {
    const hub = new ChangeHub();
    const [one, two] = [follower(hub), follower(hub)];
    hub.notify('runs', 'a');
    expect([await one.take(), await two.take()]).toEqual([
      { topic: 'runs', uuid: 'a' },
      { topic: 'runs', uuid: 'a' },
    ]);
  });

  it('hears once what was told twice before it looked', async () => {
    const hub = new ChangeHub();
    const { changes, take } = follower(hub);
    hub.notify('runs', 'first');
    await take();
    for (const uuid of ['a', 'b', 'a', 'b']) hub.notify('runs', uuid);
    hub.notify('curation', 'a');
    expect(await takeMany(changes, 3)).toEqual([
      { topic: 'runs', uuid: 'a' },
      { topic: 'runs', uuid: 'b' },
      { topic: 'curation', uuid: 'a' },
    ]);
    // Taken is forgotten: the same change is news again.
    hub.notify('runs', 'a');
    expect(await takeMany(changes, 1)).toEqual([{ topic: 'runs', uuid: 'a' }]);
  });

  it('is told that everything may have changed when it falls far behind', async () => {
    const hub = new ChangeHub();
    const { changes, take } = follower(hub);
    hub.notify('sessions', 'first');
    await take();
    for (let run = 0; run < 300; run += 1) hub.notify('runs', `run-${String(run)}`);
    const told = await takeMany(changes, 3);
    expect(told).toEqual([
      { topic: 'sessions', uuid: null },
      { topic: 'runs', uuid: null },
      { topic: 'curation', uuid: null },
    ]);
  });

  it('may leave, also while it waits', async () => {
    const hub = new ChangeHub();
    const { abort, changes, take } = follower(hub);
    abort.abort();
    expect(await take()).toBeUndefined();
    hub.notify('runs', 'a');
    expect(await changes.next()).toEqual({ done: true, value: undefined });
  });
});
