// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { calyx, engineMissing } from '../support/cli.ts';
import { declareFile, labInTest } from '../support/datajoint-lab.ts';
import { temporaryFolder } from '../support/library.ts';
import { askPython, judgePython, pythonOf, type JudgePython } from '../support/python.ts';

/** A session from the lens to the archive and the lab's server, by the command line alone: what others read at the end are the numbers of the run. */

let nwbJudge: JudgePython;
beforeAll(() => {
  nwbJudge = judgePython();
});
const lab = labInTest();

const nwbScript = String.raw`
import json, os, sys
import numpy as np
from scipy.sparse import load_npz
from pynwb import NWBHDF5IO, validate
from nwbinspector import inspect_nwbfile, load_config
from roiextractors import NwbSegmentationExtractor
file, folder = sys.argv[1:3]
load = lambda name: np.load(os.path.join(folder, name))
footprints = load_npz(os.path.join(folder, "footprints.npz")).tocsr()
run = json.load(open(os.path.join(folder, "run.json")))
out = {"errors": [str(e) for e in validate(path=file)],
       "worst": [m.check_function_name for m in inspect_nwbfile(nwbfile_path=file, config=load_config("dandi")) if m.importance.name != "BEST_PRACTICE_SUGGESTION"]}
with NWBHDF5IO(file, "r") as io:
    nwb = io.read()
    ophys = nwb.processing["ophys"]
    table = ophys["ImageSegmentation"]["PlaneSegmentation"]
    def mask(k):
        image = np.zeros((run["height"], run["width"]), np.float32)
        for x, y, weight in table["pixel_mask"][k]:
            image[y, x] = weight
        return image.ravel()
    out["masks"] = all(np.array_equal(mask(k), footprints[k].toarray().ravel()) for k in range(footprints.shape[0]))
    series = {"raw": ophys["Fluorescence"]["RoiResponseSeries"], "denoised": ophys["Fluorescence"]["Denoised"],
              "deconvolved": ophys["Fluorescence"]["Deconvolved"], "dff": ophys["DfOverF"]["RoiResponseSeries"]}
    out["traces"] = all(np.array_equal(one.data[:], load(f"traces/{kind}.npy").T, equal_nan=True) for kind, one in series.items())
    one = series["raw"]
    times = one.timestamps[:] if one.timestamps is not None else one.starting_time + np.arange(one.data.shape[0]) / one.rate
    out["times"] = bool(np.allclose(times, load("time.npy"), atol=1e-6))
    out["motion"] = bool(np.array_equal(ophys["xy_translation"].data[:], -load("motion.npy")[:, ::-1]))
    out["decisions"] = [str(d) for d in table["decision"][:]]
    out["accepted"] = [int(a) for a in table["Accepted"][:]]
    out["suggested"] = [int(a) for a in table["suggested"][:]]
    film = nwb.acquisition["OnePhotonSeries"]
    out["film"] = [os.path.exists(os.path.join(os.path.dirname(file), name)) for name in film.external_file[:]]
    out["events"] = bool(np.array_equal(np.sort(nwb.events["CalciumEvents"]["onset_frame"][:]), np.sort(np.load(os.path.join(folder, "events.npz"))["onset"]))) if nwb.events and "CalciumEvents" in nwb.events else len(np.load(os.path.join(folder, "events.npz"))["onset"]) == 0
    out["subject"] = nwb.subject.subject_id
extractor = NwbSegmentationExtractor(file)
out["extractor"] = [extractor.get_num_rois() == footprints.shape[0], bool(np.array_equal(extractor.get_roi_image_masks()[..., 0].ravel(), footprints[0].toarray().ravel())),
                    bool(np.array_equal(extractor.get_traces(name="raw"), load("traces/raw.npy").T, equal_nan=True))]
print(json.dumps(out))
`;

const datajointScript = String.raw`
import json, os, sys
folder, prefix, port = sys.argv[1:4]
sys.argv = ["declare", port, prefix, "0.3"]
exec(open("DECLARE").read())
import numpy as np
load = lambda name: np.load(os.path.join(folder, name))
sparse = load("footprints.npz")
run = json.load(open(os.path.join(folder, "run.json")))
raw, dff, activity, motion = load("traces/raw.npy"), load("traces/dff.npy"), load("traces/deconvolved.npy"), load("motion.npy")
masks = miniscope.Segmentation.Mask.fetch(as_dict=True)
def footprint(row):
    image = np.zeros(run["height"] * run["width"], np.float32)
    part = slice(sparse["indptr"][row], sparse["indptr"][row + 1])
    image[sparse["indices"][part]] = sparse["data"][part]
    return image
def pixels(mask):
    image = np.zeros((run["height"], run["width"]), np.float32)
    image[mask["mask_ypix"], mask["mask_xpix"]] = mask["mask_weights"]
    return image.ravel()
rigid = miniscope.MotionCorrection.RigidMotionCorrection.fetch1()
fluorescence = {r["mask"]: r["fluorescence"] for r in miniscope.Fluorescence.Trace.fetch(as_dict=True)}
traces = miniscope.Activity.Trace.fetch(as_dict=True)
print(json.dumps({
    "masks": len(masks) == len(raw) and all(np.array_equal(pixels(m), footprint(int(m["mask"]) - 1)) for m in masks),
    "raw": len(fluorescence) == len(raw) and all(np.array_equal(f, raw[m - 1], equal_nan=True) for m, f in fluorescence.items()),
    "activity": len(traces) == 2 * len(raw) and all(np.array_equal(t["activity_trace"], (dff if "dff" in t["extraction_method"] else activity)[t["mask"] - 1], equal_nan=True) for t in traces),
    "motion": bool(np.allclose(rigid["y_shifts"], -motion[:, 0]) and np.allclose(rigid["x_shifts"], -motion[:, 1])),
    "soma": {method: sorted(int(m) for m in (miniscope.MaskClassification.MaskType & "mask_type = 'soma'" & {"mask_classification_method": method}).fetch("mask")) for method in ("calyx_rules", "calyx_curation")},
    "frames": int(miniscope.RecordingInfo.fetch1("nframes")) == run["frames"],
    "subject": subject.Subject.fetch1("subject"),
}))
`;

test('a session recorded with the simulator, processed and curated, is read back by pynwb and by datajoint with equal numbers', async (context) => {
  const python = pythonOf(nwbJudge, context);
  const { python: datajoint, port } = lab(context);
  const missing = engineMissing();
  if (missing !== undefined) context.skip(missing);
  const root = temporaryFolder('calyx-journey-');
  const library = path.join(root, 'library');
  const said = async <T>(...args: readonly string[]): Promise<T> => {
    const end = await calyx([...args, '--json'], { env: { CALYX_DATAJOINT_PASSWORD: 'secret' } });
    expect(end.code, `${args.join(' ')}\n${end.err}`).toBe(0);
    return JSON.parse(end.out) as T;
  };
  const rig = path.join(root, 'rig.json');
  writeFileSync(
    rig,
    JSON.stringify({
      directoryStructure: ['animalName', 'date', 'time'],
      animalName: 'm1',
      researcherName: 'Doe, Jane',
      calyx: { simulator: true },
      devices: {
        miniscopes: {
          Miniscope: { deviceType: 'Miniscope_V4_BNO', compression: 'FFV1', frameRate: '20FPS', led0: 30 },
        },
        cameras: {},
      },
    }),
  );
  // A computer that is busy with other tests loses frames of the simulated scope: then it is recorded again, for longer.
  let run = { uuid: '', cells: 0 };
  for (const seconds of ['12', '30', '60']) {
    const flags = ['--scene', 'tiny', '--seed', '5', '--seconds', seconds, '--data', path.join(root, `data${seconds}`)];
    const { folder } = await said<{ folder: string }>('record', '--rig', rig, ...flags);
    ({ run } = await said<{ run: { uuid: string; cells: number } }>('process', folder, '--library', library));
    if (run.cells > 3) break;
  }
  expect(run.cells).toBeGreaterThan(3);
  await said('curate', run.uuid, '--rater', 'JD', '--accept', '1', '--reject', '2', '--freeze', '--library', library);

  const nwb = await said<{ path: string }>(
    'export',
    run.uuid,
    '--format',
    'nwb',
    '--out',
    path.join(root, 'dandi'),
    '--films',
    'copy',
    '--set',
    'subject.sex=F',
    '--set',
    'subject.species=Mus musculus',
    '--set',
    'subject.age=P90D',
    '--library',
    library,
  );
  expect(path.relative(path.join(root, 'dandi'), nwb.path)).toMatch(
    /^sub-m1\/sub-m1_ses-\d{8}T\d{6}_(behavior\+)?ophys\.nwb$/,
  );
  const runFolder = path.join(library, 'runs', run.uuid);
  const read = askPython(python, nwbScript, nwb.path, runFolder) as {
    readonly decisions: readonly string[];
    readonly accepted: readonly number[];
    readonly suggested: readonly number[];
  };
  expect(read).toMatchObject({
    errors: [],
    worst: [],
    masks: true,
    traces: true,
    times: true,
    motion: true,
    film: [true],
    events: true,
    subject: 'm1',
    extractor: [true, true, true],
  });
  expect(read.decisions.slice(0, 3)).toEqual(['accepted', 'rejected', 'undecided']);
  expect(read.accepted.slice(0, 2)).toEqual([1, 0]);

  execFileSync(datajoint, [declareFile, String(port), 'lab_', '0.3'], { stdio: 'pipe' });
  const published = await said<{ isPublished: boolean }>(
    'publish',
    'datajoint',
    run.uuid,
    '--url',
    `mysql://lab@127.0.0.1:${port}`,
    '--prefix',
    'lab_',
    '--set',
    'Subject.subject_birth_date=2026-01-02',
    '--set',
    'Subject.sex=F',
    '--set',
    'RecordingInfo.led_power=12.5',
    '--library',
    library,
  );
  expect(published.isPublished).toBe(true);
  const fetched = askPython(
    datajoint,
    datajointScript.replace('DECLARE', declareFile),
    runFolder,
    'lab_',
    String(port),
  );
  expect(fetched).toEqual({
    masks: true,
    raw: true,
    activity: true,
    motion: true,
    // What the engine suggests, and what the person decided.
    soma: {
      calyx_rules: read.suggested.flatMap((suggested, row) => (suggested === 1 ? [row + 1] : [])),
      calyx_curation: [1],
    },
    frames: true,
    subject: 'm1',
  });
});
