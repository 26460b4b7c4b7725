// SPDX-License-Identifier: MIT
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
