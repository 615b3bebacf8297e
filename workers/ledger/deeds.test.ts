import { describe, expect, it } from 'vitest';
import { ReaderFlag, TapFlag } from './kinds.ts';
import type { TapFacts } from './command-types.ts';
import {
  account,
  buffet,
  fare,
  gateIn,
  gateOut,
  lockerOpen,
  movedSince,
  send,
  type TableTap,
  TableWorld,
  takings,
} from './table.suite.ts';
import { noon, today } from './taps.suite.ts';
import { readTransfers } from './transfers.ts';

const { letThrough, refused } = ReaderFlag;

/** Sends a tap and says what the journal holds of it. */
function facts(world: TableWorld, tap: TableTap): TapFacts {
  send(world, tap);
  return world.facts();
}

const outcome = (tap: TapFacts, deed: boolean) => ({ type: 'outcome' as const, tap, deed, at: noon + 60_000 });
const reverse = (tap: TapFacts, key = '') => ({ type: 'reverse' as const, key, tap, at: noon, schoolDay: today });

/** Kopecks that a command moves, by account. */
function movedBy(world: TableWorld, work: () => void): Map<number, number> {
  const before = world.kopByAccount();
  work();
  return movedSince(before, world.kopByAccount());
}

describe('an OUTCOME', () => {
  it('posts a sale that was refused, from the purse that would pay now, as spending of its day', () => {
    const world = new TableWorld();
    const tap = facts(world, { kind: buffet, amountKop: 5_001 });
    const moved = movedBy(world, () => world.mustDo(outcome(tap, true)));
    expect(moved).toEqual(
      new Map([
        [account(1, 1, 2), -5_001],
        [takings.canteen, 5_001],
      ]),
    );
    expect(world.ledger.days.spentKop(world.ledger.pupils.row(1), today, 2)).toBe(5_001);
  });

  it('posts a meal of a window that was taken to the pupil, not to the fund', () => {
    const world = new TableWorld();
    send(world, { card: 'entitled', amountKop: 900 });
    const tap = facts(world, { card: 'entitled', amountKop: 900, at: noon + 60_000 });
    expect(tap.code).toBe(49);
    const moved = movedBy(world, () => world.mustDo(outcome(tap, true)));
    expect(moved).toEqual(
      new Map([
        [account(1, 3, 1), -900],
        [takings.canteen, 900],
      ]),
    );
  });

  it('posts a ride: a debt, and a new transfer', () => {
    const world = new TableWorld();
    const tap = facts(world, { kind: fare, ref: 71, amountKop: 3_100 });
    world.mustDo(outcome(tap, true));
    const ride: TableTap = { kind: fare, ref: 72, amountKop: 100, at: noon + 700_000 };
    expect(send(world, ride).code).toBe(53);
    world.topUp(1, 3, 100);
    expect(send(world, { ...ride, at: noon + 1_400_000 }).code).toBe(12);
  });

  it('takes back what was accepted: the money, the limit and the entitlement', () => {
    const world = new TableWorld();
    world.limit(1, 1, 1_000);
    const paid = facts(world, { amountKop: 1_000 });
    const free = facts(world, { card: 'entitled', amountKop: 900 });
    const moved = movedBy(world, () => {
      expect(world.command(outcome(paid, false))).toMatchObject({ outcome: { purse: 1, transfer: { kop: 1_000 } } });
      expect(world.command(outcome(free, false))).toMatchObject({ outcome: { purse: 0, transfer: { kop: 900 } } });
    });
    expect(moved).toEqual(
      new Map([
        [account(1, 1, 1), 1_000],
        [takings.canteen, -1_900],
        [takings.fund, 900],
      ]),
    );
    expect(send(world, { amountKop: 1_000, at: noon + 60_000 }).code).toBe(10);
    expect(send(world, { card: 'entitled', amountKop: 900, at: noon + 60_000 }).code).toBe(11);
  });

  it('leaves nothing of a ride that was not made: no transfer, no reduced ride, no bounce', () => {
    const world = new TableWorld();
    const routes = { 71: { kop: 100, reduced_kop: 50 }, 72: { kop: 100, reduced_kop: 50 } };
    world.rules({ fare: { routes, reduced_for: 'all', reduced_rides_per_month: 1 } });
    const ride: TableTap = { kind: fare, ref: 71 };
    const notMade = facts(world, ride);
    world.mustDo(outcome(notMade, false));
    const again = facts(world, { ...ride, at: noon + 1_000 });
    expect([again.code, again.amountKop], 'reduced again').toEqual([10, 50]);
    const changed = facts(world, { ...ride, ref: 72, at: noon + 700_000 });
    expect(changed.code).toBe(12);
    world.mustDo(outcome(changed, false));
    expect(send(world, { ...ride, ref: 72, at: noon + 710_000 }).code, 'its transfer again').toBe(12);
    world.mustDo(outcome(again, false));
    expect(send(world, { ...ride, ref: 73, amountKop: 10, at: noon + 1_400_000 }).code, 'no ride behind it').toBe(10);
  });

  it('has no bounces if it took back, and has them if it posted', () => {
    const world = new TableWorld();
    const sale: TableTap = { kind: buffet, amountKop: 500 };
    const undone = facts(world, sale);
    world.mustDo(outcome(undone, false));
    expect(send(world, { ...sale, at: noon + 5_000 })).toMatchObject({ code: 10, debitedKop: 500 });
    const dear: TableTap = { kind: buffet, amountKop: 5_001, at: noon + 60_000 };
    world.mustDo(outcome(facts(world, dear), true));
    const repeated = send(world, { ...dear, at: noon + 65_000, readerFlags: letThrough });
    expect(repeated).toMatchObject({ code: 71, debitedKop: 0 });
  });

  it('says where the child is, and that it did not go after all', () => {
    const world = new TableWorld();
    const inside = () => world.ledger.presence.insideSchoolId(world.ledger.pupils.row(4));
    const foreign = facts(world, { card: 'foreign', kind: gateIn });
    expect([foreign.code, inside()]).toEqual([44, 0]);
    world.mustDo(outcome(foreign, true));
    expect(inside()).toBe(9);
    const exit = facts(world, { card: 'foreign', kind: gateOut, at: noon + 60_000 });
    expect([exit.code, inside()]).toEqual([44, 0]);
    world.mustDo(outcome(exit, false));
    expect(inside()).toBe(9);
  });

  it('changes nothing that was so already, or that the tap told itself, or that no rule refused', () => {
    for (const [tap, deed] of [
      [{ amountKop: 500 }, true],
      [{ amountKop: 40_000 }, false],
      [{ amountKop: 40_000, readerFlags: letThrough }, true],
      [{ amountKop: 500, readerFlags: letThrough }, false],
      [{ amountKop: 500, readerFlags: refused }, true],
      [{ card: 'unknown', amountKop: 500 }, true],
      [{ card: 'entitled', amountKop: 0, readerFlags: letThrough }, false],
      [{ kind: lockerOpen, ref: 1 }, true],
    ] as const) {
      const world = new TableWorld();
      const told = facts(world, tap);
      expect(movedBy(world, () => world.mustDo(outcome(told, deed)))).toEqual(new Map());
      const again = send(world, { card: 'entitled', amountKop: 0, at: noon + 60_000 }).code;
      expect(again).toBe('card' in tap && tap.card === 'entitled' ? 49 : 11);
    }
  });

  it('of a bounce posts nothing', () => {
    const world = new TableWorld();
    send(world, { amountKop: 500 });
    const bounce = facts(world, { amountKop: 500, at: noon + 1 });
    expect(bounce.code).toBe(71);
    expect(movedBy(world, () => world.mustDo(outcome(bounce, true)))).toEqual(new Map());
  });

  it('counts once: the same again is a repeat, the other is refused', () => {
    const world = new TableWorld();
    const tap = facts(world, { amountKop: 40_000 });
    world.mustDo(outcome(tap, true));
    const moved = movedBy(world, () => {
      expect(world.command(outcome(tap, true))).toMatchObject({ ok: true, isRepeat: true });
      expect(world.command(outcome(tap, false))).toEqual({ ok: false, refusal: 'SETTLED_BEFORE' });
    });
    expect(moved).toEqual(new Map());
  });

  it('does not free what another tap has taken since', () => {
    const world = new TableWorld();
    const first = facts(world, { card: 'entitled', amountKop: 900 });
    world.mustDo(reverse(first));
    expect(send(world, { card: 'entitled', amountKop: 900, at: noon + 60_000 }).code).toBe(11);
    world.mustDo(outcome(first, false));
    expect(send(world, { card: 'entitled', amountKop: 900, at: noon + 120_000 }).code).toBe(49);
  });
});

describe('a reversal', () => {
  it('takes back what a tap moved, once, and says so by its key', () => {
    const world = new TableWorld();
    const tap = facts(world, { amountKop: 900 });
    const moved = movedBy(world, () => world.mustDo(reverse(tap, 'r1')));
    expect(moved).toEqual(
      new Map([
        [account(1, 1, 1), 900],
        [takings.canteen, -900],
      ]),
    );
    const reverses = tap.transfer?.transferId;
    const rest = { reverses, cause: 4, purse: 1, pupilId: 1, schoolId: 9, schoolDay: today };
    expect([...readTransfers(world.transfers.bytes)]).toMatchObject([rest]);
    const again = movedBy(world, () => {
      expect(world.command(reverse(tap, 'r1'))).toMatchObject({ ok: true, isRepeat: true });
      expect(world.command(reverse(tap))).toEqual({ ok: false, refusal: 'REVERSED_BEFORE' });
      expect(world.command(reverse(tap, 'r2'))).toEqual({ ok: false, refusal: 'REVERSED_BEFORE' });
      const other = facts(world, { kind: buffet, amountKop: 1, readerFlags: refused });
      expect(world.command(reverse(other, 'r1'))).toEqual({ ok: false, refusal: 'KEY_CONFLICT' });
      expect(world.command(reverse(other))).toEqual({ ok: false, refusal: 'NOTHING_MOVED' });
    });
    expect(again).toEqual(new Map());
  });

  it('gives an entitlement and the daily limit back, but neither transfer nor reduced ride', () => {
    const world = new TableWorld();
    world.rules({ fare: { routes: { 71: { kop: 500, reduced_kop: 200 } }, reduced_rides_per_month: 1 } });
    world.limit(3, 2, 900);
    const entitled = { card: 'entitled' as const };
    world.mustDo(reverse(facts(world, { ...entitled, amountKop: 700 })));
    world.mustDo(reverse(facts(world, { ...entitled, kind: buffet, amountKop: 900 })));
    world.mustDo(reverse(facts(world, { ...entitled, kind: fare, ref: 71 })));
    const later = { ...entitled, at: noon + 700_000 };
    expect(send(world, { ...later, amountKop: 700 })).toMatchObject({ code: 11, debitedKop: 0 });
    expect(send(world, { ...later, kind: buffet, amountKop: 900 })).toMatchObject({ code: 10, debitedKop: 900 });
    expect(send(world, { ...later, kind: fare, ref: 71 })).toMatchObject({ code: 10, debitedKop: 500 });
  });

  it('takes back what an OUTCOME posted', () => {
    const world = new TableWorld();
    const tap = facts(world, { amountKop: 40_000 });
    world.mustDo(outcome(tap, true));
    const posted = { cause: 7, purse: 1, pupilId: 1, schoolId: 9, schoolDay: today };
    expect([...readTransfers(world.transfers.bytes)]).toMatchObject([posted]);
    expect(movedBy(world, () => world.mustDo(reverse(tap)))).toEqual(
      new Map([
        [account(1, 1, 1), 40_000],
        [takings.canteen, -40_000],
      ]),
    );
    expect(world.command(reverse(tap))).toEqual({ ok: false, refusal: 'REVERSED_BEFORE' });
  });

  it('is not possible of what an OUTCOME has taken back', () => {
    const world = new TableWorld();
    const tap = facts(world, { amountKop: 400 });
    world.mustDo(outcome(tap, false));
    expect(world.command(reverse(tap))).toEqual({ ok: false, refusal: 'REVERSED_BEFORE' });
  });

  it('finds the fund that paid, wherever the school belongs to by now', () => {
    const world = new TableWorld();
    const tap = facts(world, { card: 'entitled', amountKop: 900 });
    world.school(9, 2);
    expect(movedBy(world, () => world.mustDo(reverse(tap))).get(takings.fund)).toBe(900);
    expect([...readTransfers(world.transfers.bytes)]).toMatchObject([{ purse: 0, pupilId: 3 }]);
    const next = movedBy(world, () => send(world, { card: 'entitled', amountKop: 900, at: noon + 60_000 }));
    expect(next.get(takings.otherFund)).toBe(-900);
  });
});

describe('what a reader let through', () => {
  it('is told as above the limit only where it took a purse there', () => {
    const world = new TableWorld();
    world.limit(1, 1, 1_000);
    const flagsOf = (tap: TableTap) => send(world, { readerFlags: letThrough, ...tap }).flags & TapFlag.overLimit;
    expect(flagsOf({ amountKop: 600 })).toBe(0);
    expect(flagsOf({ amountKop: 400 })).toBe(0);
    expect(flagsOf({ amountKop: 1 })).toBe(TapFlag.overLimit);
    expect(flagsOf({ amountKop: 2, readerFlags: refused })).toBe(0);
    expect(flagsOf({ amountKop: 0 })).toBe(0);
  });
});
