// SPDX-License-Identifier: MIT
import type { CellLabel, Rater, Uuid } from '../contract/index.ts';
import type { Judgements, TravelCuration } from '../library/index.ts';

type Verdict = Exclude<CellLabel, 'undecided'>;

/** What one rater thinks of the cells: the newest own decision on each that was not taken back. */
export interface Opinion {
  readonly rater: Rater;
  readonly labels: ReadonlyMap<Uuid, Verdict>;
}

/** How two raters agree on the cells that both decided. */
export interface Agreement {
  readonly first: Uuid;
  readonly second: Uuid;
  /** Cells that both decided. */
  readonly both: number;
  readonly agreed: number;
  /** First's label, then second's. */
  readonly counts: {
    readonly acceptedAccepted: number;
    readonly acceptedRejected: number;
    readonly rejectedAccepted: number;
    readonly rejectedRejected: number;
  };
  /** Cohen's κ; null where it is not defined: no cell in common, or both gave every cell the same label. */
  readonly kappa: number | null;
  readonly disagreements: readonly { readonly cellUuid: Uuid; readonly first: Verdict; readonly second: Verdict }[];
}

interface Said {
  readonly label: CellLabel;
  readonly at: string;
}

/**
 * Cohen's κ of a table of two raters and two labels (Cohen 1960): agreement beyond that of two who label independently with these
 * frequencies, over the most there could be.
 */
export function cohensKappa(counts: Agreement['counts']): number | null {
  const { acceptedAccepted: aa, acceptedRejected: ar, rejectedAccepted: ra, rejectedRejected: rr } = counts;
  const n = aa + ar + ra + rr;
  if (n === 0) return null;
  const observed = (aa + rr) / n;
  const byChance = ((aa + ar) * (aa + ra) + (ra + rr) * (ar + rr)) / n ** 2;
  return byChance === 1 ? null : (observed - byChance) / (1 - byChance);
}

/**
 * Opinions by rater over all curations of a run. An undo takes back the opinion of whoever had it, whoever presses the key; labels that a
 * version took over from its parent, and those raters agreed on afterwards, are no new opinion.
 */
export function opinions({ raters, curations }: Judgements): Opinion[] {
  const all = new Map<Uuid, Map<Uuid, Said>>();
  for (const curation of curations) {
    // A reading that still goes on is its rater's own business: nobody may lean on it.
    if (curation.second === true && curation.frozenAt === null) continue;
    for (const [rater, said] of saidIn(curation)) {
      const known = all.get(rater) ?? new Map<Uuid, Said>();
      all.set(rater, known);
      for (const [cell, one] of said) if (one.at >= (known.get(cell)?.at ?? '')) known.set(cell, one);
    }
  }
  return raters.flatMap(({ uuid, initials, name }) => {
    const labels = new Map<Uuid, Verdict>();
    for (const [cell, { label }] of all.get(uuid) ?? []) if (label !== 'undecided') labels.set(cell, label);
    return labels.size === 0 ? [] : [{ rater: { uuid, initials, name }, labels }];
  });
}

function saidIn({ log }: TravelCuration): Map<Uuid, Map<Uuid, Said>> {
  const now = new Map<Uuid, Map<Uuid, Said>>();
  /** By step: what each of its cells was said to be before and after, and by whom. */
  const steps = new Map<number, { rater: Uuid; cell: Uuid; before: Said | undefined; after: Said }[]>();
  const opinionsOf = (rater: Uuid): Map<Uuid, Said> => {
    const found = now.get(rater) ?? new Map<Uuid, Said>();
    now.set(rater, found);
    return found;
  };
  const moved = new Set<number>();
  for (const { step, kind, target, raterUuid, cellUuid, to, at, context } of log) {
    if (kind === 'decide') {
      if (isNoOpinion(context)) continue;
      const mine = opinionsOf(raterUuid);
      const change = { rater: raterUuid, cell: cellUuid, before: mine.get(cellUuid), after: { label: to, at } };
      steps.set(step, [...(steps.get(step) ?? []), change]);
      mine.set(cellUuid, change.after);
    } else if (!moved.has(step)) {
      // One row a cell, one act for all of them.
      moved.add(step);
      for (const { rater, cell, before, after } of steps.get(target ?? -1) ?? []) {
        const said = kind === 'undo' ? (before ?? { label: 'undecided' as const }) : after;
        opinionsOf(rater).set(cell, { label: said.label, at });
      }
    }
  }
  return now;
}

function isNoOpinion(context: string): boolean {
  const value: unknown = JSON.parse(context);
  return (
    typeof value === 'object' &&
    value !== null &&
    'from' in value &&
    (value.from === 'parent' || value.from === 'consensus')
  );
}

/** Agreement of each pair of raters who decided something. */
export function agreements(all: readonly Opinion[]): Agreement[] {
  return all.flatMap((first, i) => all.slice(i + 1).map((second) => agreementOf(first, second)));
}

function agreementOf(first: Opinion, second: Opinion): Agreement {
  const counts = { acceptedAccepted: 0, acceptedRejected: 0, rejectedAccepted: 0, rejectedRejected: 0 };
  const disagreements: Agreement['disagreements'][number][] = [];
  for (const [cellUuid, a] of first.labels) {
    const b = second.labels.get(cellUuid);
    if (b === undefined) continue;
    counts[`${a}${b === 'accepted' ? 'Accepted' : 'Rejected'}`] += 1;
    if (a !== b) disagreements.push({ cellUuid, first: a, second: b });
  }
  const agreed = counts.acceptedAccepted + counts.rejectedRejected;
  return {
    first: first.rater.uuid,
    second: second.rater.uuid,
    both: agreed + disagreements.length,
    agreed,
    counts,
    kappa: cohensKappa(counts),
    disagreements,
  };
}
