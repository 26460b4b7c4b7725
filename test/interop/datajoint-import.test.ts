// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import { File, ready } from 'h5wasm/node';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { expect, onTestFinished, test } from 'vitest';
import { decodeNpy, readSparseRows } from '../../main/arrays/index.ts';
import { createDatajointHandlers, Progresses } from '../../main/interop/index.ts';
import { createReader, type Library, openLibrary, type Reader } from '../../main/library/index.ts';
import { probeFilm } from '../../main/media/index.ts';
import { greyAvi } from '../support/avi.ts';
import { declareFile, labInTest } from '../support/datajoint-lab.ts';
import { finishedRunOnDisk, localCall } from '../support/finished-run.ts';
import { newLibraryIn, temporaryFolder } from '../support/library.ts';

const prepared = labInTest();

/** A lab as element-miniscope leaves it: x of masks holds rows, marks are shifted, times are frame numbers, fluorescence is denoised. */
const labScript = String.raw`
import sys
port, prefix, release = sys.argv[1:4]
sys.argv = ["declare", port, prefix, release]
exec(open("DECLARE").read())
import numpy as np, datetime
old = release == "0.3"
table = (lambda name: getattr(miniscope, name)) if old else (lambda name: here[name])
direct = dict(allow_direct_insert=True)
lab.Lab.insert1(dict(lab="tank", lab_name="The tank", address="", time_zone="UTC+1"))
lab.User.insert1(dict(user="jane", user_fullname="Jane Doe"))
subject.Strain.insert1(dict(strain="B6", strain_standard_name="C57BL/6J"))
subject.Subject.insert1(dict(subject="sub1", sex="F", subject_birth_date="2025-01-02", subject_description="white ear"))
subject.Subject.Strain.insert1(dict(subject="sub1", strain="B6"))
at = "2026-05-01 11:00:00"
key = dict(subject="sub1", session_datetime=at)
session.Session.insert1(key)
session.SessionDirectory.insert1(dict(key, session_dir="sub1/day1"))
session.SessionNote.insert1(dict(key, session_note="calm"))
session.SessionExperimenter.insert1(dict(key, user="jane"))
session.Session.Attribute.insert1(dict(key, attribute_name="arena", attribute_value="round", attribute_blob={"size": (40, 50.0)}))
Device.insert1(dict(device="Miniscope_V4_BNO", modality="Miniscope"))
AnatomicalLocation.insert1(dict(recording_location_id="CA1", anatomical_description="hippocampus"))
from element_event import event
event.BehaviorRecording.insert1(dict(key, recording_start_time="2026-05-01 11:00:02", recording_duration=60))
event.BehaviorRecording.File.insert1(dict(key, filepath="sub1/day1/trials.csv"))
event.EventType.insert([dict(event_type="left"), dict(event_type="right")])
event.Event.insert([dict(key, event_type="left", event_start_time=1.2345, event_end_time=None), dict(key, event_type="right", event_start_time=3.5, event_end_time=4.0)], **direct)
event.AlignmentEvent.insert1(dict(alignment_name="at_right", alignment_event_type="right", alignment_time_shift=0, start_event_type="left", start_time_shift=-1, end_event_type="right", end_time_shift=1))
trial.TrialType.insert1(dict(trial_type="stim"))
trial.Trial.insert([dict(key, trial_id=1, trial_type="stim", trial_start_time=1, trial_stop_time=2), dict(key, trial_id=2, trial_type="stim", trial_start_time=9, trial_stop_time=8)], **direct)
trial.Trial.Attribute.insert1(dict(key, trial_id=1, attribute_name="lumen", attribute_value="646"), **direct)
trial.Block.insert1(dict(key, block_id=1, block_start_time=0, block_stop_time=5), **direct)
trial.BlockTrial.insert1(dict(key, block_id=1, trial_id=1), **direct)
trial.TrialEvent.insert1(dict(key, trial_id=1, event_type="left", event_start_time=1.2345), **direct)
frames = 100
rec = dict(key, recording_id=0)
table("Recording").insert1(dict(rec, device="Miniscope_V4_BNO", acq_software="Miniscope-DAQ-V4"))
info = dict(rec, nchannels=1, nframes=frames, px_height=30, px_width=40, fps=20.0, recording_duration=5.0)
if old:
    stamps = np.stack([np.arange(frames), 50 * np.arange(frames) - 25, np.zeros(frames, int)], axis=1)
    info.update(um_height=0.0, um_width=0.0, gain=1.0, spatial_downsample=1, led_power=5.0, time_stamps=stamps)
table("RecordingInfo").insert1(info, **direct)
if not old:
    table("RecordingInfo").Timestamps.insert1(dict(rec, timestamps=np.arange(frames)), **direct)
    table("RecordingInfo").Config.insert1(dict(rec, config={"gain": "High", "led0": 12}), **direct)
params = {"gSig": (3, 3), "K": None, "min_corr": 0.8, "p": 1, "merge_thr": 1.0, "method_init": "corr_pnr"}
import hashlib, uuid
hashed = hashlib.md5()
for name in sorted(params):
    hashed.update((str(name) + str(params[name])).encode())
number = "paramset_id" if old else "paramset_idx"
table("ProcessingParamSet").insert1({number: 3, "processing_method": "caiman", "paramset_desc": "small cells", "param_set_hash": uuid.UUID(hex=hashed.hexdigest()), "params": params})
task = {**rec, number: 3}
table("ProcessingTask").insert1(dict(task, processing_output_dir="sub1/day1/caiman_3", task_mode="load"))
table("Processing").insert1(dict(task, processing_time="2026-05-02 10:00:00", package_version="1.11"), **direct)
run = dict(task)
if old:
    run["curation_id"] = 0
    table("Curation").insert1(dict(run, curation_time="2026-05-02 11:00:00", curation_output_dir="sub1/day1/caiman_3", manual_curation=1))
table("MotionCorrection").insert1(dict(run, motion_correct_channel=0), **direct)
rng = np.random.default_rng(4)
down, right = rng.normal(size=frames), 5 + rng.normal(size=frames)
# CaImAn's first shift is along rows; the loader stores it as x.
table("MotionCorrection").RigidMotionCorrection.insert1(dict(run, x_shifts=down, y_shifts=right, x_std=1.0, y_std=1.0), **direct)
mean = rng.random((30, 40)).astype("float32")
table("MotionCorrection").Summary.insert1(dict(run, ref_image=mean[None], average_image=mean[None], correlation_image=mean[None], max_proj_image=mean[None]), **direct)
table("Segmentation").insert1(run, **direct)
table("Fluorescence").insert1(run, **direct)
for method in ("caiman_deconvolution", "caiman_dff"):
    table("Activity").insert1(dict(run, extraction_method=method), **direct)
C = rng.random((3, frames)) + 1
S, F = rng.random((3, frames)), rng.random((3, frames))
for k in range(3):
    rows, columns = np.array([5, 6, 7]) + k, np.array([30, 31, 33]) + k
    mask = dict(run, mask=k + 1)
    table("Segmentation").Mask.insert1(dict(mask, segmentation_channel=0, mask_npix=3, mask_center_x=6, mask_center_y=31, mask_xpix=rows, mask_ypix=columns, mask_weights=np.array([0.5, 2.0, 1.0])), **direct)
    table("Fluorescence").Trace.insert1(dict(mask, fluorescence_channel=0, fluorescence=C[k]), **direct)
    for method, values in (("caiman_deconvolution", S), ("caiman_dff", F)):
        table("Activity").Trace.insert1(dict(mask, fluorescence_channel=0, extraction_method=method, activity_trace=values[k]), **direct)
# Components 0 and 1 are accepted; the loader marks mask 1.
method = dict(mask_classification_method="caiman_default_classifier")
table("MaskClassification").insert1(dict(run, **method), **direct)
table("MaskClassification").MaskType.insert1(dict(run, **method, mask=1, mask_type="soma"), **direct)
np.savez("TRUTH", C=C, S=S, F=F, down=down, right=right, mean=mean)
`;

interface Truth {
  readonly C: readonly (readonly number[])[];
  readonly S: readonly (readonly number[])[];
  readonly F: readonly (readonly number[])[];
  readonly down: readonly number[];
  readonly right: readonly number[];
  readonly mean: readonly (readonly number[])[];
}

function makeLab(python: string, port: number, prefix: string, release: string): Truth {
  const truth = path.join(temporaryFolder(), 'truth.npz');
  const script = labScript.replace('DECLARE', declareFile).replace('TRUTH', truth);
  execFileSync(python, ['-c', script, String(port), prefix, release], { stdio: 'pipe' });
  const print = `import numpy as np, json; print(json.dumps({k: v.tolist() for k, v in np.load(${JSON.stringify(truth)}).items()}))`;
  return JSON.parse(execFileSync(python, ['-c', print], { encoding: 'utf8', maxBuffer: 2 ** 26 })) as Truth;
}

interface Importer {
  readonly library: Library;
  readonly reader: Reader;
  readonly import: (prefix: string, more?: object) => ReturnType<ReturnType<typeof createDatajointHandlers>['import']>;
  /** One that is cancelled while results are being read. */
  readonly cancelled: (prefix: string) => Promise<unknown>;
}

async function importer(port: number): Promise<Importer> {
  const library = await openLibrary({ directory: newLibraryIn(path.join(temporaryFolder(), 'library')) });
  onTestFinished(() => library.close());
  const reader = createReader(library.folders.database);
  onTestFinished(() => reader[Symbol.asyncDispose]());
  const progresses = new Progresses();
  const handlers = createDatajointHandlers({
    library,
    reader,
    editor: { collect: () => Promise.reject(new Error('there are no edits')) },
    progresses,
    roots: [],
    probeFilm,
  });
  const input = {
    url: `mysql://lab@127.0.0.1:${port}`,
    password: 'secret',
    dryRun: false,
    orientation: 'auto' as const,
  };
  return {
    library,
    reader,
    import: (prefix, more = {}) => handlers.import({ ...input, prefix, ...more }, localCall),
    cancelled: async (prefix) => {
      const stop = new AbortController();
      const ticket = randomUUID();
      const importing = handlers.import({ ...input, prefix, ticket }, { ...localCall, signal: stop.signal });
      for await (const { step } of progresses.follow(ticket, stop.signal))
        if (step.startsWith('reading result')) stop.abort();
      return await importing;
    },
  };
}

async function view(reader: Reader, name: string): Promise<Record<string, unknown>[]> {
  const { columns, rows } = await reader.sql({
    sql: `select * from dj_${name}`,
    limit: 100,
    offset: 0,
    timeoutMs: 10_000,
  });
  return rows.map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i]])));
}

const npy = (folder: string, name: string): number[] =>
  Array.from(decodeNpy(readFileSync(path.join(folder, name)), name).data, Number);
const close = (values: readonly number[]) =>
  values.map((value): unknown => (Number.isNaN(value) ? value : expect.closeTo(value, 4)));

const nothing = (library: Library): readonly string[] =>
  readdirSync(library.folders.root).filter((name) => name.startsWith('.unpack'));

for (const release of ['0.5', '0.3']) {
  test(`a lab’s tables of release ${release}, written by datajoint, come in with what upstream got wrong put right`, async (context) => {
    const { python, port } = prepared(context);
    const prefix = `lab${release.replace('.', '')}_`;
    const truth = makeLab(python, port, prefix, release);
    const { library, reader, import: bring } = await importer(port);

    const dry = await bring(prefix, { dryRun: true });
    expect(dry).toMatchObject({
      isImported: false,
      runs: [{ cells: 3 }],
      generation: release === '0.5' ? '0.5' : '0.2-0.3',
    });
    expect(dry.tables).toContainEqual({ table: 'session', inserted: 1, present: 0 });
    expect(await library.sessions.list()).toEqual([]);

    const done = await bring(prefix);
    expect(done.isImported).toBe(true);
    expect(done.notes.filter((note) => !note.includes('trial'))).toEqual([]);
    // Trial 2 stops before it starts: it is left out and said.
    expect(done.notes.join(' ')).toContain('trial_stop_time');

    const [session] = await library.sessions.list();
    expect(session).toMatchObject({ subject: 'sub1', startedAt: '2026-05-01T11:00:00.000Z' });
    expect(await view(reader, 'Session')).toEqual([
      expect.objectContaining({ subject: 'sub1', session_datetime: '2026-05-01 11:00:00' }),
    ]);
    expect(await view(reader, 'Subject')).toEqual([
      expect.objectContaining({ sex: 'F', subject_birth_date: '2025-01-02', subject_description: 'white ear' }),
    ]);
    expect(await view(reader, 'Subject_Strain')).toEqual([{ subject: 'sub1', strain: 'B6' }]);
    expect(await view(reader, 'SessionExperimenter')).toEqual([expect.objectContaining({ user: 'jane' })]);
    expect(await view(reader, 'SessionNote')).toEqual([expect.objectContaining({ session_note: 'calm' })]);
    expect(await view(reader, 'SessionDirectory')).toEqual([expect.objectContaining({ session_dir: 'sub1/day1' })]);
    expect(await view(reader, 'Event')).toEqual([
      expect.objectContaining({ event_type: 'left', event_start_time: 1.2345, event_end_time: null }),
      expect.objectContaining({ event_type: 'right', event_start_time: 3.5, event_end_time: 4 }),
    ]);
    expect(await view(reader, 'AlignmentEvent')).toEqual([
      expect.objectContaining({
        alignment_event_type: 'right',
        start_event_type: 'left',
        start_time_shift: -1,
        end_event_type: 'right',
      }),
    ]);
    expect(await view(reader, 'Trial')).toEqual([expect.objectContaining({ trial_id: 1, trial_type: 'stim' })]);
    expect(await view(reader, 'BlockTrial')).toEqual([expect.objectContaining({ block_id: 1, trial_id: 1 })]);
    expect(await view(reader, 'TrialEvent')).toEqual([expect.objectContaining({ trial_id: 1, event_type: 'left' })]);
    expect(await view(reader, 'RecordingInfo')).toEqual([
      expect.objectContaining({ nframes: 100, px_height: 30, px_width: 40, fps: 20 }),
    ]);
    // The hash that element-miniscope gave the dictionary is that of what was read: tuples, None, ints and floats kept their kinds.
    expect(await view(reader, 'ProcessingParamSet')).toContainEqual(
      expect.objectContaining({ processing_method: 'caiman', paramset_desc: 'small cells' }),
    );

    const [run] = await library.runs.list();
    if (run === undefined) throw new Error('no run came');
    expect(run).toMatchObject({ state: 'succeeded', cells: 3, suggested: 1 });
    expect(done.runs[0]?.findings.join(' ')).toContain('exchanged');
    const folder = library.runFolder(run.uuid);
    const sparse = await readSparseRows(path.join(folder, 'footprints.npz'));
    // Cell 1 lies on rows 6 to 8 and columns 31 to 34 of a frame wider than high, brought to maximum 1.
    const { indptr, indices, data } = sparse;
    expect(Array.from(indices.subarray(Number(indptr[1]), Number(indptr[2])), Number)).toEqual([
      6 * 40 + 31,
      7 * 40 + 32,
      8 * 40 + 34,
    ]);
    expect(Array.from(data.subarray(Number(indptr[1]), Number(indptr[2])), Number)).toEqual([0.25, 1, 0.5]);
    expect(npy(folder, 'traces/denoised.npy')).toEqual(close(truth.C.flat().map((value) => 2 * value)));
    expect(npy(folder, 'traces/deconvolved.npy')).toEqual(close(truth.S.flat().map((value) => 2 * value)));
    expect(npy(folder, 'traces/dff.npy')).toEqual(close(truth.F.flat()));
    expect(npy(folder, 'images/mean.npy')).toEqual(close(truth.mean.flat()));
    expect(npy(folder, 'motion.npy')).toEqual(close(truth.down.flatMap((down, t) => [-down, -(truth.right[t] ?? 0)])));
    const cells = await library.runs.cells(run.uuid);
    // Component 1 is the accepted one that the mark stands for; of component 0 the server has lost it.
    expect(cells.map(({ suggested }) => suggested)).toEqual([false, true, false]);
    // Release 0.3 has a Curation by hand: of the first mask the mark is lost.
    expect(cells.map(({ label }) => label)).toEqual(
      release === '0.3' ? ['undecided', 'accepted', 'rejected'] : ['undecided', 'undecided', 'undecided'],
    );
    expect(cells[0]?.reasons).toEqual(['not judged by caiman']);
    if (release === '0.3') expect(npy(folder, 'time.npy').slice(0, 3)).toEqual([-0.025, 0.025, 0.075]);
    else expect(done.runs[0]?.findings.join(' ')).toContain('frame numbers');

    // A second time everything is here.
    const again = await bring(prefix);
    expect(again).toMatchObject({ runs: [], runsHere: 1 });
    expect(again.tables.filter(({ inserted }) => inserted > 0)).toEqual([]);
    expect(nothing(library)).toEqual([]);
  });
}

test('tables of the releases before and after 0.3 come in under their own names', async (context) => {
  const { python, port } = prepared(context);
  makeLab(python, port, 'names_', '0.3');
  const lab = await createConnection({ host: '127.0.0.1', port, user: 'lab', password: 'secret' });
  onTestFinished(() => lab.end());
  const rename = async (from: string, to: string): Promise<void> => {
    const [tables] = await lab.query<RowDataPacket[]>(
      "select table_name as tab from information_schema.columns where table_schema = 'names_miniscope' and column_name = ?",
      [from],
    );
    for (const { tab } of tables)
      await lab.query(`alter table names_miniscope.\`${String(tab)}\` rename column ${from} to ${to}`);
  };
  const came = async (): Promise<readonly [string, number, readonly boolean[], readonly number[]]> => {
    const { library, import: bring } = await importer(port);
    const { generation } = await bring('names_');
    const [run] = await library.runs.list();
    const uuid = run?.uuid ?? '';
    const cells = await library.runs.cells(uuid);
    const [first = Number.NaN] = npy(library.runFolder(uuid), 'time.npy');
    const { indices } = await readSparseRows(path.join(library.runFolder(uuid), 'footprints.npz'));
    return [generation, first, cells.map(({ suggested }) => suggested), Array.from(indices, Number).slice(0, 3)];
  };
  const expected = [-0.025, [false, true, false], [5 * 40 + 30, 6 * 40 + 31, 7 * 40 + 33]] as const;
  await rename('paramset_id', 'paramset_idx');
  expect(await came()).toEqual(['0.4', ...expected]);
  await rename('paramset_idx', 'paramset_id');
  await rename('mask', 'mask_id');
  await rename('acq_software', 'acquisition_software');
  expect(await came()).toEqual(['0.1', ...expected]);
});

test('a published run comes back equal, and a session that is here stays that session', async (context) => {
  const { python, port } = prepared(context);
  execFileSync(python, [declareFile, String(port), 'back_', '0.5'], { stdio: 'pipe' });
  const run = await finishedRunOnDisk();
  const reader = createReader(run.library.folders.database);
  onTestFinished(() => reader[Symbol.asyncDispose]());
  const parts = {
    library: run.library,
    reader,
    editor: { collect: () => Promise.reject(new Error('there are no edits')) },
    progresses: new Progresses(),
    roots: [],
    probeFilm,
  };
  const ours = createDatajointHandlers(parts);
  const address = { url: `mysql://lab@127.0.0.1:${port}`, password: 'secret', prefix: 'back_', dryRun: false };
  const values = { 'Subject.subject_birth_date': '2026-01-02', 'Subject.sex': 'F' };
  await ours.publish({ ...address, target: run.runUuid, orientation: 'corrected', values }, localCall);

  const other = await importer(port);
  await other.import('back_');
  const [came] = await other.library.runs.list();
  if (came === undefined) throw new Error('no run came');
  const folder = other.library.runFolder(came.uuid);
  for (const name of ['traces/raw.npy', 'traces/dff.npy', 'traces/deconvolved.npy', 'images/mean.npy', 'motion.npy'])
    expect(npy(folder, name), name).toEqual(close(npy(run.folder, name)));
  const [mine, theirs] = await Promise.all([
    readSparseRows(path.join(run.folder, 'footprints.npz')),
    readSparseRows(path.join(folder, 'footprints.npz')),
  ]);
  expect(Array.from(theirs.indices, Number)).toEqual(Array.from(mine.indices, Number));
  expect(Array.from(theirs.data, Number)).toEqual(Array.from(mine.data, Number));
  const cells = await other.library.runs.cells(came.uuid);
  expect(cells.map(({ suggested }) => suggested)).toEqual([true, false, false]);
  // What a person decided stays a person's decision, of a rater and of its time.
  expect(cells.map(({ label }) => label)).toEqual(['accepted', 'undecided', 'undecided']);
  const { raters, curations } = await other.library.travel.judgements(came.uuid);
  expect(raters).toMatchObject([{ initials: 'DJ', name: 'unnamed curator (DataJoint)' }]);
  expect(curations[0]?.log).toMatchObject([{ cellUuid: cells[0]?.uuid, from: 'undecided', to: 'accepted' }]);
  await other.import('back_');
  expect((await other.library.travel.judgements(came.uuid)).curations).toEqual(curations);

  // Into the library it came from: no second session, the result beside its own.
  await ours.import({ ...address, orientation: 'auto' }, localCall);
  expect(await run.library.sessions.list()).toHaveLength(1);
  expect((await run.library.runs.list()).map(({ sessionUuid }) => sessionUuid)).toEqual([
    run.sessionUuid,
    run.sessionUuid,
  ]);
});

test('where the session’s folder is there, it is read instead of rows: start, films and times are its own', async (context) => {
  const { python, port } = prepared(context);
  makeLab(python, port, 'files_', '0.5');
  const root = temporaryFolder();
  const folder = path.join(root, 'sub1', 'day1');
  mkdirSync(folder, { recursive: true });
  const start = {
    year: 2026,
    month: 4,
    day: 30,
    hour: 9,
    minute: 8,
    second: 7,
    msec: 6,
    msecSinceEpoch: Date.UTC(2026, 3, 30, 9, 8, 7, 6),
  };
  // The server's session_dir is the device's folder; what says when it began lies above it.
  writeFileSync(
    path.join(folder, 'metaData.json'),
    JSON.stringify({ deviceName: 'scope', deviceType: 'Miniscope_V4_BNO', frameRate: '20FPS' }),
  );
  writeFileSync(
    path.join(root, 'sub1', 'metaData.json'),
    JSON.stringify({ animalName: 'sub1', recordingStartTime: start }),
  );
  writeFileSync(path.join(folder, '0.avi'), greyAvi(60, 30, 40));
  writeFileSync(path.join(folder, '10.avi'), greyAvi(20, 30, 40));
  writeFileSync(path.join(folder, '2.avi'), greyAvi(20, 30, 40));
  const rows = Array.from({ length: 100 }, (_, i) => `${i},${50 * i - 3},0`);
  writeFileSync(path.join(folder, 'timeStamps.csv'), `Frame Number,Time Stamp (ms),Buffer Index\n${rows.join('\n')}\n`);
  // What the rows were loaded from: components 0 and 2 are accepted, cell 1 lies on row 6 and columns 31 and 32.
  const results = path.join(folder, 'caiman_3');
  mkdirSync(results);
  await ready;
  const file = new File(path.join(results, 'result.hdf5'), 'w');
  file.create_group('estimates').create_group('A');
  const at = (name: string, data: number[] | Int32Array, shape?: number[]): void =>
    void file.create_dataset({ name, data, ...(shape === undefined ? {} : { shape }) });
  at('estimates/A/data', [1, 2, 1, 1]);
  at('estimates/A/indices', Int32Array.of(0, 31 * 30 + 6, 32 * 30 + 6, 5));
  at('estimates/A/indptr', Int32Array.of(0, 1, 3, 4));
  at('estimates/A/shape', Int32Array.of(1200, 3));
  at(
    'estimates/C',
    Array.from({ length: 300 }, (_, i) => i),
    [3, 100],
  );
  at('estimates/idx_components', Int32Array.of(0, 2));
  at('estimates/idx_components_bad', Int32Array.of(1));
  at('dims', Int32Array.of(30, 40));
  file.close();
  const { library, import: bring } = await importer(port);
  const { runs } = await bring('files_', { root });
  expect(runs[0]?.findings.join(' ')).toContain('Repaired from result.hdf5');
  const [session] = await library.sessions.list();
  const recording = await library.sessions.recording(session?.recordings[0]?.uuid ?? '');
  expect(recording.files.map(({ path: file }) => path.basename(file))).toEqual(['0.avi', '2.avi', '10.avi']);
  expect(session?.startedAt).toBe('2026-04-30T09:08:07.006Z');
  const [run] = await library.runs.list();
  const made = library.runFolder(run?.uuid ?? '');
  expect(npy(made, 'time.npy').slice(0, 3)).toEqual([-0.003, 0.047, 0.097]);
  const { indptr, indices } = await readSparseRows(path.join(made, 'footprints.npz'));
  expect(Array.from(indices.subarray(Number(indptr[1]), Number(indptr[2])), Number)).toEqual([
    6 * 40 + 31,
    6 * 40 + 32,
  ]);
  expect((await library.runs.cells(run?.uuid ?? '')).map(({ suggested }) => suggested)).toEqual([true, false, true]);
});

test('a server that drops in the middle leaves nothing half-imported, and so does a cancelled import', async (context) => {
  const { python, port } = prepared(context);
  makeLab(python, port, 'drop_', '0.5');
  // The server's answers stop after so many bytes: in the schema, in the tables, in the arrays.
  for (const bytes of [3000, 30_000, 60_000]) {
    const sockets: Socket[] = [];
    const proxy = createServer((client) => {
      const upstream = connect(port, '127.0.0.1');
      let left = bytes;
      sockets.push(client, upstream);
      client.on('error', () => undefined);
      upstream.on('error', () => undefined);
      client.pipe(upstream);
      upstream.on('data', (chunk) => {
        left -= chunk.length;
        if (left > 0) client.write(chunk);
        else client.destroy();
      });
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const { library, import: bring } = await importer((proxy.address() as AddressInfo).port);
    await expect(bring('drop_')).rejects.toMatchObject({ code: 'datajoint.unreachable', retryable: true });
    expect(await library.sessions.list()).toEqual([]);
    expect(await library.runs.list()).toEqual([]);
    expect(nothing(library)).toEqual([]);
    for (const socket of sockets) socket.destroy();
    proxy.close();
  }
  const { library, import: bring, cancelled } = await importer(port);
  await expect(cancelled('drop_')).rejects.toThrow();
  expect(await library.runs.list()).toEqual([]);
  await expect(bring('nobody_')).rejects.toMatchObject({ code: 'datajoint.wrong_schema' });
  await expect(bring('drop_', { password: 'wrong' })).rejects.toMatchObject({ code: 'datajoint.refused' });
  expect(nothing(library)).toEqual([]);
});
