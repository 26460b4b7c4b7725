// SPDX-License-Identifier: MIT
import type { resultsApi } from '../../contract/index.ts';
import type { Library } from '../../library/index.ts';
import type { Handlers } from '../../rpc/index.ts';
import { type DataRoot, pathOfSource } from '../../sessions/index.ts';
import { importResult } from './import-result.ts';
import { readerOf } from './readers/index.ts';

/** Serves `results.*`. */
export function createResultsHandlers(dependencies: {
  readonly library: Library;
  readonly roots: readonly DataRoot[];
  /** Called after a run and perhaps a session were added. */
  readonly changed?: (runUuid: string, sessionUuid: string) => void;
}): Handlers<typeof resultsApi.procedures> {
  const { library, roots } = dependencies;
  return {
    recognise: async ({ source }, context) => {
      const reader = await readerOf(await pathOfSource(source, roots, context));
      return { kind: reader === null ? null : { program: reader.program, title: reader.title } };
    },
    import: async ({ source, recordingUuid, fps, subject }, context) => {
      const place = await pathOfSource(source, roots, context);
      const { run, summary } = await importResult(place, { recordingUuid, fps, subject }, library, context.signal);
      dependencies.changed?.(run.uuid, run.sessionUuid);
      const { program, version, height, width, frames, findings } = summary;
      return { run, program, version, height, width, frames, fps: summary.fps, findings: [...findings] };
    },
  };
}
