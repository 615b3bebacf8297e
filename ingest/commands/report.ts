import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { hasErrno, OperatorError } from '../../workers/errors.ts';
import { DashboardsClient } from '../dashboards-client.ts';
import { DataDirectory } from '../data-directory.ts';
import { type CommonOptions, newCommand, print, readId } from './common.ts';

interface ReportOptions extends CommonOptions {
  readonly from?: string;
  readonly to?: string;
  readonly district?: number;
  readonly school?: number;
  readonly class?: number;
  readonly format: string;
  readonly lang: string;
  readonly table?: number;
  readonly out?: string;
}

/** `report`: a file for people, made by the running service. */
export function reportCommand(): Command {
  return newCommand('report', 'attendance, spending or free meals of some days as PDF, XLSX or CSV')
    .addArgument(new Argument('<name>', 'what it is about').choices(['attendance', 'spending', 'entitlements']))
    .option('--from <day>', 'first school day, YYYY-MM-DD (four weeks up to the last one)', readDay)
    .option('--to <day>', 'last school day, included (today)', readDay)
    .option('--district <n>', 'one district only', readId)
    .option('--school <n>', 'one school only', readId)
    .option('--class <n>', 'one class only; of attendance', readId)
    .addOption(new Option('--format <name>', 'kind of file').choices(['pdf', 'xlsx', 'csv']).default('pdf'))
    .addOption(new Option('--lang <language>', 'language of its words').choices(['ru', 'en']).default('ru'))
    .option('--table <n>', 'of CSV: which table of the report (1)', readId)
    .option('--out <file>', 'where to write it (a name of its own in this folder); - for standard output')
    .action(async (name: string, options: ReportOptions) => {
      const client = DashboardsClient.connect(DataDirectory.openExisting(options.data));
      const { fileName, body } = await client.file(`/api/v1/report/${name}?${addressOf(options)}`);
      if (options.out === '-') return void process.stdout.write(body);
      const file = path.resolve(options.out ?? fileName);
      save(file, body);
      print(options, { report: name, file, bytes: body.length }, [`${file}: ${body.length} bytes`]);
    });
}

function addressOf({ format, lang, ...options }: ReportOptions): string {
  const said = new URLSearchParams({ format, lang });
  for (const key of ['from', 'to', 'district', 'school', 'class', 'table'] as const) {
    if (options[key] !== undefined) said.set(key, String(options[key]));
  }
  return said.toString();
}

function save(file: string, body: Uint8Array): void {
  try {
    writeFileSync(file, body);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT', 'EACCES', 'EISDIR', 'ENOSPC', 'EROFS')) throw error;
    throw new OperatorError(
      'OUT_FILE',
      `cannot write ${file}`,
      'Name a file in a folder that you may write with --out.',
      3,
    );
  }
}

function readDay(text: string): string {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text))) return text;
  throw new InvalidArgumentError('It must be a day, YYYY-MM-DD.');
}
