// SPDX-License-Identifier: MIT
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLibrary } from '../../main/library/index.ts';
import { greyAvi } from '../support/avi.ts';
import { launchChromium } from '../support/browser.ts';
import { addMadeSession } from '../support/made-run.ts';
import { openWindow, settled, views } from '../support/places.ts';
import { type RunningServer, startServer } from '../support/server.ts';

/** Everything without a mouse: what can be pressed can be reached, and one sees where one is. */

let browser: Browser;
let folder: string;
let server: RunningServer;
const complaints: string[] = [];

beforeAll(async () => {
  browser = await launchChromium();
  folder = mkdtempSync(path.join(tmpdir(), 'calyx-keyboard-'));
  const films = path.join(folder, 'day 1', 'Miniscope');
  mkdirSync(films, { recursive: true });
  const film = greyAvi(200, 64, 64);
  writeFileSync(path.join(films, '0.avi'), film);
  const library = await openLibrary({ directory: path.join(folder, 'library') });
  try {
    const place = { folder: path.join(folder, 'day 1'), codec: 'GREY', bytes: film.length };
    await addMadeSession(library, 1, 'day 1', { cells: 6, frames: 200, side: 64 }, place);
    await addMadeSession(library, 2, 'day 2', { cells: 6, frames: 200, side: 64 });
  } finally {
    await library.close();
  }
  server = await startServer(path.join(folder, 'library'), { CALYX_SETTINGS: path.join(folder, 'settings') });
});

afterAll(async () => {
  await browser.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
  expect(complaints).toEqual([]);
});

/** In the page: what can be pressed and seen, and how what holds the focus looks. */
function watchFocus(): void {
  const pressable = 'button, a[href], input, select, textarea, summary, [tabindex="0"]';
  const visible = (element: HTMLElement): boolean => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && getComputedStyle(element).visibility === 'visible';
  };
  const name = (element: Element): string =>
    `${element.tagName.toLowerCase()} “${(element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 40)}”`;
  const look = (element: Element): string => {
    const around = [element, element.parentElement, element.parentElement?.parentElement, element.nextElementSibling];
    return around
      .map((one) => {
        if (one == null) return '';
        const { boxShadow, outlineStyle, outlineColor, borderColor, backgroundColor } = getComputedStyle(one);
        return [boxShadow, outlineStyle, outlineColor, borderColor, backgroundColor].join(' ');
      })
      .join('|');
  };
  const reached = new Set<Element>();
  const dull: string[] = [];
  let before: { readonly element: Element; readonly focused: string } | undefined;
  const tools = {
    /** After each Tab: true once the focus has come round. */
    step(): boolean {
      if (before !== undefined && before.element.isConnected && look(before.element) === before.focused)
        dull.push(name(before.element));
      const now = document.activeElement;
      before = undefined;
      // At the end of the page the focus leaves it, and comes back at its beginning.
      if (now === null || now === document.body) return false;
      if (reached.has(now)) return true;
      reached.add(now);
      before = { element: now, focused: look(now) };
      return false;
    },
    missed(): readonly string[] {
      return [...document.querySelectorAll<HTMLElement>(pressable)]
        .filter(
          (element) =>
            visible(element) &&
            element.tabIndex >= 0 &&
            !element.matches(':disabled') &&
            !reached.has(element) &&
            // A group hands the focus on to the one of its members that is chosen.
            ![...reached].some((one) => element.contains(one)) &&
            // Of a choice only the chosen one is a stop; arrows go to the others.
            !(element instanceof HTMLInputElement && element.type === 'radio'),
        )
        .map(name);
    },
    dull: (): readonly string[] => [...new Set(dull)],
  };
  (globalThis as unknown as { focusTools: typeof tools }).focusTools = tools;
}

interface FocusTools {
  readonly step: () => boolean;
  readonly missed: () => readonly string[];
  readonly dull: () => readonly string[];
}

async function goThrough(
  page: Page,
): Promise<{ readonly missed: readonly string[]; readonly dull: readonly string[] }> {
  await page.evaluate(watchFocus);
  await page.evaluate(() => {
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  });
  for (let presses = 0; presses < 400; presses += 1) {
    await page.keyboard.press('Tab');
    if (await page.evaluate(() => (globalThis as unknown as { focusTools: FocusTools }).focusTools.step())) break;
  }
  return await page.evaluate(() => {
    const { focusTools } = globalThis as unknown as { focusTools: FocusTools };
    return { missed: focusTools.missed(), dull: focusTools.dull() };
  });
}

const judged = views.filter(({ name }) => !['acquire', 'review'].includes(name));

describe('by keyboard alone', () => {
  it('everything that can be pressed in Library, Process, Explore and Settings is reached, and the focus is seen', async () => {
    const page = await openWindow(browser, server.address, { complaints });
    await page.getByRole('grid', { name: 'Sessions' }).waitFor();
    const found: string[] = [];
    for (const view of judged) {
      await view.open(page);
      if (view.ready !== undefined) await page.getByText(view.ready).first().waitFor();
      await view.drawn?.(page);
      await settled(page);
      const { missed, dull } = await goThrough(page);
      for (const one of missed) found.push(`${view.name}: not reached: ${one}`);
      for (const one of dull) found.push(`${view.name}: focus not seen: ${one}`);
    }
    await page.context().close();
    expect(found).toEqual([]);
  });

  it('a session is chosen, its recording processed, and a view of Explore changed', async () => {
    const page = await openWindow(browser, server.address, { complaints });
    const grid = page.getByRole('grid', { name: 'Sessions' });
    await grid.waitFor();
    // The keys of the rail, then those of the list.
    await page.keyboard.press('Control+k');
    await page.keyboard.type('go to library');
    await page.keyboard.press('Enter');
    await grid.focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    const chosen = await page.getByRole('row', { selected: true }).getAttribute('aria-label');
    expect(['day 1', 'day 2']).toContain(chosen);
    await page.keyboard.press('Enter');
    await page.getByRole('main', { name: 'Process' }).waitFor();
    await page.keyboard.press('Control+3');
    const left = page.getByLabel('View at the left');
    await left.waitFor();
    await left.focus();
    await left.selectOption('rates');
    // These made runs have cells and traces, and no list of events.
    await page.getByText('This run has no list of events').waitFor();
    await page.context().close();
  });
});

describe('what changes is told', () => {
  it('to who does not see it: refusals and failures come by a live region', async () => {
    const page = await openWindow(browser, server.address, { complaints });
    await page.getByRole('grid', { name: 'Sessions' }).waitFor();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('go to review');
    await page.keyboard.press('Enter');
    await page.getByRole('main', { name: 'Review' }).waitFor();
    await page
      .getByRole('button', { name: /Review the newest/ })
      .first()
      .click();
    await page.getByText('6 found').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('a');
    const live = page.locator('[aria-live="polite"]').filter({ hasText: 'Select a cell first.' });
    await live.first().waitFor({ state: 'attached' });
    expect(await page.getByRole('status').count()).toBeGreaterThan(1);
    await page.context().close();
  });
});

describe('movement', () => {
  it('stops when the system asks for less of it', async () => {
    const page = await openWindow(browser, server.address, { complaints });
    await page.evaluate(() => {
      document.documentElement.dataset['motion'] = 'system';
    });
    await page.emulateMedia({ reducedMotion: 'reduce' });
    const moving: string[] = [];
    for (const view of views) {
      await view.open(page);
      await settled(page);
      const found = await page.evaluate(() =>
        [...document.querySelectorAll('*')].flatMap((element) => {
          const { transitionDuration, animationDuration, animationName } = getComputedStyle(element);
          const long = (text: string): boolean => text.split(',').some((part) => Number.parseFloat(part) > 0.01);
          return long(transitionDuration) || (animationName !== 'none' && long(animationDuration))
            ? [`${element.tagName} ${(element.getAttribute('class') ?? '').slice(0, 40)}`]
            : [];
        }),
      );
      for (const one of new Set(found)) moving.push(`${view.name}: ${one}`);
    }
    await page.context().close();
    expect(moving).toEqual([]);
  });
});

describe('text', () => {
  it.each([
    { percent: 150, width: 1440, height: 900 },
    { percent: 100, width: 1280, height: 800 },
    { percent: 150, width: 1280, height: 800 },
  ])('at $percent % on $width × $height neither runs out of the window nor is cut off', async (look) => {
    const { percent, width, height } = look;
    const page = await openWindow(browser, server.address, { complaints });
    await page.setViewportSize({ width, height });
    await page.evaluate((fontScale) => {
      const kept = JSON.parse(localStorage.getItem('calyx.person') ?? '{"state":{}}') as { state: object };
      localStorage.setItem('calyx.person', JSON.stringify({ ...kept, state: { ...kept.state, fontScale } }));
    }, percent / 100);
    await page.reload();
    await page.getByRole('grid', { name: 'Sessions' }).waitFor();
    await views.find(({ name }) => name === 'review')?.open(page);
    await page.getByRole('button', { name: /Review the newest/ }).click();
    const found: string[] = [];
    for (const view of views.filter(({ name }) => name !== 'acquire')) {
      await view.open(page);
      if (view.ready !== undefined) await page.getByText(view.ready).first().waitFor();
      await view.drawn?.(page);
      await settled(page);
      await page.screenshot({
        path: path.join('test-output', 'pictures', `text-${String(percent)}-${String(width)}-${view.name}.png`),
      });
      const cut = await page.evaluate(() => {
        const scrolls = (element: Element): boolean => {
          for (let at: Element | null = element; at !== null; at = at.parentElement) {
            const { overflowX, textOverflow } = getComputedStyle(at);
            if (['auto', 'scroll'].includes(overflowX) || textOverflow === 'ellipsis') return true;
          }
          return false;
        };
        // A number is shown whole or not at all: no column of a table reaches beyond it.
        const beyond = [...document.querySelectorAll('[role="grid"]')].flatMap((grid) => {
          const edge = grid.getBoundingClientRect().right + 1;
          return [...grid.querySelectorAll('[role="columnheader"], [role="gridcell"]')]
            .filter((cell) => cell.getBoundingClientRect().right > edge)
            .map((cell) => `beyond its table: “${cell.textContent}” of ${grid.getAttribute('aria-label') ?? ''}`);
        });
        const parts = document.querySelectorAll<HTMLElement>('button, label, h1, h2, h3, b, kbd, select');
        const badly = [...parts].flatMap((element) => {
          const box = element.getBoundingClientRect();
          if (box.width === 0 || box.height === 0 || getComputedStyle(element).visibility !== 'visible') return [];
          const name = `${element.tagName.toLowerCase()} “${(element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 40)}”`;
          if (
            box.right > innerWidth + 1 &&
            (!scrolls(element) || element.closest('.dv-right-actions-container') !== null)
          )
            return [`outside: ${name}, ${String(Math.round(box.left))} to ${String(Math.round(box.right))}`];
          const head = element.closest('.dv-tabs-and-actions-container');
          if (head !== null && box.right > head.getBoundingClientRect().right + 1)
            return [`outside of its panel: ${name}`];
          // A key stands beside its button's word, inside the button.
          if (element.tagName === 'KBD' && element.closest('button') !== null) {
            const button = element.closest('button') ?? element;
            const words = [...button.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE);
            const ends = words.map((word) => {
              const range = document.createRange();
              range.selectNodeContents(word);
              return range.getBoundingClientRect().right;
            });
            if (box.left < Math.max(...ends) || box.right > button.getBoundingClientRect().right)
              return [`lies on its word: ${name} of “${button.textContent}”`];
          }
          if (element.tagName === 'BUTTON' && element.scrollHeight > element.clientHeight + 2)
            return [`too tall: ${name}`];
          const clips = getComputedStyle(element).overflowX === 'hidden';
          return clips && element.scrollWidth > element.clientWidth + 1 && !scrolls(element) ? [`cut: ${name}`] : [];
        });
        return [...beyond, ...badly];
      });
      for (const one of new Set(cut)) found.push(`${view.name}: ${one}`);
    }
    await page.context().close();
    expect(found).toEqual([]);
  });
});
