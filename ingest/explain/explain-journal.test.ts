import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { shardDirectory } from '../../workers/journal/cursor.ts';
import { Code } from '../../workers/ledger/codes.ts';
import { hours } from '../../workers/ledger/rules/card-rules.ts';
import { noon, today } from '../../workers/ledger/taps.suite.ts';
import { ShardPool } from '../../workers/pool/pool.ts';
import { TapLookup } from '../journal-lookup/tap-lookup.ts';
import { explainFromJournal } from './explain-journal.ts';
import type { ExplainedTap } from './shard-replay.ts';
import { readerId, SmallWorld, type Story } from './small-world.suite.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'tapline-explain-'));
let pool: ShardPool;
let world: SmallWorld;
let lookup: TapLookup;

const identityOf = ({ seq }: { seq: number }) => ({ readerId, bootEpoch: 1, seq });
const explain = (taps: readonly { seq: number }[], durablePositions = [Infinity, Infinity]) =>
  explainFromJournal({ directory: folder, durablePositions, taps: taps.map(identityOf) });
const one = (story: Story): ExplainedTap => explain([story])[0]!;
/** The first tap with this code, under a version of the rules. */
const storyOf = (code: number, version = 2) =>
  world.stories.find((story) => story.code === code && story.version === version)!;

beforeAll(async () => {
  pool = await ShardPool.open({ directory: folder, shards: 2 });
  world = new SmallWorld(pool);
  lookup = new TapLookup({ pool, journalDirectory: folder });
  await world.before();
  for (const { shard } of pool.hosts) await pool.saveSnapshot(shard);
  await world.after();
});
afterAll(async () => {
  await lookup.close();
  await pool.close();
  rmSync(folder, { recursive: true });
});

describe('every tap is judged again', () => {
  test('in the state and by the rules of its moment, and gets the code that it got', () => {
    const explained = explain(world.stories);
    expect(
      explained.map((tap) => ({
        seq: tap?.tap.seq,
        pupil: tap?.card?.pupil,
        code: tap?.decision.code,
        version: tap?.decision.rules_version,
        derived: tap?.derived_code,
        agrees: tap?.agrees,
        last: tap?.rules.at(-1)?.verdict,
      })),
    ).toEqual(
      world.stories.map(({ seq, pupil, code, version }) => {
        const card = code === Code.cardUnknown ? undefined : pupil;
        return { seq, pupil: card, code, version, derived: code, agrees: true, last: code };
      }),
    );
    // All that is ever journaled with an identity of its own.
    const never: number[] = [Code.settledBefore, Code.retryLater, Code.idConflict];
    const codes = new Set(world.stories.map(({ code }) => code));
    expect(Object.values(Code).filter((code) => !codes.has(code))).toEqual(never);
  });

  test('from a snapshot as from the beginning, alone as with others, in the thread as here', async () => {
    const fresh = world.stories.filter(({ version }) => version === 3);
    const alone = fresh.map(one);
    expect(alone).toEqual(explain(world.stories).slice(-fresh.length));
    const threaded = await Promise.all(fresh.map((story) => lookup.explain(identityOf(story))));
    expect(threaded).toEqual(alone);
    for (const shard of [0, 1]) {
      const directory = shardDirectory(folder, shard);
      const snapshots = readdirSync(directory).filter((name) => name.endsWith('.snapshot'));
      expect(snapshots).toHaveLength(1);
      rmSync(path.join(directory, snapshots[0]));
    }
    expect(fresh.map(one)).toEqual(alone);
  });

  test('and a defect of the rules shows', () => {
    const spy = vi.spyOn(hours, 'judge').mockReturnValue(0);
    try {
      const tap = one(storyOf(Code.outsideHours));
      expect(tap).toMatchObject({ agrees: false, derived_code: Code.accepted, decision: { code: Code.outsideHours } });
    } finally {
      spy.mockRestore();
    }
  });
});

describe('a tap tells', () => {
  test('each rule with what it looked at, in order', () => {
    const { rules } = one(storyOf(Code.limitDaily));
    expect(rules.map(({ rule }) => rule)).toEqual([
      ...['identity', 'reader', 'known-card', 'pricing', 'usable-card', 'active-holder', 'bounce', 'hours'],
      ...['price', 'forbidden-item', 'closed-day', 'meal-window', 'entitlement', 'funds', 'daily-limit'],
    ]);
    expect(rules.at(-1)).toEqual({
      rule: 'daily-limit',
      input: { purse: 1, spent_kop: 100, price_kop: 29_950, limit_kop: 30_000 },
      verdict: Code.limitDaily,
    });
  });

  test('card and holder as they were, and the balances around it', () => {
    const tap = one(storyOf(Code.acceptedOverdraft));
    expect(tap.card).toEqual({ card: 901, pupil: 9, status: 'active', expires: null });
    expect(tap.holder).toMatchObject({ school: 9, class: 4, active: true, entitled: false, spent_kop: { meal: 0 } });
    expect(tap.balances_kop).toMatchObject({ before: { meal: 100 }, after: { meal: -4_900 } });
    const moved = { cause: 'tap', debit: 'pupil:9:meal', credit: 'canteen:9', kop: 5_000 };
    expect(tap.transfers).toEqual([expect.objectContaining({ ...moved, position: tap.journal.position })]);
    expect(one(storyOf(Code.cardUnknown))).toMatchObject({ card: null, holder: null, balances_kop: null });
    expect(one(storyOf(Code.acceptedEntitled)).transfers).toMatchObject([
      { debit: 'entitlementFund:3', credit: 'canteen:9', kop: 9_000 },
    ]);
  });

  test('a price that nobody asked, and rules that the reader had not got', () => {
    const unasked = world.stories.find(({ code, seq }) => code === Code.accepted && seq === 26)!;
    expect(one(unasked).input).toMatchObject({ kind: 'buffet', amount_kop: 5_000, asked_kop: null });
    const stale = world.stories.at(-1)!;
    expect(one(stale)).toMatchObject({
      decision: { flags: ['OFFLINE', 'STALE_RULES'], rules_version: 3 },
      input: { amount_kop: 6_000, asked_kop: 6_000 },
    });
  });

  test('what is in the quarantine', () => {
    expect(one(storyOf(Code.readerForbidden))).toMatchObject({ decision: { quarantined: true }, transfers: [] });
    const { conflicts, decision } = one(storyOf(Code.accepted));
    expect(decision.quarantined).toBe(false);
    expect(conflicts).toMatchObject([
      { tap: { seq: 1 }, input: { kind: 'gate-out' }, decision: { code: Code.idConflict, quarantined: true } },
    ]);
  });

  test('what an OUTCOME and a reversal did to it afterwards', async () => {
    const [sold, refused] = [storyOf(Code.acceptedEntitled), storyOf(Code.limitDaily)];
    for (const [story, deed] of [
      [sold, true],
      [refused, true],
    ] as const) {
      const { facts: tap } = (await lookup.find(identityOf(story)))!;
      await world.execute(story.pupil, { type: 'outcome', tap, deed, at: noon });
    }
    const { facts: tap } = (await lookup.find(identityOf(refused)))!;
    await world.execute(refused.pupil, { type: 'reverse', key: 'r', tap, at: noon, schoolDay: today });
    const explained = one(refused);
    expect(explained.later).toMatchObject([
      { event: 'outcome', deed: true, kop: 29_950 },
      { event: 'reversal', deed: null, kop: 29_950 },
    ]);
    expect(explained.transfers).toMatchObject([
      { cause: 'outcome', debit: 'pupil:5:meal', credit: 'canteen:9', position: explained.later[0].position },
      { cause: 'reversal', debit: 'canteen:9', credit: 'pupil:5:meal', position: explained.later[1].position },
    ]);
    expect(one(sold)).toMatchObject({ later: [{ event: 'outcome', kop: 0 }], transfers: [{ cause: 'tap' }] });
  });
});

test('what is not there, or not durable, is not explained', () => {
  expect(explain([{ seq: 10_000 }, world.stories[0]])).toMatchObject([undefined, { tap: { seq: 1 } }]);
  const { shard, position } = one(world.stories[0]).journal;
  const durable = [0, 0];
  durable[shard] = position - 1;
  expect(explain([world.stories[0]], durable)).toEqual([undefined]);
});
