// SPDX-License-Identifier: MIT
import '../ui/language.ts';
import uPlot from 'uplot';
import type { TraceWindow } from '../client/streams.ts';
import { withPens } from '../ui/canvas.ts';
import { duration } from '../ui/format.ts';

/** The plot of one cell's traces. No React: the panel owns it and feeds it. */

/** Order of the kinds in a question to the traces stream. */
export const plottedKinds = ['raw', 'denoised', 'deconvolved'] as const;

/** Distances of marks on the time axis, s: those of a clock. */
const timeSteps = [
  0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800,
  86_400,
];

interface Colours {
  readonly raw: string;
  readonly denoised: string;
  readonly events: string;
  readonly axis: string;
  readonly grid: string;
  readonly text: string;
  readonly font: string;
  readonly family: string;
  /** How large the person wants text. */
  readonly scale: number;
}

/** Minima and maxima of columns as one zigzag line; columns without a time are left out. */
export function zigzag(
  timesS: Float64Array,
  minima: Float32Array,
  maxima: Float32Array,
): { readonly x: number[]; readonly y: Array<number | null> } {
  const x: number[] = [];
  const y: Array<number | null> = [];
  for (let column = 0; column < timesS.length; column += 1) {
    const time = timesS[column] ?? Number.NaN;
    if (!Number.isFinite(time)) continue;
    const width = Math.max(0, (timesS[column + 1] ?? time) - time) / 2;
    const low = minima[column] ?? Number.NaN;
    const high = maxima[column] ?? Number.NaN;
    const known = Number.isFinite(low) && Number.isFinite(high);
    x.push(time, time + width);
    y.push(known ? low : null, known ? high : null);
  }
  return { x, y };
}

function styleOf(element: HTMLElement): Colours {
  const style = getComputedStyle(element);
  const token = (name: string): string => style.getPropertyValue(name).trim();
  const scale = Number(token('--scale')) || 1;
  return {
    raw: token('--trace-raw'),
    denoised: token('--trace-den'),
    events: token('--trace-spk'),
    axis: token('--plot-axis'),
    grid: token('--plot-grid'),
    text: token('--fg-2'),
    font: `${String(11 * scale)}px ${token('--sans')}`,
    family: token('--sans'),
    scale,
  };
}

type Kinds = TraceWindow['rows'][number];

function sameNumbers(a: Float32Array | Float64Array, b: Float32Array | Float64Array): boolean {
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
}

function sameKinds(a: Kinds | undefined, b: Kinds | undefined): boolean {
  return (
    a !== undefined &&
    a.length === b?.length &&
    a.every(({ minima, maxima }, kind) => {
      const other = b[kind];
      return other !== undefined && sameNumbers(minima, other.minima) && sameNumbers(maxima, other.maxima);
    })
  );
}

/** Draws windows of raw, denoised and deconvolved traces; below them the deconvolved activity as bars. */
export class TracePlot {
  readonly #host: HTMLElement;
  readonly #onDrawn: () => void;
  readonly #plot: uPlot;
  readonly #colours: Colours;
  #window: TraceWindow | null = null;
  #index = 0;
  #low = 0;
  #high = 1;
  #range: readonly [number, number] = [0, 1];
  /** Another stretch of time is shown than that of the window. */
  #elsewhere = false;

  /** @param onDrawn told after each drawing, when positions are those of the newest window */
  constructor(host: HTMLElement, onDrawn: () => void) {
    this.#host = host;
    this.#onDrawn = onDrawn;
    this.#colours = styleOf(host);
    const { clientWidth, clientHeight } = host;
    const options = this.#options(Math.max(50, clientWidth), Math.max(50, clientHeight));
    this.#plot = withPens(() => new uPlot(options, [[], [], []], host));
  }

  /** The element over the plotting area, for the cursor. */
  get over(): HTMLElement {
    return this.#plot.over;
  }

  resize(width: number, height: number): void {
    if (width > 50 && height > 50) this.#plot.setSize({ width, height });
  }

  /** CSS pixels from the plotting area's left edge. */
  leftOf(timeS: number): number {
    return this.#plot.valToPos(timeS, 'x');
  }

  timeAt(left: number): number {
    return this.#plot.posToVal(left, 'x');
  }

  /** Shows a row of a window; kinds as in `plottedKinds`. */
  show(window: TraceWindow, index: number): void {
    const before = this.#window;
    const isShown =
      before !== null &&
      !this.#elsewhere &&
      sameNumbers(before.timesS, window.timesS) &&
      sameKinds(before.rows[this.#index], window.rows[index]);
    this.#window = window;
    this.#index = index;
    // Fetched once more for the sake of its neighbours.
    if (isShown) return;
    this.#elsewhere = false;
    const [raw, denoised] = window.rows[index] ?? [];
    const none = new Float32Array(0);
    const behind = zigzag(window.timesS, raw?.minima ?? none, raw?.maxima ?? none);
    const front = zigzag(window.timesS, denoised?.minima ?? none, denoised?.maxima ?? none);
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const values of [behind.y, front.y])
      for (const value of values) {
        if (value === null) continue;
        if (value < low) low = value;
        if (value > high) high = value;
      }
    this.#low = low <= high ? low : 0;
    this.#high = low < high ? high : this.#low + 1;
    const first = behind.x[0] ?? 0;
    this.#range = [first, Math.max(first + 1e-6, behind.x[behind.x.length - 1] ?? first + 1)];
    this.#plot.setData([behind.x, behind.y, front.y]);
  }

  /** Shows another stretch of time at once, with what is known of it, until its window is there. */
  look(fromS: number, toS: number): void {
    if (this.#window === null || !(toS > fromS)) return;
    if (Math.abs(fromS - this.#range[0]) < 1e-9 && Math.abs(toS - this.#range[1]) < 1e-9) return;
    this.#range = [fromS, toS];
    this.#elsewhere = true;
    this.#plot.setScale('x', { min: fromS, max: toS });
  }

  destroy(): void {
    this.#plot.destroy();
    this.#host.replaceChildren();
  }

  #options(width: number, height: number): uPlot.Options {
    const { axis, grid, text, font, scale, raw, denoised } = this.#colours;
    const tick = { stroke: axis, width: 1, size: 4 };
    return {
      width,
      height,
      legend: { show: false },
      cursor: { show: false },
      padding: [8, 12, 0, 0],
      scales: {
        x: { time: false, range: () => [this.#range[0], this.#range[1]] },
        y: { range: () => [this.#low - (this.#high - this.#low) * 0.26, this.#high + (this.#high - this.#low) * 0.06] },
      },
      axes: [
        {
          stroke: text,
          font,
          size: 26 * scale,
          gap: 4,
          space: 90 * scale,
          incrs: timeSteps,
          grid: { stroke: grid, width: 1 },
          ticks: tick,
          border: { show: true, stroke: axis, width: 1 },
          values: (_plot, splits) => {
            const fine = splits.length > 1 && (splits[1] ?? 0) - (splits[0] ?? 0) < 1;
            return splits.map((split) => (fine ? `${split.toFixed(2)} s` : duration(split)));
          },
        },
        {
          stroke: text,
          font,
          size: 56 * scale,
          gap: 6,
          space: 34 * scale,
          grid: { show: false },
          ticks: { show: false },
          values: (_plot, splits) => splits.map((split) => (split < this.#low ? '' : String(split).replace('-', '−'))),
        },
      ],
      series: [
        {},
        { stroke: raw, width: 1, points: { show: false }, spanGaps: false },
        { stroke: denoised, width: 1.5, points: { show: false }, spanGaps: false },
      ],
      hooks: {
        draw: [
          (plot) => {
            this.#drawEvents(plot);
            this.#onDrawn();
          },
        ],
      },
    };
  }

  #drawEvents(plot: uPlot): void {
    const window = this.#window;
    const events = window?.rows[this.#index]?.[2];
    const { ctx, bbox } = plot;
    const ratio = uPlot.pxRatio;
    const room = bbox.height * 0.15;
    const bottom = bbox.top + bbox.height - 4 * ratio;
    ctx.save();
    ctx.font = `${String(11 * ratio * this.#colours.scale)}px ${this.#colours.family}`;
    ctx.fillStyle = this.#colours.text;
    ctx.textAlign = 'right';
    ctx.textBaseline = 'middle';
    // Where its letters would lie on those of the axis, the legend alone says it.
    if (room > 11 * ratio * this.#colours.scale) ctx.fillText('activity', bbox.left - 8 * ratio, bottom - room / 2);
    if (window !== null && events !== undefined) {
      const most = events.maxima.reduce((highest, value) => (value > highest ? value : highest), 0);
      ctx.fillStyle = this.#colours.events;
      for (let column = 0; column < window.columns; column += 1) {
        const value = events.maxima[column] ?? 0;
        const time = window.timesS[column] ?? Number.NaN;
        if (value <= 0 || value <= most * 0.02 || !Number.isFinite(time)) continue;
        const x = plot.valToPos(time, 'x', true);
        const tall = Math.max(3 * ratio, (value / most) * room);
        ctx.fillRect(Math.round(x - ratio * 0.75), bottom - tall, Math.max(1, 1.5 * ratio), tall);
      }
    }
    ctx.restore();
  }
}
