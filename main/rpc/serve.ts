// SPDX-License-Identifier: MIT
import {
  type Api,
  AppError,
  type Audience,
  type Channel,
  ClientMessage,
  type Procedure,
  type ServerMessage,
} from '../contract/index.ts';
import type { CallContext, OutPacket } from './handlers.ts';

/** Who may speak, and whether outputs are checked (development and tests). */
export interface ServeOptions {
  readonly version: number;
  /** The caller's role by its token; undefined: not admitted. */
  readonly authenticate: (token: string) => Audience | undefined;
  /** Resolves when a channel has had long enough to say hello; absent: it may take for ever. Its signal aborts once that does not matter any more. */
  readonly patience?: (signal: AbortSignal) => Promise<unknown>;
  readonly checkOutput?: boolean;
  /** Told of errors that are bugs (`rpc.internal`), with their cause. */
  readonly onInternalError?: (procedure: string, error: AppError) => void;
}

type AnyHandler = (input: unknown, ...rest: readonly unknown[]) => unknown;
type Apis = Readonly<Record<string, { readonly domain: string; readonly procedures: Api }>>;
type AnyHandlers = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface Route {
  readonly name: string;
  readonly procedure: Procedure;
  readonly handler: AnyHandler;
}

/** Wire names and their handlers. A procedure without a handler is a bug and throws here, at start. */
export function routesOf(apis: Apis, handlers: AnyHandlers): ReadonlyMap<string, Route> {
  const routes = new Map<string, Route>();
  for (const [key, api] of Object.entries(apis)) {
    for (const [name, procedure] of Object.entries(api.procedures)) {
      const handler = handlers[key]?.[name];
      if (typeof handler !== 'function') throw new AppError('rpc.internal', `${api.domain}.${name} has no handler`);
      const wireName = `${api.domain}.${name}`;
      routes.set(wireName, { name: wireName, procedure, handler: handler as AnyHandler });
    }
  }
  return routes;
}

/** Serves one channel until it closes. The first message must be a hello with a known token and the same contract version. */
export function serveChannel(channel: Channel, routes: ReadonlyMap<string, Route>, options: ServeOptions): void {
  const session = new Session(channel, routes, options);
  channel.receive((message) => session.receive(message));
  void channel.closed.then(() => session.end());
}

/** Credits of one call, and who waits for one. */
class Credits {
  readonly #signal: AbortSignal;
  #left = 0;
  #wake: (() => void) | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    // One listener for the life of the call: one a wait would pile up over the hours of a subscription.
    signal.addEventListener('abort', () => this.#wake?.(), { once: true });
  }

  add(count: number): void {
    this.#left += count;
    this.#wake?.();
  }

  /** Waits for a credit; false when the call was aborted. */
  async take(): Promise<boolean> {
    while (this.#left === 0 && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#signal.aborted) return false;
    this.#left -= 1;
    return true;
  }
}

/** The newest update of a stream; older ones that nobody took are counted. */
class Updates implements AsyncIterable<unknown> {
  readonly #signal: AbortSignal;
  #newest: { readonly value: unknown } | undefined;
  #wake: (() => void) | undefined;
  #skipped = 0;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake?.(), { once: true });
  }

  put(value: unknown): void {
    if (this.#newest !== undefined) this.#skipped += 1;
    this.#newest = { value };
    this.#wake?.();
  }

  takeSkipped(): number {
    const skipped = this.#skipped;
    this.#skipped = 0;
    return skipped;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator {
    while (!this.#signal.aborted) {
      const next = this.#newest;
      if (next === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      this.#newest = undefined;
      yield next.value;
    }
  }
}

interface ActiveCall {
  readonly route: Route;
  readonly abort: AbortController;
  readonly credits: Credits;
  readonly updates: Updates;
}

class Session {
  readonly #channel: Channel;
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #options: ServeOptions;
  readonly #calls = new Map<number, ActiveCall>();
  readonly #greeted = new AbortController();
  #audience: Audience | undefined;
  #isRefused = false;

  constructor(channel: Channel, routes: ReadonlyMap<string, Route>, options: ServeOptions) {
    this.#channel = channel;
    this.#routes = routes;
    this.#options = options;
    void this.#waitForHello();
  }

  /** A socket that says nothing would be held for as long as its other side likes. */
  async #waitForHello(): Promise<void> {
    const { signal } = this.#greeted;
    await this.#options.patience?.(signal).catch(() => undefined);
    if (this.#options.patience === undefined || signal.aborted) return;
    this.#refuse(new AppError('rpc.not_allowed', 'Nobody said who speaks on this connection.'));
  }

  end(): void {
    this.#greeted.abort();
    for (const call of this.#calls.values()) call.abort.abort();
    this.#calls.clear();
  }

  receive(message: string | Uint8Array): void {
    // The line is being closed; what was sent meanwhile is no second try.
    if (this.#isRefused) return;
    const parsed = typeof message === 'string' ? parseMessage(message) : undefined;
    if (parsed === undefined) {
      this.#refuse(new AppError('rpc.invalid_input', 'The message is not one of this program.'));
      return;
    }
    if (this.#audience === undefined) {
      this.#hello(parsed);
      return;
    }
    switch (parsed.t) {
      case 'call':
        this.#call(parsed.id, parsed.name, parsed.input);
        break;
      case 'cancel':
        this.#calls.get(parsed.id)?.abort.abort();
        this.#calls.delete(parsed.id);
        break;
      case 'credit':
        this.#calls.get(parsed.id)?.credits.add(parsed.count);
        break;
      case 'update':
        this.#update(parsed.id, parsed.value);
        break;
      default:
        break;
    }
  }

  #hello(message: ClientMessage): void {
    if (message.t !== 'hello') {
      this.#refuse(new AppError('rpc.not_allowed', 'The first message must say who speaks.'));
      return;
    }
    if (message.version !== this.#options.version) {
      this.#refuse(
        new AppError(
          'rpc.version_mismatch',
          `This is contract version ${String(this.#options.version)}, the other side speaks ${String(message.version)}.`,
          { hint: 'Close the older program, or start both from the same version.' },
        ),
      );
      return;
    }
    const audience = this.#options.authenticate(message.token);
    if (audience === undefined) {
      this.#refuse(
        new AppError('rpc.not_allowed', 'The token is not the one this program gave out.', {
          hint: 'Open the address that was printed when Calyx started.',
        }),
      );
      return;
    }
    this.#audience = audience;
    this.#greeted.abort();
    this.#send({ t: 'welcome', version: this.#options.version });
  }

  #refuse(why: AppError): void {
    this.#isRefused = true;
    this.end();
    void this.#channel
      .send(JSON.stringify({ t: 'refused', error: why.toData() } satisfies ServerMessage))
      .catch(() => undefined)
      .finally(() => this.#channel.close());
  }

  #send(message: ServerMessage): void {
    void this.#channel.send(JSON.stringify(message)).catch(() => undefined);
  }

  #call(id: number, name: string, input: unknown): void {
    if (this.#calls.has(id)) {
      this.#refuse(new AppError('rpc.invalid_input', `The number ${String(id)} is that of a call still under way.`));
      return;
    }
    const abort = new AbortController();
    const route = this.#routes.get(name);
    if (route === undefined) {
      this.#fail(id, new AppError('rpc.unknown_procedure', `There is no procedure ${name}.`));
      return;
    }
    if (route.procedure.audience === 'local' && this.#audience !== 'local') {
      this.#fail(id, new AppError('rpc.not_allowed', `${name} is for programs on this machine, not for a window.`));
      return;
    }
    if (this.#audience === 'remote' && !route.procedure.remote) {
      this.#fail(id, new AppError('rpc.not_allowed', `${name} cannot be called by remote control.`));
      return;
    }
    const parsed = route.procedure.input.safeParse(input);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      const where = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`;
      this.#fail(id, new AppError('rpc.invalid_input', `${name}: ${issue?.message ?? 'wrong input'}${where}.`));
      return;
    }
    const call: ActiveCall = { route, abort, credits: new Credits(abort.signal), updates: new Updates(abort.signal) };
    this.#calls.set(id, call);
    void this.#run(id, call, parsed.data);
  }

  async #run(id: number, call: ActiveCall, input: unknown): Promise<void> {
    const context: CallContext = { signal: call.abort.signal, audience: this.#audience ?? 'window' };
    const { procedure, handler } = call.route;
    try {
      if (procedure.verb === 'query' || procedure.verb === 'command') {
        const value = this.#checked(call.route, await handler(input, context));
        if (!call.abort.signal.aborted) this.#send({ t: 'result', id, value });
      } else if (procedure.verb === 'subscription') {
        await this.#flow(call, handler(input, context) as AsyncIterable<unknown>, (value) =>
          this.#channel.send(
            JSON.stringify({ t: 'value', id, value: this.#checked(call.route, value) } satisfies ServerMessage),
          ),
        );
        if (!call.abort.signal.aborted) this.#send({ t: 'end', id });
      } else {
        const packets = handler(input, call.updates, context) as AsyncIterable<OutPacket<unknown>>;
        await this.#flow(call, packets, ({ header, bytes }) => this.#sendPacket(id, call, header, bytes));
        if (!call.abort.signal.aborted) this.#send({ t: 'end', id });
      }
    } catch (thrown) {
      if (!call.abort.signal.aborted) this.#fail(id, AppError.from(thrown), call.route.name);
    } finally {
      this.#calls.delete(id);
    }
  }

  /** Asks for a value only while there is credit, and waits until it has left before asking for the next. */
  async #flow<T>(call: ActiveCall, values: AsyncIterable<T>, send: (value: T) => Promise<void>): Promise<void> {
    const iterator = values[Symbol.asyncIterator]();
    try {
      while (await call.credits.take()) {
        const next = await iterator.next();
        if (next.done === true || call.abort.signal.aborted) break;
        await send(next.value);
      }
    } finally {
      // Not awaited: a handler that waits for its next value would never come back on its own.
      void Promise.resolve(iterator.return?.()).catch(() => undefined);
    }
  }

  async #sendPacket(id: number, call: ActiveCall, header: unknown, bytes: Uint8Array): Promise<void> {
    const message: ServerMessage = {
      t: 'packet',
      id,
      header: this.#checked(call.route, header),
      skipped: call.updates.takeSkipped(),
    };
    // Both at once, so that nothing comes between them.
    const announced = this.#channel.send(JSON.stringify(message));
    await Promise.all([announced, this.#channel.send(bytes)]);
  }

  #checked(route: Route, value: unknown): unknown {
    if (this.#options.checkOutput !== true) return value;
    const parsed = route.procedure.output.safeParse(value);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw new AppError(
      'rpc.invalid_output',
      `${route.name} answered wrongly: ${issue?.message ?? ''} at ${issue?.path.join('.') ?? ''}.`,
    );
  }

  #update(id: number, value: unknown): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    const parsed = call.route.procedure.update.safeParse(value);
    if (parsed.success) call.updates.put(parsed.data);
    else {
      call.abort.abort();
      this.#calls.delete(id);
      this.#fail(id, new AppError('rpc.invalid_input', `${call.route.name}: the update has a wrong shape.`));
    }
  }

  #fail(id: number, error: AppError, procedure?: string): void {
    if (error.code === 'rpc.internal' && procedure !== undefined) this.#options.onInternalError?.(procedure, error);
    this.#send({ t: 'error', id, error: error.toData() });
  }
}

function parseMessage(text: string): ClientMessage | undefined {
  try {
    const parsed = ClientMessage.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
