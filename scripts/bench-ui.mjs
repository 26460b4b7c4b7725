// SPDX-License-Identifier: MIT
// How quickly Review answers a person, in Chromium with software drawing, against a server on this machine.
//   npm run bench:ui [-- --cells N --frames N --samples N --note text --out file]
// A made-up reviewed run of 500 cells × 36,000 frames (traces with their pyramids, footprints, pictures) and a short film of 608 × 608 raw frames. The page's own
// clock measures: from a key or a click to the drawing that shows its effect. Writes docs/bench/ui.json; budgets are in the file beside the figures.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { openLibrary } from '../main/library/index.ts';
import { greyAvi } from '../test/support/avi.ts';
import { launchChromium } from '../test/support/browser.ts';
import { newRun, newSession, seededNumbers } from '../test/support/library-data.ts';
import { npyBytes, pyramidLevels, sparseBytes } from '../test/support/run-folder.ts';
import { startServer } from '../test/support/server.ts';
import { root, run as spawn } from './lib.mjs';

const { values: options } = parseArgs({
  options: {
    cells: { type: 'string', default: '500' },
    frames: { type: 'string', default: '36000' },
    samples: { type: 'string', default: '200' },
    note: { type: 'string', default: '' },
    out: { type: 'string', default: path.join(root, 'docs', 'bench', 'ui.json') },
  },
});
const [cells, frames, samples] = [Number(options.cells), Number(options.frames), Number(options.samples)];
const side = 304;
const film = { side: 608, frames: 120 };
const random = seededNumbers(5);

/** Activity with events that decay; minima and maxima of all levels of its pyramid come with it. */
function trace(length) {
  const values = new Float32Array(length);
  let level = 0;
  for (let t = 0; t < length; t += 1) {
    level = level * 0.97 + (random() < 0.004 ? 20 + 30 * random() : 0);
    values[t] = level + random() - 0.5;
  }
  return values;
}

function pyramid(values) {
  const out = [];
  let [low, high] = [values, values];
  for (const buckets of pyramidLevels(values.length)) {
    const [lows, highs] = [new Float32Array(buckets), new Float32Array(buckets)];
    for (let i = 0; i < buckets; i += 1) {
      let [least, most] = [Infinity, -Infinity];
      for (let j = 4 * i; j < Math.min(low.length, 4 * i + 4); j += 1) {
        least = Math.min(least, low[j]);
        most = Math.max(most, high[j]);
      }
      lows[i] = least;
      highs[i] = most;
      out.push(least, most);
    }
    [low, high] = [lows, highs];
  }
  return Float32Array.from(out);
}

/** Writes a run folder as the engine does. */
function writeRunFolder(folder, { count, length, height, width }) {
  const places = Array.from({ length: count }, () => ({
    y: 8 + random() * (height - 16),
    x: 8 + random() * (width - 16),
  }));
  const rows = places.map(({ y, x }) => {
    const entries = [];
    for (let v = Math.floor(y - 5); v <= y + 5; v += 1) {
      for (let u = Math.floor(x - 5); u <= x + 5; u += 1) {
        const value = Math.exp(-((v - y) ** 2 + (u - x) ** 2) / 14);
        if (value > 0.1) entries.push([v * width + u, value]);
      }
    }
    return entries;
  });
  const picture = Float32Array.from({ length: height * width }, () => random());
  for (const row of rows) for (const [pixel, value] of row) picture[pixel] += value;
  const files = {
    'footprints.npz': sparseBytes(rows, height * width),
    'time.npy': npyBytes(
      [length],
      Float64Array.from({ length }, (_, t) => t / 20),
    ),
    ...Object.fromEntries(
      ['mean', 'correlation'].map((name) => [`images/${name}.npy`, npyBytes([height, width], picture)]),
    ),
  };
  const levels = pyramidLevels(length);
  const per = 2 * levels.reduce((sum, buckets) => sum + buckets, 0);
  for (const kind of ['raw', 'denoised', 'deconvolved']) {
    const all = new Float32Array(count * length);
    const pairs = new Float32Array(count * per);
    for (let k = 0; k < count; k += 1) {
      const values = trace(length);
      all.set(values, k * length);
      pairs.set(pyramid(values), k * per);
    }
    files[`traces/${kind}.npy`] = npyBytes([count, length], all);
    files[`traces/${kind}.pyramid.npy`] = npyBytes([count, per], pairs);
  }
  files['run.json'] = Buffer.from(
    JSON.stringify({
      formatVersion: 1,
      components: count,
      frames: length,
      height,
      width,
      fps: 20,
      chosen: { diameterPx: 8 },
      pyramid: { factor: 4, levels },
      files: Object.keys(files).map((name) => ({ path: name })),
    }),
  );
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), bytes);
  }
  return places.map(({ y, x }, row) => ({
    row,
    centroid: { y, x },
    box: { top: Math.floor(y - 5), left: Math.floor(x - 5), height: 11, width: 11 },
    suggested: random() > 0.2,
    reasons: [],
    metrics: {
      snr: 3 + 9 * random(),
      rValue: 0.6 + 0.4 * random(),
      areaPx: 60 + 40 * random(),
      events: 30,
      diameterPx: 8,
    },
  }));
}

async function makeLibrary(folder) {
  const films = path.join(folder, 'film', 'Miniscope');
  mkdirSync(films, { recursive: true });
  writeFileSync(path.join(films, '0.avi'), greyAvi(film.frames, film.side, film.side));
  const library = await openLibrary({ directory: path.join(folder, 'library') });
  try {
    const add = async (n, name, session, size) => {
      const { session: made } = await library.sessions.insert(newSession(n, { name, ...session }));
      const made1 = await library.runs.create(newRun(made.recordings[0].uuid));
      await library.runs.claim({ runUuid: made1.uuid });
      await library.runs.finish(made1.uuid, { cells: writeRunFolder(library.runFolder(made1.uuid), size), arrays: [] });
      return made1.uuid;
    };
    const recording = (height, length, files) => ({
      ...newSession(1).recordings[0],
      height,
      width: height,
      frames: length,
      files,
    });
    const gone = [{ path: 'Miniscope/0.avi', frames, bytes: 1 }];
    const here = [{ path: 'Miniscope/0.avi', frames: film.frames, bytes: statSync(path.join(films, '0.avi')).size }];
    const large = await add(
      1,
      'large',
      { recordings: [recording(side, frames, gone)] },
      { count: cells, length: frames, height: side, width: side },
    );
    const moving = await add(
      2,
      'film',
      {
        folder: path.join(folder, 'film'),
        recordings: [{ ...recording(film.side, film.frames, here), codec: 'GREY' }],
      },
      { count: 20, length: film.frames, height: film.side, width: film.side },
    );
    // Half of it is reviewed, as a session one comes back to.
    const rater = await library.curation.addRater({ initials: 'BN' });
    const uuids = (await library.runs.cells(large)).map(({ uuid }) => uuid);
    const half = uuids.slice(0, Math.floor(cells / 2));
    await library.curation.decide({
      runUuid: large,
      raterUuid: rater.uuid,
      cellUuids: half,
      to: 'accepted',
      context: {},
    });
    return { large, moving };
  } finally {
    await library.close();
  }
}

/** 95th percentile and maximum, ms. */
function spread(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share) => Math.round(10 * sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]) / 10;
  return { samples: sorted.length, medianMs: at(0.5), p95Ms: at(0.95), maxMs: at(1) };
}

/** What index.html loads before anything is asked for, gzipped. */
function initialBytes() {
  const folder = path.join(root, 'out', 'renderer');
  const html = readFileSync(path.join(folder, 'index.html'), 'utf8');
  const names = [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.(?:js|css))"/g)].map((found) => found[1]);
  const size = (name) => gzipSync(readFileSync(path.join(folder, name))).length;
  const all = readdirSync(path.join(folder, 'assets')).filter((name) => /\.(?:js|css)$/.test(name));
  return {
    gzippedBytes: names.reduce((sum, name) => sum + size(name), 0),
    files: names.length,
    loadedLaterGzippedBytes: all
      .map((name) => `assets/${name}`)
      .filter((name) => !names.includes(name))
      .reduce((sum, name) => sum + size(name), 0),
  };
}

/** Opens a run by the window's own kept place and measures from the navigation's start. */
async function openRun(page, address, runUuid) {
  await page.goto(address);
  await page.getByRole('navigation', { name: 'Places' }).waitFor();
  await page.evaluate((uuid) => {
    sessionStorage.setItem(
      'calyx.place',
      JSON.stringify({
        state: { place: 'review', sessionUuid: null, runUuid: uuid, followedRunUuid: null },
        version: 0,
      }),
    );
    localStorage.setItem('calyx.blind', JSON.stringify({ state: { blind: false }, version: 0 }));
  }, runUuid);
  await page.reload();
  return await page.evaluate(async () => {
    const until = async (test) => {
      for (;;) {
        const found = test();
        if (found) return performance.now();
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
    };
    const panel = (name) => document.querySelector(`section[aria-label="${name}"]`);
    const firstPictureMs = await until(() => panel('Map')?.textContent?.includes(' to '));
    const interactiveMs = await until(
      () =>
        (document.querySelector('[data-scope="traces"]')?.getAttribute('aria-label') ?? '').startsWith('Cell ') &&
        !document.querySelector('[data-scope="traces"]')?.textContent?.includes('Opening') &&
        !panel('Map')?.textContent?.includes('Drawing'),
    );
    return { firstPictureMs: Math.round(firstPictureMs), interactiveMs: Math.round(interactiveMs) };
  });
}

/** From a key to the drawing after its effect can be seen, for each press. */
function keys(page, key, count, seen) {
  return page.evaluate(
    async ({ key, count, seen }) => {
      const state = () =>
        seen === 'selection'
          ? document.querySelector('[data-scope="why"]')?.getAttribute('aria-label')
          : document.querySelector('section[aria-label="Cells"] [role="status"]')?.textContent;
      const times = [];
      for (let i = 0; i < count; i += 1) {
        const before = state();
        const from = performance.now();
        window.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
        while (state() === before && performance.now() - from < 2000)
          await new Promise((resolve) => requestAnimationFrame(resolve));
        // The frame in which it is on the screen.
        await new Promise((resolve) => requestAnimationFrame(resolve));
        times.push(performance.now() - from);
      }
      return times;
    },
    { key, count, seen },
  );
}

/** Changes of something a second while it is being moved. */
function rate(page, what) {
  return page.evaluate(async (what) => {
    const target =
      what === 'scrub'
        ? document.querySelector('section[aria-label="Movie"] canvas')
        : document.querySelector('[data-scope="traces"] [role="img"]');
    let changes = 0;
    const observer = new MutationObserver(() => (changes += 1));
    observer.observe(target, { attributes: true, attributeFilter: ['aria-label'] });
    const from = performance.now();
    let step = 0;
    while (performance.now() - from < 5000) {
      step += 1;
      if (what === 'scrub')
        window.dispatchEvent(
          new KeyboardEvent('keydown', { key: step % 200 < 100 ? 'ArrowRight' : 'ArrowLeft', bubbles: true }),
        );
      else {
        const box = target.getBoundingClientRect();
        target.dispatchEvent(
          new WheelEvent('wheel', {
            deltaY: step % 60 < 30 ? 12 : -12,
            clientX: box.left + box.width / 2,
            clientY: box.top + 20,
            bubbles: true,
            cancelable: true,
          }),
        );
      }
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
    observer.disconnect();
    return Math.round((10 * changes * 1000) / (performance.now() - from)) / 10;
  }, what);
}

const folder = mkdtempSync(path.join(tmpdir(), 'calyx-bench-ui-'));
try {
  const { large, moving } = await makeLibrary(folder);
  const server = await startServer(path.join(folder, 'library'));
  const browser = await launchChromium();
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await page.addInitScript(() => {
      window.blocked = [];
      new PerformanceObserver((list) =>
        list.getEntries().forEach(({ duration }) => window.blocked.push(duration)),
      ).observe({ type: 'longtask', buffered: true });
    });
    const opened = await openRun(page, server.address, large);
    await page.waitForTimeout(3000);
    const loadBlocked = await page.evaluate(() => window.blocked.splice(0));
    const nextCell = await keys(page, 'ArrowDown', samples, 'selection');
    await page.evaluate(
      (rater) => localStorage.setItem('calyx.person', rater),
      JSON.stringify({ state: { rater: null, theme: 'dark' }, version: 0 }),
    );
    const trace = await rate(page, 'trace');
    const workBlocked = await page.evaluate(() => window.blocked.splice(0));
    const outlines = [];
    for (let i = 0; i < 4; i += 1) outlines.push(...(await keys(page, 'ArrowUp', Math.ceil(samples / 4), 'selection')));
    await openRun(page, server.address, moving);
    await page.waitForTimeout(2000);
    const scrub = await rate(page, 'scrub');
    const commit = (await spawn('git', ['rev-parse', '--short', 'HEAD'], { capture: true })).output.trim();
    const figures = {
      bench: 'ui',
      commit,
      machine: { processor: cpus()[0]?.model ?? 'unknown', cores: cpus().length, loadAverage: loadavg()[0] },
      note: options.note,
      size: { cells, frames, film },
      open: { ...opened, budget: { firstPictureMs: 1000, interactiveMs: 2000 } },
      nextCell: { ...spread(nextCell), budgetMs: 50 },
      inputToReaction: { ...spread([...nextCell, ...outlines]), budgetMs: 100 },
      tracePanZoomFps: { value: trace, budget: 30 },
      scrubRawGreyFps: { value: scrub, budget: 15 },
      mainThreadBlocked: {
        whileOpening: { count: loadBlocked.length, maxMs: Math.max(0, ...loadBlocked) },
        whileReviewing: { count: workBlocked.length, maxMs: Math.max(0, ...workBlocked) },
        budgetMs: 50,
      },
      initialBundle: { ...initialBytes(), budgetBytes: 600_000 },
    };
    writeFileSync(options.out, `${JSON.stringify(figures, null, 2)}\n`);
    console.log(JSON.stringify(figures, null, 2));
  } finally {
    await browser.close();
    await server.stop();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
