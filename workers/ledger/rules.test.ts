import { describe, expect, it } from 'vitest';
import { TapOffset } from '../journal/tap-record.ts';
import { ReaderFlag, TapFlag } from './kinds.ts';
import { fillTap, LedgerUnderTest, noon, plainTap, type TestTap, today } from './taps.suite.ts';
import { readTransfers } from './transfers.ts';

const [gateIn, gateOut, meal, buffet, lockerOpen, lockerClose, fare] = [1, 2, 3, 4, 5, 6, 7];
const { letThrough, refused, byHand } = ReaderFlag;
const online = 0;

const card = { known: 501, blocked: 502, expired: 503, left: 504, replaced: 505, nobodys: 506, unknown: 999 };
type CardName = keyof typeof card;
const otherPupil = { known: 507 };

/** Balances of the pupil's purses before each row: meal 100 ₽, buffet 50 ₽, transport 30 ₽. */
const before = { meal: 10_000, buffet: 5_000, transport: 3_000 };

function world(): LedgerUnderTest {
  const test = new LedgerUnderTest();
  const { ledger } = test;
  const holder = (pupilId: number, active: boolean) =>
    ledger.applyCommand({ type: 'holder', change: 1, pupilId, schoolId: 9, classId: 4, active, entitled: false });
  const give = (cardId: number, pupilId: number, status: 'active' | 'blocked' | 'replaced', expiresDay = 0) =>
    ledger.applyCommand({ type: 'card', change: 1, cardId, pupilId, status, expiresDay });
  holder(1, true);
  holder(2, false);
  holder(3, true);
  give(card.known, 1, 'active', today);
  give(card.blocked, 1, 'blocked', today - 1);
  give(card.expired, 1, 'active', today - 1);
  give(card.left, 2, 'active');
  give(card.replaced, 1, 'replaced');
  give(card.nobodys, 77, 'active');
  give(otherPupil.known, 3, 'active');
  for (const row of [0, 1]) {
    for (const [index, kop] of [before.meal, before.buffet, before.transport].entries()) {
      ledger.pupils.addKop(row, index + 1, kop);
    }
  }
  return test;
}

interface Row {
  readonly what: string;
  readonly kind: number;
  readonly card?: CardName;
  readonly kop?: number;
  readonly sent?: number;
  readonly code: number;
  readonly debited?: number;
  readonly shown?: number | null;
  readonly forced?: boolean;
}

const rows: readonly Row[] = [
  { what: 'a way in', kind: gateIn, code: 10 },
  { what: 'a way out', kind: gateOut, code: 10 },
  { what: 'a way in entered by hand', kind: gateIn, sent: byHand, code: 14 },
  { what: 'a way out entered by hand', kind: gateOut, sent: byHand, code: 14 },
  { what: 'a locker opened', kind: lockerOpen, code: 10 },
  { what: 'a locker closed', kind: lockerClose, code: 10 },
  { what: 'a meal that the purse holds', kind: meal, kop: 9_500, code: 10, debited: 9_500, shown: 500 },
  { what: 'a meal for all that there is', kind: meal, kop: 10_000, code: 10, debited: 10_000, shown: 0 },
  { what: 'a meal for nothing', kind: meal, kop: 0, code: 10, debited: 0, shown: 10_000 },
  { what: 'a meal one kopeck over', kind: meal, kop: 10_001, code: 13, debited: 10_001 },
  { what: 'a meal to the end of the overdraft', kind: meal, kop: 30_000, code: 13, debited: 30_000 },
  { what: 'a meal beyond the overdraft', kind: meal, kop: 30_001, code: 46 },
  { what: 'a buffet sale', kind: buffet, kop: 5_000, code: 10, debited: 5_000, shown: 0 },
  { what: 'a buffet sale one kopeck over', kind: buffet, kop: 5_001, code: 46 },
  { what: 'a ride', kind: fare, kop: 3_000, code: 10, debited: 3_000, shown: 0 },
  { what: 'a ride one kopeck over', kind: fare, kop: 3_001, code: 46 },

  { what: 'a meal by an unknown card', kind: meal, card: 'unknown', kop: 1, code: 40 },
  { what: 'a meal by a card of nobody', kind: meal, card: 'nobodys', kop: 1, code: 40 },
  { what: 'a meal by a replaced card', kind: meal, card: 'replaced', kop: 1, code: 40 },
  { what: 'a meal by a blocked card, expired as well', kind: meal, card: 'blocked', kop: 1, code: 41 },
  { what: 'a meal by an expired card', kind: meal, card: 'expired', kop: 1, code: 42 },
  { what: 'a meal by one who has left', kind: meal, card: 'left', kop: 1, code: 43 },
  { what: 'a way in by a blocked card', kind: gateIn, card: 'blocked', code: 41 },

  { what: 'a way out by an unknown card', kind: gateOut, card: 'unknown', code: 40, forced: true },
  { what: 'a way out by a replaced card', kind: gateOut, card: 'replaced', code: 40, forced: true },
  { what: 'a way out by a blocked card', kind: gateOut, card: 'blocked', code: 41, forced: true },
  { what: 'a way out by an expired card', kind: gateOut, card: 'expired', code: 42, forced: true },
  { what: 'a way out by one who has left', kind: gateOut, card: 'left', code: 43, forced: true },

  { what: 'let through: a meal', kind: meal, sent: letThrough, kop: 500, code: 10, debited: 500, shown: 9_500 },
  { what: 'let through: an overdraft', kind: meal, sent: letThrough, kop: 10_001, code: 13, debited: 10_001 },
  { what: 'let through: too dear', kind: meal, sent: letThrough, kop: 40_000, code: 46, debited: 40_000, forced: true },
  { what: 'let through: a ride', kind: fare, sent: letThrough, kop: 3_001, code: 46, debited: 3_001, forced: true },
  {
    what: 'let through: blocked',
    kind: meal,
    card: 'blocked',
    sent: letThrough,
    kop: 7,
    code: 41,
    debited: 7,
    forced: true,
  },
  {
    what: 'let through: expired',
    kind: meal,
    card: 'expired',
    sent: letThrough,
    kop: 7,
    code: 42,
    debited: 7,
    forced: true,
  },
  {
    what: 'let through: replaced',
    kind: meal,
    card: 'replaced',
    sent: letThrough,
    kop: 7,
    code: 40,
    debited: 7,
    forced: true,
  },
  { what: 'let through: unknown', kind: meal, card: 'unknown', sent: letThrough, kop: 7, code: 40, forced: true },
  { what: 'let through: a way in, blocked', kind: gateIn, card: 'blocked', sent: letThrough, code: 41, forced: true },
  {
    what: 'let through and refused',
    kind: meal,
    sent: letThrough | refused,
    kop: 500,
    code: 10,
    debited: 500,
    shown: 9_500,
  },

  { what: 'refused by the reader: a meal', kind: meal, sent: refused, kop: 500, code: 10, shown: 10_000, forced: true },
  { what: 'refused by the reader: an overdraft', kind: meal, sent: refused, kop: 10_001, code: 13, forced: true },
  { what: 'refused by the reader: rightly', kind: meal, sent: refused, kop: 40_000, code: 46 },
  { what: 'refused by the reader: unknown', kind: meal, card: 'unknown', sent: refused, kop: 7, code: 40 },
  { what: 'refused by the reader: a way in', kind: gateIn, sent: refused, code: 10, forced: true },
];

const purseOf = (kind: number) => ({ [meal]: 1, [buffet]: 2, [fare]: 3 })[kind] ?? 0;

describe('a tap', () => {
  for (const row of rows) {
    it(`${row.what}: ${row.code}`, () => {
      const test = world();
      const cardId = card[row.card ?? 'known'];
      const sumBefore = test.ledger.accounts.sumKop();
      const tap = { ...plainTap, cardId, kind: row.kind, amountKop: row.kop ?? 0, readerFlags: row.sent ?? online };
      const outcome = test.decide(tap);
      const debitedKop = row.debited ?? 0;
      const isKnown = !['unknown', 'nobodys'].includes(row.card ?? 'known');
      const flags = row.forced === true ? TapFlag.forced : 0;
      const purse = isKnown ? purseOf(row.kind) : 0;
      expect(outcome).toMatchObject({ fate: 0, code: row.code, debitedKop, flags, purse });
      if (purse !== 0) expect(outcome.shownKop).toBe(row.shown ?? null);
      expect(test.transfers.count).toBe(debitedKop === 0 ? 0 : 1);
      expect(test.ledger.accounts.sumKop()).toBe(sumBefore);
      const heldKop = row.card === 'left' ? undefined : test.ledger.pupils.balanceKop(0, purseOf(row.kind) || 4);
      const hadKop = [0, before.meal, before.buffet, before.transport][purseOf(row.kind)];
      if (heldKop !== undefined) expect(heldKop).toBe(hadKop - debitedKop);
    });
  }
});

describe('a tap that repeats another', () => {
  const first: TestTap = { ...plainTap, kind: buffet, amountKop: 700 };
  const again = (changes: Partial<TestTap>): TestTap => ({ ...first, seq: 2, contentHash: 78, ...changes });

  for (const [kind, withinMs] of [
    [gateIn, 5_000],
    [gateOut, 5_000],
    [meal, 10_000],
    [buffet, 10_000],
    [lockerOpen, 2_000],
    [lockerClose, 2_000],
    [fare, 600_000],
  ]) {
    it(`of kind ${kind} is a bounce within ${withinMs} ms, whatever the clock did`, () => {
      for (const [offsetMs, code] of [
        [0, 71],
        [withinMs - 1, 71],
        [1 - withinMs, 71],
        [withinMs, 10],
        [-withinMs, 10],
      ]) {
        const test = world();
        expect(test.decide({ ...first, kind }).code).toBe(10);
        expect(test.decide(again({ kind, at: noon + offsetMs })).code).toBe(code);
      }
    });
  }

  it('moves no money as a bounce, even if the reader let it through, and is no deed that stands', () => {
    const test = world();
    test.decide(first);
    expect(test.decide(again({ readerFlags: letThrough }))).toMatchObject({ code: 71, debitedKop: 0, flags: 0 });
    expect(test.ledger.pupils.balanceKop(0, 2)).toBe(4_300);
  });

  it('is no bounce of a refusal if the reader let it through: the deed stands and is paid', () => {
    const test = world();
    const dear = { ...first, amountKop: 5_001 };
    expect(test.decide(dear)).toMatchObject({ code: 46, debitedKop: 0 });
    expect(test.decide({ ...dear, seq: 2, contentHash: 78 }).code).toBe(71);
    const deed = { ...dear, seq: 3, contentHash: 79, readerFlags: letThrough };
    expect(test.decide(deed)).toMatchObject({ code: 46, debitedKop: 5_001, flags: TapFlag.forced });
    expect(test.decide({ ...deed, seq: 4, contentHash: 80 })).toMatchObject({ code: 71, debitedKop: 0 });
  });

  it('is no bounce with another sum, card, kind or reader', () => {
    for (const other of [{ amountKop: 701 }, { cardId: otherPupil.known }, { kind: meal }, { readerId: 8 }]) {
      const test = world();
      test.decide(first);
      expect(test.decide(again(other)).code).not.toBe(71);
    }
  });

  it('is a bounce of the first tap only, not of a bounce, and never of a card that was turned away', () => {
    const test = world();
    test.decide(first);
    expect(test.decide(again({ at: noon + 9_999 })).code).toBe(71);
    expect(test.decide(again({ seq: 3, contentHash: 79, at: noon + 10_000 })).code).toBe(10);
    const blocked = { ...first, cardId: card.blocked };
    expect(test.decide({ ...blocked, seq: 4 }).code).toBe(41);
    expect(test.decide({ ...blocked, seq: 5 }).code).toBe(41);
  });

  it('gets its first answer when its identity is the same, though the world has changed', () => {
    const test = world();
    const answer = test.decide(first);
    test.ledger.applyCommand({ type: 'card', change: 2, cardId: 501, pupilId: 1, status: 'blocked', expiresDay: 0 });
    const repeat = test.decide({ ...first, isReaderForbidden: true });
    expect(repeat).toMatchObject({ fate: 1, code: 10, shownKop: answer.shownKop });
    expect(test.transfers.count).toBe(0);
  });

  it('is a conflict (91) when its identity is the same and its content is not', () => {
    const test = world();
    test.decide(first);
    expect(test.decide({ ...first, contentHash: 1, isReaderForbidden: true })).toMatchObject({ fate: 2, code: 91 });
    expect(test.decide(first)).toMatchObject({ fate: 1, code: 10 });
  });

  it('is settled before (70) below the remembered answers or in an older boot epoch', () => {
    const test = world();
    test.decide({ ...first, bootEpoch: 2, seq: 10_000 });
    for (const [bootEpoch, seq, code] of [
      [2, 1_808, 70],
      [1, 10_001, 70],
      [2, 1_809, 10],
      [3, 1, 10],
      [2, 10_001, 70],
    ]) {
      expect(
        test.decide({ ...first, bootEpoch, seq, cardId: otherPupil.known, kind: gateIn, at: noon + seq * 10_000 }).code,
      ).toBe(code);
    }
  });
});

describe('the order of the rules', () => {
  it('asks whether the reader may take the kind before anything about the card', () => {
    const test = world();
    const tap = { ...plainTap, cardId: card.unknown, isReaderForbidden: true, readerFlags: letThrough };
    expect(test.decide(tap)).toMatchObject({ fate: 2, code: 93, debitedKop: 0 });
    expect(test.decide({ ...tap, isReaderForbidden: false })).toMatchObject({ fate: 1, code: 93 });
  });

  it('asks for the card before its holder, for the holder before a bounce, for a bounce before the purse', () => {
    const test = world();
    const tap = (seq: number, cardId: number, kop: number) => ({
      ...plainTap,
      seq,
      cardId,
      kind: buffet,
      amountKop: kop,
    });
    expect(test.decide(tap(1, card.known, 9_000)).code).toBe(46);
    expect(test.decide(tap(2, card.known, 9_000)).code).toBe(71);
    const leave = {
      type: 'holder',
      change: 2,
      pupilId: 1,
      schoolId: 9,
      classId: 4,
      active: false,
      entitled: false,
    } as const;
    test.ledger.applyCommand(leave);
    expect(test.decide(tap(3, card.known, 9_000)).code).toBe(43);
    expect(test.decide(tap(4, card.expired, 9_000)).code).toBe(42);
  });

  it('names the pupil who pays, whatever the gateway took them for', () => {
    const test = world();
    fillTap(test.records, 0, { ...plainTap, amountKop: 1 });
    test.records.setU32(0, TapOffset.pupilId, 3);
    test.ledger.decide(test.records, 0, 1, test.transfers);
    expect(test.records.getU32(0, TapOffset.pupilId)).toBe(1);
    expect([...readTransfers(test.transfers.bytes)]).toMatchObject([{ pupilId: 1, kop: 1 }]);
  });

  it('never shows a balance that 32 bits cannot hold', () => {
    const test = world();
    const row = test.ledger.pupils.row(1);
    test.ledger.pupils.addKop(row, 1, 2 ** 31 - before.meal);
    expect(test.decide({ ...plainTap, amountKop: 0 }).shownKop).toBeNull();
    const shown = test.decide({ ...plainTap, seq: 2, contentHash: 78, amountKop: 1 });
    expect(shown.shownKop).toBe(2 ** 31 - 1);
    expect(test.decide({ ...plainTap, seq: 2, contentHash: 78, amountKop: 1 }).shownKop).toBe(2 ** 31 - 1);
  });
});
