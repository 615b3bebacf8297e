import { Auditor, passed } from './auditor.suite.ts';
import { chargeOf } from './auditor-judge.suite.ts';
import { account, type Fact, monthOf, type Pupil } from './auditor-world.suite.ts';
import type { HolderChange, CardChange, RulesChange, SchoolDistrictChange } from './changes.ts';
import type { Adjust, CloseDay, Move, Refund, ReserveLocker, SetItem, SetLimit, TopUp } from './command-types.ts';

type Keyed = TopUp | Refund | Move | Adjust;
type Change = HolderChange | CardChange | SchoolDistrictChange | RulesChange;

/**
 * What a command has to be answered: 'done', 'repeat', or the refusals one of which it has to get: RULES.md does not say
 * which of two comes first.
 */
export type ExpectedAnswer = 'done' | 'repeat' | readonly string[];

const isPurse = (purse: number) => [1, 2, 3, 4].includes(purse);
const isSum = (kop: number, min: number) => Number.isInteger(kop) && kop >= min && kop <= 1e9;

/** The commands of the auditor: money beside taps, settings, and what the registry tells. */
export class CommandAuditor extends Auditor {
  /** What was done under a key. */
  readonly #done: Record<string, string> = {};

  readonly #closed = new Set<string>();

  change(change: Change): void {
    const { world } = this;
    if (change.type === 'holder') return this.#holder(change);
    if (change.type === 'card') world.cards[change.cardId] = change;
    if (change.type === 'school') world.districts[change.schoolId] = change.districtId;
    if (change.type === 'rules') [world.document, world.rulesVersion] = [change.document, change.version];
  }

  #holder({ pupilId, schoolId, active, entitled, shift = 1 }: HolderChange): void {
    const told = { schoolId, active, entitled, shift };
    const before = this.world.pupils[pupilId] as Pupil | undefined;
    if (before !== undefined) return void Object.assign(before, told);
    const settings = { limits: {}, forbidden: new Set<number>(), lockers: new Map<string, never>() };
    this.world.pupils[pupilId] = { id: pupilId, ...told, ...settings, days: {}, reduced: { month: '', rides: 0 } };
  }

  money(command: Keyed): ExpectedAnswer {
    const { type, key, pupilId, purse, kop } = command;
    const [toPurse, against] = [type === 'move' ? command.toPurse : 0, type === 'adjust' ? command.against : 0];
    const content = [type, pupilId, purse, kop, toPurse, against].join(' ');
    if (key in this.#done) return this.#done[key] === content ? 'repeat' : ['KEY_CONFLICT'];
    const refusals = [...keyRefusals(key), ...this.#refusals(command)];
    if (refusals.length > 0) return refusals;
    this.#done[key] = content;
    const own = account.purse(pupilId, purse);
    if (type === 'topup') this.world.move({ from: account.funding, to: own, kop });
    if (type === 'refund') this.world.move({ from: own, to: account.funding, kop });
    if (type === 'move') this.world.move({ from: own, to: account.purse(pupilId, toPurse), kop });
    if (type === 'adjust') this.world.move({ from: against, to: own, kop });
    return 'done';
  }

  #refusals(command: Keyed): string[] {
    const { type, pupilId, purse, kop } = command;
    const refusals: string[] = [];
    if (!isSum(type === 'adjust' ? Math.abs(kop) : kop, 1)) refusals.push('AMOUNT_INVALID');
    if (!(pupilId in this.world.pupils)) refusals.push('PUPIL_UNKNOWN');
    if (!isPurse(purse)) refusals.push('PURSE_UNKNOWN');
    const heldKop = this.world.kopOf(account.purse(pupilId, purse));
    const isIn = type === 'topup' || (type === 'adjust' && kop > 0);
    if (isIn && heldKop + kop > 1e9) refusals.push('BALANCE_TOO_LARGE');
    if ((type === 'refund' || type === 'move') && heldKop < kop) refusals.push('FUNDS_INSUFFICIENT');
    if (type !== 'move') return refusals;
    if (!isPurse(command.toPurse)) refusals.push('PURSE_UNKNOWN');
    if (command.toPurse === purse) refusals.push('PURSE_SAME');
    const toKop = this.world.kopOf(account.purse(pupilId, command.toPurse));
    if (toKop + kop > 1e9) refusals.push('BALANCE_TOO_LARGE');
    return refusals;
  }

  reverse(fact: Fact, identity: string, key: string): ExpectedAnswer {
    const content = `reverse ${identity}`;
    if (key !== '' && key in this.#done) return this.#done[key] === content ? 'repeat' : ['KEY_CONFLICT'];
    const refusals = key === '' ? [] : keyRefusals(key);
    if (fact.pupil === undefined) refusals.push('PUPIL_UNKNOWN');
    if (fact.moved === null) refusals.push('NOTHING_MOVED');
    if (fact.reversed) refusals.push('REVERSED_BEFORE');
    if (refusals.length > 0) return refusals;
    if (key !== '') this.#done[key] = content;
    this.#takeBack(fact);
    return 'done';
  }

  /** Tells what the reader did when the verdict came too late; a tap that told its deed itself has none to tell. */
  outcome(fact: Fact, deed: boolean): ExpectedAnswer {
    const { tap, code, pupil } = fact;
    if (fact.settled !== undefined) return fact.settled === deed ? 'repeat' : ['SETTLED_BEFORE'];
    fact.settled = deed;
    if ((tap.readerFlags & 3) > 0 || pupil === undefined) return 'done';
    if (deed && code >= 40 && code <= 54) this.deed(fact, { ...chargeOf(this.world, tap, pupil), code, window: 0 });
    if (!deed && code < 40) this.#takeBack(fact);
    const opened = code < 40 || (tap.kind === 2 && code <= 45);
    if (deed && !opened && code <= 54) this.posted(tap);
    if (!deed && opened) {
      this.undone(tap);
      if (tap.kind === 7) notRidden(pupil, fact);
    }
    if (tap.kind <= 2 && deed && !opened && code <= 54) passed(pupil, tap);
    if (tap.kind <= 2 && !deed && opened && pupil.passage?.at === tap.at) {
      pupil.passage = { at: tap.at, inside: tap.kind === 1 ? 0 : tap.schoolId };
    }
    return 'done';
  }

  #takeBack(fact: Fact): void {
    const { tap, pupil, moved, purse } = fact;
    if (pupil === undefined || fact.reversed) return;
    const day = this.world.day(pupil, tap.schoolDay);
    if (day !== undefined) day.taken = day.taken.filter((window) => window !== fact.window);
    fact.window = 0;
    if (moved === null) return;
    this.world.move({ ...moved, kop: -moved.kop });
    if (day !== undefined && purse > 0) day.spent[purse] -= moved.kop;
    fact.reversed = true;
  }

  limit({ pupilId, purse, limitKop }: SetLimit): ExpectedAnswer {
    const pupil = this.world.pupils[pupilId] as Pupil | undefined;
    const refusals = pupil === undefined ? ['PUPIL_UNKNOWN'] : [];
    if (!isPurse(purse)) refusals.push('PURSE_UNKNOWN');
    if (typeof limitKop === 'number' && !isSum(limitKop, 0)) refusals.push('AMOUNT_INVALID');
    if (pupil === undefined || refusals.length > 0) return refusals;
    const isSame = (purse in pupil.limits ? pupil.limits[purse] : 'default') === limitKop;
    if (limitKop === 'default') delete pupil.limits[purse];
    else pupil.limits[purse] = limitKop;
    return isSame ? 'repeat' : 'done';
  }

  item({ pupilId, item, forbidden }: SetItem): ExpectedAnswer {
    const pupil = this.world.pupils[pupilId] as Pupil | undefined;
    if (pupil === undefined) return ['PUPIL_UNKNOWN'];
    const isSame = pupil.forbidden.has(item) === forbidden;
    if (forbidden) pupil.forbidden.add(item);
    else pupil.forbidden.delete(item);
    return isSame ? 'repeat' : 'done';
  }

  closeDay({ operator, schoolDay }: CloseDay): ExpectedAnswer {
    const name = `${operator} ${schoolDay}`;
    const isSame = this.#closed.has(name);
    this.#closed.add(name);
    return isSame ? 'repeat' : 'done';
  }

  locker({ pupilId, schoolId, locker, from, to }: ReserveLocker): ExpectedAnswer {
    const pupil = this.world.pupils[pupilId] as Pupil | undefined;
    if (pupil === undefined) return ['PUPIL_UNKNOWN'];
    const name = `${schoolId} ${locker} ${from}`;
    const isSame = (pupil.lockers.get(name)?.to ?? from) === to;
    if (to > from) pupil.lockers.set(name, { schoolId, locker, from, to });
    else pupil.lockers.delete(name);
    return isSame ? 'repeat' : 'done';
  }
}

/** The ride was not made: it gives no transfer and counts to no month, or the transfer may be taken again. */
function notRidden(pupil: Pupil, { tap, code, isReduced }: Fact): void {
  const ride = pupil.lastRide;
  if (code === 12) {
    if (ride?.transferGivenAt === tap.at) delete ride.transferGivenAt;
    return;
  }
  if (ride?.at === tap.at && ride.route === tap.ref) delete pupil.lastRide;
  if (isReduced && pupil.reduced.month === monthOf(tap.schoolDay)) pupil.reduced.rides -= 1;
}

/** 1 to 128 bytes of UTF-8, no half surrogate pair, no U+FEFF. */
function keyRefusals(key: string): string[] {
  const isGood =
    key !== '' && Buffer.byteLength(key) <= 128 && Buffer.from(key).toString() === key && !key.includes('\ufeff');
  return isGood ? [] : ['KEY_INVALID'];
}
