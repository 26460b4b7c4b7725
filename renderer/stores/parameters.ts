// SPDX-License-Identifier: MIT
import file from '../../assets/engine-parameters.json' with { type: 'json' };

/** The form of Process, made from `assets/engine-parameters.json`. Pure: text in, values or a sentence out. */

/** A number, yes or no, or "chosen from the data". */
export type ParameterValue = number | boolean | string | null;

/** One parameter as the file describes it. */
export interface ParameterSpec {
  readonly name: string;
  /** Step it belongs to; empty for what a run may use of the machine. */
  readonly stage: string;
  readonly label: string;
  readonly unit: string;
  readonly type: 'number' | 'integer' | 'boolean' | 'string';
  readonly nullable: boolean;
  /** Bounds of a number; of no meaning for yes and no. */
  readonly minimum: number;
  readonly maximum: number;
  readonly default: ParameterValue;
  /** Where the default comes from. */
  readonly why: string;
  readonly help: string;
  readonly advanced: boolean;
  readonly cliFlag: string;
  /** Which part of the request it goes to. */
  readonly part: 'parameters' | 'budget';
}

type RawSpec = Omit<ParameterSpec, 'part' | 'type' | 'minimum' | 'maximum' | 'stage'> & {
  readonly stage?: string;
  readonly type: string;
  readonly minimum?: number;
  readonly maximum?: number;
};

const types = ['number', 'integer', 'boolean', 'string'] as const;

function specs(list: readonly RawSpec[], part: ParameterSpec['part']): readonly ParameterSpec[] {
  return list.map((raw) =>
    Object.assign({ minimum: 0, maximum: 1, stage: '' }, raw, {
      type: types.find((type) => type === raw.type) ?? 'number',
      part,
    }),
  );
}

/** All parameters: those of the engine, then what a run may use of the machine. */
export const parameterSpecs: readonly ParameterSpec[] = [
  ...specs(file.parameters, 'parameters'),
  ...specs(file.budget, 'budget'),
];

/** A named set of values; what it does not name keeps its default. */
export interface Preset {
  readonly name: string;
  readonly label: string;
  readonly help: string;
  readonly values: Readonly<Record<string, number>>;
}

/** The presets, in the order of the file. */
export const presets: readonly Preset[] = file.presets.map((preset) =>
  Object.assign({}, preset, { values: { ...preset.values } }),
);

/** Parameters that some preset sets. */
const presetNames: ReadonlySet<string> = new Set(presets.flatMap((preset) => Object.keys(preset.values)));

/** The form with a preset chosen: what presets are about is set or back at its default, all else stays as typed. */
export function choosePreset(typed: Typed, preset: Preset): Typed {
  const kept = Object.entries(typed).filter(([name]) => !presetNames.has(name));
  const set = Object.entries(preset.values).map(([name, value]) => [name, String(value)]);
  return Object.fromEntries([...kept, ...set]) as Typed;
}

/** The preset whose values the form holds; undefined for none of them. */
export function presetOf(fields: readonly FormField[]): Preset | undefined {
  const about = fields.filter((field) => presetNames.has(field.spec.name) && field.spec.part === 'parameters');
  return presets.find((preset) =>
    about.every(
      ({ spec, value, problem }) => problem === undefined && value === (preset.values[spec.name] ?? spec.default),
    ),
  );
}

const gigabyte = 1024 ** 3;

/** How a parameter is typed: bytes as gigabytes. */
export function shownUnit(spec: ParameterSpec): string {
  if (spec.unit === 'bytes') return 'GB';
  return spec.unit;
}

function scale(spec: ParameterSpec): number {
  return spec.unit === 'bytes' ? gigabyte : 1;
}

/** A value as it is typed; empty for `null`, `yes` or `no` for a switch. */
export function shownValue(spec: ParameterSpec, value: ParameterValue): string {
  if (value === null) return '';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return value;
  const shown = value / scale(spec);
  return String(Math.round(shown * 1000) / 1000);
}

/** What a typed text means. */
export type ReadValue = { readonly value: ParameterValue } | { readonly problem: string };

/** Reads a typed value; a problem says what would be right. */
export function readValue(spec: ParameterSpec, text: string): ReadValue {
  const trimmed = text.trim().replace(',', '.');
  const unit = shownUnit(spec) === '' ? '' : ` ${shownUnit(spec)}`;
  if (spec.type === 'boolean') {
    return trimmed === 'yes' || trimmed === 'no' ? { value: trimmed === 'yes' } : { problem: 'Yes or no.' };
  }
  if (spec.type === 'string') return readPlaces(spec, text);
  if (trimmed === '') return spec.nullable ? { value: null } : { problem: 'A number is needed here.' };
  const number = Number(trimmed);
  if (!Number.isFinite(number)) return { problem: `“${text.trim()}” is not a number.` };
  const value = number * scale(spec);
  const whole = spec.type === 'integer' ? Math.round(value) : value;
  if (spec.type === 'integer' && scale(spec) === 1 && whole !== value) return { problem: 'Only whole numbers here.' };
  if (whole < spec.minimum) return { problem: `At least ${shownValue(spec, spec.minimum)}${unit}.` };
  if (whole > spec.maximum) return { problem: `At most ${shownValue(spec, spec.maximum)}${unit}.` };
  return { value: whole };
}

/** Places as the engine takes them: row,column of each, with ; between them. */
function readPlaces(spec: ParameterSpec, text: string): ReadValue {
  const places = text
    .split(';')
    .map((place) => place.trim())
    .filter((place) => place !== '');
  if (places.length === 0) return spec.nullable ? { value: null } : { problem: 'A text is needed here.' };
  const wrong = places.find((place) => !/^-?\d+(?:\.\d+)?\s*,\s*-?\d+(?:\.\d+)?$/.test(place));
  if (wrong !== undefined) return { problem: `“${wrong}” is no place: row,column, with ; between them.` };
  return { value: places.join(';') };
}

/** Texts that a person has typed, by parameter; absent means the default. */
export type Typed = Readonly<Record<string, string>>;

/** A field of the form as it stands. */
export interface FormField {
  readonly spec: ParameterSpec;
  readonly text: string;
  readonly changed: boolean;
  readonly problem: string | undefined;
  readonly value: ParameterValue;
}

/** What the chosen recordings say about the form. */
export interface FormContext {
  /** Frames of the whole input; undefined while nothing is chosen. */
  readonly frames?: number;
}

function crossCheck(fields: readonly FormField[], context: FormContext): ReadonlyMap<string, string> {
  const problems = new Map<string, string>();
  const value = (name: string): number | null => {
    const found = fields.find((field) => field.spec.name === name)?.value;
    return typeof found === 'number' ? found : null;
  };
  const first = value('firstFrame') ?? 0;
  const last = value('lastFrame');
  const { frames } = context;
  if (frames !== undefined && first >= frames)
    problems.set('firstFrame', `The input has frames 0 to ${String(frames - 1)}.`);
  if (last !== null && last < first) problems.set('lastFrame', `Must not be before the first frame, ${String(first)}.`);
  else if (last !== null && frames !== undefined && last >= frames) {
    problems.set('lastFrame', `The input has frames 0 to ${String(frames - 1)}.`);
  }
  return problems;
}

/** The whole form: each field with its value or what is wrong with it. */
export function readForm(typed: Typed, context: FormContext): readonly FormField[] {
  const fields = parameterSpecs.map((spec): FormField => {
    const text = typed[spec.name] ?? shownValue(spec, spec.default);
    const read = readValue(spec, text);
    const problem = 'problem' in read ? read.problem : undefined;
    const value = 'problem' in read ? spec.default : read.value;
    return { spec, text, problem, value, changed: problem !== undefined || value !== spec.default };
  });
  const problems = crossCheck(fields, context);
  return fields.map((field) => {
    const problem = field.problem ?? problems.get(field.spec.name);
    return problem === undefined ? field : Object.assign({}, field, { problem, changed: true });
  });
}

/** The values a run is asked with: those that differ from their defaults, and the limits of the machine. */
export function requestValues(fields: readonly FormField[]): {
  readonly parameters: Record<string, ParameterValue>;
  readonly budget: { threads?: number; memoryBytes?: number };
} {
  const parameters: Record<string, ParameterValue> = {};
  const budget: { threads?: number; memoryBytes?: number } = {};
  for (const { spec, value, changed } of fields) {
    if (spec.part === 'parameters' && changed) parameters[spec.name] = value;
    if (spec.part === 'budget' && typeof value === 'number') {
      if (spec.name === 'threads') budget.threads = value;
      if (spec.name === 'memoryBytes') budget.memoryBytes = value;
    }
  }
  return { parameters, budget };
}
