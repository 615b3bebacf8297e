import { Kind, kindNames } from '../../ingest/protocol/codes.ts';
import type { PlannedPurse } from './model.ts';
import type { TrueDay, TrueTap } from './truth.ts';

/** What one school's day comes to, by the school of the readers; `inside` counts its own pupils. */
export interface SchoolTotals {
  canteen_kop: number;
  carrier_kop: number;
  /** The part of the canteen's takings that the district's entitlement fund pays. */
  entitled_kop: number;
  inside: number;
}

/** `truth/DAY.totals.json`: what a day comes to. */
export interface DayTotals {
  readonly day: string;
  taps: number;
  /** Left the pupils' purses. */
  debited_kop: number;
  entitled_kop: number;
  readonly presence: Record<string, number>;
  readonly codes: Record<string, Record<string, number>>;
  readonly balances_kop: Record<PlannedPurse, number>;
  readonly schools: Record<string, SchoolTotals>;
}

export function emptyTotals(day: string): DayTotals {
  const balances = { meal: 0, buffet: 0, transport: 0 };
  return {
    day,
    taps: 0,
    debited_kop: 0,
    entitled_kop: 0,
    presence: {},
    codes: {},
    balances_kop: balances,
    schools: {},
  };
}

export function addToTotals(totals: DayTotals, truth: TrueDay): void {
  const school = (totals.schools[truth.school_id] ??= { canteen_kop: 0, carrier_kop: 0, entitled_kop: 0, inside: 0 });
  if (truth.presence !== null) totals.presence[truth.presence] = (totals.presence[truth.presence] ?? 0) + 1;
  if (truth.inside) school.inside++;
  for (const tap of truth.taps) addTap(totals, school, tap);
  for (const purse of ['meal', 'buffet', 'transport'] as const) {
    totals.balances_kop[purse] += truth.balances_kop?.[purse] ?? 0;
  }
}

function addTap(totals: DayTotals, school: SchoolTotals, tap: TrueTap): void {
  const { debited_kop: debited, entitled_kop: entitled } = tap;
  totals.taps++;
  totals.debited_kop += debited;
  totals.entitled_kop += entitled;
  school.entitled_kop += entitled;
  if (tap.kind === Kind.fare) school.carrier_kop += debited;
  else school.canteen_kop += debited + entitled;
  const codes = (totals.codes[kindNames[tap.kind - 1]] ??= {});
  codes[tap.code] = (codes[tap.code] ?? 0) + 1;
}
