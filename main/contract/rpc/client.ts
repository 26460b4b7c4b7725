// SPDX-License-Identifier: MIT
import type { z } from 'zod';
import type { Api, Procedure } from '../define.ts';
import { AppError, type ErrorData } from '../errors.ts';
import { deferred } from './channels.ts';
import { Flow, type Flowing, type OpenStream, parse, parseInSlices } from './flow.ts';
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
  /** Lets others have the thread while a long answer is looked at; nobody else is let in where it is left out. */
  readonly pause?: () => Promise<void>;
}

/** A client and its end. */
export interface Connected<A extends Apis> {
  readonly client: Client<A>;
  /**
   * Resolves after the first welcome; rejects when the server refused (wrong token, other version), when it could not be reached and `reconnect`
   * is false, and when the client is closed before.
   */
  readonly ready: Promise<void>;
  readonly close: () => void;
}

const firstWaitMs = 250;
const longestWaitMs = 4000;

interface Pending {
  readonly name: string;
  readonly procedure: Procedure;
  readonly input: unknown;
  /** Given a result, value or packet. */
  readonly take: (message: Flowing) => void;
  readonly finish: (error: AppError | undefined) => void;
  /** Called when the call is made again on a new line. */
  readonly reopened?: () => void;
  lastUpdate: { readonly value: unknown } | undefined;
}

/**
 * Connects to a server. After a loss queries are asked again, subscriptions and streams are opened again with their input and newest update;
 * commands that were under way reject with `rpc.disconnected` (they may or may not have happened) and are not repeated. Values and packets that nobody
 * had taken when the line was lost are dropped; what a subscription said meanwhile is lost, so lists are asked for again on `open`.
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

function readServerMessage(text: string): ServerMessage | undefined {
  try {
    return ServerMessage.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** One line to a server, opened again after a loss. */
class Line {
  readonly ready: Promise<void>;
  readonly #options: ClientOptions;
  readonly #pending = new Map<number, Pending>();
  readonly #ready = deferred<void>();
  #channel: Channel | undefined;
  #nextId = 1;
  #isClosed = false;
  #packet: Extract<ServerMessage, { t: 'packet' }> | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.ready = this.#ready.promise;
    // A caller that never looks at `ready` sees the same error in its calls.
    this.ready.catch(() => undefined);
    void this.#keep();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#channel?.close();
    const closed = new AppError('rpc.disconnected', 'The connection was closed.', { retryable: true });
    this.#failAll(closed);
    this.#ready.reject(closed);
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
        parseInSlices(procedure.output, value, name, this.#options.pause ?? (() => Promise.resolve())).then(
          answer.resolve,
          answer.reject,
        );
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
      credit: () => {
        if (this.#pending.has(id)) this.#send({ t: 'credit', id, count: 1 });
      },
      cancel: () => this.#cancel(id),
      update: (value) => {
        const pending = this.#pending.get(id);
        if (pending === undefined) return;
        pending.lastUpdate = { value };
        this.#send({ t: 'update', id, value });
      },
    });
    const abort = (): void => flow.close();
    const id = this.#begin({
      name,
      procedure,
      input: parsed,
      lastUpdate: undefined,
      take: (message) => flow.push(message),
      finish: (error) => {
        signal?.removeEventListener('abort', abort);
        flow.finish(error);
      },
      reopened: () => flow.reopened(),
    });
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted === true) abort();
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

  async #keep(): Promise<void> {
    let waitMs = firstWaitMs;
    while (!this.#isClosed) {
      this.#options.onState?.({ state: 'connecting' });
      let failure: AppError;
      try {
        const channel = await this.#options.open();
        if (!this.#isClosed) await this.#greet(channel);
        // Closed while the line was being made: nobody else would close it.
        if (this.#isClosed) {
          channel.close();
          return;
        }
        waitMs = firstWaitMs;
        this.#use(channel);
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
        this.#ready.reject(failure);
        return;
      }
      await this.#options.wait(waitMs);
      waitMs = Math.min(waitMs * 2, longestWaitMs);
    }
  }

  #use(channel: Channel): void {
    this.#channel = channel;
    this.#ready.resolve();
    for (const [id, pending] of this.#pending) {
      pending.reopened?.();
      this.#transmit(id, pending);
    }
    this.#options.onState?.({ state: 'open' });
  }

  async #greet(channel: Channel): Promise<void> {
    const answer = deferred<void>();
    channel.receive((message) => {
      if (this.#channel === channel) {
        this.#receive(message);
        return;
      }
      const parsed = typeof message === 'string' ? readServerMessage(message) : undefined;
      if (parsed === undefined) {
        answer.reject(new AppError('rpc.version_mismatch', 'What answers there is not Calyx.'));
        channel.close();
      } else if (parsed.t === 'refused') answer.reject(AppError.fromData(parsed.error));
      else if (parsed.t === 'welcome') answer.resolve();
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
    const data = readServerMessage(message);
    if (data === undefined) {
      // Calls would wait for ever for what cannot be understood; a new line begins from a known state.
      this.#channel?.close();
      return;
    }
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
      case 'refused':
        this.#failAll(AppError.fromData(data.error));
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
