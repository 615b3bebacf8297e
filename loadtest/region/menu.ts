import type { Layer, RulesFile } from '../oracle/rules.ts';
import { defaults } from './defaults.ts';
import type { RegionOptions, SchoolPlan } from './model.ts';
import { Random } from './random.ts';

/** Item numbers. The buffet's last ones are sold by weight: no list has their price. */
export const item = { breakfast: 1, lunch: 2, buffetFirst: 100, buffetListed: 135, buffetLast: 139 } as const;

/** Bus lines; the last is on no list, and its buses say what a ride costs. */
export const routes = { first: 1, listed: 8, last: 9 } as const;

const shiftOne = [
  { window: 1, name: 'breakfast', from: '08:20', to: '10:43', shifts: [1] },
  { window: 2, name: 'lunch', from: '10:43', to: '15:00', shifts: [1] },
];
const shiftTwo = [
  { window: 3, name: 'breakfast', from: '13:50', to: '16:13', shifts: [2] },
  { window: 4, name: 'lunch', from: '16:13', to: '20:00', shifts: [2] },
];

/** The rules that a region imports: something in every layer. */
export function regionRules(options: RegionOptions, plans: readonly SchoolPlan[]): RulesFile {
  const districts: Record<string, Layer> = {
    2: { meal: { overdraft_kop: 10_000 }, fare: { reduced_rides_per_month: 1 } },
  };
  const schools = plans.map((plan): [number, Layer] => [plan.schoolId, schoolLayer(options.seed, plan.schoolId)]);
  return {
    region: regionLayer(options.seed),
    districts: plans.some(({ districtId }) => districtId === 2) ? districts : {},
    schools: Object.fromEntries(schools),
  };
}

function regionLayer(seed: number): Layer {
  const random = new Random(seed, 'menu');
  const prices: Record<string, number> = {};
  for (let ref: number = item.buffetFirst; ref <= item.buffetListed; ref++) prices[ref] = buffetKop(random);
  const fares: Record<string, { kop: number; reduced_kop: number }> = {};
  const { fareRubles } = defaults;
  for (let route: number = routes.first; route <= routes.listed; route++) {
    fares[route] = { kop: fareRubles * 100, reduced_kop: fareRubles * 50 };
  }
  return {
    gate: { hours: ['05:30', '22:30'] },
    meal: { windows: [...shiftOne, ...shiftTwo] },
    fare: { routes: fares, reduced_for: 'entitled', reduced_rides_per_month: 60 },
    prices,
    closed_weekdays: [6, 7],
  };
}

/** Every school has its own prices; of three, one watches over buffet and doors, and one gives tea to who pays. */
function schoolLayer(seed: number, schoolId: number): Layer {
  const random = new Random(seed, 'prices', schoolId);
  const kopecks = ({ from, to }: { from: number; to: number }): number => random.integer(from, to) * 100;
  const prices = {
    [item.breakfast]: kopecks(defaults.breakfastRubles),
    [item.lunch]: kopecks(defaults.lunchRubles),
  };
  if (schoolId % 3 === 1) {
    const buffet = { daily_limit_kop: 15_000, hours: ['09:00', '12:45'] as const };
    return { prices, buffet, gate: { hours: ['07:10', '21:00'] } };
  }
  if (schoolId % 3 === 0) return { prices };
  const tea = { window: 5, name: 'tea', from: '13:00', to: '15:00', shifts: [1], entitlement: false };
  return { prices, meal: { windows: [shiftOne[0], { ...shiftOne[1], to: '13:00' }, tea, ...shiftTwo] } };
}

/** What a sale at the buffet comes to, kopecks. */
export function buffetKop(random: Random): number {
  const { buffetRublesMedian, buffetSpread, buffetRubles } = defaults;
  const rubles = Math.round(buffetRublesMedian * Math.exp(random.normal(0, buffetSpread)));
  return Math.min(buffetRubles.to, Math.max(buffetRubles.from, rubles)) * 100;
}
