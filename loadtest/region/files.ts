import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { limits } from '../limits.ts';

/** Quotes a cell after RFC 4180 where it needs it. */
function csvCell(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A text file that is written line by line, in large pieces. */
export class LineFile {
  readonly #descriptor: number;
  #held = '';

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true });
    this.#descriptor = openSync(path, 'w');
  }

  line(text: string): void {
    this.#held += `${text}\n`;
    if (this.#held.length >= limits.fileBufferChars) this.#write();
  }

  json(value: unknown): void {
    this.line(JSON.stringify(value));
  }

  row(...cells: readonly (string | number)[]): void {
    this.line(cells.map(csvCell).join(','));
  }

  close(): void {
    this.#write();
    closeSync(this.#descriptor);
  }

  #write(): void {
    const bytes = Buffer.from(this.#held);
    this.#held = '';
    for (let from = 0; from < bytes.length;) from += writeSync(this.#descriptor, bytes, from);
  }
}

/** Columns of the import format, and of the files for `topup` and `locker reserve`, by file. */
export const importColumns = {
  districts: ['district_id', 'name'],
  schools: ['school_id', 'district_id', 'name', 'tz'],
  classes: ['class_id', 'school_id', 'name', 'shift'],
  pupils: ['pupil_id', 'class_id', 'last_name', 'first_name', 'entitled'],
  cards: ['card_uid', 'pupil_id', 'status', 'expires'],
  readers: ['reader_id', 'school_id', 'place', 'kinds', 'public_key'],
  calendar: ['district_id', 'school_id', 'from', 'to', 'kind'],
  absences: ['pupil_id', 'from', 'to'],
  topups: ['pupil_id', 'purse', 'kop', 'key'],
  lockers: ['pupil_id', 'school_id', 'locker', 'from', 'to'],
} as const;
export type ImportFiles = Readonly<Record<keyof typeof importColumns, LineFile>>;

/** Opens the files of an import directory, each with its header line. */
export function openImportFiles(directory: string): ImportFiles {
  const entries = Object.entries(importColumns).map(([name, columns]) => {
    const file = new LineFile(join(directory, `${name}.csv`));
    file.row(...columns);
    return [name, file] as const;
  });
  return Object.fromEntries(entries) as unknown as ImportFiles;
}

export function closeAll(files: Iterable<LineFile>): void {
  for (const file of files) file.close();
}

export function writeJson(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}
