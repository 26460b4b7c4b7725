// SPDX-License-Identifier: MIT
import type { positionApi, PositionInfo } from '../contract/index.ts';
import type { Progresses } from '../interop/index.ts';
import type { Library, PositionRow } from '../library/index.ts';
import type { Handlers } from '../rpc/index.ts';
import { type DataRoot, pathOfSource } from '../sessions/index.ts';
import { addPosition } from './add.ts';
import { asTrack } from './track.ts';

const toInfo = (row: PositionRow): PositionInfo => ({ ...row, parts: [...row.parts] });

/** Serves `position.*`. */
export function createPositionHandlers(dependencies: {
  readonly library: Library;
  readonly roots: readonly DataRoot[];
  /** Shared with whatever else is followed by a ticket. */
  readonly progresses: Progresses;
  /** Called after a session got a tracking or another scale. */
  readonly changed?: (sessionUuid: string) => void;
}): Handlers<typeof positionApi.procedures> {
  const { library, roots, progresses, changed = () => undefined } = dependencies;
  return {
    add: async ({ source, times, dryRun = false, ticket, ...choice }, context) => {
      using progress = progresses.begin(ticket);
      const file = await pathOfSource(source, roots, context);
      const timesFile = times === undefined ? undefined : await pathOfSource(times, roots, context);
      const { position, added, about, title, findings } = await addPosition(
        { ...choice, file, times: timesFile, dryRun },
        library,
        context.signal,
        progress.report,
      );
      if (added) changed(choice.sessionUuid);
      const { program, unit, mainPart, onMiniscopeClock } = about;
      return {
        position: position === null ? null : toInfo(position),
        added,
        title,
        program,
        samples: about.timesS.length,
        parts: about.parts.map(({ part }) => part),
        unit,
        mainPart,
        onMiniscopeClock,
        findings: [...findings],
      };
    },
    list: async (filter) => (await library.positions.list(filter)).map(toInfo),
    set: async ({ positionUuid, ...change }) => {
      const position = await library.positions.set(positionUuid, change);
      changed(position.sessionUuid);
      return { position: toInfo(position) };
    },
    track: async ({ positionUuid, part, leastLikelihood, mostSamples }) => {
      const row = await library.positions.track(positionUuid, part);
      const track = asTrack(row, { leastLikelihood });
      // Every n-th sample, so that a list of hours stays a list one can send.
      const step = Math.max(1, Math.ceil(track.timesS.length / mostSamples));
      const thin = (values: ArrayLike<number>): (number | null)[] =>
        Array.from({ length: Math.ceil(values.length / step) }, (_, i) => {
          const value = values[i * step] ?? Number.NaN;
          return Number.isFinite(value) ? value : null;
        });
      return {
        part: track.part,
        unit: track.unit,
        clock: track.clock,
        samples: track.timesS.length,
        seen: track.seen,
        timesS: thin(track.timesS),
        x: thin(track.x),
        y: thin(track.y),
        likelihood: track.likelihood === null ? null : thin(track.likelihood),
      };
    },
  };
}
