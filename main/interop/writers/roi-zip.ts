// SPDX-License-Identifier: MIT
import { writeFile } from 'node:fs/promises';
import { zipSync } from 'fflate';
import type { ExportJob, WrittenExport } from '../job.ts';
import { readFootprints, type Footprint } from '../run-arrays.ts';

/** A pixel belongs to a cell's outline where its footprint is at or above this share of the maximum. */
const outlineLevel = 0.5;

interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * Writes outlines as a ZIP of ImageJ ROIs (traced, along the pixels' edges, of the half-maximum area), named `0007_accepted`. A cell without
 * pixels has none. Coordinates are ImageJ's: the top-left pixel covers 0 to 1.
 *
 * @throws AppError `disk.io`
 */
export async function writeRoiZip(job: ExportJob): Promise<WrittenExport> {
  const { run, temporary } = job;
  const footprints = await readFootprints(run);
  const files: Record<string, Uint8Array> = {};
  for (const [k, cell] of run.cells.entries()) {
    const footprint = footprints[k];
    const outline = footprint === undefined ? [] : outlineOf(footprint, run.width);
    if (outline.length === 0) continue;
    const name = `${String(cell.row).padStart(4, '0')}_${cell.accepted ? 'accepted' : 'rejected'}`;
    files[`${name}.roi`] = roiBytes(outline, name);
  }
  await writeFile(temporary, zipSync(files));
  return { files: [], findings: [] };
}

/** The longest border of the half-maximum area, corner by corner. */
export function outlineOf({ pixels, weights }: Footprint, width: number): readonly Point[] {
  const level = outlineLevel * weights.reduce((most, weight) => Math.max(most, weight), 0);
  const inside = new Set([...pixels].filter((_, i) => (weights[i] ?? 0) >= level && (weights[i] ?? 0) > 0));
  const isIn = (x: number, y: number): boolean => x >= 0 && y >= 0 && x < width && inside.has(y * width + x);
  // Edges run clockwise around the area; from a corner two may go on where pixels touch by it only.
  const onward = new Map<string, Point[]>();
  const edge = (x: number, y: number, toX: number, toY: number): void => {
    const key = `${x},${y}`;
    onward.set(key, [...(onward.get(key) ?? []), { x: toX, y: toY }]);
  };
  for (const pixel of inside) {
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    if (!isIn(x, y - 1)) edge(x, y, x + 1, y);
    if (!isIn(x + 1, y)) edge(x + 1, y, x + 1, y + 1);
    if (!isIn(x, y + 1)) edge(x + 1, y + 1, x, y + 1);
    if (!isIn(x - 1, y)) edge(x, y + 1, x, y);
  }
  let longest: Point[] = [];
  for (const start of onward.keys()) {
    const loop: Point[] = [];
    for (let key = start; ;) {
      const next = onward.get(key)?.pop();
      if (next === undefined) break;
      loop.push(next);
      key = `${next.x},${next.y}`;
    }
    if (loop.length > longest.length) longest = loop;
  }
  return corners(longest);
}

/** The points of a closed line at which it turns. */
function corners(loop: readonly Point[]): readonly Point[] {
  return loop.filter((point, i) => {
    const before = loop.at(i - 1) ?? point;
    const after = loop[(i + 1) % loop.length] ?? point;
    return (before.x === point.x) !== (point.x === after.x);
  });
}

/** ImageJ's ROI file, big-endian: 64 bytes of header, x and y of each point against the box, a second header with the name's place, the name. */
export function roiBytes(points: readonly Point[], name: string): Uint8Array {
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const second = 64 + 4 * points.length;
  const bytes = Buffer.alloc(second + 64 + 2 * name.length);
  bytes.write('Iout', 'latin1');
  bytes.writeInt16BE(227, 4);
  bytes.writeUInt8(8, 6);
  bytes.writeInt16BE(top, 8);
  bytes.writeInt16BE(left, 10);
  bytes.writeInt16BE(Math.max(...ys), 12);
  bytes.writeInt16BE(Math.max(...xs), 14);
  bytes.writeUInt16BE(points.length, 16);
  bytes.writeInt32BE(second, 60);
  bytes.writeInt32BE(second + 64, second + 16);
  bytes.writeInt32BE(name.length, second + 20);
  for (let i = 0; i < name.length; i += 1) bytes.writeUInt16BE(name.charCodeAt(i), second + 64 + 2 * i);
  for (const [i, { x, y }] of points.entries()) {
    bytes.writeInt16BE(x - left, 64 + 2 * i);
    bytes.writeInt16BE(y - top, 64 + 2 * (points.length + i));
  }
  return bytes;
}
