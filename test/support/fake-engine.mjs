#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Stands for the engine in tests: `node fake-engine.mjs <behaviour> run <job folder>`, or
// `FAKE_ENGINE=<behaviour> fake-engine.mjs run <job folder>` in the engine's place. It obeys the same boundary (job.json in, JSON lines
// out, run folder renamed last) without any science.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';

const given = process.argv.slice(2);
const [behaviour, action, jobFolder] =
  process.env.FAKE_ENGINE === undefined ? given : [process.env.FAKE_ENGINE, ...given];
const job = JSON.parse(readFileSync(path.join(jobFolder, 'job.json'), 'utf8'));
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const temporary = `${job.output}.tmp-${process.pid}`;
const files = [];

function npy(descr, shape, bytes) {
  const axes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${axes}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const header = Buffer.alloc(10 + length, ' ');
  header.write('\u0093NUMPY\u0001\u0000', 'latin1');
  header.writeUInt16LE(length, 8);
  header.write(text, 10, 'latin1');
  header.write('\n', 9 + length, 'latin1');
  return Buffer.concat([header, bytes]);
}

function write(name, bytes, more = {}) {
  const file = path.join(temporary, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  files.push({ path: name, sha256, bytes: bytes.length, ...more });
}

function result() {
  const [k, t] = [2, 5];
  write('footprints.npz', Buffer.from('not a real archive'), { dtype: 'float32', shape: [k, 12] });
  for (const name of ['raw', 'denoised', 'deconvolved', 'dff']) {
    write(`traces/${name}.npy`, npy('<f4', [k, t], Buffer.alloc(4 * k * t)), { dtype: 'float32', shape: [k, t] });
  }
  write('motion.npy', npy('<f4', [t, 2], Buffer.alloc(8 * t)), { dtype: 'float32', shape: [t, 2] });
  write('time.npy', npy('<f8', [t], Buffer.alloc(8 * t)), { dtype: 'float64', shape: [t] });
  write('frame_flags.npy', npy('<u4', [t], Buffer.alloc(4 * t)), { dtype: 'uint32', shape: [t] });
  const cell = (row, accepted, reasons) => ({
    row,
    accepted,
    reasons,
    snr: 4.5 + row,
    splitHalf: null,
    centroid: { y: 1.5, x: 2.5 },
    box: { top: 1, left: 2, height: 3, width: 4 },
  });
  write(
    'metrics.json',
    Buffer.from(JSON.stringify({ formatVersion: 1, cells: [cell(0, true, []), cell(1, false, ['weak'])] })),
  );
  writeFileSync(
    path.join(temporary, 'run.json'),
    JSON.stringify({ formatVersion: 1, engineVersion: '9.9', runUuid: job.runUuid, peakMemoryBytes: 5, files }),
  );
  renameSync(temporary, job.output);
  say({ type: 'done', output: job.output, components: 2, accepted: 1 });
}

const stages = ['read', 'motion', 'seeds', 'init', 'demix', 'deconvolve', 'evaluate'];
function allStages() {
  for (const [index, stage] of stages.entries()) {
    say({ type: 'stage', stage, state: 'started' });
    say({
      type: 'progress',
      stage,
      fraction: 0.5,
      overall: (index + 0.5) / 7,
      framesPerSecond: 100,
      etaSeconds: null,
      memoryBytes: 1000,
    });
    say({ type: 'stage', stage, state: 'done', seconds: 0.25 });
  }
}

function untilCancelled(obey) {
  mkdirSync(temporary, { recursive: true });
  say({ type: 'stage', stage: 'demix', state: 'started' });
  say({
    type: 'progress',
    stage: 'demix',
    fraction: 0.25,
    overall: 0.5,
    framesPerSecond: 10,
    etaSeconds: 3,
    memoryBytes: 1,
  });
  const keepAlive = setInterval(() => undefined, 1000);
  if (obey === 'nothing')
    process.on('SIGTERM', () => say({ type: 'warning', code: 'test.term', message: 'told to end' }));
  createInterface({ input: process.stdin }).on('line', (line) => {
    if (line !== 'cancel') return;
    say({ type: 'warning', code: 'test.heard', message: 'heard cancel' });
    if (obey !== 'line') return;
    clearInterval(keepAlive);
    say({ type: 'error', code: 'engine.cancelled', message: 'cancelled', hint: '', retryable: true });
    process.exit(130);
  });
}

const behaviours = {
  ok: () => {
    allStages();
    say({ type: 'warning', code: 'size.estimated', message: 'The neuron diameter was estimated: 8 px.' });
    result();
  },
  pictures: () => {
    const picture = (name, ...codes) => ({ name, low: 10, high: 20.5, pixels: Buffer.from(codes).toString('base64') });
    const frames = (stage, count, pictures) =>
      say({ type: 'preview', stage, frames: count, height: 1, width: 2, pictures });
    say({ type: 'stage', stage: 'motion', state: 'started' });
    frames('motion', 64, [picture('mean', 0, 9), picture('max', 1, 2)]);
    frames('motion', 128, [picture('mean', 0, 255), picture('max', 3, 4)]);
    frames('seeds', 128, [picture('pnr', 5, 6)]);
    untilCancelled('line');
  },
  incomplete: () => {
    say({ type: 'warning', code: 'media.truncated', message: 'The films end after 5 frames; 6 were expected.' });
    result();
    process.exitCode = 6;
  },
  garbage: () => {
    process.stdout.write('{"type":"progress","stage":"rea');
    process.stdout.write('d","fraction":0.5,"overall":0.1}\nnot json é\n{"type":"unknown"}\n[1,2]\n\n');
    process.stderr.write('a complaint\n');
    result();
  },
  error: () => {
    say({
      type: 'error',
      code: 'engine.out_of_memory',
      message: 'The run needed 3 GB and may use 2 GB.',
      hint: 'Raise the limit.',
      retryable: true,
    });
    process.exitCode = 5;
  },
  ownWord: () => {
    say({ type: 'error', code: 'engine.its-own-word', message: 'the film is too dark', hint: '', retryable: false });
    process.exitCode = 3;
  },
  crash: () => {
    mkdirSync(temporary, { recursive: true });
    say({ type: 'stage', stage: 'demix', state: 'started' });
    process.stderr.write('last words\n');
    process.stdout.write('', () => process.kill(process.pid, 'SIGKILL'));
  },
  exit0: () => undefined,
  panic: () => {
    process.stderr.write('thread main panicked\n');
    process.exitCode = 101;
  },
  obedient: () => untilCancelled('line'),
  deaf: () => untilCancelled('term'),
  stubborn: () => untilCancelled('nothing'),
};
if (action === 'plan') {
  const stages = ['read', 'motion', 'seeds', 'init', 'demix', 'deconvolve', 'evaluate'];
  const frames = job.inputs.flatMap((input) => input.filmFrames).reduce((sum, count) => sum + count, 0);
  say({
    frames,
    diameterPx: null,
    bin: null,
    memoryBytes: 1000,
    scratchBytes: 2000,
    stages: stages.map((stage) => ({ stage, cached: stage !== 'evaluate' })),
  });
} else behaviours[behaviour]();
