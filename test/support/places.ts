// SPDX-License-Identifier: MIT
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { ClientMessage, ServerMessage } from '../../main/contract/index.ts';
import { repositoryRoot } from './shared.ts';

/** Every view of the window in each of its four looks, in both themes: how to get there, and where its picture is kept. */

/** A view that a person can go to by visible labels. */
export interface View {
  /** Name of its picture. */
  readonly name: string;
  readonly open: (page: Page) => Promise<void>;
  /** Words that stand there once it is ready; nothing is waited for where they are left out. */
  readonly ready?: string | RegExp;
  /** What stands there when a run has been processed and looked at. */
  readonly drawn?: (page: Page) => Promise<void>;
  /** It has no state of its own from the core: no look for loading and error. */
  readonly ownState?: boolean;
  /** A panel of a place that shows it once there is something to show; before that the place's own look stands in its stead. */
  readonly panel?: boolean;
  /** What it says is told by marks and colours: it is also seen as those see it who tell red from green badly. */
  readonly coloured?: boolean;
}

const place = async (page: Page, name: string): Promise<void> => {
  await page.getByRole('navigation', { name: 'Places' }).getByRole('button', { name, exact: true }).click();
};
const room =
  (name: string) =>
  async (page: Page): Promise<void> => {
    await place(page, 'Library');
    await page
      .getByRole('navigation', { name: 'Rooms of the Library' })
      .getByRole('button', { name, exact: true })
      .click();
  };
const settings =
  (name: string) =>
  async (page: Page): Promise<void> => {
    await place(page, 'Settings');
    await page
      .getByRole('navigation', { name: 'Pages of Settings' })
      .getByRole('button', { name, exact: true })
      .click();
  };

/** Nothing in the place is being fetched or computed any more. */
const idle = async (page: Page): Promise<void> => {
  await page.waitForFunction(() => document.querySelector('main [role="status"] [role="progressbar"]') === null);
};

/** A panel of Review, to the front by the palette. */
const panel = (name: string, title: string, says: string | RegExp): View => ({
  name: `review-${name}`,
  panel: true,
  open: async (page) => {
    await place(page, 'Review');
    await page.getByRole('region', { name: 'Map' }).first().waitFor();
    await page.keyboard.press('Control+k');
    await page.keyboard.type(`show ${title}`);
    await page.keyboard.press('Enter');
  },
  drawn: async (page) => {
    await page.getByRole('region', { name: title }).getByText(says).first().waitFor();
    await idle(page);
  },
});

/** Each part of the program adds the views it has. */
export const allViews: readonly View[] = [
  { name: 'acquire', open: (page) => place(page, 'Acquire') },
  {
    name: 'review',
    coloured: true,
    open: (page) => place(page, 'Review'),
    drawn: async (page) => {
      const newest = page.getByRole('button', { name: /^Review the newest/ });
      const reasons = page.getByRole('heading', { name: /^Why \d+/ });
      await newest.or(reasons).first().waitFor();
      if (await newest.isVisible()) await newest.click();
      await reasons.waitFor();
      // Clips of events come last, where there is a film; one that has come is as large as what was cut out of it.
      await page.waitForFunction(() => {
        if (document.body.textContent.includes('No movie')) return true;
        const clips = [...document.querySelectorAll<HTMLCanvasElement>('[aria-label^="Strongest events"] canvas')];
        return clips.length > 0 && clips.every((clip) => clip.width !== 300);
      });
      await idle(page);
    },
  },
  panel('limits', 'Limits', /./),
  panel('neighbours', 'Neighbours', /./),
  panel('versions', 'Versions', /./),
  panel('raters', 'Raters', /./),
  panel('motion', 'Motion', /./),
  panel('integrity', 'Integrity', /./),
  panel('behaviour', 'Behaviour', /./),
  panel('head', 'Head', /./),
  { name: 'process', coloured: true, open: (page) => place(page, 'Process'), drawn: idle },
  {
    name: 'explore',
    coloured: true,
    open: (page) => place(page, 'Explore'),
    drawn: async (page) => {
      await page.getByRole('img', { name: /^Activity of \d+ cells over the recording/ }).waitFor();
      await page.getByRole('img', { name: /^Correlation of \d+ cells/ }).waitFor();
    },
  },
  {
    name: 'explore-four',
    panel: true,
    open: async (page) => {
      await place(page, 'Explore');
      const add = page.getByRole('button', { name: 'Add a view' });
      await add.click();
      await add.click();
    },
    drawn: async (page) => {
      await page.getByRole('region', { name: 'Event rates' }).first().waitFor();
      await page.getByRole('region', { name: 'Quality' }).first().waitFor();
      await idle(page);
    },
  },
  { name: 'library-sessions', coloured: true, open: room('Sessions'), ready: /\d+ sessions?/ },
  { name: 'library-animals', open: room('Animals'), ready: /\d+ animals?/ },
  { name: 'library-tables', open: room('Tables'), ready: 'SessionNote' },
  { name: 'library-diagram', open: room('Diagram'), ready: /parents above/ },
  { name: 'library-query', open: room('Query'), ready: 'reads only' },
  { name: 'library-deleted', open: room('Deleted'), ready: 'kept for 7 days' },
  { name: 'settings-rigs', open: settings('Rigs'), ready: 'New: Practice rig' },
  { name: 'settings-storage', open: settings('Storage'), ready: 'Results of runs' },
  { name: 'settings-processing', open: settings('Processing'), ready: 'Limits of a run' },
  { name: 'settings-appearance', open: settings('Appearance'), ready: 'Theme', ownState: true },
  { name: 'settings-shortcuts', open: settings('Shortcuts'), ready: 'Everywhere', ownState: true },
  { name: 'settings-raters', open: settings('Raters'), ready: 'Add a rater' },
  { name: 'settings-remote', open: settings('Remote control'), ready: 'A client in ten lines' },
  { name: 'settings-doctor', open: settings('Doctor'), ready: 'For whoever helps you' },
  { name: 'settings-privacy', open: settings('Privacy'), ready: 'Nothing leaves this machine', ownState: true },
];

/** Places and rooms, without the panels inside them. */
export const views: readonly View[] = allViews.filter((view) => view.panel !== true);

export const themes = ['dark', 'light'] as const;
export type Theme = (typeof themes)[number];
export type Look = 'empty' | 'loading' | 'error' | 'ready';

const folder = path.join(repositoryRoot, 'test-output', 'pictures', 'places');

/** Keeps the picture of a view in a look. */
export async function keepPicture(page: Page, view: View, look: Look, theme: Theme): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${view.name}-${look}-${theme}.png`) });
}

/** Waits until nothing has been asked of the core for a moment, and the last answers are drawn. */
export async function settled(page: Page): Promise<void> {
  await page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        let quiet = setTimeout(resolve, 80);
        const watch = new MutationObserver(() => {
          clearTimeout(quiet);
          quiet = setTimeout(resolve, 80);
        });
        watch.observe(document.body, { childList: true, subtree: true, characterData: true });
        // What moves by itself (a live picture, a clock) must not hold this up.
        setTimeout(resolve, 700);
      }),
  );
}

/** What the core answers to questions in this window: nothing, or that the library is damaged. Who is there and what changes goes through. */
type Fault = 'silent' | 'damaged';

const passing = new Set(['app.changes', 'acquire.status']);

function faulty(message: string | Buffer, fault: Fault): ServerMessage | 'pass' | 'hold' {
  if (typeof message !== 'string') return 'pass';
  const told = JSON.parse(message) as ClientMessage;
  if (told.t !== 'call' || passing.has(told.name)) return 'pass';
  if (fault === 'silent') return 'hold';
  return {
    t: 'error',
    id: told.id,
    error: {
      code: 'library.corrupt',
      message: 'The library file is damaged: page 14 does not check.',
      hint: 'Restore it from a backup; the newest is of this morning.',
      retryable: false,
    },
  };
}

/** The keys that change the theme in these windows; the program itself leaves them free. */
const themeKeys = 'Control+Shift+F9';

/** Changes to the other theme as a person would, so that plots that read their colours from the page follow. */
export async function otherTheme(page: Page): Promise<void> {
  const before = await page.evaluate(() => document.documentElement.dataset['theme'] ?? '');
  await page.keyboard.press(themeKeys);
  await page.waitForFunction((was) => document.documentElement.dataset['theme'] !== was, before);
}

/** A window of its own, dark at first; with a fault, its questions to the core are not answered as they should be. */
export async function openWindow(
  browser: Browser,
  address: string,
  { fault, complaints }: { readonly fault?: Fault; readonly complaints: string[] },
): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.addInitScript(() => {
    if (localStorage.getItem('calyx.person') === null)
      localStorage.setItem(
        'calyx.person',
        JSON.stringify({
          state: { theme: 'dark', motion: 'none', keys: { 'shell.theme': ['Mod+Shift+F9'] } },
          version: 0,
        }),
      );
  });
  if (fault !== undefined)
    await page.routeWebSocket(/\/rpc$/, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((message) => {
        const what = faulty(message, fault);
        if (what === 'pass') server.send(message);
        else if (what !== 'hold') socket.send(JSON.stringify(what));
      });
    });
  await page.goto(address);
  return page;
}
