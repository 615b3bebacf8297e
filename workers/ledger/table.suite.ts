import type { CardStatus } from './changes.ts';
import type { RuleLayer } from './rule-set.ts';
import { ReaderFlag, TapFlag } from './kinds.ts';
import { LedgerUnderTest, noon, plainTap, type TestTap, today } from './taps.suite.ts';
import { expect } from 'vitest';

/*
 * The small world of the tables of rules: two schools of one district, a third of another; cards of every sort.
 */

export const [gateIn, gateOut, meal, buffet, lockerOpen, lockerClose, fare] = [1, 2, 3, 4, 5, 6, 7];

/** The cards of pupils 1 (plain), 2 (left), 3 (entitled), 4 (of school 10), 5 (shift 2, entitled). */
export const card = {
  known: 501,
  left: 502,
  entitled: 503,
  foreign: 504,
  secondShift: 505,
  blocked: 511,
  expired: 512,
  replaced: 513,
  nobodys: 514,
  unknown: 999,
  none: 0,
};
export type CardName = keyof typeof card;
export const holderOf: Record<CardName, number> = {
  known: 1,
  left: 2,
  entitled: 3,
  foreign: 4,
  secondShift: 5,
  blocked: 1,
  expired: 1,
  replaced: 1,
  nobodys: 0,
  unknown: 0,
  none: 0,
};

/** What everybody has at first: meal 100 ₽, buffet 50 ₽, transport 30 ₽, services 0. */
export const heldKop = [0, 10_000, 5_000, 3_000, 0];
export const account = (owner: number, ownerId: number, purse = 0) => owner * 2 ** 40 + purse * 2 ** 32 + ownerId;
export const takings = {
  canteen: account(2, 9),
  carrier: account(3, 9),
  fund: account(5, 1),
  otherFund: account(5, 2),
};

export class TableWorld extends LedgerUnderTest {
  #change = 0;
  rulesVersion = 1;

  constructor() {
    super();
    for (const [schoolId, districtId] of [
      [9, 1],
      [10, 1],
      [11, 2],
    ])
      this.school(schoolId, districtId);
    this.holder(1);
    this.holder(2, { active: false });
    this.holder(3, { entitled: true });
    this.holder(4, { schoolId: 10 });
    this.holder(5, { entitled: true, shift: 2 });
    for (const name of ['known', 'left', 'entitled', 'foreign', 'secondShift'] as const) this.give(name);
    this.give('blocked', 'blocked', today - 1);
    this.give('expired', 'active', today - 1);
    this.give('replaced', 'replaced', today - 1);
    this.command({
      type: 'card',
      change: this.#next(),
      cardId: card.nobodys,
      pupilId: 77,
      status: 'active',
      expiresDay: 0,
    });
    for (const pupilId of [1, 2, 3, 4, 5]) {
      for (const purse of [1, 2, 3]) this.topUp(pupilId, purse, heldKop[purse]);
    }
  }

  holder(
    pupilId: number,
    changes: { schoolId?: number; active?: boolean; entitled?: boolean; shift?: number } = {},
  ): void {
    const plain = { schoolId: 9, classId: 4, active: true, entitled: false, shift: 1 };
    this.mustDo({ type: 'holder', change: this.#next(), pupilId, ...plain, ...changes });
  }

  give(name: CardName, status: CardStatus = 'active', expiresDay = 0): void {
    const [cardId, pupilId] = [card[name], holderOf[name]];
    this.mustDo({ type: 'card', change: this.#next(), cardId, pupilId, status, expiresDay });
  }

  school(schoolId: number, districtId: number): void {
    this.mustDo({ type: 'school', change: this.#next(), schoolId, districtId });
  }

  /** Rules for the whole region, or a whole document. */
  rules(
    region: RuleLayer,
    further: { districts?: Record<string, RuleLayer>; schools?: Record<string, RuleLayer> } = {},
  ): void {
    this.rulesVersion += 1;
    this.mustDo({ type: 'rules', change: this.#next(), version: this.rulesVersion, document: { region, ...further } });
  }

  topUp(pupilId: number, purse: number, kop: number): void {
    const key = `key ${this.#next()}`;
    this.mustDo({ type: 'topup', key, pupilId, purse, kop, at: noon, schoolDay: today });
  }

  reserve(pupilId: number, locker: number, fromMs: number, toMs: number, schoolId = 9): void {
    this.mustDo({ type: 'locker', pupilId, schoolId, locker, from: noon + fromMs, to: noon + toMs });
  }

  limit(pupilId: number, purse: number, limitKop: number | null | 'default'): void {
    this.mustDo({ type: 'limit', pupilId, purse, limitKop });
  }

  forbid(pupilId: number, item: number): void {
    this.mustDo({ type: 'item', pupilId, item, forbidden: true });
  }

  #next(): number {
    return ++this.#change;
  }
}

/** A tap of the table: a card by its name, and what differs from a plain meal at noon. */
export interface TableTap extends Partial<Omit<TestTap, 'cardId'>> {
  readonly card?: CardName;
}

/** One row: what the rules say of a tap in a world, and what moves if it goes through. */
export interface TableRow {
  readonly what: string;
  /** What happened before; its taps count seq from 100. */
  readonly given?: (world: TableWorld) => void;
  readonly tap: TableTap;
  readonly code: number;
  /** Kopecks that move if it stands: by default what was asked. */
  readonly kop?: number;
  /** Who pays then: by default the kind's own purse. */
  readonly payer?: 'meal' | 'buffet' | 'transport' | 'fund' | 'nobody';
  /** Flags beside OFFLINE, MANUAL and FORCED. */
  readonly flags?: number;
  /** … and only if the reader let it through. */
  readonly deedFlags?: number;
}

const ownPurse: Record<number, number> = { [meal]: 1, [buffet]: 2, [fare]: 3 };
const purseNumber = { meal: 1, buffet: 2, transport: 3, fund: 0, nobody: 0 };

/** Sends a tap in which only what is named differs from a meal at noon by the plain card; `seq` and content are new. */
export function send(world: TableWorld, tap: TableTap) {
  const { card: name = 'known', ...rest } = tap;
  const seq = tap.seq ?? world.position + 100;
  return world.decide({
    ...plainTap,
    contentHash: seq,
    toldRules: world.rulesVersion,
    ...rest,
    seq,
    cardId: card[name],
  });
}

/** What moved since, as account and kopecks. */
export function movedSince(
  before: ReadonlyMap<number, number>,
  after: ReadonlyMap<number, number>,
): Map<number, number> {
  const moved = new Map<number, number>();
  for (const id of new Set([...before.keys(), ...after.keys()])) {
    const kop = (after.get(id) ?? 0) - (before.get(id) ?? 0);
    if (kop !== 0) moved.set(id, kop);
  }
  return moved;
}

/** Holds a row to what follows from its code: online, let through by the reader, and refused by it. */
export function holdRow(row: TableRow, deed: 'online' | 'let through' | 'refused'): void {
  const world = new TableWorld();
  row.given?.(world);
  const before = world.kopByAccount();
  const sentFlags = (row.tap.readerFlags ?? 0) | { online: 0, 'let through': 1, refused: 2 }[deed];
  const outcome = send(world, { ...row.tap, readerFlags: sentFlags });
  const moved = movedSince(before, world.kopByAccount());
  const stands = row.code !== 71 && (deed === 'let through' || (deed === 'online' && row.code < 40));
  expect({ code: outcome.code, fate: outcome.fate }).toEqual({ code: row.code, fate: 0 });
  expect(moved).toEqual(stands ? movementOf(row) : new Map());
  expect(outcome.debitedKop).toBe(row.payer === 'fund' ? 0 : sumOfGains(moved));
  expect(namesOf(outcome.flags)).toEqual(namesOf(flagsOf(row, deed, sentFlags)));
  expect(outcome.shownKop).toBe(shownBy(world, row, stands));
}

function movementOf({ tap, payer, kop = tap.amountKop ?? 0 }: TableRow): Map<number, number> {
  const [own, holder] = [ownPurse[tap.kind ?? meal], holderOf[tap.card ?? 'known']];
  if (own === undefined || holder === 0 || kop === 0 || payer === 'nobody') return new Map();
  const from = payer === 'fund' ? takings.fund : account(1, holder, payer === undefined ? own : purseNumber[payer]);
  const to = tap.kind === fare ? takings.carrier : takings.canteen;
  return new Map([
    [from, -kop],
    [to, kop],
  ]);
}

function sumOfGains(moved: ReadonlyMap<number, number>): number {
  return [...moved.values()].reduce((sum, kop) => sum + Math.max(0, kop), 0);
}

function flagsOf({ tap, code, flags = 0, deedFlags = 0 }: TableRow, deed: string, sentFlags: number): number {
  const isOpenExit = tap.kind === gateOut && code >= 40 && code <= 45;
  const isAccepted = code < 40;
  const isWrong = (deed === 'refused' && isAccepted) || (deed === 'let through' && !isAccepted && code !== 71);
  return (
    flags |
    (deed === 'let through' ? deedFlags : 0) |
    (deed === 'online' ? 0 : TapFlag.offline) |
    (sentFlags & ReaderFlag.byHand ? TapFlag.manual : 0) |
    (isWrong || isOpenExit ? TapFlag.forced : 0)
  );
}

function namesOf(flags: number): string[] {
  return Object.entries(TapFlag)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name);
}

/** A free meal looks like a paid one; an overdraft and a refusal show nothing. */
function shownBy(world: TableWorld, { tap, code, payer }: TableRow, stands: boolean): number | null {
  const [own, holder] = [ownPurse[tap.kind ?? meal], holderOf[tap.card ?? 'known']];
  if (own === undefined || ![10, 11, 12].includes(code)) return null;
  const purse = stands && payer !== undefined ? purseNumber[payer] || own : own;
  return world.kopByAccount().get(account(1, holder, purse)) ?? 0;
}
