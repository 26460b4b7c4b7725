// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { expect, onTestFinished, test } from 'vitest';
import { createDatajointHandlers, Progresses } from '../../main/interop/index.ts';
import { createReader } from '../../main/library/index.ts';
import { declareFile, labInTest } from '../support/datajoint-lab.ts';
import { finishedRunOnDisk, localCall, type FinishedRun } from '../support/finished-run.ts';
import { askPython } from '../support/python.ts';

const ready = labInTest();

function declare(python: string, port: number, prefix: string, generation: string): void {
  execFileSync(python, [declareFile, String(port), prefix, generation], { stdio: 'pipe' });
}

async function asLab(port: number): Promise<Connection> {
  const connection = await createConnection({
    host: '127.0.0.1',
    port,
    user: 'lab',
    password: 'secret',
    dateStrings: true,
  });
  onTestFinished(() => connection.end());
  return connection;
}

async function counted(connection: Connection, table: string): Promise<number> {
  const [rows] = await connection.query<RowDataPacket[]>(`select count(*) as n from ${table}`);
  return Number(rows[0]?.['n']);
}

interface Publisher {
  readonly run: FinishedRun;
  readonly publish: (
    prefix: string,
    more?: object,
  ) => Promise<Awaited<ReturnType<ReturnType<typeof createDatajointHandlers>['publish']>>>;
}

async function publisher(port: number, subject = 'm1'): Promise<Publisher> {
  const run = await finishedRunOnDisk(subject);
  const reader = createReader(run.library.folders.database);
  onTestFinished(() => reader[Symbol.asyncDispose]());
  const handlers = createDatajointHandlers({
    library: run.library,
    reader,
    editor: { collect: () => Promise.reject(new Error('there are no edits')) },
    progresses: new Progresses(),
    roots: [],
    probeFilm: () => Promise.reject(new Error('no film is looked at')),
  });
  const input = {
    target: run.runUuid,
    url: `mysql://lab@127.0.0.1:${port}`,
    password: 'secret',
    dryRun: false,
    orientation: 'corrected' as const,
  };
  const values = { 'Subject.subject_birth_date': '2026-01-02', 'Subject.sex': 'F', 'RecordingInfo.led_power': '12.5' };
  return { run, publish: (prefix, more = {}) => handlers.publish({ ...input, prefix, values, ...more }, localCall) };
}

/** What the original packages fetch: numbers of a mask, traces and shifts against the run's own files. */
const fetchScript = String.raw`
import json, os, sys
folder, prefix, port = sys.argv[1:4]
sys.argv = ["declare", port, prefix, "VERSION"]
exec(open("DECLARE").read())
import numpy as np
load = lambda name: np.load(os.path.join(folder, name))
table = (lambda name: getattr(miniscope, name)) if "VERSION" == "0.3" else (lambda name: here[name])
motion = load("motion.npy")
mask = (table("Segmentation").Mask & "mask = 1").fetch1()
rigid = table("MotionCorrection").RigidMotionCorrection.fetch1()
trace = lambda kind, condition: (table("Activity").Trace & condition).fetch1("activity_trace")
print(json.dumps({
    "masks": sorted(int(m) for m in table("Segmentation").Mask.fetch("mask")),
    "mask": [mask["mask_xpix"].tolist(), mask["mask_ypix"].tolist(), int(mask["mask_npix"]), int(mask["mask_center_x"]), int(mask["mask_center_y"])],
    "fluorescence": bool(np.array_equal((table("Fluorescence").Trace & "mask = 3").fetch1("fluorescence"), load("traces/raw.npy")[2])),
    "dff": bool(np.array_equal(trace("dff", "mask = 1 and extraction_method like '%dff'"), load("traces/dff.npy")[0])),
    "deconvolved": bool(np.array_equal(trace("deconvolved", "mask = 1 and extraction_method like '%deconvolution'"), load("traces/deconvolved.npy")[0])),
    "shifts": bool(np.allclose(rigid["y_shifts"], -motion[:, 0]) and np.allclose(rigid["x_shifts"], -motion[:, 1])),
    "std": bool(np.allclose([rigid["y_std"], rigid["x_std"]], motion.std(axis=0), atol=1e-4)),
    "image": list(table("MotionCorrection").Summary.fetch1("average_image").shape),
    "sameImage": bool(np.array_equal(table("MotionCorrection").Summary.fetch1("average_image")[0], load("images/mean.npy"))),
    "types": sorted({(int(m), t) for m, t in zip(*table("MaskClassification").MaskType.fetch("mask", "mask_type"))}),
    "params": type(table("ProcessingParamSet").fetch("params")[0]).__name__,
    "session": str(session.Session.fetch1("session_datetime")),
}))
`;

function fetched(python: string, port: number, run: FinishedRun, prefix: string, release: string): unknown {
  const script = fetchScript.replaceAll('VERSION', release).replaceAll('DECLARE', declareFile);
  return askPython(python, script, run.folder, prefix, String(port));
}

/** Shifts of blocks, against the run's own file (time × (dy, dx) × 2 × 3 blocks). */
const blocksScript = String.raw`
import json, os, sys
folder, prefix, port = sys.argv[1:4]
sys.argv = ["declare", port, prefix, "0.3"]
exec(open("DECLARE").read())
import numpy as np
given = np.load(os.path.join(folder, "motion_blocks.npy")).reshape(1500, 2, 6)
whole = miniscope.MotionCorrection.NonRigidMotionCorrection.fetch1()
blocks = miniscope.MotionCorrection.Block.fetch(as_dict=True, order_by="block_id")
ends = lambda block: [[int(block[axis][0]), int(block[axis][-1])] for axis in ("block_x", "block_y")]
print(json.dumps({
    "counts": [whole["block_count_y"], whole["block_count_x"], len(blocks)],
    "first": ends(blocks[0]), "last": ends(blocks[-1]),
    "shifts": all(np.array_equal(b["x_shifts"], -given[:, 0, b["block_id"]]) and np.array_equal(b["y_shifts"], -given[:, 1, b["block_id"]]) for b in blocks),
    "std": all(np.isclose(b["x_std"], given[:, 0, b["block_id"]].std(), atol=1e-4) for b in blocks),
}))
`;

const numbersOfTheRun = {
  masks: [1, 2, 3],
  // Cell 0: three pixels in a frame wider than high.
  mask: [[30, 31, 33], [5, 5, 7], 3, expect.any(Number), expect.any(Number)],
  fluorescence: true,
  dff: true,
  deconvolved: true,
  shifts: true,
  std: true,
  image: [1, 30, 40],
  sameImage: true,
  types: [
    [1, 'soma'],
    [2, 'soma'],
  ],
  params: 'dict',
  session: expect.stringMatching(/^2026-05-01 /),
};

test('a run is published into tables of release 0.5, and datajoint fetches its numbers', async (context) => {
  const { python, port } = ready(context);
  declare(python, port, 'new_', '0.5');
  const lab = await asLab(port);

  // What the server cannot take is a conflict, and nothing is written.
  const long = await publisher(port, 'C6-J588_Disc5');
  const refused = await long.publish('new_', { dryRun: true, values: {} });
  expect(refused.conflicts).toContain('Subject.subject takes 8 characters; “C6-J588_Disc5” has 13.');
  expect(refused.conflicts.join(' ')).toContain('Subject.subject_birth_date must have a value');
  await expect(long.publish('new_')).rejects.toMatchObject({ code: 'datajoint.conflicts' });
  expect(await counted(lab, 'new_subject.subject')).toBe(0);

  // A server that fails in the middle keeps nothing.
  const { run, publish } = await publisher(port);
  const fault = "signal sqlstate '45000' set message_text = 'the disk is full'";
  await lab.query(
    `create trigger new_miniscope.stop before insert on new_miniscope.__activity__trace for each row ${fault}`,
  );
  await expect(publish('new_')).rejects.toMatchObject({
    code: 'datajoint.unreachable',
    message: expect.stringContaining('the disk is full'),
  });
  expect(await counted(lab, 'new_session.session')).toBe(0);
  expect(await counted(lab, 'new_miniscope.__segmentation__mask')).toBe(0);
  await lab.query('drop trigger new_miniscope.stop');

  const dry = await publish('new_', { dryRun: true });
  expect(dry).toMatchObject({ generation: '0.5', conflicts: [], isPublished: false });
  expect(dry.tables).toContainEqual({ table: 'Segmentation.Mask', inserted: 3, present: 0 });
  expect(await counted(lab, 'new_session.session')).toBe(0);
  expect(await publish('new_')).toMatchObject({ isPublished: true });
  expect(fetched(python, port, run, 'new_', '0.5')).toEqual(numbersOfTheRun);

  // A second time nothing is left to insert.
  expect((await publish('new_')).tables.filter(({ inserted }) => inserted > 0)).toEqual([]);
});

test('a run is published into tables of release 0.3, exchanged as upstream has them', async (context) => {
  const { python, port } = ready(context);
  declare(python, port, 'old_', '0.3');
  const { run, publish } = await publisher(port);
  expect(await publish('old_', { orientation: 'as-upstream' })).toMatchObject({
    generation: '0.2-0.3',
    isPublished: true,
  });
  const [x, y, ...rest] = numbersOfTheRun.mask;
  expect(fetched(python, port, run, 'old_', '0.3')).toEqual({
    ...numbersOfTheRun,
    mask: [y, x, ...rest],
    shifts: false,
    std: false,
  });
  expect(askPython(python, blocksScript.replaceAll('DECLARE', declareFile), run.folder, 'old_', String(port))).toEqual({
    counts: [3, 2, 6],
    // As upstream: x is the row. Blocks meet half-way between their centres.
    first: [
      [0, 14],
      [0, 12],
    ],
    last: [
      [15, 29],
      [27, 39],
    ],
    shifts: true,
    std: true,
  });
  const lab = await asLab(port);
  const [rows] = await lab.query<RowDataPacket[]>('select recording_notes from old_miniscope.recording');
  expect(rows[0]?.['recording_notes']).toContain('x rows, y columns');
});

test('a wrong password, a server that is down and foreign tables are told apart', async (context) => {
  const { port } = ready(context);
  const { publish } = await publisher(port);
  await expect(publish('old_', { password: 'wrong' })).rejects.toMatchObject({ code: 'datajoint.refused' });
  await expect(publish('old_', { url: 'mysql://lab@127.0.0.1:1' })).rejects.toMatchObject({
    code: 'datajoint.unreachable',
    retryable: true,
  });
  await expect(publish('nobody_')).rejects.toMatchObject({
    code: 'datajoint.wrong_schema',
    hint: expect.stringContaining('never declares tables'),
  });
  await expect(publish('old_', { url: 'mysql://lab:secret@127.0.0.1' })).rejects.toMatchObject({
    code: 'usage.invalid',
  });
});
