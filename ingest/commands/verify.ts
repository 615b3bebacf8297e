import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { hasErrno, OperatorError } from '../../workers/errors.ts';
import type { Totals } from '../../workers/pool/messages.ts';
import { AdminClient } from '../admin-client.ts';
import { type ClickHouseAccess, drainJournals, withClickHouse } from '../clickhouse-access.ts';
import { DataDirectory } from '../data-directory.ts';
import { readTold, type Told } from '../gateway/ack-log.ts';
import { sumBooked } from '../reconcile/booked-days.ts';
import { type DeepInput, type DeepVerdict, verifyDeep } from '../verify/deep/deep.ts';
import { describeDeep } from '../verify/deep/describe.ts';
import { ledgerOfService } from '../verify/deep/ledger-days.ts';
import { readShardBook, readShardTotals } from '../verify/shard-state.ts';
import { type Verdict, verify } from '../verify/verify.ts';
import { answerNo, type CommonOptions, newCommand, print } from './common.ts';

/** How often a verification that lost ClickHouse is begun anew, and after how long. */
const attemptsMax = 10;
const attemptPauseMs = 1_000;

interface VerifyOptions extends CommonOptions {
  readonly clickhouseUrl?: string;
  readonly deep?: boolean;
}

/** With `--deep` also what it found by school and day. */
type FullVerdict = Verdict & { readonly deep?: DeepVerdict };

export function verifyCommand(): Command {
  return newCommand('verify', 'proves that nothing was lost, doubled or invented: acknowledged = journaled = stored')
    .option('--clickhouse-url <url>', 'where no service runs: a ClickHouse server instead of the embedded one')
    .option('--deep', 'also each school day: journal, ledger and ClickHouse agree, and what is derived, computed anew')
    .action(async (options: VerifyOptions) => {
      const verdict = await verifyPatiently(options);
      print(options, verdict, describeVerdict(verdict));
      if (!verdict.ok) answerNo();
    });
}

/** Beside a running service ClickHouse may be restarted at any moment, and come back elsewhere: then from the start again. */
async function verifyPatiently(options: VerifyOptions): Promise<FullVerdict> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await verifyData(options);
    } catch (error) {
      const isServed = DataDirectory.openExisting(options.data).service() !== undefined;
      if (!isServed || attempt === attemptsMax || !isConnectionLost(error)) throw error;
      await sleep(attemptPauseMs);
    }
  }
}

function isConnectionLost(error: unknown): boolean {
  if (error instanceof OperatorError) return error.code === 'CLICKHOUSE_UNREACHABLE';
  if (hasErrno(error, 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT')) return true;
  return error instanceof Error && /socket hang up|timeout error|aborted/i.test(error.message);
}

async function verifyData(options: VerifyOptions): Promise<FullVerdict> {
  const data = DataDirectory.openExisting(options.data);
  const onProgress = (text: string) => {
    if (process.stderr.isTTY || options.deep === true) process.stderr.write(`${text}\n`);
  };
  return await withClickHouse(data, options.clickhouseUrl, async ({ client, url, isAlone }) => {
    const { told, totals } = isAlone ? readAlone(data) : await readFromService(data);
    const common = { journalDirectory: data.journal, client, told, totals, onProgress };
    if (!isAlone) return await withDeep(await verify(common), { options, data, client, url, isAlone, onProgress });
    const positions = totals.map(({ position }) => position);
    await drainJournals(data, url, positions);
    // Nobody stores any more: what is not there now is missing.
    const verdict = await verify({ ...common, storeIdleTimeoutMs: 0 });
    return await withDeep(verdict, { options, data, client, url, isAlone, onProgress });
  });
}

type DeepParts = Pick<ClickHouseAccess, 'client' | 'url' | 'isAlone'> & {
  readonly options: VerifyOptions;
  readonly data: DataDirectory;
  readonly onProgress: (text: string) => void;
};

async function withDeep(verdict: Verdict, parts: DeepParts): Promise<FullVerdict> {
  const { options, data, client, url, isAlone, onProgress } = parts;
  if (options.deep !== true) return verdict;
  const common = {
    dataPath: data.path,
    journalDirectory: data.journal,
    client,
    clickhouseUrl: url,
    isAlone,
    onProgress,
  };
  const deep = await verifyDeep({ ...common, ...(isAlone ? ledgerAlone(data) : ledgerServed(data)) });
  return { ...verdict, deep, ok: verdict.ok && deep.ok };
}

function ledgerAlone(data: DataDirectory): Pick<DeepInput, 'positions' | 'ledgerDay'> {
  const shards = Array.from({ length: data.shards }, (_, shard) => shard);
  const positions = shards.map((shard) => readShardTotals(data.journal, shard).position);
  const book = shards.flatMap((shard) => readShardBook(data.journal, shard));
  return {
    positions: () => Promise.resolve(positions),
    ledgerDay: (schoolDay) => Promise.resolve(sumBooked(book.filter((day) => day.schoolDay === schoolDay))),
  };
}

function ledgerServed(data: DataDirectory): Pick<DeepInput, 'positions' | 'ledgerDay'> {
  const admin = AdminClient.connect(data);
  const positions = async () => (await admin.call<{ positions: number[] }>('POST', '/admin/v1/checkpoint')).positions;
  return { positions, ledgerDay: ledgerOfService(admin) };
}

function readAlone(data: DataDirectory): { told: Told[]; totals: Totals[] } {
  const totals = Array.from({ length: data.shards }, (_, shard) => readShardTotals(data.journal, shard));
  return { told: [...readTold(data.path).values()], totals };
}

/** The notes of what was told come first: whatever they hold must then be in the journal. */
async function readFromService(data: DataDirectory): Promise<{ told: Told[]; totals: Totals[] }> {
  const admin = AdminClient.connect(data);
  await admin.call('POST', '/admin/v1/checkpoint');
  const told = [...readTold(data.path).values()];
  const totals = await admin.call<Totals[]>('GET', '/admin/v1/totals');
  return { told, totals };
}

/** The verdict in one line, and what is wrong below it. */
export function describeVerdict(verdict: FullVerdict): string[] {
  const { acked, journaled, stored, expired, lost, doubled, sum_kop: sumKop, ok, problems } = verdict;
  const beyond = expired === 0 ? '' : ` + beyond retention ${expired}`;
  // What a reader was not told yet, or never came back to hear, is journaled all the same.
  const counts = `acknowledged ${acked} ${sign(acked, journaled)} journaled ${journaled} ${sign(journaled, stored + expired)} stored ${stored}${beyond}`;
  return [
    ...problems.map((problem) => `  ${problem}`),
    ...(verdict.deep === undefined ? [] : describeDeep(verdict.deep)),
    `${ok ? 'ok' : 'NOT OK'}: ${counts}, lost ${lost}, doubled ${doubled}, Σ ${sumKop}`,
  ];
}

function sign(left: number, right: number): string {
  if (left === right) return '=';
  return left < right ? '<' : '>';
}
