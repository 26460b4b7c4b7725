// SPDX-License-Identifier: MIT
import { AppError, type PositionInfo, Uuid } from '../../../contract/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import {
  positive,
  runId,
  text,
  words,
  type Answer,
  type Command,
  type FlagValues,
  type Invocation,
} from '../command.ts';
import { withProgress } from '../show-progress.ts';
import { writeWhole } from '../whole-file.ts';

/** `position`: where the animal was. */
export const positionCommand: Command = {
  name: 'position',
  summary: 'Add trackings of the animal to a session, list them, and map activity over places',
  usage:
    'position [list | add <session id> <file> | set <tracking id> | track <tracking id> --csv <file> | maps <run id>] [flags]',
  flags: () => [
    {
      name: 'times',
      value: 'file',
      help: 'add: times of the film’s frames (timeStamps.csv), where the file has none.',
    },
    { name: 'fps', value: 'rate', help: 'add: frames per second of the film, where nothing holds times.' },
    { name: 'name', value: 'name', help: 'add: short name (the file’s when absent).' },
    { name: 'part', value: 'part', help: 'add, set: the part that stands for the animal; track: which one.' },
    { name: 'px-per-cm', value: 'n', help: 'add, set: pixels of the film for a centimetre.' },
    { name: 'unit', value: 'px | cm', help: 'add: unit of x and y, where the file does not say it.' },
    { name: 'miniscope-clock', help: 'add: the times are the miniscope’s, not the behaviour’s.' },
    { name: 'dry-run', help: 'add: only say what was recognised.' },
    {
      name: 'least-likelihood',
      value: 'p',
      help: 'track: samples below it count as not seen (0.9; 0 for SLEAP, MAT).',
    },
    { name: 'bin', value: 'size', help: 'maps: width of a place, in the tracking’s unit (2).' },
    { name: 'least-speed', value: 'v', help: 'maps: leave out times at which it was slower, units/s (0).' },
    { name: 'trace', value: 'name', help: 'maps: raw, denoised, deconvolved (when absent) or dff.' },
    {
      name: 'cells',
      value: 'which',
      help: 'maps: all, accepted, or kept (when absent: accepted, or suggested and not rejected).',
    },
    { name: 'csv', value: 'file', help: 'track, maps: write the table there.' },
  ],
  run,
};

const verbs: Readonly<Record<string, (invocation: Invocation) => Promise<Answer>>> = { list, add, set, track, maps };

async function run(invocation: Invocation): Promise<Answer> {
  const [verb = 'list', ...rest] = invocation.positionals;
  const act = verbs[verb];
  if (act !== undefined) return await act({ ...invocation, positionals: rest });
  throw new AppError('usage.invalid', `position does not know “${verb}”; it knows: ${Object.keys(verbs).join(', ')}.`, {
    hint: `calyx ${positionCommand.usage}`,
  });
}

const line = (row: PositionInfo): string =>
  `${row.uuid}  ${row.name}  ${row.program}  ${row.samples} samples, ${row.parts.length} parts (${row.mainPart}), ${row.unit}${row.pxPerCm === null ? '' : `, ${row.pxPerCm} px/cm`}\n`;

/** @throws AppError `code` for what is no id */
function idOf(given: string, code: 'session.not_imported' | 'position.not_found', what: string, hint: string): string {
  if (Uuid.safeParse(given).success) return given;
  throw new AppError(code, `“${given}” is no ${what}’s id.`, { hint });
}

const trackingId = (given: string): string =>
  idOf(given, 'position.not_found', 'tracking', 'calyx position lists them.');

async function list(invocation: Invocation): Promise<Answer> {
  const [session] = invocation.positionals;
  const { client } = await invocation.connect();
  const positions = await client.position.list(session === undefined ? {} : { sessionUuid: session });
  return {
    exitCode: exitCodes.ok,
    json: { positions },
    text: positions.length === 0 ? 'No trackings yet.\n' : positions.map(line).join(''),
  };
}

function unitOf(flags: FlagValues): { unit?: 'px' | 'cm' } {
  const given = text(flags, 'unit');
  if (given === undefined) return {};
  if (given === 'px' || given === 'cm') return { unit: given };
  throw new AppError('usage.invalid', `--unit is px or cm; it is “${given}”.`);
}

async function add(invocation: Invocation): Promise<Answer> {
  const { flags, absolute } = invocation;
  const [session, file] = words(positionCommand, invocation.positionals, [
    'the session’s id',
    'the tracking file',
  ] as const);
  const sessionUuid = idOf(session, 'session.not_imported', 'session', 'calyx sessions lists them.');
  const [times, name, part] = [text(flags, 'times'), text(flags, 'name'), text(flags, 'part')];
  const [fps, pxPerCm] = [positive(flags, 'fps', 'number'), positive(flags, 'px-per-cm', 'number')];
  const unit = unitOf(flags);
  const { client } = await invocation.connect();
  const wish = {
    sessionUuid,
    source: { path: absolute(file) },
    ...(times === undefined ? {} : { times: { path: absolute(times) } }),
    ...(name === undefined ? {} : { name }),
    ...(part === undefined ? {} : { part }),
    ...(fps === undefined ? {} : { fps }),
    ...(pxPerCm === undefined ? {} : { pxPerCm }),
    ...unit,
    ...(flags['miniscope-clock'] === true ? { onMiniscopeClock: true } : {}),
    dryRun: flags['dry-run'] === true,
  };
  const answer = await withProgress(
    invocation,
    client,
    async (ticket, signal) => await client.position.add({ ...wish, ticket }, { signal }),
    'The reading was stopped; nothing was added.',
  );
  const { title, samples, parts, mainPart, findings, added, position } = answer;
  const verdict =
    position === null ? 'Would be added' : added ? `Added as ${position.uuid}` : `There already as ${position.uuid}`;
  return {
    exitCode: exitCodes.ok,
    json: answer,
    text: `${title}: ${samples} samples of ${parts.join(', ')} (${mainPart} stands for the animal), ${answer.unit}\n${findings.map((finding) => `  note: ${finding}\n`).join('')}${verdict}\n`,
  };
}

async function set(invocation: Invocation): Promise<Answer> {
  const { flags } = invocation;
  const [given] = words(positionCommand, invocation.positionals, ['the tracking’s id'] as const);
  const positionUuid = trackingId(given);
  const [pxPerCm, mainPart] = [positive(flags, 'px-per-cm', 'number'), text(flags, 'part')];
  if (pxPerCm === undefined && mainPart === undefined)
    throw new AppError('usage.invalid', 'position set needs --px-per-cm or --part.');
  const { client } = await invocation.connect();
  const answer = await client.position.set({
    positionUuid,
    ...(pxPerCm === undefined ? {} : { pxPerCm }),
    ...(mainPart === undefined ? {} : { mainPart }),
  });
  return { exitCode: exitCodes.ok, json: answer, text: line(answer.position) };
}

const number = (value: number | null | undefined): string =>
  typeof value === 'number' && Number.isFinite(value) ? String(Number(value.toPrecision(9))) : '';

async function track(invocation: Invocation): Promise<Answer> {
  const { flags, absolute } = invocation;
  const [given] = words(positionCommand, invocation.positionals, ['the tracking’s id'] as const);
  const positionUuid = trackingId(given);
  const part = text(flags, 'part');
  const least = text(flags, 'least-likelihood');
  if (least !== undefined && !(Number(least) >= 0 && Number(least) <= 1))
    throw new AppError('usage.invalid', `--least-likelihood is from 0 to 1; it is “${least}”.`);
  const { client } = await invocation.connect();
  const answer = await client.position.track({
    positionUuid,
    ...(part === undefined ? {} : { part }),
    ...(least === undefined ? {} : { leastLikelihood: Number(least) }),
    mostSamples: 200_000,
  });
  const csv = text(flags, 'csv');
  const { unit } = answer;
  if (csv !== undefined) {
    const rows = answer.timesS.map(
      (time, i) => `${number(time)},${number(answer.x[i])},${number(answer.y[i])},${number(answer.likelihood?.[i])}\n`,
    );
    await writeWhole(absolute(csv), `time_s,x_${unit},y_${unit},likelihood\n${rows.join('')}`);
  }
  const { clock, samples, seen } = answer;
  return {
    exitCode: exitCodes.ok,
    json: answer,
    text: `${answer.part}: ${samples} samples from ${number(answer.timesS[0])} to ${number(answer.timesS.at(-1))} s of the miniscope, seen in ${(100 * seen).toFixed(1)} %, clock offset ${number(clock.offsetS)} s (${clock.method})\n`,
  };
}

async function maps(invocation: Invocation): Promise<Answer> {
  const { flags, absolute } = invocation;
  const [given] = words(positionCommand, invocation.positionals, ['a run'] as const);
  const trace = text(flags, 'trace') ?? 'deconvolved';
  const cells = text(flags, 'cells') ?? 'kept';
  if (trace !== 'raw' && trace !== 'denoised' && trace !== 'deconvolved' && trace !== 'dff')
    throw new AppError('usage.invalid', `--trace is raw, denoised, deconvolved or dff; it is “${trace}”.`);
  if (cells !== 'all' && cells !== 'accepted' && cells !== 'kept')
    throw new AppError('usage.invalid', `--cells is all, kept or accepted; it is “${cells}”.`);
  const { client } = await invocation.connect();
  const stream = client.explore.place({
    runUuid: runId(given),
    cells,
    trace,
    bin: positive(flags, 'bin', 'number') ?? 2,
    leastSpeed: positive(flags, 'least-speed', 'number') ?? 0,
  });
  for await (const { header, bytes } of stream.packets) {
    const { rows, columns, lines, left, top, bin, unit, information } = header;
    const values = new Float32Array(Uint8Array.from(bytes).buffer);
    const size = columns * lines;
    const map = (k: number): Float32Array => values.subarray(k * size, (k + 1) * size);
    const csv = text(flags, 'csv');
    if (csv !== undefined) await writeWhole(absolute(csv), mapsTable(header, map));
    const visited = map(0).reduce((sum, seconds) => sum + (seconds > 0 ? 1 : 0), 0);
    const told = rows.map((row, k) => {
      const own = map(k + 1);
      const peak = own.reduce(
        (best, value, at) => (value > (own[best] ?? -Infinity) || !Number.isFinite(own[best]) ? at : best),
        0,
      );
      const [x, y] = [left + ((peak % columns) + 0.5) * bin, top + (Math.floor(peak / columns) + 0.5) * bin];
      return { mask: row + 1, informationBits: information[k] ?? null, peak: { x, y, activity: own[peak] ?? null } };
    });
    return {
      exitCode: exitCodes.ok,
      json: {
        unit,
        bin,
        columns,
        lines,
        left,
        top,
        occupancyS: Array.from(map(0)),
        cells: told.map((cell, k) =>
          Object.assign(cell, { map: Array.from(map(k + 1), (value) => (Number.isFinite(value) ? value : null)) }),
        ),
      },
      text: `${columns} × ${lines} places of ${bin} ${unit}, ${visited} of them visited\n${told
        .map(
          ({ mask, informationBits, peak }) =>
            `  mask ${mask}: ${number(informationBits)} bits, most at ${peak.x.toFixed(1)}, ${peak.y.toFixed(1)} ${unit}\n`,
        )
        .join('')}`,
    };
  }
  throw new AppError('rpc.disconnected', 'The program that does the work ended.');
}

function mapsTable(
  {
    rows,
    columns,
    lines,
    left,
    top,
    bin,
    unit,
  }: {
    readonly rows: readonly number[];
    readonly columns: number;
    readonly lines: number;
    readonly left: number;
    readonly top: number;
    readonly bin: number;
    readonly unit: string;
  },
  map: (k: number) => Float32Array,
): string {
  const occupancy = map(0);
  const table: string[] = [];
  for (const [k, row] of rows.entries()) {
    const own = map(k + 1);
    for (let at = 0; at < columns * lines; at += 1) {
      const [x, y] = [left + ((at % columns) + 0.5) * bin, top + (Math.floor(at / columns) + 0.5) * bin];
      table.push(`${row + 1},${number(x)},${number(y)},${number(occupancy[at])},${number(own[at])}\n`);
    }
  }
  return `mask,x_${unit},y_${unit},occupancy_s,activity\n${table.join('')}`;
}
