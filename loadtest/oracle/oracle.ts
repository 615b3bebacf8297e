import { type LastTap, PupilMemory } from './memory.ts';
import {
  flag,
  isAccepted,
  type Judgement,
  type OraclePupil,
  type OraclePurse,
  type OracleTap,
  type Verdict,
  type VerdictFlag,
} from './model.ts';
import { holds, type SchoolRules } from './rules.ts';
import { fundsOf, judgeMeal, limitOf, payerOfDeed, priceOf, type Case } from './sales.ts';

/**
 * What becomes of each tap, worked out from the published rules alone and sharing no line with the product. Taps of one
 * pupil are given in the order in which the service decides them; those of different pupils in any.
 */
export class Oracle {
  readonly #rulesOf: (schoolId: number) => SchoolRules;
  readonly #memories = new Map<number, PupilMemory>();

  constructor(rulesOfSchool: (schoolId: number) => SchoolRules) {
    this.#rulesOf = rulesOfSchool;
  }

  memory(pupil: OraclePupil): PupilMemory {
    let found = this.#memories.get(pupil.pupilId);
    if (!found) this.#memories.set(pupil.pupilId, (found = new PupilMemory(pupil)));
    return found;
  }

  decide(tap: OracleTap): Verdict {
    const { pupil } = tap;
    const none = { tap, purse: null, debitedKop: 0, entitledKop: 0 };
    if (pupil === null) return stranger(tap);
    const the: Case = { tap, pupil, memory: this.memory(pupil), rules: this.#rulesOf(tap.schoolId) };
    const judgement = judge(the);
    const { code } = judgement;
    if (code === 71) return { ...none, judgement, code, flags: [], wentThrough: false };
    const verdict = settled(the, judgement);
    remember(the, verdict);
    return verdict;
  }

  /**
   * A till tells what it did after all (OUTCOME), once for each meal or buffet sale. Gives what moved, kopecks; null where
   * nothing changed.
   */
  tellDeed(
    { tap, judgement, code, wentThrough, debitedKop, purse, entitledKop }: Verdict,
    deed: boolean,
  ): Posted | null {
    const { pupil } = tap;
    if (pupil === null || code === 71 || deed === wentThrough || (tap.flags & (flag.letThrough | flag.refused)) !== 0)
      return null;
    const memory = this.memory(pupil);
    if (deed) {
      const the: Case = { tap, pupil, memory, rules: this.#rulesOf(tap.schoolId) };
      const { kop } = priceOf(the);
      const payer = payerOfDeed(the, kop);
      if (payer !== null) memory.spend(tap.day, payer, kop);
      return { purse: payer, kop: payer === null ? 0 : kop, entitledKop: 0 };
    } else {
      if (purse !== null) memory.spend(tap.day, purse, -debitedKop);
      if (judgement.window !== null) memory.giveMealBack(tap.day, judgement.window);
      if (tap.kind === 7) memory.rideNotMade({ tap, judgement, code });
      const last = memory.last.get(tap.kind);
      if (last?.readerId === tap.readerId && last.atMs === tap.atMs) memory.last.delete(tap.kind);
      return { purse, kop: -debitedKop, entitledKop: -entitledKop };
    }
  }
}

/** What an OUTCOME moved out of a purse and out of the fund; below zero what it gave back. */
export interface Posted {
  readonly purse: OraclePurse | null;
  readonly kop: number;
  readonly entitledKop: number;
}

/** Nobody known: nothing moves, but whoever is out is out. */
function stranger(tap: OracleTap): Verdict {
  const wentThrough = tap.kind === 2 || (tap.flags & flag.letThrough) !== 0;
  const judgement = { code: 40, payer: null, priceKop: 0, window: null, reduced: false };
  const flags: VerdictFlag[] = wentThrough ? ['FORCED'] : [];
  return { tap, judgement, code: 40, flags, purse: null, debitedKop: 0, entitledKop: 0, wentThrough };
}

/** The code that the rules give, in their order, and who would pay. */
function judge(the: Case): Judgement {
  const { tap, pupil } = the;
  const { kop: priceKop, reduced } = priceOf(the);
  const payer = payerOfDeed(the, priceKop);
  const say = (code: number, window: number | null = null): Judgement => ({ code, payer, priceKop, window, reduced });
  if (pupil.blocked) return say(41);
  if (pupil.expires !== null && tap.day > pupil.expires) return say(42);
  if (!pupil.active) return say(43);
  if (isBounce(the, priceKop)) return say(71);
  if (tap.kind <= 2) return say(judgeGate(the));
  if (tap.kind === 5 || tap.kind === 6) return say(judgeLocker(the));
  if (tap.kind === 7) return say(judgeFare(the, priceKop));
  const { code, window } = judgeMeal(the, priceKop);
  return say(code, window);
}

function isBounce({ tap, memory, rules }: Case, priceKop: number): boolean {
  const last = memory.last.get(tap.kind);
  if (last?.readerId !== tap.readerId) return false;
  if (apartMs(tap, last) >= bounceSeconds(tap.kind, rules) * 1000) return false;
  if ((tap.flags & flag.letThrough) !== 0 && !last.wentThrough) return false;
  return (tap.kind !== 3 && tap.kind !== 4) || last.priceKop === priceKop;
}

/** Where a clock was doubtful the reader's own times are compared, within one boot epoch. */
function apartMs(tap: OracleTap, last: LastTap): number {
  if (!tap.doubtful && !last.doubtful) return Math.abs(tap.atMs - last.atMs);
  const { bootEpoch = 1, rawMs = tap.atMs } = tap;
  return bootEpoch === last.bootEpoch ? Math.abs(rawMs - last.rawMs) : Infinity;
}

function bounceSeconds(kind: number, { gate, meal, buffet, locker, fare }: SchoolRules): number {
  if (kind <= 2) return gate.bounce_s;
  if (kind === 3) return meal.bounce_s;
  if (kind === 4) return buffet.bounce_s;
  return kind === 7 ? fare.bounce_s : locker.bounce_s;
}

function judgeGate({ tap, pupil, rules }: Case): number {
  if ((tap.flags & flag.byHand) !== 0) return 14;
  if (pupil.schoolId !== tap.schoolId) return 44;
  return tap.doubtful || holds(rules.gate.hours, tap.minute) ? 10 : 45;
}

function judgeLocker({ tap, pupil, rules }: Case): number {
  if ((tap.flags & flag.byHand) !== 0) return 14;
  if (!tap.doubtful && !holds(rules.locker.hours, tap.minute)) return 45;
  if (!rules.locker.reservation_required) return 10;
  const own = pupil.reservations.filter(({ schoolId, locker }) => schoolId === tap.schoolId && locker === tap.ref);
  if (own.some(({ fromMs, toMs }) => tap.doubtful || (tap.atMs >= fromMs && tap.atMs < toMs))) return 10;
  return own.some(({ toMs }) => toMs <= tap.atMs) ? 52 : 51;
}

function judgeFare(the: Case, priceKop: number): number {
  const { tap, memory, rules } = the;
  if (!tap.doubtful && !holds(rules.fare.hours, tap.minute)) return 45;
  if (memory.balancesKop.transport < 0) return 53;
  const { ride } = memory;
  const sinceMs = ride === null ? -1 : tap.atMs - ride.atMs;
  const isChange = ride !== null && tap.ref !== 0 && ride.route !== 0 && ride.route !== tap.ref && !ride.transferred;
  if (isChange && sinceMs >= 0 && sinceMs < rules.fare.transfer_min * 60_000) return 12;
  return fundsOf(the, priceKop).code;
}

/** Puts the rules' code and the reader's deed together. */
function settled(the: Case, judgement: Judgement): Verdict {
  const { tap } = the;
  const { code, payer, priceKop } = judgement;
  const accepted = isAccepted(code);
  const isDeed = (tap.flags & flag.letThrough) !== 0;
  const isRefused = !isDeed && (tap.flags & flag.refused) !== 0;
  const opensAnyway = tap.kind === 2 && code >= 40 && code <= 45;
  const wentThrough = isDeed || opensAnyway || (accepted && !isRefused);
  const flags: VerdictFlag[] = wentThrough !== accepted ? ['FORCED'] : [];
  const pays = wentThrough && code !== 11 && code !== 12 && payer !== null;
  if (pays && isDeed && isOverLimit(the, judgement)) flags.push('OVER_LIMIT');
  return {
    tap,
    judgement,
    code,
    flags: [...flags, ...gateFlags(the, code)],
    purse: pays ? payer : null,
    debitedKop: pays ? priceKop : 0,
    entitledKop: wentThrough && code === 11 ? priceKop : 0,
    wentThrough,
  };
}

function isOverLimit(the: Case, { payer, priceKop }: Judgement): boolean {
  const limitKop = payer === null ? null : limitOf(the, payer);
  return payer !== null && limitKop !== null && the.memory.spentKop(the.tap.day, payer) + priceKop > limitKop;
}

function gateFlags({ tap, memory, rules }: Case, code: number): VerdictFlag[] {
  const { gate } = memory;
  if (tap.kind > 2 || isOfTheCard(code) || gate === null || tap.doubtful || gate.doubtful) return [];
  const apartMs = Math.abs(tap.atMs - gate.atMs);
  const flags: VerdictFlag[] = [];
  if (gate.kind === tap.kind && apartMs < rules.gate.passback_s * 1000) flags.push('PASSBACK');
  if (gate.schoolId !== tap.schoolId && apartMs < rules.gate.two_places_s * 1000) flags.push('WRONG_PLACE');
  return flags;
}

/** Codes that are given before the rules of a kind are asked. */
function isOfTheCard(code: number): boolean {
  return code >= 40 && code <= 43;
}

function remember({ tap, memory }: Case, verdict: Verdict): void {
  const { judgement, code, wentThrough, purse, debitedKop } = verdict;
  if (purse !== null) memory.spend(tap.day, purse, debitedKop);
  if (wentThrough && judgement.window !== null) memory.eat(tap.day, judgement.window);
  if (wentThrough && tap.kind <= 2) memory.pass(tap);
  if (wentThrough && tap.kind === 7) {
    if (code === 12) memory.ride!.transferred = true;
    else memory.rideWith(verdict);
  }
  if (isOfTheCard(code)) return;
  const { readerId, bootEpoch = 1, atMs, rawMs = atMs, kind, schoolId, doubtful } = tap;
  // Money may have come in since a refusal for want of it: what comes next is no bounce of that.
  const isWantOfMoney = code === 46 || code === 47 || code === 53;
  if (wentThrough || !isWantOfMoney) {
    memory.last.set(kind, { readerId, bootEpoch, atMs, rawMs, doubtful, priceKop: judgement.priceKop, wentThrough });
  }
  const isLatest = memory.gate === null || atMs >= memory.gate.atMs;
  if (kind <= 2 && isLatest) memory.gate = { atMs, kind, schoolId, doubtful };
}
