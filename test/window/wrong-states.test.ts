// SPDX-License-Identifier: MIT
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import type { Browser, Page, WebSocketRoute } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLibrary } from '../../main/library/index.ts';
import { greyAvi } from '../support/avi.ts';
import { launchChromium } from '../support/browser.ts';
import { counts, expectCounts, openSample, picture, sayInitials } from '../support/journey.ts';
import { addMadeSession } from '../support/made-run.ts';
import { type RunningServer, startServer } from '../support/server.ts';

/** What a person meets when something is missing, newer, tiny or huge: said in a sentence, with nothing lost and nothing broken. */

let browser: Browser;
let folder: string;
let server: RunningServer;
const complaints: string[] = [];

/** Sessions by what is odd about them, with their newest run. */
const made = new Map<string, { readonly sessionUuid: string; readonly runUuid: string }>();

const library = (): string => path.join(folder, 'library');

beforeAll(async () => {
  browser = await launchChromium();
  folder = mkdtempSync(path.join(tmpdir(), 'calyx-wrong-'));
  const opened = await openLibrary({ directory: library() });
  try {
    const film = (name: string, frames: number, side: number) => {
      const place = path.join(folder, name, 'Miniscope');
      mkdirSync(place, { recursive: true });
      const bytes = greyAvi(frames, side, side);
      writeFileSync(path.join(place, '0.avi'), bytes);
      return { folder: path.join(folder, name), codec: 'GREY', bytes: bytes.length };
    };
    const add = async (n: number, name: string, size: Parameters<typeof addMadeSession>[3], frames?: number) => {
      const files = frames === undefined ? null : film(name, frames, size.side);
      made.set(name, await addMadeSession(opened, n, name, size, files));
    };
    await add(1, 'ordinary', { cells: 12, frames: 300, side: 64 }, 300);
    await add(2, 'newer', { cells: 3, frames: 100, side: 64, formatVersion: 2 }, 100);
    await add(3, 'gone', { cells: 5, frames: 200, side: 64 });
    await add(4, 'nothing', { cells: 0, frames: 200, side: 64 }, 200);
    await add(5, 'crowded', { cells: 2000, frames: 600, side: 608 });
    await add(6, 'ten hours', { cells: 3, frames: 720_000, side: 64, fps: 20 });
    await add(7, 'one frame', { cells: 2, frames: 1, side: 64 }, 1);
  } finally {
    await opened.close();
  }
  server = await startServer(library(), { CALYX_SETTINGS: path.join(folder, 'settings') });
});

afterAll(async () => {
  await browser.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
  expect(complaints).toEqual([]);
});

interface Wish {
  readonly place?: string;
  readonly address?: string;
  /** Told of each line to the core: the page's side of it. */
  readonly onLine?: (line: WebSocketRoute) => void;
}

/** A window that begins at a session: as if it had been chosen in Library. */
async function openAt(name: string, { place = 'review', address = server.address, onLine }: Wish = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(`${name}: ${error.message}`));
  const { sessionUuid, runUuid } = made.get(name) ?? { sessionUuid: null, runUuid: null };
  await page.addInitScript(
    (state) => {
      if (sessionStorage.getItem('calyx.place') === null)
        sessionStorage.setItem('calyx.place', JSON.stringify({ state, version: 0 }));
      localStorage.setItem('calyx.blind', JSON.stringify({ state: { blind: false }, version: 0 }));
    },
    { place, sessionUuid, runUuid },
  );
  if (onLine !== undefined) await page.routeWebSocket(/\/rpc$/, onLine);
  await page.goto(address);
  return page;
}

const places = (page: Page) => page.getByRole('navigation', { name: 'Places' });
const go = (page: Page, place: string): Promise<void> => places(page).getByRole('button', { name: place }).click();

/** Process ids of the children of a process. */
function childrenOf(pid: number): readonly number[] {
  const words = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8').split(' ');
  return words.map(Number).filter((child) => child > 0);
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8');
  } catch {
    // It has ended meanwhile.
    return '';
  }
}

describe('the server goes away', () => {
  it('is said at once; what is decided meanwhile waits and is there when the line is back', async () => {
    let open = true;
    const lines: WebSocketRoute[] = [];
    const page = await openAt('ordinary', {
      onLine: (line) => {
        if (!open) {
          void line.close();
          return;
        }
        line.connectToServer();
        lines.push(line);
      },
    });
    await page.getByText('12 found').waitFor();
    await page.keyboard.press('a');
    await sayInitials(page, 'WS');
    await expectCounts(page, { accepted: 1, rejected: 0 });
    open = false;
    await Promise.all(lines.map((line) => line.close()));
    const banner = page.getByRole('alert').filter({ hasText: 'No line to the workstation' });
    await banner.waitFor({ timeout: 2000 });
    await page.keyboard.press('a');
    await page.keyboard.press('r');
    await expectCounts(page, { accepted: 2, rejected: 1 });
    await banner.getByText('decisions wait').waitFor();
    // The other places stand, and say nothing wrong.
    await go(page, 'Library');
    await page.getByRole('main', { name: 'Library' }).waitFor();
    await go(page, 'Review');
    await picture(page, 'wrong-line-lost');
    open = true;
    // It may have come back by itself in the same moment; then the button is gone.
    await banner
      .getByRole('button', { name: 'Reconnect now' })
      .click({ timeout: 2000 })
      .catch(() => undefined);
    await banner.waitFor({ state: 'detached' });
    // They are in the library now: another window has them, too.
    const other = await openAt('ordinary');
    await other.getByText('12 found').waitFor();
    await expectCounts(other, { accepted: 2, rejected: 1 });
    await other.context().close();
    await page.context().close();
  });

  it('and is started again: the tab that was open goes on by itself, with what waited', async () => {
    const own = mkdtempSync(path.join(tmpdir(), 'calyx-again-'));
    try {
      const place = path.join(own, 'library');
      const opened = await openLibrary({ directory: place });
      made.set('again', await addMadeSession(opened, 9, 'again', { cells: 4, frames: 100, side: 64 }, null));
      await opened.close();
      const first = await startServer(place);
      const page = await openAt('again', { address: first.address });
      await page.getByText('4 found').waitFor();
      await page.keyboard.press('a');
      await sayInitials(page, 'WS');
      await expectCounts(page, { accepted: 1, rejected: 0 });
      await first.stop();
      const banner = page.getByRole('alert').filter({ hasText: 'No line to the workstation' });
      await banner.waitFor({ timeout: 2000 });
      await page.keyboard.press('r');
      const second = await startServer(place);
      await banner.waitFor({ state: 'detached' });
      await expectCounts(page, { accepted: 1, rejected: 1 });
      // Another window is told the same by the library.
      const other = await openAt('again', { address: second.address });
      await expectCounts(other, { accepted: 1, rejected: 1 });
      await other.context().close();
      await second.stop();
      // Another program that listens there meanwhile is not told the token.
      await banner.waitFor({ timeout: 2000 });
      const heard: string[] = [];
      const impostor = createServer((request, response) => {
        heard.push(request.url ?? '');
        response.end('a proof');
      });
      impostor.on('upgrade', (request, socket) => {
        heard.push(request.url ?? '');
        socket.destroy();
      });
      await new Promise<void>((resolve) => {
        impostor.listen(Number(new URL(second.address).port), '127.0.0.1', resolve);
      });
      await banner.getByText('The token of this tab is not the one').waitFor();
      impostor.close();
      expect(heard.every((wanted) => wanted.startsWith('/proof?of='))).toBe(true);
      await page.context().close();
    } finally {
      rmSync(own, { recursive: true, force: true });
    }
  });

  it('that was ended for good leaves the window standing, with the last state in sight', async () => {
    const own = mkdtempSync(path.join(tmpdir(), 'calyx-ended-'));
    try {
      const short = await startServer(path.join(own, 'library'));
      const page = await openAt('', { address: short.address, place: 'library' });
      await page.getByText('No sessions in this library yet').waitFor();
      await short.stop();
      await page.getByText('No line to the workstation').waitFor({ timeout: 2000 });
      await page.getByText('No sessions in this library yet').waitFor();
      for (const place of ['Settings', 'Explore', 'Process', 'Review', 'Acquire']) {
        await go(page, place);
        await page.getByRole('main', { name: place }).waitFor();
      }
      await page.context().close();
    } finally {
      rmSync(own, { recursive: true, force: true });
    }
  });
});

describe('a result of a newer engine', () => {
  it('is refused with what to do in Review and in Explore', async () => {
    const page = await openAt('newer');
    const alert = page.getByRole('main').getByRole('alert');
    await alert.getByText('This run was made by a newer version of Calyx and cannot be shown.').waitFor();
    await alert.getByText('Update Calyx to open it.').waitFor();
    await page.getByRole('button', { name: 'Choose another run' }).waitFor();
    await picture(page, 'wrong-newer-run');
    await go(page, 'Explore');
    await page.getByText('This run was made by a newer version of Calyx').first().waitFor();
    await page.context().close();
  });
});

describe('films that are not where they were', () => {
  it('are told in every place; the cells can be judged all the same', async () => {
    const page = await openAt('gone');
    await page.getByText('5 found').waitFor();
    await page.getByRole('region', { name: 'Movie' }).getByText('No movie').waitFor();
    await page.keyboard.press('a');
    await sayInitials(page, 'WS');
    await expectCounts(page, { accepted: 1, rejected: 0 });
    await picture(page, 'wrong-films-gone');
    await go(page, 'Library');
    await page.getByRole('row', { name: 'gone', exact: true }).getByText('files moved').waitFor();
    await go(page, 'Process');
    await page
      .getByText(/films? .*not where|not where .*films?|files? .*moved|moved/i)
      .first()
      .waitFor();
    await page.context().close();
  });

  it('that vanish while they are looked at are told, and the last picture stays', async () => {
    const page = await openAt('ordinary');
    await page.getByText('frame 0 of 300').waitFor();
    const place = path.join(folder, 'ordinary', 'Miniscope');
    renameSync(place, `${place}-away`);
    try {
      await page.reload();
      await page.getByText('12 found').waitFor();
      await page
        .getByRole('region', { name: 'Movie' })
        .getByText(/No movie|cannot be shown/)
        .first()
        .waitFor();
    } finally {
      renameSync(`${place}-away`, place);
    }
    await page.context().close();
  });
});

describe('a run without cells', () => {
  it('says so in every panel of Review, and in Explore', async () => {
    const page = await openAt('nothing');
    await page.getByText('No cells in this run').first().waitFor();
    await page.getByText('No cell selected').first().waitFor();
    for (const key of ['a', 'j', 'ArrowDown', 'z', 'b', 'e', 't', 'Control+z']) await page.keyboard.press(key);
    await picture(page, 'wrong-no-cells');
    expect(await counts(page)).toEqual({ accepted: 0, rejected: 0, left: 0 });
    await page.getByRole('region', { name: 'All cells' }).getByText('Nothing to draw').waitFor();
    await go(page, 'Explore');
    await page.getByText('This run found no cells').first().waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
    await picture(page, 'wrong-no-cells-explore');
    await page.context().close();
  });
});

describe('400 cells', () => {
  it('are judged by keyboard alone, and every decision can be taken back after a restart', async () => {
    const own = mkdtempSync(path.join(tmpdir(), 'calyx-400-'));
    let running: RunningServer | undefined;
    try {
      const directory = path.join(own, 'library');
      const opened = await openLibrary({ directory });
      made.set('four hundred', await addMadeSession(opened, 1, 'many', { cells: 400, frames: 200, side: 256 }));
      await opened.close();
      running = await startServer(directory);
      const page = await openAt('four hundred', { address: running.address });
      await page.getByText('400 found').waitFor();
      await page.getByRole('heading', { name: /^Why \d+/ }).waitFor();
      await page.keyboard.press('a');
      await sayInitials(page, 'KB');
      for (let cell = 1; cell < 400; cell += 1) await page.keyboard.press(cell % 3 === 0 ? 'r' : 'a');
      await expectCounts(page, { accepted: 267, rejected: 133 });
      // The bar below says what is in the library, not what is on its way.
      await page.getByText('400 decisions saved').waitFor();
      await page.context().close();
      await running.stop();
      running = await startServer(directory);
      const again = await openAt('four hundred', { address: running.address });
      await again.getByText('400 found').waitFor();
      await expectCounts(again, { accepted: 267, rejected: 133 });
      for (let step = 0; step < 400; step += 1) await again.keyboard.press('Control+z');
      await expect.poll(() => counts(again), { timeout: 60_000 }).toEqual({ accepted: 0, rejected: 0, left: 400 });
      await again.context().close();
    } finally {
      await running?.stop();
      rmSync(own, { recursive: true, force: true });
    }
  });
});

describe('the engine is killed', () => {
  it('is said with the step and what to do; the next run goes on with the steps that were done', async () => {
    const own = mkdtempSync(path.join(tmpdir(), 'calyx-killed-'));
    const busy = await startServer(path.join(own, 'library'), { CALYX_SETTINGS: path.join(own, 'settings') });
    try {
      const page = await openAt('', { address: busy.address, place: 'library' });
      await openSample(page);
      await page.getByRole('button', { name: 'Run', exact: true }).click();
      const running = (): number | undefined =>
        childrenOf(busy.process.pid ?? 0).find((pid) => commandOf(pid).includes('calyx-engine'));
      await expect.poll(running, { interval: 5, timeout: 30_000 }).toBeDefined();
      const engine = running();
      if (engine === undefined) throw new Error('the engine had ended already');
      process.kill(engine, 'SIGKILL');
      await page
        .getByText(/The engine was killed \(signal 9, SIGKILL\)/)
        .first()
        .waitFor({ timeout: 5000 });
      await picture(page, 'wrong-engine-killed');
      await page
        .getByRole('button', { name: /^Run .* again$/ })
        .first()
        .click();
      await page
        .getByRole('button', { name: /^(?:Go to Review|Review .*)$/ })
        .first()
        .waitFor({ timeout: 120_000 });
      await page.context().close();
    } finally {
      await busy.stop();
      rmSync(own, { recursive: true, force: true });
    }
  });
});

describe('2,000 cells', () => {
  it('are listed, drawn and judged by key', async () => {
    const page = await openAt('crowded');
    await page.getByText('2,000 found').waitFor();
    await page.getByRole('heading', { name: /^Why \d+/ }).waitFor();
    await page.keyboard.press('a');
    await sayInitials(page, 'WS');
    for (let i = 0; i < 20; i += 1) await page.keyboard.press(i % 2 === 0 ? 'r' : 'a');
    await expect.poll(() => page.getByText('1,979 left').count(), { timeout: 10_000 }).toBe(1);
    // Only the rows in sight are in the page.
    expect(await page.getByRole('grid', { name: 'Cells' }).getByRole('row').count()).toBeLessThan(100);
    await picture(page, 'wrong-2000-cells');
    await go(page, 'Explore');
    await page.getByRole('img', { name: /^Activity of [\d,]+ cells over the recording/ }).waitFor();
    await picture(page, 'wrong-2000-cells-explore');
    await page.context().close();
  });
});

describe('ten hours', () => {
  it('can be seen as a whole, to the last frame', async () => {
    const page = await openAt('ten hours');
    await page.getByText('3 found').waitFor();
    await page.getByText('frame 0 of 720,000').waitFor();
    await page.getByLabel('Time shown').selectOption('all');
    await page.getByRole('img', { name: /^Traces of cell \d+, 0:\d\d to (?:10:00:00|9:59:\d\d)/ }).waitFor();
    await picture(page, 'wrong-ten-hours');
    const raster = page.getByRole('img', { name: /^Activity of 3 cells over the recording/ });
    await raster.waitFor();
    const box = await raster.boundingBox();
    if (box === null) throw new Error('the overview is in sight');
    await page.mouse.click(box.x + box.width - 1, box.y + box.height / 2);
    await page.getByText(/frame 71\d,\d{3} of 720,000/).waitFor();
    await go(page, 'Explore');
    await page.getByRole('img', { name: /^Activity of 3 cells over the recording/ }).waitFor();
    await page.context().close();
  });
});

describe('one frame', () => {
  it('is shown, judged and explored like any film', async () => {
    const page = await openAt('one frame');
    await page.getByText('2 found').waitFor();
    await page.getByText('frame 0 of 1').waitFor();
    for (const key of ['ArrowRight', 'Shift+ArrowRight', 'Space', 'ArrowLeft', 'e']) await page.keyboard.press(key);
    await page.getByText('frame 0 of 1').waitFor();
    await page.keyboard.press('a');
    await sayInitials(page, 'WS');
    await expectCounts(page, { accepted: 1, rejected: 0 });
    await page.getByText('The recording has one frame').waitFor();
    await picture(page, 'wrong-one-frame');
    await go(page, 'Explore');
    await page.getByRole('main', { name: 'Explore' }).getByRole('img').first().waitFor();
    await picture(page, 'wrong-one-frame-explore');
    await page.context().close();
  });
});

describe('a library that may only be read', () => {
  it('written by a newer program says so; decisions are refused with the reason and nothing is changed', async () => {
    const own = mkdtempSync(path.join(tmpdir(), 'calyx-future-'));
    try {
      const directory = path.join(own, 'library');
      const opened = await openLibrary({ directory });
      const { runUuid, sessionUuid } = await addMadeSession(opened, 1, 'ordinary', { cells: 4, frames: 100, side: 64 });
      await opened.close();
      const database = new Database(path.join(directory, 'library.sqlite'));
      const columns = database.pragma('table_info(migration)') as { readonly name: string }[];
      expect(columns.map(({ name }) => name)).toContain('id');
      const names = columns.map(({ name }) => name).join(', ');
      const values = columns.map(({ name }) => (name === 'id' ? '999999' : name)).join(', ');
      database.exec(`INSERT INTO migration (${names}) SELECT ${values} FROM migration ORDER BY id DESC LIMIT 1`);
      database.close();
      made.set('read only', { runUuid, sessionUuid });
      const reading = await startServer(directory, { CALYX_SETTINGS: path.join(own, 'settings') });
      try {
        const page = await openAt('read only', { address: reading.address });
        await page.getByText('4 found').waitFor();
        const why = page.getByRole('region', { name: /^Why \d+/ });
        await why.getByText(/newer version/).waitFor();
        await page.keyboard.press('a');
        await page.keyboard.press('a');
        await expectCounts(page, { accepted: 0, rejected: 0 });
        await picture(page, 'wrong-read-only');
        for (const place of ['Library', 'Process', 'Settings']) {
          await go(page, place);
          await page.getByRole('main', { name: place }).waitFor();
          // Seen from everywhere: nobody has to try.
          await page.getByRole('contentinfo').getByText('Library is read only').waitFor();
        }
        await go(page, 'Process');
        await page
          .getByText(/changed by a newer version of Calyx/)
          .first()
          .waitFor();
        expect(await page.getByRole('button', { name: /^Run/ }).first().isDisabled()).toBe(true);
        await picture(page, 'wrong-read-only-process');
        await page.context().close();
      } finally {
        await reading.stop();
      }
    } finally {
      rmSync(own, { recursive: true, force: true });
    }
  });
});
