// SPDX-License-Identifier: MIT
import { CsvError, parse } from 'csv-parse/sync';
import { AppError } from '../../contract/index.ts';

/** A record of a CSV file. */
export interface CsvRecord {
  /** Line it begins on, from 1. */
  readonly line: number;
  readonly fields: readonly string[];
}

function bad(file: string, line: number | undefined, message: string, hint: string, cause?: unknown): AppError {
  const place = line === undefined ? file : `${file}, line ${line}`;
  return new AppError('ingest.bad_csv', `${place}: ${message}`, {
    hint,
    cause,
    details: { file, ...(line === undefined ? {} : { line }) },
  });
}

/**
 * The text of a CSV file: UTF-8, or UTF-16 where a byte-order mark says so.
 *
 * @throws AppError `ingest.bad_csv` for other encodings, with the line of the first byte that cannot be read
 */
export function decodeCsv(bytes: Uint8Array, file: string): string {
  const saveAs = 'Save it as CSV in UTF-8 and try again.';
  const wide =
    bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : null;
  const text = new TextDecoder(wide ?? 'utf-8').decode(bytes);
  const broken = text.search(wide === null ? /[\0\uFFFD]/ : /\0/);
  // U+FFFD may also stand in the file itself: only a strict decoder knows.
  if (broken >= 0 && (text[broken] === '\0' || !isUtf8(bytes))) {
    throw bad(file, text.slice(0, broken).split('\n').length, 'this is not text in UTF-8.', saveAs);
  }
  return text;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** The separator of a header: the one of comma, semicolon and tab that it holds most of. */
export function separatorOf(header: string): string {
  const counts = [',', ';', '\t'].map((separator) => ({ separator, count: header.split(separator).length }));
  return counts.toSorted((a, b) => b.count - a.count)[0]?.separator ?? ',';
}

/** About as many characters are parsed at once: large files never lie in memory as records. */
const pieceLength = 1 << 20;

/** Ends of pieces: at line ends that are not inside quotes. */
function* pieces(text: string): Generator<string> {
  let start = 0;
  while (start < text.length) {
    let end = start;
    let quotes = 0;
    do {
      const next = text.indexOf('\n', end === start ? Math.min(text.length, start + pieceLength) : end);
      const after = next < 0 ? text.length : next + 1;
      quotes += text.slice(end, after).split('"').length - 1;
      end = after;
    } while (quotes % 2 === 1 && end < text.length);
    yield text.slice(start, end);
    start = end;
  }
}

/**
 * The records of a CSV text, header first. Spaces around fields, a byte-order mark, CR LF and empty lines are accepted; a separator may
 * stand inside quotes.
 *
 * @throws AppError `ingest.bad_csv` with the line, for quotes that do not fit
 */
export function* readCsv(text: string, file: string): Generator<CsvRecord, undefined> {
  const plain = text.replace(/^\uFEFF/, '');
  const delimiter = separatorOf(plain.slice(0, plain.search(/\r|\n|$/)));
  let lines = 0;
  for (const piece of pieces(plain)) {
    let records: readonly { readonly record: readonly string[]; readonly info: { readonly lines: number } }[];
    try {
      records = parse(piece, {
        delimiter,
        info: true,
        relax_column_count: true,
        skip_empty_lines: true,
        trim: true,
        record_delimiter: ['\r\n', '\n', '\r'],
      }) as unknown as typeof records;
    } catch (error) {
      if (!(error instanceof CsvError)) throw error;
      const at = typeof error['lines'] === 'number' ? lines + error['lines'] : undefined;
      throw bad(file, at, 'the quotes do not fit.', 'A field with quotes in it is written "like ""this""".', error);
    }
    for (const { record, info } of records) {
      const inside = record.reduce((sum, field) => sum + field.split('\n').length - 1, 0);
      yield { line: lines + info.lines - inside, fields: record };
    }
    lines += piece.split('\n').length - 1;
  }
  return undefined;
}
