// SPDX-License-Identifier: MIT
import { AppError, type cellChoices, type Cell, type Uuid } from '../contract/index.ts';
import type { Library, RunDetail } from '../library/index.ts';
import { headOrientationOf } from '../sessions/index.ts';
import { activeLayers, countsAsNeuron, RunFolder } from '../review/index.ts';
import type { RunSource, TraceKind } from './tasks.ts';

export type CellChoice = (typeof cellChoices)[number];

/** Whether a cell belongs to a choice: `kept` is accepted, or suggested while nobody has decided. */
export function belongs({ label, suggested }: Pick<Cell, 'label' | 'suggested'>, choice: CellChoice): boolean {
  if (choice === 'all') return true;
  return choice === 'kept' ? countsAsNeuron({ label, suggested }) : label === 'accepted';
}

/** A run that can be asked, with what the thread needs of it. */
export interface Gathered {
  readonly detail: RunDetail;
  readonly folder: RunFolder;
  readonly source: RunSource;
}

/**
 * A finished run as plain values for the thread.
 *
 * @throws AppError `run.not_found`, `run.not_ready`, `run.format_newer`, `disk.io`, `explore.no_cells`
 */
export async function gatherRun(library: Library, runUuid: Uuid, choice: CellChoice): Promise<Gathered> {
  const detail = await library.runs.get(runUuid);
  if (detail.run.state !== 'succeeded') {
    throw new AppError('run.not_ready', `This run is ${detail.run.state}; it has no result to look at.`);
  }
  const folder = await RunFolder.open(detail.folder);
  const [cells, layers] = await Promise.all([library.runs.cells(runUuid), activeLayers(library, runUuid)]);
  const chosen = cells.filter((cell) => belongs(cell, choice));
  if (chosen.length === 0) throw noCells(choice, cells.length);
  const { frames, height, width, fps } = folder.manifest;
  const recordings = detail.inputs.map((input) => input.recordingUuid);
  const counted = recordings.length > 1 || !folder.manifest.files.has('time.npy');
  return {
    detail,
    folder,
    source: {
      folder: detail.folder,
      edits: layers.map((layer) => ({
        folder: layer.folder,
        rows: layer.cells.flatMap(({ row, arrayRow }): (readonly [number, number])[] =>
          arrayRow === null ? [] : [[row, arrayRow]],
        ),
      })),
      frames,
      height,
      width,
      countedFps: counted ? (fps ?? 1) : null,
      recordings,
      firstFrame: detail.inputs[0]?.firstFrame ?? 0,
      cells: chosen.map(({ row, centroid }) => ({ row, y: centroid.y, x: centroid.x })),
    },
  };
}

function noCells(choice: CellChoice, found: number): AppError {
  if (found === 0) {
    return new AppError('explore.no_cells', 'This run found no cells.', {
      hint: 'Process the recording again with lower limits: try them out in Process first.',
    });
  }
  return new AppError(
    'explore.no_cells',
    choice === 'accepted'
      ? `Nobody has accepted any of the ${found} cells of this run yet.`
      : `None of the ${found} cells of this run is accepted or suggested.`,
    { hint: choice === 'accepted' ? 'Accept cells in Review, or show suggested ones too.' : 'Show all cells instead.' },
  );
}

/** @throws AppError `align.not_found` */
export function mustHaveTrace({ folder }: Gathered, trace: TraceKind): void {
  if (!folder.manifest.traces.includes(trace))
    throw new AppError('align.not_found', `This run has no ${trace} traces.`);
}

/** The first film of the run's first recording, absolute, where head orientations lie beside it; else null. */
export async function filmWithOrientation(library: Library, detail: RunDetail): Promise<string | null> {
  const first = detail.inputs[0];
  if (first === undefined) return null;
  const recording = await library.sessions.recording(first.recordingUuid);
  const film = recording.files[0];
  if (film === undefined) return null;
  const found = await headOrientationOf(film.path).catch((error: unknown) => {
    // A table that is none is told to whoever asks for the tuning.
    if (error instanceof AppError) return film;
    throw error;
  });
  return found === null ? null : film.path;
}
