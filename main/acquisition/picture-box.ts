// SPDX-License-Identifier: MIT
import type { liveApi } from '../contract/index.ts';
import type { Handlers, OutPacket } from '../rpc/index.ts';

type Pictures = Handlers<typeof liveApi.procedures>['pictures'];
/** The header of a camera's picture. */
export type PictureHeader = Pictures extends (...args: never[]) => AsyncIterable<OutPacket<infer H>> ? H : never;

/** The newest picture of a camera, for windows that are ready for one; what a window missed is never sent later. */
export class PictureBox {
  readonly #watchers = new Set<(picture: OutPacket<PictureHeader>) => void>();

  offer(picture: OutPacket<PictureHeader>): void {
    for (const watcher of this.#watchers) watcher(picture);
  }

  async *follow(signal: AbortSignal): AsyncGenerator<OutPacket<PictureHeader>> {
    let newest: OutPacket<PictureHeader> | undefined;
    let wake: () => void = () => undefined;
    const take = (picture: OutPacket<PictureHeader>): void => {
      newest = picture;
      wake();
    };
    this.#watchers.add(take);
    signal.addEventListener('abort', () => wake(), { once: true });
    try {
      while (!signal.aborted) {
        const picture = newest;
        newest = undefined;
        if (picture !== undefined) yield picture;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      this.#watchers.delete(take);
    }
  }
}
