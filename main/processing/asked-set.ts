// SPDX-License-Identifier: MIT
import { AppError, type ParameterValues, type Uuid } from '../contract/index.ts';
import type { Library, TranslatedParameter, TypedJson } from '../library/index.ts';
import { importCaiman } from './caiman-parameters.ts';
import type { ParameterSet } from './parameters.ts';
import { literalOf, plain } from './python-literal.ts';

/** What a run shall be computed with: values, and where they come from when a set was asked for. */
export interface Wanted {
  readonly parameters: ParameterValues;
  /** Method of the set that was asked for; absent without one. */
  readonly asked?: { readonly parameterSetUuid: Uuid; readonly parameters: readonly TranslatedParameter[] };
  /** Sentences about what a foreign set lost. */
  readonly warnings: readonly string[];
}

/**
 * The values of a named parameter set, with those said one by one over them. A set of CaImAn is translated, and what has no counterpart is
 * told; sets of other methods cannot be run here.
 *
 * @throws AppError `usage.invalid`
 */
export async function wantedParameters(
  library: Library,
  set: ParameterSet,
  input: { readonly parameters: ParameterValues; readonly parameterSet?: string | undefined },
): Promise<Wanted> {
  if (input.parameterSet === undefined) return { parameters: input.parameters, warnings: [] };
  const found = await library.parameterSets.find(input.parameterSet);
  if (found.method === 'calyx') {
    const own = plain(found.parameters) as ParameterValues;
    set.complete(own);
    return { parameters: { ...own, ...input.parameters }, warnings: [] };
  }
  if (found.method !== 'caiman') {
    throw new AppError('usage.invalid', `Parameter set ${found.idx} is ${found.method}’s, which cannot be run here.`, {
      hint: 'Results of that program are imported; sets of calyx and caiman can be run.',
    });
  }
  const { parameters, translated, leftOut, unknown } = importCaiman(
    plain(found.parameters) as Readonly<Record<string, unknown>>,
    set,
  );
  const typed = (name: string, value: unknown): TypedJson => found.parameters[name] ?? (value as TypedJson);
  const lacking = (name: string, value: unknown, explanation: string): TranslatedParameter => {
    return { parameter: name, value: typed(name, value), became: null, result: null, explanation };
  };
  const rows: TranslatedParameter[] = [
    ...translated.map(({ from, value, to, result, formula }) => ({
      parameter: from,
      value: typed(from, value),
      became: to,
      result,
      explanation: formula,
    })),
    ...leftOut.map(({ name, value, why }) => lacking(name, value, why)),
    ...unknown.map((name) => lacking(name, null, 'not a parameter of CaImAn that is known here')),
  ];
  const lost = rows.filter((row) => row.became === null).map((row) => row.parameter);
  return {
    parameters: { ...parameters, ...input.parameters },
    asked: { parameterSetUuid: found.uuid, parameters: rows },
    warnings:
      lost.length === 0
        ? []
        : [
            `Of parameter set ${found.idx} (caiman) ${lost.length} values have no counterpart here: ${lost.join(', ')}.`,
          ],
  };
}

/**
 * A parameter dictionary from JSON text or as Python writes it, with Python's types kept: `5.0` stays a float, `(5, 5)` or in JSON
 * `{"$tuple": [5, 5]}` is a tuple, a plain list a list. `NaN` and `Infinity` are read as nothing.
 *
 * @throws AppError `usage.invalid`
 */
export function parseTypedParameters(text: string): Record<string, TypedJson> {
  const typed = text.replaceAll(
    /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b|-?\d+\.0+(?![\d.eE])/g,
    (token, at: number) => {
      if (token.startsWith('"')) return token;
      if (!/^-?\d/.test(token)) return 'null';
      // Inside `{"$float": 5.0}` it is said already.
      return /"\$float"\s*:\s*$/.test(text.slice(Math.max(0, at - 40), at)) ? token : `{"$float":${token}}`;
    },
  );
  let value: unknown;
  try {
    value = JSON.parse(typed);
  } catch (error) {
    value = literalOf(text, error);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0) {
    return { ...value };
  }
  throw new AppError('usage.invalid', 'Parameters are a dictionary with at least one value: {"gSig": [3, 3], …}.');
}
