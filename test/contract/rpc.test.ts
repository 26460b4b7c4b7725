// SPDX-License-Identifier: MIT
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  AppError,
  type Channel,
  command,
  connect,
  type Connected,
  defineApi,
  query,
  stream,
  streamCredit,
  subscription,
  subscriptionCredit,
} from '../../main/contract/index.ts';
import { type DomainHandlers, routesOf, serveChannel } from '../../main/rpc/index.ts';
import { type Transport, transports } from './transports.ts';

const apis = {
  lab: defineApi('lab', {
    add: query(z.object({ a: z.number(), b: z.number() }), z.object({ sum: z.number() }), { doc: 'Adds.' }),
    lie: query(z.object({}), z.object({ sum: z.number() }), { doc: 'Answers in a wrong shape.' }),
    write: command(z.object({ text: z.string() }), z.object({ length: z.number() }), { doc: 'Writes.' }),
    refuse: command(z.object({}), z.object({}), { doc: 'Refuses.' }),
    crash: command(z.object({}), z.object({}), { doc: 'Has a bug.' }),
    wait: query(z.object({}), z.object({}), { doc: 'Never answers.' }),
    hang: command(z.object({}), z.object({}), { doc: 'Never answers.' }),
    count: subscription(z.object({ to: z.number() }), z.number(), { doc: 'Counts.' }),
    squares: stream(z.object({ bytes: z.number() }), z.object({ of: z.number() }), z.object({ of: z.number() }), {
      doc: 'A packet for each update.',
    }),
    flood: stream(z.object({ bytes: z.number() }), z.object({ n: z.number() }), z.never(), {
      doc: 'As fast as it may.',
    }),
    secret: query(z.object({}), z.string(), { doc: 'For programs on this machine.', audience: 'local' }),
  }),
} as const;

const state = { produced: 0, aborted: 0, written: [] as string[], internal: [] as string[] };

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      state.aborted += 1;
      resolve();
    });
  });
}

const handlers: DomainHandlers<typeof apis> = {
  lab: {
    add: ({ a, b }) => Promise.resolve({ sum: a + b }),
    lie: () => Promise.resolve({ sum: 'three' as unknown as number }),
    write: ({ text }) => {
      state.written.push(text);
      return Promise.resolve({ length: text.length });
    },
    refuse: () =>
      Promise.reject(
        new AppError('disk.full', 'The disk is full.', { hint: 'Free 3 GB.', details: { bytes: 3 }, retryable: true }),
      ),
    crash: () => Promise.reject(new TypeError('cannot read x of undefined')),
    wait: async (_input, { signal }) => {
      await untilAborted(signal);
      return {};
    },
    hang: async (_input, { signal }) => {
      await untilAborted(signal);
      return {};
    },
    count: async function* ({ to }, { signal }) {
      try {
        for (let n = 1; n <= to; n += 1) {
          state.produced += 1;
          yield n;
        }
      } finally {
        if (signal.aborted) state.aborted += 1;
      }
    },
    squares: async function* ({ bytes }, updates) {
      for await (const { of } of updates) yield { header: { of }, bytes: new Uint8Array(bytes).fill(of % 251) };
    },
    flood: async function* ({ bytes }) {
      for (let n = 0; ; n += 1) {
        state.produced += 1;
        yield { header: { n }, bytes: new Uint8Array(bytes) };
      }
    },
    secret: () => Promise.resolve('opened'),
  },
};

const routes = routesOf(apis, handlers);

/** Lets everything that is under way arrive. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

describe.each(Object.entries(transports))('rpc over %s', (_name, makeTransport) => {
  let transport: Transport;
  let connected: Connected<typeof apis>;
  let lines: Channel[];
  let waits: Array<() => void>;
  let isDown: boolean;

  function start(token = 'right', version = 1, reconnect = true): Connected<typeof apis> {
    return connect(apis, {
      token,
      version,
      reconnect,
      open: async () => {
        if (isDown) throw new AppError('rpc.disconnected', 'down', { retryable: true });
        const channel = await transport.open((served) => {
          serveChannel(served, routes, {
            version: 1,
            authenticate: (given) => (given === 'right' ? 'window' : given === 'lock' ? 'local' : undefined),
            checkOutput: true,
            onInternalError: (procedure, error) => state.internal.push(`${procedure}: ${error.message}`),
          });
        });
        lines.push(channel);
        return channel;
      },
      wait: () =>
        new Promise((resolve) => {
          waits.push(resolve);
        }),
    });
  }

  beforeEach(async () => {
    Object.assign(state, { produced: 0, aborted: 0, written: [], internal: [] });
    lines = [];
    waits = [];
    isDown = false;
    transport = await makeTransport();
    connected = start();
    await connected.ready;
  });

  afterEach(async () => {
    connected.close();
    await transport.dispose();
  });

  it('answers queries and commands', async () => {
    await expect(connected.client.lab.add({ a: 2, b: 3 })).resolves.toEqual({ sum: 5 });
    await expect(connected.client.lab.write({ text: 'note µ' })).resolves.toEqual({ length: 6 });
    expect(state.written).toEqual(['note µ']);
  });

  it('delivers a subscription in order and to its end', async () => {
    const seen: number[] = [];
    for await (const n of connected.client.lab.count({ to: 100 })) seen.push(n);
    expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  });

  it('refuses wrong input before it leaves', async () => {
    await expect(connected.client.lab.add({ a: 1, b: 'x' as unknown as number })).rejects.toMatchObject({
      code: 'rpc.invalid_input',
    });
  });

  it('refuses wrong input on arrival too', async () => {
    const line = await transport.open((served) => {
      serveChannel(served, routes, { version: 1, authenticate: () => 'window' });
    });
    const answers: string[] = [];
    line.receive((message) => answers.push(String(message)));
    await line.send(JSON.stringify({ t: 'hello', version: 1, token: '' }));
    await line.send(JSON.stringify({ t: 'call', id: 7, name: 'lab.add', input: { a: 1, b: 'x' } }));
    await expect.poll(() => answers.at(-1)).toContain('"code":"rpc.invalid_input"');
    expect(JSON.parse(answers.at(-1) ?? '')).toMatchObject({ t: 'error', id: 7 });
    line.close();
  });

  it('does not pass on an answer of the wrong shape', async () => {
    await expect(connected.client.lab.lie({})).rejects.toMatchObject({ code: 'rpc.invalid_output' });
  });

  it('carries an error whole', async () => {
    await expect(connected.client.lab.refuse({})).rejects.toMatchObject({
      name: 'AppError',
      code: 'disk.full',
      message: 'The disk is full.',
      hint: 'Free 3 GB.',
      details: { bytes: 3 },
      retryable: true,
    });
  });

  it('reports a bug as one, and tells the host', async () => {
    await expect(connected.client.lab.crash({})).rejects.toMatchObject({ code: 'rpc.internal' });
    expect(state.internal).toEqual(['lab.crash: cannot read x of undefined']);
  });

  it('knows what it does not serve', async () => {
    const more = { lab: defineApi('lab', { absent: query(z.object({}), z.object({}), { doc: '' }) }) };
    const other = connect(more, {
      token: 'right',
      version: 1,
      wait: () => Promise.resolve(),
      open: () =>
        transport.open((served) => serveChannel(served, routes, { version: 1, authenticate: () => 'window' })),
    });
    await expect(other.client.lab.absent({})).rejects.toMatchObject({ code: 'rpc.unknown_procedure' });
    other.close();
  });

  it('cancels: the caller hears at once, the handler is told', async () => {
    const abort = new AbortController();
    const waiting = connected.client.lab.wait({}, { signal: abort.signal });
    await connected.client.lab.add({ a: 0, b: 0 });
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'rpc.cancelled' });
    await expect.poll(() => state.aborted).toBe(1);
  });

  it('stops a subscription whose reader leaves', async () => {
    for await (const n of connected.client.lab.count({ to: 1_000_000 })) if (n === 3) break;
    await expect.poll(() => state.aborted).toBe(1);
    expect(state.produced).toBeLessThanOrEqual(3 + subscriptionCredit);
  });

  it('never runs ahead of a slow reader', async () => {
    const flood = connected.client.lab.flood({ bytes: 100_000 });
    await settle();
    expect(state.produced).toBe(streamCredit);
    const reader = flood.packets[Symbol.asyncIterator]();
    for (let n = 0; n < 5; n += 1) {
      const next = await reader.next();
      expect(next.value?.header).toEqual({ n });
    }
    await settle();
    expect(state.produced).toBe(4 + streamCredit);
    flood.close();

    state.produced = 0;
    const counting = connected.client.lab.count({ to: 1_000_000 })[Symbol.asyncIterator]();
    await settle();
    expect(state.produced).toBe(subscriptionCredit);
    await counting.return?.();
  });

  it('lets the newest update win and says how many it replaced', async () => {
    const squares = connected.client.lab.squares({ bytes: 8 });
    const reader = squares.packets[Symbol.asyncIterator]();
    // Two credits: these two are answered at once; the rest arrive while there is no credit.
    squares.update({ of: 1 });
    await settle();
    squares.update({ of: 2 });
    await settle();
    for (let of = 3; of <= 50; of += 1) squares.update({ of });
    await settle();
    expect((await reader.next()).value).toMatchObject({ header: { of: 1 }, skipped: 0 });
    expect((await reader.next()).value).toMatchObject({ header: { of: 2 }, skipped: 0 });
    expect((await reader.next()).value).toMatchObject({ header: { of: 50 }, skipped: 47 });
    squares.close();
  });

  it('refuses an update of the wrong shape', async () => {
    const squares = connected.client.lab.squares({ bytes: 8 });
    expect(() => squares.update({ of: 'x' as unknown as number })).toThrow(/of/);
    squares.close();
  });

  it('brings a packet of 400 kB intact', async () => {
    const squares = connected.client.lab.squares({ bytes: 400_000 });
    squares.update({ of: 200 });
    for await (const { header, bytes } of squares.packets) {
      expect(header).toEqual({ of: 200 });
      expect(bytes.byteLength).toBe(400_000);
      expect(bytes.every((byte) => byte === 200)).toBe(true);
      break;
    }
  });

  it('keeps packets of two streams apart', async () => {
    const streams = [3, 5].map((of) => ({ of, open: connected.client.lab.squares({ bytes: 1000 * of }) }));
    for (const { of, open } of streams) open.update({ of });
    for (const { of, open } of streams) {
      for await (const { header, bytes } of open.packets) {
        expect([header.of, bytes.byteLength, bytes[0]]).toEqual([of, 1000 * of, of]);
        break;
      }
    }
  });

  it('has 10,000 calls in flight', async () => {
    const calls = Array.from({ length: 10_000 }, (_, n) => connected.client.lab.add({ a: n, b: 1 }));
    const answers = await Promise.all(calls);
    expect(answers.every(({ sum }, n) => sum === n + 1)).toBe(true);
  });

  it('keeps what is for this machine from a window', async () => {
    await expect(connected.client.lab.secret({})).rejects.toMatchObject({ code: 'rpc.not_allowed' });
    const local = start('lock');
    await expect(local.client.lab.secret({})).resolves.toBe('opened');
    local.close();
  });

  it('refuses a wrong token with a sentence', async () => {
    const stranger = start('wrong');
    await expect(stranger.ready).rejects.toMatchObject({ code: 'rpc.not_allowed' });
    await expect(stranger.client.lab.add({ a: 1, b: 1 })).rejects.toMatchObject({ code: 'rpc.disconnected' });
  });

  it('refuses another contract version with a sentence that names both', async () => {
    const older = start('right', 0);
    await expect(older.ready).rejects.toMatchObject({
      code: 'rpc.version_mismatch',
      message: expect.stringMatching(/version 1.*0/) as string,
    });
  });

  it('after a loss asks queries again, opens flows again and gives commands back', async () => {
    const waiting = connected.client.lab.wait({});
    const hanging = connected.client.lab.hang({});
    const squares = connected.client.lab.squares({ bytes: 4 });
    const reader = squares.packets[Symbol.asyncIterator]();
    squares.update({ of: 9 });
    expect((await reader.next()).value?.header).toEqual({ of: 9 });
    isDown = true;
    lines[0]?.close();
    await expect(hanging).rejects.toMatchObject({ code: 'rpc.disconnected', retryable: true });
    await expect.poll(() => waits.length).toBe(1);
    const asked = connected.client.lab.add({ a: 20, b: 22 });
    waits[0]?.();
    await expect.poll(() => waits.length).toBe(2);
    isDown = false;
    waits[1]?.();
    await expect(asked).resolves.toEqual({ sum: 42 });
    expect((await reader.next()).value?.header).toEqual({ of: 9 });
    squares.close();
    connected.close();
    await expect(waiting).rejects.toMatchObject({ code: 'rpc.disconnected' });
  });

  it('tells handlers when the caller is gone', async () => {
    const waiting = connected.client.lab.wait({});
    waiting.catch(() => undefined);
    await connected.client.lab.add({ a: 0, b: 0 });
    connected.close();
    await expect.poll(() => state.aborted).toBe(1);
  });
});
