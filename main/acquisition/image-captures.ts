// SPDX-License-Identifier: MIT
import path from 'node:path';
import type { AcquireStack } from '../contract/index.ts';
import { fileName } from '../recording/index.ts';
import type { CaptureLine } from './capture-line.ts';

/** What the pictures of a scope need of the instrument. */
export interface ImageCapturesRig {
  readonly now: () => Date;
  /** The data folder of the plan; made when it is not there. @throws AppError */
  readonly dataFolder: () => Promise<string>;
  /** Name of the first scope. */
  readonly firstScope: () => string;
  readonly say: (text: string) => void;
}

/** Single pictures and stacks, in `imageCaptures` of the data folder. */
export class ImageCaptures {
  readonly #rig: ImageCapturesRig;

  constructor(rig: ImageCapturesRig) {
    this.#rig = rig;
  }

  /** @param scope a scope of the rig beside the first one @throws AppError `acquire.not_now`, `disk.io` */
  async screenshot(line: CaptureLine, scope?: string): Promise<{ readonly file: string }> {
    const data = await this.#rig.dataFolder();
    const file = this.#name(scope, '.png');
    await line.ask('screenshot', { file: path.join(data, file), ...(scope === undefined ? {} : { scope }) });
    this.#rig.say(`Screenshot saved: ${file}`);
    return { file };
  }

  /** @throws AppError `device.*`, `disk.io`, `rpc.cancelled` */
  async stack(
    line: CaptureLine,
    wish: AcquireStack,
    signal: AbortSignal,
    scope?: string,
  ): Promise<{ readonly file: string; readonly planes: number }> {
    const data = await this.#rig.dataFolder();
    const file = this.#name(scope, '_stack.tif');
    const stop = (): void => void line.ask('stopStack', null).catch(() => undefined);
    signal.addEventListener('abort', stop, { once: true });
    try {
      const of = scope === undefined ? {} : { scope };
      const { planes } = await line.ask('stack', { ...wish, ...of, file: path.join(data, file) });
      this.#rig.say(`Stack of ${String(planes)} planes saved: ${file}`);
      return { file, planes };
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  #name(scope: string | undefined, ending: string): string {
    const stamp = this.#rig.now().toISOString().replaceAll(/[:.]/g, '-').replace('Z', '');
    return path.join('imageCaptures', `${fileName(scope ?? this.#rig.firstScope())}_${stamp}${ending}`);
  }
}
