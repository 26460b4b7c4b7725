// SPDX-License-Identifier: MIT
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { databaseSize, folderSize } from '../../main/settings/handlers.ts';
import { settingsFolder } from '../../main/settings/folder.ts';
import { jsonLines, lineAt } from '../../main/settings/json-lines.ts';
import { MachineSettings } from '../../main/settings/machine.ts';
import { checkRig, RigFiles } from '../../main/settings/rigs.ts';
import { temporaryFolder } from '../support/session-folders.ts';

const types = new Set(['Miniscope_V4', 'Miniscope_V4_BNO']);

const text = (change: Record<string, unknown> = {}): string =>
  JSON.stringify(
    {
      researcherName: 'AB',
      devices: {
        miniscopes: { Miniscope: { deviceType: 'Miniscope_V4', deviceID: 0, led0: 12, labColour: 'blue' } },
        cameras: { miniscope: { deviceType: 'WebCam-1280x720', deviceID: 1 } },
      },
      ...change,
    },
    null,
    4,
  );

describe('a rig that is written by hand', () => {
  it('is checked by line: names that meet in one folder, types, compression, unknown keys', () => {
    const remarks = checkRig(text(), types);
    const line = (word: string): number => lineAt(text(), text().indexOf(word));
    expect(remarks).toEqual([
      {
        severity: 'problem',
        line: line('"miniscope":'),
        path: ['devices', 'cameras', 'miniscope'],
        message: expect.stringContaining('both would write into one folder'),
      },
      {
        severity: 'info',
        line: line('"labColour"'),
        path: ['devices', 'miniscopes', 'Miniscope', 'labColour'],
        message: '“labColour” is not known here. It is kept as it is.',
      },
    ]);
    const wrong = text({
      devices: {
        miniscopes: [{ deviceName: 'a', deviceType: 'V9', compression: 'MJPG', framesPerFile: 'many' }],
        cameras: {},
      },
    });
    const messages = checkRig(wrong, types).map((each) => `${String(each.line)} ${each.message}`);
    expect(messages).toEqual([
      expect.stringMatching(/^\d+ .*number/),
      expect.stringMatching(/^\d+ There is no scope type “V9”/),
      expect.stringMatching(/^\d+ MJPG: .*without loss/),
    ]);
    expect(checkRig('{\n  "a": 1,\n  b\n}', types)).toMatchObject([{ severity: 'problem', line: 3 }]);
  });

  it('is saved whole, under one name whatever its capitals, and only when it is right', async () => {
    using folder = temporaryFolder();
    const rigs = new RigFiles(folder.path, types);
    const good = text({ devices: { miniscopes: { A: { deviceType: 'Miniscope_V4_BNO' } }, cameras: {} }, lab: 1 });
    await expect(rigs.save('Rig 02', text(), true)).rejects.toMatchObject({ code: 'recording.bad_rig' });
    expect(await rigs.list()).toEqual([]);
    await rigs.save('Rig 02', good, true);
    expect(await rigs.read('Rig 02')).toBe(good);
    await expect(rigs.save('rig 02', good, true)).rejects.toMatchObject({ code: 'export.exists' });
    await expect(rigs.save('Rig 02', good, false)).rejects.toMatchObject({ code: 'export.exists' });
    writeFileSync(path.join(folder.path, 'rigs', 'broken.json'), '{');
    expect(await rigs.list()).toEqual([
      { id: 'Rig 02', kind: 'V4 BNO', problem: null },
      { id: 'broken', kind: '', problem: expect.stringContaining('') },
    ]);
    await rigs.remove('Rig 02');
    await expect(rigs.read('Rig 02')).rejects.toMatchObject({ code: 'files.not_found' });
  });

  it('has its lines found in any layout', () => {
    const lines = jsonLines('{"a": {"b":\n [1, {"c\\"d": 2}]},\n"e": "x,{"}');
    expect([...lines]).toEqual([
      ['a', 1],
      ['a/b', 1],
      ['a/b/0', 2],
      ['a/b/1', 2],
      ['a/b/1/c"d', 2],
      ['e', 3],
    ]);
  });
});

describe('limits of runs', () => {
  it('are kept for the user, and what a newer program wrote stays', async () => {
    using folder = temporaryFolder();
    writeFileSync(path.join(folder.path, 'settings.json'), JSON.stringify({ version: 1, later: { x: 1 } }));
    const settings = new MachineSettings(folder.path);
    expect(settings.processing).toEqual({ threads: null, memoryBytes: null, cacheBytes: null });
    await settings.setProcessing({ threads: 2 });
    await settings.setProcessing({ cacheBytes: 1024 });
    expect(new MachineSettings(folder.path).processing).toEqual({ threads: 2, memoryBytes: null, cacheBytes: 1024 });
    expect(JSON.parse(readFileSync(path.join(folder.path, 'settings.json'), 'utf8'))).toMatchObject({
      later: { x: 1 },
    });
    expect(settingsFolder({ CALYX_SETTINGS: '/tmp/x' })).toBe('/tmp/x');
    expect(settingsFolder({}, 'linux', '/home/ab')).toBe('/home/ab/.config/calyx');
  });

  it('and the size of a database is that of both its files', async () => {
    using folder = temporaryFolder();
    const file = path.join(folder.path, 'library.sqlite');
    expect(await databaseSize(file)).toBe(0);
    writeFileSync(file, 'x'.repeat(100));
    expect(await databaseSize(file)).toBe(100);
    writeFileSync(`${file}-wal`, 'x'.repeat(5000));
    expect(await databaseSize(file)).toBe(5100);
  });

  it('and sizes of folders are counted; one that is not there has none', async () => {
    using folder = temporaryFolder();
    mkdirSync(path.join(folder.path, 'a/b'), { recursive: true });
    writeFileSync(path.join(folder.path, 'a/b/x'), '12345');
    writeFileSync(path.join(folder.path, 'a/y'), '1');
    expect(await folderSize(folder.path)).toEqual({ bytes: 6, files: 2 });
    expect(await folderSize(path.join(folder.path, 'none'))).toEqual({ bytes: 0, files: 0 });
  });
});
