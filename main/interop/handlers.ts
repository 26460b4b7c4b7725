// SPDX-License-Identifier: MIT
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { AppError, type ExportFormat, type interopApi } from '../contract/index.ts';
import type { Library } from '../library/index.ts';
import type { Handlers } from '../rpc/index.ts';
import { bytesOf, checkFree, destinationOf, putInPlace, runExport, scratchBeside } from './export.ts';
import { findRun, gatherRun, type CellCollector } from './gather.ts';
import type { ExportJob, ExportRun } from './job.ts';
import { hasOrientation } from './nwb/acquisition.ts';
import { dandiPath, nwbFacts } from './nwb/facts.ts';
import { resultFindings, timelineFindings } from './nwb/write.ts';
import { Progresses } from './progresses.ts';
import { readTimeline } from './timeline.ts';

/** What the procedures of other programs' files need. */
export interface InteropDependencies {
  readonly library: Library;
  /** Gathers cells that were edited; without it a run with edits cannot be exported. */
  readonly editor?: CellCollector | undefined;
  /** Shared with whatever else is followed by a ticket. */
  readonly progresses?: Progresses;
  /** Writes a run as flat NumPy files: `processing.export`. */
  readonly exportNpy: (run: {
    readonly runUuid: string;
    readonly destination: string;
    readonly signal: AbortSignal;
  }) => Promise<{ readonly files: string[]; readonly components: number; readonly accepted: number }>;
}

/** Serves `interop.*`. */
export function createInteropHandlers(dependencies: InteropDependencies): Handlers<typeof interopApi.procedures> {
  const { library, editor } = dependencies;
  const progresses = dependencies.progresses ?? new Progresses();
  return {
    export: async (input, { signal }) => {
      using progress = progresses.begin(input.ticket);
      const { target, format, metadata = {}, cells = 'all', table = 'tidy', films = 'link', movie = {} } = input;
      const overwrite = input.overwrite ?? false;
      if (!path.isAbsolute(input.destination))
        throw new AppError('usage.invalid', `The destination must be absolute: ${input.destination}`);
      const detail = await findRun(library, target);
      const runUuid = detail.run.uuid;
      if (format === 'npy') {
        const done = await dependencies.exportNpy({ runUuid, destination: input.destination, signal });
        return {
          runUuid,
          format,
          path: input.destination,
          bytes: await bytesOf(input.destination),
          findings: [],
          ...done,
        };
      }
      // The scratch folder lies where a folder was named, or beside a named file: always on the destination's disk.
      const scratch = await scratchBeside(destinationOf(format, input.destination, '.').place);
      try {
        const run = await gatherRun(library, detail, {
          cells,
          scratch: path.join(scratch, 'cells'),
          collector: editor,
        });
        const destination = destinationOf(format, input.destination, await fileName(format, run, metadata));
        await checkFree(destination, overwrite);
        const temporary = path.join(
          scratch,
          `export${destination.kind === 'file' ? path.extname(destination.place) : ''}`,
        );
        const job: ExportJob = {
          format,
          temporary,
          destination: destination.place,
          metadata,
          table,
          films,
          movie,
          run,
        };
        const written = await runExport(job, progress.report, signal);
        await putInPlace(job, destination);
        return {
          runUuid,
          format,
          path: destination.place,
          files: [...written.files],
          bytes: await bytesOf(destination.place),
          components: run.cells.length,
          accepted: run.cells.filter((cell) => cell.accepted).length,
          findings: [...written.findings],
        };
      } finally {
        await rm(scratch, { recursive: true, force: true });
      }
    },
    progress: ({ ticket }, { signal }) => progresses.follow(ticket, signal),
    check: async ({ target, metadata = {} }) => {
      const detail = await findRun(library, target);
      // Cells after edits have the same facts; their arrays are not needed here.
      const run = await gatherRun(library, detail, {
        cells: 'all',
        scratch: '',
        collector: { collect: () => Promise.resolve() },
        arrays: false,
      });
      const { facts, findings } = nwbFacts(run, metadata);
      const all = [...findings, ...timelineFindings(await readTimeline(run)), ...resultFindings(run)];
      return { runUuid: detail.run.uuid, fileName: dandiPath(facts, await hasOrientation(run)), findings: all };
    },
  };
}

/** The name of the file where a folder was given. */
async function fileName(format: ExportFormat, run: ExportRun, metadata: ExportJob['metadata']): Promise<string> {
  if (format === 'nwb') return dandiPath(nwbFacts(run, metadata).facts, await hasOrientation(run));
  const name = run.session.name.replaceAll(/[^\p{L}\p{N}.-]+/gu, '_').slice(0, 80) || 'run';
  const endings: Readonly<Partial<Record<ExportFormat, string>>> = {
    caiman: '_caiman.hdf5',
    mat: '.mat',
    roizip: '_rois.zip',
  };
  return `${name}${endings[format] ?? ''}`;
}
