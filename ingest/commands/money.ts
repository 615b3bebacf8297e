import fs from 'node:fs';
import type { Command } from 'commander';
import { Option } from 'commander';
import { parse } from 'csv-parse/sync';
import { OperatorError } from '../../workers/errors.ts';
import { type PurseName, purseNames } from '../../workers/ledger/kinds.ts';
import type { TopUpRequest, TopUpResult } from '../admin.ts';
import { AdminClient } from '../admin-client.ts';
import { DataDirectory } from '../data-directory.ts';
import { answerNo, type CommonOptions, newCommand, print, readId, readKey, readKop, roubles } from './common.ts';

interface TopUpOptions extends CommonOptions {
  readonly pupil?: number;
  readonly purse?: PurseName;
  readonly kop?: number;
  readonly key?: string;
  readonly file?: string;
}

const topupsPerRequest = 5_000;
const columns = ['pupil_id', 'purse', 'kop', 'key'] as const;

export function topupCommand(): Command {
  return newCommand('topup', "puts money into a pupil's purse; the same --key again changes nothing")
    .option('--pupil <n>', 'pupil id', readId)
    .addOption(new Option('--purse <name>', 'which purse').choices(purseNames))
    .option('--kop <n>', 'kopecks', readKop)
    .option('--key <text>', "the payer's idempotency key", readKey)
    .option('--file <csv>', `many at once: ${columns.join(',')}`)
    .action(async (options: TopUpOptions) => {
      const admin = AdminClient.connect(DataDirectory.openExisting(options.data));
      const results = await send(admin, options.file === undefined ? [one(options)] : readTopUps(options.file));
      if (options.file === undefined) print(options, results[0], [describe(results[0])]);
      else print(options, summaryOf(results), describeMany(results));
      if (results.some(({ ok }) => !ok)) answerNo();
    });
}

function one({ pupil, purse, kop, key }: TopUpOptions): TopUpRequest {
  if (pupil === undefined || purse === undefined || kop === undefined || key === undefined) {
    const message = '--pupil, --purse, --kop and --key belong together';
    throw new OperatorError('USAGE', message, 'Give all four, or --file.', 2);
  }
  return { pupil, purse, kop, key };
}

async function send(admin: AdminClient, topups: readonly TopUpRequest[]): Promise<TopUpResult[]> {
  const results: TopUpResult[] = [];
  for (let from = 0; from < topups.length; from += topupsPerRequest) {
    const part = topups.slice(from, from + topupsPerRequest);
    const answer = await admin.call<{ results: TopUpResult[] }>('POST', '/admin/v1/topups', { topups: part });
    results.push(...(answer?.results ?? []));
    if (process.stderr.isTTY && topups.length > topupsPerRequest) process.stderr.write(`\r${results.length} top-ups `);
  }
  return results;
}

function readTopUps(file: string): TopUpRequest[] {
  const wrong = (line: number, what: string) =>
    new OperatorError('TOPUPS_INVALID', `${file}, line ${line}: ${what}`, `Columns: ${columns.join(',')}.`, 2);
  let rows: string[][];
  try {
    rows = parse(fs.readFileSync(file), { bom: true, skip_empty_lines: true });
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_'))
      throw wrong(0, error.message);
    throw error;
  }
  if (rows[0]?.join(',') !== columns.join(',')) throw wrong(1, 'the header is not as expected');
  return rows.slice(1).map(([pupil, purse, kop, key], index) => {
    const isPurse = purseNames.includes(purse as PurseName);
    if (!/^\d{1,10}$/.test(pupil) || !/^\d{1,15}$/.test(kop) || !isPurse || key === '') {
      throw wrong(index + 2, 'expected a pupil id, a purse, kopecks and a key');
    }
    return { pupil: Number(pupil), purse: purse as PurseName, kop: Number(kop), key };
  });
}

function describe({ ok, repeated, pupil, purse, balance_kop: balanceKop, refusal }: TopUpResult): string {
  if (!ok) return `refused: ${refusal}`;
  return `pupil ${pupil}, ${purse}: ${roubles(balanceKop ?? 0)}${repeated ? ' (done before with this key)' : ''}`;
}

function summaryOf(results: readonly TopUpResult[]) {
  const refused = results.filter(({ ok }) => !ok);
  return {
    done: results.filter(({ ok, repeated }) => ok && !repeated).length,
    repeated: results.filter(({ repeated }) => repeated).length,
    refused: refused.length,
    refusals: refused.slice(0, 100),
  };
}

function describeMany(results: readonly TopUpResult[]): string[] {
  const { done, repeated, refused, refusals } = summaryOf(results);
  const lines = refusals.map(({ pupil, purse, key, refusal }) => `  pupil ${pupil}, ${purse}, key ${key}: ${refusal}`);
  return [...lines, `${done} topped up, ${repeated} done before, ${refused} refused`];
}

interface Account {
  readonly pupil: number;
  readonly school: number;
  readonly class: number;
  readonly active: boolean;
  readonly entitled: boolean;
  readonly purses_kop: Record<PurseName, number>;
  readonly position: number;
}

export function accountCommand(): Command {
  return newCommand('account', "a pupil's purses, as the ledger has them now")
    .requiredOption('--pupil <n>', 'pupil id', readId)
    .action(async (options: CommonOptions & { pupil: number }) => {
      const admin = AdminClient.connect(DataDirectory.openExisting(options.data));
      const account = await admin.call<Account>('GET', `/admin/v1/account/${options.pupil}`);
      if (account === undefined) {
        throw new OperatorError('PUPIL_UNKNOWN', `pupil ${options.pupil} is not known`, 'See "tapline import".', 1);
      }
      const purses = purseNames.map((name) => `  ${name}: ${roubles(account.purses_kop[name])}`);
      const state = `${account.active ? 'active' : 'has left'}${account.entitled ? ', free meals' : ''}`;
      print(options, account, [
        `pupil ${account.pupil}, school ${account.school}, class ${account.class}: ${state}`,
        ...purses,
      ]);
    });
}
