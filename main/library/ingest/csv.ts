// SPDX-License-Identifier: MIT
import { closeSync, openSync, readSync } from 'node:fs';
import { TextDecoder } from 'node:util';
import { CsvError, parse } from 'csv-parse/sync';
import { AppError } from '../../contract/index.ts';

/** A record of a CSV file. */
export interface CsvRecord {
  /** Line it begins on, from 1. */
  readonly line: number;
  readonly fields: readonly string[];
  /** What parts the columns of its file. */
  readonly separator: string;
}

function bad(file: string, line: number | undefined, message: string, hint: string, cause?: unknown): AppError {
  const place = line === undefined ? file : `${file}, line ${line}`;
  return new AppError('ingest.bad_csv', `${place}: ${message}`, {
    hint,
    cause,
    details: { file, ...(line === undefined ? {} : { line }) },
  });
}

/** Bytes read at once. */
const chunkBytes = 1 << 20;

/**
 * The text of a CSV file in pieces: UTF-8, or UTF-16 where a byte-order mark says so. The file is open while it is read and never whole in
 * memory.
 *
 * @throws AppError `ingest.bad_csv` for other encodings, with the line of the first byte that cannot be read; what the file system says
 */
export function* csvText(path: string, file: string): Generator<string, undefined> {
  const descriptor = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(chunkBytes);
    let decoder: TextDecoder | undefined;
    let line = 1;
    for (;;) {
      const bytes = buffer.subarray(0, readSync(descriptor, buffer, 0, chunkBytes, null));
      decoder ??= new TextDecoder(encodingOf(bytes), { fatal: true });
      const text = strictly(decoder, bytes, file, line);
      if (text !== '') yield text;
      if (bytes.length === 0) return undefined;
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) line += 1;
    }
  } finally {
    closeSync(descriptor);
  }
}

function encodingOf(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8';
}

/** @param bytes - none at the end: then nothing may be left over */
function strictly(decoder: TextDecoder, bytes: Uint8Array, file: string, line: number): string {
  const refuse = (before: string): AppError =>
    bad(
      file,
      line + before.split('\n').length - 1,
      'this is not text in UTF-8.',
      'Save it as CSV in UTF-8 and try again.',
    );
  let text: string;
  try {
    text = decoder.decode(bytes, { stream: bytes.length > 0 });
  } catch {
    const loose = new TextDecoder(decoder.encoding).decode(bytes);
    // A character that a chunk's end cut begins it with what cannot be read alone.
    const places = [loose.indexOf('\0'), loose.indexOf('\uFFFD', 3)].filter((at) => at >= 0);
    throw refuse(loose.slice(0, places.length === 0 ? 0 : Math.min(...places)));
  }
  const zero = text.indexOf('\0');
  if (zero >= 0) throw refuse(text.slice(0, zero));
  return text;
}

/** The separator of a header: the one of comma, semicolon and tab that it holds most of. */
export function separatorOf(header: string): string {
  const counts = [',', ';', '\t'].map((separator) => ({ separator, count: header.split(separator).length }));
  return counts.toSorted((a, b) => b.count - a.count)[0]?.separator ?? ',';
}

/** About as many characters are parsed at once: large files never lie in memory as records. */
const pieceLength = 1 << 20;
/** No row is so long: a quote was never closed. */
const longestRow = 32 * pieceLength;

/** Where a text can be cut: after its last line end that is not inside quotes; 0 where there is none. */
function lastCut(text: string): number {
  // Files of old Macintosh programs end their lines with CR alone.
  const end = text.includes('\n') ? '\n' : '\r';
  let [cut, from, isInside] = [0, 0, false];
  for (let at = text.indexOf(end); at >= 0; at = text.indexOf(end, from)) {
    for (let quote = text.indexOf('"', from); quote >= 0 && quote < at; quote = text.indexOf('"', quote + 1))
      isInside = !isInside;
    from = at + 1;
    if (!isInside) cut = from;
  }
  return cut;
}

/** Pieces that end at line ends which are not inside quotes. */
function* pieces(chunks: Iterable<string>): Generator<string> {
  let rest = '';
  for (const chunk of chunks) {
    rest += chunk;
    if (rest.length < pieceLength) continue;
    const cut = lastCut(rest);
    if (cut > 0) yield rest.slice(0, cut);
    rest = rest.slice(cut);
    // What is too long for a row is refused by the parser, with its line.
    if (rest.length > longestRow) break;
  }
  if (rest !== '') yield rest;
}

/**
 * The records of a CSV text that comes in chunks, header first. Spaces around fields, a byte-order mark, CR LF and empty lines are accepted; a separator may
 * stand inside quotes.
 *
 * @throws AppError `ingest.bad_csv` with the line, for quotes that do not fit
 */
export function* readCsv(chunks: Iterable<string>, file: string): Generator<CsvRecord, undefined> {
  let delimiter: string | undefined;
  let lines = 0;
  for (const given of pieces(chunks)) {
    const piece = delimiter === undefined ? given.replace(/^\uFEFF/, '') : given;
    delimiter ??= separatorOf(piece.slice(0, piece.search(/\r|\n|$/)));
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
      yield { line: lines + info.lines - inside, fields: record, separator: delimiter };
    }
    lines += piece.split('\n').length - 1;
  }
  return undefined;
}
