import fs from 'node:fs';
import { Command } from 'commander';
import { OperatorError } from '../../workers/errors.ts';
import { DataDirectory } from '../data-directory.ts';
import * as registryCommands from '../registry/commands.ts';
import { importDirectory } from '../registry/import.ts';
import type { FileReport, ImportReport, RefusedRow } from '../registry/report.ts';
import { openRegistry, type Registry } from '../registry/store.ts';
import { answerNo, type CommonOptions, newCommand, print, readId } from './common.ts';
import { auditedHere } from './registry-change.ts';

/** Only an import may begin a data directory: for anything else a mistyped --data would be met by an empty one. */
export async function withRegistry<T>(
  options: CommonOptions,
  work: (registry: Registry) => Promise<T>,
  open: (path: string) => DataDirectory = (path) => DataDirectory.openExisting(path),
): Promise<T> {
  const registry = await openRegistry(open(options.data).path);
  try {
    return await work(registry);
  } finally {
    await registry.close();
  }
}

export function importCommand(): Command {
  return newCommand(
    'import',
    'reads districts, schools, classes, pupils, cards, readers, bells, calendar and absences from CSV files, rules from rules.json',
  )
    .argument('<dir>', 'folder with the files')
    .action(async (directory: string, options: CommonOptions) => {
      if (!fs.statSync(directory).isDirectory())
        throw new OperatorError('FILE', `${directory} is no folder`, 'Check the path.', 2);
      const onProgress = ({ file, rows }: { file: string; rows: number }) => {
        if (process.stderr.isTTY) process.stderr.write(`\r${file}: ${rows} rows `);
      };
      const work = (registry: Registry) =>
        auditedHere(
          registry,
          'import',
          { files: fs.readdirSync(directory).filter((file) => /\.(csv|json)$/.test(file)) },
          () => importDirectory(registry, directory, onProgress),
          (report) => ({ ok: report.ok, outcome: report.files.map(countsOf) }),
        );
      const report = await withRegistry(options, work, (path) => DataDirectory.open(path));
      print(options, report, describeImport(report));
      if (!report.ok) answerNo();
    });
}

/** What the audit keeps of a file: counts, and no row of it. */
function countsOf({ file, rows, added, changed, refusedCount, version }: FileReport) {
  return { file, rows, added, changed, refused: refusedCount, ...(version !== undefined && { version }) };
}

function describeImport(report: ImportReport): string[] {
  return report.files.flatMap((file) => [
    `${file.file}: ${file.rows} rows, ${file.added} added, ${file.changed} changed, ${file.unchanged} unchanged, ` +
      `${file.refusedCount} refused, ${file.collisionCount} colliding` +
      (file.version === undefined ? '' : `, version ${file.version}`),
    ...problemsOf(file),
  ]);
}

function problemsOf(file: FileReport): string[] {
  const refused = file.refused.map((row) => `  ${placeOf(row)}: ${row.reason} (${row.code})`);
  const collisions = file.collisions.map(({ line, uid, pupilIds, reason }) => {
    return `  line ${line}: ${uid} of pupils ${pupilIds.join(', ')}: ${reason}`;
  });
  const nothing = file.refusedCount > 0 ? ['  nothing of this file was changed'] : [];
  return [...refused, ...nothing, ...collisions];
}

function placeOf({ line, column, path }: RefusedRow): string {
  if (line === null) return path || 'the file';
  return `line ${line}${column === null ? '' : `, ${column}`}`;
}

interface ReaderOptions extends CommonOptions {
  readonly id: number;
  readonly school: number;
  readonly kinds: string;
  readonly publicKey: string;
  readonly place?: string;
}

export function readerCommand(): Command {
  const reader = new Command('reader').description('the fleet: add, revoke, list');
  reader.addCommand(
    newCommand('add', 'makes a reader known, or changes it')
      .requiredOption('--id <n>', 'reader id', readId)
      .requiredOption('--school <n>', 'school id', readId)
      .requiredOption('--kinds <list>', 'kinds it may take, separated by commas')
      .requiredOption('--public-key <hex>', 'Ed25519 public key, 64 hex digits')
      .option('--place <text>', 'where it stands')
      .action(async (options: ReaderOptions) => {
        const { id, school, kinds, publicKey, place } = options;
        const reader = { readerId: id, schoolId: school, kinds, publicKey, place: place ?? '' };
        const result = await withRegistry(options, (registry) =>
          auditedHere(registry, 'reader-add', reader, () => registryCommands.addReader(registry, reader)),
        );
        print(options, result, [`reader ${id}: ${result.change === null ? 'unchanged' : 'known'}`]);
      }),
  );
  reader.addCommand(
    newCommand('revoke', 'shuts a reader out until it is added anew')
      .requiredOption('--id <n>', 'reader id', readId)
      .action(async (options: ReaderOptions) => {
        const result = await withRegistry(options, (registry) =>
          auditedHere(registry, 'reader-revoke', { readerId: options.id }, () =>
            registryCommands.revokeReader(registry, options.id),
          ),
        );
        print(options, result, [`reader ${options.id}: revoked`]);
      }),
  );
  reader.addCommand(
    newCommand('list', 'all readers').action(async (options: CommonOptions) => {
      const readers = await withRegistry(options, registryCommands.listReaders);
      print(
        options,
        readers,
        readers.map(
          (one) => `${one.readerId}\tschool ${one.schoolId}\t${one.place}\t${one.revoked ? 'revoked' : 'good'}`,
        ),
      );
    }),
  );
  return reader;
}
