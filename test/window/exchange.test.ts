// SPDX-License-Identifier: MIT
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { zipSync } from 'fflate';
import type { Browser, Page, WebSocketRoute } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ClientMessage } from '../../main/contract/index.ts';
import { openLibrary } from '../../main/library/index.ts';
import { type H5Dataset, hdf5 } from '../../main/interop/hdf5.ts';
import { roiBytes } from '../../main/interop/writers/roi-zip.ts';
import { barriers } from '../support/axe.ts';
import { greyAvi } from '../support/avi.ts';
import { largeCellSet } from '../support/cell-set.ts';
import { launchChromium } from '../support/browser.ts';
import { picture } from '../support/journey.ts';
import { addMadeSession } from '../support/made-run.ts';
import { type RunningServer, startServer } from '../support/server.ts';

/** What goes out of the library and comes into it, by visible labels: exports of many sessions, results and outlines, a DataJoint server, marked cells. */

let browser: Browser;
let folder: string;
let server: RunningServer;
let page: Page;
const complaints: string[] = [];
let onLine: ((line: WebSocketRoute) => void) | undefined;
const data = (...parts: readonly string[]): string => path.join(folder, 'data', ...parts);

beforeAll(async () => {
  browser = await launchChromium();
  folder = mkdtempSync(path.join(tmpdir(), 'calyx-exchange-'));
  mkdirSync(data('out'), { recursive: true });
  mkdirSync(data('marks'));
  const box = [
    { x: 20, y: 10 },
    { x: 28, y: 10 },
    { x: 28, y: 16 },
    { x: 20, y: 16 },
  ];
  writeFileSync(data('marks', 'RoiSet.zip'), zipSync({ 'a.roi': roiBytes(box, 'a') }));
  writeFileSync(data('marks', 'broken.mat'), 'no MATLAB file at all');
  largeCellSet(data('marks', 'cells.isxd'), 3000);
  writeFileSync(data('marks', 'notes.txt'), 'nothing of use');
  const library = await openLibrary({ directory: path.join(folder, 'library') });
  try {
    for (const [n, name] of ['open field', 'linear track', 'not processed'].entries()) {
      const place = path.join(folder, name, 'Miniscope');
      mkdirSync(place, { recursive: true });
      const bytes = greyAvi(300, 64, 64);
      writeFileSync(path.join(place, '0.avi'), bytes);
      const size = { cells: 6, frames: 300, side: 64 };
      const files = { folder: path.join(folder, name), codec: 'GREY', bytes: bytes.length };
      const { runUuid } = await addMadeSession(library, n + 1, name, size, files);
      if (name === 'not processed') rmSync(library.runFolder(runUuid), { recursive: true });
    }
  } finally {
    await library.close();
  }
  server = await startServer(path.join(folder, 'library'), {
    CALYX_DATA_ROOTS: data(),
    CALYX_SETTINGS: path.join(folder, 'settings'),
  });
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.addInitScript(() => {
    if (localStorage.getItem('calyx.person') !== null) return;
    const state = { theme: 'dark', motion: 'none', toured: true };
    localStorage.setItem('calyx.person', JSON.stringify({ state, version: 0 }));
  });
  await page.routeWebSocket(/\/rpc$/, (line) => {
    if (onLine === undefined) line.connectToServer();
    else onLine(line);
  });
  await page.goto(server.address);
  await page.getByRole('row', { name: 'open field' }).waitFor();
});

afterAll(async () => {
  await browser.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
  expect(complaints).toEqual([]);
});

afterEach(async () => {
  // What a failed test left open must not hide the next one's reason.
  if (await page.getByRole('dialog').isVisible()) await page.keyboard.press('Escape');
});

/** Looks at what is open in both themes: a picture of each, and nobody is kept out. */
async function seen(name: string): Promise<void> {
  const found: string[] = [];
  for (const theme of ['dark', 'light']) {
    // Keys of the shell rest while a dialog is open.
    await page.evaluate((name) => {
      document.documentElement.dataset['theme'] = name;
    }, theme);
    await picture(page, `exchange-${name}-${theme}`);
    for (const barrier of await barriers(page)) found.push(`${theme}: ${barrier.rule}: ${barrier.where.join(' | ')}`);
  }
  await page.evaluate(() => {
    document.documentElement.dataset['theme'] = 'dark';
  });
  expect(found).toEqual([]);
}

const dialog = () => page.getByRole('dialog');
const inDialog = (name: string | RegExp) => dialog().getByRole('button', { name, exact: typeof name === 'string' });
const more = async (item: string): Promise<void> => {
  await page.getByRole('button', { name: 'More ways in and out' }).click();
  await page.getByRole('button', { name: item }).click();
};

describe('exports of many sessions', () => {
  it('are chosen in the list by click, Shift and Space, written one after another, and say what they wrote', async () => {
    await page.getByRole('checkbox', { name: 'Choose linear track' }).click();
    await page.getByRole('button', { name: 'Export 1 chosen session' }).waitFor();
    await page.getByRole('checkbox', { name: 'Choose open field' }).click({ modifiers: ['Shift'] });
    // Space on the row that is shown.
    await page.getByRole('row', { name: 'not processed' }).click();
    await page.getByRole('grid', { name: 'Sessions' }).focus();
    const third = page.getByRole('checkbox', { name: 'Choose not processed' });
    const before = await third.isChecked();
    await page.keyboard.press('Space');
    expect(await third.isChecked()).toBe(!before);
    if (before) await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Export 3 chosen sessions' }).click();
    await dialog().getByText('Open the folder they shall be written into.').waitFor();
    await inDialog('data').click();
    await inDialog('out').click();
    await dialog().getByRole('combobox', { name: 'Form' }).selectOption('csv');
    await inDialog('Export 3 sessions').click();
    await dialog().getByText('2 of 3 exports written').waitFor({ timeout: 60_000 });
    // The one whose files are gone says so, without a path; the others are there.
    await dialog().getByText('not written', { exact: true }).waitFor();
    // It can be wanted again, and is told again.
    await inDialog('Export not processed again').click();
    await dialog().getByText('not written', { exact: true }).waitFor();
    await inDialog('Export not processed again').waitFor();
    expect(await dialog().innerText()).not.toContain(folder);
    expect(readdirSync(data('out')).toSorted()).toEqual(['linear_track_csv', 'open_field_csv']);
    expect(
      readFileSync(data('out', 'open_field_csv', 'cells.csv'), 'utf8')
        .trim()
        .split('\n'),
    ).toHaveLength(7);
    await seen('export');
    // Again is refused, sentence by sentence, until replacing is asked for.
    await inDialog('Clear ended').click();
    await inDialog('Export 3 sessions').click();
    await dialog().getByText('open_field_csv is there already; nothing was written.').waitFor({ timeout: 60_000 });
    await inDialog('Close').first().click();
    await dialog().waitFor({ state: 'detached' });
    await more('Choose none');
    await page.getByRole('button', { name: /^Export \d/ }).waitFor({ state: 'detached' });
  });
});

describe('an export as NWB', () => {
  it('says what nwbinspector will ask for; Settings and the dialog fill it in, and it stands in the file', async () => {
    await page.getByRole('row', { name: 'open field' }).click();
    await page.getByRole('heading', { name: 'open field' }).waitFor();
    await page.keyboard.press('e');
    const asks = dialog().getByRole('region', { name: 'What nwbinspector asks for' });
    await asks.getByText('check_institution').waitFor();
    await asks.getByText('Critical').first().waitFor();
    await seen('export-nwb');
    await asks.getByRole('button', { name: 'Settings, Lab' }).first().click();
    await page.getByRole('textbox', { name: 'Institution' }).fill('Technical University');
    await page.getByRole('textbox', { name: 'Excitation, nm' }).fill('blue');
    await page.getByText('It cannot be “blue”.').waitFor();
    await page.getByRole('textbox', { name: 'Excitation, nm' }).fill('470');
    await picture(page, 'exchange-lab');
    expect((await barriers(page)).map(({ rule }) => rule)).toEqual([]);
    await page.getByRole('button', { name: 'Save 2 changes' }).click();
    await page.getByRole('button', { name: 'Save changes' }).waitFor();

    await page
      .getByRole('link', { name: 'Library' })
      .or(page.getByRole('button', { name: 'Library' }))
      .first()
      .click();
    await page.getByRole('row', { name: 'open field' }).click();
    await page.keyboard.press('e');
    await asks.getByText('check_subject_sex').waitFor();
    expect(await asks.getByText('check_institution').count()).toBe(0);
    await inDialog('data').click();
    await inDialog('out').click();
    await asks.getByRole('combobox', { name: 'Sex' }).selectOption('F');
    await asks.getByRole('textbox', { name: 'Species' }).fill('mouse');
    await asks.getByText('check_subject_species_form').waitFor();
    await asks.getByRole('textbox', { name: 'Species' }).fill('Mus musculus');
    await asks.getByRole('textbox', { name: 'Date of birth' }).fill('spring');
    await dialog().getByText('What is given for nwbinspector cannot be as it is.').waitFor();
    await asks.getByRole('textbox', { name: 'Date of birth' }).fill('2026-03-14');
    await asks.getByText('Given for these exports.').nth(2).waitFor();
    expect(await asks.getByText('Critical').count()).toBe(0);
    await picture(page, 'exchange-export-nwb-given');
    await inDialog('Export 1 session').click();
    await dialog()
      .getByText(/sub-.*_ophys\.nwb/)
      .waitFor({ timeout: 60_000 });
    const written = readdirSync(data('out'), { recursive: true, encoding: 'utf8' }).find((name) =>
      name.endsWith('.nwb'),
    );
    const { File } = await hdf5();
    const nwb = new File(data('out', written ?? ''), 'r');
    const value = (name: string): unknown => (nwb.get(name) as H5Dataset | null)?.value;
    expect(value('general/institution')).toBe('Technical University');
    expect(value('general/subject/sex')).toBe('F');
    expect(value('general/subject/species')).toBe('Mus musculus');
    nwb.close();
    await inDialog('Clear ended').click();
    await inDialog('Close').first().click();
    await dialog().waitFor({ state: 'detached' });
  });
});

describe('a result of another program', () => {
  it('is read with a bar and can be given up on the way; nothing of it stays', async () => {
    await page.getByRole('row', { name: 'open field' }).click();
    await page.getByRole('heading', { name: 'open field' }).waitFor();
    await more('Import a result of another program');
    await inDialog('data').click();
    await inDialog('marks').click();
    await dialog().getByRole('combobox', { name: 'Belongs to' }).selectOption('A session of its own');
    await inDialog('cells.isxd').click();
    await dialog().getByText('40,000 frames').waitFor({ timeout: 30_000 });
    const runs = (): string[] => readdirSync(path.join(folder, 'library', 'runs')).toSorted();
    const before = runs();
    await inDialog('Import').click();
    await dialog().getByText('reading the traces').waitFor();
    await dialog().getByRole('progressbar', { name: 'Progress' }).waitFor();
    await picture(page, 'exchange-result-working');
    await dialog().getByRole('status').getByRole('button', { name: 'Cancel' }).click();
    await dialog().getByRole('status').waitFor({ state: 'detached' });
    await expect.poll(runs).toEqual(before);
    expect(await page.getByRole('row', { name: 'cells.isxd' }).count()).toBe(0);
    await inDialog('Close').first().click();
    await dialog().waitFor({ state: 'detached' });
  });

  it('that is none is refused with a sentence; outlines of ImageJ become a run of the session', async () => {
    await page.getByRole('row', { name: 'open field' }).click();
    await page.getByRole('heading', { name: 'open field' }).waitFor();
    await more('Import a result of another program');
    await inDialog('data').click();
    await inDialog('marks').click();
    await inDialog('broken.mat').click();
    await dialog()
      .getByText(/No result here yet|cannot be read/)
      .first()
      .waitFor();
    await inDialog('RoiSet.zip').click();
    await dialog().getByText('64 × 64 px').waitFor();
    await dialog().getByRole('textbox', { name: 'Drawn by' }).fill('AB');
    await dialog()
      .getByText(/in both, .* only drawn/)
      .waitFor();
    await seen('result');
    await inDialog('Import').click();
    await dialog().waitFor({ state: 'detached', timeout: 30_000 });
    await page.getByText('RoiSet.zip (outlines of AB)').first().waitFor();
  });
});

describe('a DataJoint server', () => {
  const secret = 'a password nobody may keep';

  const fill = async (host: string): Promise<void> => {
    await dialog().getByRole('textbox', { name: 'Server' }).fill(host);
    await dialog().getByRole('textbox', { name: 'User' }).fill('lab');
    await dialog().getByLabel('Password').fill(secret);
  };

  /** All that the program keeps on disk, and what it printed. */
  const kept = (): string => {
    const files = ['library', 'settings']
      .filter((name) => existsSync(path.join(folder, name)))
      .flatMap((name) =>
        readdirSync(path.join(folder, name), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => path.join(entry.parentPath, entry.name))
          .filter((file) => statSync(file).size < 20_000_000),
      );
    return [server.printed(), ...files.map((file) => readFileSync(file, 'latin1'))].join('\n');
  };

  it('that is not there is told in a sentence, and the password is kept nowhere', async () => {
    for (const item of ['Import from a DataJoint server', 'Publish to a DataJoint server']) {
      await more(item);
      await fill('127.0.0.1:9');
      await inDialog('Look first').click();
      await dialog()
        .getByText(/cannot be reached|does not answer|refused/i)
        .first()
        .waitFor({ timeout: 60_000 });
      expect(await dialog().innerText()).not.toContain(secret);
      expect(
        await page.evaluate(() => JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)])),
      ).not.toContain(secret);
      await inDialog('Close').first().click();
    }
    expect(kept()).not.toContain(secret);
  });

  it('shows rows and what stands in the way first; then all is published', async () => {
    const asked: Record<string, unknown>[] = [];
    onLine = (line) => {
      const core = line.connectToServer();
      line.onMessage((message) => {
        const told = typeof message === 'string' ? (JSON.parse(message) as ClientMessage) : null;
        if (told?.t !== 'call' || told.name !== 'datajoint.publish') {
          core.send(message);
          return;
        }
        const input = told.input as Record<string, unknown>;
        asked.push(input);
        const isClear = JSON.stringify(input['values']).includes('led_power');
        const value = {
          generation: '0.5',
          tables: [
            { table: 'Session', inserted: 1, present: 0 },
            { table: 'RecordingInfo', inserted: 1, present: 2 },
          ],
          conflicts: isClear ? [] : ['RecordingInfo.led_power is needed, and the library does not know it.'],
          notes: ['Device stays as the server has it.'],
          isPublished: input['dryRun'] === false,
        };
        line.send(JSON.stringify({ t: 'result', id: told.id, value }));
      });
    };
    await page.reload();
    await page.getByRole('row', { name: 'open field' }).click();
    await page.getByRole('heading', { name: 'open field' }).waitFor();
    await more('Publish to a DataJoint server');
    await fill('db.lab.example:3306');
    await inDialog('Look first').click();
    await dialog().getByText('RecordingInfo.led_power is needed').waitFor();
    await dialog().getByText('What stands in the way must be settled first.').waitFor();
    await seen('publish');
    await dialog().getByLabel('Values the library lacks').fill('nonsense');
    await dialog().getByText('“nonsense” is not written as Table.column = value.').waitFor();
    await dialog().getByLabel('Values the library lacks').fill('RecordingInfo.led_power = 0');
    await inDialog('Look first').click();
    await inDialog('Publish 2 rows').click();
    await dialog().getByText('Published, and read back equal.').waitFor();
    expect(asked.map((input) => [input['url'], input['dryRun'], input['password']])).toEqual([
      ['mysql://lab@db.lab.example:3306', true, secret],
      ['mysql://lab@db.lab.example:3306', true, secret],
      ['mysql://lab@db.lab.example:3306', false, secret],
    ]);
    expect(asked[2]?.['values']).toEqual({ 'RecordingInfo.led_power': '0' });
    await inDialog('Close').first().click();
  });
});

describe('cells marked beforehand', () => {
  it('come from a file by a button, and stand in the form', async () => {
    await page.getByRole('navigation', { name: 'Places' }).getByRole('button', { name: 'Process' }).click();
    await page.getByRole('button', { name: /Advanced|All settings/ }).click();
    await page.getByRole('button', { name: 'Cells marked beforehand, from a file' }).click();
    await inDialog('data').click();
    await inDialog('marks').click();
    await inDialog('notes.txt').click();
    await dialog()
      .getByText(/neither outlines of ImageJ nor a table/)
      .waitFor();
    await inDialog('RoiSet.zip').click();
    await inDialog('Use 1 place').waitFor();
    await seen('seeds');
    await inDialog('Use 1 place').click();
    expect(await page.getByRole('textbox', { name: 'Cells marked beforehand' }).inputValue()).toBe('12.5,23.5');
  });
});
