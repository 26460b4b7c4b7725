// SPDX-License-Identifier: MIT
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { repositoryRoot } from './shared.ts';

/**
 * The way of a person through the workstation, by visible labels and keys only. Used in a browser and in the Electron window.
 */

const pictures = path.join(repositoryRoot, 'test-output', 'pictures');

/** Saves a picture of the screen, for people to look at. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: path.join(pictures, `${name}.png`) });
}

/** From the empty library to the Process place with the sample's recording chosen. */
export async function openSample(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Open the sample session' }).click();
  await page.getByText(/steps? will run on 600 frames/).waitFor();
}

/** Presses Run and waits for the cells. */
export async function processSample(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.getByRole('button', { name: 'Go to Review' }).waitFor({ timeout: 120_000 });
}

/** Opens the result and waits until map, list and traces are there. */
export async function openReview(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Go to Review' }).click();
  await page.getByText(/\d+ found/).waitFor();
  await page.getByRole('heading', { name: /^Why \d+/ }).waitFor();
}

/** Numbers of the line above the list: accepted, rejected, left. */
export async function counts(page: Page): Promise<{ accepted: number; rejected: number; left: number }> {
  const number = async (word: string): Promise<number> => {
    const text = await page
      .getByText(new RegExp(`^[\\d,]+ ${word}$`))
      .first()
      .innerText();
    return Number(/^[\d,]+/.exec(text.trim())?.[0].replaceAll(',', ''));
  };
  return { accepted: await number('accepted'), rejected: await number('rejected'), left: await number('left') };
}

/** Waits for the line above the list to say so. */
export async function expectCounts(page: Page, wanted: { accepted: number; rejected: number }): Promise<void> {
  await expect.poll(() => counts(page), { timeout: 10_000 }).toMatchObject(wanted);
}

/** The first decision asks who decides. */
export async function sayInitials(page: Page, initials: string): Promise<void> {
  await page.getByLabel('Your initials').fill(initials);
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}

/** The picture of a panel. */
export function canvasOf(page: Page, panel: 'Map' | 'Movie'): Locator {
  return page.locator(`section[aria-label="${panel}"] .on-well > * canvas`).first();
}

/** Is there anything in the picture? A lost WebGL context or a missing image leaves one colour. */
export async function coloursInMap(page: Page): Promise<number> {
  const shot = await canvasOf(page, 'Map').screenshot();
  return new Set(shot.subarray(100)).size;
}
