// SPDX-License-Identifier: MIT
import { open, readFile, stat } from 'node:fs/promises';
import { AppError } from '../../../contract/index.ts';
import { fileError } from '../../../processing/index.ts';
import { dialectOf, textOf } from '../../../text-tables/index.ts';
import { unreadable } from '../check.ts';
import { readOutlines } from './read-outlines.ts';
import { fieldOf, pixelsOf } from './roi.ts';

/** Places that a person marked, as the parameter `givenSeeds` takes them. */
export interface Seeds {
  /** `row,column` of each in px (the centre of the top-left pixel is 0, 0), `;` between them. */
  readonly text: string;
  readonly count: number;
  /** What of the file was left out, a sentence each. */
  readonly findings: readonly string[];
}

/** As many as the engine takes; a table that is longer is none of places. */
const [mostSeeds, mostBytes] = [20_000, 16 * 2 ** 20];

/**
 * Reads places of cells: outlines of ImageJ (`RoiSet.zip`, one `.roi`: the centre of each area), or a table with columns `x` and `y` in px (comma, semicolon
 * or tab), as `calyx export --format csv` and ImageJ's results write them.
 *
 * @throws AppError `interop.unreadable`, `disk.io`
 */
export async function seedsOfFile(place: string): Promise<Seeds> {
  const found = (await isOutlines(place)) ? await ofOutlines(place) : await ofTable(place);
  if (found.places.length === 0) throw unreadable(place, 'it marks no cell.');
  if (found.places.length > mostSeeds)
    throw unreadable(place, `it marks ${found.places.length} places; a film has at most ${mostSeeds} cells.`);
  const rounded = (value: number): string => String(Math.round(value * 10) / 10);
  return {
    text: found.places.map(([y, x]) => `${rounded(y)},${rounded(x)}`).join(';'),
    count: found.places.length,
    findings: found.findings,
  };
}

interface Places {
  readonly places: readonly (readonly [y: number, x: number])[];
  readonly findings: readonly string[];
}

async function isOutlines(place: string): Promise<boolean> {
  const file = await open(place, 'r').catch((error: unknown) => {
    throw fileError(error, `opening ${place}`);
  });
  try {
    const head = Buffer.alloc(4);
    await file.read(head, 0, 4, 0);
    const start = head.toString('latin1');
    return start === 'Iout' || start.startsWith('PK');
  } catch (error) {
    throw fileError(error, `opening ${place}`);
  } finally {
    await file.close();
  }
}

async function ofOutlines(place: string): Promise<Places> {
  const { outlines, findings } = await readOutlines(place);
  const field = fieldOf(outlines);
  const places: (readonly [number, number])[] = [];
  let small = 0;
  for (const outline of outlines) {
    const { pixels } = pixelsOf(outline, field);
    let [y, x] = [0, 0];
    for (const pixel of pixels) {
      y += Math.floor(pixel / field.width);
      x += pixel % field.width;
    }
    if (pixels.length === 0) small += 1;
    else places.push([y / pixels.length, x / pixels.length]);
  }
  return {
    places,
    findings: [
      ...findings,
      ...(small === 0 ? [] : [`${small} outlines hold the centre of no pixel and were left out.`]),
    ],
  };
}

async function ofTable(place: string): Promise<Places> {
  const { size } = await stat(place);
  if (size > mostBytes) throw unreadable(place, `it has ${size} bytes; a table of places never needs so many.`);
  const bytes = await readFile(place).catch((error: unknown) => {
    throw fileError(error, `opening ${place}`);
  });
  const lines = textOf(bytes).split(/\r\n|\n|\r/);
  const dialect = dialectOf(lines[0] ?? '', lines.slice(1, 1000).join('\n'), (why, line) =>
    unreadable(place, `in line ${line} ${why}`),
  );
  const [names = [], ...rest] = lines
    .map((line, i) => dialect.fields(line, i + 1))
    .filter((fields) => fields.some((field) => field !== ''));
  const [y, x] = ['y', 'x'].map((name) => names.findIndex((each) => each.toLowerCase() === name));
  if (y === undefined || x === undefined || y < 0 || x < 0)
    throw unreadable(place, 'it is neither outlines of ImageJ nor a table with the columns x and y (px).');
  const places: (readonly [number, number])[] = [];
  let left = 0;
  for (const row of rest) {
    const at = [row[y], row[x]].map((cell) => (cell === undefined || cell === '' ? Number.NaN : Number(cell)));
    if (at.every((value) => Number.isFinite(value))) places.push([at[0] ?? 0, at[1] ?? 0]);
    else left += 1;
  }
  return { places, findings: left === 0 ? [] : [`${left} of ${rest.length} rows have no place and were left out.`] };
}

/** Refuses places of which none lies in the frame, and says how many do not. @throws AppError `usage.invalid` */
export function seedsOutside(
  text: string,
  { height, width }: { readonly height: number; readonly width: number },
): number {
  const places = text.split(';').map((place) => place.split(',').map(Number));
  const outside = places.filter(([y = 0, x = 0]) => y < -0.5 || x < -0.5 || y >= height - 0.5 || x >= width - 0.5);
  if (outside.length === places.length)
    throw new AppError(
      'usage.invalid',
      `None of the ${places.length} places lies in the frame of ${width} × ${height} px.`,
      {
        hint: 'They are x (column) and y (row) in px of the film as it was recorded.',
      },
    );
  return outside.length;
}
