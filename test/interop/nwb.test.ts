// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { finishedRunOnDisk, ingestBehaviour, localCall } from '../support/finished-run.ts';
import { askPython, judgePython, pythonOf, type JudgePython } from '../support/python.ts';

let judge: JudgePython;
beforeAll(() => {
  judge = judgePython();
});

const script = String.raw`
import json, os, sys
import numpy as np
from pynwb import NWBHDF5IO, validate
from nwbinspector import inspect_nwbfile, load_config
from roiextractors import NwbSegmentationExtractor
file, folder = sys.argv[1:3]
load = lambda name: np.load(os.path.join(folder, name))
out = {"errors": [str(e) for e in validate(path=file)],
       "findings": [[m.importance.name, m.check_function_name] for m in inspect_nwbfile(nwbfile_path=file, config=load_config("dandi"))]}
with NWBHDF5IO(file, "r") as io:
    nwb = io.read()
    ophys = nwb.processing["ophys"]
    series = {"raw": ophys["Fluorescence"]["RoiResponseSeries"], "denoised": ophys["Fluorescence"]["Denoised"],
              "deconvolved": ophys["Fluorescence"]["Deconvolved"], "dff": ophys["DfOverF"]["RoiResponseSeries"]}
    out["traces"] = {kind: bool(np.array_equal(one.data[:], load(f"traces/{kind}.npy").T, equal_nan=True)) for kind, one in series.items()}
    out["rois"] = [len(one.rois) for one in series.values()]
    table = ophys["ImageSegmentation"]["PlaneSegmentation"]
    out["pixels"] = [[list(map(float, pixel)) for pixel in table["pixel_mask"][k]] for k in range(len(table))]
    mask = table["image_mask"][0]
    out["imageMask"] = [list(mask.shape), float(mask[31, 5]), float(mask[5, 31] if mask.shape[1] > 31 else 0)]
    out["columns"] = {name: np.asarray(table[name][:]).tolist() for name in ["id", "Accepted", "Rejected", "suggested", "decision", "snr"]}
    time = load("time.npy")
    times = series["dff"].timestamps[:]
    known = ~np.isnan(time)
    out["times"] = [bool(np.array_equal(times[known], time[known])), bool(np.isfinite(times).all()), bool((np.diff(times) > 0).all())]
    out["image"] = bool(np.array_equal(ophys["SegmentationImages"]["mean"].data[:], load("images/mean.npy").T))
    out["motion"] = bool(np.array_equal(ophys["xy_translation"].data[:], -load("motion.npy")[:, ::-1]))
    film = nwb.acquisition["OnePhotonSeries"]
    out["films"] = [[os.path.isabs(name), os.path.exists(os.path.join(os.path.dirname(file), name))] for name in film.external_file[:]]
    out["starts"] = film.starting_frame[:].tolist()
    out["dimension"] = film.dimension[:].tolist()
    out["comments"] = film.comments
    table = nwb.intervals["trials"] if nwb.intervals and "trials" in nwb.intervals else None
    if table is not None:
        out["trials"] = {name: np.asarray(table[name][:]).tolist() for name in ["start_time", "stop_time", "trial_type", "lumen", "block_type"]}
    events = nwb.events
    out["eventTables"] = sorted(events.keys())
    pulses = events["TTL_input_2"]
    out["pulses"] = [np.asarray(pulses["timestamp"][:]).round(6).tolist(), np.asarray(pulses["duration"][:]).round(6).tolist()]
    calcium = events["CalciumEvents"]
    out["calcium"] = {name: np.asarray(calcium[name].data[:]).round(4).tolist() for name in ["timestamp", "duration", "cell", "peak_frame", "amplitude_dff"]}
    out["calciumCells"] = calcium["cell"].table.name
    notes = nwb.acquisition["Notes"]
    out["notes"] = [notes.data[:].tolist(), notes.timestamps[:].tolist()]
    blocks, given = ophys["xy_translation_blocks"], load("motion_blocks.npy")
    out["blocks"] = [list(blocks.data.shape), bool(np.array_equal(blocks.data[..., 0], -given[:, 1])), bool(np.array_equal(blocks.data[..., 1], -given[:, 0])), "6, 20, 33" in blocks.description]
    out["orientation"] = list(nwb.processing["behavior"]["HeadOrientation"].data.shape)
    out["about"] = [nwb.subject.subject_id, nwb.session_start_time.isoformat(), list(nwb.experimenter), nwb.notes, nwb.subject.sex, nwb.subject.species]
extractor = NwbSegmentationExtractor(file)
out["extractor"] = [extractor.get_num_rois(), list(extractor.get_frame_shape()), float(extractor.get_roi_image_masks([0])[5, 31, 0]),
                    bool(np.array_equal(extractor.get_traces(name="dff"), load("traces/dff.npy").T, equal_nan=True))]
print(json.dumps(out))
`;

test('an NWB file is valid for pynwb, without a critical finding or violation of nwbinspector, and holds the run’s numbers', async (context) => {
  const python = pythonOf(judge, context);
  const run = await finishedRunOnDisk('subject1');
  await ingestBehaviour(run, '2026-05-01 11:00:00');
  const result = await run.interop.export(
    {
      target: run.sessionUuid,
      format: 'nwb',
      destination: path.join(run.folder, '..', '..', 'out'),
      metadata: { subject: { sex: 'F', species: 'Mus musculus', age: 'P90D' } },
    },
    localCall,
  );
  expect(path.basename(result.path)).toBe('sub-subject1_ses-20260501T110000_behavior+ophys.nwb');
  const said = askPython(python, script, result.path, run.folder) as Record<string, unknown>;
  expect(said['errors']).toEqual([]);
  const findings = said['findings'] as readonly (readonly [string, string])[];
  expect(findings.filter(([importance]) => importance !== 'BEST_PRACTICE_SUGGESTION')).toEqual([]);
  expect(said).toMatchObject({
    traces: { raw: true, denoised: true, deconvolved: true, dff: true },
    rois: [3, 3, 3, 3],
    // Cell 0 lies on rows 5 to 7 and columns 30 to 33, in a frame wider than high.
    pixels: [
      [
        [30, 5, 0.25],
        [31, 5, 1],
        [33, 7, 0.5],
      ],
      [],
      [[39, 29, 1]],
    ],
    imageMask: [[40, 30], 1, 0],
    columns: {
      id: [0, 1, 2],
      Accepted: [1, 1, 0],
      Rejected: [0, 0, 1],
      suggested: [1, 1, 0],
      decision: ['accepted', 'undecided', 'undecided'],
      snr: [3.5, 4.5, 5.5],
    },
    times: [true, true, true],
    image: true,
    motion: true,
    films: [
      [false, true],
      [false, true],
    ],
    starts: [0, 1000],
    dimension: [40, 30],
    trials: {
      start_time: [0.193, 2],
      stop_time: [1.057, 14],
      trial_type: ['stim', 'stim'],
      lumen: ['646', '700'],
      block_type: ['light', 'light'],
    },
    eventTables: ['CalciumEvents', 'TTL_input_2', 'behavior_center', 'behavior_right'],
    // Frame 110 was not read: two pulses. The last goes on to the end, where times are counted out by the rate.
    pulses: [
      [4.95, 5.5, expect.closeTo(81.45, 3)],
      [0.5, 0.45, expect.any(Number)],
    ],
    calcium: {
      timestamp: [0.95, 1.95],
      duration: [0.5, 1],
      cell: [2, 0],
      peak_frame: [25, 44],
      amplitude_dff: [0.7, 1.2],
    },
    calciumCells: 'PlaneSegmentation',
    notes: [['mouse turned around'], [1.2]],
    blocks: [[1500, 2, 3, 2], true, true, true],
    orientation: [50, 4],
    about: [
      'subject1',
      '2026-05-01T11:00:00+02:00',
      ['Doe, Jane'],
      expect.stringContaining('mouse turned around'),
      'F',
      'Mus musculus',
    ],
    extractor: [3, [30, 40], 1, true],
  });
  expect(said['comments']).toContain('"frameRate":"20FPS"');
});

test('what is not known is told before and filled with what is true: still no critical finding', async (context) => {
  const python = pythonOf(judge, context);
  const run = await finishedRunOnDisk();
  const { findings } = await run.interop.check({ target: run.runUuid }, localCall);
  const critical = findings.filter(({ importance }) => importance === 'CRITICAL').map(({ check }) => check);
  expect(critical).toEqual(['check_subject_species_exists', 'check_subject_sex', 'check_subject_age']);
  const destination = path.join(run.folder, '..', '..', 'bare.nwb');
  const result = await run.interop.export(
    { target: run.runUuid, format: 'nwb', destination, films: 'copy' },
    localCall,
  );
  expect(result.files).toHaveLength(2);
  for (const file of result.files) expect(existsSync(path.join(path.dirname(destination), file))).toBe(true);
  const said = askPython(python, script, destination, run.folder) as Record<string, unknown>;
  expect(said['errors']).toEqual([]);
  const worst = (said['findings'] as readonly (readonly [string, string])[]).filter(
    ([importance]) => importance !== 'BEST_PRACTICE_SUGGESTION',
  );
  expect(worst).toEqual([]);
  expect(said['films']).toEqual([
    [false, true],
    [false, true],
  ]);
});

const scriptOfTwo = String.raw`
import json, os, sys
import numpy as np
from pynwb import NWBHDF5IO, validate
from nwbinspector import inspect_nwbfile, load_config
file = sys.argv[1]
out = {"errors": [str(e) for e in validate(path=file)],
       "findings": [[m.importance.name, m.check_function_name] for m in inspect_nwbfile(nwbfile_path=file, config=load_config("dandi"))]}
with NWBHDF5IO(file, "r") as io:
    nwb = io.read()
    films = [nwb.acquisition[name] for name in ["OnePhotonSeries1", "OnePhotonSeries2"]]
    out["devices"] = [[one.device.name, one.device.model.name] for one in films]
    out["films"] = [[os.path.exists(os.path.join(os.path.dirname(file), name)) for name in one.external_file[:]] for one in films]
    out["starts"] = [one.starting_frame[:].tolist() for one in films]
    out["lengths"] = [len(one.timestamps) for one in films]
    times = nwb.processing["ophys"]["Fluorescence"]["RoiResponseSeries"].timestamps[:]
    # What the run used of each film has the times of the traces.
    out["same"] = [bool(np.allclose(films[0].timestamps[:900], times[:900])), bool(np.allclose(films[1].timestamps[100:], times[900:]))]
    out["ascending"] = bool((np.diff(times) > 0).all())
    out["gap"] = round(float(times[900] - 3600), 3)
    epochs = nwb.epochs.to_dataframe()
    out["epochs"] = [epochs["start_time"].round(3).tolist(), epochs["stop_time"].round(3).tolist()]
    out["orientation"] = [round(float(nwb.processing["behavior"][f"HeadOrientation{n}"].timestamps[0]), 3) for n in [1, 2]]
    out["pulses"] = np.asarray(nwb.events["TTL_input_2"]["timestamp"][:]).round(3).tolist()
    notes = nwb.acquisition["Notes"]
    out["notes"] = [notes.data[:].tolist(), notes.timestamps[:].tolist()]
    out["about"] = [nwb.session_start_time.isoformat(), list(nwb.experimenter)]
print(json.dumps(out))
`;

test('a run over two recordings is one valid file with both on its time axis', async (context) => {
  const python = pythonOf(judge, context);
  const run = await finishedRunOnDisk('subject1', { two: true });
  const destination = path.join(run.folder, '..', '..', 'two.nwb');
  const metadata = { subject: { sex: 'F', species: 'Mus musculus', age: 'P90D' } } as const;
  await run.interop.export({ target: run.runUuid, format: 'nwb', destination, metadata }, localCall);
  const said = askPython(python, scriptOfTwo, destination) as Record<string, unknown>;
  expect(said['errors']).toEqual([]);
  const findings = said['findings'] as readonly (readonly [string, string])[];
  expect(findings.filter(([importance]) => importance !== 'BEST_PRACTICE_SUGGESTION')).toEqual([]);
  expect(said).toMatchObject({
    devices: [
      ['Miniscope', 'Miniscope_V4_BNO'],
      ['Scope_2', 'Miniscope_V4_BNO'],
    ],
    films: [
      [true, true],
      [true, true],
    ],
    starts: [
      [0, 1000],
      [0, 400],
    ],
    lengths: [1500, 700],
    same: [true, true],
    ascending: true,
    gap: 5.002,
    epochs: [
      [0, 3605.002],
      [44.953, 3634.956],
    ],
    orientation: [-0.025, 3600],
    pulses: [5.002, 5.556, 3606.001],
    notes: [
      ['mouse turned around', 'second round'],
      [1.2, 3602.5],
    ],
    about: ['2026-05-01T11:00:00+02:00', ['Doe, Jane', 'Roe, Kim']],
  });
});
