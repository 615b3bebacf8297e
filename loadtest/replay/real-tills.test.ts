import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { RunningService } from '../clients/running-service.ts';
import type { FleetReport } from '../fleet/run.ts';
import { localDayMinute } from '../region/zones.ts';
import { projectRoot, requireLoadTool, requireServiceCli, runServiceCli } from '../service-cli.ts';
import { readTillTaps, tillZone, type TillTap } from './files.ts';
import { replayReaders } from './prepare.ts';

const till = join(process.env['TAPLINE_REAL_TAPS'] ?? join(projectRoot, '..', 'shared', 'data'), 'till-taps.csv');
const isPresent = existsSync(till);
if (!isPresent) process.stderr.write(`till taps skipped: there is no ${till}\n`);

const openingKop = 50_000;
const autoKop = 50_000;
const autoBelowKop = 10_000;
const dailyLimitKop = 30_000;
const bounceMs = 10_000;

interface Card {
  balanceKop: number;
  last: TillTap | null;
  readonly spentKop: Map<string, number>;
}

/** What the published rules make of the till taps, in the order of the file: the code of each. */
function calculate(taps: readonly TillTap[]) {
  const cards = new Map<string, Card>();
  let payments = 0;
  const codes = taps.map((tap) => {
    const card = cards.get(tap.uid) ?? { balanceKop: openingKop, last: null, spentKop: new Map<string, number>() };
    cards.set(tap.uid, card);
    if (card.balanceKop < autoBelowKop) {
      card.balanceKop += autoKop;
      payments++;
    }
    return codeOf(card, tap);
  });
  return { codes, payments, balanceKop: [...cards.values()].reduce((sum, card) => sum + card.balanceKop, 0) };
}

function codeOf(card: Card, tap: TillTap): number {
  const { last } = card;
  const isAgain = last?.till === tap.till && last.amountKop === tap.amountKop;
  if (isAgain && Math.abs(tap.atMs - last.atMs) < bounceMs) return 71;
  card.last = tap;
  if (tap.amountKop === 0) return 10;
  if (card.balanceKop < tap.amountKop) return 46;
  const { day } = localDayMinute(tap.atMs, tillZone);
  const spentKop = (card.spentKop.get(day) ?? 0) + tap.amountKop;
  if (spentKop > dailyLimitKop) return 47;
  card.spentKop.set(day, spentKop);
  card.balanceKop -= tap.amountKop;
  return 10;
}

function sumKop(taps: readonly TillTap[], codes: readonly number[], code: number): number {
  return taps.reduce((sum, tap, place) => sum + (codes[place] === code ? tap.amountKop : 0), 0);
}

let home = '';
let service: RunningService | undefined;
afterAll(async () => {
  await service?.stop();
  if (home !== '') rmSync(home, { recursive: true, force: true });
});

async function rowsOf<Row>(query: string): Promise<Row[]> {
  const { json } = await requireServiceCli(['sql', query, '--data', join(home, 'data')]);
  return (json as { data: Row[] }).data;
}

/** Replays the till taps alone through a real service. */
async function replay(): Promise<FleetReport & { auto_payments: number }> {
  home = mkdtempSync(join(tmpdir(), 'tapline-real-tills-'));
  const [students, gate, data] = ['students.csv', 'gate.csv', 'data'].map((name) => join(home, name));
  writeFileSync(students, 'student_no,class_no,card_uid\n');
  writeFileSync(gate, 'captured_at_local,card_uid,door,direction\n');
  service = await RunningService.start(data, 0);
  const { json } = await requireLoadTool([
    'replay',
    ...['--students', students, '--gate', gate, '--till', till, '--data', data, '--url', service.ready.stream],
    ...['--opening-kop', String(openingKop), '--auto-kop', String(autoKop), '--auto-below-kop', String(autoBelowKop)],
    ...['--out', join(home, 'region'), '--acks', join(home, 'acks.ndjson')],
  ]);
  return json as FleetReport & { auto_payments: number };
}

/** Codes in the order of the file, as the tills were told. */
function toldCodes(taps: readonly TillTap[]): number[] {
  const readers = new Map(replayReaders({ students: [], gate: [], till: taps }).map((one) => [one.key.readerId, one]));
  const codes = new Array<number>(taps.length).fill(0);
  for (const line of readFileSync(join(home, 'acks.ndjson'), 'utf8').trimEnd().split('\n')) {
    const { reader, n, code } = JSON.parse(line) as { reader: number; n: number; code: number };
    codes[readers.get(reader)!.places[n - 1]] = code;
  }
  return codes;
}

test.skipIf(!isPresent)(
  'six real days of 24 tills: codes, sums, balances and payments are those of an independent calculation',
  async () => {
    const taps = readTillTaps(till);
    const expected = calculate(taps);
    const report = await replay();
    expect(report).toMatchObject({ made: taps.length, acked: taps.length, unacked: 0, ok: true });
    const told = toldCodes(taps);
    const wrong = taps.flatMap((tap, place) =>
      told[place] === expected.codes[place] ? [] : [{ ...tap, told: told[place], expected: expected.codes[place] }],
    );
    expect(wrong).toEqual([]);
    expect(report.auto_payments).toBe(expected.payments);

    const { exitStatus, json, errorText } = await runServiceCli(['verify', '--data', join(home, 'data')]);
    expect(json, errorText).toMatchObject({ lost: 0, doubled: 0, sum_kop: 0, ok: true, problems: [] });
    expect(exitStatus).toBe(0);
    const stored = await rowsOf<Record<string, string | number>>(
      'SELECT code, count() AS taps, sum(amount_kop) AS asked_kop, sum(debited_kop) AS debited_kop FROM tap GROUP BY code ORDER BY code',
    );
    const codes = [...new Set(expected.codes)].sort((a, b) => a - b);
    expect(codes).toEqual(expect.arrayContaining([10, 46, 47]));
    const sums = codes.map((code) => ({
      code,
      taps: expected.codes.filter((one) => one === code).length,
      asked_kop: sumKop(taps, expected.codes, code),
      debited_kop: code === 10 ? sumKop(taps, expected.codes, code) : 0,
    }));
    const numbers = stored.map((row) =>
      Object.fromEntries(Object.entries(row).map(([k, value]) => [k, Number(value)])),
    );
    expect(numbers).toEqual(sums);
    process.stderr.write(`real tills: ${JSON.stringify(sums)}, ${expected.payments} payments\n`);
    const cards = new Set(taps.map(({ uid }) => uid)).size;
    const accepted = sumKop(taps, expected.codes, 10);
    expect(expected.balanceKop).toBe(cards * openingKop + expected.payments * autoKop - accepted);
    const [{ kop }] = await rowsOf<{ kop: string }>(
      "SELECT sumIf(kop, credit_owner = 'pupil') - sumIf(kop, debit_owner = 'pupil') AS kop FROM transfer",
    );
    expect(Number(kop)).toBe(expected.balanceKop);
  },
  120_000,
);
