import fs from 'node:fs';
import fsPromises from 'node:fs/promises';
import path from 'node:path';
import { hasErrno } from '../../workers/errors.ts';

/** How far one reader's boot epoch was told that its taps are durable. */
export interface Told {
  readonly readerId: number;
  readonly bootEpoch: number;
  readonly toldSeq: number;
}

const fileName = 'acknowledged.log';
/** Beyond this the log is written anew with one line for each reader and epoch. */
const fileBytesMax = 32 * 1024 * 1024;

/** What readers were told, line by line; the last line of a reader and epoch holds. */
export function readTold(dataDirectory: string): Map<string, Told> {
  const told = new Map<string, Told>();
  let text: string;
  try {
    text = fs.readFileSync(path.join(dataDirectory, fileName), 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return told;
    throw error;
  }
  for (const line of text.split('\n')) {
    const match = /^(\d+) (\d+) (\d+)$/.exec(line);
    if (match === null) continue;
    const [readerId, bootEpoch, toldSeq] = match.slice(1).map(Number);
    told.set(`${readerId} ${bootEpoch}`, { readerId, bootEpoch, toldSeq });
  }
  return told;
}

/**
 * The service's own note of what it acknowledged, apart from the journal, so that `verify` can hold the journal against
 * it. It lags by up to a flush: it is evidence, and nothing is decided from it.
 */
export class AckLog {
  readonly #path: string;
  readonly #dirty = new Map<string, Told>();
  #flushing: Promise<void> = Promise.resolve();

  constructor(dataDirectory: string) {
    this.#path = path.join(dataDirectory, fileName);
    this.#compact(dataDirectory);
  }

  note(told: Told): void {
    this.#dirty.set(`${told.readerId} ${told.bootEpoch}`, told);
  }

  /** Writes what was noted since the last flush. */
  flush(): Promise<void> {
    const lines = [...this.#dirty.values()].map((told) => `${told.readerId} ${told.bootEpoch} ${told.toldSeq}\n`);
    this.#dirty.clear();
    if (lines.length > 0) {
      this.#flushing = this.#flushing.then(() => fsPromises.appendFile(this.#path, lines.join('')));
    }
    return this.#flushing;
  }

  #compact(dataDirectory: string): void {
    const size = fs.statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
    if (size <= fileBytesMax) return;
    const lines = [...readTold(dataDirectory).values()].map((told) => `${told.readerId} ${told.bootEpoch} ${told.toldSeq}`);
    fs.writeFileSync(`${this.#path}.tmp`, `${lines.join('\n')}\n`);
    fs.renameSync(`${this.#path}.tmp`, this.#path);
  }
}
