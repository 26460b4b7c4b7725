// SPDX-License-Identifier: MIT
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { camerasSeen } from '../../../main/devices/index.ts';
import { temporaryFolder } from '../../support/session-folders.ts';

describe('the cameras that the system shows', () => {
  it('are named once each, however many nodes they have', async () => {
    using root = temporaryFolder();
    for (const [node, name] of [
      ['video0', 'Integrated Camera: Integrated C\n'],
      ['video1', 'Integrated Camera: Integrated C\n'],
      ['video2', 'MINISCOPE: MINISCOPE\n'],
    ] as const) {
      mkdirSync(path.join(root.path, node));
      writeFileSync(path.join(root.path, node, 'name'), name);
    }
    expect(await camerasSeen(root.path)).toEqual(['Integrated Camera: Integrated C', 'MINISCOPE: MINISCOPE']);
  });

  it('are unknown where the system keeps no list', async () => {
    using root = temporaryFolder();
    expect(await camerasSeen(path.join(root.path, 'none'))).toBeNull();
  });
});
