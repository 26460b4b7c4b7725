// SPDX-License-Identifier: MIT
import { packWords, type I2cPacket, type PacketWords } from './i2c-packet.ts';

interface Waiting {
  readonly words: PacketWords;
  readonly settle: () => void;
}

/**
 * Commands on their way to the scope. A newer value for the same control takes the place of the one that has not left yet, at that one's
 * place in the order: a slider that is dragged does not flood the link, and what was asked first is done first (acquisition.md 2.4).
 */
export class CommandQueue {
  readonly #waiting = new Map<string, Waiting>();

  /** Commands that wait. */
  get length(): number {
    return this.#waiting.size;
  }

  /**
   * Puts a command in line; `key` names what it sets.
   *
   * @returns resolves when it has been taken, or a newer value has taken its place
   * @throws AppError `device.bad_command`
   */
  put(key: string, packet: I2cPacket): Promise<void> {
    const words = packWords(packet);
    this.#waiting.get(key)?.settle();
    return new Promise((settle) => {
      this.#waiting.set(key, { words, settle });
    });
  }

  /** The next command; undefined when none waits. */
  take(): PacketWords | undefined {
    for (const [key, { words, settle }] of this.#waiting) {
      this.#waiting.delete(key);
      settle();
      return words;
    }
    return undefined;
  }

  /** Forgets what waits: nothing may come before a link is set up. */
  clear(): void {
    for (const { settle } of this.#waiting.values()) settle();
    this.#waiting.clear();
  }
}
