// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { NpyFile, readSparseRows, type SparseRows } from '../arrays/index.ts';
import { AppError, imageNames, traceKinds } from '../contract/index.ts';

/** Version of the run folder's form that this program reads. */
const formatVersion = 1;

export type ImageName = (typeof imageNames)[number];
export type TraceKind = (typeof traceKinds)[number];

const Manifest = z.object({
  formatVersion: z.number().int(),
  components: z.number().int().min(0),
  frames: z.number().int().min(0),
  height: z.number().int().min(1),
  width: z.number().int().min(1),
  fps: z.number().positive().nullish(),
  chosen: z.object({ diameterPx: z.number().positive().nullish() }).nullish(),
  pyramid: z.object({ factor: z.number().int().min(2), levels: z.array(z.number().int().min(1)) }).nullish(),
  files: z.array(z.object({ path: z.string() })),
});

/** What Review knows of a run folder from its `run.json`. */
export interface RunManifest {
  /** K */
  readonly components: number;
  /** T */
  readonly frames: number;
  /** H, rows of a stored frame. */
  readonly height: number;
  /** W, columns of a stored frame. */
  readonly width: number;
  readonly fps: number | null;
  readonly diameterPx: number | null;
  /** Buckets of each level of the minimum/maximum pyramids beside the traces; null when there are none. */
  readonly pyramid: { readonly factor: number; readonly levels: readonly number[] } | null;
  readonly images: readonly ImageName[];
  readonly traces: readonly TraceKind[];
  /** Files of the folder by their relative path. */
  readonly files: ReadonlySet<string>;
}

/** The files of one finished run. Reads only what is asked for, never blocking the caller's loop. */
export class RunFolder {
  readonly folder: string;
  readonly manifest: RunManifest;

  private constructor(folder: string, manifest: RunManifest) {
    this.folder = folder;
    this.manifest = manifest;
  }

  /**
   * @param folder - absolute
   * @throws AppError `run.format_newer`, `disk.io`
   */
  static async open(folder: string): Promise<RunFolder> {
    let value: unknown;
    try {
      value = JSON.parse(await readFile(join(folder, 'run.json'), 'utf8'));
    } catch (error) {
      throw new AppError(
        'disk.io',
        'The result of this run cannot be read: its folder or run.json is missing or damaged.',
        {
          hint: 'Restore the run folder from a backup, or process the recording again.',
          details: { file: 'run.json' },
          cause: error,
        },
      );
    }
    return new RunFolder(folder, toManifest(value));
  }

  /**
   * The folder of an edit of `run`: laid out like it, with rows of its own.
   *
   * @throws AppError `disk.io`
   */
  static async openEdit(folder: string, run: RunFolder): Promise<RunFolder> {
    const Edit = Manifest.pick({ frames: true, pyramid: true, files: true }).extend({
      cells: z.array(z.object({ index: z.number().int().nullable() })),
    });
    try {
      const { frames, pyramid, files, cells } = Edit.parse(
        JSON.parse(await readFile(join(folder, 'edit.json'), 'utf8')),
      );
      const paths = new Set(files.map((file) => file.path));
      return new RunFolder(folder, {
        ...run.manifest,
        components: cells.filter(({ index }) => index !== null).length,
        frames,
        pyramid: pyramid ?? null,
        traces: traceKinds.filter((kind) => paths.has(`traces/${kind}.npy`)),
        files: paths,
      });
    } catch (error) {
      throw new AppError('disk.io', 'An edit of this run cannot be read: its folder is missing or damaged.', {
        hint: 'Undo the edit, or restore the library’s folder “edits” from a backup.',
        details: { file: 'edit.json' },
        cause: error,
      });
    }
  }

  /** An array of the folder, open for reading pieces; the caller closes it. @throws AppError `disk.io` */
  async array(path: string, shape: readonly number[]): Promise<NpyFile> {
    const file = await NpyFile.open(join(this.folder, path), path);
    if (file.shape.join() === shape.join()) return file;
    await file.close();
    throw new AppError(
      'disk.io',
      `The file ${path} of this run is ${file.shape.join(' × ')} and not ${shape.join(' × ')}.`,
      { hint: 'Process the recording again.', details: { file: path } },
    );
  }

  /** K × (H·W), row-major. @throws AppError `disk.io` */
  async footprints(): Promise<SparseRows> {
    const matrix = await readSparseRows(join(this.folder, 'footprints.npz'), 'footprints.npz');
    const { components, height, width } = this.manifest;
    if (matrix.rows !== components || matrix.columns !== height * width) {
      throw new AppError('disk.io', 'The footprints of this run do not fit its frames.', {
        hint: 'Process the recording again.',
        details: { file: 'footprints.npz' },
      });
    }
    return matrix;
  }

  /**
   * T seconds since the recording's start, NaN where unknown. A film of which no frame has a time is counted out by its rate.
   *
   * @throws AppError `disk.io`
   */
  async times(): Promise<Float64Array> {
    const { frames, fps, files } = this.manifest;
    const byRate = (): Float64Array => Float64Array.from({ length: frames }, (_, frame) => frame / (fps ?? 1));
    if (!files.has('time.npy')) return byRate();
    const file = await this.array('time.npy', [frames]);
    try {
      const times = Float64Array.from(await file.read(0, frames));
      return times.every((time) => Number.isNaN(time)) ? byRate() : times;
    } finally {
      await file.close();
    }
  }
}

function toManifest(value: unknown): RunManifest {
  const version = z.object({ formatVersion: z.number().int() }).safeParse(value);
  if (version.success && version.data.formatVersion > formatVersion) {
    throw new AppError('run.format_newer', 'This run was made by a newer version of Calyx and cannot be shown.', {
      hint: 'Update Calyx to open it.',
      details: { formatVersion: version.data.formatVersion, known: formatVersion },
    });
  }
  const parsed = Manifest.safeParse(value);
  if (!parsed.success) {
    throw new AppError('disk.io', `The run.json of this run is not as expected: ${z.prettifyError(parsed.error)}`, {
      details: { file: 'run.json' },
    });
  }
  const { components, frames, height, width, fps, chosen, pyramid, files } = parsed.data;
  const paths = new Set(files.map((file) => file.path));
  return {
    components,
    frames,
    height,
    width,
    fps: fps ?? null,
    diameterPx: chosen?.diameterPx ?? null,
    pyramid: pyramid ?? null,
    images: imageNames.filter((name) => paths.has(`images/${name}.npy`)),
    traces: traceKinds.filter((kind) => paths.has(`traces/${kind}.npy`)),
    files: paths,
  };
}
