// SPDX-License-Identifier: MIT
import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  AppError,
  type Channel,
  connect,
  type Connected,
  defineApi,
  deferred,
  query,
  stream,
  streamCredit,
  subscription,
  subscriptionCredit,
} from '../../main/contract/index.ts';
import { type DomainHandlers, memoryChannels, routesOf, serveChannel } from '../../main/rpc/index.ts';
import { type Transport, transports } from './transports.ts';

/** What goes wrong between two programs, and what a connection of many hours must not pile up. */

const apis = {
  lab: defineApi('lab', {
    echo: query(z.object({ n: z.number() }), z.number(), { doc: 'Echoes.' }),
    wait: query(z.object({}), z.object({}), { doc: 'Never answers.' }),
    listeners: subscription(z.object({}), z.number(), { doc: 'How many listen for the end of this call.' }),
    slot: stream(z.object({ bytes: z.number(), packets: z.number() }), z.object({ n: z.number() }), z.never(), {
      doc: 'Writes every packet into the same memory.',
    }),
    flood: stream(z.object({}), z.object({ n: z.number() }), z.never(), { doc: 'As fast as it may.' }),
  }),
} as const;

const state = { produced: 0, asked: 0 };

const handlers: DomainHandlers<typeof apis> = {
  lab: {
    echo: ({ n }) => {
      state.asked += 1;
      return Promise.resolve(n);
    },
    wait: (_input, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve({}));
      }),
    listeners: async function* (_input, { signal }) {
      while (!signal.aborted) yield await Promise.resolve(getEventListeners(signal, 'abort').length);
    },
    slot: async function* ({ bytes, packets }) {
      const slot = new Uint8Array(bytes);
      for (let n = 1; n <= packets; n += 1) yield { header: { n }, bytes: slot.fill(n) };
    },
    flood: async function* () {
      for (let n = 0; ; n += 1) {
        state.produced += 1;
        yield { header: { n }, bytes: new Uint8Array(8) };
      }
    },
  },
};

const routes = routesOf(apis, handlers);
const serve = (channel: Channel): void => {
  serveChannel(channel, routes, {
    version: 1,
    authenticate: (token) => (token === 'right' ? 'window' : undefined),
    checkOutput: true,
  });
};

let connected: Connected<typeof apis> | undefined;
afterEach(() => connected?.close());

function connectTo(open: () => Promise<Channel>, reconnect = false): Connected<typeof apis> {
  connected = connect(apis, { open, token: 'right', version: 1, reconnect, wait: () => Promise.resolve() });
  return connected;
}

function overMemory(): Channel {
  const [client, server] = memoryChannels();
  serve(server);
  return client;
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

describe.each(Object.entries(transports))('a slot over %s', (_name, makeTransport) => {
  let transport: Transport | undefined;
  afterEach(async () => transport?.dispose());

  it('is used again only after its packet has left', async () => {
    const made = await makeTransport();
    transport = made;
    const { client } = connectTo(() => made.open(serve));
    const seen: number[] = [];
    // Larger than any socket's buffer, so that a packet is still leaving when the next could be made.
    for await (const { header, bytes } of client.lab.slot({ bytes: 16 * 1024 * 1024, packets: 4 }).packets) {
      expect(bytes.byteLength).toBe(16 * 1024 * 1024);
      expect(Buffer.alloc(bytes.byteLength, header.n).equals(bytes)).toBe(true);
      seen.push(header.n);
    }
    expect(seen).toEqual([1, 2, 3, 4]);
  });
});

describe('a client', () => {
  it('that is closed while its line is being made closes that line', async () => {
    const made = deferred<Channel>();
    const line = overMemory();
    const { ready, close } = connectTo(() => made.promise);
    close();
    made.resolve(line);
    await line.closed;
    await expect(ready).rejects.toMatchObject({ code: 'rpc.disconnected' });
  });

  it('says so when something else than Calyx answers', async () => {
    const [client, server] = memoryChannels();
    server.receive(() => void server.send('HTTP/1.1 400 Bad Request'));
    await expect(connectTo(() => Promise.resolve(client)).ready).rejects.toMatchObject({
      code: 'rpc.version_mismatch',
      message: expect.stringContaining('not Calyx') as string,
    });
    await client.closed;
  });

  it('drops a line on which nonsense arrives, and asks again on the next', async () => {
    const [first, bad] = memoryChannels();
    bad.receive((message) => {
      const isHello = String(message).includes('"hello"');
      void bad.send(isHello ? JSON.stringify({ t: 'welcome', version: 1 }) : '{"t":"result","id":');
    });
    const lines = [first, overMemory()];
    const { client } = connectTo(() => {
      const line = lines.shift();
      return line === undefined ? Promise.reject(new AppError('rpc.disconnected', 'none left')) : Promise.resolve(line);
    }, true);
    await expect(client.lab.echo({ n: 7 })).resolves.toBe(7);
    expect(lines).toEqual([]);
  });

  it('hands an error of the whole line to every call', async () => {
    const [client, server] = memoryChannels();
    server.receive((message) => {
      const error = new AppError('rpc.internal', 'The other side has no more memory.').toData();
      const isHello = String(message).includes('"hello"');
      void server.send(JSON.stringify(isHello ? { t: 'welcome', version: 1 } : { t: 'refused', error }));
    });
    const connection = connectTo(() => Promise.resolve(client));
    await connection.ready;
    await expect(connection.client.lab.echo({ n: 1 })).rejects.toMatchObject({ message: /no more memory/ });
  });

  it('does not listen on a signal longer than its calls last', async () => {
    const { client } = connectTo(() => Promise.resolve(overMemory()));
    const { signal } = new AbortController();
    for (let n = 0; n < 20; n += 1) {
      await client.lab.echo({ n }, { signal });
      for await (const _ of client.lab.listeners({}, { signal })) break;
      for await (const _ of client.lab.slot({ bytes: 1, packets: 1 }, { signal }).packets);
    }
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('refuses flows after its end as it refuses calls', async () => {
    const { client, close, ready } = connectTo(() => Promise.resolve(overMemory()));
    await ready;
    close();
    const packets = client.lab.flood({}, { signal: new AbortController().signal }).packets;
    await expect(packets[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'rpc.disconnected' });
  });

  it('holds no more after ten losses than after none', async () => {
    const lines: Channel[] = [];
    state.produced = 0;
    const { client } = connectTo(() => {
      const line = overMemory();
      lines.push(line);
      return Promise.resolve(line);
    }, true);
    const reader = client.lab.flood({}).packets[Symbol.asyncIterator]();
    await reader.next();
    await settle();
    for (let loss = 1; loss <= 10; loss += 1) {
      lines.at(-1)?.close();
      await expect.poll(() => lines.length).toBe(loss + 1);
      await settle();
    }
    expect(state.produced).toBe(11 * streamCredit);
    // The packet taken before the losses earns nothing on the new line; each taken since earns one.
    state.produced = 0;
    for (let n = 0; n < 3; n += 1) expect((await reader.next()).value?.header).toEqual({ n });
    await settle();
    expect(state.produced).toBe(2);
  });
});

describe('a server', () => {
  async function speak(...messages: readonly object[]): Promise<{ answers: string[]; line: Channel }> {
    const line = overMemory();
    const answers: string[] = [];
    line.receive((message) => answers.push(String(message)));
    await Promise.all(messages.map((message) => line.send(JSON.stringify(message))));
    await settle();
    return { answers, line };
  }
  const hello = { t: 'hello', version: 1, token: 'right' };

  it('gives a line one chance to say the token', async () => {
    state.asked = 0;
    const call = { t: 'call', id: 1, name: 'lab.echo', input: { n: 1 } };
    const { answers, line } = await speak({ ...hello, token: 'wrong' }, hello, call);
    expect(state.asked).toBe(0);
    expect(answers).toHaveLength(1);
    expect(answers[0]).toContain('rpc.not_allowed');
    await line.closed;
  });

  it('hears no call before the hello', async () => {
    const { answers } = await speak({ t: 'call', id: 1, name: 'lab.echo', input: { n: 1 } });
    expect(answers).toHaveLength(1);
    expect(answers[0]).toContain('"t":"refused"');
  });

  it('refuses a line that gives two calls one number', async () => {
    const call = { t: 'call', id: 1, name: 'lab.wait', input: {} };
    const { answers, line } = await speak(hello, call, call);
    expect(answers.at(-1)).toContain('rpc.invalid_input');
    await line.closed;
  });

  it('listens for the end of a call as often after twenty waits for its reader as after one', async () => {
    const { client } = connectTo(() => Promise.resolve(overMemory()));
    const counts: number[] = [];
    for await (const count of client.lab.listeners({})) {
      counts.push(count);
      if (counts.length === 20 * subscriptionCredit) break;
      // Long enough for the server to run out of credit.
      if (counts.length % subscriptionCredit === 0) await settle();
    }
    expect(counts.at(-1)).toBe(counts[0]);
  });
});

describe('a channel on which nobody says hello', () => {
  it('is refused when its time is over', async () => {
    const [client, server] = memoryChannels();
    const over = deferred<undefined>();
    serveChannel(server, routes, { version: 1, authenticate: () => 'window', patience: () => over.promise });
    const said: (string | Uint8Array)[] = [];
    client.receive((message) => said.push(message));
    await settle();
    expect(said).toEqual([]);
    over.resolve(undefined);
    await client.closed;
    expect(said).toHaveLength(1);
    expect(String(said[0])).toContain('Nobody said who speaks');
  });

  it('is not refused later once somebody has said it', async () => {
    const [client, server] = memoryChannels();
    const over = deferred<undefined>();
    serveChannel(server, routes, { version: 1, authenticate: () => 'window', patience: () => over.promise });
    const { client: lab } = connectTo(() => Promise.resolve(client));
    expect(await lab.lab.echo({ n: 1 })).toBe(1);
    over.resolve(undefined);
    await settle();
    expect(await lab.lab.echo({ n: 2 })).toBe(2);
  });
});
