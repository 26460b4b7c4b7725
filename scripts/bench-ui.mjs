// SPDX-License-Identifier: MIT
// How quickly the window answers a person, in Chromium with software drawing, against a server on this machine. Writes docs/bench/ui.json.
//   npm run bench:ui [-- --cells N --frames N --samples N --only open,keys,traces,scrub,library,hour --minutes N --note text --out file]
// A made-up reviewed run of 500 cells × 36,000 frames, films of 608 × 608 as grey and as FFV1, and a library of 5,000 sessions. `hour` runs only when it is asked
// for: an hour of review by a script, and what the page's memory has become. Every wait has an end; what was waited for is said.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { launchChromium } from '../test/support/browser.ts';
import { startServer } from '../test/support/server.ts';
import { makeReviewLibrary, makeSessionsLibrary } from './bench-ui-library.mjs';
import {
  blocked,
  instrument,
  openRun,
  openWindow,
  press,
  reactions,
  scrollLibrary,
  scrubRate,
  traceRate,
} from './bench-ui-page.mjs';
import { root, run as spawn } from './lib.mjs';

const { values: options } = parseArgs({
  options: {
    cells: { type: 'string', default: '500' },
    frames: { type: 'string', default: '36000' },
    film: { type: 'string', default: '600' },
    sessions: { type: 'string', default: '5000' },
    samples: { type: 'string', default: '200' },
    only: { type: 'string', default: 'open,keys,traces,scrub,library' },
    minutes: { type: 'string', default: '60' },
    note: { type: 'string', default: '' },
    out: { type: 'string', default: path.join(root, 'docs', 'bench', 'ui.json') },
  },
});
const [cells, frames, filmFrames, sessions, samples, minutes] = [
  'cells',
  'frames',
  'film',
  'sessions',
  'samples',
  'minutes',
].map((name) => Number(options[name]));
const wanted = new Set(options.only.split(','));
const say = (text) => process.stderr.write(`${text}\n`);
const rounded = (value) => Math.round(10 * value) / 10;

/** Median, 95th percentile and maximum, ms. */
function spread(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share) => rounded(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]);
  return { samples: sorted.length, medianMs: at(0.5), p95Ms: at(0.95), maxMs: at(1) };
}

const longTasks = (times) => ({ count: times.length, maxMs: Math.max(0, ...times) });

/** What index.html loads before anything is asked for, gzipped. */
function initialBundle() {
  const folder = path.join(root, 'out', 'renderer');
  const html = readFileSync(path.join(folder, 'index.html'), 'utf8');
  const names = [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.(?:js|css))"/g)].map((found) => found[1]);
  const total = (files) => files.reduce((sum, name) => sum + gzipSync(readFileSync(path.join(folder, name))).length, 0);
  const all = readdirSync(path.join(folder, 'assets'))
    .filter((name) => /\.(?:js|css)$/.test(name))
    .map((name) => `assets/${name}`);
  const later = all.filter((name) => !names.includes(name));
  return {
    gzippedBytes: total(names),
    files: names.length,
    loadedLaterGzippedBytes: total(later),
    budgetBytes: 600_000,
  };
}

/** Does the work of one part with a server and a window of its own. */
async function withWindow(browser, library, rater, place, work) {
  const server = await startServer(library);
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const faults = [];
  try {
    const page = await context.newPage();
    page.on('pageerror', (error) => faults.push(error.message));
    await page.addInitScript(instrument);
    await openWindow(page, server.address, rater, place);
    const figures = await work(page);
    if (faults.length > 0) throw new Error(`The window failed: ${faults.join('; ')}`);
    return figures;
  } finally {
    await context.close();
    await server.stop();
  }
}

const reviewing = (runUuid) => ({ place: 'review', sessionUuid: null, runUuid, followedRunUuid: null });

/** The page's memory after everything that can be freed was freed, bytes: its objects, then what its process and the one that draws hold in all (Linux). */
async function memoryOf(session, browserSession) {
  for (let i = 0; i < 3; i += 1) await session.send('HeapProfiler.collectGarbage');
  const heap = (await session.send('Runtime.getHeapUsage')).usedSize;
  const { processInfo } = await browserSession.send('SystemInfo.getProcessInfo');
  const anonymous = (type) =>
    processInfo.filter((one) => one.type === type).reduce((sum, { id }) => sum + anonymousBytes(id), 0);
  return { heap, page: anonymous('renderer'), drawing: anonymous('GPU') };
}

function anonymousBytes(pid) {
  if (process.platform !== 'linux') return NaN;
  return 1024 * Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** Review by a script for so many minutes: cells, pictures, decisions, undo, film, places. */
async function longReview(page, browser) {
  const session = await page.context().newCDPSession(page);
  const browserSession = await browser.newBrowserCDPSession();
  await openRun(page);
  // What is kept for good is made in the first minute.
  const warm = Date.now() + Math.min(60_000, minutes * 6000);
  const end = Date.now() + minutes * 60_000;
  let start;
  let keys = 0;
  const round = (on, back) => [
    on,
    'a',
    'b',
    on,
    'r',
    'e',
    'z',
    'v',
    'Space',
    back,
    'u',
    'z',
    'Control+z',
    'o',
    'Control+2',
    'Control+1',
    'o',
  ];
  const curve = [];
  for (let rounds = 0; Date.now() < end; rounds += 1) {
    // From cell to cell, 400 down the list and 400 up again.
    const isDown = Math.floor(rounds / 400) % 2 === 0;
    for (const key of isDown ? round('ArrowDown', 'ArrowUp') : round('ArrowUp', 'ArrowDown')) {
      await page.keyboard.press(key);
      await page.waitForTimeout(120);
      keys += 1;
    }
    if (start === undefined && Date.now() > warm) start = await memoryOf(session, browserSession);
    if (rounds % 30 === 0) curve.push(await memoryOf(session, browserSession));
  }
  const last = await memoryOf(session, browserSession);
  start ??= last;
  const grown = (what) => ({
    startBytes: start[what],
    endBytes: last[what],
    growthBytes: last[what] - start[what],
    curveMb: curve.map((one) => Math.round(one[what] / 1e5) / 10),
  });
  return {
    minutes,
    keys,
    ...grown('heap'),
    processes: { page: grown('page'), drawing: grown('drawing') },
    budgetBytes: 50_000_000,
    browser: browser.version(),
  };
}

const budgeted = (times) => ({ ...longTasks(times), budgetMs: 50 });

/** Opens the large run several times, each in a new window of a new server. */
async function measureOpen(inReview, runUuid) {
  const opened = [];
  const tasks = [];
  for (let i = 0; i < 5; i += 1) {
    await inReview(runUuid, async (page) => {
      opened.push(await openRun(page));
      await page.waitForTimeout(1500);
      tasks.push(...(await blocked(page)));
    });
  }
  const figure = (name, budgetMs) => {
    const times = opened.map((one) => one[name]).toSorted((a, b) => a - b);
    return { medianMs: times[Math.floor(times.length / 2)], maxMs: times.at(-1), budgetMs };
  };
  return {
    times: opened.length,
    firstPicture: figure('firstPictureMs', 1000),
    interactive: figure('interactiveMs', 2000),
    blocked: budgeted(tasks),
  };
}

/** From cell to cell, then through all places. */
async function measureKeys(page) {
  await openRun(page);
  await page.waitForTimeout(2000);
  await blocked(page);
  const half = Math.ceil(samples / 2);
  const next = [...(await press(page, 'ArrowDown', 'traces', half)), ...(await press(page, 'ArrowUp', 'traces', half))];
  const nextCell = { ...spread(next), budgetMs: 50, blocked: budgeted(await blocked(page)) };
  const times = await reactions(page, Math.ceil(samples / 14));
  const by = Object.fromEntries(Object.entries(times).map(([what, of]) => [what, spread(of)]));
  const reaction = {
    ...spread(Object.values(times).flat()),
    budgetMs: 100,
    by,
    blocked: budgeted(await blocked(page)),
  };
  return { nextCell, reaction };
}

async function measureTraces(page) {
  await openRun(page);
  await page.waitForTimeout(2000);
  await blocked(page);
  return { ...(await traceRate(page, 8000)), budgetFps: 30, blocked: budgeted(await blocked(page)) };
}

async function measureScrub(page) {
  await openRun(page);
  await page.waitForTimeout(1500);
  await blocked(page);
  return { ...(await scrubRate(page, 8000)), budgetFps: 15, blocked: budgeted(await blocked(page)) };
}

async function measureLibrary(page) {
  const { rows, gaps } = await scrollLibrary(page, 10_000);
  const over32 = gaps.filter((gap) => gap > 32).length;
  return { rows, ...spread(gaps), over32, budgetMs: 32, blocked: budgeted(await blocked(page)) };
}

/** All parts, one after another. What fails is said, and the others go on. */
async function measure(folder, browser) {
  const figures = {};
  const part = async (name, what, work) => {
    if (!wanted.has(name)) return;
    say(what);
    try {
      Object.assign(figures, await work());
    } catch (error) {
      say(`${what} failed: ${error.message}`);
      process.exitCode = 1;
    }
  };
  say(`making a run of ${cells} cells × ${frames} frames and two films`);
  const made = await makeReviewLibrary(folder, { cells, frames, filmFrames });
  const library = path.join(folder, 'library');
  const inReview = (runUuid, work) => withWindow(browser, library, made.rater, reviewing(runUuid), work);
  await part('open', 'opening it', async () => ({ open: await measureOpen(inReview, made.large) }));
  await part('keys', 'going from cell to cell and through all places', () => inReview(made.large, measureKeys));
  await part('traces', 'zooming and panning traces', async () => ({
    traces: await inReview(made.large, measureTraces),
  }));
  await part('scrub', 'scrubbing films', async () => {
    const scrub = {};
    for (const [codec, run] of Object.entries(made.films)) scrub[codec] = await inReview(run, measureScrub);
    return { scrub };
  });
  await part('library', `scrolling a library of ${sessions} sessions`, async () => {
    const directory = await makeSessionsLibrary(folder, sessions);
    return { library: await withWindow(browser, directory, made.rater, { place: 'library' }, measureLibrary) };
  });
  await part('hour', `reviewing for ${minutes} min`, async () => ({
    memory: await inReview(made.long, (page) => longReview(page, browser)),
  }));
  return figures;
}

/** Figures of an earlier run: parts that were not measured now stay. */
function before() {
  try {
    return JSON.parse(readFileSync(options.out, 'utf8'));
  } catch {
    return {};
  }
}

const folder = mkdtempSync(path.join(tmpdir(), 'calyx-bench-ui-'));
const browser = await launchChromium();
try {
  mkdirSync(path.dirname(options.out), { recursive: true });
  const figures = await measure(folder, browser);
  const commit = (await spawn('git', ['rev-parse', '--short', 'HEAD'], { capture: true })).output.trim();
  const machine = { processor: cpus()[0]?.model ?? 'unknown', cores: cpus().length, loadAverage: loadavg()[0] };
  // The hour says for itself of which code it is: the others are measured more often.
  if (figures.memory !== undefined) Object.assign(figures.memory, { commit, machine });
  const earlier = before();
  const isHourAlone = options.only === 'hour' && earlier.commit !== undefined;
  const written = {
    ...earlier,
    ...(isHourAlone
      ? {}
      : {
          bench: 'ui',
          commit,
          machine,
          note: options.note,
          size: { cells, frames, film: { side: 608, frames: filmFrames }, sessions },
          initialBundle: initialBundle(),
        }),
    ...figures,
  };
  writeFileSync(options.out, `${JSON.stringify(written, null, 2)}\n`);
  console.log(JSON.stringify(written, null, 2));
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
