// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { picture } from '../support/journey.ts';
import { ready, review, showPanel, useBrowser } from '../support/review-window.ts';

useBrowser();

describe('the map', () => {
  it('lies over the footprints, too, and tells the engine’s word where it is asked and not hidden', async () => {
    const { page } = await review({ cells: 6, frames: 400 });
    await ready(page);
    const map = page.getByRole('region', { name: 'Map' });
    await map.getByRole('radio', { name: 'A', exact: true }).click();
    await map.getByRole('img', { name: /^footprints, each to its maximum with 6 outlines/ }).waitFor();
    await map.getByText('footprints, each to its maximum, 0.00 to 1.00').waitFor();
    // No cell is decided: while the machine's opinion is hidden, its outlines tell nothing.
    await map.getByRole('combobox', { name: 'What the outlines tell' }).selectOption('suggestion');
    await map.getByText('suggestions of decided cells').waitFor();
    await page.keyboard.press('h');
    await map.getByText('outlines: suggestions').waitFor();
    await picture(page, 'review-map-footprints');
  });
});

describe('Drawing in Review', () => {
  it('makes no graphics context anew when Review is left and opened again, and shows the picture it should', async () => {
    const { page } = await review({ cells: 60, frames: 400 }, { beside: true });
    await ready(page);
    await showPanel(page, 'Head');
    await page.getByRole('img', { name: /^Head turned by/ }).waitFor();
    await page.addInitScript(() => {
      const made = { contexts: 0 };
      Object.assign(globalThis, { made });
      // oxlint-disable-next-line typescript/unbound-method -- it is called on the canvas it is asked of
      const { getContext } = HTMLCanvasElement.prototype;
      const known = new WeakSet<HTMLCanvasElement>();
      HTMLCanvasElement.prototype.getContext = function noted(this: HTMLCanvasElement, ...given: [string, unknown?]) {
        if (given[0] === 'webgl2' && !known.has(this)) made.contexts += 1;
        known.add(this);
        return Reflect.apply(getContext, this, given) as null;
      };
    });
    await page.reload();
    const map = page.locator('[data-scope="map"] [role="img"]');
    const contexts = () => page.evaluate(() => (Reflect.get(globalThis, 'made') as { contexts: number }).contexts);
    const opened = async (): Promise<void> => {
      await ready(page);
      await page.getByRole('img', { name: /^Head turned by/ }).waitFor();
      await page.locator('section[aria-label="Map"] [role="status"]').waitFor({ state: 'detached' });
      await page.getByText(/, \d[\d.]* to \d/).waitFor();
    };
    await opened();
    const first = await contexts();
    // Two pictures alike: it has settled.
    let before = await map.screenshot();
    await expect
      .poll(async () => {
        const last = before;
        before = await map.screenshot();
        return last.equals(before);
      })
      .toBe(true);
    for (let round = 0; round < 10; round += 1) {
      await page.keyboard.press('Control+4');
      await page.getByRole('grid', { name: 'Sessions' }).waitFor();
      await map.waitFor({ state: 'detached' });
      await page.keyboard.press('Control+1');
      await opened();
    }
    expect(await contexts()).toBe(first);
    await expect.poll(async () => before.equals(await map.screenshot())).toBe(true);
  });

  it('leaves thin lines and small pictures to the processor, and draws all outlines in one go', async () => {
    const { page } = await review({ cells: 60, frames: 400 });
    await ready(page);
    await page.locator('[data-scope="raster"] canvas').waitFor();
    // A driver that is stood in for draws lines so slowly that a key may wait for seconds.
    const pens = await page.evaluate(() =>
      ['traces', 'raster'].map((scope) =>
        document
          .querySelector<HTMLCanvasElement>(`[data-scope="${scope}"] canvas`)
          ?.getContext('2d')
          ?.getContextAttributes(),
      ),
    );
    expect(pens).toMatchObject([{ willReadFrequently: true }, { willReadFrequently: true }]);

    // Another picture lies under all outlines anew: so many drawings as there are layers, not one for each piece of a line.
    const map = page.locator('[data-scope="map"] canvas');
    await map.evaluate((canvas: HTMLCanvasElement) => {
      const gl = canvas.getContext('webgl2');
      if (gl === null) throw new Error('no WebGL2');
      const drawn = { calls: 0, instances: 0 };
      Object.assign(canvas, { drawn });
      const draw = gl.drawArrays.bind(gl);
      const drawInstances = gl.drawArraysInstanced.bind(gl);
      gl.drawArrays = (...given) => {
        drawn.calls += 1;
        draw(...given);
      };
      gl.drawArraysInstanced = (...given) => {
        drawn.instances += given[3];
        drawInstances(...given);
      };
    });
    const label = () => page.locator('[data-scope="map"] [role="img"]').getAttribute('aria-label');
    const before = await label();
    await page.keyboard.press('b');
    await expect.poll(label).not.toBe(before);
    const drawn = () => map.evaluate((canvas) => Reflect.get(canvas, 'drawn') as { calls: number; instances: number });
    await expect.poll(async () => (await drawn()).calls).toBeGreaterThan(1);
    const { calls, instances } = await drawn();
    expect(instances).toBe(0);
    expect(calls).toBeLessThan(24);

    // The next cell draws nothing of the picture: its outline lies over it. And its traces are there: several are asked for at a time.
    await page.evaluate(() => {
      const sent: string[] = [];
      Object.assign(globalThis, { sent });
      // oxlint-disable-next-line typescript/unbound-method -- it is called on the socket it is sent by
      const { send } = WebSocket.prototype;
      WebSocket.prototype.send = function noted(data) {
        if (typeof data === 'string') sent.push(data);
        send.call(this, data);
      };
    });
    const chosen = page.locator('[data-mark="chosen"] path').first();
    const outlines = new Set([await chosen.getAttribute('d')]);
    const quiet = await drawn();
    for (let i = 0; i < 6; i += 1) {
      const selected = await page.locator('[data-scope="why"]').getAttribute('aria-label');
      await page.keyboard.press('ArrowDown');
      await expect.poll(() => page.locator('[data-scope="why"]').getAttribute('aria-label')).not.toBe(selected);
      outlines.add(await chosen.getAttribute('d'));
    }
    expect(outlines.size).toBe(7);
    expect(await drawn()).toEqual(quiet);
    const sent = await page.evaluate(() => Reflect.get(globalThis, 'sent') as string[]);
    expect(sent.filter((text) => text.includes('deconvolved')).length).toBeLessThan(4);
  });
});
