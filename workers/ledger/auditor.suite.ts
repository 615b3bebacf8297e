import { isOverLimit, judge, type Verdict } from './auditor-judge.suite.ts';
import {
  account,
  type Fact,
  kindNames,
  type LastTap,
  type Leg,
  monthOf,
  type Pupil,
  purseOfKind,
  World,
} from './auditor-world.suite.ts';
import type { TestTap } from './taps.suite.ts';

/*
 * A ledger as one would write it on a blackboard, from RULES.md alone. It says beforehand what the ledger has to answer.
 */

export interface Expected {
  /** 0 decided, 1 repeated, 2 quarantined. */
  readonly fate: number;
  readonly code: number;
  readonly shownKop: number | null;
  readonly debitedKop: number;
  /** OFFLINE 1, LATE 2, PASSBACK 16, WRONG_PLACE 32, OVER_LIMIT 64, STALE_RULES 128, MANUAL 256, FORCED 512. */
  readonly flags: number;
  /** What a tap that stands rests on: the window of an entitlement; 1 full fare, 2 reduced, 3 transfer. */
  readonly basis: number;
  /** A sale's price, where the holder is known. */
  readonly amountKop?: number;
  /** What it moves, and which of the pupil's purses is touched by that, 0 for none. */
  readonly moved?: Leg & { readonly purse: number };
}

interface Answer {
  readonly hash: number;
  readonly code: number;
  readonly shownKop: number | null;
}

interface Reader {
  epoch: number;
  answers: Record<number, Answer>;
  newest: number;
}

const nothing = { shownKop: null, debitedKop: 0, flags: 0, basis: 0 };
const isAccepted = (code: number) => code < 40;

export class Auditor {
  readonly world = new World();
  readonly readers: Record<number, Reader> = {};
  /** What became of each decided tap, by its identity. */
  readonly facts: Record<string, Fact> = {};

  tap(tap: TestTap): Expected {
    const again = this.#answeredBefore(tap);
    if (again !== undefined) return again;
    if (tap.isReaderForbidden) return this.#answer(tap, { fate: 2, code: 93, ...nothing });
    const verdict = judge(this.world, tap);
    const { code } = verdict;
    const stands = code !== 71 && this.#stands(tap, code);
    const flags = this.#flags(tap, verdict);
    const holder = this.world.cards[tap.cardId]?.pupilId;
    const pupil = this.world.pupils[holder] as Pupil | undefined;
    const known = { ...tap, amountKop: tap.amountKop > 0 ? tap.amountKop : verdict.kop };
    const fact: Fact = {
      tap: known,
      code,
      pupil,
      moved: null,
      purse: 0,
      window: 0,
      isReduced: stands && verdict.isReduced,
      reversed: false,
    };
    if (pupil !== undefined && stands) this.deed(fact, verdict);
    if (pupil !== undefined && tap.kind <= 2) this.#gate(pupil, tap, code, stands);
    const isWantOfMoney = [46, 47, 53].includes(code);
    if (isAsFarAsItsKind(code) && (stands || !isWantOfMoney)) this.#lasts(tap, verdict.kop, stands);
    this.facts[identityOf(tap)] = fact;
    const debitedKop = code === 11 ? 0 : (fact.moved?.kop ?? 0);
    const basis = pupil !== undefined && stands ? basisOf(tap, verdict) : 0;
    const shownKop = this.#shown(fact, verdict);
    const isPriced = pupil !== undefined && kindNames[tap.kind] in purseOfKind && code !== 12;
    const price = isPriced ? { amountKop: fact.tap.amountKop } : {};
    const moved = fact.moved === null ? {} : { moved: { ...fact.moved, purse: fact.purse } };
    return this.#answer(tap, { fate: 0, code, shownKop, debitedKop, flags, basis, ...price, ...moved });
  }

  /** What a tap, or an OUTCOME, does that goes through: who pays whom, and what is remembered of it. */
  deed(fact: Fact, { code, kop, purse, window, isReduced }: Verdict): void {
    const { world } = this;
    const { tap, pupil } = fact;
    const kind = kindNames[tap.kind];
    if (pupil === undefined || purse === 0) return;
    if (code === 12) {
      if (pupil.lastRide !== undefined) pupil.lastRide.transferGivenAt = tap.at;
      return;
    }
    const seller = kind === 'fare' ? account.carrier(tap.schoolId) : account.canteen(tap.schoolId);
    const district = world.districts[tap.schoolId] ?? 0;
    const payer = code === 11 ? account.fund(district) : account.purse(pupil.id, purse);
    if (kop > 0) world.move((fact.moved = { from: payer, to: seller, kop }));
    if (code === 11) world.openDay(pupil, tap.schoolDay)?.taken.push((fact.window = window));
    else if (kop > 0) {
      const day = world.openDay(pupil, tap.schoolDay);
      if (day !== undefined) day.spent[purse] = (day.spent[purse] ?? 0) + kop;
      fact.purse = purse;
    }
    if (kind === 'fare') ridden(pupil, tap, isReduced);
  }

  /** What later taps of the card may be bounces of. */
  #lasts(tap: TestTap, kop: number, served: boolean): void {
    const { readerId, bootEpoch: epoch, at, atRaw = at } = tap;
    const last = { readerId, epoch, at, atRaw, doubtful: tap.clockQuality === 3, kop, served };
    this.world.lastTaps[`${tap.cardId} ${kindNames[tap.kind]}`] = last;
  }

  /** An OUTCOME posted it: it is the last, unless a later one is. */
  posted(tap: TestTap): void {
    const last = this.world.lastTaps[`${tap.cardId} ${kindNames[tap.kind]}`] as LastTap | undefined;
    if (last === undefined || last.at <= tap.at) this.#lasts(tap, tap.amountKop, true);
  }

  /** An OUTCOME took it back: nothing bounces off it. */
  undone(tap: TestTap): void {
    const name = `${tap.cardId} ${kindNames[tap.kind]}`;
    const last = this.world.lastTaps[name] as LastTap | undefined;
    if (last?.readerId === tap.readerId && last.epoch === tap.bootEpoch && last.at === tap.at) {
      delete this.world.lastTaps[name];
    }
  }

  /** The child went through, or got the meal. */
  #stands(tap: TestTap, code: number): boolean {
    const [letThrough, refused] = [(tap.readerFlags & 1) > 0, (tap.readerFlags & 2) > 0];
    return letThrough || (!refused && (isAccepted(code) || opensAnyway(tap, code)));
  }

  #flags(tap: TestTap, { code, kop, purse }: Verdict): number {
    const { world } = this;
    const [letThrough, refused] = [(tap.readerFlags & 1) > 0, (tap.readerFlags & 3) === 2];
    const isOffline = letThrough || refused;
    let flags = (isOffline ? 1 : 0) + (tap.isLate ? 2 : 0);
    if ((tap.readerFlags & 8) > 0) flags += 256;
    if (isOffline && tap.toldRules < world.rulesVersion) flags += 128;
    const isWrong = (refused && isAccepted(code)) || (letThrough && !isAccepted(code) && code !== 71);
    if (isWrong || opensAnyway(tap, code)) flags += 512;
    const pupil = world.pupils[world.cards[tap.cardId]?.pupilId] as Pupil | undefined;
    if (pupil === undefined) return flags;
    const isPaid = letThrough && ![11, 12, 71].includes(code) && purse > 0 && kop > 0;
    if (isPaid && isOverLimit(world, pupil, tap, purse, kop)) flags += 64;
    return tap.kind <= 2 && isAsFarAsItsKind(code) ? flags + this.#gateFlags(pupil, tap) : flags;
  }

  #gateFlags(pupil: Pupil, tap: TestTap): number {
    const last = pupil.lastGate;
    if (last === undefined || last.doubtful || tap.clockQuality === 3) return 0;
    const { passback_s: passbackS, two_places_s: twoPlacesS } = this.world.rules(tap.schoolId).gate;
    const apartMs = Math.abs(tap.at - last.at);
    const isPassback = last.kind === tap.kind && apartMs < passbackS * 1000;
    const isWrongPlace = last.schoolId !== tap.schoolId && apartMs < twoPlacesS * 1000;
    return (isPassback ? 16 : 0) + (isWrongPlace ? 32 : 0);
  }

  #gate(pupil: Pupil, tap: TestTap, code: number, stands: boolean): void {
    const { at, kind, schoolId, clockQuality } = tap;
    if (stands) passed(pupil, tap);
    if (!isAsFarAsItsKind(code) || (pupil.lastGate !== undefined && at < pupil.lastGate.at)) return;
    pupil.lastGate = { at, kind, schoolId, doubtful: clockQuality === 3 };
  }

  #shown({ tap, pupil, purse }: Fact, { code }: Verdict): number | null {
    const own = purseOfKind[kindNames[tap.kind]];
    if (pupil === undefined || own === undefined || ![10, 11, 12].includes(code)) return null;
    const kop = this.world.purseKop(pupil, purse > 0 ? purse : own);
    return Math.abs(kop) < 2 ** 31 ? kop : null;
  }

  #answeredBefore(tap: TestTap): Expected | undefined {
    const reader = (this.readers[tap.readerId] ??= { epoch: tap.bootEpoch, answers: {}, newest: 0 });
    if (tap.bootEpoch < reader.epoch) return { fate: 1, code: 70, ...nothing };
    if (tap.bootEpoch > reader.epoch) Object.assign(reader, { epoch: tap.bootEpoch, answers: {}, newest: 0 });
    if (tap.seq <= reader.newest - 8192) return { fate: 1, code: 70, ...nothing };
    const first = reader.answers[tap.seq] as Answer | undefined;
    if (first === undefined) return undefined;
    if (first.hash !== tap.contentHash) return { fate: 2, code: 91, ...nothing };
    return { fate: 1, code: first.code, ...nothing, shownKop: first.shownKop };
  }

  #answer(tap: TestTap, expected: Expected): Expected {
    const reader = this.readers[tap.readerId];
    reader.answers[tap.seq] = { hash: tap.contentHash, code: expected.code, shownKop: expected.shownKop };
    reader.newest = Math.max(reader.newest, tap.seq);
    return expected;
  }
}

export function identityOf({ readerId, bootEpoch, seq }: { readerId: number; bootEpoch: number; seq: number }): string {
  return `${readerId}:${bootEpoch}:${seq}`;
}

/** An exit always opens, whatever the rules say of the card, the school and the hours. */
function opensAnyway(tap: TestTap, code: number): boolean {
  return kindNames[tap.kind] === 'gate-out' && code >= 40 && code <= 45;
}

/** The child is inside, or gone, since the newest of its passages. */
export function passed(pupil: Pupil, { at, kind, schoolId }: TestTap): void {
  if (at >= (pupil.passage?.at ?? 0)) pupil.passage = { at, inside: kind === 1 ? schoolId : 0 };
}

function basisOf({ kind }: TestTap, { code, window, isReduced }: Verdict): number {
  if (kindNames[kind] !== 'fare') return window;
  return code === 12 ? 3 : isReduced ? 2 : 1;
}

function isAsFarAsItsKind(code: number): boolean {
  return isAccepted(code) || (code >= 44 && code < 70);
}

/** The newest ride by its own time is the one that a transfer hangs on. */
function ridden(pupil: Pupil, tap: TestTap, isReduced: boolean): void {
  if (tap.at >= (pupil.lastRide?.at ?? 0)) pupil.lastRide = { at: tap.at, route: tap.ref };
  if (!isReduced) return;
  const month = monthOf(tap.schoolDay);
  if (month > pupil.reduced.month) pupil.reduced = { month, rides: 0 };
  if (month === pupil.reduced.month) pupil.reduced.rides += 1;
}
