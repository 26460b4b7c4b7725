// SPDX-License-Identifier: MIT
import type { Colour, OutlineStyles } from './line-styles.ts';

/** A colour of the tokens (`#rrggbb`, or `#rgb` as builds shorten it) with an opacity. */
export function colourOf(hex: string, opacity = 1): Colour {
  const digits = /^#([\da-f]{3}|[\da-f]{6})$/i.exec(hex.trim())?.[1];
  if (digits === undefined) throw new Error(`“${hex}” is not a colour of the tokens.`);
  const long = digits.length === 6 ? digits : digits.replace(/./g, '$&$&');
  const byte = (index: number): number => Number.parseInt(long.slice(2 * index, 2 * index + 2), 16) / 255;
  return [byte(0), byte(1), byte(2), opacity];
}

/**
 * How outlines look (renderer/ui/README.md): weight and dash carry the state, colour only repeats it.
 * @param token value of a custom property of the dark roles, such as `--cell-acc`
 */
export function outlineStyles(token: (name: string) => string): OutlineStyles {
  const solid = (colour: Colour, width: number) => ({ colour, width, dash: 0 });
  return {
    labels: [
      solid(colourOf(token('--cell-und'), 0.62), 1),
      solid(colourOf(token('--cell-acc'), 0.9), 1.25),
      { colour: colourOf(token('--cell-rej')), width: 1.25, dash: 5 },
    ],
    casing: solid([0, 0, 0, 0.7], 3),
    selectedCasing: solid([0, 0, 0, 0.8], 5),
    selected: solid(colourOf(token('--cell-sel')), 2),
    partner: solid(colourOf('#f0a93c'), 1.5),
  };
}
