import { Kind, ReaderFlag } from '../../ingest/protocol/codes.ts';
import { bounceSeconds, defaults } from './defaults.ts';
import type { School, SchoolTap } from './model.ts';
import type { Random } from './random.ts';
import { unknownUidFirstByte } from './school.ts';

/** How much less an old list asks. */
const oldPriceKop = 300;

const isGate = (kind: number): boolean => kind === Kind.gateIn || kind === Kind.gateOut;
const isSale = (kind: number): boolean => kind === Kind.meal || kind === Kind.buffet;

function seconds(random: Random, from: number, to: number): number {
  return Math.round(random.between(from, to) * 1000);
}

/** One tap as it was meant becomes what really reaches the reader: people and tills make mistakes, and repeat themselves. */
export function withMishaps(random: Random, school: School, tap: SchoolTap): SchoolTap[] {
  const sent = isSale(tap.kind) ? asTillSendsIt(random, school, tap) : [byHand(random, tap)];
  return [...sent, ...bounces(random, tap), ...strangers(random, tap), ...onceMore(random, school, tap)];
}

/** A till leaves the price to the list, or asks that of an old list, is told so, and asks again. */
function asTillSendsIt(random: Random, school: School, tap: SchoolTap): SchoolTap[] {
  if (school.rules.prices[tap.ref] !== tap.amountKop) return [tap];
  if (random.chance(defaults.pricesLeftToList)) return [{ ...tap, amountKop: 0 }];
  if (!random.chance(defaults.oldPrices)) return [tap];
  return [
    { ...tap, amountKop: tap.amountKop - oldPriceKop },
    { ...tap, atMs: tap.atMs + seconds(random, 12, 25) },
  ];
}

function byHand(random: Random, tap: SchoolTap): SchoolTap {
  const canBe = tap.kind !== Kind.fare && random.chance(defaults.enteredByHand);
  return canBe ? { ...tap, flags: tap.flags | ReaderFlag.byHand } : tap;
}

function bounceOf(kind: number): { window: number; from: number; to: number } {
  if (isGate(kind)) return bounceSeconds.gate;
  if (isSale(kind)) return bounceSeconds.till;
  return kind === Kind.fare ? bounceSeconds.fare : bounceSeconds.locker;
}

function bounces(random: Random, tap: SchoolTap): SchoolTap[] {
  if (!random.chance(defaults.bounces)) return [];
  const { from, to } = bounceOf(tap.kind);
  return [{ ...tap, flags: 0, atMs: tap.atMs + seconds(random, from, to) }];
}

function strangers(random: Random, tap: SchoolTap): SchoolTap[] {
  if (!random.chance(defaults.unknownCards)) return [];
  const uid = Buffer.from(random.bytes(4));
  uid[0] = unknownUidFirstByte;
  const atMs = tap.atMs + random.integer(500, 2_000);
  return [{ ...tap, atMs, flags: 0, pupil: null, uid: uid.toString('hex').toUpperCase() }];
}

/** A card handed back over the gate; a second meal of who has had the free one; a visit to the neighbours. */
function onceMore(random: Random, school: School, tap: SchoolTap): SchoolTap[] {
  const later = (from: number, to: number): SchoolTap => ({
    ...tap,
    flags: 0,
    atMs: tap.atMs + seconds(random, from, to),
  });
  if (tap.kind === Kind.meal && tap.pupil?.entitled) {
    return random.chance(defaults.triesForSecondMeal) ? [later(180, 900)] : [];
  }
  if (tap.kind !== Kind.gateIn) return [];
  if (random.chance(defaults.passbacks)) return [later(20, 200)];
  const { neighbour } = school;
  if (neighbour === null || !random.chance(defaults.visitsToNeighbour)) return [];
  // Half of them cannot be: the card is still warm at the own gate.
  const visit = random.chance(0.5) ? later(15, 45) : later(1_200, 2_400);
  return [{ ...visit, ...neighbour }];
}
