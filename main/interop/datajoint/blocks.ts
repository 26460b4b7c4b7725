// SPDX-License-Identifier: MIT
import type { ExportRun } from '../job.ts';
import { readWhole } from '../run-arrays.ts';
import type { ViewRow } from './plan.ts';

/** One block of a run whose blocks were registered one by one; px. */
interface Block {
  /** First row and the row after its last; so for columns. Blocks meet half-way between their centres. */
  readonly rows: readonly [number, number];
  readonly columns: readonly [number, number];
}

/** Shifts of a run's blocks as element-miniscope keeps them; the blocks are numbered along rows. */
export class Blocks {
  readonly #run: ExportRun;
  readonly #blocks: readonly Block[];
  readonly #counts: readonly [rows: number, columns: number];
  #values: Promise<ArrayLike<number> | null> | undefined;

  constructor(run: ExportRun) {
    this.#run = run;
    const { rows = [], columns = [] } = run.arrays.motionBlocks ?? {};
    this.#counts = [rows.length, columns.length];
    const [down, right] = [edges(rows, run.height), edges(columns, run.width)];
    this.#blocks = rows.flatMap((_, y) =>
      columns.map((__, x): Block => ({
        rows: [down[y] ?? 0, down[y + 1] ?? run.height],
        columns: [right[x] ?? 0, right[x + 1] ?? run.width],
      })),
    );
  }

  /** What the table of the whole says, beside its key; null where the run has no blocks. */
  summary(isExchanged: boolean): ViewRow | null {
    const [rows, columns] = this.#counts;
    if (rows * columns === 0) return null;
    const [height, width] = [Math.round(this.#run.height / rows), Math.round(this.#run.width / columns)];
    return {
      block_height: height,
      block_width: width,
      block_depth: 1,
      block_count_y: isExchanged ? columns : rows,
      block_count_x: isExchanged ? rows : columns,
      block_count_z: 1,
    };
  }

  /** What the table of blocks says of each, beside its key. */
  async rows(isExchanged: boolean): Promise<readonly ViewRow[]> {
    return await Promise.all(
      this.#blocks.map(async (_, block) => {
        const [y, x] = [spread(await this.shifts(block, 'y')), spread(await this.shifts(block, 'x'))];
        return { block_id: block, y_std: isExchanged ? x : y, x_std: isExchanged ? y : x };
      }),
    );
  }

  /** The pixels of a block along an axis, one after the other, as element-miniscope writes them. */
  pixels(block: number, axis: 'y' | 'x'): Int32Array {
    const [first, end] = this.#blocks[block]?.[axis === 'y' ? 'rows' : 'columns'] ?? [0, 0];
    return Int32Array.from({ length: end - first }, (_, i) => first + i);
  }

  /** The correction of a block in each frame: the negative of where its content went. */
  async shifts(block: number, axis: 'y' | 'x'): Promise<Float64Array> {
    const { arrays, frames } = this.#run;
    const size = this.#blocks.length;
    this.#values ??= readWhole(arrays.motionBlocks?.place, 'motion_blocks.npy', frames * 2 * size);
    const values = await this.#values;
    const offset = (axis === 'y' ? 0 : size) + block;
    return Float64Array.from({ length: frames }, (_, t) => -(values?.[2 * size * t + offset] ?? 0));
  }
}

/** Borders of areas around centres: half-way between neighbours, from 0 to the end. */
function edges(centres: readonly number[], end: number): readonly number[] {
  return [0, ...centres.slice(1).map((centre, i) => Math.round((centre + (centres[i] ?? 0)) / 2)), end];
}

function spread(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length));
}
