// SPDX-License-Identifier: MIT
// The library that bench:library asks: made with the program's own schema, filled by SQL.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { encodeNpy } from '../main/arrays/index.ts';
import { openStores } from '../main/library/database/stores.ts';
import { uuidText } from '../main/library/uuid.ts';

/** K × T of the run whose traces are on the disk. */
export const traceShape = { cells: 500, frames: 36_000 };

const metrics = `json_object('snr', 2.0 + (n * 37 % 900) / 100.0, 'rValue', (n * 53 % 100) / 100.0, 'probability', (n * 17 % 100) / 100.0,
  'areaPx', 60 + n % 90, 'decayS', 0.4 + (n % 30) / 100.0, 'eventRate', (n * 29 % 60) / 100.0)`;

/** The bytes of a UUID of version 4. */
function newUuid() {
  const bytes = randomBytes(16);
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes;
}

/** Fills an empty library. */
function fill(database, { sessions, runs, cells }) {
  const numbers = (count) => `WITH RECURSIVE t(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM t WHERE n + 1 < ${count})`;
  const at = (days) => `strftime('%Y-%m-%dT%H:%M:%fZ', '2024-01-01T08:00:00.000Z', (${days}) || ' minutes')`;
  const perRun = Math.round(cells / runs);
  database.function('new_uuid', newUuid);
  database.pragma('synchronous = OFF');
  database.transaction(() => {
    database.exec(`
      INSERT INTO subject (uuid, subject, sex, description, created_at) ${numbers(200)}
        SELECT new_uuid(), 'mouse' || n, 'F', 'cohort ' || n % 12, ${at('n')} FROM t;
      INSERT INTO session (uuid, subject_id, session_datetime, tz_offset_min, name, folder, format, content_digest, imported_at) ${numbers(sessions)}
        SELECT new_uuid(), 1 + n % 200, ${at('n * 150')}, 0, 'day ' || n / 200 || ' mouse' || n % 200, '/data/s' || n, 'miniscope-daq-v4',
          printf('%064x', n), ${at('n * 150 + 90')} FROM t;
      INSERT INTO session_note (session_id, session_note) ${numbers(sessions)}
        SELECT n + 1, 'The animal was calm; LED at ' || n % 60 || ' %. needle ' || n % 50 || ' found under the lens, focus moved by ' || n % 7 FROM t;
      INSERT INTO recording (uuid, session_id, recording_id, device, device_type) ${numbers(sessions)}
        SELECT new_uuid(), n + 1, 0, 'Miniscope', 'Miniscope_V4_BNO' FROM t;
      INSERT INTO recording_info (recording_id, nframes, px_height, px_width, fps, recording_datetime, recording_duration, codec) ${numbers(sessions)}
        SELECT n + 1, 10000, 608, 608, 19.98, ${at('n * 150')}, 500.5, 'FFV1' FROM t;
      INSERT INTO recording_file (recording_id, file_id, file_path, frames, bytes) ${numbers(sessions * 10)}
        SELECT n / 10 + 1, n % 10, 'Miniscope/' || n % 10 || '.avi', 1000, 180000000 FROM t;
      INSERT INTO session_finding (session_id, position, severity, code, message) ${numbers(Math.floor(sessions / 3))}
        SELECT 3 * n + 1, 0, 'warning', 'frames.lost', '12 frames were lost' FROM t;
      INSERT INTO processing_param_set (uuid, processing_method_id, params_version, dj_param_hash, params_sha256, created_at, params) ${numbers(8)}
        SELECT new_uuid(), 1, 1, new_uuid(), printf('%064x', n), ${at('n')}, '{"diameterPx":8}' FROM t;
      INSERT INTO run (uuid, session_id, processing_param_set_id, name, state, created_at, started_at, ended_at, output_folder, cell_count, suggested_count)
        ${numbers(runs)} SELECT new_uuid(), 1 + n % ${sessions}, 1 + n % 8, 'run ' || n, 'succeeded', ${at('n')}, ${at('n')}, ${at('n + 20')}, 'runs/' || n,
          ${perRun}, ${Math.round(perRun * 0.7)} FROM t;
      INSERT INTO run_input (run_id, position, recording_id, first_frame) ${numbers(runs)} SELECT n + 1, 0, 1 + n % ${sessions}, 0 FROM t;
      INSERT INTO cell (uuid, run_id, row, centroid_y, centroid_x, box_top, box_left, box_height, box_width, suggested, reasons, metrics)
        ${numbers(perRun * runs)} SELECT new_uuid(), n / ${perRun} + 1, n % ${perRun}, n * 7 % 600, n * 11 % 600, n * 7 % 590, n * 11 % 590, 14, 15, n % 10 < 7, '[]',
          ${metrics} FROM t;
      INSERT INTO rater (uuid, initials, created_at) VALUES (new_uuid(), 'AB', ${at('0')});
      INSERT INTO curation (uuid, run_id, owner_id, created_at, accepted_count) ${numbers(Math.floor(runs / 4))}
        SELECT new_uuid(), 4 * n + 1, 1, ${at('n')}, 1 FROM t;
      INSERT INTO curation_log (curation_id, seq, step, kind, rater_id, cell_id, from_label, to_label, at, context) ${numbers(Math.floor(runs / 4))}
        SELECT n + 1, 1, 1, 'decide', 1, 4 * n * ${perRun} + 1, 'undecided', 'accepted', ${at('n')}, '{}' FROM t;
      UPDATE run SET output_folder = 'runs/' || lower(substr(hex(uuid), 1, 8) || '-' || substr(hex(uuid), 9, 4) || '-' || substr(hex(uuid), 13, 4) || '-'
        || substr(hex(uuid), 17, 4) || '-' || substr(hex(uuid), 21));
    `);
  })();
  database.exec('ANALYZE');
}

/** Traces of one run on the disk: 500 × 36,000 float32, the pyramid left out, so that what is read is the trace itself. */
async function writeTraces(folder) {
  const { cells, frames } = traceShape;
  mkdirSync(path.join(folder, 'traces'), { recursive: true });
  const header = encodeNpy(new Float32Array(cells * frames), [cells, frames]);
  const file = await open(path.join(folder, 'traces', 'raw.npy'), 'w');
  await file.writeFile(header.subarray(0, header.length - 4 * cells * frames));
  for (let k = 0; k < cells; k += 1)
    await file.writeFile(
      Buffer.from(Float32Array.from({ length: frames }, (_, t) => Math.sin(t * 0.01 * (k + 1))).buffer),
    );
  await file.sync();
  await file.close();
  writeFileSync(
    path.join(folder, 'time.npy'),
    encodeNpy(
      Float64Array.from({ length: frames }, (_, t) => t / 20),
      [frames],
    ),
  );
  const files = ['traces/raw.npy', 'time.npy'].map((name) => ({ path: name }));
  writeFileSync(
    path.join(folder, 'run.json'),
    JSON.stringify({ formatVersion: 1, components: cells, frames, height: 608, width: 608, fps: 20, files }),
  );
}

/** Makes the library where it is not there yet; gives the run whose traces are on the disk. */
export async function makeLibrary(directory, size) {
  if (existsSync(path.join(directory, 'library.sqlite'))) return null;
  mkdirSync(directory, { recursive: true });
  const stores = openStores({ directory, host: 'bench' });
  try {
    fill(stores.database, size);
    const { uuid } = stores.database.prepare('SELECT uuid FROM run ORDER BY session_id DESC, id LIMIT 1').get();
    const arraysRun = uuidText(uuid);
    await writeTraces(path.join(directory, 'runs', arraysRun));
    return { arraysRun };
  } catch (error) {
    rmSync(path.join(directory, 'library.sqlite'), { force: true });
    throw error;
  } finally {
    stores.close();
  }
}
