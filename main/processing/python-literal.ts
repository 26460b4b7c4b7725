// SPDX-License-Identifier: MIT
import { AppError } from '../contract/index.ts';
import type { TypedJson } from '../library/index.ts';

/** What is no literal, and where. */
export class LiteralError extends Error {}

/** Values within values. */
const deepest = 50;

/**
 * A dictionary as it stands in a notebook or script: `params = dict(gSig=(3, 3), K=None)` or `{'gSig': (3, 3), 'K': None}`, with comments. Only
 * literals: nothing is looked up or computed, but for `np.array([…])` and the like, which stand for their list.
 *
 * @returns typed JSON: tuples, lists, whole and broken numbers keep their kinds
 * @throws LiteralError
 */
export function parsePythonDictionary(text: string): Record<string, TypedJson> {
  const reader = new Reader(text);
  reader.skipName();
  const value = reader.value(0);
  reader.end();
  if (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !('$tuple' in value) &&
    !('$float' in value)
  )
    return value as Record<string, TypedJson>;
  throw new LiteralError('it is no dictionary');
}

/** Escapes within quotes that stand for another character. */
const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '\n': '',
};

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text.replace(/^\uFEFF/, '');
  }

  #fail(what: string): LiteralError {
    const before = this.#text.slice(0, this.#at).split('\n');
    return new LiteralError(`line ${before.length}, column ${(before.at(-1) ?? '').length + 1}: ${what}`);
  }

  #space(): void {
    const match = /(?:\s|#[^\n]*|\\\n)*/y;
    match.lastIndex = this.#at;
    this.#at += match.exec(this.#text)?.[0].length ?? 0;
  }

  #take(pattern: RegExp): string | null {
    const sticky = new RegExp(pattern.source, 'y');
    sticky.lastIndex = this.#at;
    const found = sticky.exec(this.#text)?.[0];
    if (found === undefined) return null;
    this.#at += found.length;
    return found;
  }

  #sign(sign: string): boolean {
    this.#space();
    if (!this.#text.startsWith(sign, this.#at)) return false;
    this.#at += sign.length;
    return true;
  }

  #must(sign: string): void {
    if (!this.#sign(sign)) throw this.#fail(`“${sign}” is missing`);
  }

  /** `params =` before the value. */
  skipName(): void {
    this.#space();
    this.#take(/[A-Za-z_][A-Za-z0-9_]*\s*=(?!=)/);
  }

  end(): void {
    this.#space();
    if (this.#at < this.#text.length) throw this.#fail('something follows the dictionary');
  }

  value(depth: number): TypedJson {
    if (depth > deepest) throw this.#fail('values are nested too deeply');
    this.#space();
    if (this.#sign('{')) return this.#dictionary(depth);
    if (this.#sign('[')) return this.#items(']', depth).items;
    if (this.#sign('(')) {
      const { items, commas } = this.#items(')', depth);
      const [only = null] = items;
      // Parentheses around one value are no tuple.
      return items.length === 1 && commas === 0 ? only : { $tuple: items };
    }
    const next = this.#text[this.#at] ?? '';
    if (next === '"' || next === "'") return this.#string();
    return this.#number() ?? this.#word(depth);
  }

  #dictionary(depth: number): TypedJson {
    const out: Record<string, TypedJson> = {};
    while (!this.#sign('}')) {
      const key = this.value(depth + 1);
      if (typeof key !== 'string' && typeof key !== 'number') throw this.#fail('a key is neither text nor number');
      this.#must(':');
      out[String(key)] = this.value(depth + 1);
      if (!this.#sign(',')) {
        this.#must('}');
        break;
      }
    }
    return out;
  }

  #items(close: string, depth: number): { readonly items: readonly TypedJson[]; readonly commas: number } {
    const items: TypedJson[] = [];
    let commas = 0;
    while (!this.#sign(close)) {
      items.push(this.value(depth + 1));
      if (!this.#sign(',')) {
        this.#must(close);
        break;
      }
      commas += 1;
    }
    return { items, commas };
  }

  #string(): string {
    let out = '';
    // Texts that stand beside each other are one.
    for (;;) {
      const quote = this.#take(/"""|'''|"|'/);
      if (quote === null) return out;
      for (;;) {
        if (this.#at >= this.#text.length) throw this.#fail('a text has no end');
        if (this.#text.startsWith(quote, this.#at)) {
          this.#at += quote.length;
          break;
        }
        const sign = this.#text[this.#at] ?? '';
        this.#at += 1;
        if (sign !== '\\') {
          out += sign;
          continue;
        }
        const escaped = this.#text[this.#at] ?? '';
        this.#at += 1;
        out += escapes[escaped] ?? `\\${escaped}`;
      }
      this.#space();
    }
  }

  #number(): TypedJson | null {
    const text = this.#take(/[+-]?(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?/);
    if (text === null) return null;
    const number = Number(text.replaceAll('_', ''));
    if (!Number.isFinite(number)) throw this.#fail(`“${text}” is no number`);
    // 5.0 and 1e3 are floats, whatever their value.
    return /[.eE]/.test(text) && Number.isInteger(number) ? { $float: number } : number;
  }

  #word(depth: number): TypedJson {
    const start = this.#at;
    const sign = this.#take(/[+-]/);
    const word = this.#take(/[A-Za-z_][A-Za-z0-9_.]*/);
    if (word === 'True' || word === 'true') return true;
    if (word === 'False' || word === 'false') return false;
    if (word === 'None' || word === 'null') return null;
    if (word === 'dict' && this.#sign('(')) return this.#call(depth);
    if (word === 'tuple' && this.#sign('(')) {
      const [inner] = this.#items(')', depth).items;
      return { $tuple: Array.isArray(inner) ? (inner as readonly TypedJson[]) : [] };
    }
    if (
      word !== null &&
      /^(?:np|numpy)\.(?:array|asarray|float32|float64|int32|int64)$|^(?:list|float|int)$/.test(word) &&
      this.#sign('(')
    ) {
      const [inner = null] = this.#items(')', depth).items;
      return inner;
    }
    // A number that JSON has no word for: read as nothing, as in JSON.
    if (word !== null && /^(?:np\.|numpy\.)?(?:nan|inf|NaN|Infinity)$/.test(word)) return null;
    this.#at = start;
    throw this.#fail(word === null ? 'a value is missing' : `“${sign ?? ''}${word}” is no literal; write its value`);
  }

  #call(depth: number): TypedJson {
    const out: Record<string, TypedJson> = {};
    while (!this.#sign(')')) {
      this.#space();
      const name = this.#take(/[A-Za-z_][A-Za-z0-9_]*/);
      if (name === null) throw this.#fail('a name is missing');
      this.#must('=');
      out[name] = this.value(depth + 1);
      if (!this.#sign(',')) {
        this.#must(')');
        break;
      }
    }
    return out;
  }
}

/** A dictionary as Python writes it; the error of what is neither that nor JSON. @throws AppError `usage.invalid` */
export function literalOf(text: string, asJson: unknown): Record<string, TypedJson> {
  try {
    return parsePythonDictionary(text);
  } catch (error) {
    const [json, python] = [asJson, error].map((each) => (each instanceof Error ? each.message : ''));
    throw new AppError(
      'usage.invalid',
      `This is neither JSON (${json ?? ''}) nor a dictionary of Python (${python ?? ''}).`,
      {
        hint: 'Copy the dictionary from the notebook into a file, or save it from Python with json.dump(dictionary, file).',
        cause: error,
      },
    );
  }
}

/** Plain JSON of a typed value: tuples as lists, whole floats as numbers. */
export function plain(value: TypedJson): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item: TypedJson) => plain(item));
  if ('$tuple' in value && Array.isArray(value.$tuple)) return value.$tuple.map((item: TypedJson) => plain(item));
  if ('$float' in value) return value.$float;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}
