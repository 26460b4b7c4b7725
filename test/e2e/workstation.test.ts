// SPDX-License-Identifier: MIT
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/browser.ts';
import {
  canvasOf,
  coloursInMap,
  counts,
  expectCounts,
  openReview,
  openSample,
  picture,
  processSample,
  sayInitials,
} from '../support/journey.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { repositoryRoot } from '../support/shared.ts';

let browser: Browser;
let folder: string;
let server: RunningServer;
let page: Page;
let complaints: string[];

async function openWindow(): Promise<void> {
  page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(server.address);
}

async function start(): Promise<void> {
  server = await startServer(path.join(folder, 'library'), { CALYX_DATA_ROOTS: path.join(folder, 'data') });
  await openWindow();
}

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(async () => {
  await browser.close();
});

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'calyx-e2e-'));
  mkdirSync(path.join(folder, 'data'));
  complaints = [];
  await start();
});

afterEach(async () => {
  await page.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
  expect(complaints).toEqual([]);
});

describe('a first visit', () => {
  it('leads from the sample session to ten decisions that are there after a restart', async () => {
    await page.getByText('No sessions in this library yet').waitFor();
    await picture(page, '1-library-empty');
    await openSample(page);
    await picture(page, '2-process');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByRole('button', { name: 'Cancel' }).waitFor();
    await picture(page, '3-process-running');
    await page.getByRole('button', { name: 'Go to Review' }).waitFor({ timeout: 120_000 });
    await picture(page, '4-process-done');
    await openReview(page);
    await page.keyboard.press('a');
    await sayInitials(page, 'EE');
    await expectCounts(page, { accepted: 1, rejected: 0 });
    for (const key of ['r', 'a', 'a', 'r', 'a', 'a', 'r', 'a', 'a']) await page.keyboard.press(key);
    await expectCounts(page, { accepted: 7, rejected: 3 });
    expect(await coloursInMap(page)).toBeGreaterThan(60);
    await picture(page, '5-review');

    await page.keyboard.press('Control+z');
    await expectCounts(page, { accepted: 6, rejected: 3 });
    await page.keyboard.press('Control+Shift+z');
    await expectCounts(page, { accepted: 7, rejected: 3 });

    // The same run in Explore: its numbers leave with where they come from.
    await page.keyboard.press('Control+3');
    await page.getByRole('img', { name: /^Activity of \d+ cells over the recording/ }).waitFor();
    await page.getByRole('img', { name: /^Correlation of \d+ cells/ }).waitFor();
    await picture(page, '5-explore');
    await page.getByLabel('View at the right').selectOption('orientation');
    await page.getByRole('img', { name: /by head direction$/ }).waitFor();
    const [saved] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('region', { name: 'Head direction' }).getByRole('button', { name: 'Save as CSV' }).click(),
    ]);
    const text = readFileSync(await saved.path(), 'utf8');
    expect(text).toMatch(/^# run: [0-9a-f-]{36}\n/);
    expect(text).toMatch(/\n# curation: [0-9a-f-]{36} version 1, 7 accepted, 3 rejected\n(?:# .*\n)*# program: Calyx /);
    expect(text).toMatch(/\ncell,preferred_deg,mean_vector_length,deg_5\.0,/);

    await page.close();
    await server.stop();
    await start();
    await page.getByText('sample').first().waitFor();
    await picture(page, '6-library');
    await page.getByRole('row', { name: /sample/ }).click();
    await page.getByRole('button', { name: 'Review Miniscope' }).click();
    await page.getByText(/\d+ found/).waitFor();
    await expectCounts(page, { accepted: 7, rejected: 3 });
    // Undo reaches over the restart.
    await page.keyboard.press('Control+z');
    await expectCounts(page, { accepted: 6, rejected: 3 });
    await page.keyboard.press('Control+Shift+z');
    await expectCounts(page, { accepted: 7, rejected: 3 });
  });
});

describe('Review', () => {
  it('shows raw and registered frames under one cursor and other pictures by key', async () => {
    await openSample(page);
    await processSample(page);
    await openReview(page);
    await page.getByText('frame 0 of 600').waitFor();
    await page.keyboard.press('ArrowRight');
    await page.getByText('frame 1 of 600').waitFor();
    await page.keyboard.press('Shift+ArrowRight');
    await page.getByText('frame 21 of 600').waitFor();
    const movie = canvasOf(page, 'Movie');
    await expect
      .poll(async () => new Set((await movie.screenshot()).subarray(100)).size, { timeout: 20_000 })
      .toBeGreaterThan(60);
    await page.keyboard.press('v');
    await page.getByRole('radio', { name: 'Registered', checked: true }).waitFor();
    const map = canvasOf(page, 'Map');
    const before = await map.screenshot();
    await page.keyboard.press('b');
    await expect.poll(async () => (await map.screenshot()).equals(before), { timeout: 20_000 }).toBe(false);
    // The model beside the film: four pictures in one canvas.
    await page.getByRole('radio', { name: 'Split' }).click();
    await page.getByText('cells, A·C').waitFor();
    await page
      .getByRole('button', { name: 'Play around this event' })
      .or(page.getByTitle('Play around this event'))
      .first()
      .waitFor();
    await picture(page, '7-split');
    // A narrow window folds the choice up; none of it is out of reach.
    const size = page.viewportSize();
    await page.setViewportSize({ width: 1280, height: 800 });
    const layer = page.getByRole('combobox', { name: 'Layer of the movie' });
    await layer.waitFor();
    await layer.selectOption('residual');
    await picture(page, '7-narrow');
    await page.setViewportSize(size ?? { width: 1440, height: 900 });
    await page.getByRole('radio', { name: 'Residual', checked: true }).waitFor();
    await page.getByRole('radio', { name: 'Split' }).click();
    // A split of the first cell is looked at, done and taken back.
    const found = page.getByText(/^\d+ found/);
    const cells = Number(/\d+/.exec(await found.innerText())?.[0]);
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    await page
      .getByText(/^new \d+$/)
      .first()
      .waitFor({ timeout: 60_000 });
    await picture(page, '7-split-preview');
    await page.keyboard.press('Enter');
    await sayInitials(page, 'ED');
    await page.getByText(`${String(cells + 1)} found`).waitFor({ timeout: 30_000 });
    await page.keyboard.press('Control+z');
    await page.getByText(`${String(cells)} found`).waitFor({ timeout: 30_000 });
    // Panels come to the front by name.
    await page.keyboard.press('Control+k');
    await page.keyboard.type('show versions');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Freeze version 1' }).waitFor();
    await page.keyboard.press('?');
    await page
      .getByRole('dialog')
      .getByText(/accept/i)
      .first()
      .waitFor();
    await picture(page, '7-keys');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('library');
    await picture(page, '8-palette');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Import a folder' }).waitFor();
  });

  it('decides every cell with the keyboard alone', async () => {
    await openSample(page);
    await processSample(page);
    await openReview(page);
    const { left } = await counts(page);
    await page.keyboard.press('a');
    await sayInitials(page, 'KB');
    for (let cell = 1; cell < left; cell += 1) await page.keyboard.press(cell % 3 === 0 ? 'r' : 'a');
    await expect.poll(async () => (await counts(page)).left).toBe(0);
  });
});

describe('Process', () => {
  it('stops a run when asked and keeps nothing of it', async () => {
    await openSample(page);
    await page.getByRole('button', { name: 'Run', exact: true }).dblclick();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page
      .getByText(/cancelled|stopped/i)
      .first()
      .waitFor();
    // Who clicks twice wants one run.
    expect(await page.getByRole('grid', { name: 'Queue' }).getAttribute('aria-rowcount')).toBe('2');
    await picture(page, '9-process-cancelled');
    await page.getByRole('button', { name: 'Go to Review' }).waitFor({ state: 'detached' });
  });
});

describe('Import', () => {
  it('shows what it recognised before anything is imported, and links it', async () => {
    cpSync(path.join(repositoryRoot, 'assets', 'sample-session'), path.join(folder, 'data', 'm12_day3'), {
      recursive: true,
    });
    await page.getByRole('button', { name: 'Import a folder' }).first().click();
    await page.getByRole('dialog').getByRole('button', { name: 'data' }).click();
    await page.getByRole('dialog').getByText('m12_day3').click();
    await page.getByRole('dialog').getByText(/600/).first().waitFor();
    await picture(page, '10-import');
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Import/ })
      .click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page
      .getByText(/1 session/)
      .first()
      .waitFor();
  });

  it('says what is wrong with a folder that is no session', async () => {
    mkdirSync(path.join(folder, 'data', 'letters'));
    writeFileSync(path.join(folder, 'data', 'letters', 'notes.txt'), 'nothing here');
    await page.getByRole('button', { name: 'Import a folder' }).first().click();
    await page.getByRole('dialog').getByRole('button', { name: 'data' }).click();
    await page.getByRole('dialog').getByText('letters').click();
    await page
      .getByRole('dialog')
      .getByText(/no film|no session|nothing/i)
      .first()
      .waitFor();
    await picture(page, '11-import-nothing');
  });
});

describe('the server', () => {
  it('lets no window in without the token', async () => {
    const stranger = await browser.newPage();
    await stranger.goto(server.address.replace(/token=.*/, 'token=wrong'));
    await stranger.getByText(/token/i).first().waitFor();
    await stranger.close();
  });
});
