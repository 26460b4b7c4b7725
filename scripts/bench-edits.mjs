// SPDX-License-Identifier: MIT
// Time of a local edit as Review waits for it: the preview (engine, arrays on disk) and the commit (rename, database), through the handlers.
//   npm run bench:edits [-- --session folder --edits N --out file]
// The default session is `dense` of the known-truth films ($CALYX_SHARED or ../shared). Only cells with five or more neighbours within two
// diameters are edited; each edit is a trim to the cell's own box, undone again, so that every edit finds the same cells.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { openCore } from '../main/hosts/server/index.ts';
import { root } from './lib.mjs';

const words = process.argv.slice(2);
const option = (name, otherwise) => (words.includes(name) ? words[words.indexOf(name) + 1] : otherwise);
const shared = process.env.CALYX_SHARED ?? path.join(root, '..', 'shared');
const session = path.resolve(option('--session', path.join(shared, 'data', 'sim', 'dense')));
const wanted = Number(option('--edits', '200'));
const out = option('--out', path.join(root, 'docs', 'bench', 'edits.json'));

const work = mkdtempSync(path.join(tmpdir(), 'calyx-bench-'));
const context = { signal: new AbortController().signal, audience: 'local' };
const quantile = (values, q) =>
  Number(values.toSorted((a, b) => a - b)[Math.floor(q * (values.length - 1))].toFixed(1));
const summary = (values) => ({
  median: quantile(values, 0.5),
  p95: quantile(values, 0.95),
  maximum: quantile(values, 1),
});

try {
  const opened = await openCore({ libraryDirectory: path.join(work, 'library'), program: 'bench' });
  const { core } = opened;
  const { sessions, processing, review } = core.handlers;
  const { session: found } = await sessions.import({ source: { path: session } }, context);
  const recordingUuids = found.recordings.map((recording) => recording.uuid);
  const { run } = await processing.start({ recordingUuids, parameters: {}, budget: {} }, context);
  await core.idle();
  const runUuid = run.uuid;
  const { frames, diameterPx } = await review.open({ runUuid }, context);
  const { uuid: raterUuid } = await review.addRater({ initials: 'BE' }, context);
  const cells = await review.cells({ runUuid }, context);
  const reach = 2 * (diameterPx ?? 10);
  const near = (cell) =>
    cells.filter(
      (other) =>
        other !== cell && Math.hypot(other.centroid.y - cell.centroid.y, other.centroid.x - cell.centroid.x) < reach,
    ).length;
  const crowded = cells.filter((cell) => near(cell) >= 5);
  if (crowded.length === 0) throw new Error('No cell of this session has five neighbours.');
  const times = { preview: [], commit: [], both: [] };
  for (let k = 0; k < wanted; k += 1) {
    const { uuid: cellUuid, box } = crowded[k % crowded.length];
    const [bottom, right] = [box.top + box.height - 1, box.left + box.width - 1];
    const polygon = [
      { y: box.top, x: box.left },
      { y: box.top, x: right },
      { y: bottom, x: right },
      { y: bottom, x: box.left },
    ];
    const began = performance.now();
    const { preview } = await review.editPreview({ runUuid, edit: { kind: 'trim', cellUuid, polygon } }, context);
    const shown = performance.now();
    await review.editCommit({ runUuid, raterUuid, preview }, context);
    const ended = performance.now();
    await review.undo({ runUuid, raterUuid }, context);
    times.preview.push(shown - began);
    times.commit.push(ended - shown);
    times.both.push(ended - began);
  }
  await core.close();
  const figures = {
    session: path.basename(session),
    cells: cells.length,
    frames,
    crowded: crowded.length,
    edits: wanted,
    machine: { processor: cpus()[0]?.model ?? 'unknown', cores: cpus().length },
    firstMs: Number(times.both[0].toFixed(1)),
    previewMs: summary(times.preview),
    commitMs: summary(times.commit),
    bothMs: summary(times.both),
  };
  writeFileSync(out, `${JSON.stringify(figures, undefined, 2)}\n`);
  console.log(JSON.stringify(figures, undefined, 2));
} finally {
  rmSync(work, { recursive: true, force: true });
}
