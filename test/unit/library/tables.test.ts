// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { RunProgress } from '../../../main/contract/index.ts';
import { openStores } from '../../../main/library/database/stores.ts';
import { currentProcess, type ProcessRef } from '../../../main/library/index.ts';
import { finishedRun, newCells, newRun, newSession, temporaryFolder, testStores } from '../../support/library.ts';

const dead: ProcessRef = { pid: 4_194_000, bootId: 'an earlier boot', startTicks: '1' };

function progressOf(runUuid: string): RunProgress {
  return {
    runUuid,
    state: 'running',
    stages: [],
    stage: 'motion',
    overall: 0.4,
    framesPerSecond: 800,
    etaSeconds: 12,
    memoryBytes: 1e8,
    memoryLimitBytes: 2e9,
    warnings: [],
    error: null,
  };
}

describe('sessions', () => {
  it('come back as they were imported, films in their order', () => {
    const stores = testStores();
    const findings = [
      { severity: 'warning' as const, code: 'csv.longer', message: 'Two rows too many.', where: 'timeStamps.csv' },
      { severity: 'info' as const, code: 'roi.missing', message: 'No ROI.' },
    ];
    const { session, alreadyImported } = stores.sessions.insert(newSession(1, { findings }));
    expect(alreadyImported).toBe(false);
    expect(stores.sessions.get(session.uuid)).toEqual(session);
    expect(session).toMatchObject({
      name: 'session 1',
      subject: 'm1',
      folder: '/recordings/s1',
      sample: false,
      findings,
    });
    expect(session.recordings).toMatchObject([
      {
        frames: 1500,
        height: 30,
        width: 40,
        films: [
          { name: '0.avi', frames: 1000 },
          { name: '1.avi', frames: 500 },
        ],
      },
    ]);
    expect(stores.sessions.recording(session.recordings[0]!.uuid)).toMatchObject({
      sessionName: 'session 1',
      files: [{ path: '/recordings/s1/Miniscope/0.avi' }, { path: '/recordings/s1/Miniscope/1.avi' }],
      config: { frameRate: '20FPS', ROI: { height: 30, width: 40 } },
      tzOffsetMin: 120,
    });
    expect(stores.sessions.filmPaths([session.uuid])).toEqual([
      {
        sessionUuid: session.uuid,
        paths: ['/recordings/s1/Miniscope/0.avi', '/recordings/s1/Miniscope/1.avi'],
      },
    ]);
  });

  it('are imported once: the same content is the same session, wherever it lies', () => {
    const stores = testStores();
    const first = stores.sessions.insert(newSession(1));
    const again = stores.sessions.insert(newSession(1, { folder: '/elsewhere', name: 'copy' }));
    expect(again).toEqual({ session: first.session, alreadyImported: true });
    expect(stores.sessions.findByDigest(newSession(1).contentDigest)?.uuid).toBe(first.session.uuid);
    expect(stores.sessions.findByDigest('0'.repeat(64))).toBeNull();
  });

  it('of one animal that began at the same moment are both kept, and it is said', () => {
    const stores = testStores();
    stores.sessions.insert(newSession(1));
    const { session } = stores.sessions.insert(newSession(2, { subject: 'M1', startedAt: newSession(1).startedAt }));
    expect(session.subject).toBe('m1');
    expect(session.findings).toMatchObject([
      { code: 'session.key_clash', message: expect.stringContaining('session 1') },
    ]);
  });

  it('of an unknown animal at an unknown time are welcome', () => {
    const stores = testStores();
    const { session } = stores.sessions.insert(newSession(1, { subject: null, startedAt: null, tzOffsetMin: null }));
    expect(session).toMatchObject({ subject: null, startedAt: null, findings: [] });
  });

  it('are listed newest first and found by name, animal and device, letters like % as themselves', () => {
    const stores = testStores();
    for (const n of [3, 1, 2]) stores.sessions.insert(newSession(n));
    stores.sessions.insert(newSession(4, { name: '100% grin', subject: null }));
    const names = (search?: string) => stores.sessions.list({ search }).map((session) => session.name);
    expect(names()).toEqual(['session 1', 'session 2', 'session 3', '100% grin']);
    expect(names('SESSION 2')).toEqual(['session 2']);
    expect(names('m3')).toEqual(['session 3']);
    expect(names('miniscope')).toHaveLength(4);
    expect(names('%')).toEqual(['100% grin']);
    expect(names('_')).toEqual([]);
    expect(stores.sessions.list({ search: 'session 2' })[0]?.recordings[0]?.films).toHaveLength(2);
  });

  it('that are not there are said so', () => {
    const stores = testStores();
    const unknown = '01a20ba6-cef8-770a-a360-34fe36bbb36c';
    const missing = expect.objectContaining({ code: 'session.not_imported' });
    expect(() => stores.sessions.get(unknown)).toThrow(missing);
    expect(() => stores.sessions.recording(unknown)).toThrow(missing);
    expect(() => stores.runs.create(newRun(unknown))).toThrow(missing);
    expect(stores.sessions.findSample()).toBeNull();
    stores.sessions.insert(newSession(1, { sample: true }));
    expect(stores.sessions.findSample()).toMatchObject({ name: 'session 1', sample: true });
  });

  it.each([
    ['a day that does not exist', { startedAt: '2026-02-30T10:00:00.000Z' }],
    ['a time without milliseconds', { startedAt: '2026-05-01T10:00:00Z' }],
    ['letters for a digest', { contentDigest: 'not a digest, but long enough to be one' }],
    ['a zone there is not', { tzOffsetMin: 9000 }],
    ['a rate that is not finite', { recordings: [{ ...newSession(1).recordings[0]!, fps: Number.POSITIVE_INFINITY }] }],
    ['a frame without height', { recordings: [{ ...newSession(1).recordings[0]!, height: 0 }] }],
    [
      'a film outside the folder',
      { recordings: [{ ...newSession(1).recordings[0]!, files: [{ path: '../0.avi', frames: 1, bytes: 1 }] }] },
    ],
  ])('with %s are refused whole', (_, overrides) => {
    const stores = testStores();
    expect(() => stores.sessions.insert(newSession(1, overrides))).toThrow(/CHECK/);
    expect(stores.sessions.list()).toEqual([]);
    expect(stores.database.prepare('SELECT count(*) AS n FROM subject').get()).toEqual({ n: 0 });
  });

  it('with results cannot be deleted underneath them', () => {
    const stores = testStores();
    finishedRun(stores, 1);
    for (const table of ['session', 'recording', 'run', 'processing_param_set WHERE builtin = 0', 'subject']) {
      expect(() => stores.database.exec(`DELETE FROM ${table}`), table).toThrow(/FOREIGN KEY/);
    }
  });
});

describe('lookups that ship with the program', () => {
  it('are protected, others are not', () => {
    const { database } = testStores();
    expect(database.prepare('SELECT processing_method AS m FROM processing_method ORDER BY id').all()).toEqual([
      { m: 'calyx' },
      { m: 'caiman' },
      { m: 'minian' },
      { m: 'min1pipe' },
      { m: 'inscopix' },
      { m: 'suite2p' },
      { m: 'cnmf_e' },
      { m: 'cellreg' },
      { m: 'outlines' },
      { m: 'nwb' },
    ]);
    expect(() => database.exec("DELETE FROM processing_method WHERE processing_method = 'caiman'")).toThrow(
      /ships with/,
    );
    expect(() => database.exec("UPDATE processing_method SET processing_method_desc = ''")).toThrow(/ships with/);
    database.exec("INSERT INTO processing_method (processing_method) VALUES ('masknmf')");
    database.exec("DELETE FROM processing_method WHERE processing_method = 'masknmf'");
    expect(() => database.exec('DELETE FROM acquisition_software')).toThrow(/ships with/);
  });
});

describe('runs', () => {
  function begin(owner?: ProcessRef) {
    const directory = temporaryFolder();
    const stores = openStores({
      directory,
      host: 'rig',
      fixedClockMs: 0,
      seed: 1,
      ...(owner === undefined ? {} : { owner }),
    });
    const { session } = stores.sessions.insert(newSession(1));
    const recordingUuid = session.recordings[0]!.uuid;
    return {
      directory,
      stores,
      session,
      recordingUuid,
      create: (name = 'run') => stores.runs.create(newRun(recordingUuid, { name })),
    };
  }

  it('go from queued over running to succeeded with their cells', () => {
    const { stores, session, recordingUuid, create } = begin();
    const run = create();
    expect(run).toMatchObject({ state: 'queued', cells: null, startedAt: null, recordingUuids: [recordingUuid] });
    expect(stores.runs.cells(run.uuid)).toEqual([]);
    const claimed = stores.runs.claim({ runUuid: run.uuid, logFile: 'logs/a.log' });
    expect(claimed).toMatchObject({
      run: { state: 'running' },
      method: 'calyx',
      parameters: { diameterPx: 8, minCorr: 0.8 },
      budget: { threads: 2, memoryBytes: 2 ** 31 },
      inputs: [{ recordingUuid, firstFrame: 0, lastFrame: null }],
      attempts: [
        { number: 1, host: 'rig', owner: currentProcess(), engine: null, logFile: 'logs/a.log', endedAt: null },
      ],
    });
    const array = { path: 'traces/raw.npy', dtype: '<f4', shape: [4, 600], bytes: 9728, sha256: 'ab'.repeat(32) };
    const done = stores.runs.finish(run.uuid, { cells: newCells(4), arrays: [array], engineVersion: '0.1.1' });
    expect(done).toMatchObject({ state: 'succeeded', cells: 4, suggested: 3, decided: 0, engineVersion: '0.1.1' });
    expect(stores.runs.get(run.uuid)).toMatchObject({ arrays: [array], attempts: [{ exitCode: 0 }] });
    expect(stores.runs.get(run.uuid).folder.endsWith(`/runs/${run.uuid}`)).toBe(true);
    const cells = stores.runs.cells(run.uuid);
    expect(cells.map((cell) => cell.row)).toEqual([0, 1, 2, 3]);
    expect(cells[2]).toMatchObject({
      label: 'undecided',
      centroid: { y: 7.5, x: 32.25 },
      box: { top: 5, left: 29, height: 5, width: 7 },
      suggested: false,
      reasons: ['low-snr'],
      metrics: { snr: 5.5, skewness: null },
    });
    expect(stores.sessions.get(session.uuid)).toMatchObject({ runs: 1, cells: 4, decided: 0 });
    stores.close();
  });

  it('keep one row for the same parameters, another for other ones', () => {
    const { stores, recordingUuid, create } = begin();
    const [a, b] = [create('a'), create('b')];
    const c = stores.runs.create(newRun(recordingUuid, { parameters: { diameterPx: 9, minCorr: 0.8 } }));
    const sets = [a, b, c].map((run) => stores.runs.get(run.uuid).parameterSetUuid);
    expect(sets[0]).toBe(sets[1]);
    expect(sets[2]).not.toBe(sets[0]);
    expect(() => stores.database.exec("UPDATE processing_param_set SET params = '{}' WHERE builtin = 0")).toThrow(
      /never change/,
    );
    stores.close();
  });

  it('are claimed in the order they were queued, each once', () => {
    const { stores, create } = begin();
    const [a, b] = [create('a'), create('b')];
    expect(stores.runs.claim({})?.run.uuid).toBe(a.uuid);
    expect(stores.runs.claim({ runUuid: a.uuid })).toBeNull();
    expect(stores.runs.claim({})?.run.uuid).toBe(b.uuid);
    expect(stores.runs.claim({})).toBeNull();
    stores.close();
  });

  it('remember their last progress and the engine’s process', () => {
    const { stores, create } = begin();
    const run = create();
    stores.runs.claim({});
    const engine = { pid: 77, bootId: 'b', startTicks: '5' };
    stores.runs.heartbeat(run.uuid, { engine });
    const before = stores.runs.get(run.uuid).attempts[0]!.heartbeatAt;
    stores.runs.heartbeat(run.uuid, { progress: progressOf(run.uuid) });
    const detail = stores.runs.get(run.uuid);
    expect(detail.progress).toEqual(progressOf(run.uuid));
    expect(detail.attempts).toMatchObject([{ engine }]);
    expect(detail.attempts[0]!.heartbeatAt > before).toBe(true);
    stores.close();
  });

  it('that failed say why and stay failed', () => {
    const { stores, create } = begin();
    const run = create();
    stores.runs.claim({});
    const failure = {
      code: 'engine.out_of_memory',
      message: 'Too little memory.',
      hint: 'Close programs.',
      exitCode: 5,
    };
    expect(stores.runs.fail(run.uuid, failure)).toMatchObject({
      state: 'failed',
      error: { code: 'engine.out_of_memory', message: 'Too little memory.', hint: 'Close programs.' },
    });
    const ended = expect.objectContaining({ code: 'run.already_ended' });
    expect(() => stores.runs.finish(run.uuid, { cells: [], arrays: [] })).toThrow(ended);
    expect(() => stores.runs.cancel(run.uuid)).toThrow(ended);
    expect(() =>
      stores.database.exec(
        "UPDATE run SET state = 'running', ended_at = NULL, error_code = NULL, error_message = NULL",
      ),
    ).toThrow(/keeps its state/);
    stores.close();
  });

  it('can be cancelled in the queue and while running, and cannot finish then', () => {
    const { stores, create } = begin();
    const [queued, running] = [create(), create()];
    stores.runs.claim({ runUuid: running.uuid });
    expect([stores.runs.cancel(queued.uuid).state, stores.runs.cancel(running.uuid).state]).toEqual([
      'cancelled',
      'cancelled',
    ]);
    expect(() => stores.runs.finish(running.uuid, { cells: newCells(1), arrays: [] })).toThrow();
    expect(stores.runs.cells(running.uuid)).toEqual([]);
    expect(() => stores.runs.finish(create().uuid, { cells: [], arrays: [] })).toThrow(
      expect.objectContaining({ code: 'run.not_ready' }),
    );
    stores.close();
  });

  it('are stored whole or not at all', () => {
    const { stores, create } = begin();
    const run = create();
    stores.runs.claim({});
    const twice = [...newCells(2), newCells(1)[0]!];
    expect(() => stores.runs.finish(run.uuid, { cells: twice, arrays: [] })).toThrow(/UNIQUE/);
    expect(stores.runs.get(run.uuid).run.state).toBe('running');
    expect(stores.runs.cells(run.uuid)).toEqual([]);
    stores.close();
  });

  it('take recordings in the given order', () => {
    const { stores, recordingUuid } = begin();
    const other = stores.sessions.insert(newSession(2)).session.recordings[0]!.uuid;
    const run = stores.runs.create({
      ...newRun(recordingUuid),
      inputs: [
        { recordingUuid: other, firstFrame: 10, lastFrame: 20 },
        { recordingUuid, firstFrame: 0, lastFrame: null },
      ],
    });
    expect(run.recordingUuids).toEqual([other, recordingUuid]);
    expect(() => stores.runs.create({ ...newRun(recordingUuid), inputs: [] })).toThrow(/at least one/);
    expect(() =>
      stores.runs.create({ ...newRun(recordingUuid), inputs: [{ recordingUuid, firstFrame: 5, lastFrame: 4 }] }),
    ).toThrow(/CHECK/);
    stores.close();
  });

  it('are listed newest first, by session and by state', () => {
    const { stores, session, create } = begin();
    const [a, b] = [create('a'), create('b')];
    finishedRun(stores, 2, 5);
    const names = (filter: Parameters<typeof stores.runs.list>[0]) => stores.runs.list(filter).map((run) => run.name);
    expect(names({})).toEqual(['run', 'b', 'a']);
    expect(names({ sessionUuid: session.uuid })).toEqual(['b', 'a']);
    expect(names({ state: 'succeeded' })).toEqual(['run']);
    stores.runs.cancel(a.uuid);
    expect(names({ sessionUuid: session.uuid, state: 'queued' })).toEqual([b.name]);
    expect(() => stores.runs.get('01a20ba6-cef8-770a-a360-34fe36bbb36c')).toThrow(
      expect.objectContaining({ code: 'run.not_found' }),
    );
    stores.close();
  });

  it('left running by a program that is gone are failed with the cause when the next one opens; the queue goes on', () => {
    const { directory, stores, create } = begin(dead);
    const [lost, waiting] = [create('lost'), create('waiting')];
    stores.runs.claim({ runUuid: lost.uuid });
    stores.runs.heartbeat(lost.uuid, { engine: { pid: 99, bootId: 'an earlier boot', startTicks: '4' } });
    stores.close();
    const next = testStores({ directory });
    expect(next.recovered).toEqual([
      { runUuid: lost.uuid, engine: { pid: 99, bootId: 'an earlier boot', startTicks: '4' } },
    ]);
    expect(next.runs.get(lost.uuid)).toMatchObject({
      run: { state: 'failed', error: { code: 'engine.crashed', hint: expect.stringContaining('again') } },
      attempts: [{ errorClass: 'owner-lost', endedAt: expect.any(String) }],
    });
    expect(next.runs.claim({})?.run.uuid).toBe(waiting.uuid);
    expect(testStores({ directory: temporaryFolder() }).recovered).toEqual([]);
  });

  it('whose number was given to another process are lost, too; those of a living one are not', () => {
    const self = currentProcess();
    for (const [owner, state] of [
      [{ ...self, startTicks: '1' }, 'failed'],
      [{ ...self, bootId: 'another', startTicks: '1' }, 'failed'],
      [self, 'running'],
    ] as const) {
      const { directory, stores, create } = begin(owner);
      create();
      stores.runs.claim({});
      stores.close();
      expect(testStores({ directory }).runs.list()).toMatchObject([{ state }]);
    }
  });
});
