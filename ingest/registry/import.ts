import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { hasErrno, OperatorError } from '../../workers/errors.ts';
import { readCsv } from './csv.ts';
import { cards } from './import-cards.ts';
import { absences, bells } from './import-days.ts';
import { calendar } from './import-calendar.ts';
import { RowParser, type ImportFile } from './import-file.ts';
import { importRules, rulesFile } from './import-rules.ts';
import { classes, districts, pupils, readers, schools } from './import-tables.ts';
import { newFileReport, refuse, type FileReport, type ImportReport } from './report.ts';
import type { Registry } from './store.ts';

export interface ImportProgress {
  readonly file: string;
  /** Data rows read so far. */
  readonly rows: number;
}

type OnProgress = (progress: ImportProgress) => void;

interface Importer {
  readonly file: string;
  readonly run: (registry: Registry, path: string, onProgress: OnProgress) => Promise<FileReport>;
}

/** In the order in which the files refer to one another. */
const importers: readonly Importer[] = [
  importer(districts),
  importer(schools),
  importer(classes),
  importer(pupils),
  importer(cards),
  importer(readers),
  importer(bells),
  importer(calendar),
  importer(absences),
  { file: rulesFile, run: (registry, path) => importRules(registry, path, Date.now()) },
];

function importer<Row>(file: ImportFile<Row>): Importer {
  return { file: file.file, run: (registry, path, onProgress) => importFile(registry, path, file, onProgress) };
}

/**
 * Imports the files that are present in a directory. Each file is taken whole or not at all; rows that are stored and
 * not in a file stay as they are. Rows that cannot be taken are in the report; only what is no import at all throws.
 */
export async function importDirectory(
  registry: Registry,
  directory: string,
  onProgress: OnProgress = () => undefined,
): Promise<ImportReport> {
  const present = importers.filter(({ file }) => existsSync(join(directory, file)));
  if (present.length === 0) throw nothingToImport(directory);
  const files: FileReport[] = [];
  for (const { file, run } of present) {
    const path = join(directory, file);
    files.push(
      await run(registry, path, onProgress).catch((error: unknown) => {
        throw hasErrno(error, 'EACCES', 'EISDIR', 'EIO', 'ENOENT') ? unreadable(path) : error;
      }),
    );
  }
  return { files, ok: files.every((report) => report.refusedCount === 0) };
}

/** Undoes the transaction of a file that has a refused row. */
class Undo extends Error {}

async function importFile<Row>(
  registry: Registry,
  path: string,
  file: ImportFile<Row>,
  onProgress: OnProgress,
): Promise<FileReport> {
  const report = newFileReport(file.file);
  try {
    await registry.transaction(async (transaction) => {
      const parser = new RowParser(file, report);
      const writer = await file.open(transaction, report, (identity) => parser.lineOf(identity));
      for await (const batch of readCsv(path, Object.keys(file.columns), refuse.bind(null, report))) {
        report.rows += batch.length;
        await writer.write(parser.parse(batch));
        onProgress({ file: file.file, rows: report.rows });
      }
      await writer.finish();
      if (report.refusedCount > 0) throw new Undo();
    });
    return report;
  } catch (error) {
    if (!(error instanceof Undo)) throw error;
    return { ...report, added: 0, changed: 0, unchanged: 0, collisions: [], collisionCount: 0 };
  }
}

function nothingToImport(directory: string): OperatorError {
  const names = importers.map(({ file }) => file).join(', ');
  const message = `${directory} holds none of ${names}`;
  return new OperatorError('IMPORT_EMPTY', message, 'Name the directory that holds the files', 2);
}

function unreadable(path: string): OperatorError {
  return new OperatorError('IMPORT_UNREADABLE', `${basename(path)} cannot be read`, 'Check its permissions');
}
