// SPDX-License-Identifier: MIT
import type { Pen, Pixels, Point, Stroke, TextStyle } from './pen.ts';
import { penOf } from '../ui/canvas.ts';

const pictures = new WeakMap<Pixels, HTMLCanvasElement>();

/** A picture as a canvas of its own size; kept for as long as the pixels are. */
export function pictureCanvas(pixels: Pixels): HTMLCanvasElement {
  const known = pictures.get(pixels);
  if (known !== undefined) return known;
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, pixels.width);
  canvas.height = Math.max(1, pixels.height);
  if (pixels.width > 0 && pixels.height > 0) {
    penOf(canvas)?.putImageData(new ImageData(pixels.data, pixels.width, pixels.height), 0, 0);
  }
  pictures.set(pixels, canvas);
  return canvas;
}

/** Draws on a canvas that is `scale` device pixels to a CSS pixel. */
export class CanvasPen implements Pen {
  readonly width: number;
  readonly height: number;
  readonly #context: CanvasRenderingContext2D;
  readonly #font: string;

  constructor(context: CanvasRenderingContext2D, width: number, height: number, scale: number, font: string) {
    this.#context = context;
    this.width = width;
    this.height = height;
    this.#font = font;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    context.lineJoin = 'round';
  }

  rect(x: number, y: number, width: number, height: number, colour: string, opacity = 1): void {
    this.#context.globalAlpha = opacity;
    this.#context.fillStyle = colour;
    this.#context.fillRect(x, y, width, height);
    this.#context.globalAlpha = 1;
  }

  line(points: readonly Point[], { colour, width = 1, dash = [] }: Stroke): void {
    const context = this.#context;
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.setLineDash([...dash]);
    context.beginPath();
    let down = false;
    for (const point of points) {
      if (point === null) down = false;
      else if (down) context.lineTo(point[0], point[1]);
      else {
        context.moveTo(point[0], point[1]);
        down = true;
      }
    }
    context.stroke();
    context.setLineDash([]);
  }

  area(points: ReadonlyArray<readonly [number, number]>, colour: string, opacity = 1): void {
    const context = this.#context;
    context.globalAlpha = opacity;
    context.fillStyle = colour;
    context.beginPath();
    for (const [x, y] of points) context.lineTo(x, y);
    context.closePath();
    context.fill();
    context.globalAlpha = 1;
  }

  circle(x: number, y: number, radius: number, colour: string): void {
    this.#context.fillStyle = colour;
    this.#context.beginPath();
    this.#context.arc(x, y, radius, 0, 2 * Math.PI);
    this.#context.fill();
  }

  text(text: string, x: number, y: number, style: TextStyle): void {
    const context = this.#context;
    context.font = `${String(style.weight ?? 400)} ${String(style.size ?? 11)}px ${this.#font}`;
    context.fillStyle = style.colour;
    context.textAlign = style.align ?? 'left';
    context.textBaseline = style.baseline ?? 'middle';
    if (style.upwards !== true) {
      context.fillText(text, x, y);
      return;
    }
    context.save();
    context.translate(x, y);
    context.rotate(-Math.PI / 2);
    context.fillText(text, 0, 0);
    context.restore();
  }

  image(pixels: Pixels, x: number, y: number, width: number, height: number): void {
    if (pixels.width === 0 || pixels.height === 0) return;
    this.#context.imageSmoothingEnabled = false;
    this.#context.drawImage(pictureCanvas(pixels), x, y, width, height);
  }
}
