/**
 * The rules as data as a region writes them into `rules.json`, and as the oracle reads them back: written from the
 * published page, sharing no line with the product.
 */
export interface RulesFile {
  readonly region: Layer;
  readonly districts: Readonly<Record<string, Layer>>;
  readonly schools: Readonly<Record<string, Layer>>;
}

type Part<Name extends keyof SchoolRules> = Partial<SchoolRules[Name]>;
export interface Layer {
  readonly gate?: Part<'gate'>;
  readonly meal?: Part<'meal'>;
  readonly buffet?: Part<'buffet'>;
  readonly locker?: Part<'locker'>;
  readonly fare?: Part<'fare'>;
  readonly prices?: Readonly<Record<string, number>>;
  readonly closed_days?: readonly string[];
  readonly closed_weekdays?: readonly number[];
}

/** From and up to, not including, as HH:MM; null for always. */
export type Hours = readonly [string, string] | null;

export interface MealWindow {
  readonly window: number;
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly shifts?: readonly number[];
  readonly entitlement?: boolean;
}

/** What holds at one school, all layers put together. */
export interface SchoolRules {
  readonly gate: { bounce_s: number; passback_s: number; two_places_s: number; hours: Hours };
  readonly meal: {
    bounce_s: number;
    overdraft_kop: number;
    daily_limit_kop: number | null;
    windows: readonly MealWindow[];
    hours: Hours;
  };
  readonly buffet: { bounce_s: number; daily_limit_kop: number | null; hours: Hours };
  readonly locker: { bounce_s: number; reservation_required: boolean; hours: Hours };
  readonly fare: {
    bounce_s: number;
    transfer_min: number;
    daily_limit_kop: number | null;
    routes: Readonly<Record<string, { readonly kop: number; readonly reduced_kop?: number }>>;
    reduced_for: 'none' | 'entitled' | 'all';
    reduced_rides_per_month: number | null;
    hours: Hours;
  };
  readonly prices: Readonly<Record<string, number>>;
  readonly closed_days: readonly string[];
  readonly closed_weekdays: readonly number[];
}

const published: SchoolRules = {
  gate: { bounce_s: 5, passback_s: 300, two_places_s: 60, hours: null },
  meal: { bounce_s: 10, overdraft_kop: 20_000, daily_limit_kop: 30_000, windows: [], hours: null },
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
  prices: {},
  closed_days: [],
  closed_weekdays: [],
};

/** The rules of a school: the published ones, then the region's, its district's and its own on top; null for no file. */
export function rulesOf(file: RulesFile | null, districtId: number, schoolId: number): SchoolRules {
  const layers = file === null ? [] : [file.region, file.districts[districtId], file.schools[schoolId]];
  return layers.reduce<SchoolRules>((below, layer) => (layer ? onTop(below, layer) : below), published);
}

function onTop(below: SchoolRules, layer: Layer): SchoolRules {
  return {
    gate: { ...below.gate, ...layer.gate },
    meal: { ...below.meal, ...layer.meal },
    buffet: { ...below.buffet, ...layer.buffet },
    locker: { ...below.locker, ...layer.locker },
    fare: { ...below.fare, ...layer.fare },
    prices: { ...below.prices, ...layer.prices },
    closed_days: layer.closed_days ?? below.closed_days,
    closed_weekdays: layer.closed_weekdays ?? below.closed_weekdays,
  };
}

/** The minute of the day of HH:MM. */
export function minuteOf(text: string): number {
  const [hours, minutes] = text.split(':').map(Number);
  return hours * 60 + minutes;
}

/** True where the minute of the day lies within the hours. */
export function holds(hours: Hours, minute: number): boolean {
  return hours === null || (minute >= minuteOf(hours[0]) && minute < minuteOf(hours[1]));
}

/** True where the canteen is closed on a day given as YYYY-MM-DD. */
export function isClosed(rules: SchoolRules, day: string): boolean {
  const weekday = new Date(`${day}T00:00:00Z`).getUTCDay() || 7;
  return rules.closed_days.includes(day) || rules.closed_weekdays.includes(weekday);
}

const wholeDay: MealWindow = { window: 1, name: '', from: '00:00', to: '24:00' };

/** The windows of a shift, in their order; the whole day where the rules have none at all. */
export function windowsOf(rules: SchoolRules, shift: number): readonly MealWindow[] {
  if (rules.meal.windows.length === 0) return [wholeDay];
  return rules.meal.windows.filter(({ shifts }) => shifts === undefined || shifts.includes(shift));
}

export function isOpen({ from, to }: MealWindow, minute: number): boolean {
  return holds([from, to], minute);
}

export function givesEntitlement({ entitlement }: MealWindow): boolean {
  return entitlement !== false;
}
