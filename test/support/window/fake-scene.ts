// SPDX-License-Identifier: MIT
import type { Cell } from '../../../main/contract/index.ts';

/** A small simulated field (wider than high, so that swapped axes show): footprints, traces and pictures of a run. */
export interface FakeScene {
  readonly height: number;
  readonly width: number;
  readonly frames: number;
  readonly fps: number;
  readonly cells: readonly Cell[];
  readonly windows: ReadonlyArray<{ top: number; left: number; height: number; width: number; offset: number }>;
  readonly footprints: Uint8Array;
  /** Per row: denoised and deconvolved, T values each. */
  readonly denoised: readonly Float32Array[];
  readonly deconvolved: readonly Float32Array[];
  readonly raw: readonly Float32Array[];
  readonly mean: Float32Array;
}

/** A small repeatable generator (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
  };
}

/** A uuid that tells its kind and number. */
export function fakeUuid(kind: number, index: number): string {
  return `0198a000-${String(kind).padStart(4, '0')}-7000-8000-${String(index).padStart(12, '0')}`;
}

/** Makes the field. */
export function makeScene(count: number, height = 240, width = 320, frames = 3000, fps = 20): FakeScene {
  const random = randomFrom(7);
  const gauss = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const windows: Array<FakeScene['windows'][number]> = [];
  const values: number[] = [];
  const cells: Cell[] = [];
  const raw: Float32Array[] = [];
  const denoised: Float32Array[] = [];
  const deconvolved: Float32Array[] = [];
  const mean = new Float32Array(height * width);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const vessel = Math.exp(-(((y - 0.6 * x - 40 * Math.sin(x / 40) - 20) / 5) ** 2)) * 30;
      const glow = 90 * Math.exp(-(((y - height / 2) / 110) ** 2) - ((x - width / 2) / 150) ** 2);
      mean[y * width + x] = 30 + glow - vessel + 3 * gauss();
    }
  }
  for (let row = 0; row < count; row += 1) {
    const y = 12 + random() * (height - 24);
    const x = 12 + random() * (width - 24);
    const sigma = 2.4 + random() * 1.2;
    const angle = random() * Math.PI;
    const half = Math.ceil(sigma * 3.4);
    const top = Math.max(0, Math.floor(y) - half);
    const left = Math.max(0, Math.floor(x) - half);
    const bottom = Math.min(height, Math.floor(y) + half + 1);
    const right = Math.min(width, Math.floor(x) + half + 1);
    windows.push({ top, left, height: bottom - top, width: right - left, offset: values.length });
    for (let py = top; py < bottom; py += 1) {
      for (let px = left; px < right; px += 1) {
        const u = (px - x) * Math.cos(angle) + (py - y) * Math.sin(angle);
        const v = -(px - x) * Math.sin(angle) + (py - y) * Math.cos(angle);
        values.push(Math.round(255 * Math.exp(-(u * u) / (2 * (sigma * 1.25) ** 2) - (v * v) / (2 * sigma ** 2))));
      }
    }
    const snr = 2 + random() * 12;
    const trace = new Float32Array(frames);
    const spikes = new Float32Array(frames);
    const noisy = new Float32Array(frames);
    let level = 0;
    let events = 0;
    for (let frame = 0; frame < frames; frame += 1) {
      level *= 0.96;
      if (random() < 0.004 + 0.004 * (row % 3)) {
        const size = 10 + random() * 30;
        level += size;
        spikes[frame] = size;
        events += 1;
      }
      trace[frame] = level;
      noisy[frame] = level + (40 / snr) * gauss();
    }
    raw.push(noisy);
    denoised.push(trace);
    deconvolved.push(spikes);
    const suggested = snr > 4;
    cells.push({
      uuid: fakeUuid(5, row),
      row,
      label: 'undecided',
      centroid: { y, x },
      box: { top, left, height: bottom - top, width: right - left },
      suggested,
      reasons: suggested ? [] : ['the highest event is less than 4 times the noise'],
      metrics: {
        seedPnr: snr * 1.4,
        seedCorrelation: 0.6 + 0.38 * random(),
        snr,
        rValue: 0.4 + 0.55 * random(),
        areaPx: Math.PI * (1.18 * sigma) ** 2 * 1.25,
        diameterPx: 2.36 * sigma,
        roundness: 0.7 + 0.28 * random(),
        edgeDistancePx: Math.min(x, y, width - x, height - y),
        events,
        skewness: 1 + random(),
        splitHalf: row % 7 === 0 ? null : 0.7 + 0.3 * random(),
        overlap: row % 5 === 1 ? 0.34 : 0,
        overlapWith: row % 5 === 1 ? row - 1 : null,
      },
    });
  }
  return {
    height,
    width,
    frames,
    fps,
    cells,
    windows,
    footprints: Uint8Array.from(values),
    denoised,
    deconvolved,
    raw,
    mean,
  };
}

/** One of the run's pictures. */
export function pictureOf(scene: FakeScene, name: string): Float32Array {
  const picture = Float32Array.from(scene.mean, (value) => (name === 'mean' || name === 'std' ? value : value * 0.25));
  scene.windows.forEach((window, row) => {
    const gain = name === 'mean' ? 4 : 20 + (scene.cells[row]?.metrics['snr'] ?? 0) * 8;
    for (let y = 0; y < window.height; y += 1) {
      for (let x = 0; x < window.width; x += 1) {
        const at = (window.top + y) * scene.width + window.left + x;
        const weight = (scene.footprints[window.offset + y * window.width + x] ?? 0) / 255;
        picture[at] = (picture[at] ?? 0) + weight * gain;
      }
    }
  });
  return name === 'correlation' ? picture.map((value) => Math.min(0.98, 0.2 + value / 200)) : picture;
}

/** One frame of the film, H × W bytes. */
export function frameOf(scene: FakeScene, frame: number, layer: string): Uint8Array {
  const image = Float32Array.from(scene.mean);
  scene.windows.forEach((window, row) => {
    const gain = (scene.denoised[row]?.[frame] ?? 0) * 1.6;
    for (let y = 0; y < window.height; y += 1) {
      for (let x = 0; x < window.width; x += 1) {
        const at = (window.top + y) * scene.width + window.left + x;
        image[at] = (image[at] ?? 0) + (gain * (scene.footprints[window.offset + y * window.width + x] ?? 0)) / 255;
      }
    }
  });
  const shift = layer === 'raw' ? Math.round(3 * Math.sin(frame / 9)) : 0;
  const out = new Uint8Array(scene.height * scene.width);
  for (let y = 0; y < scene.height; y += 1) {
    for (let x = 0; x < scene.width; x += 1) {
      const from = Math.max(0, Math.min(scene.width - 1, x - shift));
      out[y * scene.width + x] = Math.max(0, Math.min(255, image[y * scene.width + from] ?? 0));
    }
  }
  return out;
}
