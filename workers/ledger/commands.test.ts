import { describe, expect, it } from 'vitest';
import { accountId, Owner } from '../journal/transfer-record.ts';
import { decideCommand, type LedgerCommand, type TopUp } from './commands.ts';
import { Ledger } from './ledger.ts';
import { itemsPerPupilMax, reservationKeptMs, reservationsPerPupilMax } from './limits.ts';
import { noon, today } from './taps.suite.ts';

function execute(ledger: Ledger, command: LedgerCommand) {
  const { answer, movements } = decideCommand(ledger, command, 1);
  if (answer.ok && !answer.isRepeat) ledger.applyCommand(answer.outcome);
  for (const movement of movements) ledger.accounts.apply(movement);
  return { answer, movements };
}

const holder = {
  type: 'holder',
  change: 1,
  pupilId: 5,
  schoolId: 9,
  classId: 4,
  active: true,
  entitled: false,
} as const;
const topUp: TopUp = { type: 'topup', key: 'bank-1', pupilId: 5, purse: 1, kop: 50_000, at: noon, schoolDay: today };

function ledgerWithPupil(): Ledger {
  const ledger = new Ledger(2);
  execute(ledger, holder);
  execute(ledger, { ...holder, change: 2, pupilId: 6 });
  return ledger;
}

describe('a top-up', () => {
  it('moves kopecks from the funding side to the purse', () => {
    const ledger = ledgerWithPupil();
    const { answer, movements } = execute(ledger, topUp);
    expect(answer).toMatchObject({
      ok: true,
      isRepeat: false,
      outcome: { balanceKop: 50_000, transferId: 2 * 2 ** 40 + 1 },
    });
    expect(movements).toMatchObject([{ debitAccount: Owner.funding * 2 ** 40, kop: 50_000, causePosition: 1 }]);
    expect(ledger.pupils.balanceKop(0, 1)).toBe(50_000);
    expect(ledger.accounts.sumKop()).toBe(0);
  });

  it('is done once per key: again it gets the first outcome, and with other content a conflict', () => {
    const ledger = ledgerWithPupil();
    const first = execute(ledger, topUp).answer;
    execute(ledger, { ...topUp, key: 'bank-2' });
    const repeat = execute(ledger, { ...topUp, at: noon + 1, schoolDay: today + 1 });
    expect(repeat).toEqual({ answer: { ...first, isRepeat: true }, movements: [] });
    for (const other of [{ kop: 1 }, { purse: 2 }, { pupilId: 6 }]) {
      expect(execute(ledger, { ...topUp, ...other }).answer).toEqual({ ok: false, refusal: 'KEY_CONFLICT' });
    }
    expect(ledger.pupils.balanceKop(0, 1)).toBe(100_000);
  });

  for (const [what, change, refusal] of [
    ['of nothing', { kop: 0 }, 'AMOUNT_INVALID'],
    ['of less than nothing', { kop: -1 }, 'AMOUNT_INVALID'],
    ['of half a kopeck', { kop: 0.5 }, 'AMOUNT_INVALID'],
    ['of no number', { kop: NaN }, 'AMOUNT_INVALID'],
    ['above what one command may move', { kop: 1_000_000_001 }, 'AMOUNT_INVALID'],
    ['above what a purse may hold', { kop: 999_950_001 }, 'BALANCE_TOO_LARGE'],
    ['for nobody', { pupilId: 7 }, 'PUPIL_UNKNOWN'],
    ['into purse 0', { purse: 0 }, 'PURSE_UNKNOWN'],
    ['into purse 5, which would be the next pupil’s', { purse: 5 }, 'PURSE_UNKNOWN'],
    ['into half a purse', { purse: 1.5 }, 'PURSE_UNKNOWN'],
    ['without a key', { key: '' }, 'KEY_INVALID'],
    ['with a key of 129 bytes', { key: 'k'.repeat(129) }, 'KEY_INVALID'],
    ['with a key of 65 letters of 2 bytes', { key: 'ж'.repeat(65) }, 'KEY_INVALID'],
    ['with half a surrogate pair in its key', { key: 'a\ud800' }, 'KEY_INVALID'],
    ['with a byte order mark in its key', { key: '\ufeffa' }, 'KEY_INVALID'],
  ] as const) {
    it(`${what} is refused and moves nothing`, () => {
      const ledger = ledgerWithPupil();
      execute(ledger, topUp);
      const before = ledger.save();
      expect(execute(ledger, { ...topUp, key: 'bank-2', ...change })).toEqual({
        answer: { ok: false, refusal },
        movements: [],
      });
      expect(ledger.save()).toEqual(before);
    });
  }

  it('is taken up to the bounds', () => {
    const ledger = ledgerWithPupil();
    execute(ledger, topUp);
    expect(execute(ledger, { ...topUp, key: 'ж'.repeat(64), kop: 999_950_000 }).answer.ok).toBe(true);
    expect(execute(ledger, { ...topUp, key: 'k'.repeat(128), purse: 4, kop: 1_000_000_000 }).answer.ok).toBe(true);
    expect(Ledger.load(2, ledger.save()).save()).toEqual(ledger.save());
    expect(Ledger.load(2, ledger.save()).doneBefore).toEqual(ledger.doneBefore);
  });
});

describe('money back, across and corrected', () => {
  const plain = { pupilId: 5, purse: 1, at: noon, schoolDay: today };
  const own = accountId(Owner.pupil, 5, 1);
  const adjustments = accountId(Owner.adjustments, 0);
  const canteen = accountId(Owner.canteen, 9);

  for (const [what, command, from, to, rest] of [
    ['a refund', { type: 'refund', kop: 49_000 }, own, accountId(Owner.funding, 0), [3, 0, 1_000]],
    ['a move', { type: 'move', kop: 49_000, toPurse: 2 }, own, accountId(Owner.pupil, 5, 2), [6, 0, 1_000]],
    ['a gift', { type: 'adjust', kop: 70, against: adjustments }, adjustments, own, [5, 0, 50_070]],
    ['a correction of the canteen’s', { type: 'adjust', kop: -50_001, against: canteen }, own, canteen, [5, 9, -1]],
  ] as const) {
    it(`${what} moves kopecks, once per key`, () => {
      const ledger = ledgerWithPupil();
      execute(ledger, topUp);
      const done = execute(ledger, { ...plain, ...command, key: 'k' });
      const kop = Math.abs(command.kop);
      const [cause, schoolId, balanceKop] = rest;
      const told = { cause, schoolId, pupilId: 5, purse: 1, schoolDay: today, at: noon, reverses: 0 };
      expect(done.movements).toMatchObject([{ debitAccount: from, creditAccount: to, kop, ...told }]);
      const outcome = { type: 'moved', command: command.type, balanceKop };
      expect(done.answer).toMatchObject({ ok: true, isRepeat: false, outcome });
      expect(execute(ledger, { ...plain, ...command, key: 'k' })).toEqual({
        answer: { ...done.answer, isRepeat: true },
        movements: [],
      });
      expect(execute(ledger, topUp).answer).toMatchObject({ ok: true, isRepeat: true });
      expect(execute(ledger, { ...topUp, key: 'k' }).answer).toEqual({ ok: false, refusal: 'KEY_CONFLICT' });
      expect(ledger.accounts.sumKop()).toBe(0);
    });
  }

  for (const [what, command, refusal] of [
    ['a refund of more than there is', { type: 'refund', kop: 50_001 }, 'FUNDS_INSUFFICIENT'],
    ['a move of more than there is', { type: 'move', kop: 50_001, toPurse: 2 }, 'FUNDS_INSUFFICIENT'],
    ['a move to the same purse', { type: 'move', kop: 1, toPurse: 1 }, 'PURSE_SAME'],
    ['a move to no purse', { type: 'move', kop: 1, toPurse: 5 }, 'PURSE_UNKNOWN'],
    ['a correction of nothing', { type: 'adjust', kop: 0, against: adjustments }, 'AMOUNT_INVALID'],
    ['a correction too large to hold', { type: 'adjust', kop: 999_950_001, against: adjustments }, 'BALANCE_TOO_LARGE'],
  ] as const) {
    it(`${what} is refused and moves nothing`, () => {
      const ledger = ledgerWithPupil();
      execute(ledger, topUp);
      const before = ledger.save();
      const answer = { ok: false, refusal };
      expect(execute(ledger, { ...plain, ...command, key: 'k' })).toEqual({ answer, movements: [] });
      expect(ledger.save()).toEqual(before);
    });
  }

  it('is another content with another purse or account on the other side', () => {
    const ledger = ledgerWithPupil();
    execute(ledger, topUp);
    const move = { ...plain, type: 'move' as const, kop: 1, toPurse: 2, key: 'm' };
    const gift = { ...plain, type: 'adjust' as const, kop: 1, against: adjustments, key: 'g' };
    for (const [first, other] of [
      [move, { ...move, toPurse: 3 }],
      [gift, { ...gift, against: canteen }],
    ]) {
      execute(ledger, first);
      expect(execute(ledger, other).answer).toEqual({ ok: false, refusal: 'KEY_CONFLICT' });
    }
  });

  it('takes from a purse that holds more than it may', () => {
    const ledger = ledgerWithPupil();
    ledger.pupils.addKop(0, 1, 1_000_000_100);
    const taken = { ...plain, type: 'adjust' as const, kop: -1, against: adjustments, key: 'k' };
    expect(execute(ledger, taken).answer).toMatchObject({ ok: true });
  });
});

describe('a setting', () => {
  const locker = { type: 'locker', pupilId: 5, schoolId: 9, locker: 31, from: noon, to: noon + 1 } as const;

  for (const [what, command, refusal] of [
    ['a limit of half a kopeck', { type: 'limit', pupilId: 5, purse: 1, limitKop: 0.5 }, 'AMOUNT_INVALID'],
    ['a limit below nothing', { type: 'limit', pupilId: 5, purse: 1, limitKop: -1 }, 'AMOUNT_INVALID'],
    ['a limit of no purse', { type: 'limit', pupilId: 5, purse: 0, limitKop: 1 }, 'PURSE_UNKNOWN'],
    ['an item for nobody', { type: 'item', pupilId: 7, item: 1, forbidden: true }, 'PUPIL_UNKNOWN'],
    ['a reservation that ends before it begins', { ...locker, to: noon - 1 }, 'RESERVATION_INVALID'],
    ['a reservation of no locker', { ...locker, locker: 0 }, 'RESERVATION_INVALID'],
  ] as const) {
    it(`${what} is refused`, () => {
      expect(execute(ledgerWithPupil(), command).answer).toEqual({ ok: false, refusal });
    });
  }

  it('has a bound: so many forbidden items', () => {
    const ledger = ledgerWithPupil();
    const forbid = (item: number) => execute(ledger, { type: 'item', pupilId: 5, item, forbidden: true }).answer;
    for (let item = 1; item <= itemsPerPupilMax; item++) expect(forbid(item).ok).toBe(true);
    expect(forbid(1)).toMatchObject({ ok: true, isRepeat: true });
    expect(forbid(0)).toEqual({ ok: false, refusal: 'LIST_FULL' });
    expect(execute(ledger, { type: 'item', pupilId: 5, item: 1, forbidden: false }).answer.ok).toBe(true);
    expect(forbid(0).ok).toBe(true);
  });

  it('has a bound: so many reservations; those long over make room, a renewal needs none', () => {
    const ledger = ledgerWithPupil();
    const reserve = (index: number, from: number) =>
      execute(ledger, { ...locker, locker: index, from, to: from + 2 }).answer;
    for (let index = 1; index <= reservationsPerPupilMax; index++) expect(reserve(index, noon).ok).toBe(true);
    expect(reserve(99, noon)).toEqual({ ok: false, refusal: 'LIST_FULL' });
    expect(execute(ledger, { ...locker, locker: 1, to: noon + 9 }).answer).toMatchObject({ ok: true, isRepeat: false });
    expect(reserve(99, noon + reservationKeptMs + 1)).toEqual({ ok: false, refusal: 'LIST_FULL' });
    expect(reserve(99, noon + reservationKeptMs + 9).ok).toBe(true);
    expect(ledger.reservations.of(5)).toHaveLength(1);
  });
});

describe('a registry change', () => {
  it('is applied once, in the order of the feed', () => {
    const ledger = ledgerWithPupil();
    expect(execute(ledger, { ...holder, active: false }).answer).toMatchObject({ ok: true, isRepeat: true });
    expect(ledger.pupils.isActive(0)).toBe(true);
    execute(ledger, { type: 'feed', change: 9 });
    expect(execute(ledger, { ...holder, change: 9, active: false }).answer).toMatchObject({ isRepeat: true });
    execute(ledger, { ...holder, change: 10, active: false });
    expect(ledger.pupils.isActive(0)).toBe(false);
    expect(ledger.registryChange).toBe(10);
  });
});

describe('a snapshot', () => {
  it('of another version is not read', () => {
    const saved = ledgerWithPupil().save();
    const older = { ...saved, meta: { ...saved.meta, stateVersion: 1 } };
    expect(Ledger.load(2, saved).pupils.count).toBe(2);
    expect(() => Ledger.load(2, older)).toThrow(RangeError);
  });
});
