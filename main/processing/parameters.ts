// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { AppError, StageName, type ParameterValues } from '../contract/index.ts';
import { assetsFolder } from '../installation/index.ts';

const Spec = z.object({
  name: z.string(),
  label: z.string(),
  stage: StageName,
  unit: z.string().nullable(),
  type: z.enum(['number', 'integer', 'boolean', 'string']),
  nullable: z.boolean(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  step: z.number().optional(),
  default: z.union([z.number(), z.boolean(), z.string(), z.null()]),
  why: z.string(),
  help: z.string(),
  advanced: z.boolean(),
  cliFlag: z.string().startsWith('--'),
});

/** One parameter of the engine as assets/engine-parameters.json describes it. */
export type ParameterSpec = z.infer<typeof Spec>;

const PresetSpec = z.object({
  name: z.string(),
  label: z.string(),
  help: z.string(),
  values: z.record(z.string(), z.union([z.number(), z.boolean(), z.string(), z.null()])),
});

/** A named set of values; what it does not name keeps its default. */
export type PresetSpec = z.infer<typeof PresetSpec>;

const ParameterFile = z.object({
  formatVersion: z.number().int(),
  parameters: z.array(Spec),
  presets: z.array(PresetSpec),
});

/** A value for every parameter. */
export type Parameters = Readonly<Record<string, number | boolean | string | null>>;

/** The parameters of an engine: read once, asked often. */
export interface ParameterSet {
  readonly version: number;
  readonly specs: readonly ParameterSpec[];
  readonly presets: readonly PresetSpec[];
  /**
   * The values of a preset.
   *
   * @throws AppError `usage.invalid`, naming the presets there are
   */
  readonly preset: (name: string) => ParameterValues;
  /**
   * Checks values and fills the absent ones with their defaults.
   *
   * @throws AppError `usage.invalid`, naming the command-line flag and the range
   */
  readonly complete: (values: ParameterValues) => Parameters;
  /**
   * A value from the text of a command-line flag.
   *
   * @throws AppError `usage.invalid`
   */
  readonly parseText: (spec: ParameterSpec, text: string) => number | boolean | string | null;
}

/** Reads the file that describes every parameter. */
export function readParameterSet(file: string = path.join(assetsFolder, 'engine-parameters.json')): ParameterSet {
  const { formatVersion, parameters: specs, presets } = ParameterFile.parse(JSON.parse(readFileSync(file, 'utf8')));
  const schema = z.strictObject(Object.fromEntries(specs.map((spec) => [spec.name, valueSchema(spec)])));
  const complete = (values: ParameterValues): Parameters => {
    const defaults = Object.fromEntries(specs.map((spec) => [spec.name, spec.default]));
    const parsed = schema.safeParse({ ...defaults, ...values });
    if (parsed.success) {
      checkRange(parsed.data);
      return parsed.data;
    }
    const [issue] = parsed.error.issues;
    const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
    throw new AppError(
      'usage.invalid',
      unknown === undefined ? (issue?.message ?? 'Wrong parameters.') : `There is no parameter “${unknown}”.`,
    );
  };
  const preset = (name: string): ParameterValues => {
    const found = presets.find((candidate) => candidate.name === name);
    if (found !== undefined) return { ...found.values };
    const names = presets.map((candidate) => candidate.name).join(', ');
    throw new AppError('usage.invalid', `There is no preset “${name}”; there are ${names}.`);
  };
  return { version: formatVersion, specs, presets, preset, complete, parseText };
}

function checkRange(values: Parameters): void {
  const { firstFrame, lastFrame, diameterPx, diameterUm, umPerPx } = values;
  if (typeof diameterUm === 'number') {
    if (typeof umPerPx !== 'number') {
      throw new AppError('usage.invalid', '--diameter-um needs --um-per-px: how many µm a pixel of the frame shows.');
    }
    const px = diameterUm / umPerPx;
    if (typeof diameterPx === 'number' && Math.abs(diameterPx / px - 1) > 0.01) {
      throw new AppError(
        'usage.invalid',
        `--diameter-px ${diameterPx} and --diameter-um ${diameterUm} (${px.toFixed(2)} px) say different things; give one of them.`,
      );
    }
    if (px < 3 || px > 120) {
      throw new AppError(
        'usage.invalid',
        `--diameter-um ${diameterUm} with --um-per-px ${umPerPx} is ${px.toFixed(2)} px; the engine finds cells of 3 to 120 px.`,
      );
    }
  }
  if (typeof firstFrame === 'number' && typeof lastFrame === 'number' && lastFrame < firstFrame) {
    throw new AppError('usage.invalid', `--last-frame ${lastFrame} lies before --first-frame ${firstFrame}.`);
  }
}

/** "a whole number from 1 to 10 px". */
function wanted(spec: ParameterSpec): string {
  if (spec.type === 'boolean') return 'yes or no';
  if (spec.type === 'string') return 'a text';
  const noun = spec.type === 'integer' ? 'a whole number' : 'a number';
  const { minimum, maximum } = spec;
  const range = minimum === undefined || maximum === undefined ? '' : ` from ${minimum} to ${maximum}`;
  return `${noun}${range}${spec.unit === null || spec.unit === '' ? '' : ` (${spec.unit})`}`;
}

function valueSchema(spec: ParameterSpec): z.ZodType<number | boolean | string | null> {
  const error = (issue: { readonly input?: unknown }): string =>
    `${spec.cliFlag} must be ${wanted(spec)}; it is ${JSON.stringify(issue.input)}.`;
  const schema = (): z.ZodType<number | boolean | string | null> => {
    if (spec.type === 'boolean') return z.boolean({ error });
    if (spec.type === 'string') return z.string({ error });
    let number = spec.type === 'integer' ? z.number({ error }).int({ error }) : z.number({ error });
    if (spec.minimum !== undefined) number = number.min(spec.minimum, { error });
    if (spec.maximum !== undefined) number = number.max(spec.maximum, { error });
    return number;
  };
  return spec.nullable ? schema().nullable() : schema();
}

function parseText(spec: ParameterSpec, text: string): number | boolean | string | null {
  const refuse = (): never => {
    throw new AppError('usage.invalid', `${spec.cliFlag} must be ${wanted(spec)}; it is “${text}”.`);
  };
  if (spec.nullable && (text === '' || text === 'auto')) return null;
  if (spec.type === 'string') return text;
  if (spec.type === 'boolean') {
    if (['yes', 'true', 'on'].includes(text)) return true;
    return ['no', 'false', 'off'].includes(text) ? false : refuse();
  }
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text.trim())) return refuse();
  const value = Number(text);
  const inside = value >= (spec.minimum ?? -Infinity) && value <= (spec.maximum ?? Infinity);
  return inside && (spec.type === 'number' || Number.isInteger(value)) ? value : refuse();
}

/** The command-line flags that give these parameters again; those at their default are left out. */
export function parameterFlags(set: ParameterSet, values: Parameters): readonly string[] {
  return set.specs.flatMap((spec) => {
    const value = values[spec.name];
    return value === undefined || value === null || value === spec.default ? [] : [spec.cliFlag, String(value)];
  });
}
