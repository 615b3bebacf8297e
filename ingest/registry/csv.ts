import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { CsvError, parse, type Options } from 'csv-parse';
import { Fault } from './fields.ts';

/** A data row: its cells in the order of the columns that were asked for, or what is wrong with it as a whole. */
export interface CsvRow {
  readonly line: number;
  readonly cells: readonly string[] | Fault;
}

type Refuse = (line: number, column: string | null, fault: Fault) => void;

const chunkBytes = 256 * 1024;
const recordCharactersMax = 16 * 1024;
export const batchRowsMax = 500;

/**
 * Reads a CSV file (RFC 4180, UTF-8 with or without a byte order mark, header line) in batches, without holding it.
 * The header must name exactly `columns`, in any order. What is wrong with the file's form goes to `refuse`, with the line on
 * which the row begins; after a fault of the header, the encoding or the quoting nothing more is read.
 */
export async function* readCsv(path: string, columns: readonly string[], refuse: Refuse): AsyncGenerator<CsvRow[]> {
  let places: number[] | null = null;
  let batch: CsvRow[] = [];
  try {
    for await (const { record, line } of records(path)) {
      if (places === null) {
        places = headerPlaces(record, columns, line, refuse);
        if (places === null) return;
      } else {
        batch.push({ line, cells: pick(record, places) });
      }
      if (batch.length === batchRowsMax) {
        yield batch;
        batch = [];
      }
    }
    if (batch.length > 0) yield batch;
    if (places === null) refuse(1, null, new Fault('HEADER', `is missing: the columns are ${columns.join(',')}`));
  } catch (error) {
    if (!(error instanceof FormError)) throw error;
    if (batch.length > 0) yield batch;
    refuse(error.line, null, error.fault);
  }
}

interface CsvRecord {
  readonly record: readonly string[];
  readonly line: number;
}

async function* records(path: string): AsyncGenerator<CsvRecord> {
  let lastLine = 0;
  const options: Options<CsvRecord, string[]> = {
    bom: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: recordCharactersMax,
    on_record: (record, { lines }) => {
      lastLine = lines;
      return { record, line: lines - lineBreaks(record) };
    },
  };
  // The parser's types know a record of another form with named columns only.
  const parser = parse(options as unknown as Options);
  const source = createReadStream(path, { highWaterMark: chunkBytes }) as AsyncIterable<Buffer>;
  // A failure of any stage ends the iteration below with its error.
  pipeline(Readable.from(wholeLines(source), { objectMode: false }), parser, () => undefined);
  try {
    yield* parser as AsyncIterable<CsvRecord>;
  } catch (error) {
    throw error instanceof CsvError ? formError(error, lastLine + 1) : error;
  }
}

/** The parser counts the line on which a row ends; quoted values may hold line breaks. */
function lineBreaks(record: readonly string[]): number {
  let breaks = 0;
  for (const cell of record) if (cell.includes('\n')) breaks += cell.split('\n').length - 1;
  return breaks;
}

function pick(record: readonly string[], places: readonly number[]): string[] | Fault {
  if (record.length === places.length) return places.map((place) => record[place]);
  return new Fault('FIELDS', `has ${record.length} values, the header ${places.length}`);
}

/** Where each column stands in the file, or null when the header is wrong. */
function headerPlaces(
  header: readonly string[],
  columns: readonly string[],
  line: number,
  refuse: Refuse,
): number[] | null {
  const faults: [string, string][] = [];
  header.forEach((name, place) => {
    if (!columns.includes(name)) faults.push([`${place + 1}`, 'unknown']);
    else if (header.indexOf(name) !== place) faults.push([name, 'named twice']);
  });
  for (const name of columns) if (!header.includes(name)) faults.push([name, 'missing']);
  for (const [column, what] of faults) {
    refuse(line, column, new Fault('HEADER', `the column is ${what}: the columns are ${columns.join(',')}`));
  }
  return faults.length === 0 ? columns.map((name) => header.indexOf(name)) : null;
}

/** A fault of the file's form that ends the reading. */
class FormError extends Error {
  readonly line: number;
  readonly fault: Fault;

  constructor(line: number, fault: Fault) {
    super(fault.reason);
    this.line = line;
    this.fault = fault;
  }
}

/** Passes bytes on up to the last line break, and proves them to be UTF-8: the decoder would replace silently. */
async function* wholeLines(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let line = 1;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    const end = chunk.lastIndexOf(0x0a) + 1;
    const piece = Buffer.concat([rest, chunk.subarray(0, end)]);
    rest = end === 0 ? Buffer.concat([rest, chunk]) : chunk.subarray(end);
    if (rest.length > chunkBytes + recordCharactersMax) throw new FormError(line, tooLong);
    if (end === 0) continue;
    line = requireUtf8(piece, line);
    yield piece;
  }
  requireUtf8(rest, line);
  yield rest;
}

/** Answers the line after `bytes`, which begin at `line`. */
function requireUtf8(bytes: Buffer, line: number): number {
  const valid = isUtf8(bytes);
  for (let from = 0; ;) {
    const end = bytes.indexOf(0x0a, from);
    if (!valid && !isUtf8(bytes.subarray(from, end === -1 ? bytes.length : end))) throw new FormError(line, notUtf8);
    if (end === -1) return line;
    from = end + 1;
    line++;
  }
}

const notUtf8 = new Fault('ENCODING', 'is not UTF-8');
const tooLong = new Fault('CSV', `is longer than ${recordCharactersMax} characters; is a quote not closed?`);
const notClosed = new Fault('CSV', 'a quoted value is not closed');
const badQuote = new Fault('CSV', 'a quote stands where none may: quote the whole value and double quotes within');

/** The parser's own messages may quote a cell, so they are not passed on. `line` is where the faulty row begins. */
function formError({ code, lines }: CsvError, line: number): FormError {
  if (code === 'CSV_MAX_RECORD_SIZE') return new FormError(line, tooLong);
  if (code === 'CSV_QUOTE_NOT_CLOSED') return new FormError(line, notClosed);
  return new FormError(typeof lines === 'number' ? lines : line, badQuote);
}
