// SPDX-License-Identifier: MIT
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AppError, type datajointApi } from '../../contract/index.ts';
import type { Library, Reader } from '../../library/index.ts';
import type { Handlers } from '../../rpc/index.ts';
import { type DataRoot, frameTimes, type ProbeFilm, resolveFolder } from '../../sessions/index.ts';
import { findRun, gatherRun, type CellCollector } from '../gather.ts';
import type { Progresses } from '../progresses.ts';
import { readTimeline } from '../timeline.ts';
import { importDatajoint } from './intake/import.ts';
import { publish } from './publish.ts';
import { parseAddress } from './server.ts';

/** Serves `datajoint.*`. */
export function createDatajointHandlers(dependencies: {
  readonly library: Library;
  readonly reader: Reader;
  readonly editor: CellCollector;
  readonly progresses: Progresses;
  readonly probeFilm: ProbeFilm;
  readonly roots: readonly DataRoot[];
  /** Called after sessions and runs were added. */
  readonly changed?: (() => void) | undefined;
}): Handlers<typeof datajointApi.procedures> {
  const { library, reader, editor, progresses, probeFilm, roots, changed } = dependencies;
  return {
    publish: async (input, { signal }) => {
      const { target, url, password, prefix, dryRun, orientation, values, ticket } = input;
      const address = parseAddress(url, password);
      using progress = progresses.begin(ticket);
      const detail = await findRun(library, target);
      const { length: recordings } = detail.inputs;
      if (recordings > 1)
        throw new AppError(
          'usage.invalid',
          `This run is over ${recordings} recordings. The server ties a result to one recording, and the times of one do not fit the traces of all.`,
          { hint: 'Publish runs of single recordings, or export this one to NWB.' },
        );
      const scratch = await mkdtemp(path.join(tmpdir(), 'calyx-publish-'));
      try {
        const run = await gatherRun(library, detail, {
          cells: 'all',
          scratch: path.join(scratch, 'cells'),
          collector: editor,
        });
        const told = await timesOf(library, detail.run.sessionUuid, detail.inputs[0]?.recordingUuid);
        // Without time stamps frames follow one another at the rate.
        const times = told ?? (run.recordings.length === 1 ? (await readTimeline(run)).times : null);
        const parts = { reader, run, orientation, times, given: values, signal };
        const published = await publish({ address, prefix, isDry: dryRun, parts }, progress.report);
        return {
          ...published,
          tables: [...published.tables],
          conflicts: [...published.conflicts],
          notes: [...published.notes],
        };
      } finally {
        await rm(scratch, { recursive: true, force: true });
      }
    },
    import: async (input, { signal, audience }) => {
      const { url, password, prefix, subject, orientation, dryRun, ticket } = input;
      if (input.root !== undefined && audience !== 'local')
        throw new AppError('rpc.not_allowed', 'A window chooses folders by name, not by path.');
      if (input.root !== undefined && !path.isAbsolute(input.root))
        throw new AppError('usage.invalid', `The root must be absolute: ${input.root}`);
      const root = input.rootFolder === undefined ? input.root : await resolveFolder(roots, input.rootFolder);
      const address = parseAddress(url, password);
      using progress = progresses.begin(ticket);
      const wish = { address, prefix, subject: subject ?? null, root: root ?? null, axes: orientation, isDry: dryRun };
      const imported = await importDatajoint(wish, { library, reader, probeFilm }, progress.report, signal);
      if (imported.isImported) changed?.();
      return {
        ...imported,
        tables: [...imported.tables],
        runs: imported.runs.map((run) => ({ ...run, findings: [...run.findings] })),
        notes: [...imported.notes],
      };
    },
  };
}

/** Times of the frames of the run's first recording; null where its session tells none, or is away. */
async function timesOf(
  library: Library,
  sessionUuid: string,
  recordingUuid: string | undefined,
): Promise<Float64Array | null> {
  if (recordingUuid === undefined) return null;
  const [session, recording] = await Promise.all([
    library.sessions.get(sessionUuid),
    library.sessions.recording(recordingUuid),
  ]);
  const films = recording.files.map((file) => ({
    path: file.path,
    name: path.basename(file.path),
    bytes: file.bytes ?? 0,
    frames: file.frames,
  }));
  return await frameTimes(session.format, films).catch(() => null);
}
