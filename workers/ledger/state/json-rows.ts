import { bytesOf, column, grown } from '../growable.ts';

const encoder = new TextEncoder();

/**
 * Rows of a snapshot's column that only grow, each as JSON of its own: one text for all would at the bounds be longer than a
 * string can be. They are kept encoded all along, because a snapshot that has to encode them holds up the taps.
 */
export class JsonRows {
  #bytes = new Uint8Array(1024);
  #sizes = new Uint32Array(64);
  #end = 0;
  #count = 0;

  append(row: unknown): void {
    const encoded = encodeRow(row);
    this.#bytes = grown(this.#bytes, this.#end + encoded.length);
    this.#bytes.set(encoded, this.#end);
    this.#end += encoded.length;
    this.#sizes = grown(this.#sizes, this.#count + 1);
    this.#sizes[this.#count++] = encoded.length;
  }

  save(columns: Map<string, Uint8Array>, name: string): void {
    columns.set(`${name}.sizes`, bytesOf(this.#sizes, this.#count));
    columns.set(`${name}.rows`, bytesOf(this.#bytes, this.#end));
  }

  /** Takes the rows of a column over, and gives each. */
  *load<Row>(columns: ReadonlyMap<string, Uint8Array>, name: string): Generator<Row> {
    this.#sizes = column(columns, `${name}.sizes`, Uint32Array);
    this.#bytes = column(columns, `${name}.rows`, Uint8Array);
    this.#count = this.#sizes.length;
    this.#end = this.#bytes.length;
    yield* loadRows<Row>(columns, name);
  }
}

export function encodeRow(row: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(row));
}

/** Encodes rows that are few, when the snapshot is taken. */
export function saveRows(columns: Map<string, Uint8Array>, name: string, rows: Iterable<unknown>): void {
  saveEncoded(columns, name, Array.from(rows, encodeRow));
}

/** Rows that `encodeRow` gave. */
export function saveEncoded(columns: Map<string, Uint8Array>, name: string, rows: readonly Uint8Array[]): void {
  const bytes = new Uint8Array(rows.reduce((sum, row) => sum + row.length, 0));
  let end = 0;
  for (const row of rows) {
    bytes.set(row, end);
    end += row.length;
  }
  columns.set(`${name}.sizes`, bytesOf(Uint32Array.from(rows, (row) => row.length)));
  columns.set(`${name}.rows`, bytes);
}

/** The rows again, in the same order. */
export function* loadRows<Row>(columns: ReadonlyMap<string, Uint8Array>, name: string): Generator<Row> {
  const decoder = new TextDecoder();
  const sizes = column(columns, `${name}.sizes`, Uint32Array);
  const bytes = column(columns, `${name}.rows`, Uint8Array);
  let start = 0;
  for (const size of sizes) {
    yield JSON.parse(decoder.decode(bytes.subarray(start, start + size))) as Row;
    start += size;
  }
}
