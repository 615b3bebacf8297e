import { closeSync, openSync, readSync } from 'node:fs';

const chunkBytes = 1 << 20;

/** The values of a file of lines of JSON; the file may be larger than a text can be. */
export function readLines(path: string): unknown[] {
  const descriptor = openSync(path, 'r');
  const values: unknown[] = [];
  const chunk = Buffer.alloc(chunkBytes);
  let rest = Buffer.alloc(0);
  for (let bytes; (bytes = readSync(descriptor, chunk, 0, chunkBytes, null)) > 0;) {
    const read = Buffer.concat([rest, chunk.subarray(0, bytes)]);
    const end = read.lastIndexOf(10) + 1;
    rest = Buffer.from(read.subarray(end));
    for (const line of read.toString('utf8', 0, end).split('\n')) if (line !== '') values.push(JSON.parse(line));
  }
  closeSync(descriptor);
  return values;
}
