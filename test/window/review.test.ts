// SPDX-License-Identifier: MIT
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { counts, expectCounts, picture, sayInitials } from '../support/journey.ts';
import { press, ready, review, showPanel, useBrowser } from '../support/review-window.ts';
import { startServer } from '../support/server.ts';

const launched = useBrowser();

/** Who sits there, said in Settings, Raters. */
async function sitDown(page: Page, initials: string): Promise<void> {
  await page.keyboard.press('Control+,');
  await page.getByRole('button', { name: 'Raters' }).click();
  await page.getByLabel('Initials', { exact: true }).fill(initials);
  await page.getByRole('button', { name: 'Add rater' }).click();
  await page.getByText('sits here').waitFor();
  await page.keyboard.press('Control+1');
  await ready(page);
}

describe('Review with two raters', () => {
  it('keeps the second one’s labels apart and blind, says how far they agree, and lets them settle the rest', async () => {
    const { page } = await review({ cells: 6, frames: 400 });
    await ready(page);
    await page.keyboard.press('a');
    await sayInitials(page, 'AA');
    await press(page, 'aarr');
    await expectCounts(page, { accepted: 3, rejected: 2 });

    // Who has judged the run is not asked to read it against themselves.
    await showPanel(page, 'Raters');
    await page.getByRole('button', { name: 'Change rater' }).waitFor();
    const again = page.getByRole('button', { name: 'Read as a second rater', exact: true });
    expect(await again.getAttribute('aria-disabled')).toBe('true');

    await sitDown(page, 'BB');
    await showPanel(page, 'Raters');
    await page.getByRole('button', { name: 'Read as a second rater, BB' }).click();
    await page.getByText('Second reading by BB: your').waitFor();
    await expectCounts(page, { accepted: 0, rejected: 0 });
    // Nothing of the first rater's is on the page: no label, no history, no count.
    expect(await page.getByText(/\bAA\b/).count()).toBe(0);
    await picture(page, 'review-second-reading');
    await page.getByRole('row', { name: /^Cell 0,/ }).click();
    await press(page, 'arara');
    await expectCounts(page, { accepted: 3, rejected: 2 });
    await page.keyboard.press('Control+z');
    await expectCounts(page, { accepted: 2, rejected: 2 });
    await page.keyboard.press('Control+Shift+z');
    // A reload, and a start of the program, come back to the reading.
    await page.reload();
    await page.getByText('Second reading by BB: your').waitFor();
    await expectCounts(page, { accepted: 3, rejected: 2 });
    await showPanel(page, 'Raters');
    await page.getByRole('button', { name: 'I am done' }).click();
    await page.getByText('1 cell is undecided and will not be compared').waitFor();
    await page.getByRole('button', { name: 'Finish the reading' }).click();
    // The panels come back as they were kept, which they are once all of them have been set up; this script is faster than that.
    await showPanel(page, 'Raters');

    // AA: a a a r r, BB: a r a r a: 3 of 5 alike; by chance (3·3 + 2·2) / 25 = 0.52, κ = 0.08 / 0.48.
    await page.getByText('3 of 5 alike').waitFor();
    await page.getByText('κ 0.17').waitFor();
    await page.getByRole('button', { name: 'Settle them together' }).click();
    await page.getByText('2 to settle').waitFor();
    await picture(page, 'review-disagreements');
    await page.getByRole('row', { name: /^Cell 1,/ }).click();
    await page.keyboard.press('a');
    await page.getByText('1 to settle').waitFor();
    await page.keyboard.press('a');
    await page.getByText('all settled').waitFor();
    await page.getByText('κ 0.17').waitFor();
    await page.getByRole('button', { name: 'All cells' }).click();
    await expectCounts(page, { accepted: 4, rejected: 1 });
  });
});

describe('Review of versions', () => {
  it('opens an older one read-only and says which labels changed', async () => {
    const { page } = await review({ cells: 4, frames: 400 });
    await ready(page);
    await page.keyboard.press('a');
    await sayInitials(page, 'AA');
    await press(page, 'ra');
    await showPanel(page, 'Versions');
    await page.getByRole('button', { name: 'Freeze version 1' }).click();
    await page.getByRole('button', { name: 'Freeze version 1' }).click();
    await page.getByRole('button', { name: 'Begin version 2' }).click();
    await page.getByText('version 2', { exact: true }).first().waitFor();
    await page.getByRole('row', { name: /^Cell 1,/ }).click();
    await page.keyboard.press('a');
    await expectCounts(page, { accepted: 3, rejected: 0 });
    await page.getByText(/^1 cell has another label/).waitFor();
    await page.getByRole('button', { name: 'Look at version 1' }).click();
    await page.getByText('Version 1 as it was.').waitFor();
    await expectCounts(page, { accepted: 2, rejected: 1 });
    await picture(page, 'review-older-version');
    await page.getByRole('row', { name: /^Cell 3,/ }).click();
    await page.keyboard.press('r');
    await page.getByRole('button', { name: 'Newest' }).click();
    await expectCounts(page, { accepted: 3, rejected: 0 });
  });
});

describe('Review of hundreds of cells', () => {
  it('is done by keyboard alone, and nothing is lost on the way', async () => {
    const cells = 400;
    const { page, server, library } = await review({ cells, frames: 400 });
    await ready(page);
    await page.keyboard.press('a');
    await sayInitials(page, 'KB');
    for (let cell = 1; cell < cells; cell += 1) await page.keyboard.press(cell % 4 === 3 ? 'r' : 'a');
    await expect.poll(async () => (await counts(page)).left, { timeout: 60_000 }).toBe(0);
    await expectCounts(page, { accepted: 300, rejected: 100 });
    await picture(page, 'review-400');
    // The last word is in the library, not in the window: another start shows the same.
    await expect.poll(() => page.getByText('400 decisions saved').count(), { timeout: 60_000 }).toBe(1);
    await page.close();
    await server.stop();
    const again = await startServer(library);
    onTestFinished(() => again.stop());
    const window = await launched().newPage();
    await window.goto(again.address);
    await window.getByText('100 %').first().waitFor();
  });
});

describe('Review of what was recorded beside', () => {
  it('shows motion, losses, the behaviour film and the head at the one cursor', async () => {
    const { page } = await review({ cells: 4, frames: 400 }, { beside: true });
    await ready(page);
    await showPanel(page, 'Motion');
    await page.getByText('typically 1.9 px, at most 3.2 px').waitFor();
    await page.getByText('210 before, 260 after (+24 %)').waitFor();
    await page.getByText('at most 0.40 px in a block').waitFor();
    await page.getByRole('img', { name: /^Displacement of the picture/ }).waitFor();
    await picture(page, 'review-motion');
    await showPanel(page, 'Integrity');
    await page.getByText('3 of 403 frames are missing.').waitFor();
    await picture(page, 'review-integrity');
    // A place of the report is a place of the film: the cursor goes there, and the camera with it.
    await page.getByRole('button', { name: '100', exact: true }).click();
    await page.getByText('frame 100 of 400').waitFor();
    await showPanel(page, 'Behaviour');
    // 100 frames at 20 Hz are 5 s; the camera began at 1 s and has 10 Hz.
    const film = page.getByRole('img', { name: 'BehavCam, frame 40 of 190' });
    await film.waitFor();
    const level = () =>
      film.evaluate((canvas) => (canvas as HTMLCanvasElement).getContext('2d')?.getImageData(5, 5, 1, 1).data[0]);
    await expect.poll(level).toBe(40);
    await picture(page, 'review-behaviour');
    await page.locator('[data-scope="map"] [role="img"]').first().focus();
    await page.keyboard.press('Home');
    await page.getByText('The camera has no frame at this moment.').waitFor();
    await showPanel(page, 'Head');
    await page.getByRole('img', { name: 'Head turned by 0°' }).waitFor();
    await page.locator('[data-scope="map"] [role="img"]').first().focus();
    for (let second = 0; second < 10; second += 1) await page.keyboard.press('Shift+ArrowRight');
    await page.getByRole('img', { name: 'Head turned by 180°' }).waitFor();
    await picture(page, 'review-head');
  });
});

describe('Review of a run whose film is away', () => {
  it('opens, says so, and is judged all the same', async () => {
    const { page } = await review({ cells: 4, frames: 400 }, { withoutFilms: true });
    await ready(page);
    await page.getByText('No movie').waitFor();
    await page.getByText('The films of this run are not on this machine.').waitFor();
    await showPanel(page, 'Integrity');
    await page.getByText('The session folder is not on this machine.').waitFor();
    await page.getByRole('row', { name: /^Cell 0,/ }).click();
    await page.keyboard.press('a');
    await sayInitials(page, 'AA');
    await expectCounts(page, { accepted: 1, rejected: 0 });
    await picture(page, 'review-film-away');
  });
});

describe('Review of odd runs', () => {
  it('explains a result of a newer engine', async () => {
    const { page } = await review(
      { cells: 2, frames: 400 },
      { change: (manifest) => ({ ...manifest, formatVersion: 99 }) },
    );
    await page.getByText('This run was made by a newer version of Calyx and cannot be shown.').waitFor();
    await page.getByText('Update Calyx to open it.').waitFor();
    await picture(page, 'review-newer');
  });

  it('shows a run without cells', async () => {
    const { page } = await review({ cells: 0, frames: 400 });
    await page.getByText('No cells in this run').first().waitFor();
    // Nothing is drawn for ever where there is nothing to draw.
    await expect.poll(() => page.getByText('Drawing the overview').count()).toBe(0);
    await picture(page, 'review-no-cells');
  });

  it('goes through two thousand cells', async () => {
    const { page } = await review({ cells: 2000, frames: 64, height: 304, width: 304 });
    await ready(page);
    await page.keyboard.press('a');
    await sayInitials(page, 'AA');
    await press(page, 'ar');
    await expectCounts(page, { accepted: 2, rejected: 1 });
    await page.keyboard.press('/');
    await page.keyboard.type('cell > 1990');
    await page.keyboard.press('Enter');
    await page.getByRole('row', { name: /^Cell 1991,/ }).click();
    await page.getByRole('heading', { name: 'Why 1991?' }).waitFor();
    await picture(page, 'review-2000-cells');
  });

  it('spans a recording of ten hours whose film is away', async () => {
    const frames = 10 * 3600 * 20;
    const { page } = await review({ cells: 1, frames }, { withoutFilms: true });
    await ready(page);
    await page.getByText('frame 0 of 720,000').waitFor();
    await page.getByLabel('Time shown').selectOption('all');
    await page.getByRole('img', { name: /^Traces of cell 0, 0:\d\d to (?:9:59|10:00):/ }).waitFor();
    await showPanel(page, 'Motion');
    await page.getByRole('img', { name: /^Displacement of the picture/ }).waitFor();
    await picture(page, 'review-ten-hours');
  });

  it('shows a recording of one frame', async () => {
    const { page } = await review({ cells: 2, frames: 1 });
    await ready(page);
    await page.getByText('frame 0 of 1').waitFor();
    await page.keyboard.press('a');
    await sayInitials(page, 'AA');
    await expectCounts(page, { accepted: 1, rejected: 0 });
    await showPanel(page, 'Motion');
    await page.getByRole('img', { name: /^Displacement of the picture/ }).waitFor();
    await picture(page, 'review-one-frame');
  });
});

describe('Review by limits', () => {
  it('decides nothing, and keeps limits with the run and as a preset', async () => {
    const { page } = await review({ cells: 20, frames: 400 });
    await ready(page);
    await page.keyboard.press('a');
    await sayInitials(page, 'AA');
    await showPanel(page, 'Limits');
    await page.getByLabel('SNR of trace').fill('6');
    await page.getByText(/^Suggested: \d+ of 20 for/).waitFor();
    await page.getByRole('button', { name: 'Keep with the run' }).click();
    await page.getByText(/^SNR of trace at least 6\.0; by AA/).waitFor();
    await page.getByLabel('SNR of trace').fill('8');
    await page.getByRole('button', { name: 'Use those of the library' }).click();
    await page.getByText('at least 6.0', { exact: false }).first().waitFor();
    await page.getByLabel('Name of the preset').fill('strict');
    await page.getByRole('button', { name: 'Keep as preset' }).click();
    await page.getByText('The preset strict is kept in the library.').first().waitFor();
    await showPanel(page, 'Cells');
    await expectCounts(page, { accepted: 1, rejected: 0 });
    await picture(page, 'review-limits');
  });
});

describe('Panels of Review', () => {
  it('open in a window of their own, with their keys, come back, and are there after a reload', async () => {
    const { page } = await review({ cells: 6, frames: 400 });
    await ready(page);
    await page.keyboard.press('a');
    await sayInitials(page, 'AA');
    await page.evaluate(() => {
      document.documentElement.dataset['theme'] = 'light';
    });
    await showPanel(page, 'Limits');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('own window');
    const [popup] = await Promise.all([page.context().waitForEvent('page'), page.keyboard.press('Enter')]);
    await popup.getByText('Move a limit to see').waitFor();
    await expect.poll(() => popup.title()).toBe('Limits – Calyx');
    expect(await page.getByText('Move a limit to see').count()).toBe(0);
    // The look of the page, and its keys: they work on the same run.
    expect(await popup.evaluate(() => document.documentElement.dataset['theme'])).toBe('light');
    await popup.screenshot({ path: 'test-output/pictures/review-pop-out.png' });
    await popup.locator('body').press('a');
    await expectCounts(page, { accepted: 2, rejected: 0 });
    // What the window shows follows what is done in the other.
    await popup.getByLabel('SNR of trace').fill('6');
    await popup.getByText(/^Suggested: \d+ of 6 for/).waitFor();
    await popup.close();
    await showPanel(page, 'Limits');
    await page.getByText(/^Suggested: \d+ of 6 for/).waitFor();
    await page.reload();
    await showPanel(page, 'Limits');
    await page.getByText(/^Suggested: \d+ of 6 for/).waitFor();
    await showPanel(page, 'Cells');
    await ready(page);
    // What is chosen right after a reload is there on the next visit, however soon one leaves.
    await page.reload({ waitUntil: 'commit' });
    await showPanel(page, 'Versions');
    await page.keyboard.press('Control+,');
    await page.getByRole('navigation', { name: 'Pages of Settings' }).waitFor();
    await page.keyboard.press('Control+1');
    await ready(page);
    await expect.poll(() => page.locator('.dv-active-tab').allTextContents()).toContain('Versions');
  });
});

describe('The keys of all places', () => {
  it('are listed in Settings before a place was open, as the places then offer them', async () => {
    const { page } = await review({ cells: 3, frames: 400 });
    await page.keyboard.press('Control+,');
    await page.getByRole('button', { name: 'Shortcuts' }).click();
    const list = async (): Promise<string[]> => {
      await page.getByRole('heading', { name: 'Everywhere' }).waitFor();
      const rows = await page.getByRole('row').allInnerTexts();
      return rows.map((row) => row.replace(/\s+/g, ' ').trim()).sort();
    };
    // A browser in which only Settings was open so far, after Review had been left at once.
    await page.evaluate(() => {
      localStorage.removeItem('calyx.commands');
      sessionStorage.setItem(
        'calyx.place',
        JSON.stringify({ state: { place: 'settings', settingsSection: 'shortcuts' }, version: 0 }),
      );
    });
    await page.reload();
    const before = await list();
    for (const label of ['Accept', 'Record (hold 0.4 s)', 'Run the query', 'Accept the match', 'Import a folder'])
      expect(before.filter((row) => row.startsWith(label)).length).toBeGreaterThan(0);
    for (const key of ['0', '1', '2', '3', '4']) {
      await page.keyboard.press(`Control+${key}`);
      await page.locator('nav, aside').first().waitFor();
      await page.waitForFunction(
        (places) =>
          Object.keys(JSON.parse(localStorage.getItem('calyx.commands') ?? '{}').state?.commands ?? {}).length > places,
        0,
      );
    }
    await page.keyboard.press('Control+,');
    expect(await list()).toEqual(before);
    await picture(page, 'settings-shortcuts');
  });
});
