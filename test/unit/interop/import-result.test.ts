// SPDX-License-Identifier: MIT
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { importResult, previewResult, sweepImports } from '../../../main/interop/results/import-result.ts';
import { createResultsHandlers, Progresses } from '../../../main/interop/index.ts';
import { openLibrary } from '../../../main/library/index.ts';
import { newLibraryIn } from '../../support/library.ts';
import { temporaryFolder } from '../../support/session-folders.ts';

import { localCall } from '../../support/finished-run.ts';
import { largeCellSet } from '../../support/cell-set.ts';

const [height, width, frames] = [3, 5, 4];

/** A cell set of Inscopix with two cells of one pixel each. */
function cellSet(place: string): string {
  const image = (pixel: number): number[] => Array.from({ length: height * width }, (_, i) => (i === pixel ? 2 : 0));
  const floats = [...image(7), 1, 2, 3, 4, ...image(0), 4, 3, 2, 1];
  const footer = {
    type: 1,
    spacingInfo: { numPixels: { x: width, y: height } },
    timingInfo: { numTimes: frames, period: { num: 1, den: 20 } },
    CellNames: ['C0', 'C1'],
    CellStatuses: [0, 2],
  };
  const text = Buffer.from(JSON.stringify(footer));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(place, Buffer.concat([Buffer.from(Float32Array.from(floats).buffer), text, Buffer.from([0]), length]));
  return place;
}

/** An outline of ImageJ: a rectangle, px. */
function rectangle(top: number, left: number, high: number, wide: number): Buffer {
  const roi = Buffer.alloc(64);
  roi.write('Iout', 'latin1');
  roi.writeInt16BE(227, 4);
  roi.writeUInt8(1, 6);
  for (const [i, value] of [top, left, top + high, left + wide].entries()) roi.writeInt16BE(value, 8 + 2 * i);
  return roi;
}

const never = new AbortController().signal;

// Each import starts a thread that loads the readers.
describe('importing a result', { timeout: 30_000 }, () => {
  it('makes a finished run of that program’s method on a session without films; the same file is one session', async () => {
    using root = temporaryFolder();
    const place = cellSet(path.join(root.path, 'day-1.isxd'));
    const library = await openLibrary({ directory: newLibraryIn(path.join(root.path, 'library')) });
    try {
      const { run } = await importResult(place, { subject: 'm7' }, library, never);
      expect(run).toMatchObject({ state: 'succeeded', cells: 2, suggested: 1 });
      const detail = await library.runs.get(run.uuid);
      expect(detail.method).toBe('inscopix');
      expect(detail.arrays.map((array) => array.path)).toContain('footprints.npz');
      expect((await library.runs.cells(run.uuid)).map(({ centroid }) => centroid)).toEqual([
        { y: 1, x: 2 },
        { y: 0, x: 0 },
      ]);
      const [session] = await library.sessions.list();
      expect(session).toMatchObject({ name: 'day-1.isxd', subject: 'm7' });
      expect(session?.recordings[0]).toMatchObject({ frames, height, width, fps: 20 });
      const again = await importResult(place, {}, library, never);
      expect(again.run.sessionUuid).toBe(run.sessionUuid);
      expect(readdirSync(library.folders.runs).toSorted()).toEqual([run.uuid, again.run.uuid].toSorted());
    } finally {
      await library.close();
    }
  });

  it('is only read by a preview, which refuses what an import would refuse', async () => {
    using root = temporaryFolder();
    const place = cellSet(path.join(root.path, 'day-1.isxd'));
    const library = await openLibrary({ directory: newLibraryIn(path.join(root.path, 'library')) });
    try {
      expect(await previewResult(place, {}, library, never)).toMatchObject({ program: 'inscopix', cells: 2, frames });
      writeFileSync(path.join(root.path, 'cut.isxd'), 'x');
      await expect(previewResult(path.join(root.path, 'cut.isxd'), {}, library, never)).rejects.toMatchObject({
        code: 'interop.unreadable',
      });
      expect(await library.sessions.list()).toEqual([]);
      expect(await library.runs.list()).toEqual([]);
    } finally {
      await library.close();
    }
  });

  it('tells how far it is, and leaves nothing when it is stopped on the way', async () => {
    using root = temporaryFolder();
    const place = largeCellSet(path.join(root.path, 'day-1.isxd'));
    const library = await openLibrary({ directory: newLibraryIn(path.join(root.path, 'library')) });
    try {
      const told: (readonly [string, number])[] = [];
      const stop = new AbortController();
      const report = (step: string, fraction: number): void => {
        told.push([step, fraction]);
        // The folder that is being written has its footprints now.
        if (fraction > 0.5) stop.abort();
      };
      await expect(importResult(place, {}, library, stop.signal, report)).rejects.toMatchObject({
        code: 'rpc.cancelled',
      });
      expect(told[0]).toEqual(['reading the cells', 0]);
      const fractions = told.map(([, fraction]) => fraction);
      expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
      expect(new Set(fractions).size).toBeGreaterThan(3);
      expect(readdirSync(library.folders.runs)).toEqual([]);
      expect(await library.sessions.list()).toEqual([]);
      expect(await library.runs.list()).toEqual([]);
    } finally {
      await library.close();
    }
  });

  it('is swept up at the next start where its program ended', async () => {
    using root = temporaryFolder();
    const place = cellSet(path.join(root.path, 'day-1.isxd'));
    const library = await openLibrary({ directory: newLibraryIn(path.join(root.path, 'library')) });
    try {
      const { run } = await importResult(place, {}, library, never);
      mkdirSync(path.join(library.folders.runs, 'import-1', 'traces'), { recursive: true });
      mkdirSync(path.join(library.folders.runs, 'import-1.tmp-77'));
      await sweepImports(library);
      expect(readdirSync(library.folders.runs)).toEqual([run.uuid]);
    } finally {
      await library.close();
    }
  });

  it('makes outlines of a person a run on the recording they were drawn on', async () => {
    using root = temporaryFolder();
    const library = await openLibrary({ directory: newLibraryIn(path.join(root.path, 'library')) });
    try {
      const recording = {
        device: 'scope',
        frames: 9,
        height,
        width,
        fps: 20,
        durationS: 0.45,
        codec: 'GREY',
        files: [],
      };
      const { session } = await library.sessions.insert({
        name: 'day 1',
        folder: root.path,
        format: 'film',
        contentDigest: 'ab'.repeat(32),
        recordings: [recording],
        findings: [],
      });
      const place = path.join(root.path, 'RoiSet.zip');
      writeFileSync(place, zipSync({ 'cell.roi': rectangle(1, 2, 2, 3) }));
      const { run } = await importResult(place, { recordingUuid: session.recordings[0]?.uuid }, library, never);
      expect(run).toMatchObject({ state: 'succeeded', cells: 1, sessionUuid: session.uuid });
      expect((await library.runs.get(run.uuid)).method).toBe('outlines');
      expect((await library.runs.cells(run.uuid))[0]?.box).toEqual({ top: 1, left: 2, height: 2, width: 3 });

      // Named after who drew them they are that rater's judgement, as a version of its own.
      const recordingUuid = session.recordings[0]?.uuid;
      const mine = await importResult(place, { recordingUuid, rater: 'AB' }, library, never);
      expect(mine.run.name).toBe('RoiSet.zip (outlines of AB)');
      expect(await library.curation.versions(mine.run.uuid)).toMatchObject([
        { owner: 'AB', accepted: 1, rejected: 0, frozenAt: expect.any(String) },
      ]);
      const results = createResultsHandlers({ library, roots: [], progresses: new Progresses() });
      const told = await results.outlineAgreement(
        { first: { path: place }, second: { runUuid: mine.run.uuid }, mostPx: 10 },
        localCall,
      );
      expect(told).toMatchObject({ first: ['cell'], second: ['cell 0'], f1: 1 });
      expect(told.pairs).toEqual([{ first: 0, second: 0, distancePx: 0, overlap: 1 }]);
      // Nobody drew what a program computed.
      const set = cellSet(path.join(root.path, 'set.isxd'));
      const before = readdirSync(library.folders.runs).length;
      await expect(importResult(set, { rater: 'AB' }, library, never)).rejects.toThrow('Only outlines have a rater');
      expect(readdirSync(library.folders.runs)).toHaveLength(before);
      expect(await library.sessions.list()).toHaveLength(1);
    } finally {
      await library.close();
    }
  });

  it('refuses a recording of another size, a damaged file and a call that was stopped, and leaves nothing behind', async () => {
    using root = temporaryFolder();
    const place = cellSet(path.join(root.path, 'day-1.isxd'));
    const library = await openLibrary({ directory: newLibraryIn(path.join(root.path, 'library')) });
    try {
      const { session } = await library.sessions.insert({
        name: 'other',
        folder: root.path,
        format: 'film',
        contentDigest: 'a'.repeat(64),
        recordings: [{ device: 'scope', frames, height: 8, width, fps: 20, durationS: 0.2, codec: 'GREY', files: [] }],
        findings: [],
      });
      const recordingUuid = session.recordings[0]?.uuid ?? '';
      await expect(importResult(place, { recordingUuid }, library, never)).rejects.toMatchObject({
        code: 'media.size_mismatch',
        message: 'The result has 4 frames of 5 × 3 pixels, the recording scope 4 of 5 × 8.',
      });
      const bad = path.join(root.path, 'bad.isxd');
      writeFileSync(bad, 'nothing');
      await expect(importResult(bad, {}, library, never)).rejects.toMatchObject({ code: 'interop.unreadable' });
      await expect(importResult(place, {}, library, AbortSignal.abort())).rejects.toThrow();
      expect(await library.runs.list()).toEqual([]);
      expect(await library.sessions.list()).toHaveLength(1);
      expect(readdirSync(library.folders.runs)).toEqual([]);
    } finally {
      await library.close();
    }
  });

  it('tells the share of masks alone, cell by cell, and stops among them without a trace', async () => {
    using root = temporaryFolder();
    const library = await openLibrary({ directory: newLibraryIn(path.join(root.path, 'library')) });
    try {
      const { session } = await library.sessions.insert({
        name: 'film',
        folder: root.path,
        format: 'film',
        contentDigest: 'a'.repeat(64),
        recordings: [
          { device: 'scope', frames, height: 60, width: 80, fps: 20, durationS: 0.2, codec: 'GREY', files: [] },
        ],
        findings: [],
      });
      const recordingUuid = session.recordings[0]?.uuid ?? '';
      const place = path.join(root.path, 'RoiSet.zip');
      const drawn = Array.from({ length: 10 }, (_, k) => [`cell ${k}.roi`, rectangle(4 * k, 3 * k, 6, 6)] as const);
      writeFileSync(place, zipSync(Object.fromEntries(drawn)));
      const shares: number[] = [];
      await importResult(place, { recordingUuid }, library, never, (step, share) => {
        if (step === 'reading the cells') shares.push(share);
      });
      expect(shares.length).toBeGreaterThanOrEqual(10);
      expect(shares).toEqual(shares.toSorted((a, b) => a - b));
      const before = readdirSync(library.folders.runs);
      const stop = new AbortController();
      const stopped = importResult(place, { recordingUuid }, library, stop.signal, (step, share) => {
        if (step === 'reading the cells' && share > 0) stop.abort();
      });
      await expect(stopped).rejects.toMatchObject({ code: 'rpc.cancelled' });
      expect(readdirSync(library.folders.runs)).toEqual(before);
      expect(await library.runs.list()).toHaveLength(1);
    } finally {
      await library.close();
    }
  });
});
