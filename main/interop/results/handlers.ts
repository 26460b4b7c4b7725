// SPDX-License-Identifier: MIT
import path from 'node:path';
import { AppError, type resultsApi } from '../../contract/index.ts';
import type { Library } from '../../library/index.ts';
import type { Handlers } from '../../rpc/index.ts';
import { type DataRoot, pathOfSource } from '../../sessions/index.ts';
import type { Progresses } from '../progresses.ts';
import { importResult, previewResult } from './import-result.ts';
import { agreementOfAreas } from './outlines/agreement.ts';
import { type Marked, markedByRun, markedInFile } from './outlines/marked.ts';
import { seedsOfFile, seedsOutside } from './outlines/seeds.ts';
import { outputDir, resultIn } from './output-dir.ts';
import { readerOf } from './readers/index.ts';

/** The recording, method and number that a folder is named after. */
async function taskOf(
  library: Library,
  task: {
    readonly target: string;
    readonly parameterSet?: string | undefined;
    readonly method?: string | undefined;
    readonly root?: string | undefined;
  },
): Promise<Parameters<typeof outputDir>[1]> {
  const { root } = task;
  if (root !== undefined && !path.isAbsolute(root))
    throw new AppError('usage.invalid', `The path must be absolute: ${root}`);
  const run = await library.runs.get(task.target).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'run.not_found') return null;
    throw error;
  });
  const named = task.parameterSet ?? (run === null ? '0' : run.parameterSetUuid);
  const set = await library.parameterSets.find(named);
  const asked = run === null || task.parameterSet !== undefined ? null : await library.parameterSets.asked(task.target);
  return {
    recordingUuid: run?.inputs[0]?.recordingUuid ?? task.target,
    method: task.method ?? (asked?.set ?? set).method,
    paramsetIdx: (asked?.set ?? set).idx,
    root,
  };
}

/** Serves `results.*`. */
export function createResultsHandlers(dependencies: {
  readonly library: Library;
  readonly roots: readonly DataRoot[];
  /** Shared with whatever else is followed by a ticket. */
  readonly progresses: Progresses;
  /** Called after a run and perhaps a session were added. */
  readonly changed?: (runUuid: string, sessionUuid: string) => void;
}): Handlers<typeof resultsApi.procedures> {
  const { library, roots, progresses } = dependencies;
  return {
    recognise: async ({ source }, context) => {
      const reader = await readerOf(await pathOfSource(source, roots, context));
      return { kind: reader === null ? null : { program: reader.program, title: reader.title } };
    },
    preview: async ({ source, recordingUuid, fps, ticket }, context) => {
      using progress = progresses.begin(ticket);
      const place = await pathOfSource(source, roots, context);
      const { parameters: _parameters, ...summary } = await previewResult(
        place,
        { recordingUuid, fps },
        library,
        context.signal,
        progress.report,
      );
      return { ...summary, findings: [...summary.findings] };
    },
    places: async ({ source, recordingUuid }, context) => {
      const { text, count, findings } = await seedsOfFile(await pathOfSource(source, roots, context));
      if (recordingUuid === undefined) return { text, count, findings: [...findings] };
      const recording = await library.sessions.recording(recordingUuid);
      const outside = seedsOutside(text, recording);
      const told = outside === 0 ? [] : [`${outside} of ${count} places lie outside the frame of the recording.`];
      return { text, count, findings: [...findings, ...told] };
    },
    outlineAgreement: async ({ first, second, mostPx }, context) => {
      const marked = async (marks: typeof first): Promise<Marked> =>
        'runUuid' in marks
          ? await markedByRun(library, marks.runUuid)
          : await markedInFile(await pathOfSource(marks, roots, context));
      const [one, other] = [await marked(first), await marked(second)];
      const { pairs, onlyFirst, onlySecond, f1 } = agreementOfAreas(one.areas, other.areas, mostPx);
      return {
        first: [...one.names],
        second: [...other.names],
        pairs: [...pairs],
        onlyFirst: [...onlyFirst],
        onlySecond: [...onlySecond],
        f1,
        findings: [...one.findings, ...other.findings],
      };
    },
    outputDir: async (task) => await outputDir(library, await taskOf(library, task)),
    import: async ({ source, recordingUuid, fps, subject, rater, job, parameterSet, root, ticket }, context) => {
      using progress = progresses.begin(ticket);
      const set = parameterSet === undefined ? undefined : await library.parameterSets.find(parameterSet);
      let place: string;
      let relative: string | undefined;
      if (source !== undefined) place = await pathOfSource(source, roots, context);
      else {
        if (recordingUuid === undefined)
          throw new AppError(
            'usage.invalid',
            'Without a file or folder the recording must be named, to look beside it.',
          );
        if (context.audience !== 'local')
          throw new AppError('rpc.not_allowed', 'A window names the file or folder of a result.');
        const dir = await outputDir(library, await taskOf(library, { target: recordingUuid, parameterSet, root }));
        ({ relative } = dir);
        place = await resultIn(dir.folder);
      }
      const choice = { recordingUuid, fps, subject, job, outputDir: relative, parameterSetUuid: set?.uuid, rater };
      const { run, summary } = await importResult(place, choice, library, context.signal, progress.report);
      dependencies.changed?.(run.uuid, run.sessionUuid);
      const { program, version, height, width, frames, findings } = summary;
      return { run, program, version, height, width, frames, fps: summary.fps, findings: [...findings] };
    },
  };
}
