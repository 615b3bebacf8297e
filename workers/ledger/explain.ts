import type { TapRecords } from '../journal/tap-record.ts';
import { Present, TapOffset } from '../journal/tap-record.ts';
import { Code } from './codes.ts';
import { purseNames, type PurseName } from './kinds.ts';
import type { LedgerState } from './ledger-state.ts';
import { type RuleVerdict, traceJudgement } from './rules/judge.ts';
import { TapCase } from './tap-case.ts';

/** Kopecks by the purses' names. */
export type SumsByPurse = Record<PurseName, number>;

/** The card as the shard knew it. */
export interface CardThen {
  readonly card: number;
  readonly pupil: number;
  readonly status: string;
  /** Days since 1970, 0 for no end. */
  readonly expiresDay: number;
}

/** The card's pupil as the shard knew it; what is spent and taken is of the tap's school day. */
export interface HolderThen {
  readonly pupil: number;
  readonly school: number;
  readonly class: number;
  readonly shift: number;
  readonly active: boolean;
  readonly entitled: boolean;
  readonly balancesKop: SumsByPurse;
  readonly spentKop: SumsByPurse;
  /** Daily limits, the pupil's own or the rules'; null for none. */
  readonly limitsKop: Record<PurseName, number | null>;
  readonly entitlementsTaken: readonly number[];
  readonly forbiddenItems: readonly number[];
  readonly insideSchool: number | null;
}

/** How the rules come to a tap's code. */
export interface Explanation {
  readonly rulesVersion: number;
  readonly district: number;
  readonly card: CardThen | null;
  readonly holder: HolderThen | null;
  /** In the order in which the rules spoke; the last one gave the code. */
  readonly rules: readonly RuleVerdict[];
  readonly code: number;
}

/** Judges a journaled tap again, in the state that the ledger had before it. Changes neither the ledger nor the record. */
export function explainDecision(ledger: LedgerState, records: TapRecords, row: number): Explanation {
  const tap = asItCameIn(records, row);
  tap.rules = ledger.rules.of(tap.schoolId);
  const rules = [identityVerdict(ledger, tap)];
  if (rules[0].verdict === 0) rules.push(readerVerdict(tap));
  if (rules.at(-1)!.verdict === 0) rules.push(...traceJudgement(tap, ledger));
  const { version: rulesVersion } = ledger.rules;
  const known = { card: cardOf(ledger, tap), holder: holderOf(ledger, tap) };
  return { rulesVersion, district: tap.rules.districtId, ...known, rules, code: rules.at(-1)!.verdict };
}

/** The shard wrote the price into the record where the reader had asked none. */
function asItCameIn(records: TapRecords, row: number): TapCase {
  const tap = new TapCase();
  tap.load(records, row);
  if ((records.getU8(row, TapOffset.present) & Present.amount) === 0) tap.amountKop = 0;
  return tap;
}

function identityVerdict({ windows }: LedgerState, { readerId, bootEpoch, seq, contentHash }: TapCase): RuleVerdict {
  const window = windows.get(readerId);
  const place = window?.bootEpoch === bootEpoch ? window.find(seq) : -1;
  const isOld = window !== undefined && (bootEpoch < window.bootEpoch || isForgotten());
  const isOther = window !== undefined && place >= 0 && window.contentHash(place) !== contentHash;
  return {
    rule: 'identity',
    input: {
      newest_boot_epoch: window?.bootEpoch ?? null,
      newest_seq: window?.lastSeq ?? null,
      answered_before: place >= 0,
      other_content: isOther,
    },
    verdict: isOther ? Code.idConflict : isOld ? Code.settledBefore : 0,
  };

  function isForgotten(): boolean {
    return window!.bootEpoch === bootEpoch && place < 0 && window!.isForgotten(seq);
  }
}

function readerVerdict({ kind, isReaderForbidden }: TapCase): RuleVerdict {
  const verdict = isReaderForbidden ? Code.readerForbidden : 0;
  return { rule: 'reader', input: { kind, may_take: !isReaderForbidden }, verdict };
}

function cardOf({ cards }: LedgerState, { cardId }: TapCase): CardThen | null {
  const row = cardId === 0 ? -1 : cards.row(cardId);
  if (row < 0) return null;
  return { card: cardId, pupil: cards.pupilId(row), status: cards.status(row), expiresDay: cards.expiresDay(row) };
}

function holderOf(ledger: LedgerState, tap: TapCase): HolderThen | null {
  const pupil = cardOf(ledger, tap)?.pupil ?? 0;
  const { pupils, days, settings, presence } = ledger;
  const row = pupils.row(pupil);
  if (row < 0) return null;
  const inside = presence.insideSchoolId(row);
  return {
    pupil,
    school: pupils.schoolId(row),
    class: pupils.classId(row),
    shift: pupils.shift(row),
    active: pupils.isActive(row),
    entitled: pupils.isEntitled(row),
    balancesKop: balancesOf(ledger, pupil)!,
    spentKop: byPurse((purse) => days.spentKop(row, tap.schoolDay, purse)),
    limitsKop: byPurse((purse) => {
      const own = settings.limit(pupil, purse);
      const limitKop = own === undefined ? tap.rules.dailyLimitKop[purse] : own;
      return limitKop === Infinity ? null : limitKop;
    }),
    entitlementsTaken: days.taken(row, tap.schoolDay),
    forbiddenItems: settings.forbiddenItems(pupil),
    insideSchool: inside === 0 ? null : inside,
  };
}

/** What a pupil's purses hold; null for a pupil that the shard does not know. */
export function balancesOf({ pupils }: LedgerState, pupilId: number): SumsByPurse | null {
  const row = pupils.row(pupilId);
  return row < 0 ? null : byPurse((purse) => pupils.balanceKop(row, purse));
}

function byPurse<T>(value: (purse: number) => T): Record<PurseName, T> {
  return Object.fromEntries(purseNames.map((name, index) => [name, value(index + 1)])) as Record<PurseName, T>;
}
