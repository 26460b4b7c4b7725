// SPDX-License-Identifier: MIT
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { launchChromium } from './browser.ts';
import { type ReviewSize, reviewLibrary } from './review-library.ts';
import { startServer } from './server.ts';

/** Review in a browser on made-up runs. */

let browser: Browser;

/** One browser for the tests of a file; gives it to those that want a page of their own. */
export function useBrowser(): () => Browser {
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
  });
  return () => browser;
}

/** Opens Review on a made-up run; whatever the page complains of is looked at in the end. */
export async function review(size: ReviewSize, options: Parameters<typeof reviewLibrary>[2] = {}) {
  const root = mkdtempSync(path.join(tmpdir(), 'calyx-e2e-'));
  const made = await reviewLibrary(root, size, options);
  const server = await startServer(made.library);
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  onTestFinished(async () => {
    await page.context().close();
    await server.stop();
    rmSync(root, { recursive: true, force: true });
    expect(complaints).toEqual([]);
  });
  await page.goto(server.address);
  await page.evaluate((runUuid) => {
    sessionStorage.setItem('calyx.place', JSON.stringify({ state: { place: 'review', runUuid }, version: 0 }));
    localStorage.setItem('calyx.person', JSON.stringify({ state: { toured: true }, version: 0 }));
  }, made.runUuid);
  await page.reload();
  return { ...made, page, server };
}

/** Brings a panel to the front. */
export const showPanel = async (page: Page, title: string): Promise<void> => {
  await page.locator('.dv-tab', { hasText: new RegExp(`^${title}$`) }).click();
};
/** The list of cells is there. */
export const ready = (page: Page) => page.getByText(/\d+ found/).waitFor();
/** One key after the other. */
export const press = async (page: Page, keys: string): Promise<void> => {
  for (const key of keys) await page.keyboard.press(key);
};
