// SPDX-License-Identifier: MIT
import type { z } from 'zod';
import type { Api, Procedure } from '../define.ts';
import { AppError, type ErrorData } from '../errors.ts';
import { deferred } from './channels.ts';
import {
  type AbortSignalLike,
  type Channel,
  type ClientMessage,
  ServerMessage,
  streamCredit,
  subscriptionCredit,
} from './wire.ts';

/** What every call may carry. */
export interface CallOptions {
  readonly signal?: AbortSignalLike;
}

/** One binary packet, its header, and how many updates newer ones replaced before it. */
export interface Packet<H> {
  readonly header: H;
  readonly bytes: Uint8Array;
  readonly skipped: number;
}

/** An open stream: packets as they come, values sent to its other end (newest wins), and its end. */
export interface OpenStream<H, U> {
  readonly packets: AsyncIterable<Packet<H>>;
  readonly update: (value: U) => void;
  readonly close: () => void;
}

type Call<P> =
  P extends Procedure<infer V, infer I, infer O, infer U>
    ? V extends 'query' | 'command'
      ? (input: z.input<I>, options?: CallOptions) => Promise<z.output<O>>
      : V extends 'subscription'
        ? (input: z.input<I>, options?: CallOptions) => AsyncIterable<z.output<O>>
        : (input: z.input<I>, options?: CallOptions) => OpenStream<z.output<O>, z.input<U>>
    : never;

/** Domains by name, as in `coreApis`. */
export type Apis = Readonly<Record<string, { readonly domain: string; readonly procedures: Api }>>;

/** The typed calls of some domains: `client.sessions.list({})`. */
export type Client<A extends Apis> = {
  readonly [D in keyof A]: { readonly [P in keyof A[D]['procedures']]: Call<A[D]['procedures'][P]> };
};

/** Where the line stands. */
export type LineState =
  | { readonly state: 'connecting' | 'open' | 'closed' }
  | { readonly state: 'lost'; readonly error: AppError; readonly retryInMs: number | null };

/** How a client reaches its server. */
export interface ClientOptions {
  /** Opens a new channel; asked again after each loss. */
  readonly open: () => Promise<Channel>;
  readonly token: string;
  readonly version: number;
  /** Waits; injected so that tests need no clock. */
  readonly wait: (ms: number) => Promise<void>;
  /** After a loss tries again after 0.25, 0.5, 1, 2, 4, 4 … s; false: a loss is final. */
  readonly reconnect?: boolean;
  readonly onState?: (state: LineState) => void;
}

/** A client and its end. */
export interface Connected<A extends Apis> {
  readonly client: Client<A>;
  /** Resolves after the first welcome; rejects when the server refused (wrong token, other version) or could not be reached and `reconnect` is false. */
  readonly ready: Promise<void>;
  readonly close: () => void;
}

const longestWaitMs = 4000;

interface Pending {
  readonly name: string;
  readonly procedure: Procedure;
  readonly input: unknown;
  /** A result, value or packet; false when this call takes no more. */
  readonly take: (message: { value?: unknown; header?: unknown; bytes?: Uint8Array; skipped?: number }) => void;
  readonly finish: (error: AppError | undefined) => void;
  lastUpdate: { readonly value: unknown } | undefined;
}

/**
 * Connects to a server. After a loss queries are asked again, subscriptions and streams are opened again with their input and newest update;
 * commands that were under way reject with `rpc.disconnected` (they may or may not have happened) and are not repeated.
 */
export function connect<A extends Apis>(apis: A, options: ClientOptions): Connected<A> {
  const line = new Line(options);
  const client: Record<string, Record<string, unknown>> = {};
  for (const [key, api] of Object.entries(apis)) {
    const calls: Record<string, unknown> = {};
    for (const [name, procedure] of Object.entries(api.procedures))
      calls[name] = callOf(line, `${api.domain}.${name}`, procedure);
    client[key] = calls;
  }
  return { client: client as Client<A>, ready: line.ready, close: () => line.close() };
}

function callOf(line: Line, name: string, procedure: Procedure): unknown {
  switch (procedure.verb) {
    case 'query':
    case 'command':
      return (input: unknown, options: CallOptions = {}) => line.ask(name, procedure, input, options);
    case 'subscription':
      return (input: unknown, options: CallOptions = {}) => line.open(name, procedure, input, options).values();
    default:
      return (input: unknown, options: CallOptions = {}) => line.open(name, procedure, input, options).stream();
  }
}

function cancelled(name: string): AppError {
  return new AppError('rpc.cancelled', `${name} was cancelled.`);
}

function parse(
  schema: z.ZodType,
  value: unknown,
  code: 'rpc.invalid_input' | 'rpc.invalid_output',
  name: string,
): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`;
  throw new AppError(code, `${name}: ${issue?.message ?? 'wrong shape'}${where}.`);
}

/** One line to a server, opened again after a loss. */
class Line {
  readonly ready: Promise<void>;
  readonly #options: ClientOptions;
  readonly #pending = new Map<number, Pending>();
  #channel: Channel | undefined;
  #nextId = 1;
  #isClosed = false;
  #packet: Extract<ServerMessage, { t: 'packet' }> | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
    const ready = deferred<void>();
    this.ready = ready.promise;
    // A caller that never looks at `ready` sees the same error in its calls.
    ready.promise.catch(() => undefined);
    void this.#keep(ready);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#channel?.close();
    this.#failAll(new AppError('rpc.disconnected', 'The connection was closed.', { retryable: true }));
    this.#options.onState?.({ state: 'closed' });
  }

  async ask(name: string, procedure: Procedure, input: unknown, { signal }: CallOptions): Promise<unknown> {
    const parsed = parse(procedure.input, input, 'rpc.invalid_input', name);
    const answer = deferred<unknown>();
    const id = this.#begin({
      name,
      procedure,
      input: parsed,
      lastUpdate: undefined,
      take: ({ value }) => {
        try {
          answer.resolve(parse(procedure.output, value, 'rpc.invalid_output', name));
        } catch (error) {
          answer.reject(error);
        }
      },
      finish: (error) => answer.reject(error ?? new AppError('rpc.internal', `${name} ended without an answer.`)),
    });
    const abort = (): void => this.#cancel(id);
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await answer.promise;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  open(name: string, procedure: Procedure, input: unknown, { signal }: CallOptions): Flow {
    const parsed = parse(procedure.input, input, 'rpc.invalid_input', name);
    const flow: Flow = new Flow(name, procedure, {
      credit: () => this.#send({ t: 'credit', id, count: 1 }),
      cancel: () => this.#cancel(id),
      update: (value) => {
        const pending = this.#pending.get(id);
        if (pending === undefined) return;
        pending.lastUpdate = { value };
        this.#send({ t: 'update', id, value });
      },
    });
    const id = this.#begin({
      name,
      procedure,
      input: parsed,
      lastUpdate: undefined,
      take: (message) => flow.push(message),
      finish: (error) => flow.finish(error),
    });
    if (signal?.aborted === true) flow.close();
    signal?.addEventListener('abort', () => flow.close(), { once: true });
    return flow;
  }

  #begin(pending: Pending): number {
    const id = this.#nextId++;
    this.#pending.set(id, pending);
    if (this.#isClosed) {
      this.#pending.delete(id);
      pending.finish(new AppError('rpc.disconnected', 'The connection is closed.', { retryable: true }));
    } else if (this.#channel !== undefined) {
      this.#transmit(id, pending);
    }
    return id;
  }

  #transmit(id: number, pending: Pending): void {
    this.#send({ t: 'call', id, name: pending.name, input: pending.input });
    if (pending.procedure.verb === 'subscription') this.#send({ t: 'credit', id, count: subscriptionCredit });
    if (pending.procedure.verb === 'stream') this.#send({ t: 'credit', id, count: streamCredit });
    if (pending.lastUpdate !== undefined) this.#send({ t: 'update', id, value: pending.lastUpdate.value });
  }

  #cancel(id: number): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    this.#send({ t: 'cancel', id });
    pending.finish(cancelled(pending.name));
  }

  #send(message: ClientMessage): void {
    // A loss is noticed by `closed`; what was lost with it is sent again or rejected there.
    this.#channel?.send(JSON.stringify(message)).catch(() => undefined);
  }

  async #keep(ready: ReturnType<typeof deferred<void>>): Promise<void> {
    let waitMs = 250;
    while (!this.#isClosed) {
      this.#options.onState?.({ state: 'connecting' });
      let failure: AppError;
      try {
        const channel = await this.#options.open();
        await this.#greet(channel);
        waitMs = 250;
        ready.resolve();
        this.#options.onState?.({ state: 'open' });
        this.#channel = channel;
        for (const [id, pending] of this.#pending) this.#transmit(id, pending);
        await channel.closed;
        failure = new AppError('rpc.disconnected', 'The connection to the core was lost.', { retryable: true });
      } catch (error) {
        failure = AppError.from(error);
      }
      this.#channel = undefined;
      this.#packet = undefined;
      if (this.#isClosed) return;
      const isFinal = this.#options.reconnect === false || failure.code !== 'rpc.disconnected';
      this.#afterLoss(failure, isFinal);
      this.#options.onState?.({ state: 'lost', error: failure, retryInMs: isFinal ? null : waitMs });
      if (isFinal) {
        this.#isClosed = true;
        ready.reject(failure);
        return;
      }
      await this.#options.wait(waitMs);
      waitMs = Math.min(waitMs * 2, longestWaitMs);
    }
  }

  async #greet(channel: Channel): Promise<void> {
    const answer = deferred<void>();
    channel.receive((message) => {
      if (this.#channel === channel) {
        this.#receive(message);
        return;
      }
      const parsed = typeof message === 'string' ? ServerMessage.safeParse(JSON.parse(message)) : undefined;
      if (parsed?.success !== true)
        answer.reject(new AppError('rpc.version_mismatch', 'What answers there is not Calyx.'));
      else if (parsed.data.t === 'refused') answer.reject(AppError.fromData(parsed.data.error));
      else if (parsed.data.t === 'welcome') answer.resolve();
    });
    void channel.closed.then(() =>
      answer.reject(new AppError('rpc.disconnected', 'The core closed the connection.', { retryable: true })),
    );
    const hello: ClientMessage = { t: 'hello', version: this.#options.version, token: this.#options.token };
    await channel.send(JSON.stringify(hello));
    await answer.promise;
  }

  #receive(message: string | Uint8Array): void {
    if (typeof message !== 'string') {
      const packet = this.#packet;
      this.#packet = undefined;
      if (packet !== undefined) {
        this.#pending.get(packet.id)?.take({ header: packet.header, bytes: message, skipped: packet.skipped });
      }
      return;
    }
    const parsed = ServerMessage.safeParse(JSON.parse(message));
    if (!parsed.success) return;
    const data = parsed.data;
    switch (data.t) {
      case 'packet':
        this.#packet = data;
        break;
      case 'value':
        this.#pending.get(data.id)?.take({ value: data.value });
        break;
      case 'result': {
        const pending = this.#pending.get(data.id);
        this.#pending.delete(data.id);
        pending?.take({ value: data.value });
        break;
      }
      case 'end':
        this.#settle(data.id, undefined);
        break;
      case 'error':
        this.#settle(data.id, data.error);
        break;
      default:
        break;
    }
  }

  #settle(id: number, error: ErrorData | undefined): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.finish(error === undefined ? undefined : AppError.fromData(error));
  }

  #afterLoss(failure: AppError, isFinal: boolean): void {
    for (const [id, pending] of this.#pending) {
      if (!isFinal && pending.procedure.verb !== 'command') continue;
      this.#pending.delete(id);
      pending.finish(failure);
    }
  }

  #failAll(error: AppError): void {
    for (const pending of this.#pending.values()) pending.finish(error);
    this.#pending.clear();
  }
}

type Flowing = {
  readonly value?: unknown;
  readonly header?: unknown;
  readonly bytes?: Uint8Array;
  readonly skipped?: number;
};

interface FlowControls {
  readonly credit: () => void;
  readonly cancel: () => void;
  readonly update: (value: unknown) => void;
}

/** Values of one subscription or packets of one stream, waiting to be taken; credits bound how many can wait. */
class Flow {
  readonly #name: string;
  readonly #procedure: Procedure;
  readonly #controls: FlowControls;
  readonly #waiting: Flowing[] = [];
  #wake: (() => void) | undefined;
  #ended: { readonly error: AppError | undefined } | undefined;

  constructor(name: string, procedure: Procedure, controls: FlowControls) {
    this.#name = name;
    this.#procedure = procedure;
    this.#controls = controls;
  }

  push(message: Flowing): void {
    this.#waiting.push(message);
    this.#wake?.();
  }

  finish(error: AppError | undefined): void {
    this.#ended ??= { error };
    this.#wake?.();
  }

  /** Ends it quietly from this side. */
  close(): void {
    this.finish(undefined);
    this.#waiting.length = 0;
    this.#controls.cancel();
  }

  async *#taken(): AsyncGenerator<Flowing> {
    try {
      for (;;) {
        const next = this.#waiting.shift();
        if (next !== undefined) {
          yield next;
          this.#controls.credit();
          continue;
        }
        if (this.#ended !== undefined) {
          if (this.#ended.error !== undefined) throw this.#ended.error;
          return;
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    } finally {
      if (this.#ended === undefined) this.close();
    }
  }

  async *values(): AsyncGenerator {
    for await (const { value } of this.#taken())
      yield parse(this.#procedure.output, value, 'rpc.invalid_output', this.#name);
  }

  async *#packets(): AsyncGenerator<Packet<unknown>> {
    for await (const { header, bytes, skipped } of this.#taken()) {
      if (bytes === undefined) continue;
      yield {
        header: parse(this.#procedure.output, header, 'rpc.invalid_output', this.#name),
        bytes,
        skipped: skipped ?? 0,
      };
    }
  }

  stream(): OpenStream<unknown, unknown> {
    return {
      packets: this.#packets(),
      update: (value) => this.#controls.update(parse(this.#procedure.update, value, 'rpc.invalid_input', this.#name)),
      close: () => this.close(),
    };
  }
}
