// SPDX-License-Identifier: MIT
import { queryOptions, useQuery, type UseQueryResult } from '@tanstack/react-query';
import type { cellChoices, MatchDetail, MatchRow, traceKinds } from '../../main/contract/index.ts';
import type { Outlines } from '../gl/contours.ts';
import { useCore } from './context.ts';
import { drawOutlines } from './outlines.ts';
import { asFloat32, onePacket } from './streams.ts';
import type { CoreClient } from './types.ts';

export type CellChoice = (typeof cellChoices)[number];
export type TraceKind = (typeof traceKinds)[number];

type Answer<F extends (...args: never[]) => Promise<unknown>> = Awaited<ReturnType<F>>;
type Header<F extends (...args: never[]) => { readonly packets: AsyncIterable<unknown> }> =
  ReturnType<F>['packets'] extends AsyncIterable<{ readonly header: infer H }> ? H : never;
type Explore = CoreClient['explore'];

export type ExploreOptions = Answer<Explore['options']>;
export type Provenance = Answer<Explore['provenance']>;
export type AroundCell = Answer<Explore['aroundCell']>;
export type Orientation = Answer<Explore['orientation']>;
export type RunComparison = Answer<Explore['compareRuns']>;

/** What is asked about, the same in all views of a run. */
export interface ExploreScope {
  readonly runUuid: string;
  readonly cells: CellChoice;
  readonly trace: TraceKind;
}

export type Population = Header<Explore['population']> & {
  /** n × columns, standard deviations. */
  readonly raster: Float32Array;
  /** n × n. */
  readonly correlations: Float32Array;
};

export type Around = Header<Explore['around']> & {
  /** Conditions × cells × bins. */
  readonly means: Float32Array;
};

export type Profiles = Header<Explore['profiles']> & { readonly values: Float32Array };
export type PlaceMaps = Header<Explore['place']> & { readonly occupancyS: Float32Array; readonly maps: Float32Array };

/** What is asked of trials. */
export interface AroundWish extends ExploreScope {
  readonly alignment: string;
  readonly by?: string;
  readonly binS?: number;
  readonly scale: 'z' | 'own';
}

const name = 'explore';

export function useExploreOptions(runUuid: string | null): UseQueryResult<ExploreOptions> {
  const core = useCore();
  return useQuery({
    queryKey: [name, 'options', runUuid],
    enabled: runUuid !== null,
    queryFn: ({ signal }) => core.explore.options({ runUuid: runUuid ?? '' }, { signal }),
  });
}

/** Where a run's numbers come from; asked when something is saved. */
export function askProvenance(core: CoreClient, runUuid: string): Promise<Provenance> {
  return core.explore.provenance({ runUuid });
}

export function useProvenance(runUuid: string): UseQueryResult<Provenance> {
  const core = useCore();
  return useQuery({ queryKey: [name, 'provenance', runUuid], queryFn: () => askProvenance(core, runUuid) });
}

export function usePopulation(scope: ExploreScope, binS: number): UseQueryResult<Population> {
  const core = useCore();
  return useQuery({
    queryKey: [name, 'population', scope, binS],
    queryFn: async ({ signal }): Promise<Population> => {
      const { header, bytes } = await onePacket(core.explore.population({ ...scope, binS }, { signal }));
      const values = asFloat32(bytes);
      const size = header.rows.length * header.columns;
      return { ...header, raster: values.subarray(0, size), correlations: values.subarray(size) };
    },
  });
}

export function useAround(wish: AroundWish): UseQueryResult<Around> {
  const core = useCore();
  return useQuery({
    queryKey: [name, 'around', wish],
    enabled: wish.alignment !== '',
    queryFn: async ({ signal }): Promise<Around> => {
      const { header, bytes } = await onePacket(core.explore.around(wish, { signal }));
      return { ...header, means: asFloat32(bytes) };
    },
  });
}

export function useAroundCell(wish: AroundWish, row: number | null): UseQueryResult<AroundCell> {
  const core = useCore();
  return useQuery({
    queryKey: [name, 'around-cell', wish, row],
    enabled: row !== null && wish.alignment !== '',
    queryFn: ({ signal }) => core.explore.aroundCell({ ...wish, row: row ?? 0 }, { signal }),
  });
}

export function useOrientation(scope: ExploreScope): UseQueryResult<Orientation> {
  const core = useCore();
  return useQuery({
    queryKey: [name, 'orientation', scope],
    queryFn: ({ signal }) => core.explore.orientation({ ...scope, bins: 36 }, { signal }),
  });
}

export function usePlace(scope: ExploreScope, bin: number, enabled: boolean): UseQueryResult<PlaceMaps> {
  const core = useCore();
  return useQuery({
    queryKey: [name, 'place', scope, bin],
    enabled,
    queryFn: async ({ signal }): Promise<PlaceMaps> => {
      const { header, bytes } = await onePacket(core.explore.place({ ...scope, bin, leastSpeed: 0 }, { signal }));
      const values = asFloat32(bytes);
      const size = header.columns * header.lines;
      return { ...header, occupancyS: values.subarray(0, size), maps: values.subarray(size) };
    },
  });
}

/** Mean events of all cells of a run. */
export function profilesQuery(core: CoreClient, runUuid: string) {
  return queryOptions({
    queryKey: [name, 'profiles', runUuid],
    queryFn: async ({ signal }): Promise<Profiles> => {
      const { header, bytes } = await onePacket(
        core.explore.profiles({ runUuid, cells: 'all', beforeS: 0.5, afterS: 3 }, { signal }),
      );
      return { ...header, values: asFloat32(bytes) };
    },
  });
}

export function useRunComparison(
  wish: { readonly runA: string; readonly runB: string; readonly cells: CellChoice; readonly least: number } | null,
): UseQueryResult<RunComparison> {
  const core = useCore();
  return useQuery({
    queryKey: [name, 'runs', wish],
    enabled: wish !== null,
    queryFn: ({ signal }) => core.explore.compareRuns(wish ?? { runA: '', runB: '' }, { signal }),
  });
}

export function useMatches(): UseQueryResult<MatchRow[]> {
  const core = useCore();
  return useQuery({
    queryKey: [name, 'matches'],
    queryFn: ({ signal }) => core.explore.matches({}, { signal }),
  });
}

/** Name under which a comparison is kept. */
export const matchKey = (uuid: string): readonly string[] => [name, 'match', uuid];

export function useMatch(uuid: string | null): UseQueryResult<MatchDetail> {
  const core = useCore();
  return useQuery({
    queryKey: matchKey(uuid ?? ''),
    enabled: uuid !== null,
    queryFn: ({ signal }) => core.explore.match({ matchUuid: uuid ?? '' }, { signal }),
  });
}

/** Footprints of a run as windows of bytes, 255 at each one's maximum. */
export interface Footprints {
  readonly height: number;
  readonly width: number;
  readonly cells: ReadonlyArray<{
    readonly top: number;
    readonly left: number;
    readonly height: number;
    readonly width: number;
    readonly offset: number;
  }>;
  readonly bytes: Uint8Array;
}

/** Outlines of all cells of a run after its edits, by row; not asked for without a run. */
export function outlinesQuery(core: CoreClient, runUuid: string) {
  return queryOptions({
    queryKey: [name, 'outlines', runUuid],
    enabled: runUuid !== '',
    queryFn: async ({ signal }): Promise<Outlines> => {
      const { header, bytes } = await onePacket(core.review.footprints({ runUuid }, { signal }));
      return drawOutlines({ windows: header.cells, bytes }, signal);
    },
  });
}

/** All footprints of a run. */
export function footprintsQuery(core: CoreClient, runUuid: string) {
  return queryOptions({
    queryKey: [name, 'footprints', runUuid],
    queryFn: async ({ signal }): Promise<Footprints> => {
      const { header, bytes } = await onePacket(core.review.footprints({ runUuid }, { signal }));
      return { ...header, bytes };
    },
  });
}
