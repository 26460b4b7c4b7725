// SPDX-License-Identifier: MIT
import { readNpz } from '../../arrays/index.ts';
import { AppError } from '../../contract/index.ts';
import { inputsOf } from '../../sessions/index.ts';
import type { ExportRecording, ExportRun, Happenings } from '../job.ts';
import type { Timeline } from '../timeline.ts';
import type { NwbWriter } from './nwb-writer.ts';

/** Words that many lines share; a name may stand in a path of the file. */
const nameOf = (text: string): string => text.trim().replaceAll(/[^\p{L}\p{N}_-]+/gu, '_') || 'event';

/** Names for the file, each once: what differs only in letters that a name cannot hold is counted on. */
export function namesOf(texts: readonly string[], taken: Iterable<string> = []): readonly string[] {
  const used = new Set(taken);
  return texts.map((text) => {
    const name = nameOf(text);
    let unique = name;
    for (let n = 2; used.has(unique); n += 1) unique = `${name}_${n}`;
    used.add(unique);
    return unique;
  });
}

/**
 * What happened: trials and recordings as intervals, events of the behaviour, pulses at the board's inputs and the cells’ calcium events as tables of
 * events, notes with their times. All on the time axis of the frames.
 *
 * @throws AppError `disk.io`
 */
export async function writeHappenings(
  nwb: NwbWriter,
  run: ExportRun,
  timeline: Timeline,
  table: string,
): Promise<void> {
  writeIntervals(nwb, run, timeline);
  const tables = [
    ...behaviourTables(run, timeline),
    ...(await pulseTables(run, timeline)),
    ...(await calciumTables(run, timeline)),
  ].filter(({ times }) => times.length > 0);
  if (tables.length > 0) nwb.h5.group('/events');
  for (const { name, description, times, columns } of tables) {
    const place = `/events/${name}`;
    nwb.table(
      place,
      'EventsTable',
      description,
      [...times.keys()],
      ['timestamp', ...columns.map((column) => column.name)],
    );
    nwb.h5.array(`${place}/timestamp`, times, [times.length], {
      ...nwb.type('TimestampVectorData'),
      description: 'Seconds on the time axis of the session.',
      unit: 'seconds',
    });
    for (const column of columns) writeColumn(nwb, `${place}/${column.name}`, column, table);
  }
  writeNotes(nwb, run, timeline);
}

interface EventColumn {
  readonly name: string;
  readonly description: string;
  /** Numbers; durations in seconds; or rows of the table of cells. */
  readonly values:
    | Float64Array
    | Int32Array
    | { readonly durations: Float64Array }
    | { readonly cells: readonly number[] };
}

interface EventTable {
  readonly name: string;
  readonly description: string;
  readonly times: Float64Array;
  readonly columns: readonly EventColumn[];
}

function writeColumn(nwb: NwbWriter, place: string, { description, values }: EventColumn, cells: string): void {
  if ('cells' in values) nwb.region(place, cells, values.cells, description);
  else if ('durations' in values)
    nwb.h5.array(place, values.durations, [values.durations.length], {
      ...nwb.type('DurationVectorData'),
      description,
      unit: 'seconds',
    });
  else nwb.column(place, description, values);
}

function writeIntervals(nwb: NwbWriter, run: ExportRun, timeline: Timeline): void {
  const trials = run.recordings
    .flatMap(({ happenings }, i) =>
      (happenings?.trials ?? []).map((trial) => Object.assign({ offset: timeline.offsets[i] ?? 0 }, trial)),
    )
    .toSorted((a, b) => a.startS + a.offset - (b.startS + b.offset));
  const several = run.recordings.length > 1;
  if (trials.length === 0 && !several) return;
  nwb.h5.group('/intervals');
  if (trials.length > 0) {
    const names = [...new Set(trials.flatMap(({ attributes }) => Object.keys(attributes)))].toSorted();
    const own = ['id', 'start_time', 'stop_time', 'trial_id', 'trial_type'];
    const unique = namesOf(names, own);
    const columns = names.map((name, i) => [unique[i] ?? name, name] as const);
    const place = '/intervals/trials';
    const clocks = [
      ...new Set(run.recordings.flatMap(({ happenings }) => (happenings === null ? [] : [happenings.clock]))),
    ];
    nwb.table(
      place,
      'TimeIntervals',
      `Trials of the behaviour. Its clock was brought onto the recording’s ${clocks.join('; ')}.`,
      [...trials.keys()],
      ['start_time', 'stop_time', 'trial_id', 'trial_type', ...columns.map(([name]) => name)],
    );
    nwb.column(
      `${place}/start_time`,
      'Start of the trial, s.',
      Float64Array.from(trials, ({ startS, offset }) => startS + offset),
    );
    nwb.column(
      `${place}/stop_time`,
      'End of the trial, s.',
      Float64Array.from(trials, ({ stopS, offset }) => stopS + offset),
    );
    nwb.column(
      `${place}/trial_id`,
      'Number of the trial in the library.',
      Int32Array.from(trials, ({ trialId }) => trialId),
    );
    nwb.textColumn(
      `${place}/trial_type`,
      'Type of the trial.',
      trials.map(({ type }) => type ?? ''),
    );
    for (const [column, name] of columns)
      nwb.textColumn(
        `${place}/${column}`,
        `Attribute ${name} of the trial.`,
        trials.map(({ attributes }) => attributes[name] ?? ''),
      );
  }
  if (!several) return;
  const place = '/intervals/epochs';
  const edge = (recording: ExportRecording, which: 0 | -1): number =>
    timeline.times.subarray(recording.firstSample, recording.firstSample + recording.samples).at(which) ?? 0;
  nwb.table(
    place,
    'TimeIntervals',
    'The recordings of this file.',
    [...run.recordings.keys()],
    ['start_time', 'stop_time', 'recording'],
  );
  nwb.column(
    `${place}/start_time`,
    'First frame, s.',
    Float64Array.from(run.recordings, (recording) => edge(recording, 0)),
  );
  nwb.column(
    `${place}/stop_time`,
    'Last frame, s.',
    Float64Array.from(run.recordings, (recording) => edge(recording, -1)),
  );
  nwb.textColumn(
    `${place}/recording`,
    'Recording in the Calyx library.',
    run.recordings.map(({ uuid }) => uuid),
  );
}

/** A table for each type of event of the behaviour. */
function behaviourTables(run: ExportRun, timeline: Timeline): readonly EventTable[] {
  const byType = new Map<string, number[]>();
  let clock: Happenings['clock'] = '';
  for (const [i, { happenings }] of run.recordings.entries()) {
    for (const { type, timeS } of happenings?.events ?? []) {
      clock = happenings?.clock ?? '';
      byType.set(type, [...(byType.get(type) ?? []), timeS + (timeline.offsets[i] ?? 0)]);
    }
  }
  const names = namesOf([...byType.keys()]);
  return [...byType].map(([type, times], i) => ({
    name: `behavior_${names[i] ?? ''}`,
    description: `Events “${type}” of the behaviour. Its clock was brought onto the recording’s ${clock}.`,
    times: Float64Array.from(times).toSorted(),
    columns: [],
  }));
}

/** Pulses at the inputs of the board: when each went high, and for how long; a level is known at frames only. */
async function pulseTables(run: ExportRun, timeline: Timeline): Promise<readonly EventTable[]> {
  const pulses = new Map<number, { start: number; stop: number }[]>();
  for (const recording of run.recordings) {
    for (const [input, levels] of await readInputs(recording)) {
      const list = pulses.get(input) ?? [];
      pulses.set(input, list);
      let start: number | null = null;
      for (let t = 0; t <= recording.samples; t += 1) {
        const isHigh = t < recording.samples && levels[recording.firstFrame + t] === 1;
        // Past its last frame a pulse still goes on for all that is known: it ends there.
        const time = timeline.times[recording.firstSample + Math.min(t, recording.samples - 1)] ?? Number.NaN;
        if (isHigh) start ??= time;
        else if (start !== null) {
          list.push({ start, stop: time });
          start = null;
        }
      }
    }
  }
  return [...pulses].map(([input, list]) => ({
    name: `TTL_input_${input + 1}`,
    description: `Pulses at input ${input + 1} of the board. Levels are read with each frame: times are those of the first frame with the new level.`,
    times: Float64Array.from(list, ({ start }) => start),
    columns: [
      {
        name: 'duration',
        description: 'How long the input stayed high, s.',
        values: { durations: Float64Array.from(list, ({ start, stop }) => stop - start) },
      },
    ],
  }));
}

/** Levels by input and frame of the recording: 1 high, 0 low, −1 not read. Rows that say nothing are not read. */
async function readInputs({ films: [film] }: ExportRecording): Promise<ReadonlyMap<number, Int8Array>> {
  const levels = new Map<number, Int8Array>();
  const rows = film === undefined ? null : await inputsOf(film).catch(asNone);
  for (const [frame, given] of rows?.entries() ?? []) {
    for (let input = 0; input < given.length; input += 1) {
      const list = levels.get(input) ?? new Int8Array(rows?.length ?? 0).fill(-1);
      levels.set(input, list);
      list[frame] = Number(given[input]);
    }
  }
  return levels;
}

/** A table that is none was told when the recording was imported; it keeps nothing else from being written. */
function asNone(error: unknown): null {
  if (error instanceof AppError) return null;
  throw error;
}

/** The cells' discrete events, those of all cells in order of time. */
async function calciumTables(run: ExportRun, timeline: Timeline): Promise<readonly EventTable[]> {
  if (run.arrays.events === null || run.cells.length === 0) return [];
  const names = ['cell', 'onset', 'peak', 'end', 'amplitude', 'amplitude_sigma', 'amplitude_dff'] as const;
  const read = await readNpz(run.arrays.events, names, 'events.npz');
  const position = new Map(run.cells.map((cell, k) => [cell.index, k]));
  const time = (frame: number): number => timeline.times[frame] ?? Number.NaN;
  const at = (name: (typeof names)[number], i: number): number => read[name][i] ?? Number.NaN;
  const rows = Array.from({ length: read.cell.length }, (_, i) => i)
    .filter((i) => position.has(at('cell', i)))
    .toSorted((a, b) => at('onset', a) - at('onset', b));
  const pick = (name: (typeof names)[number]): Float64Array => Float64Array.from(rows, (i) => at(name, i));
  return [
    {
      name: 'CalciumEvents',
      description:
        'Discrete calcium events of the cells (docs/engine.md of Calyx has the rule); a row when calcium starts to rise.',
      times: pick('onset').map(time),
      columns: [
        {
          name: 'duration',
          description: 'From the onset to the last frame of the event, s.',
          values: { durations: Float64Array.from(rows, (i) => time(at('end', i)) - time(at('onset', i))) },
        },
        {
          name: 'cell',
          description: 'Row of the table of cells.',
          values: { cells: rows.map((i) => position.get(at('cell', i)) ?? 0) },
        },
        { name: 'onset_frame', description: 'Frame of the onset, from 0.', values: Int32Array.from(pick('onset')) },
        {
          name: 'peak_frame',
          description: 'Frame of the highest denoised value.',
          values: Int32Array.from(pick('peak')),
        },
        { name: 'end_frame', description: 'Last frame of the event.', values: Int32Array.from(pick('end')) },
        {
          name: 'amplitude',
          description: 'Grey levels at the pixel where the footprint is 1.',
          values: pick('amplitude'),
        },
        {
          name: 'amplitude_sigma',
          description: 'Amplitude over the noise of the raw trace.',
          values: pick('amplitude_sigma'),
        },
        { name: 'amplitude_dff', description: 'Amplitude in ΔF/F.', values: pick('amplitude_dff') },
      ],
    },
  ];
}

/** Notes with the time at which they were taken. */
function writeNotes(nwb: NwbWriter, run: ExportRun, timeline: Timeline): void {
  const notes = run.recordings
    .flatMap(({ happenings }, i) =>
      (happenings?.notes ?? []).map(({ timeS, text }) => ({ text, time: timeS + (timeline.offsets[i] ?? 0) })),
    )
    .toSorted((a, b) => a.time - b.time);
  if (notes.length === 0) return;
  const series = '/acquisition/Notes';
  nwb.group(series, 'AnnotationSeries', {
    description: 'Notes taken during the recording.',
    comments: 'no comments',
  });
  nwb.h5.texts(
    `${series}/data`,
    notes.map(({ text }) => text),
    undefined,
    { conversion: 1, offset: 0, resolution: -1, unit: 'n/a' },
  );
  nwb.sampling(series, { kind: 'timestamps', times: Float64Array.from(notes, ({ time }) => time) });
}
