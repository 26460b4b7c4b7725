// SPDX-License-Identifier: MIT
import type { BehaviorClock, Library, PositionTrackRow } from '../library/index.ts';

/** Where the animal was, on the miniscope's clock. */
export interface Track {
  readonly positionUuid: string;
  readonly part: string;
  /** Rising, each finite. */
  readonly timesS: Float64Array;
  /** NaN where it was not seen. */
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly likelihood: Float32Array | null;
  readonly unit: 'px' | 'cm';
  readonly clock: BehaviorClock;
  /** Share of the samples that were seen. */
  readonly seen: number;
}

/** Below this a program that tells how sure it is did not see the part: DeepLabCut's own `pcutoff` is 0.6, labs that ask for place take 0.9. */
const leastLikelihood: Readonly<Record<string, number>> = {
  deeplabcut: 0.9,
  'behavior-tracker': 0.9,
  csv: 0.9,
  sleap: 0,
  mat: 0,
};

/**
 * A stored tracking as others use it: times by the clock of the behaviour, centimetres where the scale is known, samples without a time left
 * out, samples that the program was not sure of NaN.
 */
export function asTrack(
  { position, timesS, part, clock }: PositionTrackRow,
  wish: { readonly leastLikelihood?: number | undefined } = {},
): Track {
  const { pxPerCm, program, onMiniscopeClock } = position;
  const least = wish.leastLikelihood ?? leastLikelihood[program] ?? 0;
  const used = onMiniscopeClock ? { offsetS: 0, rate: 1, method: 'given' as const } : clock;
  const isScaled = position.unit === 'px' && pxPerCm !== null;
  const scale = isScaled ? 1 / pxPerCm : 1;
  const kept: { readonly at: number; readonly timeS: number }[] = [];
  for (const [at, timeS] of timesS.entries())
    if (Number.isFinite(timeS)) kept.push({ at, timeS: used.offsetS + used.rate * timeS });
  kept.sort((a, b) => a.timeS - b.timeS);
  let seen = 0;
  const place = (values: Float32Array): Float32Array =>
    Float32Array.from(kept, ({ at }) => {
      const sure = part.likelihood === null || (part.likelihood[at] ?? 0) >= least;
      return sure ? (values[at] ?? Number.NaN) * scale : Number.NaN;
    });
  const [x, y] = [place(part.x), place(part.y)];
  for (const [i, value] of x.entries()) if (Number.isFinite(value) && Number.isFinite(y[i])) seen += 1;
  return {
    positionUuid: position.uuid,
    part: part.part,
    timesS: Float64Array.from(kept, ({ timeS }) => timeS),
    x,
    y,
    likelihood:
      part.likelihood === null ? null : Float32Array.from(kept, ({ at }) => part.likelihood?.[at] ?? Number.NaN),
    unit: position.unit === 'cm' || isScaled ? 'cm' : 'px',
    clock: used,
    seen: kept.length === 0 ? 0 : seen / kept.length,
  };
}

/** The newest tracking of a session, by its main part; null where there is none. */
export async function trackOf(library: Library, sessionUuid: string): Promise<Track | null> {
  const [newest] = await library.positions.list({ sessionUuid });
  if (newest === undefined) return null;
  return asTrack(await library.positions.track(newest.uuid));
}
