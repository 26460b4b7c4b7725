// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/library.ts';
import { askPython, judgePython, pythonOf } from '../support/python.ts';
import { writeRun } from '../support/run-folder.ts';
import { repositoryRoot } from '../support/shared.ts';

test('the reader in docs/examples reads a run folder as docs/formats.md says', (context) => {
  const python = pythonOf(judgePython(), context);
  const folder = temporaryFolder();
  const { traces } = writeRun(folder, { frames: 600 });
  const script = String.raw`
import json, sys
sys.path.insert(0, sys.argv[1])
from read_run import read_run
r = read_run(sys.argv[2])
print(json.dumps([list(r["footprints"].shape), float(r["footprints"][0, 5, 31]), sorted(r["traces"]), float(r["traces"]["raw"][2, 100]), sorted(r["images"]), len(r["time"])]))
`;
  const raw = traces[2]?.[100];
  expect(askPython(python, script, path.join(repositoryRoot, 'docs', 'examples'), folder)).toEqual([
    [3, 30, 40],
    1,
    ['denoised', 'raw'],
    raw,
    ['correlation', 'mean'],
    600,
  ]);
});

test('the reader for MATLAB in docs/examples reads a run folder in Octave as docs/formats.md says', (context) => {
  if (spawnSync('octave', ['--version']).error !== undefined)
    context.skip('GNU Octave is not on this machine (Debian: apt-get install --no-install-recommends octave unzip)');
  const folder = temporaryFolder();
  const { traces, times } = writeRun(folder, { frames: 600 });
  const script = `
addpath('${path.join(repositoryRoot, 'docs', 'examples')}');
r = read_run('${folder}');
out = struct('size', size(r.footprints), 'pixels', [r.footprints(6, 31, 1), r.footprints(6, 32, 1), r.footprints(8, 34, 1), r.footprints(30, 40, 3)], 'sum', sum(r.footprints(:)));
out.kinds = strjoin(sort(fieldnames(r.traces))', ' ');
out.raw = [size(r.traces.raw), double(r.traces.raw(3, 101)), double(r.traces.raw(1, 600))];
out.mean = [size(r.images.mean), double(r.images.mean(3, 2))];
out.time = [numel(r.time), r.time(5)];
out.frames = r.run.frames;
disp(jsonencode(out));
`;
  const { status, stdout, stderr } = spawnSync('octave', ['--no-gui', '--quiet', '--norc', '--eval', script], {
    encoding: 'utf8',
  });
  expect(status, stderr).toBe(0);
  expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toEqual({
    size: [30, 40, 3],
    pixels: [0.25, 1, 0.5, 1],
    sum: 2.75,
    kinds: 'denoised raw',
    raw: [3, 600, expect.closeTo(traces[2]?.[100] ?? 0, 4), expect.closeTo(traces[0]?.[599] ?? 0, 4)],
    // Pixel (2, 1) of a picture that counts its pixels.
    mean: [30, 40, 2 * 40 + 1],
    time: [600, expect.closeTo(times[4] ?? 0, 5)],
    frames: 600,
  });
});
