// SPDX-License-Identifier: MIT
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError, type BesideCamera } from '../contract/index.ts';
import type { Library } from '../library/index.ts';
import {
  forEachRow,
  frameTimes,
  headOrientationOf,
  nearestRows,
  type ProbeFilm,
  readNumberTable,
  type ReadFilm,
  usualInterval,
} from '../sessions/index.ts';
import type { RunPart } from './run-parts.ts';

/** A behaviour camera of the sessions of a run, by its name. */
interface Camera {
  readonly name: string;
  readonly films: readonly CameraFilm[];
}

/** A film, and how its clock lies to the scope's: time = offset + rate · its time. */
interface CameraFilm {
  readonly path: string;
  readonly offsetS: number;
  readonly rate: number;
}

const filmName = /\.(?:avi|mkv|mp4|mov|m4v|wmv)$/i;

/** A film of another camera is shown up to this much away from a frame, in frames of the slower of the two. */
const reachFrames = 1.5;

/** Cameras of a session by the folder their films lie in; films of several cameras in one folder are told apart by their names without numbers. */
export function camerasOf(files: readonly CameraFilm[]): readonly Camera[] {
  const films = files.filter((film) => filmName.test(film.path));
  const byFolder = Map.groupBy(films, (film) => path.dirname(film.path));
  return [...byFolder].flatMap(([folder, inside]) => {
    const series = Map.groupBy(inside, (film) => path.basename(film.path).replace(/\d*\.[^.]+$/, ''));
    return [...series].map(([prefix, list]) => ({
      name: series.size === 1 && prefix === '' ? path.basename(folder) : prefix || path.basename(folder),
      films: list,
    }));
  });
}

/** The opened films of a camera, its size, and its own times. */
interface Read {
  readonly films: readonly ReadFilm[];
  readonly height: number;
  readonly width: number;
  readonly frames: number;
  /** s since the recording's start; null where nothing says so. */
  readonly timesS: Float64Array | null;
}

async function readCamera(camera: Camera, format: string, probeFilm: ProbeFilm): Promise<Read> {
  const films: ReadFilm[] = [];
  let [height, width] = [0, 0];
  for (const film of camera.films) {
    const [probe, { size }] = await Promise.all([probeFilm(film.path), stat(film.path)]);
    [height, width] = [probe.height, probe.width];
    films.push({ path: film.path, name: path.basename(film.path), bytes: size, frames: probe.frames });
  }
  const own = await frameTimes(format, films);
  const { offsetS = 0, rate = 1 } = camera.films[0] ?? {};
  const timesS = own?.map((time) => offsetS + rate * time) ?? null;
  return { films, height, width, frames: films.reduce((sum, film) => sum + film.frames, 0), timesS };
}

/** By frame of the run the nearest frame of a camera in time, each device by its own clock; −1 where there is none. */
export function mapFrames(
  parts: readonly Pick<RunPart, 'start' | 'frames'>[],
  runTimesS: Float64Array,
  cameras: readonly (Float64Array | null)[],
): Int32Array {
  const result = new Int32Array(runTimesS.length).fill(-1);
  for (const [i, { start, frames }] of parts.entries()) {
    const own = cameras[i];
    if (own === null || own === undefined) continue;
    const times = runTimesS.subarray(start, start + frames);
    // Rows without a time are no places to go to.
    const known = Array.from(own, (time, frame) => ({ time, frame })).filter(({ time }) => Number.isFinite(time));
    known.sort((a, b) => a.time - b.time);
    const rows = Float64Array.from(known, ({ time }) => time);
    const steps = [usualInterval(times), usualInterval(rows)].filter((step) => Number.isFinite(step));
    const found = nearestRows(times, rows, reachFrames * Math.max(0, ...steps));
    for (const [k, row] of found.entries()) if (row >= 0) result[start + k] = known[row]?.frame ?? -1;
  }
  return result;
}

/** What a run's sessions hold of behaviour cameras. */
export class BesideCameras {
  readonly #library: Library;
  readonly #probeFilm: ProbeFilm;

  constructor(library: Library, probeFilm: ProbeFilm) {
    this.#library = library;
    this.#probeFilm = probeFilm;
  }

  /** By name; the films of each part of the run, none where that session lacks the camera. */
  async #byName(parts: readonly RunPart[]): Promise<ReadonlyMap<string, readonly (Camera | undefined)[]>> {
    const found = await Promise.all(
      parts.map(async ({ session }) => camerasOf(await this.#library.sessions.cameraFilms(session.uuid))),
    );
    const names = [...new Set(found.flat().map(({ name }) => name))];
    return new Map(names.map((name) => [name, found.map((cameras) => cameras.find((one) => one.name === name))]));
  }

  async #read(name: string, parts: readonly RunPart[]): Promise<readonly (Read | undefined)[]> {
    const cameras = (await this.#byName(parts)).get(name);
    if (cameras === undefined) {
      throw new AppError('rpc.invalid_input', `No camera ${name} was recorded with this run.`);
    }
    return await Promise.all(
      cameras.map(async (camera, i) =>
        camera === undefined ? undefined : await readCamera(camera, parts[i]?.session.format ?? '', this.#probeFilm),
      ),
    );
  }

  async list(parts: readonly RunPart[], runTimesS: Float64Array): Promise<BesideCamera[]> {
    const names = [...(await this.#byName(parts)).keys()];
    return await Promise.all(names.map((name) => this.#tell(name, parts, runTimesS)));
  }

  async #tell(name: string, parts: readonly RunPart[], runTimesS: Float64Array): Promise<BesideCamera> {
    const nothing = { name, frames: 0, height: 0, width: 0, seen: 0 };
    try {
      const read = await this.#read(name, parts);
      const first = read.find((one) => one !== undefined);
      if (first === undefined) return { ...nothing, problem: 'It has no film.' };
      const { height, width } = first;
      const frames = read.reduce((sum, one) => sum + (one?.frames ?? 0), 0);
      if (read.every((one) => one === undefined || one.timesS === null)) {
        const problem = 'It has no timeStamps.csv: nothing says which of its frames belongs to which moment.';
        return { ...nothing, frames, height, width, problem };
      }
      const map = this.#map(read, parts, runTimesS);
      const seen = map.filter((frame) => frame >= 0).length / Math.max(1, map.length);
      return { name, frames, height, width, seen, problem: null };
    } catch (error) {
      return { ...nothing, problem: AppError.from(error).message };
    }
  }

  #map(read: readonly (Read | undefined)[], parts: readonly RunPart[], runTimesS: Float64Array): Int32Array {
    const map = mapFrames(
      parts,
      runTimesS,
      read.map((one) => one?.timesS ?? null),
    );
    // The films of all sessions follow each other.
    let before = 0;
    for (const [i, part] of parts.entries()) {
      for (let frame = part.start; frame < part.start + part.frames; frame += 1)
        if ((map[frame] ?? -1) >= 0) map[frame] = (map[frame] ?? 0) + before;
      before += read[i]?.frames ?? 0;
    }
    return map;
  }

  /** By frame of the run the camera's frame; −1 where it saw nothing. @throws AppError `rpc.invalid_input`, `media.…`, `session.…` */
  async frames(name: string, parts: readonly RunPart[], runTimesS: Float64Array): Promise<Int32Array> {
    return this.#map(await this.#read(name, parts), parts, runTimesS);
  }

  /** The camera's films in order, with the frames of each session. @throws AppError as `frames` */
  async films(name: string, parts: readonly RunPart[]) {
    const read = await this.#read(name, parts);
    return read.flatMap((one) =>
      one === undefined
        ? []
        : [{ films: one.films.map((film) => film.path), firstFrame: 0, lastFrame: one.frames - 1 }],
    );
  }
}

/** A quaternion counts as measured when its norm is 1 within this. */
const normTolerance = 0.02;

/** By frame of the run the head's orientation nearest in time (w, x, y, z), NaN where none was measured. */
export async function headOf(parts: readonly RunPart[], runTimesS: Float64Array): Promise<Float32Array> {
  const result = new Float32Array(4 * runTimesS.length).fill(Number.NaN);
  for (const { recording, start, frames } of parts) {
    const film = recording.files[0];
    if (film === undefined) continue;
    const measured = await headOrientationOf(film.path);
    if (measured === null) continue;
    const { rows, columns } = await readNumberTable(measured.text, measured.file, {
      required: ['Time Stamp (ms)', 'qw', 'qx', 'qy', 'qz'],
      allowNonFinite: true,
    });
    const [stamps, ...parts4] = ['Time Stamp (ms)', 'qw', 'qx', 'qy', 'qz'].map(
      (name) => columns.get(name) ?? new Float64Array(),
    );
    const good: { readonly timeS: number; readonly row: number }[] = [];
    await forEachRow(rows, (row) => {
      const timeS = (stamps?.[row] ?? Number.NaN) / 1000;
      const norm = Math.hypot(...parts4.map((column) => column[row] ?? 0));
      if (Number.isFinite(timeS) && Math.abs(norm - 1) <= normTolerance) good.push({ timeS, row });
    });
    good.sort((a, b) => a.timeS - b.timeS);
    const rowsS = Float64Array.from(good, ({ timeS }) => timeS);
    const times = runTimesS.subarray(start, start + frames);
    const steps = [usualInterval(times), usualInterval(rowsS)].filter((step) => Number.isFinite(step));
    const found = nearestRows(times, rowsS, reachFrames * Math.max(0, ...steps));
    await forEachRow(found.length, (k) => {
      const row = good[found[k] ?? -1]?.row;
      if (row === undefined) return;
      for (const [q, column] of parts4.entries()) result[4 * (start + k) + q] = column[row] ?? Number.NaN;
    });
  }
  return result;
}
