// SPDX-License-Identifier: MIT
import { readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Stores } from '../../../main/library/database/stores.ts';
import { djParamHash, type Library } from '../../../main/library/index.ts';
import { openSession, plannedSession } from '../../../main/sessions/index.ts';
import { filmNames } from '../../../main/sessions/places.ts';
import { parseTimeStamps } from '../../../main/sessions/time-stamps.ts';
import { moments } from '../../../main/workflow/quality.ts';
import { trialWindows } from '../../../main/workflow/windows.ts';
import { finishedRun, newRun, newSession, testStores } from '../../support/library.ts';
import {
  fakeProbe,
  regularTimes,
  temporaryFolder as sessionFolder,
  timeStampsCsv,
  writeTree,
} from '../../support/session-folders.ts';

/** A V4 session whose device file has no ROI and a number for its rate, whose films say 60, and whose files were changed years later. */
async function imported(): Promise<{ readonly stores: Stores; readonly failure: string | null }> {
  using folder = sessionFolder();
  writeTree(folder.path, {
    'metaData.json': {
      animalName: 'm12',
      miniscopes: ['Scope'],
      recordingStartTime: {
        year: 2026,
        month: 5,
        day: 1,
        hour: 12,
        minute: 30,
        second: 0,
        msec: 5,
        msecSinceEpoch: 1_777_631_400_005,
      },
    },
    'Scope/metaData.json': { deviceName: 'Scope', deviceType: 'Miniscope_V4_BNO', frameRate: 30 },
    'Scope/timeStamps.csv': timeStampsCsv(regularTimes(60, 50, -27)),
    'Scope/0.avi': '60 40 30 60',
  });
  for (const name of readdirSync(folder.path, { recursive: true, encoding: 'utf8' }))
    utimesSync(join(folder.path, name), new Date('2031-02-03T04:05:06Z'), new Date('2031-02-03T04:05:06Z'));
  const stores = testStores();
  try {
    const read = await openSession(folder.path, { probeFilm: fakeProbe });
    const findByDigest = (digest: string) => Promise.resolve(stores.sessions.findByDigest(digest));
    const { session } = await plannedSession(read, {}, { sessions: { findByDigest } } as unknown as Library);
    stores.sessions.insert(session);
    return { stores, failure: null };
  } catch (error) {
    return { stores, failure: String(error) };
  }
}

/** Each of the thirteen defects of datamodel.md 2.12: upstream's wrong value as a literal beside the right one. */
describe('what upstream gets wrong', () => {
  it('1: films are in numeric order, not in that of the directory', () => {
    const upstream = [0, 8, 4, 5, 7, 9, 10, 6, 2, 1, 11, 3, 12];
    const { numbered } = filmNames(upstream.map((n) => ({ name: `${n}.avi`, kind: 'file' as const })));
    const ours = numbered.map(({ number }) => number);
    expect(ours).not.toEqual(upstream);
    expect(ours).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it('2: times are milliseconds, not the numbers of frames', async () => {
    const upstream = [0, 1, 2];
    const { timeS } = await parseTimeStamps(
      'Frame Number,Time Stamp (ms),Buffer Index\n0,-3,0\n1,47,0\n2,97,0\n',
      'timeStamps.csv',
    );
    expect([...timeS]).not.toEqual(upstream);
    expect([...timeS]).toEqual([-0.003, 0.047, 0.097]);
  });

  it('3: a recording has its start, with milliseconds, and a session is not dated by its files', async () => {
    // Upstream leaves recording_datetime empty and takes the session's time from the files' change time.
    const upstream = { recording: null, session: '2031-02-03T04:05:06.000Z' };
    const { stores } = await imported();
    const row = stores.database
      .prepare<[], { recording: string | null; session: string | null }>(
        'SELECT recording_datetime AS recording, session_datetime AS session FROM recording_info, session',
      )
      .get();
    expect(row).not.toEqual(upstream);
    expect(row).toEqual({ recording: '2026-05-01T10:30:00.005Z', session: '2026-05-01T10:30:00.005Z' });
  });

  it('4: a scope without an ROI and with a number for its rate is read; the rate comes from the time stamps, not from the 60 of every header', async () => {
    // Upstream fails at the missing ROI and at the number; its reading of V3 believes the header.
    const upstream = { fps: 60, failure: "KeyError: 'ROI'" };
    const { stores, failure } = await imported();
    const { fps } = stores.database.prepare<[], { fps: number }>('SELECT fps FROM recording_info').get() ?? { fps: 0 };
    expect({ fps, failure }).not.toMatchObject(upstream);
    expect(failure).toBeNull();
    expect(fps).toBeCloseTo(20, 6);
    expect(stores.database.prepare('SELECT px_height, px_width, nframes FROM recording_info').get()).toEqual({
      px_height: 30,
      px_width: 40,
      nframes: 60,
    });
  });

  it('5: accepted cells are the accepted ones, not their neighbours', () => {
    const upstream = [2];
    const stores = testStores();
    const runUuid = finishedRun(stores, 3);
    const { uuid: raterUuid } = stores.curation.addRater({ initials: 'AB' });
    const cells = stores.runs.cells(runUuid);
    const decide = (row: number, to: 'accepted' | 'rejected') =>
      stores.curation.decide({ runUuid, raterUuid, cellUuids: [cells[row]!.uuid], to, context: {} });
    decide(0, 'accepted');
    decide(1, 'rejected');
    decide(2, 'accepted');
    const somata = stores.database
      .prepare(
        "SELECT mask FROM dj_MaskClassification_MaskType WHERE mask_classification_method = 'calyx_curation' AND mask_type = 'soma' ORDER BY mask",
      )
      .pluck()
      .all();
    expect(somata).not.toEqual(upstream);
    expect(somata).toEqual([1, 3]);
  });

  it('6: x counts columns and y counts rows', () => {
    const upstream = { x: 6, y: 30 };
    const stores = testStores();
    finishedRun(stores, 1);
    const place = stores.database
      .prepare('SELECT mask_center_x AS x, mask_center_y AS y FROM dj_Segmentation_Mask')
      .get();
    expect(place).not.toEqual(upstream);
    expect(place).toEqual({ x: 30, y: 6 });
  });

  it('7: the first shift is along rows, the second along columns', () => {
    const upstream = { y: 1, x: 0 };
    const stores = testStores();
    const run = finishedRun(stores, 1);
    stores.database.exec(
      `INSERT INTO run_array (run_id, path, dtype, shape, bytes, sha256) VALUES (1, 'motion.npy', '<f4', '[9,2]', 72, '${'0'.repeat(64)}')`,
    );
    stores.events.saveQuality(run, { traces: [], motion: { frames: 9, yStd: 2, xStd: 0.5, yMax: 4, xMax: 1 } });
    const columns = stores.database
      .prepare(
        'SELECT y_shifts_column AS y, x_shifts_column AS x, y_std, x_std FROM dj_MotionCorrection_RigidMotionCorrection',
      )
      .get();
    expect(columns).not.toMatchObject(upstream);
    expect(columns).toEqual({ y: 0, x: 1, y_std: 2, x_std: 0.5 });
  });

  it('8: motion in blocks has a row for each block', () => {
    const upstream = 0;
    const stores = testStores();
    finishedRun(stores, 1);
    for (let block = 0; block < 4; block += 1) {
      stores.database.exec(`INSERT INTO run_motion_block VALUES (1, ${block}, ${10 * block}, 5, 0.5, 0.25)`);
    }
    const count = stores.database.prepare('SELECT count(*) FROM dj_MotionCorrection_Block').pluck().get();
    expect(count).not.toBe(upstream);
    expect(count).toBe(4);
  });

  it('9: a variance is a variance, not a standard deviation', () => {
    const upstream = 0.2759;
    // A trace whose standard deviation is upstream's stored value: half its samples above, half below the mean.
    const { variance } = moments([1 + 0.2759, 1 - 0.2759, 1 + 0.2759, 1 - 0.2759]);
    expect(variance).not.toBeCloseTo(upstream, 4);
    expect(variance).toBeCloseTo(0.0761, 4);
  });

  it('10: a constant trace has no skewness, and fails nothing', () => {
    const upstream = Number.NaN;
    for (const value of [3, 0, 0.1, 1e-30]) {
      const { skewness, variance } = moments(Array.from({ length: 7 }, () => value));
      expect(skewness).not.toBe(upstream);
      expect([skewness, variance]).toEqual([null, 0]);
    }
    expect(moments([Number.NaN])).toEqual({ samples: 0, skewness: null, variance: null });
    expect(moments([0, 0, 0, 1]).skewness).toBeCloseTo(1.154_700_5, 6);
  });

  it('11: the quality report stands without the curation that upstream removed', () => {
    const upstream = 'Unknown table Curation';
    const stores = testStores();
    finishedRun(stores, 2);
    let said = '';
    try {
      expect(stores.database.prepare('SELECT mask, snr FROM dj_QualityMetrics ORDER BY mask').all()).toEqual([
        { mask: 1, snr: 3.5 },
        { mask: 2, snr: 4.5 },
      ]);
    } catch (error) {
      said = String(error);
    }
    expect(said).not.toContain(upstream);
    expect(said).toBe('');
  });

  it('12: the same parameters are one set, however often they are used', () => {
    const upstream = 2;
    const stores = testStores();
    const { session } = stores.sessions.insert(newSession(1));
    const recording = session.recordings[0]!.uuid;
    stores.runs.create(newRun(recording));
    stores.runs.create(newRun(recording));
    const sets = stores.database.prepare('SELECT count(DISTINCT processing_param_set_id) FROM run').pluck().get();
    expect(sets).not.toBe(upstream);
    expect(sets).toBe(1);
    expect(djParamHash({ a: 1, b: { $tuple: [5, 5] }, c: null, d: { x: 1 } })).toBe(
      '8432210c-ddd3-6b69-4577-c9e9cc285d03',
    );
  });

  it('13: events are placed on the miniscope’s time by the offset of the clocks', () => {
    const upstream = 8;
    const stores = testStores();
    const { session } = stores.sessions.insert(newSession(1));
    stores.database.exec(
      `INSERT INTO behavior_recording (uuid, session_id, recording_start_time) VALUES (randomblob(16), 1, '2026-05-01T09:00:02.500Z')`,
    );
    const at = (timeS: number): number => {
      const { clock } = stores.events.behavior(session.uuid);
      return clock.offsetS + clock.rate * timeS;
    };
    expect(at(8)).not.toBe(upstream);
    expect(at(8)).toBe(10.5);
    stores.events.setClock(session.uuid, { offsetS: -1, rate: 1.0001 });
    expect(at(8)).toBeCloseTo(7.0008, 10);
    stores.events.setClock(session.uuid, { offsetS: 2, rate: 1, pairs: 40, residualS: 0.001 });
    expect(stores.events.behavior(session.uuid).clock).toMatchObject({ offsetS: 2, method: 'pulses' });
  });
});

describe('windows around events', () => {
  const event = (type: string, timeS: number) => ({ type, timeS });
  const trial = (trialId: number, startS: number, stopS: number) => ({
    trialId,
    type: null,
    startS,
    stopS,
    attributes: {},
  });

  it('take the last event inside a trial, the nearest start and end beside it, then shift; a trial without it has none', () => {
    const behavior = {
      clock: { offsetS: 0, rate: 1, method: 'assumed' as const },
      trials: [trial(1, 0, 10), trial(2, 10, 20), trial(3, 20, 30)],
      events: [
        event('cue', 1),
        event('go', 2),
        event('cue', 3),
        event('go', 5),
        event('stop', 6),
        event('stop', 7),
        event('cue', 12),
        event('go', 25),
      ],
    };
    const alignment = {
      name: 'go',
      align: { type: 'go', shiftS: 0.5 },
      start: { type: 'cue', shiftS: -1 },
      end: { type: 'stop', shiftS: 2 },
    };
    expect(trialWindows(behavior, alignment).map(({ alignS, startS, endS }) => [alignS, startS, endS])).toEqual([
      [5.5, 2, 8],
      [null, null, null],
      [25.5, null, null],
    ]);
  });
});
