// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import {
  AppError,
  ParameterValues,
  Uuid,
  type Budget,
  type RecordingRow,
  type SessionRow,
  given,
} from '../../contract/index.ts';
import { seedsOfFile, seedsOutside } from '../../interop/index.ts';
import { readParameterSet } from '../../processing/index.ts';
import { positive, text, type Command, type Flag, type FlagValues, type Invocation } from './command.ts';
import type { CoreClient } from './connection.ts';
import { withProgress } from './show-progress.ts';
import { parseMemory } from './memory.ts';

/** What a run is asked for: recordings of one field in order, parameters, limits. */
export interface RunRequest {
  readonly client: CoreClient;
  /** One for each place named, in that order. */
  readonly chosen: readonly { readonly session: SessionRow; readonly recording: RecordingRow }[];
  readonly input: {
    readonly recordingUuids: string[];
    readonly parameters: ParameterValues;
    readonly parameterSet?: string;
    readonly budget: Budget;
  };
}

/** The flags of commands that plan or start a run. */
export const runFlags = (): readonly Flag[] => [
  { name: 'device', value: 'name', help: 'Miniscope of each session; needed when one has several.' },
  { name: 'fps', value: 'rate', help: 'Frames per second of a film without time stamps.' },
  { name: 'dataset', value: 'path', help: 'Array of an HDF5, NWB or zarr film, where the file holds several.' },
  { name: 'threads', value: 'n', help: 'Cores to use, decoders included.' },
  { name: 'memory', value: 'size', help: 'Memory the engine may hold, as in 2G.' },
  { name: 'params', value: 'file', help: 'Parameters from a file, as `params import` writes it; flags go before it.' },
  {
    name: 'preset',
    value: 'name',
    help: `Named set of parameters: ${readParameterSet()
      .presets.map((preset) => preset.name)
      .join(', ')}.`,
  },
  {
    name: 'paramset',
    value: 'set',
    help: 'Parameter set of the library by number, hash or description (params list); flags go before it. CaImAn’s is translated.',
  },
  {
    name: 'seeds',
    value: 'file',
    help: 'Cells marked beforehand: outlines of ImageJ (zip, roi) or a table with columns x and y (px); the search goes on after them.',
  },
  ...readParameterSet().specs.map((spec) => ({
    name: spec.cliFlag.slice(2),
    value: spec.unit ?? spec.type,
    help: `${spec.help.split('. ')[0]?.replace(/\.$/, '') ?? spec.label}. Default: ${spec.default === null ? 'from the film' : String(spec.default)}.`,
  })),
];

/** Reads the flags, then brings the named places into the library. @throws AppError `usage.invalid`, `session.*` */
export async function runRequest(invocation: Invocation, command: Command): Promise<RunRequest> {
  const { flags, json, terminal } = invocation;
  const places = invocation.positionals;
  if (places.length === 0) {
    throw new AppError('usage.invalid', `${command.name} needs the folder or film to process.`, {
      hint: `calyx ${command.usage}`,
    });
  }
  const parameters = await parametersFrom(invocation);
  const parameterSet = text(flags, 'paramset');
  const threads = positive(flags, 'threads', 'whole number');
  const memory = text(flags, 'memory');
  const fps = positive(flags, 'fps', 'number');
  const budget = {
    ...(threads === undefined ? {} : { threads }),
    ...(memory === undefined ? {} : { memoryBytes: parseMemory(memory) }),
  };
  await refuseBeforeLibrary(invocation, places);
  const { client } = await invocation.connect();
  const device = text(flags, 'device');
  const chosen: { session: SessionRow; recording: RecordingRow }[] = [];
  for (const place of places) {
    const session = await sessionOf(invocation, client, place, { device, fps, dataset: text(flags, 'dataset') });
    for (const finding of session.findings) {
      if (finding.severity !== 'info' && !json) terminal.err(`${finding.severity}: ${finding.message}\n`);
    }
    const recording = recordingOf(session, device);
    if (chosen.some((other) => other.recording.uuid === recording.uuid)) {
      throw new AppError('usage.invalid', `${session.name} (${recording.device}) is named twice.`, {
        hint: 'Name each recording once, in the order in which they were made.',
      });
    }
    chosen.push({ session, recording });
  }
  const [first] = chosen;
  const given = parameters['givenSeeds'];
  if (typeof given === 'string' && given !== '' && first !== undefined) {
    const outside = seedsOutside(given, first.recording);
    if (outside > 0 && !json) terminal.err(`warning: ${outside} of the marked cells lie outside of the film.\n`);
  }
  return {
    client,
    chosen,
    input: {
      recordingUuids: chosen.map(({ recording }) => recording.uuid),
      parameters,
      ...(parameterSet === undefined ? {} : { parameterSet }),
      budget,
    },
  };
}

/** A mistyped path must not leave an empty library behind: where there is none yet, the places are read before it is made. */
async function refuseBeforeLibrary(
  { absolute, library, readSession }: Invocation,
  places: readonly string[],
): Promise<void> {
  if (existsSync(library)) return;
  for (const place of places) if (!Uuid.safeParse(place).success) await readSession(absolute(place));
}

/** What `--preset`, `--params` and the flags of single parameters say. @throws AppError `usage.invalid` */
export async function parametersFrom({
  flags,
  absolute,
}: Pick<Invocation, 'flags' | 'absolute'>): Promise<ParameterValues> {
  const set = readParameterSet();
  const file = text(flags, 'params');
  const preset = text(flags, 'preset');
  // What is said one by one counts more than a file, and that more than a preset.
  const values: ParameterValues = preset === undefined ? {} : set.preset(preset);
  if (file !== undefined) Object.assign(values, await parametersOfFile(absolute(file)));
  for (const [name, value] of Object.entries(flagValues(flags))) values[name] = value;
  const marked = text(flags, 'seeds');
  if (marked !== undefined) {
    if (text(flags, 'given-seeds') !== undefined)
      throw new AppError('usage.invalid', 'Give either --seeds or --given-seeds.');
    values['givenSeeds'] = (await seedsOfFile(absolute(marked))).text;
  }
  set.complete(values);
  return values;
}

function flagValues(flags: FlagValues): ParameterValues {
  const set = readParameterSet();
  const values: ParameterValues = {};
  for (const spec of set.specs) {
    const given = text(flags, spec.cliFlag.slice(2));
    if (given !== undefined) values[spec.name] = set.parseText(spec, given);
  }
  return values;
}

async function parametersOfFile(file: string): Promise<ParameterValues> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new AppError('usage.invalid', `${file} holds no parameters: ${error instanceof Error ? error.message : ''}`, {
      hint: 'A parameter file is JSON: {"parameters": {"diameterPx": 8}}.',
      cause: error,
    });
  }
  const inside = typeof value === 'object' && value !== null && 'parameters' in value ? value.parameters : value;
  const parsed = ParameterValues.safeParse(inside);
  if (parsed.success) return { ...parsed.data };
  throw new AppError(
    'usage.invalid',
    `${file} holds no parameters: values must be numbers, texts, true, false or null.`,
    {
      hint: 'For parameters of CaImAn: calyx params import FILE --out PARAMETERS.',
    },
  );
}

async function sessionOf(
  invocation: Invocation,
  client: CoreClient,
  place: string,
  choice: {
    readonly device: string | undefined;
    readonly fps: number | undefined;
    readonly dataset: string | undefined;
  },
): Promise<SessionRow> {
  if (Uuid.safeParse(place).success) return (await client.sessions.get({ sessionUuid: place })).session;
  const { absolute, json, terminal } = invocation;
  const { session, alreadyImported } = await withProgress(
    invocation,
    client,
    async (ticket, signal) =>
      await client.sessions.import({ source: { path: absolute(place) }, ticket, ...given(choice) }, { signal }),
  );
  if (!json) terminal.err(`${alreadyImported ? 'In the library' : 'Imported'}: ${session.name}\n`);
  return session;
}

function recordingOf(session: SessionRow, device: string | undefined): RecordingRow {
  const names = session.recordings.map((recording) => recording.device);
  const found = session.recordings.filter(
    (recording) =>
      device === undefined || recording.device === device || recording.device.replaceAll(' ', '_') === device,
  );
  const [recording] = found;
  if (recording === undefined)
    throw new AppError(
      'session.not_found',
      `${session.name} has no device “${device ?? ''}”; it has: ${names.join(', ')}.`,
    );
  if (found.length > 1) {
    throw new AppError('usage.invalid', `${session.name} has several miniscopes: ${names.join(', ')}.`, {
      hint: 'Choose one with --device.',
    });
  }
  return recording;
}
