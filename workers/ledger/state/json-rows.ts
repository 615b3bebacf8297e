import { bytesOf, column, grown } from '../growable.ts';

/**
 * Puts rows into a column of a snapshot, each as JSON of its own: one text for all would at the bounds be longer than a
 * string can be.
 */
export function saveRows(columns: Map<string, Uint8Array>, name: string, rows: Iterable<unknown>): void {
  const encoder = new TextEncoder();
  let bytes = new Uint8Array(1024);
  let sizes = new Uint32Array(64);
  let end = 0;
  let count = 0;
  for (const row of rows) {
    const text = encoder.encode(JSON.stringify(row));
    bytes = grown(bytes, end + text.length);
    bytes.set(text, end);
    end += text.length;
    sizes = grown(sizes, count + 1);
    sizes[count++] = text.length;
  }
  columns.set(`${name}.sizes`, bytesOf(sizes, count));
  columns.set(`${name}.rows`, bytesOf(bytes, end));
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
