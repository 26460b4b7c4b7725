// SPDX-License-Identifier: MIT
import type { ScopeFrame } from '../devices/index.ts';

/** The sensor's rate is measured over this time: single frames come late on a busy computer. */
const counterWindowNs = 8_000_000_000n;
const leastCounterS = 2;
const second = 1_000_000_000n;

/** How fast frames come, by this computer's clock and by the board's counter, and how many are lost. */
export class FramePace {
  #arrivals: bigint[] = [];
  #counters: { readonly counter: number; readonly ns: bigint }[] = [];
  #counterAt: { readonly counter: number; readonly ns: bigint } | undefined;
  #advances = false;
  #lost: number | null = null;

  /** A scope is being connected. */
  begin(): void {
    this.#arrivals = [];
    this.#lost = null;
  }

  /** Frames of the rate before say nothing about the new one. */
  settingChanged(): void {
    this.#counters = [];
  }

  /** @param counts its losses count: the scope is set up */
  take({ counter, lost, lastNs: ns }: ScopeFrame, counts: boolean): void {
    this.#arrivals.push(ns);
    while (ns - (this.#arrivals[0] ?? ns) > second) this.#arrivals.shift();
    if (counter === null) return;
    if (counts) this.#lost = (this.#lost ?? 0) + lost;
    this.#advances = this.#counterAt !== undefined && counter > this.#counterAt.counter;
    this.#counterAt = { counter, ns };
    if (!this.#advances) this.#counters = [];
    this.#counters.push(this.#counterAt);
    while (ns - (this.#counters[0]?.ns ?? ns) > counterWindowNs) this.#counters.shift();
  }

  /** Frames lost since the scope was connected; null when the counter could not be read. */
  get lost(): number | null {
    return this.#lost;
  }

  /** The newest frame was counted on from the one before. */
  get advances(): boolean {
    return this.#advances;
  }

  /** Frames a second, mean of the last one; null for fewer than three. */
  fps(nowNs: bigint): number | null {
    const recent = this.#arrivals.filter((ns) => nowNs - ns <= second);
    const [first] = recent;
    const last = recent.at(-1);
    if (first === undefined || last === undefined || recent.length < 3 || last === first) return null;
    return ((recent.length - 1) * 1e9) / Number(last - first);
  }

  /** Frames a second by the board's counter; null before enough time has passed. */
  get counterFps(): number | null {
    const [first] = this.#counters;
    const last = this.#counters.at(-1);
    if (first === undefined || last === undefined) return null;
    const seconds = Number(last.ns - first.ns) / 1e9;
    return seconds < leastCounterS ? null : (last.counter - first.counter) / seconds;
  }
}
