// SPDX-License-Identifier: MIT
import type Database from 'better-sqlite3';
import type { Stores } from '../../main/library/database/stores.ts';
import type { NewCell, NewRun, NewSession } from '../../main/library/index.ts';

/** 2026-05-01T10:00:00.000Z */
export const testEpochMs = Date.UTC(2026, 4, 1, 10);

/** A session with one miniscope of 30 × 40 pixels in two films. */
export function newSession(n: number, overrides: Partial<NewSession> = {}): NewSession {
  return {
    name: `session ${n}`,
    subject: `m${n % 7}`,
    startedAt: new Date(testEpochMs - n * 3_600_000).toISOString(),
    tzOffsetMin: 120,
    folder: `/recordings/s${n}`,
    format: 'miniscope-daq-v4',
    contentDigest: n.toString(16).padStart(64, '0'),
    findings: [],
    recordings: [
      {
        device: 'Miniscope',
        deviceType: 'Miniscope_V4_BNO',
        acquisitionSoftware: 'Miniscope-DAQ-V4',
        frames: 1500,
        height: 30,
        width: 40,
        fps: 19.98,
        durationS: 75.02,
        startedAt: new Date(testEpochMs - n * 3_600_000).toISOString(),
        tzOffsetMin: 120,
        codec: 'FFV1',
        config: { frameRate: '20FPS', ROI: { height: 30, width: 40 } },
        files: [
          { path: 'Miniscope/0.avi', frames: 1000, bytes: 2000 },
          { path: 'Miniscope/1.avi', frames: 500, bytes: 1000 },
        ],
      },
    ],
    ...overrides,
  };
}

export function newRun(recordingUuid: string, overrides: Partial<NewRun> = {}): NewRun {
  return {
    name: 'run',
    inputs: [{ recordingUuid, firstFrame: 0, lastFrame: null }],
    parameters: { diameterPx: 8, minCorr: 0.8 },
    engineVersion: '0.1.0',
    budget: { threads: 2, memoryBytes: 2 ** 31 },
    ...overrides,
  };
}

/** Cells on a diagonal of a field that is wider than high; every third is not suggested. */
export function newCells(count: number): readonly NewCell[] {
  return Array.from({ length: count }, (_, row) => ({
    row,
    centroid: { y: 5.5 + row, x: 30.25 + row },
    box: { top: 3 + row, left: 27 + row, height: 5, width: 7 },
    metrics: { snr: 3.5 + row, skewness: Number.NaN },
    suggested: row % 3 !== 2,
    reasons: row % 3 === 2 ? ['low-snr'] : [],
  }));
}

/** A finished run of `count` cells on a fresh session; returns its uuid. */
export function finishedRun(stores: Stores, count: number, n = 1): string {
  const { session } = stores.sessions.insert(newSession(n));
  const run = stores.runs.create(newRun(session.recordings[0]!.uuid));
  stores.runs.claim({ runUuid: run.uuid });
  stores.runs.finish(run.uuid, { cells: newCells(count), arrays: [] });
  return run.uuid;
}

/** The whole database as SQL text: schema in the order that loads, then rows. */
export function dumpSql(database: Database.Database): string {
  const objects = database
    .prepare<[], { type: string; name: string; sql: string }>(
      "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid",
    )
    .all();
  // Off: a table may refer to one that was made after it.
  const lines = [
    'PRAGMA foreign_keys = OFF;',
    `PRAGMA application_id = ${String(database.pragma('application_id', { simple: true }))};`,
  ];
  for (const { type, sql } of objects) if (type === 'table') lines.push(`${sql};`);
  for (const { type, name } of objects) {
    if (type !== 'table') continue;
    const columns = database.prepare<[], { name: string }>(`PRAGMA table_info(${name})`).all();
    const values = columns.map((column) => `quote("${column.name}")`).join(` || ', ' || `);
    const rows = database.prepare<[], { row: string }>(`SELECT ${values} AS row FROM ${name}`).all();
    for (const { row } of rows) lines.push(`INSERT INTO ${name} VALUES (${row});`);
  }
  for (const { type, sql } of objects) if (type !== 'table') lines.push(`${sql};`);
  return `${lines.join('\n')}\n`;
}

/** Pseudo-random numbers in [0, 1) that repeat (a linear congruential generator, constants of Numerical Recipes). */
export function seededNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
