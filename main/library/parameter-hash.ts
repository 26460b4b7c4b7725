// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';

/**
 * The two names of a parameter set (datamodel.md 2.4).
 *
 * Plain JSON cannot tell a Python tuple from a list, nor 1 from 1.0, and the field's hash depends on both. Values therefore travel as
 * typed JSON: an array is a list, `{ $tuple: [...] }` a tuple, a whole number an int, `{ $float: 1 }` a float that happens to be whole.
 */
export type TypedJson =
  | null
  | boolean
  | number
  | string
  | readonly TypedJson[]
  | { readonly $tuple: readonly TypedJson[] }
  | { readonly $float: number }
  | { readonly [key: string]: TypedJson };

function isTuple(value: object): value is { readonly $tuple: readonly TypedJson[] } {
  return '$tuple' in value && Array.isArray(value.$tuple);
}

function isFloat(value: object): value is { readonly $float: number } {
  return '$float' in value && typeof value.$float === 'number';
}

/** A double as Python's `repr` writes it: always with a point or an exponent, exponents of two digits at least, from 1e16 and below 1e-4. */
function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [mantissa = '', exponentText = '0'] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    const digits = String(Math.abs(exponent)).padStart(2, '0');
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${digits}`;
  }
  const sign = mantissa.startsWith('-') ? '-' : '';
  const digits = mantissa.replace('-', '').replace('.', '');
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}

/** Characters Python's `repr` writes as `\xNN` or `\uNNNN` and not as themselves: controls, separators and format characters. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;

function pythonString(value: string): string {
  const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
  let text = '';
  for (const character of value) {
    const code = character.codePointAt(0) ?? 0;
    if (character === '\\') text += '\\\\';
    else if (character === quote) text += `\\${quote}`;
    else if (character === '\n') text += '\\n';
    else if (character === '\r') text += '\\r';
    else if (character === '\t') text += '\\t';
    else if (!unprintable.test(character)) text += character;
    else if (code <= 0xff) text += `\\x${code.toString(16).padStart(2, '0')}`;
    else if (code <= 0xffff) text += `\\u${code.toString(16).padStart(4, '0')}`;
    else text += `\\U${code.toString(16).padStart(8, '0')}`;
  }
  return `${quote}${text}${quote}`;
}

/** A value as Python's `repr` writes it. */
function pythonRepr(value: TypedJson): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') {
    return Number.isInteger(value) && !Object.is(value, -0) ? BigInt(value).toString() : pythonFloat(value);
  }
  if (typeof value === 'string') return pythonString(value);
  if (Array.isArray(value)) return `[${value.map((item: TypedJson) => pythonRepr(item)).join(', ')}]`;
  if (isTuple(value)) {
    const items = value.$tuple.map((item) => pythonRepr(item));
    return items.length === 1 ? `(${items[0]},)` : `(${items.join(', ')})`;
  }
  if (isFloat(value)) return pythonFloat(value.$float);
  const pairs = Object.entries(value).map(([key, item]) => `${pythonString(key)}: ${pythonRepr(item)}`);
  return `{${pairs.join(', ')}}`;
}

/** Order of Python's `sorted` on strings: by code point, where JavaScript compares UTF-16 units. */
function byCodePoint(a: string, b: string): number {
  const left = Array.from(a, (c) => c.codePointAt(0) ?? 0);
  const right = Array.from(b, (c) => c.codePointAt(0) ?? 0);
  for (let i = 0; i < Math.min(left.length, right.length); i += 1) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/**
 * The hash element-miniscope gives a parameter set: MD5 over the top-level keys in sorted order, each followed by the text form of its
 * value, written as a UUID. Kept for exchange with labs' servers only; it is weak (`"1"` and `1` collide, the method is not in it).
 */
export function djParamHash(parameters: Readonly<Record<string, TypedJson>>): string {
  const hash = createHash('md5');
  for (const key of Object.keys(parameters).toSorted(byCodePoint)) {
    const value = parameters[key] ?? null;
    hash.update(key + (typeof value === 'string' ? value : pythonRepr(value)), 'utf8');
  }
  const hex = hash.digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** JSON with sorted keys at every depth and no white space: equal values have equal text. @throws RangeError for numbers JSON has no word for */
export function canonicalJson(value: TypedJson): string {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new RangeError(`${value} has no JSON form`);
    return JSON.stringify(value);
  }
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item: TypedJson) => canonicalJson(item)).join(',')}]`;
  const pairs = Object.entries(value)
    .toSorted(([a], [b]) => byCodePoint(a, b))
    .map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`);
  return `{${pairs.join(',')}}`;
}

/** Our own name of a parameter set: SHA-256 (hex) over canonical JSON of method, versions and values. */
export function parameterSetHash(set: {
  readonly method: string;
  readonly engineVersion: string | null;
  readonly parametersVersion: number;
  readonly parameters: Readonly<Record<string, TypedJson>>;
}): string {
  return createHash('sha256')
    .update(
      canonicalJson({
        engineVersion: set.engineVersion,
        method: set.method,
        parameters: set.parameters,
        parametersVersion: set.parametersVersion,
      }),
      'utf8',
    )
    .digest('hex');
}
