// SPDX-License-Identifier: MIT
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { launchChromium } from '../support/browser.ts';
import { openSample, picture } from '../support/journey.ts';
import { openWindow } from '../support/places.ts';
import { startServer } from '../support/server.ts';
import { repositoryRoot } from '../support/shared.ts';

it('shows what a run has gathered while it goes on, and no longer once it has ended', async () => {
  const browser = await launchChromium();
  const folder = mkdtempSync(path.join(tmpdir(), 'calyx-pictures-'));
  // An engine that shows its pictures and then goes on until it is told to stop.
  const server = await startServer(path.join(folder, 'library'), {
    CALYX_SETTINGS: path.join(folder, 'settings'),
    CALYX_ENGINE: path.join(repositoryRoot, 'test/support/fake-engine.mjs'),
    FAKE_ENGINE: 'pictures',
  });
  try {
    const complaints: string[] = [];
    const page = await openWindow(browser, server.address, { complaints });
    await openSample(page);
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    const section = page.getByRole('region', { name: 'Pictures so far' });
    await section.getByText('Registered so far: 128 frames').waitFor();
    await section.getByRole('img', { name: 'Peak to noise of 128 frames' }).waitFor();
    const codes = await section
      .getByRole('img', { name: 'Mean of 128 frames' })
      .evaluate((canvas: HTMLCanvasElement) => [
        ...(canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? []),
      ]);
    // One row of two pixels: black, then white.
    expect(codes).toEqual([0, 0, 0, 255, 255, 255, 255, 255]);
    await picture(page, 'process-pictures');
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    await section.waitFor({ state: 'detached' });
    expect(complaints).toEqual([]);
  } finally {
    await browser.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
