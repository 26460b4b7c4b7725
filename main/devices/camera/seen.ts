// SPDX-License-Identifier: MIT
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * Names of the video devices that the system shows, so that a person sees what the computer does see. A camera has several nodes and is named once; null where the
 * system keeps no such list (Windows, macOS).
 */
export async function camerasSeen(folder = '/sys/class/video4linux'): Promise<readonly string[] | null> {
  const nodes = await readdir(folder).catch(() => null);
  if (nodes === null) return null;
  const names = await Promise.all(
    nodes
      .toSorted()
      .map(async (node) => (await readFile(path.join(folder, node, 'name'), 'utf8').catch(() => '')).trim()),
  );
  return [...new Set(names.filter((name) => name !== ''))];
}
