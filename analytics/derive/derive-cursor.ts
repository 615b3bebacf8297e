import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { hasErrno } from '../../workers/errors.ts';
import { replaceFile } from '../sink/cursor.ts';

/** Keeps, for each shard, the position up to which everything that its journal touches is derived. */
export interface DeriveCursorStore {
  /** 0 when there is none, or none that can be read: to derive again does no harm. */
  load(shard: number): number;
  /** Comes back when it would survive a power cut. */
  save(shard: number, position: number): Promise<void>;
}

/** One small file for each shard beside the sink's cursor, replaced whole. */
export class FileDeriveCursorStore implements DeriveCursorStore {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  load(shard: number): number {
    try {
      const position: unknown = JSON.parse(readFileSync(this.#file(shard), 'utf8'));
      return Number.isSafeInteger(position) ? (position as number) : 0;
    } catch (error) {
      if (hasErrno(error, 'ENOENT') || error instanceof SyntaxError) return 0;
      throw error;
    }
  }

  async save(shard: number, position: number): Promise<void> {
    await replaceFile(this.#file(shard), `${position}\n`);
  }

  #file(shard: number): string {
    return path.join(this.#directory, `derived-${String(shard).padStart(3, '0')}.json`);
  }
}
