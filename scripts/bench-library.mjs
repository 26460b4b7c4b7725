// SPDX-License-Identifier: MIT
// How quickly a large library answers: 5,000 sessions, 40,000 runs, the metadata of 2 million masks, made once in a temporary folder.
//   npm run bench:library [-- --sessions N --runs N --cells N --repeats N --rows N --keep folder --note text --out file]
// --rows reads a file of so many trials, too (a million takes half a minute) and tells the memory it took.
// --keep leaves the library in a folder and uses it again. Answers are asked of the core's own handlers, through the database worker, as a
// window does; the core's event loop is watched meanwhile.
import { spawnSync } from 'node:child_process';
import { createReadStream, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { openCore } from '../main/hosts/server/index.ts';
import { RunFolder } from '../main/review/run-folder.ts';
import { TraceReader } from '../main/review/traces.ts';
import { makeLibrary, traceShape } from './bench-library-data.mjs';
import { root } from './lib.mjs';

const { values: options } = parseArgs({
  options: {
    sessions: { type: 'string', default: '5000' },
    runs: { type: 'string', default: '40000' },
    cells: { type: 'string', default: '2000000' },
    repeats: { type: 'string', default: '200' },
    rows: { type: 'string', default: '0' },
    keep: { type: 'string' },
    note: { type: 'string', default: '' },
    out: { type: 'string', default: path.join(root, 'docs', 'bench', 'library.json') },
  },
});
const size = { sessions: Number(options.sessions), runs: Number(options.runs), cells: Number(options.cells) };
const repeats = Number(options.repeats);
if (![...Object.values(size), repeats].every((n) => Number.isInteger(n) && n > 0)) {
  console.error('--sessions, --runs, --cells and --repeats take whole numbers above 0.');
  process.exit(2);
}

const directory =
  options.keep === undefined ? mkdtempSync(path.join(tmpdir(), 'calyx-bench-')) : path.resolve(options.keep);
const signal = new AbortController().signal;
const context = { signal, audience: 'local' };
const rows = [];

/** Asks `repeats` times and notes the time each took. */
async function measure(name, bound, ask) {
  for (let i = 0; i < 5; i += 1) await ask(i);
  const times = [];
  for (let i = 0; i < repeats; i += 1) {
    const begin = performance.now();
    await ask(i + 5);
    times.push(performance.now() - begin);
  }
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(share * times.length))];
  const row = { name, boundMs: bound, p50Ms: at(0.5), p95Ms: at(0.95), maxMs: times.at(-1), samples: times.length };
  rows.push(row);
  console.log(
    `${bound === null ? '      ' : row.p95Ms > bound ? 'MISSED' : 'ok    '} ${name}: p95 ${row.p95Ms.toFixed(2)} ms of ${bound ?? '–'}, median ${row.p50Ms.toFixed(2)}, max ${row.maxMs.toFixed(2)}`,
  );
}

/** Trials of a behaviour recording as the workflow's CSV files say them. */
function trialFiles(n, session) {
  const lines = Array.from({ length: n }, (_, i) => `${session},${i + 1},stim,${i}.25,${i}.75,side,left`);
  return [
    {
      name: 'trials.csv',
      text: [
        'subject,session_datetime,trial_id,trial_type,trial_start_time,trial_stop_time,attribute_name,attribute_value',
        ...lines,
      ].join('\n'),
    },
  ];
}

try {
  const begin = performance.now();
  const made = await makeLibrary(directory, size);
  const madeS = (performance.now() - begin) / 1000;
  console.log(`${made ? 'made' : 'found'} in ${madeS.toFixed(1)} s: ${directory}`);
  const bytes = statSync(path.join(directory, 'library.sqlite')).size;
  const opening = performance.now();
  const opened = await openCore({ libraryDirectory: directory, program: 'bench', takeQueued: false });
  if (opened.kind !== 'owner') throw new Error('somebody else has the library');
  const openMs = performance.now() - opening;
  const { core } = opened;
  const { sessions, review, library } = core.handlers;
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  const page = await sessions.list({ limit: 100 }, context);
  const all = await core.library.sessions.list({});
  const uuids = all.map(({ uuid }) => uuid);
  const runs = await core.library.runs.list({ sessionUuid: uuids[7] });
  if (page.length === 0 || runs.length === 0) throw new Error('the library is empty');

  await measure('list of sessions, a page of 100', 50, (i) =>
    sessions.list({ limit: 100, offset: (i * 37) % size.sessions }, context),
  );
  await measure('filter by animal, a page of 100', 50, (i) =>
    sessions.list({ search: `mouse${i % 90}`, limit: 100 }, context),
  );
  await measure('runs of a session', 50, (i) =>
    core.library.runs.list({ sessionUuid: uuids[(i * 13) % uuids.length] }),
  );
  await measure('open a session', 100, (i) => sessions.get({ sessionUuid: uuids[(i * 101) % uuids.length] }, context));
  await measure('cells of a run', 100, (i) => review.cells({ runUuid: runs[i % runs.length].uuid }, context));
  await measure('search in notes', 50, (i) => sessions.list({ search: `needle ${i % 50} found`, limit: 100 }, context));
  await measure('masks above an SNR in a session, natural keys', 100, (i) =>
    library.query(
      {
        view: 'cell',
        where: [`run_id in (${1 + (i % 100)}, ${2 + (i % 100)})`, 'suggested = 1'],
        join: [],
        partners: [],
        columns: ['n=count(*)'],
        order: [],
        distinct: false,
        limit: 1000,
        offset: 0,
        timeoutMs: 10_000,
      },
      context,
    ),
  );

  const folder = await RunFolder.open(core.library.runFolder(made?.arraysRun ?? (await arraysRun(core))));
  const reader = new TraceReader(folder);
  const { cells, frames } = traceShape;
  // Warm, as after the first look at a run: a disk's own speed is not what is asked.
  for await (const _ of createReadStream(path.join(folder.folder, 'traces', 'raw.npy'))) void _;
  const raw = await folder.array('traces/raw.npy', [cells, frames]);
  const scratch = new ArrayBuffer(4 * cells * 1000);
  const every = Array.from({ length: cells }, (_, row) => row);
  await measure('a trace of 36,000 samples', 2, (i) => raw.readPieces([((i * 17) % cells) * frames], frames, scratch));
  await measure('1000 frames of 500 cells', 10, (i) =>
    raw.readPieces(
      every.map((row) => row * frames + ((i * 71) % (frames - 1000))),
      1000,
      scratch,
    ),
  );
  await raw.close();
  const drawn = (i, rows, firstFrame, lastFrame, columns) =>
    reader.read({ request: i, rows, kinds: ['raw'], firstFrame, lastFrame, columns }, signal);
  await measure('a trace of 36,000 samples as Review draws it, 4096 columns', null, (i) =>
    drawn(i, [(i * 17) % cells], 0, frames - 1, 4096),
  );
  await measure('1000 frames of 64 cells as Review draws them', null, (i) =>
    drawn(i, every.slice(0, 64), (i * 71) % (frames - 1000), ((i * 71) % (frames - 1000)) + 999, 1000),
  );
  await reader.close();

  // Reading in is measured once for each of a few sessions: what is in is in.
  const before = await library.sql(
    { sql: 'select count(*) from behavior_recording', limit: 1, offset: 0, timeoutMs: 10_000 },
    context,
  );
  const used = Number(before.rows[0]?.[0] ?? 0);
  const times = [];
  for (let n = 0; n < 5; n += 1) {
    const { subject, startedAt } = all[used + n];
    const key = `${subject},${startedAt.replace('T', ' ').replace('Z', '')}`;
    const files = [
      {
        name: 'behavior_recordings.csv',
        text: `subject,session_datetime,recording_start_time,filepath\n${key},${startedAt.replace('T', ' ').replace('Z', '')},b${n}.csv`,
      },
      ...trialFiles(10_000, key),
    ];
    const begin = performance.now();
    const done = await core.library.ingest.ingest({
      files,
      sessions: {},
      who: 'bench',
      dryRun: false,
      allOrNothing: true,
    });
    times.push(performance.now() - begin);
    const problems = done.files.flatMap((file) => file.problems);
    if (problems.length > 0) throw new Error(`trials were not read: ${JSON.stringify(problems[0])}`);
    if ((done.inserted.trial ?? 0) !== 10_000)
      throw new Error(`trials were not read: ${JSON.stringify(done.inserted)}`);
  }
  times.sort((a, b) => a - b);
  rows.push({
    name: 'read in 10,000 trials',
    boundMs: 2000,
    p50Ms: times[2],
    p95Ms: times.at(-1),
    maxMs: times.at(-1),
    samples: times.length,
  });
  console.log(
    `${times.at(-1) > 2000 ? 'MISSED' : 'ok    '} read in 10,000 trials: worst of 5 ${times.at(-1).toFixed(0)} ms of 2000`,
  );

  loop.disable();
  // Its text is made here: the loop is not watched any more.
  let fileOfRows = null;
  if (Number(options.rows) > 0) {
    const { subject, startedAt } = all[used + 5];
    const time = startedAt.replace('T', ' ').replace('Z', '');
    const key = `${subject},${time}`;
    const behavior = `subject,session_datetime,recording_start_time,filepath\n${key},${time},million.csv`;
    const file = path.join(directory, 'trials.csv');
    writeFileSync(file, trialFiles(Number(options.rows), key)[0].text);
    const given = { sessions: {}, who: 'bench', dryRun: false, allOrNothing: true };
    await core.library.ingest.ingest({ ...given, files: [{ name: 'behavior_recordings.csv', text: behavior }] });
    const before = process.memoryUsage().rss;
    let peak = before;
    const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 50);
    const begin = performance.now();
    const done = await core.library.ingest.ingest({ ...given, files: [{ name: 'trials.csv', path: file }] });
    clearInterval(watch);
    rmSync(file);
    if ((done.inserted.trial ?? 0) !== Number(options.rows))
      throw new Error(`trials were not read: ${JSON.stringify(done)}`);
    fileOfRows = {
      rows: Number(options.rows),
      seconds: (performance.now() - begin) / 1000,
      memoryBytes: peak - before,
    };
    console.log(
      `       a file of ${fileOfRows.rows} trials: ${fileOfRows.seconds.toFixed(1)} s, ${Math.round(fileOfRows.memoryBytes / 1e6)} MB more memory`,
    );
  }

  const eventLoop = { p99Ms: loop.percentile(99) / 1e6, maxMs: loop.max / 1e6 };
  console.log(
    `event loop: p99 ${eventLoop.p99Ms.toFixed(1)} ms of 10, max ${eventLoop.maxMs.toFixed(1)} ms of 50; file ${(bytes / 1e6).toFixed(0)} MB; opened in ${openMs.toFixed(0)} ms`,
  );
  await core.close();
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).stdout.trim();
  const machine = { processor: cpus()[0]?.model.trim() ?? 'unknown', cores: cpus().length, loadAverage: loadavg()[0] };
  mkdirSync(path.dirname(options.out), { recursive: true });
  writeFileSync(
    options.out,
    `${JSON.stringify({ bench: 'library', commit, machine, size, bytes, openMs, eventLoop, note: options.note, fileOfRows, rows }, null, 2)}\n`,
  );
} finally {
  if (options.keep === undefined) rmSync(directory, { recursive: true, force: true });
}

/** The run of a kept library whose arrays are on the disk. */
async function arraysRun(core) {
  for (const run of await core.library.runs.list({ sessionUuid: (await core.library.sessions.list({}))[0].uuid }))
    if (existsSync(path.join(core.library.runFolder(run.uuid), 'run.json'))) return run.uuid;
  throw new Error('the kept library has no arrays');
}
