/**
 * The rules as data: what `rules.json` says, in layers. Field names are those of the file; absent fields leave what the
 * layer above says. The meaning of each stands in `RULES.md`. The registry checks a document before it gets here.
 */
export interface RulesDocument {
  readonly region?: RuleLayer;
  /** By district id, in decimal. */
  readonly districts?: Readonly<Record<string, RuleLayer>>;
  /** By school id, in decimal. */
  readonly schools?: Readonly<Record<string, RuleLayer>>;
}

export interface RuleLayer {
  readonly gate?: Partial<GateRules>;
  readonly meal?: Partial<MealRules>;
  readonly buffet?: Partial<BuffetRules>;
  readonly locker?: Partial<LockerRules>;
  readonly fare?: Partial<FareRules>;
  /** Kopecks by item number, in decimal. */
  readonly prices?: Readonly<Record<string, number>>;
  /** Dates YYYY-MM-DD without meals. */
  readonly closed_days?: readonly string[];
  /** Weekdays without meals: 1 Monday … 7 Sunday. */
  readonly closed_weekdays?: readonly number[];
}

/** Minutes of the local day as `HH:MM`, from up to, not including, to (`24:00` is midnight); null: always. */
export type Hours = readonly [from: string, to: string] | null;

export interface GateRules {
  readonly bounce_s: number;
  readonly passback_s: number;
  readonly two_places_s: number;
  readonly hours: Hours;
}

export interface MealWindowRule {
  /** 1 to 15, unique in its list: what an entitlement is remembered by. */
  readonly window: number;
  readonly name?: string;
  /** `HH:MM`. */
  readonly from: string;
  readonly to: string;
  /** Shifts 1 to 3; absent: all. */
  readonly shifts?: readonly number[];
  /** Whether it gives an entitlement; absent: yes. */
  readonly entitlement?: boolean;
}

export interface MealRules {
  readonly bounce_s: number;
  readonly overdraft_kop: number;
  readonly daily_limit_kop: number | null;
  readonly windows: readonly MealWindowRule[];
  readonly hours: Hours;
}

export interface BuffetRules {
  readonly bounce_s: number;
  readonly daily_limit_kop: number | null;
  readonly hours: Hours;
}

export interface LockerRules {
  readonly bounce_s: number;
  readonly reservation_required: boolean;
  readonly hours: Hours;
}

export interface RouteFare {
  readonly kop: number;
  readonly reduced_kop?: number;
}

export interface FareRules {
  readonly bounce_s: number;
  readonly transfer_min: number;
  readonly daily_limit_kop: number | null;
  /** By route number, in decimal. */
  readonly routes: Readonly<Record<string, RouteFare>>;
  readonly reduced_for: 'none' | 'entitled' | 'all';
  readonly reduced_rides_per_month: number | null;
  readonly hours: Hours;
}

/** The defaults, which are version 1. Sources: the published rules (`RULES.md`). */
export const defaultRules = {
  gate: { bounce_s: 5, passback_s: 300, two_places_s: 60, hours: null } as GateRules,
  meal: { bounce_s: 10, overdraft_kop: 20_000, daily_limit_kop: 30_000, windows: [], hours: null } as MealRules,
  buffet: { bounce_s: 10, daily_limit_kop: 30_000, hours: null } as BuffetRules,
  locker: { bounce_s: 2, reservation_required: true, hours: null } as LockerRules,
  fare: {
    bounce_s: 600,
    transfer_min: 60,
    daily_limit_kop: null,
    routes: {},
    reduced_for: 'entitled',
    reduced_rides_per_month: null,
    hours: null,
  } as FareRules,
};
export const defaultRulesVersion = 1;
