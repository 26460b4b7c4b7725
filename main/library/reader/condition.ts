// SPDX-License-Identifier: MIT
import { AppError, type Condition } from '../../contract/index.ts';

/** A piece of a restriction's text. */
interface Token {
  readonly kind: 'word' | 'text' | 'sign' | 'end';
  readonly text: string;
  /** Quoted with `"` or a backtick: a column on the left of an operator, text on its right. */
  readonly isName?: boolean;
  readonly at: number;
}

const deepest = 100;
const sign = /^(<=|>=|<>|!=|==|=|<|>|\(|\)|,)/;
const numeral = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

function refuse(text: string, at: number, what: string): never {
  throw new AppError('usage.invalid', `The restriction “${text}” cannot be read at character ${at + 1}: ${what}.`, {
    hint: "Written as in: subject = 'm1' and (fps > 20 or fps is null).",
    details: { at },
  });
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length;) {
    const rest = text.slice(at);
    const space = /^\s+/.exec(rest)?.[0];
    const mark = sign.exec(rest)?.[0];
    const [quote = ''] = rest;
    if (space !== undefined) at += space.length;
    else if (mark !== undefined) {
      tokens.push({ kind: 'sign', text: mark, at });
      at += mark.length;
    } else if (`'"\``.includes(quote)) {
      // A doubled quote stands for one.
      const quoted = new RegExp(`^${quote}((?:[^${quote}]|${quote}${quote})*)${quote}`).exec(rest);
      if (quoted === null) refuse(text, at, 'a quote that is opened here is never closed');
      const value = (quoted[1] ?? '').replaceAll(quote + quote, quote);
      tokens.push({ kind: 'text', text: value, isName: quote !== "'", at });
      at += quoted[0].length;
    } else {
      const word = /^[^\s'"`<>=!(),;]+/.exec(rest)?.[0];
      if (word === undefined) refuse(text, at, `“${quote}” has no meaning here`);
      tokens.push({ kind: 'word', text: word, at });
      at += word.length;
    }
  }
  tokens.push({ kind: 'end', text: 'its end', at: text.length });
  return tokens;
}

/** Reads one restriction. `isColumn` tells a word on the right of an operator that is a column from one that is a value. */
class ConditionParser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  readonly #isColumn: (name: string) => boolean;
  #next = 0;
  #depth = 0;

  constructor(text: string, isColumn: (name: string) => boolean) {
    this.#text = text;
    this.#tokens = tokensOf(text);
    this.#isColumn = isColumn;
  }

  read(): Condition {
    const condition = this.#any();
    const token = this.#peek();
    if (token.kind !== 'end') refuse(this.#text, token.at, `“and” or “or” is missing before “${token.text}”`);
    return condition;
  }

  #peek(): Token {
    const token = this.#tokens[this.#next] ?? this.#tokens.at(-1);
    if (token === undefined) throw new Error('a list of tokens ends with its end');
    return token;
  }

  #take(): Token {
    const token = this.#peek();
    this.#next += 1;
    return token;
  }

  /** Takes a keyword or a sign if it comes next. */
  #takes(text: string): boolean {
    const token = this.#peek();
    const fits = (token.kind === 'word' || token.kind === 'sign') && token.text.toLowerCase() === text;
    if (fits) this.#next += 1;
    return fits;
  }

  #expect(text: string): void {
    const token = this.#peek();
    if (!this.#takes(text)) refuse(this.#text, token.at, `“${text}” is missing before “${token.text}”`);
  }

  #any(): Condition {
    const parts = [this.#all()];
    while (this.#takes('or')) parts.push(this.#all());
    const [first] = parts;
    return parts.length === 1 && first !== undefined ? first : { any: parts };
  }

  #all(): Condition {
    const parts = [this.#one()];
    while (this.#takes('and')) parts.push(this.#one());
    const [first] = parts;
    return parts.length === 1 && first !== undefined ? first : { all: parts };
  }

  #one(): Condition {
    this.#depth += 1;
    if (this.#depth > deepest) refuse(this.#text, this.#peek().at, 'it is nested too deeply');
    try {
      if (this.#takes('not')) return { not: this.#one() };
      if (this.#takes('(')) {
        const inner = this.#any();
        this.#expect(')');
        return inner;
      }
      return this.#comparison();
    } finally {
      this.#depth -= 1;
    }
  }

  #comparison(): Condition {
    const token = this.#take();
    if (token.kind !== 'word' && token.isName !== true)
      refuse(this.#text, token.at, `a column is expected, not “${token.text}”`);
    const column = token.text;
    if (this.#takes('is')) {
      const negated = this.#takes('not');
      this.#expect('null');
      return { column, isNull: !negated };
    }
    const negated = this.#takes('not');
    const rest = this.#word(column);
    if (rest !== undefined) return negated ? { not: rest } : rest;
    if (negated) refuse(this.#text, this.#peek().at, '“in”, “like” or “between” must follow “not”');
    return this.#sign(column);
  }

  #word(column: string): Condition | undefined {
    if (this.#takes('like')) return { column, like: String(this.#value()) };
    if (this.#takes('in')) {
      this.#expect('(');
      const oneOf = [this.#value()];
      while (this.#takes(',')) oneOf.push(this.#value());
      this.#expect(')');
      return { column, oneOf };
    }
    if (!this.#takes('between')) return undefined;
    const low = this.#value();
    this.#expect('and');
    const high = this.#value();
    return {
      all: [
        { column, is: '>=', value: low },
        { column, is: '<=', value: high },
      ],
    };
  }

  #sign(column: string): Condition {
    const token = this.#take();
    const is = ({ '==': '=', '!=': '<>' } as const)[token.text as '==' | '!='] ?? token.text;
    if (token.kind !== 'sign' || !isComparison(is))
      refuse(this.#text, token.at, `an operator is expected after ${column}, not “${token.text}”`);
    const right = this.#peek();
    if ((right.kind === 'word' || right.isName === true) && this.#isColumn(right.text)) {
      this.#next += 1;
      return { column, is, other: right.text };
    }
    return { column, is, value: this.#value() };
  }

  #value(): string | number {
    const token = this.#take();
    if (token.kind === 'text') return token.text;
    if (token.kind !== 'word') refuse(this.#text, token.at, `a value is expected, not “${token.text}”`);
    if (token.text.toLowerCase() === 'null')
      refuse(this.#text, token.at, 'null equals nothing; ask with “is null” or “is not null”');
    return numeral.test(token.text) && Number.isFinite(Number(token.text)) ? Number(token.text) : token.text;
  }
}

type Comparison = Extract<Condition, { readonly is: string }>['is'];

function isComparison(text: string): text is Comparison {
  return ['=', '<>', '<', '<=', '>', '>='].includes(text);
}

/**
 * Reads a restriction: comparisons of a column with a value (`'text'`, a number, a bare word) or with another column, `in`, `like`,
 * `between`, `is null`, put together with `and`, `or`, `not` and parentheses.
 *
 * @throws AppError `usage.invalid` with the place that cannot be read
 */
export function parseCondition(text: string, isColumn: (name: string) => boolean): Condition {
  return new ConditionParser(text, isColumn).read();
}
