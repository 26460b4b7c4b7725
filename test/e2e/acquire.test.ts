// SPDX-License-Identifier: MIT
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/browser.ts';
import { counts, expectCounts, openReview, picture, sayInitials } from '../support/journey.ts';
import { needRig } from '../support/rig.ts';
import { startServer } from '../support/server.ts';

/** Looks at the page for so long, however busy the machine is. */
const patience = { timeout: 60_000 };
/** Enough for cells to fire. */
const recordedLongEnough = /^00:00:(?:1[5-9]|[2-5]\d)$/;

describe('a first recording', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
  });

  it('goes from the simulated scope over pre-flight, a note, a light and the report to ten accepted cells, by what can be read', async (context) => {
    needRig(context);
    const folder = mkdtempSync(path.join(tmpdir(), 'calyx-e2e-acquire-'));
    mkdirSync(path.join(folder, 'rig'));
    const server = await startServer(path.join(folder, 'library'), { CALYX_DATA_ROOTS: path.join(folder, 'rig') });
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    try {
      await page.goto(server.address);
      await page.getByRole('button', { name: 'Acquire', exact: true }).click();
      await page.getByText('No Miniscope found').waitFor();
      await page.getByRole('button', { name: 'Use simulated scope' }).click();
      await page.getByText('Not recording').waitFor(patience);
      // Slow enough for any machine; the recording is as honest, and its cells have time to fire.
      await page.getByLabel('Frame rate', { exact: true }).selectOption('10FPS');
      await page.getByRole('button', { name: 'Pre-flight', exact: true }).click();
      await page.getByText('Not ready: choose an animal').waitFor(patience);
      await page.getByRole('button', { name: 'Choose animal' }).click();
      await page.getByLabel('Animal', { exact: true }).fill('m12');
      await page.keyboard.press('Enter');
      await page.getByText(/^m12\//).waitFor(patience);
      await page.getByLabel('Animal', { exact: true }).blur();
      await page.keyboard.down('r');
      await page.getByText('Hold to stop').waitFor(patience);
      await page.keyboard.up('r');
      await page.keyboard.press('n');
      await page.getByRole('textbox', { name: 'Note' }).fill('mouse placed');
      await page.keyboard.press('Enter');
      await page.keyboard.press(']');
      await page.getByText('LED 20 → 21').first().waitFor(patience);
      await page.getByRole('navigation', { name: 'Places' }).getByRole('button', { name: 'Library' }).click();
      await page.getByRole('region', { name: 'Recording under way' }).waitFor(patience);
      await page.getByRole('button', { name: 'Go to Acquire' }).click();
      await page.getByText('Hold to stop').waitFor(patience);
      await page.getByRole('timer', { name: 'Recording time' }).getByText(recordedLongEnough).waitFor(patience);
      await page.keyboard.down('Shift');
      await page.keyboard.down('R');
      await page.getByRole('heading', { name: /^Recording saved/ }).waitFor(patience);
      await page.keyboard.up('R');
      await page.keyboard.up('Shift');
      await page.getByRole('cell', { name: 'mouse placed' }).waitFor();
      await picture(page, '21-acquire-report');
      // Processing with a preset from the report, followed to its end, then ten cells by their key.
      await page.getByLabel('Preset').selectOption('Sensitive');
      await page.getByRole('button', { name: 'Queue processing' }).click();
      await page.getByText('Processing is queued with the preset Sensitive.').waitFor(patience);
      await page.getByRole('button', { name: 'Follow it in Process' }).click();
      await page.getByRole('button', { name: 'Go to Review' }).waitFor({ timeout: 120_000 });
      await openReview(page);
      await page.keyboard.press('a');
      await sayInitials(page, 'RO');
      await expectCounts(page, { accepted: 1, rejected: 0 });
      expect((await counts(page)).left).toBeGreaterThanOrEqual(9);
      for (let cell = 1; cell < 10; cell += 1) await page.keyboard.press('a');
      await expectCounts(page, { accepted: 10, rejected: 0 });
      await picture(page, '22-acquire-to-review');
      expect(complaints).toEqual([]);
    } finally {
      await page.screenshot({ path: path.join(tmpdir(), 'calyx-e2e-acquire-last.png') }).catch(() => undefined);
      await page.close();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 240_000);
});
