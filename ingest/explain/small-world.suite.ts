import { tapRecordBytes, TapRecords } from '../../workers/journal/tap-record.ts';
import { Code } from '../../workers/ledger/codes.ts';
import type { LedgerCommand } from '../../workers/ledger/command-types.ts';
import { ClockQuality, Kind, ReaderFlag } from '../../workers/ledger/kinds.ts';
import type { RulesDocument } from '../../workers/ledger/rule-set.ts';
import { fillTap, noon, plainTap, type TestTap, today } from '../../workers/ledger/taps.suite.ts';
import type { ShardPool } from '../../workers/pool/pool.ts';

/* A small world in two shards in which a tap gets every code that is journaled, under rules that change halfway. */

export const readerId = plainTap.readerId;
const minuteMs = 60_000;

/** Rich, with his own cards of every state. */
const rich = 5;
const entitled = 6;
const gone = 7;
const stranger = 8;
const poor = 9;

const cards: [cardId: number, pupilId: number, status: 'active' | 'blocked', expiresDay: number][] = [
  [501, rich, 'active', 0],
  [502, rich, 'blocked', 0],
  [504, rich, 'active', today - 1],
  [601, entitled, 'active', 0],
  [701, gone, 'active', 0],
  [801, stranger, 'active', 0],
  [901, poor, 'active', 0],
];

const firstRules: RulesDocument = {
  region: {
    gate: { hours: ['06:00', '20:00'] },
    meal: { windows: [{ window: 1, from: '08:00', to: '14:00' }] },
    fare: { routes: { '1': { kop: 3_000 }, '2': { kop: 3_000 } } },
    prices: { '7': 5_000 },
  },
};
/** The gate is open at night, and item 7 is dearer. */
const laterRules: RulesDocument = {
  region: { ...firstRules.region, gate: { hours: null }, prices: { '7': 6_000 } },
};

/** A tap, whose it is, and the code and version of the rules that it gets. */
export interface Story {
  readonly seq: number;
  readonly pupil: number;
  readonly code: number;
  readonly version: number;
}

export class SmallWorld {
  readonly stories: Story[] = [];
  readonly #pool: ShardPool;
  #change = 0;
  #version = 1;
  #seq = 0;
  /** Taps that are not sent yet, by shard: several share a block. */
  #batches: Partial<TestTap>[][] = [[], []];

  constructor(pool: ShardPool) {
    this.#pool = pool;
  }

  /** A tap that is to get this code, `after` minutes behind the one before. */
  tap(pupil: number, code: number, tap: Partial<TestTap>): Story {
    const seq = ++this.#seq;
    const story = { seq, pupil, code, version: this.#version };
    const made = { cardId: pupil * 100 + 1, at: noon + seq * 11 * minuteMs, contentHash: seq, ...tap, seq };
    this.#batches[this.#pool.shardOf(pupil)].push(made);
    this.stories.push(story);
    return story;
  }

  async send(): Promise<void> {
    for (const [shard, taps] of this.#batches.entries()) {
      if (taps.length === 0) continue;
      const buffer = new SharedArrayBuffer(taps.length * tapRecordBytes);
      taps.forEach((tap, row) => fillTap(new TapRecords(buffer), row, { ...plainTap, ...tap }));
      await this.#pool.decide(shard, buffer, taps.length, noon);
    }
    this.#batches = [[], []];
  }

  async execute(pupil: number, ...commands: LedgerCommand[]): Promise<void> {
    const answers = await this.#pool.execute(this.#pool.shardOf(pupil), commands, noon);
    if (answers.some(({ ok }) => !ok)) throw new Error(JSON.stringify(answers));
  }

  async changeRules(document: RulesDocument): Promise<void> {
    this.#version += 1;
    for (const pupil of [rich, entitled]) {
      await this.execute(pupil, { type: 'rules', change: ++this.#change, version: this.#version, document });
    }
  }

  async populate(): Promise<void> {
    for (const pupilId of [rich, entitled, gone, stranger, poor]) {
      const common = { pupilId, schoolId: pupilId === stranger ? 8 : 9, classId: 4 };
      const state = { active: pupilId !== gone, entitled: pupilId === entitled };
      await this.execute(
        pupilId,
        { type: 'school', change: ++this.#change, schoolId: 9, districtId: 3 },
        { type: 'holder', change: ++this.#change, ...common, ...state },
        ...cards
          .filter(([, owner]) => owner === pupilId)
          .map(([cardId, , status, expiresDay]) => {
            return { type: 'card', change: ++this.#change, cardId, pupilId, status, expiresDay } as const;
          }),
      );
    }
    const topup = { type: 'topup', at: noon, schoolDay: today } as const;
    await this.execute(
      rich,
      { ...topup, key: 'a', pupilId: rich, purse: 1, kop: 1_000_000 },
      { ...topup, key: 'b', pupilId: rich, purse: 2, kop: 1_000_000 },
      { ...topup, key: 'c', pupilId: rich, purse: 3, kop: 10_000 },
      { ...topup, key: 'd', pupilId: poor, purse: 1, kop: 100 },
      { type: 'item', pupilId: rich, item: 13, forbidden: true },
      { type: 'locker', pupilId: rich, schoolId: 9, locker: 4, from: noon - 2 * minuteMs, to: noon - minuteMs },
    );
  }

  /** Everything under the first rules; sent in a few batches. */
  async before(): Promise<void> {
    await this.populate();
    await this.changeRules(firstRules);
    const first = this.tap(rich, Code.accepted, { kind: Kind.gateIn });
    const again = { kind: Kind.gateIn, at: noon + first.seq * 11 * minuteMs + 2_000 };
    this.tap(rich, Code.bounce, again);
    this.tap(rich, Code.acceptedManual, { kind: Kind.gateIn, readerFlags: ReaderFlag.byHand });
    this.tap(entitled, Code.acceptedEntitled, { amountKop: 9_000 });
    this.tap(entitled, Code.mealAlreadyTaken, { amountKop: 9_000 });
    this.tap(rich, Code.accepted, { amountKop: 100 });
    this.tap(rich, Code.accepted, { kind: Kind.fare, ref: 1 });
    this.tap(rich, Code.acceptedTransfer, { kind: Kind.fare, ref: 2 });
    this.tap(poor, Code.acceptedOverdraft, { amountKop: 5_000 });
    this.tap(poor, Code.fundsInsufficient, { amountKop: 30_000 });
    await this.send();
    this.tap(rich, Code.cardUnknown, { cardId: 999 });
    this.tap(rich, Code.cardBlocked, { cardId: 502 });
    this.tap(rich, Code.cardExpired, { cardId: 504 });
    this.tap(gone, Code.holderInactive, { kind: Kind.gateOut });
    this.tap(stranger, Code.scopeForeign, { kind: Kind.gateIn });
    this.tap(rich, Code.outsideHours, { kind: Kind.gateIn, localMinute: 23 * 60 });
    this.tap(rich, Code.limitDaily, { amountKop: 29_950 });
    this.tap(rich, Code.itemForbidden, { kind: Kind.buffet, ref: 13, amountKop: 10 });
    this.tap(rich, Code.mealWindow, { localMinute: 15 * 60, amountKop: 10 });
    this.tap(rich, Code.accepted, { localMinute: 15 * 60, amountKop: 10, clockQuality: ClockQuality.D });
    this.tap(rich, Code.lockerNotReserved, { kind: Kind.lockerOpen, ref: 3 });
    this.tap(rich, Code.lockerExpired, { kind: Kind.lockerOpen, ref: 4 });
    await this.send();
    this.tap(poor, Code.fundsInsufficient, { kind: Kind.fare, ref: 1, readerFlags: ReaderFlag.letThrough });
    this.tap(poor, Code.fareDebt, { kind: Kind.fare, ref: 1 });
    this.tap(rich, Code.priceMismatch, { kind: Kind.buffet, ref: 7, amountKop: 10 });
    this.tap(rich, Code.accepted, { kind: Kind.buffet, ref: 7 });
    this.tap(rich, Code.readerForbidden, { kind: Kind.buffet, isReaderForbidden: true });
    await this.send();
  }

  /** The same again under other rules, and a tap with the identity of the first one. */
  async after(): Promise<void> {
    await this.changeRules(laterRules);
    this.tap(rich, Code.accepted, { kind: Kind.gateIn, localMinute: 23 * 60, toldRules: 1 });
    this.tap(rich, Code.priceMismatch, { kind: Kind.buffet, ref: 7, amountKop: 5_000 });
    this.tap(rich, Code.accepted, {
      kind: Kind.buffet,
      ref: 7,
      amountKop: 6_000,
      readerFlags: ReaderFlag.letThrough,
      toldRules: 2,
    });
    await this.send();
    this.#batches[this.#pool.shardOf(rich)].push({ seq: 1, contentHash: 10 ** 6, kind: Kind.gateOut });
    await this.send();
  }
}
