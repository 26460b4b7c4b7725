// SPDX-License-Identifier: MIT
// The libraries that bench:ui opens: a reviewed run, two films, and many sessions. All made up, seeded, and written as the program itself writes.
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openLibrary } from '../main/library/index.ts';
import { seededNumbers } from '../test/support/library-data.ts';
import { addMadeSession } from '../test/support/made-run.ts';
import { npyBytes } from '../test/support/run-folder.ts';
import { makeLibrary } from './bench-library-data.mjs';
import { root, run as spawn } from './lib.mjs';

const random = seededNumbers(5);

/** A half reviewed run of `cells` × `frames` without its film, and a short film of each codec with a small run. */
export async function makeReviewLibrary(folder, { cells, frames, filmFrames }) {
  const library = await openLibrary({ directory: path.join(folder, 'library') });
  try {
    const { runUuid: large } = await addMadeSession(library, 1, 'large', { cells, frames, side: 304 });
    // Half of it is reviewed, as a session one comes back to.
    const rater = await library.curation.addRater({ initials: 'BN' });
    const uuids = (await library.runs.cells(large)).map(({ uuid }) => uuid);
    await library.curation.decide({
      runUuid: large,
      raterUuid: rater.uuid,
      cellUuids: uuids.slice(0, Math.floor(cells / 2)),
      to: 'accepted',
      context: {},
    });
    const films = {};
    const scene = path.join(
      root,
      'native',
      'target',
      'release',
      process.platform === 'win32' ? 'calyx-scene.exe' : 'calyx-scene',
    );
    for (const [index, codec] of ['grey', 'ffv1'].entries()) {
      const out = path.join(folder, codec);
      const scope = `--width 608 --height 608 --frames ${filmFrames} --fps 20 --cells 40 --seed 12`.split(' ');
      const { code, output } = await spawn(scene, ['scope', ...scope, '--codec', codec, '--out', out], {
        capture: true,
      });
      if (code !== 0) throw new Error(`calyx-scene failed: ${output}`);
      const bytes = statSync(path.join(out, 'Miniscope', '0.avi')).size;
      const film = { folder: out, codec: codec.toUpperCase(), bytes };
      const size = { cells: 20, frames: filmFrames, side: 608 };
      films[codec] = (await addMadeSession(library, 2 + index, codec, size, film)).runUuid;
    }
    // As many cells with the grey film, for an hour of review.
    const folderOfFilm = path.join(folder, 'grey');
    const bytes = statSync(path.join(folderOfFilm, 'Miniscope', '0.avi')).size;
    const size = { cells, frames: filmFrames, side: 608 };
    const film = { folder: folderOfFilm, codec: 'GREY', bytes };
    const { runUuid: long } = await addMadeSession(library, 4, 'long', size, film);
    return { large, films, long, rater };
  } finally {
    await library.close();
  }
}

/** Many sessions, each with a result and so with a small picture. */
export async function makeSessionsLibrary(folder, sessions) {
  const directory = path.join(folder, 'sessions');
  await makeLibrary(directory, { sessions, runs: sessions, cells: 4 * sessions });
  const library = await openLibrary({ directory });
  try {
    const side = 60;
    const values = Float32Array.from({ length: side * side }, () => random());
    const picture = npyBytes([side, side], values);
    const facts = { formatVersion: 1, components: 4, frames: 100, height: side, width: side, fps: 20 };
    const manifest = JSON.stringify({ ...facts, files: [{ path: 'images/max.npy' }] });
    for (const { uuid } of await library.runs.list({ state: 'succeeded' })) {
      const run = library.runFolder(uuid);
      mkdirSync(path.join(run, 'images'), { recursive: true });
      writeFileSync(path.join(run, 'images', 'max.npy'), picture);
      writeFileSync(path.join(run, 'run.json'), manifest);
    }
  } finally {
    await library.close();
  }
  return directory;
}
