// SPDX-License-Identifier: MIT
import { AppError, type AcquireStack } from '../contract/index.ts';
import {
  blinkBoard,
  blinkLed,
  type BoardLink,
  type Clock,
  type Miniscope,
  readCatalogue,
  type ScopeFrame,
  type ScopeType,
  scopeType,
  type Setting,
} from '../devices/index.ts';
import { takeStack } from './z-stack.ts';

/** A frame that has not come within this time does not come, ms. */
const overdueMs = 3000;

/** The scope that is open, for work beside the preview. */
export interface SideScope {
  readonly address: string;
  readonly type: ScopeType;
  readonly scope: Miniscope;
  /** A control's value as it should be now: as the person set it, and no light between recordings. */
  readonly shown: (control: string) => Setting;
}

/** Work that uses a scope for a moment, one at a time and never beside a recording: a light that blinks, a stack. */
export class SideWork {
  readonly #clock: Clock;
  readonly #openLink: (address: string) => Promise<BoardLink>;
  readonly #changed: () => void;
  #busy: { readonly what: string; readonly stop: AbortController } | undefined;
  #stack: { readonly plane: number; readonly planes: number } | null = null;
  #nextFrames: ((frame: ScopeFrame) => void)[] = [];
  /** Whose frames a stack takes. */
  #stacked: Miniscope | undefined;

  constructor(
    { clock, openLink }: { readonly clock: Clock; readonly openLink: (address: string) => Promise<BoardLink> },
    changed: () => void,
  ) {
    this.#clock = clock;
    this.#openLink = openLink;
    this.#changed = changed;
  }

  /** Which plane of a stack is being taken. */
  get plane(): { readonly plane: number; readonly planes: number } | null {
    return this.#stack;
  }

  /** @throws AppError `acquire.not_now` while something uses the scope */
  refuseWhileBusy(): void {
    if (this.#busy !== undefined) throw new AppError('acquire.not_now', `Not started: ${this.#busy.what}.`);
  }

  seen(scope: Miniscope, frame: ScopeFrame): void {
    if (scope !== this.#stacked) return;
    for (const take of this.#nextFrames.splice(0)) take(frame);
  }

  stop(): void {
    this.#busy?.stop.abort();
  }

  /** Blinks the LED of the open scope, or of another board, and leaves it as it was. @throws AppError `device.*`, `acquire.not_now` */
  async identify(address: string, typeName: string, open: SideScope | undefined): Promise<void> {
    await this.#alone('the light blinks to show which scope it is', async (signal) => {
      if (open?.address !== address) {
        await blinkBoard(scopeType(readCatalogue(), typeName), () => this.#openLink(address), this.#clock, signal);
        return;
      }
      const set = (led: string, value: Setting): Promise<unknown> => open.scope.set(led, value);
      await blinkLed(open.type, this.#clock, { set, shown: () => open.shown('led0'), signal });
    });
  }

  /** @throws AppError `device.*`, `disk.io`, `acquire.not_now`, `rpc.cancelled` */
  async takeStack({ type, scope, shown }: SideScope, wish: AcquireStack & { readonly file: string }): Promise<number> {
    const stacked = {
      type,
      lens: () => shown('ewl'),
      set: (value: Setting) => scope.set('ewl', value),
      nextFrame: () => this.#nextFrame(),
      nowNs: () => this.#clock.nowNs(),
    };
    return await this.#alone('a stack is being taken', (signal) => {
      this.#stacked = scope;
      return takeStack(stacked, wish, signal, (plane, planes) => {
        this.#stack = { plane, planes };
        this.#changed();
      });
    });
  }

  async #alone<T>(what: string, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.refuseWhileBusy();
    const stop = new AbortController();
    this.#busy = { what, stop };
    try {
      return await act(stop.signal);
    } finally {
      this.#busy = undefined;
      this.#stacked = undefined;
      this.#stack = null;
      this.#changed();
    }
  }

  async #nextFrame(): Promise<ScopeFrame> {
    const waited = new AbortController();
    const frame = await Promise.race([
      new Promise<ScopeFrame>((resolve) => {
        this.#nextFrames.push(resolve);
      }),
      this.#clock.sleep(overdueMs, waited.signal).catch(() => undefined),
    ]);
    waited.abort();
    if (frame === undefined) {
      throw new AppError('device.no_answer', 'No frame comes from the scope.', { retryable: true });
    }
    return frame;
  }
}
