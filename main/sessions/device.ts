// SPDX-License-Identifier: MIT
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError, type Finding } from '../contract/index.ts';
import type { FilmProbe } from '../media/index.ts';
import { deviceMetaData, readMetaData, type DeviceMetaData } from './metadata.ts';
import { findingsOfFolder } from './beside-film.ts';
import { filmNames, hasFile, listFolder, type FilmNames } from './places.ts';
import { textOf } from '../text-tables/index.ts';
import { joinTimes, parseTimeStamps, type TimeStamps } from './time-stamps.ts';
import type { FpsSource, ReadContext, ReadDevice, ReadFilm } from './types.ts';

/** A device folder of a Miniscope-DAQ session. */
export interface DeviceFolder {
  /** Absolute. */
  readonly folder: string;
  /** What the session's metadata says of it, if anything. */
  readonly listedAs: 'miniscope' | 'camera' | null;
}

interface Film extends ReadFilm {
  readonly number: number;
  readonly probe: FilmProbe;
}

/** Collects what is noticed about one device. */
export class Notes {
  readonly findings: Finding[] = [];
  error: AppError | null = null;
  readonly #device: string;

  constructor(device: string) {
    this.#device = device;
  }

  say(severity: Finding['severity'], code: string, message: string, where = this.#device): void {
    this.findings.push({ severity, code, message, where });
  }

  /** Runs a part; its error makes the device unusable, the first one is kept. */
  async attempt<T>(part: () => Promise<T>): Promise<T | null> {
    try {
      return await part();
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
      this.error ??= thrown;
      this.say('problem', thrown.code, thrown.message);
      return null;
    }
  }
}

/** What a layout of files says of a device. */
export interface DeviceLayout {
  /** Absolute. */
  readonly folder: string;
  readonly name: string;
  readonly kind: (notes: Notes) => 'miniscope' | 'camera';
  /** Films by name, relative to the folder; numbers from 0. */
  readonly films: FilmNames;
  readonly meta: DeviceMetaData;
  readonly config: unknown;
  /** Name of the file that holds the times. */
  readonly timesFile: string;
  /** Times of so many frames; null where the files say nothing. @throws AppError `session.bad_csv` */
  readonly times: (frames: number) => Promise<TimeStamps | null>;
}

/** Reads one device folder of the Miniscope-DAQ software. What makes it unusable is its `error`, never thrown. */
export async function readDevice(place: DeviceFolder, context: ReadContext): Promise<ReadDevice> {
  const base = path.basename(place.folder);
  const notes = new Notes(base);
  const entries = await listFolder(place.folder);
  const config = await notes.attempt(() =>
    readMetaData(path.join(place.folder, 'metaData.json'), `${base}/metaData.json`),
  );
  if (config === null && notes.error === null) notes.say('info', 'metadata.missing', 'There is no metaData.json.');
  const meta = deviceMetaData(config);
  const device = await assembleDevice(
    {
      folder: place.folder,
      name: meta.name ?? base,
      kind: () => kindOf(place, meta, notes),
      films: filmNames(entries),
      meta,
      config,
      timesFile: 'timeStamps.csv',
      times: async () => (hasFile(entries, 'timeStamps.csv') ? await readTimeStamps(place.folder) : null),
    },
    notes,
    context,
  );
  return hasFile(entries, 'headOrientation.csv')
    ? { ...device, findings: [...device.findings, ...(await findingsOfFolder(place.folder))] }
    : device;
}

/** Reads a device whose files lie in another layout. What makes it unusable is its `error`, never thrown. */
export async function readLaidOut(layout: DeviceLayout, context: ReadContext): Promise<ReadDevice> {
  return await assembleDevice(layout, new Notes(layout.name), context);
}

async function assembleDevice(layout: DeviceLayout, notes: Notes, context: ReadContext): Promise<ReadDevice> {
  const { folder, meta, timesFile } = layout;
  const films = await readFilms(folder, layout.films, meta, notes, context);
  const frames = films.reduce((sum, film) => sum + film.frames, 0);
  const before = notes.error;
  const csv = await notes.attempt(() => layout.times(frames));
  if (csv === null && before === null && notes.error === null)
    notes.say('warning', 'time.no_csv', `There is no ${timesFile}; frame times are made from the frame rate.`);
  notes.findings.push(...(csv?.findings ?? []));
  const timeS = csv === null ? null : joinTimes(csv.timeS, rowsOf(films, meta.framesPerFile));
  if (csv !== null && frames > 0) compareCounts(frames, csv.rows, timeS, timesFile, notes);
  const first = films[0];
  const { fps, source } = frameRate(csv, meta, first?.probe, context.fps, notes);
  return {
    name: layout.name,
    kind: layout.kind(notes),
    deviceType: meta.type,
    folder,
    films: films.map(({ path: file, name, bytes, frames: count }) => ({ path: file, name, bytes, frames: count })),
    frames,
    height: first?.probe.height ?? meta.roi?.height ?? 0,
    width: first?.probe.width ?? meta.roi?.width ?? 0,
    codec: first?.probe.codec ?? '',
    fps,
    fpsSource: source,
    csvRows: csv?.rows ?? null,
    timeS,
    durationS: duration(frames > 0 ? timeS : (csv?.timeS ?? null), frames, fps),
    bytes: films.reduce((sum, film) => sum + film.bytes, 0),
    config: layout.config,
    findings: notes.findings,
    error: notes.error,
  };
}

async function readTimeStamps(folder: string): Promise<TimeStamps> {
  const file = `${path.basename(folder)}/timeStamps.csv`;
  return await parseTimeStamps(textOf(await readFile(path.join(folder, 'timeStamps.csv'))), file);
}

async function readFilms(
  folder: string,
  names: FilmNames,
  meta: DeviceMetaData,
  notes: Notes,
  context: ReadContext,
): Promise<readonly Film[]> {
  for (const name of names.left) {
    notes.say(
      'problem',
      'film.left_behind',
      `${name}: the recording program died while writing this film. Rename it to ${name.slice(0, name.indexOf('.', name.indexOf('.') + 1))} to use what is whole in it.`,
    );
  }
  const [only, ...others] = names.others;
  // A film of another kind is a copy for looking.
  if (names.numbered.length === 0 && only !== undefined && others.length === 0 && /\.avi$/i.test(only)) {
    notes.say('warning', 'film.renamed', `The only film is ${only}, not 0.avi; it is taken for the whole recording.`);
    const numbered = [{ name: only, number: 0, extension: 'avi' }];
    return await readFilms(folder, { numbered, others: [], left: [] }, meta, notes, context);
  }
  if (names.numbered.length === 0) {
    notes.error ??= noFilms(folder, names.others);
    notes.say('problem', 'session.no_films', notes.error.message);
    return [];
  }
  if (names.others.length > 0)
    notes.say('info', 'film.other', `Not part of the recording: ${names.others.join(', ')}.`);
  const films: Film[] = [];
  for (const { name, number } of names.numbered) {
    const file = path.join(folder, name);
    const probe = await notes.attempt(() => probeOrEmpty(file, context));
    if (probe === null) continue;
    notes.findings.push(
      ...probe.findings.map((finding) => ({ ...finding, where: `${path.basename(folder)}/${name}` })),
    );
    if (probe.frames === 0) {
      notes.say('warning', 'media.empty', `${name} holds no frame and was left out.`);
      continue;
    }
    films.push({ path: file, name, number, bytes: (await stat(file)).size, frames: probe.frames, probe });
  }
  if (films.length === 0 && notes.error === null) {
    notes.error = new AppError(
      'media.empty',
      `${path.basename(folder)}: the ${names.numbered.length === 1 ? `film ${names.numbered[0]?.name ?? ''} holds` : 'films hold'} no frame.`,
      {
        hint: 'The recording was probably stopped before the first frame. Choose another one.',
      },
    );
    notes.say('problem', 'media.empty', notes.error.message);
  }
  checkSizes(folder, films, meta, notes);
  checkSeries(films, meta, notes);
  return films;
}

function noFilms(folder: string, others: readonly string[]): AppError {
  const base = path.basename(folder);
  return others.length > 1
    ? new AppError(
        'session.ambiguous_films',
        `${base} holds several films and no order among them: ${others.join(', ')}.`,
        {
          hint: 'Give the one you mean by its path, or name them 0.avi, 1.avi … if they follow one another.',
          details: { films: [...others] },
        },
      )
    : new AppError('session.no_films', `${base} holds no film (0.avi, 1.avi …).`, {
        hint: 'The films may lie on another disk; bring them back beside timeStamps.csv.',
      });
}

async function probeOrEmpty(file: string, context: ReadContext): Promise<FilmProbe> {
  try {
    return await context.probeFilm(file);
  } catch (error) {
    if (error instanceof AppError && error.code === 'media.empty') {
      return { frames: 0, width: 0, height: 0, containerFps: null, codec: '', findings: [] };
    }
    throw error;
  }
}

function checkSizes(folder: string, films: readonly Film[], meta: DeviceMetaData, notes: Notes): void {
  const first = films[0];
  if (first === undefined) return;
  const size = (film: Film): string => `${film.name} is ${film.probe.width} × ${film.probe.height}`;
  const odd = films.find((film) => film.probe.width !== first.probe.width || film.probe.height !== first.probe.height);
  if (odd !== undefined) {
    const message = `${path.basename(folder)}: ${size(odd)}, but ${size(first)} pixels; the films of one recording have one size.`;
    notes.error ??= new AppError('media.size_mismatch', message, {
      hint: 'One of them belongs to another recording: move it away.',
    });
    notes.say('problem', 'media.size_mismatch', message);
  } else if (meta.roi !== null && (meta.roi.height !== first.probe.height || meta.roi.width !== first.probe.width)) {
    notes.say(
      'info',
      'film.roi',
      `metaData.json says ${meta.roi.width} × ${meta.roi.height}; ${size(first)}. The film counts.`,
    );
  }
}

/** Numbers that are missing, films shorter than the others say. */
function checkSeries(films: readonly Film[], meta: DeviceMetaData, notes: Notes): void {
  const first = films[0]?.number ?? 0;
  if (films.length > 0 && first > 0)
    notes.say(
      'warning',
      'film.first_missing',
      `The first film is ${films[0]?.name ?? ''}: the recording's beginning is not here.`,
    );
  for (const [index, film] of films.entries()) {
    const next = films[index + 1];
    if (next === undefined) break;
    if (next.number > film.number + 1) {
      notes.say(
        'problem',
        'film.missing',
        `Between ${film.name} and ${next.name} ${next.number - film.number - 1} film(s) are missing.`,
      );
    }
    if (meta.framesPerFile !== null && film.frames !== meta.framesPerFile) {
      notes.say(
        'problem',
        'film.short',
        `${film.name} holds ${film.frames} frames, ${meta.framesPerFile} are usual here: times after it may be off by ${Math.abs(meta.framesPerFile - film.frames)} frames.`,
      );
    }
  }
}

/**
 * Row of the first frame of each film: films follow one another by position. Only where numbers are missing does the film's own number
 * tell (N = frame / framesPerFile), as position would shift all that follows.
 */
export function rowsOf(
  films: readonly { readonly number: number; readonly frames: number }[],
  framesPerFile: number | null,
): { frames: number; firstRow: number }[] {
  const whole = films.every((film, index) => film.number === index);
  const byNumber = !whole && framesPerFile !== null && films.every((film) => film.frames <= framesPerFile);
  let position = 0;
  return films.map(({ number, frames }) => {
    const firstRow = byNumber ? number * framesPerFile : position;
    position += frames;
    return { frames, firstRow };
  });
}

function compareCounts(
  frames: number,
  rows: number,
  timeS: Float64Array | null,
  timesFile: string,
  notes: Notes,
): void {
  if (frames === rows) return;
  const unknown = timeS?.reduce((count, value) => count + (Number.isNaN(value) ? 1 : 0), 0) ?? 0;
  const consequence =
    frames > rows
      ? `the last ${unknown} frames have no time`
      : `the last ${rows - frames} rows have no frame and are not used`;
  notes.say(
    'warning',
    'csv.count',
    `The films hold ${frames} frames, ${timesFile} has ${rows} rows; joined by position, ${consequence}.`,
  );
}

function frameRate(
  csv: TimeStamps | null,
  meta: DeviceMetaData,
  probe: FilmProbe | undefined,
  given: number | undefined,
  notes: Notes,
): { readonly fps: number | null; readonly source: FpsSource | null } {
  const measured = csv?.fps ?? null;
  if (measured !== null) {
    if (given !== undefined && Math.abs(given / measured - 1) > 0.02) {
      notes.say(
        'warning',
        'fps.ignored',
        `The time stamps say ${measured.toFixed(2)} frames/s; the given ${given} was not used.`,
      );
    }
    if (meta.frameRate !== null && Math.abs(meta.frameRate / measured - 1) > 0.1) {
      notes.say(
        'info',
        'fps.metadata',
        `metaData.json says ${meta.frameRate} frames/s, the time stamps ${measured.toFixed(2)}. The time stamps count.`,
      );
    }
    return { fps: measured, source: 'time-stamps' };
  }
  if (given !== undefined) return { fps: given, source: 'given' };
  if (meta.frameRate !== null) {
    notes.say(
      'warning',
      'fps.metadata',
      `Without time stamps the frame rate is taken from metaData.json: ${meta.frameRate} frames/s.`,
    );
    return { fps: meta.frameRate, source: 'metadata' };
  }
  return containerRate(probe?.containerFps ?? null, notes);
}

function containerRate(fps: number | null, notes: Notes): { fps: number | null; source: FpsSource | null } {
  if (fps !== null) {
    notes.say(
      'warning',
      'fps.container',
      `The frame rate is the film container's: ${Number(fps.toFixed(3))} frames/s. Recording programs often write a wrong one there; give the true one with --fps.`,
    );
  }
  return { fps, source: fps === null ? null : 'container' };
}

function duration(timeS: Float64Array | null, frames: number, fps: number | null): number | null {
  const known = timeS?.filter((value) => Number.isFinite(value)) ?? new Float64Array();
  const first = known[0];
  const last = known.at(-1);
  if (first !== undefined && last !== undefined && last > first) return last - first + (fps === null ? 0 : 1 / fps);
  return fps === null || frames === 0 ? null : frames / fps;
}

function kindOf(place: DeviceFolder, meta: DeviceMetaData, notes: Notes): 'miniscope' | 'camera' {
  if (place.listedAs !== null) return place.listedAs;
  const type = meta.type?.toLowerCase() ?? '';
  if (type.includes('miniscope')) return 'miniscope';
  if (type.includes('cam')) return 'camera';
  if (path.basename(place.folder).toLowerCase().includes('cam')) return 'camera';
  notes.say('info', 'device.kind', 'Nothing says what this device is; taken for a miniscope.');
  return 'miniscope';
}

/** A bare film as a device of its own; used by the reader of films without a session folder. */
export async function readBareFilm(file: string, context: ReadContext): Promise<ReadDevice> {
  const name = path.basename(file);
  const notes = new Notes(name);
  const probe = await notes.attempt(() => probeOrEmpty(file, context));
  if (probe !== null && probe.frames === 0) {
    await notes.attempt(() =>
      Promise.reject(new AppError('media.empty', `${name} holds no frame.`, { hint: 'Choose another film.' })),
    );
  }
  notes.findings.push(...(probe?.findings ?? []));
  notes.say('warning', 'session.bare_film', 'A film without a session folder: no time stamps, no metadata.');
  const rate =
    context.fps === undefined
      ? containerRate(probe?.containerFps ?? null, notes)
      : { fps: context.fps, source: 'given' as const };
  const { size } = await stat(file);
  const frames = probe?.frames ?? 0;
  return {
    name: path.parse(name).name,
    kind: 'miniscope',
    deviceType: null,
    folder: path.dirname(file),
    films: frames === 0 ? [] : [{ path: file, name, bytes: size, frames }],
    frames,
    height: probe?.height ?? 0,
    width: probe?.width ?? 0,
    codec: probe?.codec ?? '',
    fps: rate.fps,
    fpsSource: rate.source,
    csvRows: null,
    timeS: null,
    durationS: duration(null, frames, rate.fps),
    bytes: size,
    config: null,
    findings: notes.findings,
    error: notes.error,
  };
}
