// SPDX-License-Identifier: MIT
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/browser.ts';
import { picture } from '../support/journey.ts';
import { needRig } from '../support/rig.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const patience = { timeout: 60_000 };

/** What is practised while a recording is under way, the sentence that stands on the screen then, and what is told once it is over. */
const whileRecording: readonly (readonly [act: string, name: string, says: RegExp, over?: RegExp])[] = [
  ['A payload is lost', 'lost-payload', /frames? (was|were) lost before .* on the way from the scope\./],
  ['A frame has no end', 'missing-eof', /frames? (was|were) lost before .* on the way from the scope\./],
  ['Three frames are lost', 'lost-frames', /[3-9] frames were lost before .* on the way from the scope\./],
  ['The counter jumps', 'counter-jump', /4\d frames were lost before .* on the way from the scope\./],
  [
    'The link forgets its settings',
    'link-reset',
    /The scope lost power for a moment and began anew; its settings have been restored\./,
  ],
  [
    'The video link freezes',
    'freeze',
    /No frame for \d\.\d s: the scope's video link stopped/,
    /No frame came for \d\.\d s .* how many were lost is unknown\.|frames were lost before/,
  ],
  ['The board is unplugged', 'unplug', /Calyx tries to reach it again\./, /The scope is back with its settings\./],
  [
    'Unplugged, back on another port',
    'replug-elsewhere',
    /Calyx tries to reach it again\./,
    /The board is on another USB port now \(simulated-2\)\./,
  ],
];

describe('a fault that is practised', () => {
  let browser: Browser;
  let folder: string;
  let server: RunningServer;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    browser = await launchChromium();
    folder = mkdtempSync(path.join(tmpdir(), 'calyx-e2e-faults-'));
    mkdirSync(path.join(folder, 'rig'));
    server = await startServer(path.join(folder, 'library'), { CALYX_DATA_ROOTS: path.join(folder, 'rig') });
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(server.address);
    await page.getByRole('button', { name: 'Acquire', exact: true }).click();
    await page.getByText('No Miniscope found').waitFor(patience);
    await picture(page, '40-no-board');
    await page.getByRole('button', { name: 'Use simulated scope' }).click();
    await page.getByText('Not recording').waitFor(patience);
    await page.getByLabel('Frame rate', { exact: true }).selectOption('10FPS');
    await page.getByLabel('Animal', { exact: true }).fill('m12');
    await page.keyboard.press('Enter');
    await page.getByText(/^m12\//).waitFor(patience);
    await page.getByLabel('Animal', { exact: true }).blur();
  });

  afterAll(async () => {
    await page.screenshot({ path: path.join(tmpdir(), 'calyx-e2e-faults-last.png') }).catch(() => undefined);
    await browser.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
    expect(complaints).toEqual([]);
  });

  async function practise(label: string): Promise<void> {
    await page.getByLabel('Practise a fault').selectOption(label);
  }

  async function record(): Promise<void> {
    await page.keyboard.down('r');
    await page.getByText('Hold to stop').waitFor(patience);
    await page.keyboard.up('r');
  }

  async function stop(heading: RegExp): Promise<void> {
    await page.keyboard.down('Shift');
    await page.keyboard.down('R');
    await page.getByRole('heading', { name: heading }).waitFor(patience);
    await page.keyboard.up('R');
    await page.keyboard.up('Shift');
  }

  const told = () => page.getByRole('list', { name: 'Messages of the rig' }).getByRole('listitem').allInnerTexts();
  const shown = () => page.getByRole('alert').allInnerTexts();

  /** Waits for something that was not told before, among the messages or over the picture. */
  async function untilTold(what: RegExp, before: readonly string[]): Promise<void> {
    await expect
      .poll(async () => [...(await told()), ...(await shown())].filter((text) => !before.includes(text)).join('\n'), {
        timeout: 60_000,
        interval: 100,
      })
      .toMatch(what);
  }

  it('at the board or on its way stands on the screen in its own words while the recording goes on', async (context) => {
    needRig(context);
    await record();
    for (const [act, name, says, over] of whileRecording) {
      const before = await told();
      await practise(act);
      await untilTold(says, before);
      await picture(page, `41-fault-${name}`);
      if (over !== undefined) await untilTold(over, before);
      await page.getByText('Hold to stop').waitFor(patience);
    }
    // What is only counted is in the report.
    await practise('Orientations are disturbed');
    await practise('USB stalls for 400 ms');
    await practise('Controls do not answer');
    await stop(/^Recording saved with [\d,]+ frames\. How many are missing is unknown\.$/);
    await page
      .getByText(/orientations? came disturbed/)
      .first()
      .waitFor();
    await page
      .getByText(/counters? could not be read/)
      .first()
      .waitFor();
    await picture(page, '42-fault-report');
    await page.getByRole('button', { name: 'Record again with this set-up' }).click();
    await page.getByText('Not recording').waitFor(patience);
  }, 240_000);

  it('of the disk fills the buffer, ends the recording in time, and loses nothing that was written', async (context) => {
    needRig(context);
    await record();
    await practise('The disk is slow');
    const buffer = page.locator('dt', { hasText: 'Worst buffer' }).locator('+ dd');
    await expect.poll(async () => Number.parseInt(await buffer.innerText(), 10), patience).toBeGreaterThan(15);
    await picture(page, '43-fault-slow-disk');
    await stop(/^Recording saved/);
    await page.getByRole('button', { name: 'Record again with this set-up' }).click();
    await page.getByText('Not recording').waitFor(patience);

    await record();
    await practise('The disk is nearly full');
    await page
      .getByRole('heading', { name: /^Recording stopped by a fault\. [\d,]+ frames are saved\.$/ })
      .waitFor(patience);
    await page
      .getByText(/The disk is nearly full \(100 MB free\): the recording was ended/)
      .first()
      .waitFor();
    await picture(page, '44-fault-low-disk');
    await page.getByRole('button', { name: 'Record again with this set-up' }).click();
    await page.getByText('Not recording').waitFor(patience);

    await record();
    await practise('The disk is full');
    await page.getByRole('heading', { name: /^Recording stopped by a fault\./ }).waitFor(patience);
    await page
      .getByText(/The disk is full\./)
      .first()
      .waitFor();
    await picture(page, '45-fault-full-disk');
    await page.getByRole('button', { name: 'Record again with this set-up' }).click();
    await page.getByText('Not recording').waitFor(patience);
  }, 240_000);

  it('of the trigger input: it is armed, says where the input stands, starts and ends with the edges', async (context) => {
    needRig(context);
    await page.getByRole('button', { name: 'Trigger', exact: true }).click();
    await page.keyboard.down('r');
    await page.getByText('trigger is low, waits for it to rise').waitFor(patience);
    await page.keyboard.up('r');
    await picture(page, '46-armed');
    await practise('The trigger input rises');
    await page.getByText('Hold to stop').waitFor(patience);
    await practise('The trigger input falls');
    await page.getByText('trigger is low, waits for it to rise').waitFor(patience);
    await page.getByRole('button', { name: 'Stop waiting' }).click();
    await page.getByRole('heading', { name: /^Recording saved/ }).waitFor(patience);
  }, 120_000);
});
