// SPDX-License-Identifier: MIT
// A recording as at the rig: the core, the capture process and the simulated V4 as processes of their own, FFV1 at 30 frames/s, the live picture and the traces of 32 regions taken by
// a client as a window takes them. Frames lost, fullest buffer, event loop of the core, age of the live picture, processor and memory of each process.
//   npm run bench:acquisition [-- --seconds N --fps 10|15|20|25|30 --regions N --compression FFV1|GREY --soak --note text --out file]
// --soak records for 30 minutes.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { captureApis, connect, contractVersion, coreApis, webSocketChannel } from '../main/contract/index.ts';
import { recordingFlags } from '../main/supervisor/index.ts';
import { descendants } from './lib-processes.mjs';
import { root } from './lib.mjs';
import { memoryRange } from './soak-bounds.mjs';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    fps: { type: 'string', default: '30' },
    regions: { type: 'string', default: '32' },
    compression: { type: 'string', default: 'FFV1' },
    soak: { type: 'boolean', default: false },
    note: { type: 'string', default: '' },
    out: { type: 'string', default: path.join(root, 'docs', 'bench', 'acquisition.json') },
  },
});
const seconds = options.soak ? 1800 : Number(options.seconds);
const regions = Number(options.regions);
if (!(seconds > 0) || !(regions >= 0 && regions <= 32)) {
  console.error('--seconds takes a number above 0, --regions one from 0 to 32.');
  process.exit(2);
}

const folder = mkdtempSync(path.join(tmpdir(), 'calyx-bench-acquisition-'));
mkdirSync(path.join(folder, 'rig'));
const server = spawn(
  process.execPath,
  [
    ...recordingFlags,
    path.join(root, 'main/hosts/server/main.ts'),
    '--library',
    path.join(folder, 'library'),
    '--port',
    '0',
  ],
  {
    env: { ...process.env, CALYX_DATA_ROOTS: path.join(folder, 'rig'), CALYX_LOOP_DELAY: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  },
);
let printed = '';
for (const output of [server.stdout, server.stderr]) output.on('data', (chunk) => (printed += chunk.toString()));
const ended = new Promise((resolve) => {
  server.once('exit', resolve);
});

/** Resolves once something is so. */
async function until(what, look, ms = 60_000) {
  const end = performance.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) return found;
    if (performance.now() > end || server.exitCode !== null) throw new Error(`waited for ${what}\n${printed}`);
    await sleep(50);
  }
}

const processes = () => descendants(server.pid);

const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
const round = (value, places = 1) => (value === null ? null : Math.round(value * 10 ** places) / 10 ** places);

/** What it waits for now; one that waits in vain says so, and does not wait for ever. */
let stage = 'the workstation';
const begin = (next) => {
  stage = next;
  console.error(next);
};
const spareMs = 150_000;
setTimeout(
  () => {
    console.error(`waited in vain: ${stage}\n${printed}`);
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
    process.exit(1);
  },
  seconds * 1000 + spareMs,
).unref();

let figures;
try {
  const address = await until('the workstation', () => /http:\/\/[^\s#]+#token=[\w-]+/.exec(printed)?.[0]);
  const [origin, token] = [new URL(address).origin, /token=([\w-]+)/.exec(address)[1]];
  const socket = (where) => webSocketChannel(new WebSocket(origin.replace(/^http/, 'ws') + where));
  const core = connect(coreApis, {
    open: () => socket('/rpc'),
    token,
    version: contractVersion,
    wait: (ms) => sleep(ms),
  }).client;
  begin('connecting the simulated scope');
  const [data] = await core.files.roots({});
  await core.acquire.plan({
    change: {
      animal: 'bench',
      folder: { root: data.root, path: 'recordings' },
      lengthS: seconds,
      compression: options.compression,
    },
  });
  await core.acquire.connect({ deviceId: 'simulator' });
  await core.acquire.set({ control: 'frameRate', value: `${options.fps}FPS` });
  const rois = Array.from({ length: regions }, (_, n) => ({
    x: 40 + 64 * (n % 8),
    y: 60 + 120 * (n >> 3),
    width: 24,
    height: 24,
  }));
  await core.acquire.rois({ rois });
  begin('opening the live picture');
  const { ticket, path: where } = await core.acquire.ticket({});
  const live = connect(captureApis, {
    open: () => socket(where),
    token: ticket,
    version: contractVersion,
    wait: () => Promise.resolve(),
    reconnect: false,
  });
  await live.ready;
  const ages = [];
  let isRecording = false;
  const leaving = new AbortController();
  const looking = (async () => {
    for await (const { header } of live.client.live.frames({}, { signal: leaving.signal }).packets) {
      if (isRecording) ages.push(performance.timeOrigin + performance.now() - header.arrivedAt);
    }
  })().catch(() => undefined);
  let status;
  void (async () => {
    for await (const next of core.acquire.status({}, { signal: leaving.signal })) status = next;
  })().catch(() => undefined);
  await until(
    'a steady picture',
    () => status?.fps !== null && status?.mode === 'preview' && status.quality.meanGrey !== null,
  );
  await sleep(3000);
  const before = processes();
  begin(`recording ${String(seconds)} s`);
  await core.acquire.start({});
  isRecording = true;
  const beganAt = Date.now();
  const memory = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    await sleep(Math.min(5000, Math.max(50, end - performance.now())));
    memory.push(processes());
  }
  const atEnd = memory.at(-1) ?? [];
  isRecording = false;
  const endedAt = Date.now();
  begin('waiting for the report');
  await until('the report', () => status?.mode === 'report', 120_000);
  const report = await core.acquire.report({});
  leaving.abort();
  live.close();
  await looking;
  ages.sort((a, b) => a - b);
  const bytesOf = (sample, name) =>
    sample.filter((each) => each.name === name).reduce((sum, { anonymousBytes }) => sum + anonymousBytes, 0);
  // The first seconds are those in which buffers find their size.
  const settled = memory.slice(Math.min(2, memory.length - 1));
  // Of the time between the first and the last frame; what the start of the program costs is no matter of a recording.
  const stops = [...printed.matchAll(/event loop stop: ([\d.]+) ms before (\d+)/g)]
    .map(([, ms, at]) => ({ ms: Number(ms), atS: (Number(at) - beganAt) / 1000 }))
    .filter(({ atS }) => atS > 0 && atS <= (endedAt - beganAt) / 1000)
    .toSorted((a, b) => b.ms - a.ms);
  figures = {
    seconds,
    loopStops: { from20Ms: stops.length, longest: stops.slice(0, 5) },
    fps: Number(options.fps),
    regions,
    compression: options.compression,
    saved: report.saved,
    expected: report.expected,
    missing: report.missing,
    bufferHighWater: report.bufferHighWater,
    jitterMs: report.jitterMs,
    longestIntervalMs: report.longestIntervalMs,
    preview: {
      pictures: ages.length,
      p50Ms: round(quantile(ages, 0.5)),
      p99Ms: round(quantile(ages, 0.99)),
      maxMs: round(ages.at(-1) ?? null),
    },
    processes: ['core', 'capture', 'encoder', 'simulated board'].map((name) => {
      const began = before.filter((each) => each.name === name).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
      const then = atEnd.filter((each) => each.name === name).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
      const sizes = settled.map((sample) => bytesOf(sample, name));
      return {
        name,
        cores: round((then - began) / seconds, 2),
        anonymousBytes: sizes.at(-1) ?? null,
        memoryRangeBytes: memoryRange(settled, name),
      };
    }),
  };
} finally {
  server.kill('SIGTERM');
  await ended;
  rmSync(folder, { recursive: true, force: true });
}

const [, p99, max] = /event loop delay: p99 ([\d.]+) ms, max ([\d.]+) ms/.exec(printed) ?? [];
const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).stdout.trim();
const { loopStops, ...told } = figures;
const result = {
  bench: 'acquisition',
  commit,
  machine: { processor: cpus()[0]?.model.trim() ?? '', cores: availableParallelism(), loadAverage: loadavg()[0] },
  note: options.note,
  ...told,
  eventLoop: {
    p99Ms: Number(p99),
    maxWithStartMs: Number(max),
    maxMs: loopStops.longest[0]?.ms ?? Math.min(Number(max), 20),
    stops: loopStops,
  },
};
console.log(JSON.stringify(result, null, 2));
writeFileSync(options.out, `${JSON.stringify(result, null, 2)}\n`);
const bounds = [
  ['frames lost', result.missing, 0],
  ['fullest buffer, of 128', result.bufferHighWater, 16],
  ['event loop of the core p99, ms', result.eventLoop.p99Ms, 10],
  ['event loop of the core max, ms', result.eventLoop.maxMs, 50],
  ['age of the live picture p99, ms', result.preview.p99Ms, 150],
];
for (const [name, value, bound] of bounds) {
  console.log(`${value !== null && value <= bound ? 'ok    ' : 'MISSED'} ${name}: ${String(value)} of ${bound}`);
}
// The line to the core would be looked for again for ever.
process.exit(0);
