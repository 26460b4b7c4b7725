// SPDX-License-Identifier: MIT

/** A colour as red, green, blue, opacity, each 0 to 1. */
export type Colour = readonly [number, number, number, number];

/** How a line is drawn: CSS pixels at every zoom; `dash` is the period, 0 for a solid line. */
export interface LineStyle {
  readonly colour: Colour;
  readonly width: number;
  readonly dash: number;
}

/** The looks of outlines, by label code 0 undecided, 1 accepted, 2 rejected, and those that lie over them. */
export interface OutlineStyles {
  readonly labels: readonly [LineStyle, LineStyle, LineStyle];
  readonly casing: LineStyle;
  readonly selectedCasing: LineStyle;
  readonly selected: LineStyle;
  readonly partner: LineStyle;
}
