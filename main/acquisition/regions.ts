// SPDX-License-Identifier: MIT
import type { AcquireRoi } from '../contract/index.ts';
import { meanOf, type Size } from './measures.ts';

/** Regions of a scope's picture whose means are followed. */
export class Regions {
  #regions: readonly AcquireRoi[] = [];
  #id = 0;

  /** Follows these from now on, instead of those before. */
  follow(regions: readonly AcquireRoi[]): void {
    this.#regions = regions;
    this.#id += 1;
  }

  /** The mean of each in a picture, and a number that changes with the regions. */
  of(pixels: Uint8Array, size: Size): { readonly roisId: number; readonly values: number[] } {
    return { roisId: this.#id, values: this.#regions.map((region) => meanOf(pixels, size, region)) };
  }
}
