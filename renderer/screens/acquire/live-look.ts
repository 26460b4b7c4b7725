// SPDX-License-Identifier: MIT
import type { LivePacket } from '../../client/live.ts';
import { type Levels, percentileLevels } from '../../gl/levels.ts';
import type { PictureStage } from '../../gl/stage.ts';
import type { useLiveView } from '../../stores/acquire.ts';

type Wanted = ReturnType<typeof useLiveView.getState>;

/** The background of ΔF/F follows the picture with this share of each frame: some seconds at 30 frames/s. */
const backgroundShare = 0.01;
/** The background is loaded anew after so many frames. */
const backgroundEvery = 8;
const change: Levels = { low: -0.1, high: 0.3 };

/** Levels that show a histogram of 64 bins of four grey levels: 1 % black, 0.3 % white, at least 16 levels apart. */
export function autoLevels(histogram: readonly number[]): Levels {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  const at = (share: number): number => {
    let sum = 0;
    for (const [bin, count] of histogram.entries()) {
      sum += count;
      if (sum >= share * total) return bin * 4 + 2;
    }
    return 255;
  };
  const low = Math.max(0, at(0.01) - 4);
  return { low, high: Math.max(low + 16, Math.min(255, at(0.997) + 4)) };
}

/** Draws live frames: as they are, their maximum so far, their change, what is saturated, or over a picture of another day. */
export class LiveLook {
  readonly #stage: PictureStage;
  #last: LivePacket | undefined;
  #background: Float32Array | undefined;
  #maximum: Uint8Array | undefined;
  #levels: Levels = { low: 0, high: 255 };
  #frames = 0;

  constructor(stage: PictureStage) {
    this.#stage = stage;
  }

  /** Takes a frame; a frozen picture stays. */
  take(packet: LivePacket, wanted: Wanted): void {
    if (wanted.frozen && this.#last !== undefined) return;
    this.#last = packet;
    this.#frames += 1;
    this.#follow(packet.bytes, wanted);
    const auto = autoLevels(packet.header.histogram);
    const ease = this.#frames === 1 ? 1 : 0.1;
    this.#levels = {
      low: this.#levels.low + ease * (auto.low - this.#levels.low),
      high: this.#levels.high + ease * (auto.high - this.#levels.high),
    };
    this.#draw(wanted, this.#frames % backgroundEvery === 1);
  }

  /** Shows the newest frame the way it is wanted now. */
  show(wanted: Wanted): void {
    if (!wanted.maximum) this.#maximum = undefined;
    this.#draw(wanted, true);
  }

  #follow(bytes: Uint8Array, wanted: Wanted): void {
    if (this.#background?.length !== bytes.length) this.#background = Float32Array.from(bytes);
    else if (wanted.look === 'change') {
      const background = this.#background;
      for (let n = 0; n < bytes.length; n += 1) {
        const before = background[n] ?? 0;
        background[n] = before + backgroundShare * ((bytes[n] ?? 0) - before);
      }
    }
    if (!wanted.maximum) return;
    if (this.#maximum?.length !== bytes.length) this.#maximum = bytes.slice();
    const maximum = this.#maximum;
    for (let n = 0; n < bytes.length; n += 1) if ((bytes[n] ?? 0) > (maximum[n] ?? 0)) maximum[n] = bytes[n] ?? 0;
  }

  #draw({ look, levels, maximum, reference }: Wanted, isAnew: boolean): void {
    const packet = this.#last;
    if (packet === undefined) return;
    const { width, height } = packet.header;
    const { picture } = this.#stage;
    const values = maximum && this.#maximum !== undefined ? this.#maximum : packet.bytes;
    picture.setPicture({ kind: 'byte', width, height, values });
    picture.setLevels(levels ?? this.#levels);
    if (isAnew || look !== 'change') {
      if (look === 'saturation') picture.setLook({ kind: 'saturation', second: null, levels: change });
      else if (look === 'change' && this.#background !== undefined)
        picture.setLook({
          kind: 'change',
          second: { kind: 'float', width, height, values: this.#background },
          levels: change,
        });
      else if (reference === null) picture.setLook(null);
      else if (isAnew)
        picture.setLook({
          kind: 'overlay',
          second: { kind: 'float', width: reference.width, height: reference.height, values: reference.values },
          levels: percentileLevels(reference.values),
        });
    }
    this.#stage.setImageSize({ width, height });
    this.#stage.redraw();
  }
}
