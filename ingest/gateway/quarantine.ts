import { appendFile, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { frameBytesMax } from '../protocol/limits.ts';
import { quarantineFileBytesMax, quarantineWaitingBytesMax } from './limits.ts';

/**
 * Malformed frames with their bytes, one JSON line each, for the person who mends the firmware: the newest two files of
 * `quarantineFileBytesMax`. (Taps answered 91 or 93 are kept in the journal.)
 */
export class Quarantine {
  total = 0;
  readonly #path: string;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(dataDirectory: string) {
    this.#path = path.join(dataDirectory, 'malformed-frames.ndjson');
  }

  /** Keeps a frame aside. */
  keep(readerId: number, frame: Uint8Array, reason: string, atMs: number): void {
    this.total += 1;
    if (this.#waitingBytes >= quarantineWaitingBytesMax) return;
    const hex = Buffer.from(frame.subarray(0, frameBytesMax)).toString('hex');
    const line = JSON.stringify({ at: new Date(atMs).toISOString(), readerId, reason, hex });
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    if (this.#waiting.length === 1) this.#writing = this.#writing.then(() => this.#write()).catch(() => undefined);
  }

  /** Resolves when what was kept so far is written. */
  flush(): Promise<void> {
    return this.#writing;
  }

  async #write(): Promise<void> {
    // Taken first: what cannot be written is let go, and the next frame begins anew.
    const lines = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    const size = await stat(this.#path).then(
      (found) => found.size,
      () => 0,
    );
    if (size > quarantineFileBytesMax) await rename(this.#path, `${this.#path}.1`);
    await appendFile(this.#path, `${lines.join('\n')}\n`);
  }
}
