/** What is derived of transfers and meals, and the two statements that sum a derivation up and publish it. */
import {
  asOfMs,
  derivedForm,
  isClosed,
  ofTheRun,
  owned,
  ownership,
  publishedRevision,
  roster,
} from './attendance-sql.ts';

/** Transfers that a sale made, and what sales moved back: neither top-ups nor other money that no reader took. */
const sold = 'cause IN (1, 7)';
const takenBack = 'cause = 4';
/** Days that the run's sales were made on, those that are taken back on its day as well. */
const ofTheSales = 'school_id IN {schools:Array(UInt32)} AND school_day IN {sale_days:Array(Date)}';
const sale = `transfer_id, shard, cause_position, cause, school_id, school_day, pupil_id, purse, kop,
    bitShiftRight(credit_account, 40) = 3 AS is_fare`;

/** Sales of the day count 1; a reversal counts −1, on the day on which it was made, and is the sale that it takes back. */
const movements = `
  SELECT school_id AS at_school, toInt64(1) AS sign, ${sale} FROM transfer WHERE ${ofTheRun} AND ${sold}
  UNION ALL
  SELECT back.school_id AS at_school, toInt64(-1) AS sign, sales.*
  FROM (SELECT school_id, reverses FROM transfer WHERE ${ofTheRun} AND ${takenBack}) AS back
  INNER JOIN (SELECT ${sale} FROM transfer WHERE ${ofTheSales} AND ${sold}) AS sales ON sales.transfer_id = back.reverses`;

/**
 * A sale is its tap's kind and item. One that an OUTCOME made names no tap: it is the pupil's newest refusal before it
 * with its price; without such, what the seller and the purse say. Eaters have a sale of the day that was not taken back on
 * it; `taken_back` are the other pupils whom the row is about.
 */
export const insertSpending = `
INSERT INTO spend_day (school_id, school_day, kind, purse, item, n, kop, eaters, taken_back, ${ownership})
WITH
  moved AS (${movements}),
  taps AS (SELECT shard, position AS cause_position, kind, ref FROM tap
    WHERE ${ofTheSales} AND kind IN (3, 4, 7) AND code < 60),
  refused AS (SELECT shard, school_id, school_day, pupil_id, kind = 7 AS is_ride, amount_kop AS price_kop,
      arraySort(groupArray((position, kind, ref))) AS refusals
    FROM tap
    WHERE ${ofTheSales} AND kind IN (3, 4, 7) AND code BETWEEN 40 AND 54 AND bitAnd(reader_flags, 3) = 0
    GROUP BY shard, school_id, school_day, pupil_id, is_ride, price_kop),
  arrayLast(r -> r.1 < moved.cause_position, refusals) AS refusal,
  multiIf(cause = 1 AND taps.kind != 0, taps.kind, refusal.2 != 0, refusal.2, moved.is_fare, 7, purse = 1, 3, 4) AS sold_kind,
  if(cause = 1, taps.ref, refusal.3) AS sold_item,
  sign = 1 AND transfer_id NOT IN (SELECT reverses FROM transfer WHERE ${ofTheRun} AND ${takenBack}) AS stands
SELECT at_school AS school_id, toDate({day:UInt16}), sold_kind, purse, sold_item, sum(sign) AS n, sum(sign * moved.kop) AS kop,
  arraySort(groupUniqArrayIf(moved.pupil_id, stands)) AS eaters,
  arraySort(arrayFilter(p -> NOT has(eaters, p), groupUniqArrayIf(moved.pupil_id, NOT stands))) AS taken_back, ${owned}
FROM moved
LEFT JOIN taps ON moved.shard = taps.shard AND moved.cause_position = taps.cause_position
LEFT JOIN refused ON moved.shard = refused.shard AND moved.school_id = refused.school_id
  AND moved.school_day = refused.school_day AND moved.pupil_id = refused.pupil_id
  AND moved.is_fare = refused.is_ride AND moved.kop = refused.price_kop
GROUP BY at_school, sold_kind, purse, sold_item`;

/** Fund transfers of the day that were taken back, on whichever day. */
const mealsTakenBack = `
  SELECT shard, cause_position FROM transfer
  WHERE ${ofTheRun} AND cause = 1 AND purse = 0 AND transfer_id IN
    (SELECT reverses FROM transfer WHERE school_day >= toDate({day:UInt16}) AND reverses != 0
      AND school_id IN {schools:Array(UInt32)} AND ${takenBack})`;

const isServed = 'code = 11 AND NOT is_taken_back';
/** For each pupil: the windows whose entitlement it ate, the newest of them, and how often it was refused another meal. */
const meals = `
  SELECT school_id, pupil_id, any(class_id) AS tap_class, groupUniqArrayIf(basis, ${isServed}) AS windows,
    argMaxIf(basis, (at, basis), ${isServed}) AS newest_window, countIf(code = 49) AS refusals
  FROM (SELECT school_id, pupil_id, class_id, basis, at, code, (shard, position) IN (${mealsTakenBack}) AS is_taken_back FROM tap
    WHERE ${ofTheRun} AND kind = 3 AND ((code = 11 AND bitAnd(reader_flags, 3) != 2) OR (code = 49 AND bitAnd(reader_flags, 1) = 0)))
  GROUP BY school_id, pupil_id`;

/**
 * For each class and each window that pupils of its shift were served from: entitled, served, refused a second meal,
 * unclaimed. Who eats is the roster's class, for a pupil that is not on it the tap's; unclaimed are entitled pupils of the
 * roster alone. A second meal refused belongs to the window that the pupil was served from last.
 */
export const insertEntitlements = `
INSERT INTO entitlement_day (school_id, school_day, class_id, window, entitled, served, second_refused, unclaimed, ${ownership})
SELECT school_id, toDate({day:UInt16}), class_id, part.1 AS window, sum(part.2), sum(part.3), sum(part.4), sum(part.5), ${owned}
FROM (
  SELECT school_id, if(is_expected, class_id, tap_class) AS class_id,
    groupUniqArrayArray(if(is_expected, windows, [])) OVER (PARTITION BY school_id, shift, is_expected) AS seen,
    arrayJoin(arrayConcat(
      if(entitled AND NOT ${isClosed},
        arrayMap(w -> (w, 1, 0, 0, toInt32(NOT has(windows, w))), if(empty(seen), [toUInt8(0)], seen)), []),
      arrayMap(w -> (w, 0, 1, 0, toInt32(0)), windows),
      if(refusals = 0, [], [(newest_window, 0, 0, refusals, toInt32(0))]))) AS part
  FROM (SELECT *, 1 AS is_expected FROM (${roster})) AS expected
  FULL OUTER JOIN (${meals}) AS meals USING (school_id, pupil_id))
GROUP BY school_id, class_id, window`;

const ofTheRevision = `${ofTheRun} AND revision = {revision:UInt64}`;

/** One row for each school, also where nothing was expected. */
export const insertDistrictDays = `
INSERT INTO district_day (district_id, school_day, school_id, expected, arrived, late, out_only, no_tap_covered,
  no_tap_uncovered, excused, closed, left_early, no_exit, manual, clock_doubt, alive_ms, due_ms, meals_kop, buffet_kop,
  fare_kop, spend_kop, entitled, served, is_closed, form, roster_revision, calendar_revision, ${ownership})
WITH
  students AS (SELECT school_id, countIf(status NOT IN ('excused', 'closed')) AS expected,
      countIf(status IN ('on_time', 'late')) AS arrived, countIf(status = 'late') AS late,
      countIf(status = 'out_only') AS out_only, countIf(status = 'no_tap_covered') AS no_tap_covered,
      countIf(status = 'no_tap_uncovered') AS no_tap_uncovered, countIf(status = 'excused') AS excused,
      countIf(status = 'closed') AS closed, sum(s.left_early) AS left_early, sum(s.no_exit) AS no_exit,
      sum(s.manual) AS manual, sum(s.clock_doubt) AS clock_doubt
    FROM student_day AS s WHERE ${ofTheRevision} GROUP BY school_id),
  coverage AS (SELECT school_id, sum(c.alive_ms) AS alive_ms, sum(c.due_ms) AS due_ms
    FROM coverage_day AS c WHERE ${ofTheRevision} GROUP BY school_id),
  spending AS (SELECT school_id, sumIf(s.kop, kind = 3) AS meals_kop, sumIf(s.kop, kind = 4) AS buffet_kop,
      sumIf(s.kop, kind = 7) AS fare_kop, sum(s.kop) AS spend_kop
    FROM spend_day AS s WHERE ${ofTheRevision} GROUP BY school_id),
  meals AS (SELECT school_id, sum(e.entitled) AS entitled, sum(e.served) AS served
    FROM entitlement_day AS e WHERE ${ofTheRevision} GROUP BY school_id)
SELECT transform(school_id, {schools:Array(UInt32)}, {districts:Array(UInt32)}, toUInt32(0)), toDate({day:UInt16}), school_id,
  expected, arrived, late, out_only, no_tap_covered, no_tap_uncovered, excused, closed, left_early, no_exit, manual,
  clock_doubt, alive_ms, due_ms, meals_kop, buffet_kop, fare_kop, spend_kop, entitled, served, ${isClosed}, ${derivedForm},
  transform(school_id, {schools:Array(UInt32)}, {rosters:Array(UInt64)}, toUInt64(0)),
  transform(school_id, {schools:Array(UInt32)}, {calendars:Array(UInt64)}, toUInt64(0)), ${owned}
FROM (SELECT arrayJoin({schools:Array(UInt32)}) AS school_id) AS schools
LEFT JOIN students USING (school_id) LEFT JOIN coverage USING (school_id) LEFT JOIN spending USING (school_id)
LEFT JOIN meals USING (school_id)`;

/** Publishes the run: with these lines the views change over, for all its schools at once. */
export const insertLog = `
INSERT INTO derive_log (school_id, school_day, revision, side, at, cause, before_expected, before_arrived, before_late,
  before_spend_kop, after_expected, after_arrived, after_late, after_spend_kop)
SELECT school_id, school_day, {revision:UInt64}, anyIf(side, is_new), fromUnixTimestamp64Milli(${asOfMs}),
  transform(school_id, {schools:Array(UInt32)}, {causes:Array(String)}, ''),
  sumIf(expected, NOT is_new), sumIf(arrived, NOT is_new), sumIf(late, NOT is_new), sumIf(spend_kop, NOT is_new),
  sumIf(expected, is_new), sumIf(arrived, is_new), sumIf(late, is_new), sumIf(spend_kop, is_new)
FROM (SELECT *, revision = {revision:UInt64} AS is_new FROM district_day
  WHERE ${ofTheRun} AND (is_new OR revision = ${publishedRevision}))
GROUP BY school_id, school_day`;
