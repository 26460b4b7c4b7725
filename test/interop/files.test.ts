// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { finishedRunOnDisk, localCall } from '../support/finished-run.ts';
import { askPython, judgePython, pythonOf, type JudgePython } from '../support/python.ts';

let judge: JudgePython;
beforeAll(() => {
  judge = judgePython();
});

const script = String.raw`
import csv, json, os, sys
import h5py, numpy as np, tifffile, roifile
from scipy.sparse import csc_matrix
from roiextractors import CaimanSegmentationExtractor
out, folder = sys.argv[1:3]
load = lambda name: np.load(os.path.join(folder, name))
same = lambda a, b: bool(np.array_equal(np.asarray(a), b, equal_nan=True))
said = {}
# CaImAn: what element-interface and CaImAn read (h5py), and roiextractors.
file = os.path.join(out, "run.hdf5")
with h5py.File(file) as f:
    A = f["estimates/A"]
    masks = csc_matrix((A["data"][:], A["indices"][:], A["indptr"][:]), shape=A["shape"][:])
    image = masks[:, 0].toarray().reshape(f["dims"][:], order="F")
    said["caiman"] = {
        "mask": [image.shape[0], image.shape[1], float(image[5, 30]), float(image[5, 31]), float(image[7, 33]), float(image.sum())],
        "traces": [same(f["estimates/C"], load("traces/denoised.npy")), same(f["estimates/S"], load("traces/deconvolved.npy")), same(f["estimates/F_dff"], load("traces/dff.npy"))],
        "raw": bool(np.allclose(f["estimates/C"][:] + f["estimates/YrA"][:], load("traces/raw.npy"), atol=1e-4, equal_nan=True)),
        "accepted": f["estimates/idx_components"][:].tolist(), "rejected": f["estimates/idx_components_bad"][:].tolist(),
        "shifts": same(f["motion_correction/shifts_rig"], -load("motion.npy")),
        "images": [f["motion_correction"][n].shape == (30, 40) for n in ["reference_image", "correlation_image", "average_image", "max_image"]],
        "cnn": f["estimates/cnn_preds"][()].decode(), "rigid": [int(f["params/motion/pw_rigid"][()]), int(f["params/motion/is3D"][()])],
    }
    columns = lambda name: f[name][:].reshape(*f["dims"][:], *f[name].shape[1:], order="F")
    y, x = np.mgrid[:30, :40]
    els = load("motion_blocks.npy")
    said["background"] = [
        same(columns("estimates/b0"), load("background/constant.npy")[y // 2, x // 2]),
        bool(np.allclose(columns("estimates/sn"), 2 * load("statistics/noise.npy")[y // 2, x // 2])),
        same(columns("estimates/b"), load("background/shares.npy")[y // 10 * 4 + x // 10]),
        same(f["estimates/f"], load("background/courses.npy")),
    ]
    said["blocks"] = [same(f["motion_correction/x_shifts_els"], -els[:, 0].reshape(1500, 6)), same(f["motion_correction/y_shifts_els"], -els[:, 1].reshape(1500, 6)),
                      f["motion_correction/coord_shifts_els"][:].tolist()]
# element-interface's loader; CaImAn itself is on no registry, what it would give is read by its own rules of saving.
import types
def restored(group):
    if "format" in group.attrs:
        return csc_matrix((group["data"][:], group["indices"][:], group["indptr"][:]), shape=group["shape"][:])
    return types.SimpleNamespace(**dict(group.attrs), **{name: restored(item) if isinstance(item, h5py.Group) else (None if item.dtype.kind == "O" and item[()] == b"NoneType" else item[()]) for name, item in group.items()})
def load_CNMF(path):
    with h5py.File(path) as f:
        cnmf = restored(f)
    cnmf.params = types.SimpleNamespace(**{name: vars(values) for name, values in vars(cnmf.params).items()})
    return cnmf
def get_contours(A, dims):
    y, x = np.unravel_index(np.arange(A.shape[0]), dims, order="F")
    centre = lambda column: np.array([(y * column).sum(), (x * column).sum()]) / max(column.sum(), 1e-9)
    return [{"neuron_id": k + 1, "CoM": centre(A[:, k].toarray().ravel())} for k in range(A.shape[1])]
caiman = types.ModuleType("caiman")
caiman.source_extraction = types.SimpleNamespace(cnmf=types.SimpleNamespace(cnmf=types.SimpleNamespace(load_CNMF=load_CNMF)))
caiman.utils = types.SimpleNamespace(visualization=types.SimpleNamespace(get_contours=get_contours))
sys.modules["caiman"] = caiman
import scipy.sparse
from element_interface.caiman_loader import CaImAn
loaded = CaImAn(out)
first = loaded.masks[0]
# Its x is the row (datamodel.md 2.12).
said["loader"] = [len(loaded.masks), first["mask_xpix"].tolist(), first["mask_ypix"].tolist(), first["mask_weights"].tolist(), same(first["inferred_trace"], load("traces/denoised.npy")[0]),
                  same(first["dff"], load("traces/dff.npy")[0]), same(first["spikes"], load("traces/deconvolved.npy")[0]), list(loaded.motion_correction["average_image"].shape),
                  loaded.cnmf.estimates.cnn_preds, loaded.cnmf.estimates.idx_components.tolist()]
e = CaimanSegmentationExtractor(file)
said["extractor"] = [e.get_num_rois(), list(e.get_frame_shape()), float(e.get_roi_image_masks([0])[5, 31, 0]), float(e.get_sampling_frequency()),
                     same(e.get_traces(name="dff"), load("traces/dff.npy").T)]
# MAT 7.3: MATLAB's header, then HDF5; axes reversed as MATLAB's are.
file = os.path.join(out, "run.mat")
head = open(file, "rb").read(128)
with h5py.File(file) as f:
    said["mat"] = [head[:19].decode(), head[126:128].decode(), f.userblock_size, same(f["traces_raw"][:].T, load("traces/raw.npy")), same(f["motion"][:].T, load("motion.npy").astype(float)),
                   float(f["footprints"][:].T[5, 31, 0]), list(f["footprints"][:].T.shape), f["accepted"][:].ravel().tolist(), f["traces_raw"].attrs["MATLAB_class"] in (b"single", "single")]
# TIFF
tiff = os.path.join(out, "tiff")
stack = tifffile.imread(os.path.join(tiff, "footprints.tif"))
said["tiff"] = [list(stack.shape), str(stack.dtype), float(stack[0, 5, 31]), float(stack[2, 29, 39]), same(tifffile.imread(os.path.join(tiff, "mean.tif")), load("images/mean.npy"))]
# ImageJ
rois = roifile.roiread(os.path.join(out, "rois.zip"))
said["rois"] = [[roi.name, roi.left, roi.top, roi.right, roi.bottom, sorted(map(list, roi.coordinates().tolist()))] for roi in rois]
# CSV
tidy = list(csv.DictReader(open(os.path.join(out, "csv", "traces.csv"))))
raw = load("traces/raw.npy")
said["tidy"] = [len(tidy), list(tidy[0]), all(np.float32(r["raw"]) == raw[2, int(r["frame"])] for r in tidy if r["cell"] == "2"), tidy[-1]["time_s"]]
cells = list(csv.DictReader(open(os.path.join(out, "csv", "cells.csv"))))
said["cells"] = [[c["cell"], c["accepted"], c["decision"], c["x"], c["y"], c["snr"]] for c in cells]
wide = list(csv.reader(open(os.path.join(out, "wide", "dff.csv"))))
said["wide"] = [wide[0], len(wide), float(wide[11][2]) == float(load("traces/dff.npy")[0, 10])]
# Films: OpenCV sees every bit of the film as it was recorded.
import cv2
y, x = np.mgrid[:30, :40]
for name in ["ffv1", "grey"]:
    video = cv2.VideoCapture(os.path.join(out, name + ".avi"))
    frames = []
    while True:
        more, picture = video.read()
        if not more:
            break
        frames.append(picture)
    said[name] = [len(frames), all(np.array_equal(p[..., c], ((990 + t) % 1000 + y + x) % 256) for t, p in enumerate(frames) for c in range(3))]
print(json.dumps(said, default=lambda value: value.item() if hasattr(value, "item") else str(value)))
`;

test('h5py, roiextractors, tifffile, roifile and csv read back what was exported', async (context) => {
  const python = pythonOf(judge, context);
  const run = await finishedRunOnDisk();
  const out = path.join(run.folder, '..', 'out');
  const write = (format: 'caiman' | 'mat' | 'tiff' | 'roizip' | 'csv', name: string, table?: 'wide') =>
    run.interop.export(
      { target: run.runUuid, format, destination: path.join(out, name), ...(table === undefined ? {} : { table }) },
      localCall,
    );
  await write('caiman', 'run.hdf5');
  await write('mat', 'run.mat');
  await write('tiff', 'tiff');
  await write('roizip', 'rois.zip');
  expect((await write('csv', 'csv')).files).toEqual(['cells.csv', 'traces.csv']);
  await write('csv', 'wide', 'wide');
  for (const codec of ['ffv1', 'grey'] as const) {
    const destination = path.join(out, `${codec}.avi`);
    const movie = { layer: 'raw', codec, firstFrame: 990, lastFrame: 1009 } as const;
    await run.interop.export({ target: run.runUuid, format: 'avi', destination, movie }, localCall);
  }
  expect(askPython(python, script, out, run.folder)).toEqual({
    ffv1: [20, true],
    grey: [20, true],
    caiman: {
      mask: [30, 40, 0.25, 1, 0.5, 1.75],
      traces: [true, true, true],
      raw: true,
      accepted: [0, 1],
      rejected: [2],
      shifts: true,
      images: [true, true, true, true],
      cnn: 'NoneType',
      rigid: [0, 0],
    },
    background: [true, true, true, true],
    // Each block's pixels: first and last row, first and last column.
    blocks: [
      true,
      true,
      [
        [0, 15, 0, 13],
        [0, 15, 13, 27],
        [0, 15, 27, 40],
        [15, 30, 0, 13],
        [15, 30, 13, 27],
        [15, 30, 27, 40],
      ],
    ],
    loader: [3, [5, 5, 7], [30, 31, 33], [0.25, 1, 0.5], true, true, true, [30, 40], null, [0, 1]],
    extractor: [3, [30, 40], 1, 20, true],
    mat: ['MATLAB 7.3 MAT-file', 'IM', 512, true, true, 1, [30, 40, 3], [1, 1, 0], true],
    tiff: [[3, 30, 40], 'float32', 1, 1, true],
    // The half-maximum areas: pixels (5, 31) and (7, 33), of which the first border counts; pixel (29, 39).
    rois: [
      [
        '0000_accepted',
        31,
        5,
        32,
        6,
        [
          [31, 5],
          [31, 6],
          [32, 5],
          [32, 6],
        ],
      ],
      [
        '0002_rejected',
        39,
        29,
        40,
        30,
        [
          [39, 29],
          [39, 30],
          [40, 29],
          [40, 30],
        ],
      ],
    ],
    tidy: [4500, ['cell', 'frame', 'time_s', 'raw', 'denoised', 'deconvolved', 'dff'], true, ''],
    cells: [
      ['0', '1', 'accepted', '30.25', '5.5', '3.5'],
      ['1', '1', 'undecided', '31.25', '6.5', '4.5'],
      ['2', '0', 'undecided', '32.25', '7.5', '5.5'],
    ],
    wide: [['frame', 'time_s', 'cell_0', 'cell_1', 'cell_2'], 1501, true],
  });
});

test('Octave loads the MAT file with the axes MATLAB has', async (context) => {
  if (spawnSync('octave', ['--version']).error !== undefined)
    context.skip('GNU Octave is not on this machine (Debian: apt-get install --no-install-recommends octave)');
  const run = await finishedRunOnDisk();
  const destination = path.join(run.folder, '..', 'run.mat');
  await run.interop.export({ target: run.runUuid, format: 'mat', destination }, localCall);
  const script = `
s = load('${destination}');
out = struct('raw', [size(s.traces_raw), double(s.traces_raw(3, 101))], 'masks', [size(s.footprints), s.footprints(6, 32, 1), s.footprints(8, 34, 1), s.footprints(30, 40, 3)]);
out.motion = [size(s.motion), s.motion(3, 1), s.motion(3, 2)];
out.accepted = s.accepted(:)';
disp(jsonencode(out));
`;
  const { status, stdout, stderr } = spawnSync('octave', ['--no-gui', '--quiet', '--norc', '--eval', script], {
    encoding: 'utf8',
  });
  expect(status, stderr).toBe(0);
  expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toEqual({
    raw: [3, 1500, expect.closeTo(run.written.traces[2]?.[100] ?? 0, 4)],
    masks: [30, 40, 3, 1, 0.5, 1],
    motion: [1500, 2, expect.closeTo(0.004, 5), -3],
    accepted: [1, 1, 0],
  });
});
