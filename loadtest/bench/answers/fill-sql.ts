/**
 * How a history is made in the engine, some days a statement: `{seed:UInt32}`, `{from:Date}`, `{to:Date}`. Whatever happens
 * comes from hashes of the seed, the pupil (or school, or reader) and the day, so the same seed gives the same rows.
 */
import { defaults } from '../../region/defaults.ts';

/** Rows of the fill are of a shard that no service has: its own numbers cannot meet them. */
export const fillShard = 1_000;
const transfersFrom = fillShard * 2 ** 40;
/** Places of a pupil's day among the positions. */
const slots = 32;
const minuteMs = 60_000;
const fillRevision = 1;

const of = (whose: string, what: string) => `cityHash64({seed:UInt32}, ${whose}, number, '${what}')`;
/** 0 to 1. */
const share = (hash: string) => `(${hash} / 18446744073709551616.)`;
const draw = (what: string) => share(of('pupil_id', what));
const between = (from: number, to: number, what: string) => `(${from} + ${to - from} * ${draw(what)})`;
const minutes = (value: string | number) => `toInt64(${value} * ${minuteMs})`;

const ofTheDays = 'd.school_day BETWEEN {from:Date} AND {to:Date}';
/** A day of lessons, but for a school that is shut for once. */
const isOpen = `(d.is_open AND ${of('s.school_id', 'shut')} % 200 != 0)`;
/** One school of fifty is without its link for a part of the morning. */
const isCut = `(${of('s.school_id', 'cut')} % 50 = 0)`;
const cutFromMs = minutes('(s.bell_minute - 45)');
const cutForMs = minutes(`(20 + 220 * ${share(of('s.school_id', 'cut for'))})`);

const isAway = `${draw('away')} < d.absence`;
const isExcused = `(${draw('away')} < d.absence * 0.35 OR ${draw('excused')} < 0.002)`;
const isLeavingEarly = `${draw('early')} < ${defaults.leavesEarly}`;
const normal = `(sqrt(-2 * log(${draw('normal')} + 1e-12)) * cos(2 * pi() * ${draw('turn')}))`;
const { arrivalUsual, arrivalEarly, arrivalUsualMinutes: usual } = defaults;
const arrivalMinutes = `multiIf(
  ${draw('how')} < ${arrivalUsual}, ${usual.mean} + ${usual.deviation} * ${normal},
  ${draw('how')} < ${arrivalUsual + arrivalEarly}, ${between(defaults.arrivalEarlyMinutes.from, defaults.arrivalEarlyMinutes.to, 'before')},
  ${between(defaults.arrivalLateMinutes.from, defaults.arrivalLateMinutes.to, 'behind')})`;
const leavingMinutes = `if(${isLeavingEarly}, -${between(20, 120, 'early by')},
  least(180, ${defaults.leavingMinutesMean} * -log(${draw('leaves')} + 1e-12)))`;

/** Pupils on days, with what becomes of them. */
const pupilDays = `
  SELECT p.pupil_id AS pupil_id, p.class_id AS class_id, p.school_id AS school_id, p.shift AS shift, p.entitled AS entitled,
    p.uid AS uid, p.place AS place, d.school_day AS school_day, d.number AS number,
    s.gates AS gates, s.tills AS tills, s.lockers AS lockers, s.buses AS buses,
    toInt64(d.number) * 86400000 - s.offset_minutes * ${minuteMs} AS midnight_ms,
    if(${isCut}, ${cutFromMs}, 0) AS cut_from, if(${isCut}, cut_from + ${cutForMs}, 0) AS cut_to,
    ${minutes('p.bell_minute')} AS bell, bell + ${minutes(arrivalMinutes)} AS arrives,
    greatest(arrives + ${minutes(30)}, ${minutes('p.end_minute')} + ${minutes(leavingMinutes)}) AS leaves,
    cityHash64({seed:UInt32}, pupil_id, 'bus') % 100 < ${100 * defaults.busShare} AS rides,
    cityHash64({seed:UInt32}, pupil_id, 'locker') % 100 < ${100 * defaults.lockerShare} AS has_locker,
    ${draw('meals')} AS meals
  FROM bench.pupil AS p CROSS JOIN bench.day AS d INNER JOIN bench.school AS s ON s.school_id = p.school_id
  WHERE ${ofTheDays} AND ${isOpen} AND NOT (${isAway}) AND ${draw('forgotten')} >= ${defaults.cardForgotten}`;

interface PlannedTap {
  readonly when?: string;
  readonly kind: number;
  readonly at: string;
  readonly code?: string;
  readonly amount?: string;
  readonly ref?: string;
  readonly basis?: string;
}

const window = (place: 1 | 2) => `if(shift = 2, ${place + 2}, ${place})`;
const { oneMeal, twoMeals } = defaults;
const eats = (place: 1 | 2) =>
  `(meals < ${twoMeals} OR (meals < ${oneMeal + twoMeals} AND ${draw('which meal')} ${place === 1 ? '<' : '>='} 0.5))`;
const mealPrice = (place: 1 | 2) =>
  `(${(place === 1 ? defaults.breakfastRubles : defaults.lunchRubles).from} + school_id % 8) * 100`;
const paid = (what: string) => `if(${draw(what)} < 0.015, 46, 10)`;
const meal = (place: 1 | 2): PlannedTap => ({
  when: eats(place),
  kind: 3,
  at: `bell + ${minutes(between(place === 1 ? 60 : 185, place === 1 ? 85 : 215, `meal ${place}`))}`,
  code: `if(entitled, 11, ${paid(`pays ${place}`)})`,
  amount: mealPrice(place),
  ref: String(place),
  basis: `if(entitled, ${window(place)}, 0)`,
});
const buffetPrice = `100 * toInt64(least(250, greatest(15,
  ${defaults.buffetRublesMedian} * exp(${defaults.buffetSpread} * sqrt(-2 * log(${draw('hunger')} + 1e-12)) * cos(2 * pi() * ${draw('thirst')})))))`;
const fare = { kind: 7, amount: `if(entitled, 1400, ${100 * defaults.fareRubles})`, basis: 'if(entitled, 2, 1)' };
const route = `1 + ${of('pupil_id', 'route')} % 8`;
const lockerVisit = (at: string): PlannedTap[] => [
  { when: 'has_locker', kind: 5, at },
  { when: 'has_locker', kind: 6, at: `${at} + 20000` },
];
const goesOut = `${draw('goes out')} < 0.2`;
const outAt = `bell + ${minutes(between(170, 200, 'goes'))}`;

/** The taps of a pupil's day; a tap's place among them is part of its position. */
const planned: readonly PlannedTap[] = [
  { kind: 1, at: 'arrives', code: `if(${draw('by hand')} < ${defaults.enteredByHand}, 14, 10)` },
  { when: `${draw('bounces')} < ${defaults.bounces}`, kind: 1, at: 'arrives + 2500', code: '71' },
  { when: `${draw('no exit')} >= ${defaults.leavesWithoutTap}`, kind: 2, at: 'leaves' },
  { when: goesOut, kind: 2, at: outAt },
  { when: goesOut, kind: 1, at: `${outAt} + ${minutes(18)}` },
  meal(1),
  meal(2),
  {
    ...meal(2),
    when: `entitled AND ${eats(2)} AND ${draw('again')} < ${defaults.triesForSecondMeal}`,
    at: `${meal(2).at} + ${minutes(6)}`,
    code: '49',
    basis: '0',
  },
  {
    when: `${draw('buffet')} < ${defaults.buffetShare}`,
    kind: 4,
    at: `bell + ${minutes(between(110, 240, 'buffet at'))}`,
    code: `multiIf(${draw('buffet pays')} < 0.015, 46, ${draw('buffet pays')} < 0.02, 48, 10)`,
    amount: buffetPrice,
    ref: `100 + ${of('pupil_id', 'item')} % 40`,
  },
  { ...fare, when: 'rides', at: `arrives - ${minutes(15)}`, code: paid('ride there'), ref: route },
  { ...fare, when: 'rides', at: `leaves + ${minutes(9)}`, code: paid('ride back'), ref: route },
  {
    when: `rides AND ${draw('changes')} < ${defaults.ridesWithChange}`,
    kind: 7,
    at: `arrives - ${minutes(6)}`,
    code: '12',
    ref: '9',
    basis: '3',
  },
  ...lockerVisit(`arrives + ${minutes(3)}`),
  ...lockerVisit(`bell + ${minutes(150)}`),
  ...lockerVisit(`greatest(arrives + ${minutes(4)}, leaves - ${minutes(4)})`),
  { when: `${draw('stranger')} < ${defaults.unknownCards}`, kind: 1, at: 'arrives - 20000', code: '40' },
];

function tapOf(
  { when, kind, at, code = '10', amount = '0', ref = '0', basis = '0' }: PlannedTap,
  slot: number,
): string {
  const cells = [`toUInt8(${kind})`, `toInt64(${at})`, `toUInt8(${code})`, `toInt64(${amount})`, `toUInt32(${ref})`];
  const tuple = `[(toUInt8(${slot}), ${cells.join(', ')}, toUInt8(${basis}))]`;
  return when === undefined ? tuple : `if(${when}, ${tuple}, [])`;
}

const pick = (readers: string) => `${readers}[1 + cityHash64(pupil_id, tap.1) % length(${readers})]`;

export const insertTaps = `
INSERT INTO tap (position, at, at_raw, received_at, amount_kop, debited_kop, balance_kop, reader_id, boot_epoch, seq, school_id,
  pupil_id, card_id, home_school_id, class_id, ref, rules_version, content_hash, shard, flags, school_day, local_minute,
  kind, code, purse, clock_quality, reader_flags, present, uid_size, basis, uid, notice)
WITH
  tap.2 AS tap_kind, tap.4 AS tap_code, tap.5 AS price, tap_code = 40 AS is_stranger,
  greatest(0, tap.3) AS local_ms,
  local_ms >= cut_from AND local_ms < cut_to AND tap_kind < 7 AS is_offline,
  multiIf(tap_kind <= 2, ${pick('gates')}, tap_kind <= 4, ${pick('tills')}, tap_kind <= 6, ${pick('lockers')}, ${pick('buses')}) AS reader,
  tap_code IN (10, 13) AND price > 0 AS is_paid,
  cityHash64(pupil_id, number, tap.1) AS noise,
  cityHash64({seed:UInt32}, reader, number, 'clock') % 1000 AS clock,
  if(is_offline, cut_to - local_ms, 0) + 40 + noise % 400 AS lag_ms,
  if(clock < 5, toInt64(400000), toInt64(clock % 2000)) AS off_ms
SELECT (toUInt64(number) * {pupils:UInt32} + place) * ${slots} + tap.1 AS position,
  fromUnixTimestamp64Milli(midnight_ms + local_ms, 'UTC'), fromUnixTimestamp64Milli(midnight_ms + local_ms + off_ms, 'UTC'),
  fromUnixTimestamp64Milli(midnight_ms + local_ms + lag_ms, 'UTC'),
  price, if(is_paid, price, 0), if(is_paid, toInt64(noise % 200000), 0), reader, 1 + number - 19000,
  (toUInt32(place) * ${slots} + tap.1) % 1000000, school_id, if(is_stranger, 0, pupil_id), if(is_stranger, 0, pupil_id + 500000),
  if(is_stranger, 0, school_id), if(is_stranger, 0, class_id), tap.6, 1, toUInt32(noise % 4294967296), ${fillShard},
  bitOr(bitOr(toUInt16(is_offline), if(lag_ms > 300000, 2, 0)), bitOr(if(clock < 5, 8, 0), if(tap_code = 14, 256, 0))),
  school_day, intDiv(local_ms, ${minuteMs}) % 1440, tap_kind, tap_code,
  multiIf(NOT is_paid, 0, tap_kind = 3, 1, tap_kind = 4, 2, 3),
  multiIf(clock < 5, 'D', clock < 25, 'B', 'A'),
  bitOr(multiIf(NOT is_offline, 0, tap_code < 40, 1, 2), if(tap_code = 14, 8, 0)),
  bitOr(toUInt8(price > 0), if(tap.6 > 0, 2, 0)),
  if(is_stranger, 4, toUInt8(length(uid) / 2)), tap.7, toFixedString(unhex(if(is_stranger, hex(toUInt32(noise)), uid)), 10),
  toUInt8(tap_code < 40)
FROM (SELECT *, arrayJoin(arrayConcat(${planned.map(tapOf).join(',\n')})) AS tap FROM (${pupilDays}))`;

const sale = `shard = ${fillShard} AND school_day BETWEEN {from:Date} AND {to:Date} AND kind IN (3, 4, 7)
    AND (debited_kop > 0 OR code = 11) AND reader_flags != 2`;
const account = (owner: number, id: string, purse = '0') =>
  `toUInt64(${owner} * ${2 ** 40} + toUInt64(${purse}) * ${2 ** 32} + ${id})`;

/** What the sales among the taps moved; one in two thousand is taken back two hours later. */
export const insertTransfers = `
INSERT INTO transfer (transfer_id, cause_position, debit_account, credit_account, kop, at, reverses, pupil_id, school_id, shard,
  school_day, cause, purse)
WITH
  ${transfersFrom} + position * 2 AS id,
  if(code = 11, ${account(5, 's.district_id')}, ${account(1, 'pupil_id', 'purse')}) AS payer,
  if(kind = 7, ${account(3, 'school_id')}, ${account(2, 'school_id')}) AS seller,
  cityHash64({seed:UInt32}, position, 'back') % 2000 = 0 AS is_back,
  arrayJoin(if(is_back, [0, 1], [0])) AS back
SELECT id + back, if(back, 0, position), if(back, seller, payer), if(back, payer, seller), amount_kop,
  at + INTERVAL back * 7200 SECOND, if(back, id, 0), pupil_id, school_id, shard, school_day, if(back, 4, 1), purse
FROM tap INNER JOIN bench.school AS s USING (school_id) WHERE ${sale}`;

const instant = (minute: string) =>
  `fromUnixTimestamp64Milli(toInt64(d.number) * 86400000 + (toInt64(${minute}) - s.offset_minutes) * ${minuteMs}, 'UTC')`;

/** Everybody, every day: closed days have a roster, too. */
export const insertRoster = `
INSERT INTO roster_day (school_id, school_day, pupil_id, class_id, shift, doors_at, bell_at, end_at, entitled, excused, revision)
SELECT p.school_id, d.school_day, pupil_id, class_id, shift, ${instant('p.doors_minute')}, ${instant('p.bell_minute')},
  ${instant('p.end_minute')}, entitled, d.is_open AND ${isExcused}, ${fillRevision}
FROM bench.pupil AS p CROSS JOIN bench.day AS d INNER JOIN bench.school AS s ON s.school_id = p.school_id
WHERE ${ofTheDays}`;

export const insertCalendar = `
INSERT INTO calendar_day (school_id, school_day, is_open, reason, revision)
SELECT s.school_id, d.school_day, ${isOpen} AS open, if(d.is_open AND NOT open, 'closed', d.reason), ${fillRevision}
FROM bench.school AS s CROSS JOIN bench.day AS d WHERE ${ofTheDays}`;

const beatSeconds = 60;
const beatsADay = 86_400 / beatSeconds;

/**
 * A beat a minute of every reader while its school is open, of older days (`{is_old:UInt8}`) only those that coverage rests
 * on. A link that is cut is silent.
 */
export const insertBeats = `
INSERT INTO reader_beat (at, reader_id, school_id, event, queued, oldest_at, drift_ms, gaps, rules_version, firmware)
WITH
  (toInt64(beat) * ${beatSeconds} + cityHash64(reader_id) % ${beatSeconds}) * 1000 AS local_ms,
  has(s.gates, reader_id) AS is_gate
SELECT fromUnixTimestamp64Milli(toInt64(d.number) * 86400000 - s.offset_minutes * ${minuteMs} + local_ms, 'UTC'), reader_id,
  s.school_id, 'beat', 0, NULL, toInt64(cityHash64({seed:UInt32}, reader_id, d.number) % 2000) - 1000, 0, 1, 'bench 1'
FROM bench.school AS s ARRAY JOIN arrayConcat(gates, tills, lockers, buses) AS reader_id
CROSS JOIN bench.day AS d CROSS JOIN (SELECT number AS beat FROM numbers(${beatsADay})) AS beats
WHERE ${ofTheDays} AND (is_gate OR d.is_open) AND NOT (${isCut} AND local_ms >= ${cutFromMs} AND local_ms < ${cutFromMs} + ${cutForMs})
  AND local_ms >= (s.bell_minute - ${defaults.doorsBeforeBellMinutes + 5}) * ${minuteMs}
  AND local_ms < if({is_old:UInt8}, s.last_bell_minute + 35, 1200) * ${minuteMs} AND (is_gate OR NOT {is_old:UInt8})`;
