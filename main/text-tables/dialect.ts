// SPDX-License-Identifier: MIT
import { Decimals, UnclearDecimals } from './decimals.ts';

export type Separator = ',' | ';' | '\t';

/** How a table parts its columns and writes its numbers. */
export interface Dialect {
  readonly separator: Separator;
  /**
   * Fields of a line, without outer blanks and quotes, numbers with a point before their decimals.
   *
   * @param line - counted from 1, for what is refused
   * @throws what `refuse` gave
   */
  readonly fields: (text: string, line: number) => string[];
}

/** Lines that are looked at before a table is read, to learn how its numbers are written. */
const sampleLines = 1000;

/**
 * How a table is written, by its header and its first rows.
 *
 * @param header - the line with the names of the columns: of comma, semicolon and tab the one it holds most of parts them
 * @param sample - the first rows, as they stand in the file
 * @param refuse - the error for numbers whose decimals cannot be told
 */
export function dialectOf(header: string, sample: string, refuse: (why: string, line: number) => Error): Dialect {
  const separator = separatorOf(header);
  const decimals = new Decimals(separator);
  const isPlain = (text: string): boolean => separator === ',' && !text.includes('"');
  for (const text of sample.split('\n', sampleLines))
    if (!isPlain(text)) for (const field of split(text, separator)) decimals.learn(field);
  return {
    separator,
    fields: (text, line) => {
      if (isPlain(text)) return text.split(',').map((field) => field.trim());
      try {
        return split(text, separator).map((field) => decimals.point(field));
      } catch (error) {
        throw error instanceof UnclearDecimals ? refuse(error.message, line) : error;
      }
    },
  };
}

function separatorOf(header: string): Separator {
  const count = (separator: Separator): number => split(header, separator).length;
  let best: Separator = ',';
  for (const separator of [';', '\t'] as const) if (count(separator) > count(best)) best = separator;
  return best;
}

/** Fields of a line; a separator inside quotes parts nothing, and two quotes are one. */
function split(text: string, separator: Separator): string[] {
  if (!text.includes('"')) return text.split(separator).map((field) => field.trim());
  const fields: string[] = [];
  let [field, isInside] = ['', false];
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i] ?? '';
    if (character === '"') {
      if (!isInside && text[i - 1] === '"') field += '"';
      isInside = !isInside;
    } else if (character === separator && !isInside) {
      fields.push(field.trim());
      field = '';
    } else field += character;
  }
  return [...fields, field.trim()];
}
