// SPDX-License-Identifier: MIT
import { layerScales } from '../../main/contract/index.ts';
import type { FilmFrame } from '../client/film.ts';
import { type Levels, percentileLevels } from '../gl/levels.ts';
import { differenceBytes, lutBytes } from '../gl/lut.ts';
import type { PictureStage } from '../gl/stage.ts';
import type { MovieLayer } from '../stores/review.ts';

/** A part of a frame, px. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

type Part = keyof typeof layerScales;

/** What the panes of a layer show, in their order. */
export function partsOf(layer: MovieLayer): readonly Part[] {
  return layer === 'split' ? ['registered', 'cells', 'background', 'residual'] : [layer];
}

function sample(bytes: Uint8Array, width: number, box: Box): number[] {
  const values: number[] = [];
  const step = Math.max(1, Math.floor(Math.sqrt(((box.right - box.left) * (box.bottom - box.top)) / 20_000)));
  for (let y = box.top; y < box.bottom; y += step) {
    for (let x = box.left; x < box.right; x += step) values.push(bytes[y * width + x] ?? 0);
  }
  return values;
}

/** Grey range of a part of a frame, with room above for events to come. */
export function greyRange(bytes: Uint8Array, width: number, box: Box): Levels {
  const { low, high } = percentileLevels(sample(bytes, width, box), 0.005, 0.995);
  return { low, high: high + (high - low) * 0.25 };
}

/** Five standard deviations about zero: noise stays dark and what is not noise shows. Measured by the middle half of the values so that cells do not count; at least two grey levels. */
export function residualRange(bytes: Uint8Array, width: number, box: Box): Levels {
  const { zero, step } = layerScales.residual;
  const { low, high } = percentileLevels(sample(bytes, width, box), 0.25, 0.75);
  const sigma = (high - low) / 1.349;
  const reach = Math.max(2 / step, 5 * sigma);
  return { low: zero - reach, high: zero + reach };
}

/** The contrast of all panes from that of one: the same range of grey levels, of which cells begin at zero. */
export function sharedLevels(part: Part, grey: Levels): Levels {
  const { step } = layerScales[part];
  return part === 'cells' ? { low: 0, high: (grey.high - grey.low) / step } : grey;
}

const grey = lutBytes('grey');
const difference = differenceBytes();

/** Hands a frame to the stage; `box` measures the contrast anew there. */
export function showFrame(stage: PictureStage, frame: FilmFrame, box: Box | undefined): void {
  const { width, height, bytes, layer } = frame;
  const parts = partsOf(layer);
  stage.setPanes(parts.length === 4 ? 4 : 1);
  stage.setImageSize({ width, height });
  const size = width * height;
  const bytesOf = (pane: number): Uint8Array => bytes.subarray(pane * size, (pane + 1) * size);
  const range = box === undefined ? undefined : greyRange(bytesOf(0), width, box);
  parts.forEach((part, pane) => {
    const values = bytesOf(pane);
    stage.picture.setPicture({ kind: 'byte', width, height, values }, pane);
    stage.picture.setLut(part === 'residual' ? difference : grey, pane);
    if (box === undefined || range === undefined) return;
    const levels =
      part === 'residual'
        ? residualRange(values, width, box)
        : parts.length === 1 && part === 'cells'
          ? { low: 0, high: Math.max(8, range.high) }
          : sharedLevels(part, range);
    stage.picture.setLevels(levels, pane);
  });
}
