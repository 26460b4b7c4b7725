// SPDX-License-Identifier: MIT
import { fork } from 'node:child_process';
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import type { Socket } from 'node:net';
import path from 'node:path';

/** The part of a child process that the supervisor uses; replaced in tests. */
export interface ChildProcessLike {
  /** Undefined when it could not be started. */
  readonly pid?: number | undefined;
  readonly stdout: NodeJS.ReadableStream | null;
  readonly stderr: NodeJS.ReadableStream | null;
  send(message: object, handle?: Socket): boolean;
  kill(signal: NodeJS.Signals): boolean;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'exit', listener: (code: number | null, signal: NodeJS.Signals | null) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** Time, injected so that tests need no clock. */
export interface SupervisorTimers {
  /** Calls back after some milliseconds; the returned function takes it back. */
  readonly after: (ms: number, act: () => void) => () => void;
}

export interface ChildOptions {
  /** Names the log file and sentences. */
  readonly name: string;
  /** Absolute path of the file it runs. */
  readonly entry: string;
  /** Its output goes to `<logFolder>/<name>.log`. */
  readonly logFolder: string;
  /** Told of each end that was not asked for. */
  readonly onCrash?: (cause: string) => void;
  /** Told of each message it sends, answers to heartbeats too. */
  readonly onMessage?: (message: unknown) => void;
  /** Flags for Node beside those of this process. */
  readonly nodeFlags?: readonly string[];
  readonly start?: (entry: string) => ChildProcessLike;
  readonly timers?: SupervisorTimers;
}

/** A supervised child. */
export interface Child {
  /** Sends a message, and a socket beside it; what is sent while the child is down waits for the next one. */
  readonly send: (message: object, handle?: Socket) => void;
  /** Ends it for good and waits until it is gone. */
  readonly stop: () => Promise<void>;
}

/** Pauses before a child is started again, ms; the last one repeats. */
const pausesMs = [100, 500, 2000, 5000] as const;
/** A child that lived this long starts again with the first pause. */
const steadyMs = 60_000;
const heartbeatMs = 2000;
/** Heartbeats in a row without an answer after which a child counts as hung. */
const missedBeats = 5;
/** A child that does not end when asked is ended. */
const stopGraceMs = 3000;

const systemTimers: SupervisorTimers = {
  after: (ms, act) => {
    const timer = setTimeout(act, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Why a process ended, in words. */
function causeOfEnd(name: string, code: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null) return `The ${name} process was ended by ${signal}.`;
  return `The ${name} process ended with code ${String(code ?? 0)}.`;
}

/** Starts a Node child and keeps it alive. */
export function superviseNodeChild(options: ChildOptions): Child {
  return new Supervised(options);
}

class Supervised implements Child {
  readonly #options: ChildOptions;
  readonly #timers: SupervisorTimers;
  readonly #log: WriteStream;
  #child: ChildProcessLike | undefined;
  #waiting: Array<() => void> = [];
  #crashes = 0;
  #missed = 0;
  #cancelTimers: Array<() => void> = [];
  #stopped: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  constructor(options: ChildOptions) {
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
    mkdirSync(options.logFolder, { recursive: true });
    this.#log = createWriteStream(path.join(options.logFolder, `${options.name}.log`), { flags: 'a' });
    // A log that cannot be written (a full disk) is no reason to end the core.
    this.#log.on('error', () => undefined);
    this.#start();
  }

  readonly send = (message: object, handle?: Socket): void => {
    if (handle !== undefined) stopReading(handle);
    const deliver = (): void => void this.#child?.send(message, handle);
    if (this.#child === undefined) this.#waiting.push(deliver);
    else deliver();
  };

  readonly stop = async (): Promise<void> => {
    if (this.#stopped === undefined) {
      let resolve: () => void = () => undefined;
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#stopped = { promise, resolve };
      this.#clearTimers();
      if (this.#child === undefined) this.#finish();
      else {
        this.#child.kill('SIGTERM');
        this.#cancelTimers.push(this.#timers.after(stopGraceMs, () => this.#child?.kill('SIGKILL')));
      }
    }
    await this.#stopped.promise;
  };

  #start(): void {
    const { entry, nodeFlags = [], start = (file: string) => startNode(file, nodeFlags) } = this.#options;
    const child = start(entry);
    this.#child = child;
    this.#missed = 0;
    for (const output of [child.stdout, child.stderr]) output?.on('data', (chunk: Buffer) => this.#note(chunk));
    let hasEnded = false;
    const ended = (cause: string): void => {
      if (hasEnded) return;
      hasEnded = true;
      this.#ended(cause);
    };
    child.on('exit', (code, signal) => ended(causeOfEnd(this.#options.name, code, signal)));
    child.on('error', (error) => {
      // One that runs is not replaced because a message did not reach it: there would be two of it. If it is gone, `exit` says so.
      if (child.pid === undefined) ended(`The ${this.#options.name} process could not run: ${error.message}`);
      else this.#note(`${error.message}\n`);
    });
    child.on('message', (message) => {
      this.#missed = 0;
      this.#options.onMessage?.(message);
    });
    this.#cancelTimers.push(
      this.#timers.after(steadyMs, () => {
        this.#crashes = 0;
      }),
    );
    this.#beat();
    for (const deliver of this.#waiting.splice(0)) deliver();
  }

  #beat(): void {
    this.#cancelTimers.push(
      this.#timers.after(heartbeatMs, () => {
        if (this.#child === undefined) return;
        this.#missed += 1;
        if (this.#missed > missedBeats) {
          this.#note(`no answer to ${String(missedBeats)} heartbeats: ended\n`);
          this.#child.kill('SIGKILL');
          return;
        }
        this.#child.send({ type: 'ping' });
        this.#beat();
      }),
    );
  }

  #ended(cause: string): void {
    this.#child = undefined;
    this.#clearTimers();
    if (this.#stopped !== undefined) {
      this.#finish();
      return;
    }
    this.#note(`${cause}\n`);
    this.#options.onCrash?.(cause);
    const pause = pausesMs[Math.min(this.#crashes, pausesMs.length - 1)] ?? 5000;
    this.#crashes += 1;
    this.#cancelTimers.push(this.#timers.after(pause, () => this.#start()));
  }

  #finish(): void {
    this.#clearTimers();
    this.#log.end();
    this.#stopped?.resolve();
  }

  /** Output of a child may still come after its end, when the log is closed. */
  #note(text: string | Buffer): void {
    if (!this.#log.writableEnded) this.#log.write(text);
  }

  #clearTimers(): void {
    for (const cancel of this.#cancelTimers.splice(0)) cancel();
  }
}

/**
 * Leaves what comes on a socket to the process that is given it. Node goes on reading here until the other side has acknowledged the socket and throws away
 * what it reads: a client's first words would be lost when this process is busy. There is no public call for a socket that exists already
 * (`pauseOnConnect` is for those that a plain server accepts).
 */
function stopReading(socket: Socket): void {
  const { _handle: handle } = socket as { readonly _handle?: { readonly readStop?: () => unknown } | null };
  handle?.readStop?.();
}

function startNode(entry: string, flags: readonly string[]): ChildProcessLike {
  return fork(entry, [], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execArgv: [...process.execArgv, ...flags] });
}
