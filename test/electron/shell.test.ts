// SPDX-License-Identifier: MIT
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readOwner } from '../../main/library/index.ts';
import {
  electronMissing,
  type ElectronApp,
  packedApplication,
  runtimeWithRepository,
  startElectron,
  startUntilItEnds,
} from '../support/electron-app.ts';
import { coloursInMap, openReview, openSample, picture, processSample } from '../support/journey.ts';

const missing = electronMissing();

let folder: string;
let app: ElectronApp | undefined;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'calyx-electron-'));
});

afterEach(async () => {
  await app?.end();
  app = undefined;
  rmSync(folder, { recursive: true, force: true });
});

/** The smoke test of a window: sample session, cells, contours; close; the core is gone and the library free. */
async function smoke(executable: string, name: string): Promise<void> {
  const library = path.join(folder, 'library');
  app = await startElectron(executable, path.join(folder, 'profile'), { CALYX_LIBRARY: library });
  const { page } = app;
  await openSample(page);
  await processSample(page);
  await openReview(page);
  await expect.poll(() => coloursInMap(page), { timeout: 20_000 }).toBeGreaterThan(60);
  await picture(page, name);

  // Nothing of Node in the page, and no way out of it.
  expect(
    await page.evaluate(() => ['require', 'process', 'module', 'Buffer'].filter((word) => word in globalThis)),
  ).toEqual([]);
  expect(await page.evaluate(() => window.open('https://example.org/') === null)).toBe(true);
  const before = page.url();
  await page.evaluate(() => {
    location.href = 'file:///etc/hostname';
  });
  expect(page.url()).toBe(before);
  expect(await page.evaluate(async () => (await navigator.permissions.query({ name: 'geolocation' })).state)).toBe(
    'denied',
  );

  const owner = readOwner(library);
  expect(owner).not.toBeNull();
  await app.close();
  expect(readOwner(library)).toBeNull();
  expect(() => process.kill(owner?.process.pid ?? -1, 0)).toThrow(/ESRCH/);
}

describe('the Electron shell', () => {
  it('opens the workstation in a sandboxed window and takes the core with it when it closes', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    await smoke(runtimeWithRepository(folder), '20-electron');
  });

  it('stays one window: a second start ends and the first is still there', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    const executable = runtimeWithRepository(folder);
    const environment = { CALYX_LIBRARY: path.join(folder, 'library') };
    app = await startElectron(executable, path.join(folder, 'profile'), environment);
    await app.page.getByText('No sessions in this library yet').waitFor();
    // Not attached to: attaching races with its end.
    expect(await startUntilItEnds(executable, path.join(folder, 'profile'), environment)).toBe(0);
    await app.page.getByText('No sessions in this library yet').waitFor();
  });

  it('says in its window why the core did not start', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    app = await startElectron(runtimeWithRepository(folder), path.join(folder, 'profile'), {
      CALYX_LIBRARY: path.join(folder, 'library'),
      CALYX_NODE_BIN: path.join(folder, 'no-such-node'),
    });
    await app.page.getByText('The core did not start').waitFor();
    await app.page.getByText(/no-such-node/).waitFor();
  });

  it('is one CommonJS file without native modules or domain code, in fewer than 600 lines', () => {
    const bundle = readFileSync(path.join(import.meta.dirname, '..', '..', 'out', 'electron', 'main.cjs'), 'utf8');
    const required = [...bundle.matchAll(/require\(["']([^"']+)["']\)/g)].map((match) => match[1]);
    expect(new Set(required)).toEqual(new Set(['electron', 'node:child_process', 'node:fs', 'node:path']));
    expect(bundle.split('\n').length).toBeLessThan(600);
  });
});

describe('the packed application', () => {
  it('starts and passes the same smoke test', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    const { executable, resources } = await packedApplication(folder);
    for (const file of [
      'native/calyx-engine',
      'native/calyx.linux-x64.node',
      'core/server.js',
      'renderer/index.html',
      'assets/engine-parameters.json',
    ]) {
      expect(readFileSync(path.join(resources, file)).length).toBeGreaterThan(0);
    }
    await smoke(executable, '21-packed');
  });
});
