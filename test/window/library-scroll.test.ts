// SPDX-License-Identifier: MIT
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openLibrary } from '../../main/library/index.ts';
import { launchChromium } from '../support/browser.ts';
import { addMadeSession } from '../support/made-run.ts';
import { startServer } from '../support/server.ts';

it('asks for no pictures of sessions that only pass by, and shows those that stay', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'calyx-scroll-'));
  const directory = path.join(folder, 'library');
  const sessions = 240;
  const opened = await openLibrary({ directory });
  try {
    for (let n = 1; n <= sessions; n += 1)
      // oxlint-disable-next-line no-await-in-loop -- one writer
      await addMadeSession(opened, n, `day ${String(n)}`, { cells: 1, frames: 4, side: 16 });
  } finally {
    await opened.close();
  }
  const server = await startServer(directory, { CALYX_SETTINGS: path.join(folder, 'settings') });
  const browser = await launchChromium();
  onTestFinished(async () => {
    await browser.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  let asked = 0;
  page.on('websocket', (line) =>
    line.on('framesent', ({ payload }) => {
      if (payload.toString().includes('thumbnail')) asked += 1;
    }),
  );
  await page.addInitScript(() => {
    sessionStorage.setItem('calyx.place', JSON.stringify({ state: { place: 'library' }, version: 0 }));
    localStorage.setItem('calyx.person', JSON.stringify({ state: { toured: true }, version: 0 }));
  });
  await page.goto(server.address);
  const grid = page.getByRole('grid', { name: 'Sessions' });
  await grid
    .getByRole('img', { name: /^Picture of/ })
    .first()
    .waitFor();
  await expect.poll(() => asked).toBeGreaterThan(4);
  // From the top to the end in leaps of a screen, one a frame.
  await grid.evaluate(async (list) => {
    while (list.scrollTop + list.clientHeight < list.scrollHeight - 1) {
      list.scrollBy(0, list.clientHeight);
      await new Promise(requestAnimationFrame);
    }
  });
  const last = grid.getByRole('row').last();
  await last.getByRole('img', { name: /^Picture of/ }).waitFor();
  expect(asked).toBeLessThan(sessions / 2);

  // A leap fills the rows anew that are there, with what lies where it went, in its order.
  const leapt = await grid.evaluate(async (list) => {
    const drawn = (): Element[] => [...list.querySelectorAll('[role="row"][aria-rowindex]')];
    const before = new Set(drawn());
    list.scrollTop = list.scrollHeight / 3;
    for (let i = 0; i < 3; i += 1) await new Promise(requestAnimationFrame);
    const after = drawn();
    return {
      kept: after.filter((row) => before.has(row)).length,
      all: after.length,
      rows: after.map((row) => ({
        index: Number(row.getAttribute('aria-rowindex')),
        key: row.id,
        name: row.getAttribute('aria-label'),
        text: row.textContent,
        top: row.getBoundingClientRect().top,
      })),
    };
  });
  expect(leapt.kept).toBeGreaterThan(leapt.all / 2);
  expect(new Set(leapt.rows.map(({ key }) => key)).size).toBe(leapt.all);
  for (const [at, row] of leapt.rows.entries()) {
    expect(row.text).toContain(row.name);
    if (at > 0) expect(row.top).toBeGreaterThan(leapt.rows[at - 1]?.top ?? 0);
    if (at > 0) expect(row.index).toBeGreaterThan(leapt.rows[at - 1]?.index ?? 0);
  }
});
