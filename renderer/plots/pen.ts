// SPDX-License-Identifier: MIT
/** What figures draw with. Coordinates are CSS pixels from the top left. No React, no DOM. */

export interface Stroke {
  readonly colour: string;
  readonly width?: number;
  readonly dash?: readonly number[];
}

export interface TextStyle {
  readonly colour: string;
  readonly size?: number;
  readonly weight?: 400 | 500 | 600;
  readonly align?: 'left' | 'center' | 'right';
  readonly baseline?: 'top' | 'middle' | 'bottom';
  /** Turned to read upwards. */
  readonly upwards?: boolean;
}

/** A picture as bytes: RGBA, row-major. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** A point, or null where the line is broken. */
export type Point = readonly [x: number, y: number] | null;

export interface Pen {
  readonly width: number;
  readonly height: number;
  rect(x: number, y: number, width: number, height: number, colour: string, opacity?: number): void;
  line(points: readonly Point[], stroke: Stroke): void;
  /** A closed shape. */
  area(points: ReadonlyArray<readonly [number, number]>, colour: string, opacity?: number): void;
  circle(x: number, y: number, radius: number, colour: string): void;
  text(text: string, x: number, y: number, style: TextStyle): void;
  /** A picture, drawn without smoothing. */
  image(pixels: Pixels, x: number, y: number, width: number, height: number): void;
}

/** Colours and type of a figure. */
export interface Look {
  readonly ground: string;
  readonly bright: string;
  readonly text: string;
  readonly dim: string;
  readonly axis: string;
  readonly grid: string;
  readonly accent: string;
  readonly warn: string;
  readonly series: readonly string[];
  readonly font: string;
}

/** How files look: black on white. */
export const paper: Look = {
  ground: '#ffffff',
  bright: '#000000',
  text: '#1c1c1c',
  dim: '#55585c',
  axis: '#8a8d90',
  grid: '#e3e3e2',
  accent: '#0f6487',
  warn: '#7d5300',
  series: ['#1b73be', '#8a5208', '#0a9161', '#978a06', '#571a16', '#9d4774'],
  font: "'IBM Plex Sans', Helvetica, Arial, sans-serif",
};

/** A drawing. It may be called again with another pen. */
export type Figure = (pen: Pen, look: Look) => void;
