import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { replaceFile } from '../../analytics/sink/cursor.ts';
import { hasErrno } from '../../workers/errors.ts';
import { SumsOfDays } from './day-sums.ts';
import { schoolDaysMax } from './limits.ts';

const format = 1;

/** [school, day, taps, sales, takings in kopecks] */
type SavedDay = [schoolId: number, schoolDay: number, taps: number, sales: number, takingsKop: number];

interface Saved {
  readonly positions: readonly number[];
  readonly keptFromDay: number;
  readonly days: readonly SavedDay[];
}

/** What is counted of the journals, and up to which position of each shard. */
export interface Counted {
  readonly sums: SumsOfDays;
  readonly positions: number[];
}

/** Keeps the sums and how far they reach in one file, replaced whole. One that cannot be read is as good as none. */
export class SumsFile {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
    mkdirSync(path.dirname(file), { recursive: true });
  }

  /**
   * `durable` has how far each shard's journal is. A file that is ahead of one is of another journal (a copy made while
   * both were written), and as good as none: what the journal holds there was never counted.
   */
  load(durable: Float64Array): Counted {
    const shards = durable.length;
    const saved = this.#read();
    const counted = { sums: new SumsOfDays(shards, schoolDaysMax), positions: Array.from({ length: shards }, () => 0) };
    if (saved?.positions.length !== shards) return counted;
    if (saved.positions.some((position, shard) => position > durable[shard])) return counted;
    for (const [schoolId, schoolDay, taps, sales, takingsKop] of saved.days) {
      Object.assign(counted.sums.day(schoolId, schoolDay)!, { taps, sales, takingsKop });
    }
    counted.sums.keptFromDay = saved.keptFromDay;
    return { ...counted, positions: [...saved.positions] };
  }

  /** Comes back when the file would survive a power cut. */
  async save({ sums, positions }: Counted): Promise<void> {
    const days: SavedDay[] = [];
    for (const school of sums.schools()) {
      for (const [day, { taps, sales, takingsKop }] of sums.daysOf(school)) {
        days.push([school, day, taps, sales, takingsKop]);
      }
    }
    const text = JSON.stringify({ positions, keptFromDay: sums.keptFromDay, days } satisfies Saved);
    await replaceFile(this.#file, `${JSON.stringify({ format, crc32: crc32(text) })}\n${text}\n`);
  }

  #read(): Saved | undefined {
    try {
      const [head, text] = readFileSync(this.#file, 'utf8').split('\n');
      const told = JSON.parse(head) as { format: number; crc32: number };
      return told.format === format && told.crc32 === crc32(text) ? (JSON.parse(text) as Saved) : undefined;
    } catch (error) {
      if (hasErrno(error, 'ENOENT') || error instanceof SyntaxError || error instanceof TypeError) return undefined;
      throw error;
    }
  }
}
