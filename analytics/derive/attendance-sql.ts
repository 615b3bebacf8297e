/**
 * What is derived of roster, calendar, beats and gate taps. Each statement replaces all schools of one run on one day;
 * parameters: `DeriveParameters` in `look.ts`. Planning costs more than reading here, so what several statements need is
 * asked once and given as a parameter, and no subquery stands twice in a statement.
 */

/**
 * Raise it whenever derived rows get a column or a rule changes: days of another form are found out of date, and derived
 * again, all that there are.
 */
export const derivedForm = 1;

/** Schools and day of the run, as a condition of a table's rows. */
export const ofTheRun = 'school_id IN {schools:Array(UInt32)} AND school_day = toDate({day:UInt16})';
/** The side of the derived tables that is not published for the row's school. */
const sideOf = 'transform(school_id, {schools:Array(UInt32)}, {sides:Array(UInt8)}, toUInt8(0))';
/** Ends of the columns and of the row of every derived table. */
export const ownership = 'side, revision';
export const owned = `${sideOf} AS side, {revision:UInt64} AS revision`;
/** The revision that is published for the row's school, 0 for none. */
export const publishedRevision =
  'transform(school_id, {schools:Array(UInt32)}, {published:Array(UInt64)}, toUInt64(0))';
export const asOfMs = '{as_of_ms:Int64}';

/** The newest freeze: pupils that it does not have were removed. */
export const roster = `
  SELECT school_id, pupil_id, class_id, shift, doors_at, bell_at, end_at, entitled, excused
  FROM roster_day FINAL
  WHERE ${ofTheRun} AND revision = transform(school_id, {schools:Array(UInt32)}, {rosters:Array(UInt64)}, toUInt64(0))`;

export const isClosed = 'has({closed:Array(UInt32)}, school_id)';

/** Of a gate: through, by the rules or by the reader's deed (\`wentThrough\` of the ledger, as far as one row tells). */
export const wentThrough = `(code != 71 AND (bitAnd(reader_flags, 1) != 0
    OR (bitAnd(reader_flags, 2) = 0 AND (code BETWEEN 10 AND 39 OR (kind = 2 AND code BETWEEN 40 AND 45)))))`;

/** Each pupil's passages in order of time, an entry before an exit: (at in ms, kind, doubtful, by hand, five minutes). */
const passages = `
  SELECT school_id, pupil_id,
    arraySort(groupArray((toUnixTimestamp64Milli(at), kind, clock_quality = 'D', code = 14 OR bitAnd(flags, 256) != 0,
      intDiv(local_minute, 5)))) AS passages
  FROM tap
  WHERE ${ofTheRun} AND kind IN (1, 2) AND pupil_id != 0 AND ${wentThrough}
  GROUP BY school_id, pupil_id`;

/** A reader is alive for 90 s from each beat and from the moment that it connected. */
const aliveMs = 90_000;
const coveredFromBellMs = 30 * 60_000;

/**
 * Ms alive and ms due of the school's gates, from doors to bell + 30 min, up to now, for each shift's window. Overlapping
 * beats count once.
 */
export const insertCoverage = `
INSERT INTO coverage_day (school_id, school_day, doors_at, bell_at, readers, alive_ms, due_ms, ${ownership})
WITH
  windows AS (SELECT school_id, doors_at, bell_at, toUnixTimestamp64Milli(doors_at) AS from_ms,
      greatest(from_ms, least(toUnixTimestamp64Milli(bell_at) + ${coveredFromBellMs}, ${asOfMs})) AS to_ms
    FROM (${roster}) GROUP BY school_id, doors_at, bell_at),
  gates AS (SELECT school_id, reader_id FROM dim_reader FINAL
    WHERE school_id IN {schools:Array(UInt32)} AND NOT revoked AND bitAnd(kinds_mask, 6) != 0),
  beats AS (SELECT school_id, reader_id, arraySort(groupArray(toUnixTimestamp64Milli(at))) AS beat_ms
    FROM reader_beat
    WHERE school_id IN {schools:Array(UInt32)} AND event != 'closed'
      AND at > fromUnixTimestamp64Milli({doors_ms:Int64} - ${aliveMs})
      AND at < fromUnixTimestamp64Milli({bell_ms:Int64} + ${coveredFromBellMs})
    GROUP BY school_id, reader_id)
SELECT school_id, toDate({day:UInt16}), doors_at, bell_at, countIf(reader_id != 0) AS readers,
  sum(arraySum(arrayMap((beat, next) -> greatest(0, least(beat + ${aliveMs}, next, to_ms) - greatest(beat, from_ms)),
    beat_ms, arrayPopFront(arrayPushBack(beat_ms, toInt64(9e15)))))) AS alive_ms,
  readers * any(to_ms - from_ms) AS due_ms, ${owned}
FROM windows LEFT JOIN gates USING (school_id) LEFT JOIN beats USING (school_id, reader_id)
GROUP BY school_id, doors_at, bell_at`;

/** Beats are kept for a time only: what is older keeps the coverage that was published. */
export const keepCoverage = `
INSERT INTO coverage_day (school_id, school_day, doors_at, bell_at, readers, alive_ms, due_ms, ${ownership})
SELECT school_id, school_day, doors_at, bell_at, readers, alive_ms, due_ms, ${owned}
FROM (SELECT * EXCEPT (side, revision) FROM coverage_day WHERE ${ofTheRun} AND revision = ${publishedRevision})`;

const coverageShareMin = 0.95;
const earlyBeforeEndMs = 15 * 60_000;

/**
 * One row for each pupil of the roster. Late is after the bell by the first entry, unless its clock is doubtful or the day
 * is excused; begun minutes count. An open stay counts up to the end of lessons.
 */
export const insertStudentDays = `
INSERT INTO student_day (school_id, school_day, pupil_id, class_id, shift, bell_at, end_at, excused, first_in_at, last_out_at,
  minutes_inside, status, late_minutes, left_early, no_exit, manual, clock_doubt, ${ownership})
WITH
  expected AS (${roster}),
  passed AS (${passages}),
  coverage AS (SELECT school_id, doors_at, bell_at, due_ms > 0 AND alive_ms >= ${coverageShareMin} * due_ms AS covered
    FROM coverage_day WHERE ${ofTheRun} AND revision = {revision:UInt64}),
  arrayFirst(p -> p.2 = 1, passages) AS first_in,
  arrayLast(p -> p.2 = 2, passages) AS last_out,
  passages[-1] AS newest,
  first_in.1 - toUnixTimestamp64Milli(bell_at) AS after_bell_ms,
  toUnixTimestamp64Milli(end_at) AS end_ms,
  arrayPopFront(arrayPushBack(arrayMap(p -> p.1, passages), greatest(newest.1, least(end_ms, ${asOfMs})))) AS next_ms,
  ${isClosed} AS is_closed
SELECT school_id, toDate({day:UInt16}), pupil_id, class_id, shift, bell_at, end_at, excused,
  if(first_in.2 = 0, NULL, fromUnixTimestamp64Milli(first_in.1)) AS first_in_at,
  if(last_out.2 = 0, NULL, fromUnixTimestamp64Milli(last_out.1)) AS last_out_at,
  intDiv(arraySum(arrayMap((p, next) -> if(p.2 = 1, next - p.1, 0), passages, next_ms)), 60000)
    AS minutes_inside,
  multiIf(is_closed, 'closed',
    first_in.2 = 1, if(after_bell_ms > 0 AND NOT first_in.3 AND NOT excused, 'late', 'on_time'),
    last_out.2 = 2, 'out_only',
    excused, 'excused',
    covered, 'no_tap_covered', 'no_tap_uncovered') AS status,
  if(status = 'late', intDiv(after_bell_ms + 59999, 60000), 0) AS late_minutes,
  NOT is_closed AND newest.2 = 2 AND NOT newest.3 AND newest.1 < end_ms - ${earlyBeforeEndMs} AS left_early,
  NOT is_closed AND newest.2 = 1 AND ${asOfMs} >= end_ms AS no_exit,
  arrayExists(p -> p.4, passages) AS manual,
  arrayExists(p -> p.3, passages) AS clock_doubt,
  ${owned}
FROM expected LEFT JOIN passed USING (school_id, pupil_id) LEFT JOIN coverage USING (school_id, doors_at, bell_at)`;

/** Everybody with a passage counts, also guests of another school; the same direction twice changes nothing. */
export const insertPresence = `
INSERT INTO presence_5m (school_id, school_day, slot, inside, ${ownership})
WITH
  changes AS (
    SELECT school_id, change.1 AS slot, sum(change.2) AS by
    FROM (
      SELECT school_id, arrayJoin(arrayZip(arrayMap(p -> p.5, passages),
        arrayMap((p, before) -> toInt32(p.2 = 1) - toInt32(before = 1), passages,
          arrayPushFront(arrayMap(p -> p.2, arrayPopBack(passages)), toUInt8(2))))) AS change
      FROM (${passages}))
    WHERE change.2 != 0
    GROUP BY school_id, slot)
SELECT school_id, toDate({day:UInt16}), slot, greatest(0, inside), ${owned}
FROM (
  SELECT school_id, range(min(slot), max(slot) + 1) AS slots,
    arrayCumSum(arrayMap(s -> mapFromArrays(groupArray(slot), groupArray(by))[s], slots)) AS insides
  FROM changes GROUP BY school_id)
ARRAY JOIN slots AS slot, insides AS inside`;
