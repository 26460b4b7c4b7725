// SPDX-License-Identifier: MIT
import { Decimals, UnclearDecimals, whyNoNumber } from '../../text-tables/index.ts';

/** Text without characters that would steer a terminal: they are shown by their numbers. */
export function visible(text: string): string {
  return text.replaceAll(
    /\p{Cc}/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

/** Text as it can stand in a sentence: short and {@link visible}. */
export const shown = (text: string): string => visible(text.length > 60 ? `${text.slice(0, 60)}…` : text);

/** What is wrong with a field of a row. */
export class FieldProblem extends Error {
  /** Name of the column; null when it is about the row. */
  readonly column: string | null;

  constructor(column: string | null, message: string) {
    super(visible(message));
    this.column = column;
  }
}

/** The fields of one row by column name; what is wrong is thrown as {@link FieldProblem}. */
export class Row {
  readonly line: number;
  readonly #fields: readonly string[];
  readonly #columns: ReadonlyMap<string, number>;
  readonly #decimals: Decimals;

  /** @param decimals - how the numbers of this file are written; learns from those it is asked for */
  constructor(
    line: number,
    fields: readonly string[],
    columns: ReadonlyMap<string, number>,
    decimals = new Decimals(','),
  ) {
    this.line = line;
    this.#decimals = decimals;
    this.#fields = fields;
    this.#columns = columns;
  }

  /** The text of a field, empty where the column is not there. */
  text(column: string): string {
    const index = this.#columns.get(column);
    return index === undefined ? '' : (this.#fields[index] ?? '');
  }

  /** A name: not empty, without control characters. */
  name(column: string): string {
    const text = this.text(column).normalize('NFC');
    // Blanks and characters without a shape are no name, also when there are some.
    if (/^[\p{Z}\p{Cf}]*$/u.test(text)) throw new FieldProblem(column, 'a value is missing.');
    if (/\p{Cc}/u.test(text)) throw new FieldProblem(column, `“${shown(text)}” holds a control character.`);
    return text;
  }

  number(column: string): number {
    const value = this.optionalNumber(column);
    if (value === null) throw new FieldProblem(column, 'a number is missing.');
    return value;
  }

  optionalNumber(column: string): number | null {
    const written = this.text(column);
    if (written === '') return null;
    let text: string;
    try {
      text = this.#decimals.point(written);
    } catch (error) {
      throw error instanceof UnclearDecimals ? new FieldProblem(column, error.message) : error;
    }
    if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) || Math.abs(Number(text)) > 1e9)
      throw new FieldProblem(column, `“${shown(written)}” is not a number${whyNoNumber(written)}.`);
    return Number(text);
  }

  whole(column: string): number {
    const value = this.number(column);
    if (!Number.isInteger(value) || value < 0)
      throw new FieldProblem(column, `“${shown(this.text(column))}” is not a whole number from 0.`);
    return value;
  }

  optionalWhole(column: string): number | null {
    return this.text(column) === '' ? null : this.whole(column);
  }

  /** `YYYY-MM-DD`, a time of day after it is dropped (upstream's own example has one); null where empty. */
  day(column: string): string | null {
    const text = this.text(column);
    if (text === '') return null;
    const [, day] = /^(\d{4}-\d{2}-\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?$/.exec(text) ?? [];
    if (day === undefined || !exists(day))
      throw new FieldProblem(column, `“${shown(text)}” is no date; write YYYY-MM-DD.`);
    return day;
  }

  /** A wall-clock time `YYYY-MM-DD HH:MM:SS[.mmm]`, or with a zone; empty is refused. */
  moment(column: string): Moment {
    const text = this.text(column);
    const match = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?\s?(Z|[+-]\d{2}:?\d{2})?$/.exec(
      text,
    );
    const [, day = '', hours = '', minutes = '', seconds = '00', fraction = '', zone] = match ?? [];
    const parsed = Date.parse(
      `${day}T${hours}:${minutes}:${seconds}${fraction.slice(0, 4).padEnd(4, fraction === '' ? '.000' : '0')}Z`,
    );
    if (match === null || Number.isNaN(parsed) || !exists(day)) {
      throw new FieldProblem(column, `“${shown(text)}” is no date and time; write YYYY-MM-DD HH:MM:SS.`);
    }
    const offset =
      zone === undefined
        ? null
        : zone === 'Z'
          ? 0
          : Number(`${zone[0] ?? ''}1`) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2)));
    return { wallMs: parsed, offsetMin: offset, hasFraction: fraction !== '' };
  }

  /** A path with forward slashes that stays below its root. */
  path(column: string): string {
    const text = this.name(column).replaceAll('\\', '/');
    const parts = text.split('/').filter((part) => part !== '' && part !== '.');
    if (text.startsWith('/') || /^[A-Za-z]:/.test(text) || parts.includes('..')) {
      throw new FieldProblem(column, `“${shown(text)}” leads out of the root folder; give a path below it.`);
    }
    if (parts.length === 0) throw new FieldProblem(column, 'the path is empty.');
    return parts.join('/');
  }
}

/** A time as it is written: on the clock of the place, and how far that is from UTC where it is said. */
export interface Moment {
  /** The written time taken as UTC, ms since 1970. */
  readonly wallMs: number;
  readonly offsetMin: number | null;
  readonly hasFraction: boolean;
}

function exists(day: string): boolean {
  const date = new Date(`${day}T00:00:00.000Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}
