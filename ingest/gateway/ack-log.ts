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
const fileBytesMaxDefault = 32 * 1024 * 1024;

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

export interface AckLogOptions {
  /** Beyond this the log is written anew. */
  readonly fileBytesMax?: number;
}

/**
 * The service's own note of what it acknowledged, apart from the journal, so that `verify` can hold the journal against
 * it. It lags by up to a flush: it is evidence, and nothing is decided from it. The file grows by a line for each reader
 * that was acknowledged since the last flush, and is written anew at its bound.
 */
export class AckLog {
  readonly #path: string;
  readonly #fileBytesMax: number;
  #writeAnewAtBytes: number;
  /** The last note of each reader and epoch, and which of them are not in the file yet. */
  readonly #told: Map<string, Told>;
  readonly #dirty = new Set<string>();
  #fileBytes: number;
  #hasTornLine = false;
  #flushing: Promise<void> = Promise.resolve();

  constructor(dataDirectory: string, { fileBytesMax = fileBytesMaxDefault }: AckLogOptions = {}) {
    this.#path = path.join(dataDirectory, fileName);
    this.#fileBytesMax = fileBytesMax;
    this.#writeAnewAtBytes = fileBytesMax;
    this.#told = readTold(dataDirectory);
    this.#fileBytes = fs.statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
    this.#hasTornLine = this.#fileBytes > 0;
  }

  note(told: Told): void {
    const key = `${told.readerId} ${told.bootEpoch}`;
    this.#told.set(key, told);
    this.#dirty.add(key);
  }

  /** Writes what was noted since the last flush. After a failure the notes wait for the next one. */
  flush(): Promise<void> {
    const flushed = this.#flushing.then(() => this.#write());
    this.#flushing = flushed.catch(() => undefined);
    return flushed;
  }

  async #write(): Promise<void> {
    if (this.#dirty.size === 0) return;
    const keys = [...this.#dirty];
    this.#dirty.clear();
    try {
      if (this.#fileBytes > this.#writeAnewAtBytes) await this.#writeAnew();
      else await this.#append(keys);
    } catch (error) {
      for (const key of keys) this.#dirty.add(key);
      throw error;
    }
  }

  async #append(keys: readonly string[]): Promise<void> {
    // A line that a full disk or a crash cut short must not run into the next one.
    const text = `${this.#hasTornLine ? '\n' : ''}${keys.map((key) => this.#line(key)).join('')}`;
    this.#hasTornLine = true;
    await fsPromises.appendFile(this.#path, text);
    this.#hasTornLine = false;
    this.#fileBytes += text.length;
  }

  async #writeAnew(): Promise<void> {
    const text = [...this.#told.keys()].map((key) => this.#line(key)).join('');
    await fsPromises.writeFile(`${this.#path}.tmp`, text);
    await fsPromises.rename(`${this.#path}.tmp`, this.#path);
    this.#fileBytes = text.length;
    this.#writeAnewAtBytes = Math.max(this.#fileBytesMax, 2 * text.length);
    this.#hasTornLine = false;
  }

  #line(key: string): string {
    return `${key} ${this.#told.get(key)!.toldSeq}\n`;
  }
}
