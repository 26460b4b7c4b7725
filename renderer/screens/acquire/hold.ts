// SPDX-License-Identifier: MIT

/** Something that acts once it has been held long enough; let go before, it does nothing. */
export class Hold {
  readonly #onShare: (share: number) => void;
  #since: number | null = null;
  #frame = 0;
  #act: () => void = () => undefined;
  #holdMs = 0;

  /** @param onShare told how far it is, 0 to 1 */
  constructor(onShare: (share: number) => void) {
    this.#onShare = onShare;
  }

  begin(holdMs: number, act: () => void): void {
    if (this.#since !== null) return;
    this.#since = performance.now();
    this.#holdMs = holdMs;
    this.#act = act;
    this.#frame = requestAnimationFrame(this.#step);
  }

  end(): void {
    if (this.#since === null) return;
    cancelAnimationFrame(this.#frame);
    this.#since = null;
    this.#onShare(0);
  }

  readonly #step = (): void => {
    if (this.#since === null) return;
    const share = Math.min(1, (performance.now() - this.#since) / this.#holdMs);
    this.#onShare(share);
    if (share < 1) this.#frame = requestAnimationFrame(this.#step);
    else {
      const act = this.#act;
      this.end();
      act();
    }
  };
}
