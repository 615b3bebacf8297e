import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseClient } from '../../analytics/clickhouse/client.ts';
import { firstDayKept, tapDaysKept } from '../../analytics/schema/retention.ts';
import { storedTaps, storedTransfers } from '../../analytics/verify/stored.ts';
import { hasErrno, OperatorError } from '../../workers/errors.ts';
import type { Totals } from '../../workers/pool/messages.ts';
import type { Told } from '../gateway/ack-log.ts';
import { IdentitySet } from './identities.ts';
import { auditShard, type ShardAudit } from './journal-audit.ts';

export interface VerifyInput {
  readonly journalDirectory: string;
  readonly client: ClickHouseClient;
  /** What readers were told, noted before `totals` were taken. */
  readonly told: readonly Told[];
  /** What the ledger of each shard says, and at which position. */
  readonly totals: readonly Totals[];
  /** How long ClickHouse may make no progress before what it lacks counts as missing. Default 60 s. */
  readonly storeIdleTimeoutMs?: number;
  readonly onProgress?: (text: string) => void;
}

/** The verdict. Counts are of taps; `problems` says in words what is wrong. */
export interface Verdict {
  readonly acked: number;
  readonly journaled: number;
  readonly stored: number;
  /** Of `journaled`: taps of school days that ClickHouse keeps no taps of (`--tap-retention-days`); neither stored nor lost. */
  readonly expired: number;
  readonly lost: number;
  readonly doubled: number;
  readonly sum_kop: number;
  readonly quarantined: number;
  readonly transfers: number;
  readonly accounts: number;
  readonly ok: boolean;
  readonly problems: string[];
}

const storeIdleTimeoutMsDefault = 60_000;
/** Numbers of ClickHouse's errors UNKNOWN_TABLE and UNKNOWN_DATABASE. */
const unknownTable = '60';
const unknownDatabase = '81';

const storePollMs = 200;

/**
 * Holds four independent accounts of the same taps against each other: what readers were told, the journal (added up by
 * the auditor), ClickHouse, and the ledger's balances.
 */
export async function verify(input: VerifyInput): Promise<Verdict> {
  const identities = new IdentitySet();
  const firstTapDay = firstDayKept(await tapDaysKept(input.client));
  const audits = input.totals.map(({ position }, shard) => {
    input.onProgress?.(`reading the journal of shard ${shard}`);
    return auditShard(input.journalDirectory, shard, position, identities, firstTapDay);
  });
  const problems = audits.flatMap((audit) => audit.problems);
  const told = compareTold(input.told, identities, problems);
  const storedCounts = await Promise.all(
    audits.map((audit) => compareStored({ ...input, firstTapDay }, audit, problems)),
  );
  compareBalances(audits, input.totals, problems);
  const sum = (pick: (audit: ShardAudit) => number) => audits.reduce((total, audit) => total + pick(audit), 0);
  const sumKop = audits.reduce((total, { balances }) => total + [...balances.values()].reduce((a, b) => a + b, 0), 0);
  if (sumKop !== 0) problems.push(`the balances of all accounts add up to ${sumKop} kopecks`);
  const stored = storedCounts.reduce((total, { count }) => total + count, 0);
  return {
    acked: told.seqs - told.lost - sum((audit) => audit.forbidden),
    journaled: sum((audit) => audit.taps),
    stored,
    expired: sum((audit) => audit.expired),
    lost: told.lost + storedCounts.reduce((total, { missing }) => total + missing, 0),
    doubled: sum((audit) => audit.doubled) + storedCounts.reduce((total, { doubled }) => total + doubled, 0),
    sum_kop: sumKop,
    quarantined: sum((audit) => audit.quarantined),
    transfers: sum((audit) => audit.transfers),
    accounts: audits.reduce((total, { balances }) => total + balances.size, 0),
    ok: problems.length === 0,
    problems,
  };
}

function compareTold(
  told: readonly Told[],
  identities: IdentitySet,
  problems: string[],
): { seqs: number; lost: number } {
  let seqs = 0;
  let lost = 0;
  for (const { readerId, bootEpoch, toldSeq } of told) {
    seqs += toldSeq;
    const missing = identities.missing(readerId, bootEpoch, toldSeq);
    lost += missing.count;
    if (missing.count > 0) {
      problems.push(
        `reader ${readerId}, epoch ${bootEpoch}: ${missing.count} acknowledged taps are not in the journal, ` +
          `the first is seq ${missing.first}`,
      );
    }
  }
  return { seqs, lost };
}

type StoredInput = VerifyInput & { readonly firstTapDay: number };

async function compareStored(input: StoredInput, audit: ShardAudit, problems: string[]) {
  input.onProgress?.(`comparing shard ${audit.shard} with ClickHouse`);
  await untilStored(input, audit);
  const kept = audit.taps - audit.expired;
  const taps = await tapsOf(input, audit);
  const transfers = await storedTransfers(input.client, audit.shard, audit.lastPosition);
  const expect = (what: string, inJournal: number, inClickHouse: number | bigint) => {
    if (BigInt(inJournal) === BigInt(inClickHouse)) return;
    problems.push(`shard ${audit.shard}: ${what} is ${inJournal} in the journal, ${inClickHouse} in ClickHouse`);
  };
  expect('the number of taps', kept, taps.count);
  expect('the number of different taps', kept - audit.doubled, taps.identities);
  expect('the sum of positions', audit.sumPosition, taps.sumPosition);
  expect('the sum of seqs', audit.sumSeq, taps.sumSeq);
  expect('the sum debited', audit.debitedKop, taps.sumDebitedKop);
  expect('the sum of balances', audit.sumBalanceKop, taps.sumBalanceKop);
  expect('the number of transfers', audit.transfers, transfers.count);
  expect('the number of different transfers', audit.transfers, transfers.ids);
  expect('the kopecks moved', audit.transferKop, transfers.sumKop);
  for (const { kind, code, count } of taps.byKindAndCode) {
    expect(
      `the number of taps of kind ${kind} and code ${code}`,
      audit.byKindAndCode.get(`${kind}:${code}`) ?? 0,
      count,
    );
  }
  const missing = Math.max(0, kept - taps.positions);
  return { count: taps.count, missing, doubled: taps.count - taps.positions };
}

/** Waits until ClickHouse holds what the journal held at the beginning, as long as it makes progress. */
async function untilStored(input: StoredInput, audit: ShardAudit): Promise<void> {
  const storeIdleTimeoutMs = input.storeIdleTimeoutMs ?? storeIdleTimeoutMsDefault;
  let best = -1;
  let changedAtMs = Date.now();
  for (;;) {
    const counts = await storedCounts(input, audit);
    if (counts !== undefined && counts.taps >= audit.taps - audit.expired && counts.transfers >= audit.transfers)
      return;
    const stored = counts === undefined ? -1 : counts.taps + counts.transfers;
    if (stored !== best) {
      best = stored;
      changedAtMs = Date.now();
    }
    if (Date.now() - changedAtMs >= storeIdleTimeoutMs) {
      if (counts !== undefined) return;
      const remedy = 'See "tapline status": the sink makes the tables as soon as it reaches ClickHouse.';
      throw new OperatorError('CLICKHOUSE_EMPTY', 'ClickHouse has no table of taps', remedy);
    }
    await sleep(storePollMs);
  }
}

/** Undefined while the tables are not there: the sink makes them once ClickHouse lives long enough. */
async function storedCounts(input: StoredInput, audit: ShardAudit) {
  try {
    const taps = await tapsOf(input, audit);
    const transfers = await storedTransfers(input.client, audit.shard, audit.lastPosition);
    return { taps: taps.count, transfers: transfers.count };
  } catch (error) {
    if (hasErrno(error, unknownTable, unknownDatabase)) return undefined;
    throw error;
  }
}

async function tapsOf({ client, firstTapDay: firstDay }: StoredInput, { shard, lastPosition: upTo }: ShardAudit) {
  return await storedTaps(client, { shard, upTo, firstDay });
}

function compareBalances(audits: readonly ShardAudit[], totals: readonly Totals[], problems: string[]): void {
  totals.forEach(({ balances, sumKop }, shard) => {
    const audited = audits[shard].balances;
    const inLedger = new Map(balances);
    let wrong = 0;
    for (const [account, kop] of audited) if ((inLedger.get(account) ?? 0) !== kop) wrong += 1;
    for (const account of inLedger.keys()) if (!audited.has(account)) wrong += 1;
    if (wrong > 0) problems.push(`shard ${shard}: ${wrong} balances differ from the sum of their movements`);
    if (sumKop !== 0) problems.push(`shard ${shard}: the ledger's balances add up to ${sumKop} kopecks`);
  });
}
