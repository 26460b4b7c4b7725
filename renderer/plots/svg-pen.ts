// SPDX-License-Identifier: MIT
import type { Pen, Pixels, Point, Stroke, TextStyle } from './pen.ts';

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const n = (value: number): string => String(Math.round(value * 100) / 100);

const baselines = { top: 'hanging', middle: 'central', bottom: 'auto' } as const;
const anchors = { left: 'start', center: 'middle', right: 'end' } as const;

/** Writes what is drawn as SVG. `encode` makes a picture's address (a data URL); where the numbers come from stands in the file's `<desc>`. */
export class SvgPen implements Pen {
  readonly width: number;
  readonly height: number;
  readonly #parts: string[] = [];
  readonly #font: string;
  readonly #encode: (pixels: Pixels) => string;

  constructor(width: number, height: number, font: string, encode: (pixels: Pixels) => string) {
    this.width = width;
    this.height = height;
    this.#font = font;
    this.#encode = encode;
  }

  rect(x: number, y: number, width: number, height: number, colour: string, opacity = 1): void {
    this.#parts.push(
      `<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" fill="${escaped(colour)}"${opacity === 1 ? '' : ` fill-opacity="${n(opacity)}"`}/>`,
    );
  }

  line(points: readonly Point[], { colour, width = 1, dash = [] }: Stroke): void {
    let path = '';
    let down = false;
    for (const point of points) {
      if (point === null) down = false;
      else {
        path += `${down ? 'L' : 'M'}${n(point[0])} ${n(point[1])}`;
        down = true;
      }
    }
    if (path === '') return;
    this.#parts.push(
      `<path d="${path}" fill="none" stroke="${escaped(colour)}" stroke-width="${n(width)}" stroke-linejoin="round"${dash.length === 0 ? '' : ` stroke-dasharray="${dash.map(n).join(' ')}"`}/>`,
    );
  }

  area(points: ReadonlyArray<readonly [number, number]>, colour: string, opacity = 1): void {
    this.#parts.push(
      `<polygon points="${points.map(([x, y]) => `${n(x)},${n(y)}`).join(' ')}" fill="${escaped(colour)}"${opacity === 1 ? '' : ` fill-opacity="${n(opacity)}"`}/>`,
    );
  }

  circle(x: number, y: number, radius: number, colour: string): void {
    this.#parts.push(`<circle cx="${n(x)}" cy="${n(y)}" r="${n(radius)}" fill="${escaped(colour)}"/>`);
  }

  text(text: string, x: number, y: number, style: TextStyle): void {
    const turn = style.upwards === true ? ` transform="rotate(-90 ${n(x)} ${n(y)})"` : '';
    this.#parts.push(
      `<text x="${n(x)}" y="${n(y)}" fill="${escaped(style.colour)}" font-size="${n(style.size ?? 11)}" font-weight="${String(style.weight ?? 400)}" text-anchor="${anchors[style.align ?? 'left']}" dominant-baseline="${baselines[style.baseline ?? 'middle']}"${turn}>${escaped(text)}</text>`,
    );
  }

  image(pixels: Pixels, x: number, y: number, width: number, height: number): void {
    if (pixels.width === 0 || pixels.height === 0) return;
    this.#parts.push(
      `<image x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" preserveAspectRatio="none" style="image-rendering:pixelated" href="${this.#encode(pixels)}"/>`,
    );
  }

  /** The whole file. */
  finish(title: string, description: string): string {
    return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="${n(this.width)}" height="${n(this.height)}" viewBox="0 0 ${n(this.width)} ${n(this.height)}" font-family="${escaped(this.#font)}">
<title>${escaped(title)}</title>
<desc>${escaped(description)}</desc>
${this.#parts.join('\n')}
</svg>
`;
  }
}
