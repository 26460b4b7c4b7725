// SPDX-License-Identifier: MIT
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { bindingFile } from '../../main/installation/index.ts';
import { findFfmpeg } from '../../main/media/index.ts';
import { recoverSession } from '../../main/recording/index.ts';
import { cutPoints, numbers, quickFolder, underWay } from '../support/cut-points.ts';
import { askPython, judgePython, pythonOf, type JudgePython } from '../support/python.ts';

let judge: JudgePython;
beforeAll(() => {
  judge = judgePython();
}, 400_000);

/** Power cuts for each format. */
const points = 110;
const now = (): Date => new Date(Date.UTC(2026, 9, 10, 9));

/**
 * Opens every film of every session below a folder with OpenCV, decodes every frame, and compares each with the picture that was recorded; shares nothing
 * with ours but the formula of the pictures (`picture` in test/support/recorded.ts). For each session: films, frames, rows, and what is wrong.
 */
const script = String.raw`
import csv, json, os, sys
os.environ["OPENCV_LOG_LEVEL"] = "OFF"
os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"
import cv2
import numpy as np
p = np.arange(64 * 48)
def truth(n):
    return (4 + (p * 7 + n * 13 + (p >> 6) * n) % 240).astype(np.uint8).reshape(48, 64)
out = {}
for name in sorted(os.listdir(sys.argv[1])):
    place = os.path.join(sys.argv[1], name, "Miniscope")
    films = sorted((f for f in os.listdir(place) if f.endswith(".avi")), key=lambda f: int(f[:-4]))
    n, faults = 0, []
    for film in films:
        video = cv2.VideoCapture(os.path.join(place, film))
        if not video.isOpened():
            faults.append(film + " does not open")
            continue
        told, count = int(video.get(cv2.CAP_PROP_FRAME_COUNT)), 0
        while True:
            more, shown = video.read()
            if not more:
                break
            if shown.shape != (48, 64, 3) or not all(np.array_equal(shown[..., c], truth(n)) for c in range(3)):
                faults.append("%s: frame %d is another picture" % (film, count))
            count += 1
            n += 1
        video.release()
        if told != count:
            faults.append("%s: says %d frames, %d are decoded" % (film, told, count))
    with open(os.path.join(place, "timeStamps.csv"), "rb") as file:
        text = file.read().decode("latin-1")
    if "\0" in text:
        faults.append("timeStamps.csv holds zeros")
    try:
        rows = [int(row["Frame Number"]) for row in csv.DictReader(text.replace("\0", "").splitlines())]
        if rows != list(range(n)):
            faults.append("timeStamps.csv: %d rows, %d frames" % (len(rows), n))
    except (KeyError, TypeError, ValueError) as error:
        faults.append("timeStamps.csv: %s" % error)
    out[name] = {"films": len(films), "frames": n, "faults": faults}
print(json.dumps(out))
`;

interface Verdict {
  readonly films: number;
  readonly frames: number;
  readonly faults: readonly string[];
}

test('OpenCV decodes every frame of a recording that a power cut ended at any of 220 points, once it was recovered', async (context) => {
  const python = pythonOf(judge, context);
  if (!existsSync(bindingFile())) context.skip('the native binding is not built');
  if (findFfmpeg() === undefined) context.skip('no ffmpeg');
  const root = quickFolder();
  const [left, recovered] = [path.join(root, 'left'), path.join(root, 'recovered')];
  for (const folder of [left, recovered]) mkdirSync(folder);
  const told = new Map<string, number>();
  for (const [compression, seed] of [
    ['GREY', 23],
    ['FFV1', 29],
  ] as const) {
    const { crashed } = await underWay(compression);
    // The same points twice: as the cut leaves them, and recovered.
    const [asLeft, again] = [cutPoints(crashed, numbers(seed)), cutPoints(crashed, numbers(seed))];
    for (let point = 0; point < points; point += 1) {
      const name = `${compression}-${point}`;
      asLeft(path.join(left, name));
      again(path.join(recovered, name));
      const { devices } = await recoverSession(path.join(recovered, name), now);
      expect(devices[0]!.problems, name).toEqual([]);
      told.set(name, devices[0]!.frames);
    }
  }
  const said = askPython(python, script, recovered) as Readonly<Record<string, Verdict>>;
  expect(Object.entries(said).flatMap(([name, { faults }]) => faults.map((fault) => `${name}: ${fault}`))).toEqual([]);
  expect(Object.keys(said).length).toBe(2 * points);
  // Nothing that recovery says is there is missing to OpenCV, and no more than the last file's was ever given up.
  expect(new Map(Object.entries(said).map(([name, { frames }]) => [name, frames]))).toEqual(
    new Map([...told].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  );
  for (const { frames } of Object.values(said)) expect(frames).toBeGreaterThanOrEqual(76);
  for (const compression of ['GREY', 'FFV1']) {
    const counts = Object.entries(said).filter(([name]) => name.startsWith(compression));
    expect(new Set(counts.map(([, { frames }]) => frames)).size).toBeGreaterThan(4);
  }

  // Without recovery the judge finds most of them wrong: torn or black pictures, rows without a frame, films that do not open.
  const unrepaired = Object.entries(askPython(python, script, left) as Readonly<Record<string, Verdict>>);
  for (const compression of ['GREY', 'FFV1']) {
    const wrong = unrepaired.filter(([name, { faults }]) => name.startsWith(compression) && faults.length > 0);
    expect(wrong.length).toBeGreaterThan(points / 2);
    const unreadable = wrong.filter(([, { faults }]) => faults.some((fault) => fault.includes('.avi')));
    expect(unreadable.length).toBeGreaterThan(points / 10);
  }
});
