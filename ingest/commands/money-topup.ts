import type { Command } from 'commander';
import { Option } from 'commander';
import { OperatorError } from '../../workers/errors.ts';
import { type PurseName, purseNames } from '../../workers/ledger/kinds.ts';
import { movementMaxKop } from '../../workers/ledger/limits.ts';
import type { TopUpRequest, TopUpResult } from '../admin/routes-topup.ts';
import type { AdminClient } from '../admin-client.ts';
import { answerNo, type CommonOptions, connect, newCommand, print } from './common.ts';
import { readId, readKey, readKop, roubles, usage } from './common.ts';
import { readCsvFile } from './csv-file.ts';

interface TopUpOptions extends CommonOptions {
  readonly pupil?: number;
  readonly purse?: PurseName;
  readonly kop?: number;
  readonly key?: string;
  readonly file?: string;
}

const topupsPerRequest = 5_000;
const refusalsShownMax = 100;
const columns = ['pupil_id', 'purse', 'kop', 'key'] as const;

export function topupCommand(): Command {
  return newCommand('topup', "puts money into a pupil's purse; the same --key again changes nothing")
    .option('--pupil <n>', 'pupil id', readId)
    .addOption(new Option('--purse <name>', 'which purse').choices(purseNames))
    .option('--kop <n>', 'kopecks', readKop)
    .option('--key <text>', "the payer's idempotency key", readKey)
    .option('--file <csv>', `many at once: ${columns.join(',')}`)
    .action(async (options: TopUpOptions) => {
      const topups = options.file === undefined ? [one(options)] : readTopUps(options.file);
      const results = await send(connect(options), topups);
      if (options.file === undefined) printOne(options, results[0]);
      else print(options, summaryOf(results), describeMany(results));
      if (results.some(({ ok }) => !ok)) answerNo();
    });
}

function one({ pupil, purse, kop, key }: TopUpOptions): TopUpRequest {
  if (pupil === undefined || purse === undefined || kop === undefined || key === undefined) {
    throw usage('--pupil, --purse, --kop and --key belong together', 'Give all four, or --file.');
  }
  return { pupil, purse, kop, key };
}

async function send(admin: AdminClient, topups: readonly TopUpRequest[]): Promise<TopUpResult[]> {
  const results: TopUpResult[] = [];
  for (let from = 0; from < topups.length; from += topupsPerRequest) {
    const part = topups.slice(from, from + topupsPerRequest);
    const answer = await admin.call<{ results: TopUpResult[] }>('POST', '/admin/v1/topups', { topups: part });
    results.push(...answer.results);
    if (process.stderr.isTTY && topups.length > topupsPerRequest) process.stderr.write(`\r${results.length} top-ups `);
  }
  return results;
}

function readTopUps(file: string): TopUpRequest[] {
  return readCsvFile(file, 'TOPUPS_INVALID', columns, 'a pupil id, a purse, kopecks and a key', (cells) => {
    const [pupil, purse, kop, key] = cells;
    const isGood =
      /^[1-9]\d{0,9}$/.test(pupil) &&
      purseNames.includes(purse as PurseName) &&
      /^[1-9]\d{0,14}$/.test(kop) &&
      Number(kop) <= movementMaxKop &&
      key !== '';
    return isGood ? { pupil: Number(pupil), purse: purse as PurseName, kop: Number(kop), key } : undefined;
  });
}

function printOne(options: CommonOptions, result: TopUpResult): void {
  const { ok, repeated, pupil, purse, balance_kop: balanceKop, refusal, message, remedy } = result;
  if (!ok && options.json !== true) throw new OperatorError(refusal ?? '', message ?? '', remedy ?? '', 1);
  const before = repeated ? ' (done before with this key)' : '';
  print(options, result, [`pupil ${pupil}, ${purse}: ${roubles(balanceKop ?? 0)}${before}`]);
}

function summaryOf(results: readonly TopUpResult[]) {
  const refused = results.filter(({ ok }) => !ok);
  return {
    done: results.filter(({ ok, repeated }) => ok && !repeated).length,
    repeated: results.filter(({ repeated }) => repeated).length,
    refused: refused.length,
    refusals: refused.slice(0, refusalsShownMax),
  };
}

function describeMany(results: readonly TopUpResult[]): string[] {
  const { done, repeated, refused, refusals } = summaryOf(results);
  const lines = refusals.map(({ pupil, purse, key, refusal }) => `  pupil ${pupil}, ${purse}, key ${key}: ${refusal}`);
  return [...lines, `${done} topped up, ${repeated} done before, ${refused} refused`];
}
