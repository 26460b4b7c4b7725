// SPDX-License-Identifier: MIT
import type { RemoteControl } from '../../acquisition/index.ts';
import { newToken, sameToken } from './guard.ts';

/** Remote control of the rig: off until somebody switches it on; each time with a new token, and the one before is worth nothing. */
export class RemoteAccess implements RemoteControl {
  #token: string | null = null;
  #origin: string | null = null;
  readonly #onOff: (() => void)[] = [];

  /** Where the rpc is reached. */
  served(origin: string): void {
    this.#origin = origin;
  }

  readonly set: RemoteControl['set'] = (on) => {
    if (on === false) {
      this.#token = null;
      for (const end of this.#onOff.splice(0)) end();
    } else if (on === true) this.#token ??= newToken();
    const address = this.#origin === null ? null : `${this.#origin.replace(/^http/, 'ws')}/rpc`;
    return { on: this.#token !== null, address, token: this.#token };
  };

  /** True for the token that is good now. `end` is called when remote control is switched off. */
  admits(token: string, end: () => void): boolean {
    if (this.#token === null || !sameToken(token, this.#token)) return false;
    this.#onOff.push(end);
    return true;
  }
}
