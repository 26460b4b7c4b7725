// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { fileName, recordingFolder, simulatorRig } from '../../../main/recording/index.ts';
import { beginRecording, nothingHappened } from '../../support/recorded.ts';
import { temporaryFolder } from '../../support/session-folders.ts';

test('a name is a folder on any system, whatever somebody typed', () => {
  expect(fileName('mouse 12')).toBe('mouse_12');
  expect(fileName('../../etc')).toBe('.._.._etc');
  expect(['..', '.', '', '...'].map(fileName)).toEqual(['_', '_', '_', '_']);
  expect(fileName('a<b>:"c"/d\\e|f?g*h\n')).toBe('a_b___c__d_e_f_g_h_');
  // Windows takes no dot at the end and keeps some names for devices.
  expect(['CON', 'con.txt', 'LPT1', 'contrast', 'm1.'].map(fileName)).toEqual([
    '_CON',
    '_con.txt',
    '_LPT1',
    'contrast',
    'm1_',
  ]);
  // Cut between letters, short enough for `_2` behind it.
  expect(Buffer.byteLength(fileName('マウス'.repeat(80)))).toBe(198);
  expect(fileName('🐭'.repeat(80))).toBe('🐭'.repeat(50));
});

test('no token leads out of the data folder', () => {
  const rig = {
    ...simulatorRig,
    animalName: '../../up',
    directoryStructure: ['animalName', '..', 'a/b', 'date'],
    texts: { '..': '..', 'a/b': '/abs' },
  };
  expect(recordingFolder(rig, '/data', new Date(2026, 10, 27))).toBe(
    path.join('/data', '.._.._up', '_', '_abs', '2026_11_27'),
  );
});

test('a rig without tokens records below its data folder all the same', () => {
  const rig = { ...simulatorRig, directoryStructure: [] };
  expect(recordingFolder(rig, '/data', new Date(2026, 10, 27, 9, 8, 7))).toBe(
    path.join('/data', '2026_11_27', '09_08_07'),
  );
});

test('a note is one row, whatever is in it', async () => {
  using root = temporaryFolder();
  const { recording, come } = await beginRecording({ data: root.path, compression: 'GREY' });
  await come(1);
  recording.note('  "left", then right;\r\nsecond line\u2028third\u0085fourth\u0000 – 🐭 ');
  recording.note('x,'.repeat(2000));
  recording.changed('led0', 12);
  await come(1);
  await recording.stop(nothingHappened);
  const rows = readFileSync(path.join(recording.folder, 'notes.csv'), 'utf8').split(/[\p{Cc}\p{Zl}\p{Zp}]/u);
  expect(rows).toEqual([
    'Time Stamp (ms), Note',
    '50, "left", then right; second line third fourth  – 🐭',
    `50, ${'x,'.repeat(2000)}`,
    '50,Miniscope,led0,12',
    '',
  ]);
});
