// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { bindingFile } from '../../main/installation/index.ts';
import { binding, findFfmpeg } from '../../main/media/index.ts';
import { calyx } from '../support/cli.ts';
import { temporaryFolder } from '../support/library.ts';
import { askPython, judgePython, pythonOf, type JudgePython } from '../support/python.ts';

let judge: JudgePython;
beforeAll(() => {
  judge = judgePython();
});

/** A reader of session folders that shares nothing with ours: Python's json and csv, and OpenCV. */
const script = String.raw`
import csv, hashlib, json, os, sys
import cv2
import numpy as np
folder = sys.argv[1]
out = {"meta": json.load(open(os.path.join(folder, "metaData.json"), encoding="utf-8"))}
for device in sys.argv[2:]:
    place = os.path.join(folder, device)
    meta = json.load(open(os.path.join(place, "metaData.json"), encoding="utf-8"))
    rows = list(csv.DictReader(open(os.path.join(place, "timeStamps.csv"), newline="")))
    digest, frames, grey, per_file = hashlib.sha256(), 0, True, []
    for name in sorted((n for n in os.listdir(place) if n.endswith(".avi")), key=lambda n: int(n[:-4])):
        video = cv2.VideoCapture(os.path.join(place, name))
        count = 0
        while True:
            more, picture = video.read()
            if not more:
                break
            grey = grey and np.array_equal(picture[..., 0], picture[..., 1]) and np.array_equal(picture[..., 0], picture[..., 2])
            digest.update(np.ascontiguousarray(picture[..., 0]).tobytes())
            shape = picture.shape[:2]
            count += 1
        per_file.append(count)
        frames += count
    times = [float(r["Time Stamp (ms)"]) for r in rows]
    out[device] = {"frames": frames, "files": per_file, "grey": bool(grey), "sha256": digest.hexdigest(), "shape": list(shape), "columns": list(rows[0])[:3],
                   "rows": len(rows), "numbers": [int(r["Frame Number"]) for r in rows] == list(range(len(rows))), "ascending": all(a < b for a, b in zip(times, times[1:])),
                   "type": meta["deviceType"], "compression": meta["compression"], "framesPerFile": meta["framesPerFile"]}
print(json.dumps(out))
`;

async function pixelsOf(folder: string): Promise<{ readonly frames: number; readonly sha256: string }> {
  const films = readdirSync(folder)
    .filter((name) => /^\d+\.avi$/.test(name))
    .toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
    .map((name) => path.join(folder, name));
  const native = binding();
  const { handle, frames } = await native.openRecording(films);
  const digest = createHash('sha256');
  for (let frame = 0; frame < frames; frame += 1) digest.update((await native.readFrame(handle, frame, 0, 0)).bytes);
  native.closeRecording(handle);
  return { frames, sha256: digest.digest('hex') };
}

test('OpenCV reads every film of a recorded session bit for bit, and Python its tables', async (context) => {
  const python = pythonOf(judge, context);
  if (!existsSync(bindingFile())) context.skip('the native binding is not built');
  if (findFfmpeg() === undefined) context.skip('no ffmpeg');
  const root = temporaryFolder('calyx-session-');
  const scope = { deviceType: 'Miniscope_V4_BNO', frameRate: '10FPS', led0: 20, framesPerFile: 10 };
  const rig = path.join(root, 'rig.json');
  const configuration = {
    directoryStructure: ['animalName', 'date', 'time'],
    animalName: 'm1',
    researcherName: 'Doe, Jane',
    calyx: { simulator: true },
    devices: {
      miniscopes: { Left: { ...scope, compression: 'FFV1' }, Right: { ...scope, compression: 'GREY' } },
      cameras: {},
    },
  };
  writeFileSync(rig, JSON.stringify(configuration));
  const end = await calyx([
    'record',
    '--rig',
    rig,
    '--scene',
    'tiny',
    '--seconds',
    '4',
    '--data',
    path.join(root, 'data'),
    '--json',
  ]);
  expect(end.code, end.err).toBe(0);
  const { folder } = JSON.parse(end.out) as { folder: string };
  const said = askPython(python, script, folder, 'Left', 'Right') as Record<string, object>;
  expect(said['meta']).toMatchObject({
    animalName: 'm1',
    researcherName: 'Doe, Jane',
    recordingStartTime: { year: expect.any(Number), msecSinceEpoch: expect.any(Number) },
    miniscopes: ['Left', 'Right'],
  });
  for (const [device, compression] of [
    ['Left', 'FFV1'],
    ['Right', 'GREY'],
  ] as const) {
    const { frames, sha256 } = await pixelsOf(path.join(folder, device));
    expect(frames).toBeGreaterThan(10);
    expect(said[device]).toMatchObject({
      frames,
      sha256,
      grey: true,
      shape: [608, 608],
      columns: ['Frame Number', 'Time Stamp (ms)', 'Buffer Index'],
      rows: frames,
      numbers: true,
      ascending: true,
      type: 'Miniscope_V4_BNO',
      compression,
      framesPerFile: 10,
    });
    // Files are full but for the last.
    const { files } = said[device] as { files: readonly number[] };
    expect(files.slice(0, -1).every((count) => count === 10)).toBe(true);
  }
});
