// SPDX-License-Identifier: MIT
import { AppError } from '../../contract/index.ts';
import { headOrientationOf } from '../../sessions/index.ts';
import type { ExportRecording, ExportRun } from '../job.ts';
import { fillTimes, sampling, type Timeline } from '../timeline.ts';
import { seriesData, type NwbWriter } from './nwb-writer.ts';

/** Where the films of each recording stand from the NWB file; `objectId` is that of the recording's series. */
export type PlacedFilms = readonly { readonly objectId: string; readonly paths: readonly string[] }[];

/** Name of the series of the recording at `position` of the run's. */
function seriesName(run: ExportRun, position: number): string {
  return run.recordings.length === 1 ? 'OnePhotonSeries' : `OnePhotonSeries${position + 1}`;
}

/** A name that may stand in a path inside the file. */
export function deviceName(name: string | undefined): string {
  return name?.replaceAll(/[/:\s]+/g, '_') || 'Miniscope';
}

/** The raw films by their place, and the head orientation of the recordings. @throws AppError `disk.io` */
export async function writeAcquisition(
  nwb: NwbWriter,
  run: ExportRun,
  timeline: Timeline,
  films: PlacedFilms,
): Promise<void> {
  for (const [i, recording] of run.recordings.entries()) {
    const placed = films[i];
    if (placed === undefined || !recording.filmsPresent) continue;
    writeFilm(nwb, `/acquisition/${seriesName(run, i)}`, recording, filmTimes(run, i, timeline), placed);
  }
  const orientations = await Promise.all(run.recordings.map((recording) => readOrientation(recording)));
  if (orientations.every((orientation) => orientation === null)) return;
  nwb.module('behavior', 'Orientation of the head from the sensor on the miniscope.');
  for (const [i, orientation] of orientations.entries()) {
    if (orientation === null) continue;
    const name = run.recordings.length === 1 ? 'HeadOrientation' : `HeadOrientation${i + 1}`;
    const series = `/processing/behavior/${name}`;
    const offset = timeline.offsets[i] ?? 0;
    nwb.series(series, 'TimeSeries', {
      description: 'Quaternion of the head (qw, qx, qy, qz). Rows whose norm is not 1 were not measured.',
      unit: 'n.a.',
      data: orientation.values,
      shape: [orientation.times.length, 4],
    });
    nwb.sampling(series, sampling(orientation.times.map((time) => time + offset)));
  }
}

function writeFilm(
  nwb: NwbWriter,
  series: string,
  recording: ExportRecording,
  times: Float64Array,
  placed: PlacedFilms[number],
): void {
  const { h5 } = nwb;
  const part =
    recording.firstFrame === 0 && recording.samples === times.length
      ? ''
      : ` The run used frames ${recording.firstFrame} to ${recording.firstFrame + recording.samples - 1} of the films (from 0).`;
  nwb.group(series, 'OnePhotonSeries', {
    object_id: placed.objectId,
    description: `Raw film of ${recording.device}, 8-bit grey levels, ${recording.codec}.`,
    comments: `${settings(recording.config)}${part}`,
  });
  let frame = 0;
  const starts = recording.filmFrames.map((frames) => {
    const start = frame;
    frame += frames;
    return start;
  });
  h5.texts(`${series}/external_file`, placed.paths, undefined, { starting_frame: Int32Array.from(starts) });
  h5.text(`${series}/format`, 'external');
  h5.array(`${series}/dimension`, Int32Array.of(recording.width, recording.height), [2]);
  h5.array(`${series}/data`, new Uint8Array(), [0, 0, 0], seriesData('n.a.'));
  nwb.sampling(series, sampling(times));
  h5.softLink(`${series}/imaging_plane`, '/general/optophysiology/ImagingPlane');
  h5.softLink(`${series}/device`, `/general/devices/${deviceName(recording.device)}`);
}

/** The films are named whole, so each of their frames has its time on the run's axis, those that the run left out too. */
function filmTimes(run: ExportRun, position: number, { times, offsets }: Timeline): Float64Array {
  const recording = run.recordings[position];
  if (recording === undefined) return new Float64Array();
  const { firstFrame, firstSample, samples, filmFrames } = recording;
  const all = new Float64Array(filmFrames.reduce((total, frames) => total + frames, 0));
  for (let frame = 0; frame < all.length; frame += 1)
    all[frame] =
      frame >= firstFrame && frame < firstFrame + samples
        ? (times[firstSample + frame - firstFrame] ?? Number.NaN)
        : (recording.filmTimes?.[frame] ?? Number.NaN) + (offsets[position] ?? 0);
  fillTimes(all, recording.fps ?? run.fps ?? 1, 0);
  return all;
}

/** The settings of a recording's device in one line. */
function settings(config: unknown): string {
  if (typeof config !== 'object' || config === null) return 'Settings are not known.';
  return `Settings: ${JSON.stringify(config)}`;
}

/** Rows of the head orientations beside a recording's films; null where there are none. Times are seconds since the recording's start. */
async function readOrientation(
  recording: ExportRecording,
): Promise<{ readonly times: Float64Array; readonly values: Float64Array } | null> {
  const [film] = recording.films;
  // A table that is none was told when the recording was imported; it keeps nothing else from being written.
  const found = film === undefined ? null : await headOrientationOf(film).catch(asNone);
  if (found === null) return null;
  const [header = '', ...lines] = found.text.split(/\r?\n/);
  const names = header.split(',').map((name) => name.trim());
  const wanted = ['Time Stamp (ms)', 'qw', 'qx', 'qy', 'qz'].map((name) => names.indexOf(name));
  if (wanted.includes(-1)) return null;
  const rows = lines
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const cells = line.split(',');
      return wanted.map((column) => Number(cells[column] ?? Number.NaN));
    })
    // A row without a time cannot be placed; nwbinspector wants times to ascend.
    .filter(
      ([time], i, all) =>
        Number.isFinite(time) && (i === 0 || (time ?? 0) > (all[i - 1]?.[0] ?? Number.NEGATIVE_INFINITY)),
    );
  // Garbage quaternions are kept as they are: which rows are real is the reader's judgement, but a series of none is no measurement.
  const isUnit = ([, w, x, y, z]: readonly number[]): boolean =>
    Math.abs(Math.hypot(w ?? 0, x ?? 0, y ?? 0, z ?? 0) - 1) <= 0.02;
  if (rows.length < 2 || !rows.some((row) => isUnit(row))) return null;
  return {
    times: Float64Array.from(rows, ([time]) => (time ?? 0) / 1000),
    values: Float64Array.from(rows.flatMap((row) => row.slice(1))),
  };
}

/** Does a recording of the run have head orientations that will be written? */
export async function hasOrientation(run: ExportRun): Promise<boolean> {
  const all = await Promise.all(run.recordings.map((recording) => readOrientation(recording)));
  return all.some((orientation) => orientation !== null);
}

function asNone(error: unknown): null {
  if (error instanceof AppError) return null;
  throw error;
}
