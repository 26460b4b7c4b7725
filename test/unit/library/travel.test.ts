// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { Received, RunRecords } from '../../../main/library/index.ts';
import type { Stores } from '../../../main/library/database/stores.ts';
import { finishedRun, newSession, temporaryFolder, testStores } from '../../support/library.ts';

function twoLibraries() {
  const rig = testStores();
  const laptop = testStores({ directory: temporaryFolder(), seed: 2 });
  const runUuid = finishedRun(rig, 6);
  return { rig, laptop, runUuid };
}

const received = (records: RunRecords, more: Partial<Received> = {}): Received => ({
  records: JSON.stringify(records),
  decisionsOnly: false,
  proxies: [],
  editFiles: {},
  goOn: false,
  ...more,
});

const told = (from: Stores, runUuid: string, decisionsOnly: boolean) =>
  JSON.parse(from.travel.records({ runUuid, decisionsOnly }).text) as RunRecords;
const whole = (from: Stores, runUuid: string) => told(from, runUuid, false);
const decisions = (from: Stores, runUuid: string) => told(from, runUuid, true);

function judge(stores: Stores, runUuid: string, initials: string, labels: string): string {
  const { uuid: raterUuid } = stores.curation.addRater({ initials });
  for (const [row, { uuid }] of stores.runs.cells(runUuid).entries()) {
    const to = labels[row] === 'a' ? 'accepted' : 'rejected';
    if ('ar'.includes(labels[row] ?? '-'))
      stores.curation.decide({ runUuid, raterUuid, cellUuids: [uuid], to, context: {} });
  }
  return raterUuid;
}

const labels = (stores: Stores, runUuid: string): string =>
  stores.runs
    .cells(runUuid)
    .map(({ label }) => label[0])
    .join('');
const count = (stores: Stores, table: string): number =>
  stores.database.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${table}`).get()?.n ?? 0;

describe('a run that travels', () => {
  it('arrives with all it rests on, and a second time changes nothing', () => {
    const { rig, laptop, runUuid } = twoLibraries();
    rig.database.exec(
      "UPDATE subject SET sex = 'F'; INSERT INTO subject_species SELECT subject.id, species.id FROM subject, species LIMIT 1",
    );
    judge(rig, runUuid, 'AA', 'aar---');
    const sent = received(whole(rig, runUuid));
    const first = laptop.travel.receive(sent);
    expect(first.rows).toMatchObject({ subject: 1, session: 1, recording: 1, recording_file: 2, run: 1, cell: 6 });
    expect(first).toMatchObject({ curations: 1, decisions: 3, edits: 0, branches: 0 });
    const row = laptop.runs.list()[0]!;
    expect(row).toMatchObject({ uuid: runUuid, state: 'succeeded', cells: 6, decided: 0 });
    expect(laptop.runs.cells(runUuid).map(({ uuid }) => uuid)).toEqual(rig.runs.cells(runUuid).map(({ uuid }) => uuid));
    expect(laptop.runs.get(runUuid).parameters).toEqual(rig.runs.get(runUuid).parameters);
    expect(
      laptop.database.prepare('SELECT subject, sex, species FROM dj_Subject NATURAL JOIN dj_Subject_Species').get(),
    ).toEqual(
      rig.database.prepare('SELECT subject, sex, species FROM dj_Subject NATURAL JOIN dj_Subject_Species').get(),
    );
    const before = ['session', 'cell', 'curation', 'curation_log', 'rater', 'subject', 'change_log'].map((table) =>
      count(laptop, table),
    );
    const second = laptop.travel.receive(sent);
    expect(second).toEqual({ rows: {}, curations: 0, decisions: 0, edits: 0, branches: 0, settled: 0, limits: 0 });
    expect(
      ['session', 'cell', 'curation', 'curation_log', 'rater', 'subject', 'change_log'].map((table) =>
        count(laptop, table),
      ),
    ).toEqual(before);
  });

  it('joins the animal and the session that are there already, and changes neither', () => {
    const { rig, laptop, runUuid } = twoLibraries();
    const { session } = laptop.sessions.insert(newSession(1, { folder: '/here', subject: 'M1' }));
    laptop.travel.receive(received(whole(rig, runUuid)));
    expect(laptop.sessions.list()).toMatchObject([{ uuid: session.uuid, folder: '/here', subject: 'M1', runs: 1 }]);
    expect(laptop.runs.get(runUuid).inputs[0]?.recordingUuid).toBe(session.recordings[0]?.uuid);
    expect(laptop.travel.known(JSON.stringify(whole(rig, runUuid))).recordingUuids).toEqual(
      rig.runs.get(runUuid).run.recordingUuids,
    );
  });

  it('is judged afresh there; the sender’s judgements stand beside', () => {
    const { rig, laptop, runUuid } = twoLibraries();
    judge(rig, runUuid, 'AA', 'aarr--');
    laptop.travel.receive(received(whole(rig, runUuid)));
    expect(labels(laptop, runUuid)).toBe('uuuuuu');
    judge(laptop, runUuid, 'BB', 'aara--');
    expect(labels(laptop, runUuid)).toBe('aarauu');
    expect(laptop.travel.judgements(runUuid).curations.map(({ receivedAt }) => receivedAt === null)).toEqual([
      false,
      true,
    ]);
  });

  it('is gone on with from the sender’s labels where that is wanted', () => {
    const { rig, laptop, runUuid } = twoLibraries();
    judge(rig, runUuid, 'AA', 'aarr--');
    laptop.travel.receive(received(whole(rig, runUuid), { goOn: true }));
    expect(labels(laptop, runUuid)).toBe('aarruu');
    expect(laptop.curation.current(runUuid)).toMatchObject({ version: 2, counts: { accepted: 2, rejected: 2 } });
    laptop.travel.receive(received(whole(rig, runUuid), { goOn: true }));
    expect(count(laptop, 'curation')).toBe(2);
  });

  it('is refused whole when rows do not fit together, come from a newer program or are none that travel', () => {
    const { rig, laptop, runUuid } = twoLibraries();
    const records = whole(rig, runUuid);
    const refused = (changed: Partial<RunRecords>, code: string) => {
      expect(() => laptop.travel.receive(received({ ...records, ...changed }))).toThrow(
        expect.objectContaining({ code }),
      );
      expect(count(laptop, 'session')).toBe(0);
    };
    refused({ migrations: [...records.migrations, 99_999] }, 'travel.newer');
    refused({ rows: [...records.rows, { table: 'migration', values: { name: 'x' } }] }, 'travel.damaged');
    refused({ rows: [...records.rows, { table: 'cell"; DROP TABLE run; --', values: {} }] }, 'travel.damaged');
    refused({ rows: records.rows.toReversed() }, 'travel.damaged');
    refused(
      { rows: [{ table: 'species', values: { 'species) VALUES (1); --': 'x' } }, ...records.rows] },
      'travel.damaged',
    );
  });
});

describe('decisions that return', () => {
  it('merge in any order, and nothing is overwritten', () => {
    const { rig, laptop, runUuid } = twoLibraries();
    judge(rig, runUuid, 'AA', 'aarr--');
    laptop.travel.receive(received(whole(rig, runUuid)));
    judge(laptop, runUuid, 'BB', 'aa----');
    const early = received(decisions(laptop, runUuid), { decisionsOnly: true });
    judge(laptop, runUuid, 'BB', '--ar--');
    const late = received(decisions(laptop, runUuid), { decisionsOnly: true });
    judge(rig, runUuid, 'AA', '----aa');
    const own = labels(rig, runUuid);
    for (const sent of [late, early, late, early]) rig.travel.receive(sent);
    expect(labels(rig, runUuid)).toBe(own);
    const { raters, curations } = rig.travel.judgements(runUuid);
    expect(raters.map(({ initials }) => initials)).toEqual(['AA', 'BB']);
    expect(curations.map(({ log }) => log.length)).toEqual([6, 4]);
    // The other way round it ends the same.
    const other = testStores({ directory: temporaryFolder(), seed: 3 });
    other.travel.receive(received(whole(rig, runUuid)));
    const again = testStores({ directory: temporaryFolder(), seed: 4 });
    again.travel.receive(received(whole(laptop, runUuid)));
    again.travel.receive(received(decisions(rig, runUuid), { decisionsOnly: true }));
    const judged = (stores: Stores) =>
      stores.travel
        .judgements(runUuid)
        .curations.map(({ uuid, log }) => ({ uuid, log }))
        .toSorted((a, b) => a.uuid.localeCompare(b.uuid));
    expect(judged(again)).toEqual(judged(other));
  });

  it('need the run', () => {
    const { rig, laptop, runUuid } = twoLibraries();
    judge(rig, runUuid, 'AA', 'a-----');
    expect(() => laptop.travel.receive(received(decisions(rig, runUuid), { decisionsOnly: true }))).toThrow(
      expect.objectContaining({ code: 'travel.unknown_run' }),
    );
  });

  it('know a rater by the initials, and keep two people of the same initials apart by their names', () => {
    const { rig, laptop, runUuid } = twoLibraries();
    rig.curation.addRater({ initials: 'AB', name: 'Anna Berg' });
    laptop.travel.receive(received(whole(rig, runUuid)));
    laptop.curation.addRater({ initials: 'ab' });
    judge(laptop, runUuid, 'ab', 'a-----');
    rig.travel.receive(received(decisions(laptop, runUuid), { decisionsOnly: true }));
    expect(rig.curation.raters().map(({ initials }) => initials)).toEqual(['AB']);
    const third = testStores({ directory: temporaryFolder(), seed: 5 });
    third.curation.addRater({ initials: 'AB', name: 'Abel Boll' });
    third.travel.receive(received(whole(rig, runUuid)));
    judge(third, runUuid, 'AB', 'r-----');
    for (let n = 0; n < 2; n += 1) rig.travel.receive(received(decisions(third, runUuid), { decisionsOnly: true }));
    expect(rig.curation.raters().map(({ initials }) => initials)).toEqual(['AB', 'AB2']);
  });

  it('of a copied library that went on by itself stand beside those that are here', () => {
    const { rig, laptop, runUuid } = twoLibraries();
    judge(rig, runUuid, 'AA', 'aa----');
    const before = rig.travel.judgements(runUuid).curations[0]!;
    // As if the whole folder had been copied: the same curation goes on in two places.
    laptop.travel.receive(received(whole(rig, runUuid)));
    laptop.database.exec('UPDATE curation SET received_at = NULL');
    judge(laptop, runUuid, 'AA', '--rr--');
    judge(rig, runUuid, 'AA', '--aa--');
    const sent = received(decisions(laptop, runUuid), { decisionsOnly: true });
    expect(rig.travel.receive(sent)).toMatchObject({ curations: 1, branches: 1, decisions: 4 });
    expect(rig.travel.receive(sent)).toMatchObject({ curations: 0, branches: 0, decisions: 0 });
    expect(labels(rig, runUuid)).toBe('aaaauu');
    const [mine, branch] = rig.travel.judgements(runUuid).curations;
    expect([mine?.uuid, mine?.log.length, branch?.log.length]).toEqual([before.uuid, 4, 4]);
    expect(branch?.log.map(({ to }) => to[0]).join('')).toBe('aarr');
  });
});

describe('what raters settled, and limits kept with the run', () => {
  /** Two raters who differ on the first cells and settle one of them; limits beside. */
  function settledRig() {
    const made = twoLibraries();
    const { rig, runUuid } = made;
    const first = judge(rig, runUuid, 'AA', 'aar---');
    const { uuid: raterUuid } = rig.curation.addRater({ initials: 'BB' });
    const { uuid: reading } = rig.curation.beginReading({ runUuid, raterUuid });
    const cells = rig.runs.cells(runUuid).map(({ uuid }) => uuid);
    rig.curation.decide({ runUuid, raterUuid, cellUuids: cells.slice(0, 2), to: 'rejected', context: {}, reading });
    rig.curation.finishReading({ runUuid, raterUuid, reading });
    const said = { AA: 'accepted', BB: 'rejected' } as const;
    const settle = (to: 'accepted' | 'rejected') =>
      rig.curation.settle({ runUuid, raterUuid: first, cellUuid: cells[0]!, to, said });
    settle('rejected');
    rig.runs.keepLimits({ runUuid, raterUuid: first, limits: { snr: 3 } });
    return { ...made, first, cells, settle, said };
  }

  it('travel with the run and with decisions alone; twice changes nothing', () => {
    for (const form of [whole, decisions]) {
      const { rig, laptop, runUuid } = settledRig();
      if (form === decisions)
        laptop.travel.receive(received({ ...whole(rig, runUuid), judgements: { raters: [], curations: [] } }));
      const sent = received(form(rig, runUuid), { decisionsOnly: form === decisions });
      expect(laptop.travel.receive(sent)).toMatchObject({ settled: 1, limits: 1 });
      expect(laptop.curation.settled(runUuid)).toEqual(rig.curation.settled(runUuid));
      expect(laptop.runs.limits(runUuid)).toEqual(rig.runs.limits(runUuid));
      expect(laptop.travel.receive(sent)).toMatchObject({ settled: 0, limits: 0 });
    }
  });

  it('say the newest, in whichever order packages come', () => {
    const { rig, laptop, runUuid, first, settle } = settledRig();
    const older = received(whole(rig, runUuid));
    settle('accepted');
    rig.runs.keepLimits({ runUuid, raterUuid: first, limits: { snr: 5 } });
    const newer = received(whole(rig, runUuid));
    laptop.travel.receive(newer);
    laptop.travel.receive(older);
    expect(laptop.curation.settled(runUuid)).toMatchObject([{ label: 'accepted' }]);
    expect(laptop.runs.limits(runUuid)?.limits).toEqual({ snr: 5 });
  });

  it('name the raters as they are called here', () => {
    const { rig, laptop, runUuid } = settledRig();
    // Another AA sits here, whose name is known.
    rig.database.exec("UPDATE rater SET name = 'Ada' WHERE initials = 'AA'");
    laptop.curation.addRater({ initials: 'AA', name: 'Abel' });
    laptop.travel.receive(received(whole(rig, runUuid)));
    expect(laptop.curation.settled(runUuid)).toMatchObject([{ by: 'AA2', said: { AA2: 'accepted', BB: 'rejected' } }]);
    expect(laptop.runs.limits(runUuid)?.by).toBe('AA2');
  });

  it('must be of the run’s cells and of raters in the package', () => {
    const { rig, laptop, runUuid } = settledRig();
    const records = whole(rig, runUuid);
    const [settled] = records.judgements.consensus ?? [];
    const other = '0193a000-0000-7000-8000-00000000abcd';
    for (const wrong of [
      { ...settled!, cellUuid: other },
      { ...settled!, raterUuid: other },
    ]) {
      const judgements = { ...records.judgements, consensus: [wrong] };
      expect(() => laptop.travel.receive(received({ ...records, judgements }))).toThrow(/does not fit together/);
    }
    expect(count(laptop, 'run')).toBe(0);
  });
});
