// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { CellLabel } from '../../../main/contract/index.ts';
import { agreements, opinions } from '../../../main/review/agreement.ts';
import { finishedRun, temporaryFolder, testStores } from '../../support/library.ts';

/** A run that AA judged: rows 0 to 2 accepted, 3 rejected; BB sits beside. */
function begin() {
  const directory = temporaryFolder();
  const stores = testStores({ directory });
  const runUuid = finishedRun(stores, 6);
  const [first, second] = ['AA', 'BB'].map((initials) => stores.curation.addRater({ initials }).uuid) as [
    string,
    string,
  ];
  const uuids = stores.runs.cells(runUuid).map((cell) => cell.uuid);
  const decide = (raterUuid: string, rows: readonly number[], to: CellLabel, reading?: string, context = {}) =>
    stores.curation.decide({ runUuid, raterUuid, cellUuids: rows.map((row) => uuids[row]!), to, context, reading });
  decide(first, [0, 1, 2], 'accepted');
  decide(first, [3], 'rejected');
  const labels = (reading?: string) =>
    stores.runs
      .cells(runUuid, undefined, reading)
      .map((cell) => cell.label[0])
      .join('');
  const agreed = () => agreements(opinions(stores.travel.judgements(runUuid)));
  return { stores, runUuid, first, second, uuids, decide, labels, agreed };
}

describe('a second reading', () => {
  it('begins without the labels of the first rater and leaves those alone', () => {
    const { stores, runUuid, second, decide, labels } = begin();
    const { uuid: reading } = stores.curation.beginReading({ runUuid, raterUuid: second });
    expect(labels(reading)).toBe('uuuuuu');
    const changed = decide(second, [0, 3], 'rejected', reading);
    expect(changed.curation).toMatchObject({ uuid: reading, counts: { accepted: 0, rejected: 2, undecided: 4 } });
    expect([labels(reading), labels()]).toEqual(['ruuruu', 'aaaruu']);
    expect(stores.curation.log(runUuid, reading).map(({ row }) => row)).toEqual([0, 3]);
    expect(stores.curation.log(runUuid)).toHaveLength(4);
    expect(stores.curation.versions(runUuid)).toHaveLength(1);
    expect(stores.runs.get(runUuid).run.decided).toBe(4);
  });

  it('is undone by itself, and gone on with after a pause', () => {
    const { stores, runUuid, second, decide, labels } = begin();
    const step = { runUuid, raterUuid: second };
    const { uuid: reading } = stores.curation.beginReading(step);
    decide(second, [1], 'rejected', reading);
    stores.curation.undo({ ...step, reading });
    expect([labels(reading), labels()]).toEqual(['uuuuuu', 'aaaruu']);
    stores.curation.redo({ ...step, reading });
    expect(stores.curation.beginReading(step).uuid).toBe(reading);
    expect([labels(reading), labels()]).toEqual(['uruuuu', 'aaaruu']);
  });

  it('is nobody else’s, is not made by who judged the run, and needs a first rater', () => {
    const { stores, runUuid, first, second, decide } = begin();
    const { uuid: reading } = stores.curation.beginReading({ runUuid, raterUuid: second });
    const refused = expect.objectContaining({ code: 'review.reading_refused' }) as Error;
    expect(() => decide(first, [0], 'rejected', reading)).toThrow(refused);
    expect(() => stores.curation.finishReading({ runUuid, raterUuid: first, reading })).toThrow(refused);
    expect(() => stores.curation.beginReading({ runUuid, raterUuid: first })).toThrow(refused);
    const fresh = finishedRun(stores, 2, 2);
    expect(() => stores.curation.beginReading({ runUuid: fresh, raterUuid: second })).toThrow(refused);
    expect(() => stores.curation.log(fresh, reading)).toThrow(refused);
  });

  it('counts in the agreement only when it is finished, and stays as it is from then on', () => {
    const { stores, runUuid, second, decide, uuids, agreed } = begin();
    const { uuid: reading } = stores.curation.beginReading({ runUuid, raterUuid: second });
    decide(second, [0, 1], 'accepted', reading);
    decide(second, [2, 3], 'rejected', reading);
    expect(agreed()).toEqual([]);
    const finished = stores.curation.finishReading({ runUuid, raterUuid: second, reading });
    expect(finished.finishedAt).not.toBeNull();
    // Four cells, three alike; by chance (3·2 + 1·2) / 16 = 0.5: κ = (0.75 − 0.5) / 0.5.
    expect(agreed()).toMatchObject([{ both: 4, agreed: 3, kappa: 0.5, disagreements: [{ cellUuid: uuids[2] }] }]);
    expect(() => decide(second, [2], 'accepted', reading)).toThrow(expect.objectContaining({ code: 'review.frozen' }));
  });

  it('keeps its κ when the raters agree on a label afterwards; the label goes to the curation', () => {
    const { stores, runUuid, first, second, uuids, decide, labels, agreed } = begin();
    const { uuid: reading } = stores.curation.beginReading({ runUuid, raterUuid: second });
    decide(second, [0, 1], 'accepted', reading);
    decide(second, [2, 3], 'rejected', reading);
    stores.curation.finishReading({ runUuid, raterUuid: second, reading });
    const said = { AA: 'accepted', BB: 'rejected' } as const;
    stores.curation.settle({ runUuid, raterUuid: first, cellUuid: uuids[2]!, to: 'rejected', said });
    expect(labels()).toBe('aarruu');
    expect(agreed()).toMatchObject([{ agreed: 3, kappa: 0.5 }]);
    expect(stores.curation.settled(runUuid)).toMatchObject([{ cellUuid: uuids[2], label: 'rejected', by: 'AA', said }]);
    // The first rater's label may be kept, too: then nothing changes but that it is settled.
    stores.curation.settle({ runUuid, raterUuid: second, cellUuid: uuids[2]!, to: 'rejected', said });
    expect(stores.curation.settled(runUuid)).toMatchObject([{ by: 'BB' }]);
    expect(stores.curation.log(runUuid)).toHaveLength(5);
    stores.curation.undo({ runUuid, raterUuid: first });
    expect(labels()).toBe('aaaruu');
  });

  it('is not taken for the curation where it travels', () => {
    const { stores, runUuid, second, decide } = begin();
    const { uuid: reading } = stores.curation.beginReading({ runUuid, raterUuid: second });
    decide(second, [0], 'rejected', reading);
    const there = testStores({ directory: temporaryFolder(), seed: 2 });
    there.travel.receive({
      records: stores.travel.records({ runUuid, decisionsOnly: false }).text,
      decisionsOnly: false,
      editFiles: {},
      proxies: [],
      goOn: true,
    });
    expect(
      there.runs
        .cells(runUuid)
        .map((cell) => cell.label[0])
        .join(''),
    ).toBe('aaaruu');
    expect(opinions(there.travel.judgements(runUuid)).map(({ rater }) => rater.initials)).toEqual(['AA']);
  });
});

describe('limits kept with a run', () => {
  it('are the last ones anybody kept, and can be taken back', () => {
    const { stores, runUuid, first, second } = begin();
    expect(stores.runs.limits(runUuid)).toBeNull();
    stores.runs.keepLimits({ runUuid, raterUuid: first, limits: { snr: 3 } });
    stores.runs.keepLimits({ runUuid, raterUuid: second, limits: { snr: 4, areaPx: 20 } });
    expect(stores.runs.limits(runUuid)).toMatchObject({ limits: { snr: 4, areaPx: 20 }, by: 'BB' });
    stores.runs.keepLimits({ runUuid, raterUuid: first, limits: {} });
    expect(stores.runs.limits(runUuid)).toBeNull();
    expect(() => stores.runs.keepLimits({ runUuid, raterUuid: runUuid, limits: {} })).toThrow(
      expect.objectContaining({ code: 'review.no_rater' }),
    );
    // Labels are no business of limits.
    expect(stores.curation.log(runUuid)).toHaveLength(4);
  });
});
