import { mkdirSync, readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { hasErrno, OperatorError } from '../../workers/errors.ts';
import type { BatchBounds } from './batch.ts';

/** How far a shard's journal is in ClickHouse, and the batch that may be on its way. */
export interface SinkCursor {
  /** Everything up to here is stored. */
  readonly storedPosition: number;
  /** The last position that is a row of `tap`, 0 if none. */
  readonly lastTapPosition: number;
  /** Fixed before its first insert; follows `storedPosition`. */
  readonly pending: BatchBounds | null;
}

export const startOfJournal: SinkCursor = { storedPosition: 0, lastTapPosition: 0, pending: null };

/** Keeps the cursors of all shards. */
export interface CursorStore {
  /** Undefined when the shard has none yet. */
  load(shard: number): SinkCursor | undefined;
  /** Comes back when the cursor would survive a power cut. */
  save(shard: number, cursor: SinkCursor): Promise<void>;
}

/** Replaces a file whole: written beside, synced, renamed, folder synced. */
export async function replaceFile(file: string, text: string): Promise<void> {
  await writeSynced(`${file}.new`, text);
  await rename(`${file}.new`, file);
  await syncFolder(path.dirname(file));
}

/** One small file for each shard, replaced whole. */
export class FileCursorStore implements CursorStore {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  load(shard: number): SinkCursor | undefined {
    try {
      return decode(readFileSync(this.#file(shard), 'utf8'), this.#file(shard));
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  async save(shard: number, cursor: SinkCursor): Promise<void> {
    await replaceFile(this.#file(shard), encode(cursor));
  }

  #file(shard: number): string {
    return path.join(this.#directory, `shard-${String(shard).padStart(3, '0')}.json`);
  }
}

async function writeSynced(file: string, text: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function encode(cursor: SinkCursor): string {
  const text = JSON.stringify(cursor);
  return `${JSON.stringify({ format: 1, crc32: crc32(text), cursor })}\n`;
}

function decode(text: string, file: string): SinkCursor {
  try {
    const value = JSON.parse(text) as { format: number; crc32: number; cursor: SinkCursor };
    if (value.format === 1 && value.crc32 === crc32(JSON.stringify(value.cursor))) return value.cursor;
  } catch {
    // Said below, as for a wrong checksum.
  }
  throw new OperatorError(
    'SINK_CURSOR_DAMAGED',
    `${file} is not a whole cursor`,
    'Delete it: the shard is then compared with ClickHouse row by row and only what is missing is stored',
  );
}
