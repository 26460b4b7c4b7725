// SPDX-License-Identifier: MIT
import path from 'node:path';
import { AppError, type interopApi } from '../contract/index.ts';
import type { Handlers } from '../rpc/index.ts';
import { type DataRoot, makeFolder, pathOfSource } from '../sessions/index.ts';
import { factsOf, orderedExport, queuedExport, takenIn, writeExport, type WriterDependencies } from './exports.ts';
import { ExportQueue, type ExportWork } from './export-queue.ts';
import type { ExportOrder } from './kept-exports.ts';
import { findRun, gatherRun } from './gather.ts';
import { readLabFacts, writeLabFacts } from './lab-facts.ts';
import { hasOrientation } from './nwb/acquisition.ts';
import { dandiPath, nwbFacts } from './nwb/facts.ts';
import { resultFindings, timelineFindings } from './nwb/write.ts';
import { Progresses } from './progresses.ts';
import { readTimeline } from './timeline.ts';

/** What the procedures of other programs' files need. */
export interface InteropDependencies extends WriterDependencies {
  /** Shared with whatever else is followed by a ticket. */
  readonly progresses?: Progresses;
  /** Folders below which a window may write; none when absent. */
  readonly roots?: readonly DataRoot[];
  /** Exports that go on when their window is gone; the owner ends it. */
  readonly queue?: ExportQueue;
}

/** Serves `interop.*`. */
export function createInteropHandlers(dependencies: InteropDependencies): Handlers<typeof interopApi.procedures> {
  const { library, roots = [], queue = new ExportQueue() } = dependencies;
  const progresses = dependencies.progresses ?? new Progresses();
  return {
    export: async (input, { signal }) => {
      using progress = progresses.begin(input.ticket);
      if (!path.isAbsolute(input.destination))
        throw new AppError('usage.invalid', `The destination must be absolute: ${input.destination}`);
      const { destination, ...wish } = input;
      return await writeExport(dependencies, { ...wish, given: () => destination }, progress.report, signal);
    },
    startExports: async ({ targets, folder, ...wish }, context) => {
      const into =
        'folder' in folder ? await makeFolder(roots, folder.folder) : await pathOfSource(folder, roots, context);
      const taken = takenIn(queue, into);
      const queued = await Promise.all(
        targets.map((target) => queuedExport(dependencies, target, { wish, folder: into }, taken)),
      );
      queue.add(queued);
      const uuids = new Set(queued.map(({ task }) => task.uuid));
      return { exports: queue.tasks.filter(({ uuid }) => uuids.has(uuid)) };
    },
    exports: async function* exports(_input, { signal }) {
      for await (const tasks of queue.follow(signal)) yield { exports: tasks };
    },
    cancelExports: ({ uuids }) => Promise.resolve({ cancelled: queue.cancel(uuids) }),
    repeatExports: ({ uuids }) => {
      const again = (target: string, order: ExportOrder): ExportWork =>
        orderedExport(dependencies, target, order, takenIn(queue, order.folder));
      return Promise.resolve({ repeated: queue.repeat(uuids, again) });
    },
    forgetExports: () => Promise.resolve({ forgotten: queue.forget() }),
    progress: ({ ticket }, { signal }) => progresses.follow(ticket, signal),
    labFacts: () => readLabFacts(library),
    setLabFacts: async (facts) => {
      await writeLabFacts(library, facts);
      return {};
    },
    check: async ({ target, metadata }, { signal }) => {
      const detail = await findRun(library, target);
      // Cells after edits have the same facts; their arrays are not needed here.
      const run = await gatherRun(library, detail, {
        cells: 'all',
        scratch: '',
        collector: { collect: () => Promise.resolve() },
        arrays: false,
      });
      const { facts, findings } = nwbFacts(run, await factsOf(dependencies, run, metadata, signal));
      const all = [...findings, ...timelineFindings(await readTimeline(run)), ...resultFindings(run)];
      return { runUuid: detail.run.uuid, fileName: dandiPath(facts, await hasOrientation(run)), findings: all };
    },
  };
}
