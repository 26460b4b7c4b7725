// SPDX-License-Identifier: MIT
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { readerOf } from '../../main/interop/results/readers/index.ts';
import { valuesOf } from '../support/foreign-result.ts';
import { askPython, judgePython, pythonOf, type JudgePython } from '../support/python.ts';
import { temporaryFolder } from '../support/session-folders.ts';

let judge: JudgePython;
beforeAll(() => {
  judge = judgePython();
});

/** Two cells on 3 rows × 5 columns, by pynwb: cell 0 at row 1, column 4, cell 1 at row 2, columns 0 and 1. */
const script = String.raw`
import json, sys
from datetime import datetime, timezone
import numpy as np
from pynwb import NWBFile, NWBHDF5IO
from pynwb.ophys import DfOverF, Fluorescence, ImageSegmentation, OpticalChannel
folder = sys.argv[1]
for kind in ["image", "pixel"]:
    nwb = NWBFile("d", "i", datetime(2026, 5, 1, tzinfo=timezone.utc))
    device = nwb.create_device("scope")
    plane = nwb.create_imaging_plane(name="plane", optical_channel=OpticalChannel(name="c", description="c", emission_lambda=520.0), description="d", device=device,
                                     excitation_lambda=470.0, indicator="GCaMP", location="CA1", imaging_rate=20.0)
    module = nwb.create_processing_module("ophys", "d")
    segmentation = ImageSegmentation()
    module.add(segmentation)
    table = segmentation.create_plane_segmentation("cells", plane, name="PlaneSegmentation")
    for pixels in [[(4, 1, 2.0)], [(0, 2, 1.0), (1, 2, 0.5)]]:
        if kind == "pixel":
            table.add_roi(pixel_mask=pixels)
        else:
            mask = np.zeros((5, 3))
            for x, y, weight in pixels:
                mask[x, y] = weight
            table.add_roi(image_mask=mask)
    table.add_column("Accepted", "d", data=[1, 0])
    table.add_column("Rejected", "d", data=[0, 1])
    region = table.create_roi_table_region("all", region=[0, 1])
    data = np.array([[0, 10], [1, 11], [2, 12], [3, 13]], dtype="f4")
    raw = Fluorescence()
    module.add(raw)
    raw.create_roi_response_series(name="RoiResponseSeries", data=data, rois=region, unit="n.a.", timestamps=[0.0, 0.05, 0.1, 0.5])
    dff = DfOverF()
    module.add(dff)
    dff.create_roi_response_series(name="RoiResponseSeries", data=data / 2, rois=region, unit="n.a.", rate=20.0)
    with NWBHDF5IO(folder + "/" + kind + ".nwb", "w") as io:
        io.write(nwb)
print(json.dumps("written"))
`;

test('cells and traces that pynwb wrote are read: pixels, traces, times, what is accepted', async (context) => {
  using root = temporaryFolder();
  expect(askPython(pythonOf(judge, context), script, root.path)).toBe('written');
  for (const kind of ['image', 'pixel']) {
    const place = path.join(root.path, `${kind}.nwb`);
    const reader = await readerOf(place);
    expect(reader?.program).toBe('nwb');
    // Pixel masks alone do not say how large the field is: the recording does.
    const result = await reader?.read(place, kind === 'pixel' ? { height: 3, width: 5, frames: 4, fps: 20 } : null);
    expect(result).toMatchObject({ height: 3, width: 5, frames: 4, accepted: [true, false] });
    expect(result?.footprints.map(({ pixels, values }) => [[...pixels], [...values]])).toEqual([
      [[9], [2]],
      [
        [10, 11],
        [1, 0.5],
      ],
    ]);
    expect(await valuesOf(result, 'raw')).toEqual([0, 1, 2, 3, 10, 11, 12, 13]);
    expect(await valuesOf(result, 'dff')).toEqual([0, 0.5, 1, 1.5, 5, 5.5, 6, 6.5]);
    expect(result?.fps).toBeCloseTo(20, 6);
  }
});
