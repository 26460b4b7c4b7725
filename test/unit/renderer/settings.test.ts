// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkRig } from '../../../main/settings/rigs.ts';
import { clashes, type KnownCommand, scopeName } from '../../../renderer/stores/known-commands.ts';
import {
  changedPaths,
  devicesOf,
  exampleRigs,
  folderPreview,
  jsonOf,
  renamed,
  rigText,
  valueAt,
  withValue,
} from '../../../renderer/stores/rig-editor.ts';
import { repositoryRoot } from '../../support/shared.ts';

describe('a rig under the pen', () => {
  const [, , withCamera] = exampleRigs;
  const json = withCamera?.json;

  it('begins with examples that work as they are', () => {
    const types = new Set(
      ['miniscope-v4-bno', 'miniscope-v4'].map(
        (name) =>
          (
            JSON.parse(readFileSync(path.join(repositoryRoot, 'assets', 'devices', `${name}.json`), 'utf8')) as {
              type: string;
            }
          ).type,
      ),
    );
    for (const example of exampleRigs) expect(checkRig(rigText(example.json), types), example.name).toEqual([]);
  });

  it('keeps what the form does not show, and the order of devices when one is renamed', () => {
    const other = withValue(withValue(json, ['lab', 'x'], 1), ['devices', 'miniscopes', 'Miniscope', 'led0'], 12);
    expect(changedPaths(json, other)).toEqual(['devices/miniscopes/Miniscope/led0', 'lab']);
    const two = withValue(other, ['devices', 'miniscopes', 'Second'], { deviceType: 'Miniscope_V4' });
    const again = renamed(two, ['devices', 'miniscopes', 'Miniscope'], 'Top');
    expect(devicesOf(again, 'miniscopes').map(({ name }) => name)).toEqual(['Top', 'Second']);
    expect(valueAt(again, ['devices', 'miniscopes', 'Top', 'led0'])).toBe(12);
    expect(valueAt(withValue(again, ['lab', 'x'], undefined), ['lab'])).toEqual({});
    const list = jsonOf('{"devices":{"miniscopes":[{"deviceName":"a","deviceType":"t"}]}}');
    expect(devicesOf(renamed(list, ['devices', 'miniscopes', '0'], 'b'), 'miniscopes')[0]?.name).toBe('b');
    expect(jsonOf('{')).toBeUndefined();
  });

  it('shows the folder as it would be made; empty names make none', () => {
    const named = withValue(json, ['animalName'], 'm12');
    expect(folderPreview(named, new Date(2026, 10, 27, 9, 5, 3))).toBe('m12/2026_11_27/09_05_03');
    expect(folderPreview(withValue(named, ['directoryStructure'], ['animalName', 'cohort']), new Date())).toBe(
      'm12/‹cohort›',
    );
  });
});

describe('keys that clash', () => {
  const known: readonly KnownCommand[] = [
    { id: 'accept', label: 'Accept', scope: 'screen:review', keys: ['A'] },
    { id: 'reject', label: 'Reject', scope: 'screen:review', keys: ['R'] },
    { id: 'record', label: 'Record', scope: 'screen:acquire', keys: ['A'] },
    { id: 'help', label: 'Help', scope: 'global', keys: ['?'] },
  ];
  it('are those of the same place, and those that work everywhere', () => {
    const of = (id: string, chord: string) =>
      clashes(known, {}, id, chord).map(({ command, same }) => [command.id, same]);
    expect(of('reject', 'A')).toEqual([['accept', true]]);
    expect(of('reject', '?')).toEqual([['help', false]]);
    expect(of('help', 'A')).toEqual([
      ['accept', false],
      ['record', false],
    ]);
    expect(clashes(known, { accept: ['Y'] }, 'reject', 'A')).toEqual([]);
    expect(scopeName('screen:review')).toBe('Review');
  });
});
