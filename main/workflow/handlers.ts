// SPDX-License-Identifier: MIT
import path from 'node:path';
import { AppError, type workflowApi } from '../contract/index.ts';
import type { Progresses } from '../interop/index.ts';
import type { Library } from '../library/index.ts';
import type { Handlers } from '../rpc/index.ts';
import { resolveFolder, type DataRoot, type ProbeFilm } from '../sessions/index.ts';
import { alignActivity } from './activity.ts';
import { addCondition, alignCondition, toCondition } from './conditions.ts';
import { fitClock } from './fit-clock.ts';
import { ingestCsv } from './ingest.ts';
import { runQuality } from './quality.ts';

export interface WorkflowDependencies {
  readonly library: Library;
  readonly probeFilm: ProbeFilm;
  readonly roots: readonly DataRoot[];
  /** Shared with whatever else is followed by a ticket. */
  readonly progresses: Progresses;
  /** Called after sessions were added. */
  readonly sessionsChanged: () => void;
  /** Called after the curation of a run changed. */
  readonly curationChanged: (runUuid: string) => void;
}

/** Serves `workflow.*`. */
export function createWorkflowHandlers(dependencies: WorkflowDependencies): Handlers<typeof workflowApi.procedures> {
  const { library, probeFilm, roots, progresses } = dependencies;
  return {
    ingest: async ({ files, root, dryRun, allOrNothing, who, ticket }, { audience, signal }) => {
      const paths = [
        ...files.flatMap((file) => ('path' in file ? [file.path] : [])),
        ...(root !== undefined && 'path' in root ? [root.path] : []),
      ];
      if (paths.length > 0 && audience !== 'local') {
        throw new AppError('rpc.not_allowed', 'A window sends files as text and chooses folders by name, not by path.');
      }
      const relative = paths.find((given) => !path.isAbsolute(given));
      if (relative !== undefined) throw new AppError('usage.invalid', `The path must be absolute: ${relative}`);
      const folder =
        root === undefined ? undefined : 'path' in root ? root.path : await resolveFolder(roots, root.folder);
      using progress = progresses.begin(ticket);
      const result = await ingestCsv(
        {
          files,
          root: folder,
          dryRun: dryRun ?? false,
          allOrNothing: allOrNothing ?? false,
          who: who ?? '',
          signal,
          report: progress.report,
        },
        library,
        probeFilm,
      );
      if (!result.dryRun) dependencies.sessionsChanged();
      return {
        files: result.files.map((file) => ({ ...file, problems: [...file.problems], warnings: [...file.warnings] })),
        inserted: { ...result.inserted },
        dryRun: result.dryRun,
      };
    },
    alignments: async () =>
      (await library.events.alignments()).map(({ name, align, start, end }) => ({
        name,
        align: align.type,
        start: start.type,
        end: end.type,
      })),
    align: async (choice, { signal }) => await alignActivity(choice, library, signal),
    conditions: async (filter) => (await library.conditions.list(filter)).map(toCondition),
    addCondition: async (choice, { signal }) => ({ condition: await addCondition(choice, library, signal) }),
    alignCondition: async ({ conditionUuid }, { signal }) => await alignCondition(conditionUuid, library, signal),
    setClock: async ({ sessionUuid, offsetS, rate, pulses }) => {
      if ((offsetS === undefined) === (pulses === undefined))
        throw new AppError('usage.invalid', 'A clock is given by its offset, or fitted to pulses of both sides.');
      const fit = pulses === undefined ? null : await fitClock(pulses.scopeS, pulses.behaviorS);
      await library.events.setClock(sessionUuid, fit ?? { offsetS: offsetS ?? 0, rate: rate ?? 1 });
      return {
        clock: (await library.events.behavior(sessionUuid)).clock,
        fit: fit === null ? null : { pairs: fit.pairs, residualS: fit.residualS },
      };
    },
    quality: async ({ runUuid }) => {
      const { traces, motion } = await runQuality(library, runUuid);
      const cells = await library.runs.cells(runUuid);
      return {
        traces: [...traces],
        motion,
        cells: cells.map(({ row, metrics }) => ({
          row,
          rValue: metrics['rValue'] ?? null,
          snr: metrics['snr'] ?? null,
          probability: metrics['probability'] ?? null,
        })),
      };
    },
    curations: async ({ runUuid }) => [...(await library.curation.versions(runUuid))],
    freeze: async ({ runUuid }) => {
      const { version } = await library.curation.freeze(runUuid);
      dependencies.curationChanged(runUuid);
      return { version };
    },
    nextVersion: async ({ runUuid, raterUuid }) => {
      const { version } = await library.curation.nextVersion({ runUuid, raterUuid });
      dependencies.curationChanged(runUuid);
      return { version };
    },
  };
}
