// SPDX-License-Identifier: MIT
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { barriers } from '../support/axe.ts';
import { launchChromium } from '../support/browser.ts';
import { openSample, processSample } from '../support/journey.ts';
import {
  allViews,
  keepPicture,
  openWindow,
  otherTheme,
  settled,
  themes,
  type Look,
  type Theme,
  views,
} from '../support/places.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { workflowCsv } from '../support/workflow-csv.ts';

/** Views in an order that matters: the library is empty first, then it is filled, then the core falls silent or answers badly. */

let browser: Browser;
let folder: string;
let server: RunningServer;
const complaints: string[] = [];

beforeAll(async () => {
  browser = await launchChromium();
  folder = mkdtempSync(path.join(tmpdir(), 'calyx-places-'));
  mkdirSync(path.join(folder, 'data'));
  server = await startServer(path.join(folder, 'library'), {
    CALYX_DATA_ROOTS: path.join(folder, 'data'),
    CALYX_SETTINGS: path.join(folder, 'settings'),
  });
});

afterAll(async () => {
  await browser.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
  expect(complaints).toEqual([]);
});

/** Pictures of a view as people see it who tell red from green badly: nothing may be said by colour alone. */
async function asOthersSee(page: Page, view: (typeof views)[number]): Promise<void> {
  const session = await page.context().newCDPSession(page);
  for (const type of ['deuteranopia', 'protanopia'] as const) {
    await session.send('Emulation.setEmulatedVisionDeficiency', { type });
    await page.screenshot({ path: path.join('test-output', 'pictures', 'places', `${view.name}-${type}.png`) });
  }
  await session.send('Emulation.setEmulatedVisionDeficiency', { type: 'none' });
  await session.detach();
}

/** Goes through all views of a window, keeps a picture of each in both themes, and gives what axe found there. */
async function tour(page: Page, look: Look, judged: readonly Theme[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const view of allViews) {
    if (view.ownState === true && (look === 'loading' || look === 'error')) continue;
    if (view.panel === true && look !== 'ready') continue;
    await view.open(page);
    if (view.ready !== undefined && (look === 'empty' || look === 'ready'))
      await page.getByText(view.ready).first().waitFor();
    if (look === 'ready') await view.drawn?.(page);
    await page.getByText(/fetching this (place|room)/).waitFor({ state: 'detached' });
    await settled(page);
    for (const theme of themes) {
      if (theme !== 'dark') await otherTheme(page);
      await keepPicture(page, view, look, theme);
      if (judged.includes(theme))
        for (const barrier of await barriers(page))
          found.push(`${view.name}, ${theme}: ${barrier.rule}: ${barrier.where.join(' | ')}`);
    }
    await otherTheme(page);
    if (look === 'ready' && view.coloured === true) await asOthersSee(page, view);
  }
  return found;
}

describe('every view', () => {
  it('has something to say in an empty library', async () => {
    const page = await openWindow(browser, server.address, { complaints });
    await page.getByText('No sessions in this library yet').waitFor();
    await tour(page, 'empty', []);
    await page.context().close();
  });

  it('is filled: the sample is processed, metadata come from CSV files with a preview, an animal is typed in', async () => {
    const page = await openWindow(browser, server.address, { complaints });
    await openSample(page);
    await processSample(page);
    const files = Object.entries(workflowCsv('2026-10-10 09:30:00')).map(([name, text]) => {
      // One row that cannot be: an event of a trial that nobody told of.
      const content = name === 'events.csv' ? `${text}subject1,2026-10-10 09:30:00,9,1.5,left\n` : text;
      const file = path.join(folder, name);
      writeFileSync(file, content);
      return file;
    });
    await views.find(({ name }) => name === 'library-tables')?.open(page);
    await page.getByRole('button', { name: 'Ingest CSV' }).click();
    await page
      .getByLabel('CSV files', { exact: true })
      .setInputFiles(files.filter((file) => file.endsWith('subjects.csv')));
    await page.getByText('subjects: 1 row, 1 new').waitFor();
    await page
      .getByLabel('CSV files', { exact: true })
      .setInputFiles(files.filter((file) => file.endsWith('events.csv')));
    await page.getByText(/events: 3 rows?.* with a problem/).waitFor();
    // Every problem has its line and its column.
    await page.getByRole('cell', { name: '4', exact: true }).waitFor();
    await settled(page);
    await page.screenshot({ path: path.join('test-output', 'pictures', 'places', 'library-ingest-preview.png') });
    await page.getByRole('button', { name: /^Add \d+ rows?$/ }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page
      .getByRole('navigation', { name: 'Tables' })
      .getByRole('button', { name: /^Subject\s/ })
      .click();
    await page.getByRole('row', { name: 'subject1' }).or(page.getByText('subject1')).first().waitFor();

    // A value that cannot be is told at its field, and nothing is saved.
    await page.getByRole('button', { name: 'New row' }).click();
    await page.getByRole('textbox', { name: 'Subject', exact: true }).fill('SUBJECT1');
    await page.getByRole('textbox', { name: 'Birth date' }).fill('2026-13-01');
    await page.getByRole('button', { name: 'Add row' }).click();
    await page.getByText('Must be a day, as in 2026-11-20.').waitFor();
    await page.getByRole('textbox', { name: 'Birth date' }).fill('2026-03-01');
    await page.getByRole('button', { name: 'Add row' }).click();
    await page.getByText('A row with this key is there already.').waitFor();
    await page.getByRole('textbox', { name: 'Subject', exact: true }).fill('m12');
    await page.getByRole('button', { name: 'Add row' }).click();
    await page.getByText('nobody named, added').waitFor();

    // It can be deleted with a preview, and comes back.
    await page.getByRole('button', { name: 'Delete this row' }).click();
    await page.getByRole('dialog').getByRole('cell', { name: 'subject' }).waitFor();
    await page.getByRole('button', { name: 'Delete 1 row' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await views.find(({ name }) => name === 'library-deleted')?.open(page);
    await page.getByRole('button', { name: 'Bring back' }).click();
    await page.getByRole('cell', { name: 'brought back', exact: true }).waitFor();
    await page.context().close();
  });

  it('shows real data, and keeps nobody out', async () => {
    const page = await openWindow(browser, server.address, { complaints });
    await page.getByRole('grid', { name: 'Sessions' }).waitFor();
    await page
      .getByRole('row', { name: /sample/ })
      .first()
      .click();
    const found = await tour(page, 'ready', themes);
    await page.context().close();
    expect(found).toEqual([]);
  });

  it('says what it waits for', async () => {
    const page = await openWindow(browser, server.address, { fault: 'silent', complaints });
    await page.getByText('Opening the library').waitFor();
    await tour(page, 'loading', []);
    await page.context().close();
  });

  it('says what went wrong and what to do', async () => {
    const page = await openWindow(browser, server.address, { fault: 'damaged', complaints });
    await page.getByText('page 14 does not check').first().waitFor();
    const found = await tour(page, 'error', ['light']);
    await page.context().close();
    expect(found).toEqual([]);
  });
});

describe('a first start', () => {
  it('offers a tour that can be left at any step and taken to its end, by keyboard', async () => {
    const page = await openWindow(browser, server.address, { complaints });
    await page.getByRole('grid', { name: 'Sessions' }).waitFor();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('guided tour');
    await page.keyboard.press('Enter');
    const card = page.getByRole('region', { name: 'Guided tour' });
    await card.getByText('Tour, 1 of').waitFor();
    await page.screenshot({ path: path.join('test-output', 'pictures', 'places', 'tour-1.png') });
    await page.keyboard.press('Enter');
    await page.getByRole('main', { name: 'Acquire' }).waitFor();
    await page.keyboard.press('ArrowLeft');
    await card.getByText('Tour, 1 of').waitFor();
    await page.keyboard.press('Escape');
    await card.waitFor({ state: 'detached' });
    await page.keyboard.press('Control+k');
    await page.keyboard.type('guided tour');
    await page.keyboard.press('Enter');
    while ((await card.getByRole('button', { name: 'Done' }).count()) === 0) {
      await card.getByRole('button', { name: 'Next' }).click();
      await settled(page);
    }
    await page.screenshot({ path: path.join('test-output', 'pictures', 'places', 'tour-last.png') });
    await card.getByRole('button', { name: 'Done' }).click();
    await card.waitFor({ state: 'detached' });
    await page.context().close();
  });
});
