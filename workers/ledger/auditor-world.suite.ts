import type { MealWindowRule, RuleLayer, RulesDocument } from './rule-set.ts';
import type { TestTap } from './taps.suite.ts';

/*
 * What the auditor knows: plain objects, nothing thought of speed, nothing shared with the ledger but published numbers.
 */

export const kindNames = ['', 'gate-in', 'gate-out', 'meal', 'buffet', 'locker-open', 'locker-close', 'fare'];
/** The kind's own purse, by kind: 1 meal, 2 buffet, 3 transport. */
export const purseOfKind: Record<string, number> = { meal: 1, buffet: 2, fare: 3 };
/** Which rules set a purse's daily limit; services have none. */
const rulesOfPurse = ['', 'meal', 'buffet', 'fare'] as const;

/** Account numbers as published: owner × 2⁴⁰ + purse × 2³² + owner's id. */
export const account = {
  purse: (pupilId: number, purse: number) => 2 ** 40 + purse * 2 ** 32 + pupilId,
  canteen: (schoolId: number) => 2 * 2 ** 40 + schoolId,
  carrier: (schoolId: number) => 3 * 2 ** 40 + schoolId,
  funding: 4 * 2 ** 40,
  fund: (districtId: number) => 5 * 2 ** 40 + districtId,
  adjustments: 7 * 2 ** 40,
};

export interface Day {
  readonly spent: Record<number, number>;
  /** Windows whose entitlement was taken. */
  taken: number[];
}

export interface Pupil {
  readonly id: number;
  schoolId: number;
  active: boolean;
  entitled: boolean;
  shift: number;
  /** By purse; absent: what the rules say. */
  readonly limits: Record<number, number | null>;
  readonly forbidden: Set<number>;
  /** Reservations by "school locker from". */
  readonly lockers: Map<string, { schoolId: number; locker: number; from: number; to: number }>;
  /** The three newest school days on which something was spent or taken. */
  readonly days: Record<number, Day>;
  lastGate?: { at: number; kind: number; schoolId: number; doubtful: boolean };
  /** The newest time the pupil went through a gate, and the school it is inside since, 0 for none. */
  passage?: { at: number; inside: number };
  lastRide?: { at: number; route: number; transferGivenAt?: number };
  reduced: { month: string; rides: number };
}

export interface Card {
  readonly pupilId: number;
  readonly status: 'active' | 'blocked' | 'replaced';
  readonly expiresDay: number;
}

/** What a bounce is a bounce of; `served`: the child got through, or got the meal. */
export interface LastTap {
  readonly readerId: number;
  readonly epoch: number;
  readonly at: number;
  readonly atRaw: number;
  readonly doubtful: boolean;
  readonly kop: number;
  readonly served: boolean;
}

/** A decided tap, and what became of it since. */
export interface Fact {
  readonly tap: TestTap;
  readonly code: number;
  /** The card's holder as they were known then. */
  readonly pupil: Pupil | undefined;
  /** What the tap moved, or an OUTCOME of it later. */
  moved: Leg | null;
  /** The purse that paid, 0 for none. */
  purse: number;
  /** A ride at the reduced fare. */
  readonly isReduced: boolean;
  /** The window whose entitlement it took and still holds, 0 for none. */
  window: number;
  /** What its first OUTCOME said. */
  settled?: boolean;
  reversed: boolean;
}

export interface Leg {
  readonly from: number;
  readonly to: number;
  readonly kop: number;
}

export class World {
  readonly pupils: Record<number, Pupil> = {};
  readonly cards: Record<number, Card> = {};
  readonly districts: Record<number, number> = {};
  readonly lastTaps: Record<string, LastTap> = {};
  /** Kopecks by account. */
  readonly kop = new Map<number, number>();
  document: RulesDocument = {};
  rulesVersion = 1;

  move({ from, to, kop }: Leg): void {
    this.kop.set(from, this.kopOf(from) - kop);
    this.kop.set(to, this.kopOf(to) + kop);
  }

  kopOf(account: number): number {
    return this.kop.get(account) ?? 0;
  }

  purseKop(pupil: Pupil, purse: number): number {
    return this.kopOf(account.purse(pupil.id, purse));
  }

  rules(schoolId: number) {
    const { region, districts, schools } = this.document;
    return layered([region, districts?.[this.districts[schoolId] ?? 0], schools?.[schoolId]]);
  }

  limitKop(pupil: Pupil, purse: number, schoolId: number): number | null {
    const own = pupil.limits[purse] as number | null | undefined;
    const name = rulesOfPurse[purse];
    return own !== undefined ? own : this.rules(schoolId)[name || 'meal'].daily_limit_kop;
  }

  /** What is known of a pupil's school day; of an older one than the three newest nothing. */
  day(pupil: Pupil, schoolDay: number): Day | undefined {
    return pupil.days[schoolDay];
  }

  /** The day to write to: a fourth one puts out the oldest; one older than three is not kept. */
  openDay(pupil: Pupil, schoolDay: number): Day | undefined {
    if (schoolDay in pupil.days) return pupil.days[schoolDay];
    const known = Object.keys(pupil.days).map(Number);
    const oldest = Math.min(...known);
    if (known.length === 3 && schoolDay < oldest) return undefined;
    if (known.length === 3) delete pupil.days[oldest];
    return (pupil.days[schoolDay] = { spent: {}, taken: [] });
  }

  spentKop(pupil: Pupil, purse: number, schoolDay: number): number {
    return this.day(pupil, schoolDay)?.spent[purse] ?? 0;
  }
}

const defaults = {
  gate: { bounce_s: 5, passback_s: 300, two_places_s: 60, hours: null },
  meal: { bounce_s: 10, overdraft_kop: 20_000, daily_limit_kop: 30_000, windows: [] as MealWindowRule[], hours: null },
  buffet: { bounce_s: 10, daily_limit_kop: 30_000, hours: null },
  locker: { bounce_s: 2, reservation_required: true, hours: null },
  fare: {
    bounce_s: 600,
    transfer_min: 60,
    daily_limit_kop: null,
    routes: {},
    reduced_for: 'entitled',
    reduced_rides_per_month: null,
    hours: null,
  },
  prices: {} as Record<string, number>,
  closed_days: [] as readonly string[],
  closed_weekdays: [] as readonly number[],
};

/** The rules of one school: each layer replaces fields of the one above, prices by item, closed days whole. */
function layered(layers: readonly (RuleLayer | undefined)[]) {
  let rules = defaults as typeof defaults & Required<RuleLayer>;
  for (const layer of layers) {
    rules = {
      gate: { ...rules.gate, ...layer?.gate },
      meal: { ...rules.meal, ...layer?.meal },
      buffet: { ...rules.buffet, ...layer?.buffet },
      locker: { ...rules.locker, ...layer?.locker },
      fare: { ...rules.fare, ...layer?.fare },
      prices: { ...rules.prices, ...layer?.prices },
      closed_days: layer?.closed_days ?? rules.closed_days,
      closed_weekdays: layer?.closed_weekdays ?? rules.closed_weekdays,
    } as typeof rules;
  }
  return rules;
}
export type Rules = ReturnType<typeof layered>;

/** The minute of the day that `HH:MM` names. */
export function minuteOf(text: string): number {
  const [hours, minutes] = text.split(':').map(Number);
  return hours * 60 + minutes;
}

/** The calendar month of a school day, YYYY-MM. */
export function monthOf(schoolDay: number): string {
  return dateOf(schoolDay).slice(0, 7);
}

export function dateOf(schoolDay: number): string {
  return new Date(schoolDay * 86_400_000).toISOString().slice(0, 10);
}
