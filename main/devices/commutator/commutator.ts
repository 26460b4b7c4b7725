// SPDX-License-Identifier: MIT
import { AppError } from '../../contract/index.ts';
import type { Clock } from '../clock.ts';
import type { Orientation, Quaternion } from '../miniscope/quaternion.ts';
import { Twist, type TwistOptions } from './twist.ts';

/** A serial line to a commutator. */
export interface CommutatorLine extends AsyncDisposable {
  /** @throws the system's error */
  readonly write: (text: string) => Promise<void>;
  /** Whole lines that came. */
  readonly follow: (onLine: (line: string) => void) => void;
  /** Resolves when the line is gone. */
  readonly closed: Promise<void>;
}

/** What a commutator is driven by. */
export interface CommutatorOptions extends TwistOptions {
  readonly port: string;
  readonly led: boolean;
  /** Commands a second. */
  readonly sampleRate: number;
  readonly clock: Clock;
  /** Opens the port; again for each reconnection. @throws AppError `device.not_found` */
  readonly open: () => Promise<CommutatorLine>;
  readonly tell: (message: string) => void;
}

/** Pause before the port is tried again, ms. */
const againMs = 1000;
/** Something that is a commutator answers within this time, and a head that is followed gives orientations, ms. */
const answerMs = 3000;
const quietMs = 5000;
/** Turns below this are not sent, but kept for the next command. */
const leastTurns = 1e-6;

/**
 * An Open Ephys commutator: one JSON object a line, turned by the twist of the head's orientations so that the tether stays loose. It is switched off when it is let go.
 */
export class Commutator implements AsyncDisposable {
  readonly #options: CommutatorOptions;
  readonly #twist: Twist;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #newest: Quaternion | undefined;
  #line: CommutatorLine | undefined;
  #turns = 0;
  #answered = false;
  #oriented = false;
  #told = new Set<string>();

  private constructor(options: CommutatorOptions, line: CommutatorLine) {
    this.#options = options;
    this.#twist = new Twist(options);
    this.#running = this.#run(line);
  }

  /** Opens the port and switches the commutator on. @throws AppError `device.not_found`, `device.no_answer` */
  static async open(options: CommutatorOptions): Promise<Commutator> {
    const line = await options.open();
    try {
      await greet(line, options.led);
    } catch (cause) {
      await line[Symbol.asyncDispose]();
      throw new AppError('device.no_answer', `The commutator at ${options.port} could not be switched on.`, { cause });
    }
    return new Commutator(options, line);
  }

  /** All turns that were sent. */
  get turns(): number {
    return this.#turns;
  }

  /** An orientation of the head; disturbed ones are left out. */
  take(orientation: Orientation | null): void {
    if (orientation?.good !== true) return;
    this.#oriented = true;
    this.#newest = orientation.quaternion;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#running;
    const line = this.#line;
    this.#line = undefined;
    if (line === undefined) return;
    await line.write('{"enable":false}\n').catch(() => undefined);
    await line[Symbol.asyncDispose]();
  }

  async #run(first: CommutatorLine): Promise<void> {
    for (let line: CommutatorLine | undefined = first; !this.#closing.signal.aborted;) {
      if (line !== undefined) await this.#drive(line);
      if (this.#closing.signal.aborted) return;
      line = await this.#reopen();
    }
  }

  /** Until the line is gone. */
  async #drive(line: CommutatorLine): Promise<void> {
    const { clock, sampleRate, port, tell } = this.#options;
    this.#line = line;
    this.#answered = false;
    this.#twist.forget();
    const gone = { is: false };
    void line.closed.then(() => (gone.is = true));
    line.follow(() => {
      this.#answered = true;
    });
    const since = clock.nowNs();
    let waiting = 0;
    while (!this.#closing.signal.aborted && !gone.is) {
      await clock.sleep(1000 / sampleRate, this.#closing.signal).catch(() => undefined);
      if (this.#closing.signal.aborted) return;
      this.#watch(Number(clock.nowNs() - since) / 1e6);
      const reading = this.#newest;
      this.#newest = undefined;
      if (reading !== undefined) waiting += this.#twist.take(reading);
      if (Math.abs(waiting) < leastTurns || !Number.isFinite(waiting)) continue;
      const turn = waiting;
      try {
        await line.write(`{"turn":${turn.toFixed(6)}}\n`);
        waiting -= turn;
        this.#turns += turn;
      } catch {
        gone.is = true;
      }
    }
    if (this.#closing.signal.aborted) return;
    this.#line = undefined;
    await Promise.resolve(line[Symbol.asyncDispose]()).catch(() => undefined);
    tell(`The commutator at ${port} is gone; Calyx tries to reach it again. The tether is not turned meanwhile.`);
  }

  async #reopen(): Promise<CommutatorLine | undefined> {
    const { clock, open, led, port, tell } = this.#options;
    await clock.sleep(againMs, this.#closing.signal).catch(() => undefined);
    if (this.#closing.signal.aborted) return undefined;
    try {
      const line = await open();
      await greet(line, led);
      tell(`The commutator at ${port} is back.`);
      return line;
    } catch {
      return undefined;
    }
  }

  /** What does not work is said once. */
  #watch(ms: number): void {
    const { port } = this.#options;
    if (!this.#answered && ms > answerMs) {
      this.#tellOnce(`Nothing answers at ${port}: is it the commutator's port?`);
    }
    if (!this.#oriented && ms > quietMs) {
      this.#tellOnce('The commutator gets no orientation of the head: the scope has no sensor, or it gives nothing.');
    } else if (this.#oriented && this.#turns === 0 && ms > 2 * quietMs) {
      this.#tellOnce('Commutator: no rotation yet (the animal may simply be still).');
    }
  }

  #tellOnce(text: string): void {
    if (this.#told.has(text)) return;
    this.#told.add(text);
    this.#options.tell(text);
  }
}

/** On, its light as asked, and its state, to see whether it answers. @throws the system's error */
async function greet(line: CommutatorLine, led: boolean): Promise<void> {
  for (const command of [{ enable: true }, { led }, { print: true }]) await line.write(`${JSON.stringify(command)}\n`);
}
