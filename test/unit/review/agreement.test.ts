// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { Judgements, TravelEntry } from '../../../main/library/index.ts';
import { agreements, cohensKappa, opinions } from '../../../main/review/agreement.ts';

const [anna, bert] = ['01a20ba6-cef8-770a-a360-34fe36bbb36c', '01a20ba6-cef8-770a-a360-34fe36bbb36d'];
const raters = [
  { uuid: anna, initials: 'AA', name: null, createdAt: '2026-05-01T10:00:00.000Z' },
  { uuid: bert, initials: 'BB', name: null, createdAt: '2026-05-01T10:00:00.000Z' },
];

type Row = readonly [step: number, rater: string, cell: string, to: TravelEntry['to'], undoes?: number];

function curation(rows: readonly Row[], context = '{}'): Judgements['curations'][number] {
  const log = rows.map(([step, raterUuid, cellUuid, to, undoes], i): TravelEntry => ({
    seq: i + 1,
    step,
    kind: undoes === undefined ? 'decide' : 'undo',
    target: undoes ?? null,
    raterUuid,
    cellUuid,
    from: 'undecided',
    to,
    at: `2026-05-01T10:00:${String(i).padStart(2, '0')}.000Z`,
    context,
  }));
  return {
    uuid: anna,
    ownerUuid: anna,
    parentUuid: null,
    version: 1,
    createdAt: '2026-05-01T10:00:00.000Z',
    frozenAt: null,
    receivedAt: null,
    log,
    edits: [],
  };
}

describe('Cohen’s κ', () => {
  it('is 0.4 where two raters agree on 35 of 50 and would on 25 by chance', () => {
    const counts = { acceptedAccepted: 20, acceptedRejected: 5, rejectedAccepted: 10, rejectedRejected: 15 };
    expect(cohensKappa(counts)).toBeCloseTo(0.4, 12);
  });

  it('is 1 for the same labels, below 0 for opposite ones, and not defined where nothing can differ', () => {
    const none = { acceptedAccepted: 0, acceptedRejected: 0, rejectedAccepted: 0, rejectedRejected: 0 };
    expect(cohensKappa({ ...none, acceptedAccepted: 3, rejectedRejected: 2 })).toBe(1);
    expect(cohensKappa({ ...none, acceptedRejected: 2, rejectedAccepted: 2 })).toBe(-1);
    expect(cohensKappa({ ...none, acceptedAccepted: 5 })).toBeNull();
    expect(cohensKappa(none)).toBeNull();
  });
});

describe('the opinion of a rater', () => {
  const labelsOf = (judgements: Judgements) =>
    Object.fromEntries(opinions(judgements).map(({ rater, labels }) => [rater.initials, Object.fromEntries(labels)]));

  it('is the newest own decision, not what another made of the cell', () => {
    const one = curation([
      [1, anna, 'c1', 'accepted'],
      [2, bert, 'c1', 'rejected'],
      [3, anna, 'c2', 'accepted'],
      [4, anna, 'c2', 'rejected'],
    ]);
    expect(labelsOf({ raters, curations: [one] })).toEqual({
      AA: { c1: 'accepted', c2: 'rejected' },
      BB: { c1: 'rejected' },
    });
  });

  it('is taken back by undo, whoever presses the key', () => {
    const one = curation([
      [1, anna, 'c1', 'accepted'],
      [2, anna, 'c1', 'rejected'],
      [2, anna, 'c2', 'rejected'],
      [3, bert, 'c1', 'accepted', 2],
      [3, bert, 'c2', 'undecided', 2],
    ]);
    expect(labelsOf({ raters, curations: [one] })).toEqual({ AA: { c1: 'accepted' } });
  });

  it('is not what a version took over from its parent', () => {
    expect(labelsOf({ raters, curations: [curation([[1, anna, 'c1', 'accepted']], '{"from":"parent"}')] })).toEqual({});
  });

  it('is compared on the cells that both decided', () => {
    const mine = curation([
      [1, anna, 'c1', 'accepted'],
      [2, anna, 'c2', 'rejected'],
      [3, anna, 'c3', 'accepted'],
    ]);
    const other = curation([
      [1, bert, 'c1', 'accepted'],
      [2, bert, 'c2', 'accepted'],
    ]);
    expect(agreements(opinions({ raters, curations: [mine, other] }))).toMatchObject([
      {
        first: anna,
        second: bert,
        both: 2,
        agreed: 1,
        counts: { acceptedAccepted: 1, acceptedRejected: 0, rejectedAccepted: 1, rejectedRejected: 0 },
        kappa: 0,
        disagreements: [{ cellUuid: 'c2', first: 'rejected', second: 'accepted' }],
      },
    ]);
  });
});
