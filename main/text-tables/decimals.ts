// SPDX-License-Identifier: MIT

const withPoint = /^[+-]?\d*\.\d+(?:e[+-]?\d+)?$/i;
const withComma = /^[+-]?\d*,\d+(?:e[+-]?\d+)?$/i;
/** `1,234` is 1234 to some and 1.234 to others; `0,033` and `12,5` are never thousands. */
const likeThousands = /^[+-]?[1-9]\d{0,2},\d{3}$/;

/** Why a field that no number was found in is none, as the end of a sentence about it; empty where there is nothing to add. */
export function whyNoNumber(field: string): string {
  if (/^[+-]?\d{1,3}(?:[.,'’   ]\d{3})+(?:[.,]\d*)?$/.test(field.trim()))
    return '; numbers are written without marks between thousands';
  return withComma.test(field.trim()) ? '; it could mean two things: write a point before the decimals' : '';
}

/** A field whose decimals cannot be told; `why` is a whole sentence. */
export class UnclearDecimals extends Error {}

/**
 * The mark of decimals in one table. In most tables that is a point. Where columns are parted by semicolons or tabs, or fields are quoted, it may be a comma
 * (spreadsheets of many countries write so); the first number that can only be read one way decides, and what is against it is refused.
 */
export class Decimals {
  readonly #partedBySemicolons: boolean;
  #mark: ',' | '.' | null = null;

  /** @param separator - between the columns; semicolons stand there since commas are in the numbers */
  constructor(separator: string) {
    this.#partedBySemicolons = separator === ';';
  }

  /** Looks at a field before the table is read: one that can only be read one way tells how those are meant that could be read two ways. */
  learn(field: string): void {
    if (this.#mark !== null) return;
    if (withComma.test(field) && (this.#partedBySemicolons || !likeThousands.test(field))) this.#mark = ',';
  }

  /**
   * A field with a point before its decimals; what is no number stays as it is.
   *
   * @throws UnclearDecimals
   */
  point(field: string): string {
    const isComma = withComma.test(field);
    if (!isComma && !withPoint.test(field)) return field;
    if (isComma) this.learn(field);
    else this.#mark ??= '.';
    if (isComma && this.#mark === null)
      throw new UnclearDecimals(
        `“${field}” could be ${field.replace(',', '')} or ${field.replace(',', '.')}; write numbers without marks between thousands.`,
      );
    if (isComma !== (this.#mark === ','))
      throw new UnclearDecimals(
        `“${field}” has its decimals behind a ${isComma ? 'comma' : 'point'}, numbers before it behind a ${isComma ? 'point' : 'comma'}; what is meant cannot be told.`,
      );
    return isComma ? field.replace(',', '.') : field;
  }
}
