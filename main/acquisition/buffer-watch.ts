// SPDX-License-Identifier: MIT

/** Slots of a recorder's buffer. */
const slots = 128;
/** The worst of this time is told, ns. */
const windowNs = 10_000_000_000n;

/** How full a recorder's buffer was at the worst in the last ten seconds. */
export class BufferWatch {
  #readings: { readonly ns: bigint; readonly waiting: number }[] = [];

  begin(): void {
    this.#readings = [];
  }

  /** So many frames waited when one came. */
  take(ns: bigint, waiting: number): void {
    this.#readings.push({ ns, waiting });
  }

  /** 0 (empty) to 1 (full). */
  worst(nowNs: bigint): number {
    this.#readings = this.#readings.filter(({ ns }) => nowNs - ns <= windowNs);
    return Math.max(0, ...this.#readings.map(({ waiting }) => waiting)) / slots;
  }
}
