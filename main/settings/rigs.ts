// SPDX-License-Identifier: MIT
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { AppError, type RigRemark, type RigSummary } from '../contract/index.ts';
import { rigIssues, writeWholeFile } from '../recording/index.ts';
import { jsonLines, lineAt, lineOf } from './json-lines.ts';

const known = {
  top: new Set(
    '$schema configVersion dataDirectory directoryStructure researcherName experimentName animalName recordLengthInSeconds recordLengthinSeconds executableOnStartRecording executableOnStopRecording commutator behaviorTracker devices calyx showAllControls traceDisplay baseDirectory'.split(
      ' ',
    ),
  ),
  device: new Set(
    'deviceName deviceType deviceID compression framesPerFile ROI headOrientation frameRate gain led0 led1 ewl videoPlayback showSaturation windowScale windowX windowY cameraCalibration'.split(
      ' ',
    ),
  ),
  commutator: new Set(
    'enabled port deviceName led sampleRate headstageAxis commutatorAxis fallbackThreshold fallbackMode'.split(' '),
  ),
} as const;

type Json = Readonly<Record<string, unknown>>;
const recordOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};

const textOf = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);

/** Devices by name with their place in the text, from either form of a configuration. */
function devicesOf(json: Json, kind: 'miniscopes' | 'cameras') {
  const given = recordOf(json['devices'])[kind];
  if (Array.isArray(given))
    return given.map((device: unknown, index) => ({
      name: textOf(recordOf(device)['deviceName'], `${kind} ${index + 1}`),
      path: ['devices', kind, String(index), 'deviceName'],
      device: recordOf(device),
    }));
  return Object.entries(recordOf(given)).map(([name, device]) => ({
    name,
    path: ['devices', kind, name],
    device: recordOf(device),
  }));
}

/** Everything there is to say about the text of a rig, by line; problems first. */
export function checkRig(text: string, scopeTypes: ReadonlySet<string>): RigRemark[] {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    const message = error instanceof Error ? error.message : 'It is not JSON.';
    const position = /position (\d+)/.exec(message)?.[1];
    return [
      {
        severity: 'problem',
        line: position === undefined ? text.split('\n').length : lineAt(text, Number(position)),
        path: [],
        message: `Not JSON: ${message.replace(/ in JSON at position.*$/, '').replace(/\s*\(line.*$/, '')}.`,
      },
    ];
  }
  const lines = jsonLines(text);
  const remark = (severity: RigRemark['severity'], where: readonly string[], message: string): RigRemark => ({
    severity,
    line: lineOf(lines, where),
    path: [...where],
    message,
  });
  const remarks = rigIssues(json).map(({ path: where, message }) => remark('problem', where, message));
  const whole = recordOf(json);
  const scopes = devicesOf(whole, 'miniscopes');
  const devices = [...scopes, ...devicesOf(whole, 'cameras')];
  for (const [index, { name, path: where }] of devices.entries()) {
    const twin = devices.slice(0, index).find((other) => other.name.toLowerCase() === name.toLowerCase());
    if (twin !== undefined)
      remarks.push(
        remark(
          'problem',
          where,
          `Same as “${twin.name}” where capitals do not count; both would write into one folder.`,
        ),
      );
    if (/[\\/:*?"<>|]/.test(name) || name.trim() === '')
      remarks.push(remark('problem', where, 'A device’s name becomes a folder: it may not hold \\ / : * ? " < > |.'));
  }
  for (const { path: where, device } of scopes) {
    const type = device['deviceType'];
    const base = where.at(-1) === 'deviceName' ? where.slice(0, -1) : where;
    if (typeof type === 'string' && !scopeTypes.has(type))
      remarks.push(
        remark(
          'problem',
          [...base, 'deviceType'],
          `There is no scope type “${type}”; known are: ${[...scopeTypes].join(', ')}.`,
        ),
      );
    const compression = device['compression'];
    if (typeof compression === 'string' && !['FFV1', 'GREY'].includes(compression.toUpperCase()))
      remarks.push(
        remark(
          'problem',
          [...base, 'compression'],
          `${compression}: Calyx records scopes without loss, as FFV1 or GREY.`,
        ),
      );
  }
  const unknown = (values: Json, names: ReadonlySet<string>, base: readonly string[]): void => {
    for (const name of Object.keys(values))
      if (!names.has(name))
        remarks.push(remark('info', [...base, name], `“${name}” is not known here. It is kept as it is.`));
  };
  unknown(whole, known.top, []);
  for (const { path: where, device } of devices)
    unknown(device, known.device, where.at(-1) === 'deviceName' ? where.slice(0, -1) : where);
  unknown(recordOf(whole['commutator']), known.commutator, ['commutator']);
  return remarks.toSorted((a, b) => Number(a.severity === 'info') - Number(b.severity === 'info'));
}

/** Files of rigs in a folder, one each. */
export class RigFiles {
  readonly #folder: string;
  readonly #scopeTypes: ReadonlySet<string>;

  constructor(folder: string, scopeTypes: ReadonlySet<string>) {
    this.#folder = path.join(folder, 'rigs');
    this.#scopeTypes = scopeTypes;
  }

  #file(id: string): string {
    return path.join(this.#folder, `${id}.json`);
  }

  check(text: string): RigRemark[] {
    return checkRig(text, this.#scopeTypes);
  }

  async list(): Promise<RigSummary[]> {
    const names = await readdir(this.#folder).catch((): string[] => []);
    const rigs: RigSummary[] = [];
    for (const name of names.filter((each) => each.endsWith('.json') && !each.startsWith('.')).toSorted()) {
      const id = name.slice(0, -'.json'.length);
      try {
        const text = await this.read(id);
        const problem = this.check(text).find(({ severity }) => severity === 'problem');
        rigs.push({ id, kind: kindOf(text), problem: problem?.message ?? null });
      } catch (error) {
        rigs.push({ id, kind: '', problem: AppError.from(error).message });
      }
    }
    return rigs;
  }

  /** @throws AppError `files.not_found` */
  async read(id: string): Promise<string> {
    try {
      return await readFile(this.#file(id), 'utf8');
    } catch (error) {
      throw new AppError('files.not_found', `There is no rig “${id}”.`, { cause: error });
    }
  }

  /** @throws AppError `recording.bad_rig` for the first problem, `export.exists`, `disk.io` */
  async save(id: string, text: string, replace: boolean): Promise<void> {
    const problem = this.check(text).find(({ severity }) => severity === 'problem');
    if (problem !== undefined)
      throw new AppError(
        'recording.bad_rig',
        `${problem.line === null ? '' : `Line ${problem.line}: `}${problem.message}`,
        { hint: 'Nothing was saved.' },
      );
    const twin = (await this.list()).find((rig) => rig.id.toLowerCase() === id.toLowerCase());
    if (twin !== undefined && (!replace || twin.id !== id))
      throw new AppError('export.exists', `There is a rig “${twin.id}” already.`, { hint: 'Give it another name.' });
    try {
      await mkdir(this.#folder, { recursive: true });
      await writeWholeFile(this.#file(id), text);
    } catch (error) {
      throw new AppError('disk.io', `The rig “${id}” could not be saved.`, { cause: error });
    }
  }

  /** @throws AppError `files.not_found` */
  async remove(id: string): Promise<void> {
    await this.read(id);
    await rm(this.#file(id), { force: true });
  }
}

function kindOf(text: string): string {
  const json = recordOf(JSON.parse(text.replace(/^\uFEFF/, '')));
  if (recordOf(json['calyx'])['simulator'] === true) return 'simulated';
  const types = devicesOf(json, 'miniscopes').map(({ device }) => textOf(device['deviceType'], ''));
  return [...new Set(types)].map((type) => type.replace(/^Miniscope_/, '').replaceAll('_', ' ')).join(', ');
}
