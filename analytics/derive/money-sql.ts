/** What is derived of transfers and meals, and the two statements that sum a derivation up and publish it. */
import { closedSchools, ofTheRun, owned, ownership, roster } from './attendance-sql.ts';

/** Transfers that a sale made, and what sales moved back: neither top-ups nor other money that no reader took. */
const sold = 'cause IN (1, 7)';
const takenBack = 'cause = 4';
const original =
  'transfer_id, shard, cause_position, cause, school_id, school_day, pupil_id, purse, kop, bitShiftRight(credit_account, 40) = 3 AS is_fare';

/** Sales of the day count 1; a reversal counts −1, on the day on which it was made, and is the sale that it takes back. */
const movements = `
  SELECT school_id AS at_school, toInt64(1) AS sign, ${original} FROM transfer WHERE ${ofTheRun} AND ${sold}
  UNION ALL
  SELECT back.school_id AS at_school, toInt64(-1) AS sign, sale.*
  FROM (SELECT school_id, reverses FROM transfer WHERE ${ofTheRun} AND ${takenBack}) AS back
  INNER JOIN (SELECT ${original} FROM transfer WHERE transfer_id IN
    (SELECT reverses FROM transfer WHERE ${ofTheRun} AND ${takenBack})) AS sale ON sale.transfer_id = back.reverses`;

/** Taps of the days that the movements' sales were made on; the newest reversal may reach far back. */
const saleTaps = `
  FROM tap
  WHERE school_id IN {schools:Array(UInt32)} AND school_day IN (SELECT school_day FROM (${movements})) AND kind IN (3, 4, 7)`;

/**
 * A sale is its tap's kind and item. One that an OUTCOME made names no tap: it is the pupil's newest refusal before it
 * with its price; without such, what the seller and the purse say.
 */
export const insertSpending = `
INSERT INTO spend_day (school_id, school_day, kind, purse, item, n, kop, ${ownership})
WITH
  moved AS (${movements}),
  taps AS (SELECT shard, position AS cause_position, kind, ref ${saleTaps} AND code < 60),
  refused AS (SELECT shard, school_id, school_day, pupil_id, kind = 7 AS is_ride, amount_kop AS price_kop,
      arraySort(groupArray((position, kind, ref))) AS refusals
    ${saleTaps} AND code BETWEEN 40 AND 54 AND bitAnd(reader_flags, 3) = 0
      AND (shard, pupil_id) IN (SELECT shard, pupil_id FROM moved WHERE cause = 7)
    GROUP BY shard, school_id, school_day, pupil_id, is_ride, price_kop),
  arrayLast(r -> r.1 < moved.cause_position, refusals) AS refusal,
  multiIf(cause = 1 AND taps.kind != 0, taps.kind, refusal.2 != 0, refusal.2, moved.is_fare, 7, purse = 1, 3, 4) AS sold_kind,
  if(cause = 1, taps.ref, refusal.3) AS sold_item
SELECT at_school AS school_id, toDate({day:UInt16}), sold_kind, purse, sold_item, sum(sign) AS n, sum(sign * moved.kop) AS kop,
  ${owned}
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

/** Pupils that got a meal from the fund and kept it, with the window whose entitlement it was. */
const served = `
  SELECT school_id, pupil_id, basis AS window, any(class_id) AS tap_class, max(at) AS at FROM tap
  WHERE ${ofTheRun} AND kind = 3 AND code = 11 AND (bitAnd(reader_flags, 1) != 0 OR bitAnd(reader_flags, 2) = 0)
    AND (shard, position) NOT IN (${mealsTakenBack})
  GROUP BY school_id, pupil_id, window`;

/**
 * For each class and each window that pupils of its shift were served from. Who eats is the roster's class, for a pupil that
 * is not on it the tap's; unclaimed are entitled pupils of the roster alone. A second meal refused belongs to the window that
 * the pupil was served from last.
 */
export const insertEntitlements = `
INSERT INTO entitlement_day (school_id, school_day, class_id, window, entitled, served, second_refused, unclaimed, ${ownership})
WITH
  expected AS (${roster}),
  eaten AS (${served}),
  entitled AS (SELECT * FROM expected WHERE entitled AND school_id NOT IN (${closedSchools})),
  windows AS (SELECT school_id, shift, if(empty(groupUniqArray(eaten.window) AS seen), [0], seen) AS windows
    FROM (SELECT DISTINCT school_id, shift FROM entitled) AS shifts
    LEFT JOIN (SELECT DISTINCT school_id, shift, window FROM eaten INNER JOIN expected USING (school_id, pupil_id)) AS eaten
      USING (school_id, shift)
    GROUP BY school_id, shift),
  refused AS (SELECT school_id, pupil_id, any(class_id) AS tap_class, count() AS refusals FROM tap
    WHERE ${ofTheRun} AND kind = 3 AND code = 49 AND bitAnd(reader_flags, 1) = 0 GROUP BY school_id, pupil_id),
  counted AS (
    SELECT school_id, class_id, arrayJoin(windows) AS window, 1 AS entitled_n, 0 AS served_n, 0 AS refused_n, 1 AS unclaimed_n
    FROM entitled INNER JOIN windows USING (school_id, shift)
    UNION ALL
    SELECT eaten.school_id, if(expected.pupil_id != 0, expected.class_id, tap_class), window, 0, 1, 0,
      if(entitled.pupil_id != 0, -1, 0)
    FROM eaten LEFT JOIN expected ON expected.school_id = eaten.school_id AND expected.pupil_id = eaten.pupil_id
      LEFT JOIN entitled ON entitled.school_id = eaten.school_id AND entitled.pupil_id = eaten.pupil_id
    UNION ALL
    SELECT refused.school_id, if(expected.pupil_id != 0, expected.class_id, tap_class), last.window, 0, 0, refusals, 0
    FROM refused LEFT JOIN expected ON expected.school_id = refused.school_id AND expected.pupil_id = refused.pupil_id
      LEFT JOIN (SELECT school_id, pupil_id, argMax(window, (at, window)) AS window FROM eaten GROUP BY school_id, pupil_id)
        AS last ON last.school_id = refused.school_id AND last.pupil_id = refused.pupil_id)
SELECT school_id, toDate({day:UInt16}), class_id, window, sum(entitled_n), sum(served_n), sum(refused_n), sum(unclaimed_n), ${owned}
FROM counted GROUP BY school_id, class_id, window`;

const ofTheRevision = `${ofTheRun} AND revision = {revision:UInt64}`;

/** One row for each school, also where nothing was expected. */
export const insertDistrictDays = `
INSERT INTO district_day (district_id, school_day, school_id, expected, arrived, late, out_only, no_tap_covered,
  no_tap_uncovered, excused, closed, left_early, no_exit, manual, clock_doubt, alive_ms, due_ms, meals_kop, buffet_kop,
  fare_kop, spend_kop, entitled, served, roster_revision, calendar_revision, ${ownership})
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
    FROM entitlement_day AS e WHERE ${ofTheRevision} GROUP BY school_id),
  rosters AS (SELECT school_id, max(r.revision) AS roster_revision FROM roster_day AS r WHERE ${ofTheRun} GROUP BY school_id),
  calendars AS (SELECT school_id, max(c.revision) AS calendar_revision FROM calendar_day AS c WHERE ${ofTheRun} GROUP BY school_id)
SELECT district_id, toDate({day:UInt16}), school_id, expected, arrived, late, out_only, no_tap_covered, no_tap_uncovered,
  excused, closed, left_early, no_exit, manual, clock_doubt, alive_ms, due_ms, meals_kop, buffet_kop, fare_kop, spend_kop,
  entitled, served, roster_revision, calendar_revision, ${owned}
FROM (SELECT arrayJoin({schools:Array(UInt32)}) AS school_id) AS schools
LEFT JOIN (SELECT school_id, district_id FROM school) AS school USING (school_id)
LEFT JOIN students USING (school_id) LEFT JOIN coverage USING (school_id) LEFT JOIN spending USING (school_id)
LEFT JOIN meals USING (school_id) LEFT JOIN rosters USING (school_id) LEFT JOIN calendars USING (school_id)`;

/** Publishes the run: with these lines the views change over, for all its schools at once. */
export const insertLog = `
INSERT INTO derive_log (school_id, school_day, revision, at, cause, before_expected, before_arrived, before_late,
  before_spend_kop, after_expected, after_arrived, after_late, after_spend_kop, side)
SELECT school_id, school_day, revision, fromUnixTimestamp64Milli({as_of_ms:Int64}),
  transform(school_id, {schools:Array(UInt32)}, {causes:Array(String)}, ''),
  before.expected, before.arrived, before.late, before.spend_kop, expected, arrived, late, spend_kop, side
FROM (SELECT * FROM district_day WHERE ${ofTheRevision}) AS now
LEFT JOIN (SELECT school_id, expected, arrived, late, spend_kop FROM v_school_day WHERE ${ofTheRun}) AS before
  USING (school_id)`;
