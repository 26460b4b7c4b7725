// SPDX-License-Identifier: MIT
// What bench:ui does in the page. Keys and wheels are the browser's own; the page's clock measures from the input to the frame that shows its effect.

/** Put into every page before its own scripts: notes long tasks, counts drawings of plots, waits for effects. */
export function instrument() {
  const bench = { blocked: [], drawn: 0, reacted: undefined };
  window.bench = bench;
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) bench.blocked.push(Math.round(duration));
  });
  observer.observe({ type: 'longtask', buffered: true });
  // A plot clears its canvas each time it draws.
  // oxlint-disable-next-line typescript/unbound-method -- it is called on the canvas that is cleared
  const { clearRect } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.clearRect = function cleared(...box) {
    if (this.canvas.closest('[data-scope="traces"]') !== null) bench.drawn += 1;
    return clearRect.apply(this, box);
  };
  const label = (selector) => document.querySelector(selector)?.getAttribute('aria-label') ?? '';
  const traces = () => document.querySelector('[data-scope="traces"] [role="img"]');
  /** What an effect is seen by: it changes when the effect is on the page. */
  const seen = {
    selection: () => label('[data-scope="why"]'),
    traces: () => (traces()?.getAttribute('aria-busy') === 'false' ? label('[data-scope="traces"]') : undefined),
    counts: () => document.querySelector('section[aria-label="Cells"] [role="status"]')?.textContent ?? '',
    picture: () => label('[data-scope="map"] [role="img"]'),
    cursor: () => document.querySelector('[data-scope="raster"] canvas ~ .on-well span')?.getAttribute('style') ?? '',
    place: () => label('main'),
    dialog: () => String(document.querySelector('dialog[open]') !== null),
    row: () => document.querySelector('main [role="grid"]')?.getAttribute('aria-activedescendant') ?? '',
  };
  bench.seen = (what) => seen[what]();
  const painted = () =>
    new Promise((resolve) => {
      requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.addEventListener('message', () => resolve(performance.now()), { once: true });
        channel.port1.start();
        channel.port2.postMessage(null);
      });
    });
  /** Waits for the next key and the frame that shows what it did. */
  bench.arm = (what) => {
    const before = seen[what]();
    let from;
    addEventListener('keydown', (event) => (from = event.timeStamp), { capture: true, once: true });
    bench.reacted = (async () => {
      for (;;) {
        const at = await painted();
        const now = seen[what]();
        // What is seen after a frame was painted may be of the next one: it counts when that is painted, too.
        if (from !== undefined && now !== undefined && now !== before) return at - from;
        if (from !== undefined && at - from > 3000) throw new Error(`no effect on “${what}” within 3 s, still ${now}`);
      }
    })();
    bench.reacted.catch(() => undefined);
  };
  /** Times between frames while something is done at each of them, ms. */
  bench.during = async (ms, act) => {
    const gaps = [];
    let last = await new Promise(requestAnimationFrame);
    const end = last + ms;
    for (let step = 0; last < end; step += 1) {
      act(step);
      const now = await new Promise(requestAnimationFrame);
      gaps.push(now - last);
      last = now;
    }
    return gaps;
  };
}

/** Waits in the page until a test holds; ends with a sentence when it does not. Gives the page's time. */
async function until(page, what, test, limitMs = 30_000) {
  try {
    const handle = await page.waitForFunction(test, undefined, { polling: 'raf', timeout: limitMs });
    return await handle.jsonValue();
  } catch {
    const text = await page.evaluate(() => document.body.innerText.slice(0, 1500));
    throw new Error(`bench:ui waited ${limitMs / 1000} s for ${what}. On the page:\n${text}`);
  }
}

/** Long tasks since the last question. */
export const blocked = (page) => page.evaluate(() => window.bench.blocked.splice(0));

/** Opens the window at a place with a person who sees all scores. */
export async function openWindow(page, address, rater, place) {
  await page.addInitScript(
    ({ rater: person, place: kept }) => {
      if (sessionStorage.getItem('calyx.place') === null)
        sessionStorage.setItem('calyx.place', JSON.stringify({ state: kept, version: 0 }));
      localStorage.setItem('calyx.blind', JSON.stringify({ state: { blind: false }, version: 0 }));
      localStorage.setItem(
        'calyx.person',
        JSON.stringify({ state: { rater: person, theme: 'dark', toured: true }, version: 0 }),
      );
    },
    { rater, place },
  );
  await page.goto(address);
}

/** From the navigation's start to the first picture, and to where cells can be judged. */
export async function openRun(page) {
  const firstPictureMs = await until(page, 'the map', () => {
    const map = document.querySelector('section[aria-label="Map"]');
    return map?.textContent?.includes(' to ') === true ? performance.now() : false;
  });
  const interactiveMs = await until(page, 'map, list and traces', () => {
    const ready =
      document.querySelector('[data-scope="traces"] [role="img"]')?.getAttribute('aria-busy') === 'false' &&
      document.querySelector('section[aria-label="Map"] [role="status"]') === null;
    return ready ? performance.now() : false;
  });
  return { firstPictureMs: Math.round(firstPictureMs), interactiveMs: Math.round(interactiveMs) };
}

/** From a key to the frame that shows its effect, ms; one number a press. */
export async function press(page, key, what, count = 1) {
  const times = [];
  for (let i = 0; i < count; i += 1) {
    await page.evaluate((seen) => window.bench.arm(seen), what);
    await page.keyboard.press(key);
    try {
      times.push(await page.evaluate(() => window.bench.reacted));
    } catch (error) {
      throw new Error(`bench:ui pressed ${key}: ${error.message.split('\n')[0]}`, { cause: error });
    }
  }
  return times;
}

/** A person's work in all places, one key after another: each is a pair of a key and what it changes. */
const work = [
  ['ArrowDown', 'selection'],
  ['b', 'picture'],
  ['a', 'counts'],
  ['Control+z', 'counts'],
  ['ArrowUp', 'selection'],
  ['ArrowRight', 'cursor'],
  ['Control+k', 'dialog'],
  ['Escape', 'dialog'],
  ['Control+4', 'place'],
  ['ArrowDown', 'row'],
  ['Control+2', 'place'],
  ['Control+3', 'place'],
  ['Control+,', 'place'],
  ['Control+1', 'place'],
];

/** Reactions of the whole window, ms by what was pressed. */
export async function reactions(page, rounds) {
  const times = {};
  for (let round = 0; round < rounds; round += 1) {
    for (const [wanted, what] of work) {
      // A short list ends: down and up again.
      const key = what === 'row' && round > 0 && round % 2 === 0 ? 'ArrowUp' : wanted;
      if (what === 'row') await page.getByRole('grid').first().focus();
      (times[`${wanted} (${what})`] ??= []).push(...(await press(page, key, what)));
      // Back in Review: what is asked must be there before the next key.
      if (key === 'Control+1') await openRun(page);
    }
  }
  return times;
}

/** Drawings a second of the traces while the wheel turns, or while they are dragged along. */
export async function traceRate(page, ms) {
  const { gaps, drawn } = await page.evaluate(async (duration) => {
    const target = document.querySelector('[data-scope="traces"] [role="img"]');
    const box = target.getBoundingClientRect();
    window.bench.drawn = 0;
    const times = await window.bench.during(duration, (step) =>
      target.dispatchEvent(
        new WheelEvent('wheel', {
          deltaY: step % 60 < 30 ? 12 : -12,
          shiftKey: step % 240 >= 120,
          clientX: box.left + box.width / 3,
          clientY: box.top + 20,
          bubbles: true,
          cancelable: true,
        }),
      ),
    );
    return { gaps: times, drawn: window.bench.drawn };
  }, ms);
  return { fps: perSecond(drawn, gaps), frames: drawn, worstGapMs: Math.round(Math.max(...gaps)) };
}

/** New frames of the film a second while the cursor is dragged through it and back, and while it is stepped. */
export async function scrubRate(page, ms) {
  await until(page, 'the film', () => {
    const movie = document.querySelector('[data-scope="movie"]');
    return movie?.querySelector('[role="status"]') === null && movie.querySelector('canvas') !== null;
  });
  const { gaps, shown } = await page.evaluate(async (duration) => {
    const picture = document.querySelector('[data-scope="movie"] [role="img"]');
    let changes = 0;
    const observer = new MutationObserver(() => (changes += 1));
    observer.observe(picture, { attributes: true, attributeFilter: ['aria-label'] });
    const raster = document.querySelector('[data-scope="raster"] canvas').parentElement;
    const box = raster.getBoundingClientRect();
    const times = await window.bench.during(duration, (step) => {
      // Through the whole film in four seconds of 60 frames, and back.
      const share = Math.abs(((step / 240) % 2) - 1);
      raster.dispatchEvent(
        new PointerEvent('pointermove', {
          buttons: 1,
          clientX: box.left + (1 - share) * box.width,
          clientY: box.top + box.height / 2,
          bubbles: true,
        }),
      );
    });
    observer.disconnect();
    return { gaps: times, shown: changes };
  }, ms);
  return { fps: perSecond(shown, gaps), frames: shown, worstGapMs: Math.round(Math.max(...gaps)) };
}

/** Frames of the window while the list of sessions is scrolled from its top to its end. */
export async function scrollLibrary(page, ms) {
  await until(
    page,
    'the list of sessions',
    () => document.querySelector('[role="grid"][aria-label="Sessions"]') !== null,
  );
  await page.waitForTimeout(2000);
  return await page.evaluate(async (duration) => {
    const grid = document.querySelector('[role="grid"][aria-label="Sessions"]');
    const far = grid.scrollHeight - grid.clientHeight;
    const gaps = await window.bench.during(duration, (step) => {
      // As a wheel does it, 100 px a notch; then in leaps, as by the scroll bar.
      if (step % 300 < 200) grid.scrollBy(0, 100);
      else grid.scrollTop = (far * ((step * 37) % 100)) / 100;
    });
    return { rows: Number(grid.getAttribute('aria-rowcount')), gaps };
  }, ms);
}

function perSecond(count, gaps) {
  return Math.round((10_000 * count) / gaps.reduce((sum, gap) => sum + gap, 0)) / 10;
}
