-- Who was expected, what the readers said of themselves, and what is derived of both and of the taps, for each school and
-- school day. Never a person's name.

CREATE TABLE IF NOT EXISTS dim_school (school_id UInt32, district_id UInt32, tz String, revision UInt64)
ENGINE = ReplacingMergeTree(revision) ORDER BY school_id;

CREATE TABLE IF NOT EXISTS dim_class (class_id UInt32, school_id UInt32, name String, shift UInt8, revision UInt64)
ENGINE = ReplacingMergeTree(revision) ORDER BY class_id;

-- Bit k of kinds_mask: the reader takes taps of kind k.
CREATE TABLE IF NOT EXISTS dim_reader
    (reader_id UInt32, school_id UInt32, place String, kinds_mask UInt8, revoked UInt8, revision UInt64)
ENGINE = ReplacingMergeTree(revision) ORDER BY reader_id;

-- Views and no dictionaries: a dictionary's own session would need a password in its definition, and the embedded
-- engine has a new one with each start.
CREATE VIEW IF NOT EXISTS school AS SELECT school_id, district_id, tz FROM dim_school FINAL;
CREATE VIEW IF NOT EXISTS class AS SELECT class_id, school_id, name, shift FROM dim_class FINAL;
CREATE VIEW IF NOT EXISTS reader AS SELECT reader_id, school_id, place, kinds_mask, revoked FROM dim_reader FINAL;

CREATE TABLE IF NOT EXISTS calendar_day
    (school_id UInt32, school_day Date, is_open UInt8, reason LowCardinality(String), revision UInt64)
ENGINE = ReplacingMergeTree(revision) PARTITION BY toYYYYMM(school_day) ORDER BY (school_id, school_day);

-- Who was expected: one freeze is all rows of a (school, day) with one revision; the newest freeze is the roster.
CREATE TABLE IF NOT EXISTS roster_day
(
    school_id UInt32,
    school_day Date,
    pupil_id UInt32,
    class_id UInt32,
    shift UInt8,
    doors_at DateTime64(3, 'UTC'),
    bell_at DateTime64(3, 'UTC'),
    end_at DateTime64(3, 'UTC'),
    entitled UInt8,
    excused UInt8,
    revision UInt64
)
ENGINE = ReplacingMergeTree(revision) PARTITION BY toYYYYMM(school_day) ORDER BY (school_id, school_day, pupil_id);

CREATE TABLE IF NOT EXISTS reader_beat
(
    at DateTime64(3, 'UTC') CODEC(Delta(8), LZ4),
    reader_id UInt32,
    school_id UInt32,
    event Enum8('beat' = 1, 'connected' = 2, 'closed' = 3),
    queued UInt32,
    oldest_at Nullable(DateTime64(3, 'UTC')),
    drift_ms Int64,
    gaps UInt32,
    rules_version UInt32,
    firmware LowCardinality(String),
    -- By the machine's clock: "at" may be of a simulated day, which is old already.
    stored_at DateTime DEFAULT now()
)
ENGINE = MergeTree PARTITION BY toMonday(at) ORDER BY (school_id, reader_id, at)
TTL stored_at + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1;

-- A reversal names the transfer that it takes back, and the two may be of different days.
ALTER TABLE transfer ADD INDEX IF NOT EXISTS transfer_id_range transfer_id TYPE minmax GRANULARITY 1;
ALTER TABLE transfer ADD INDEX IF NOT EXISTS reverses_range reverses TYPE minmax GRANULARITY 1;

-- What is derived is replaced whole for a (school, day). A derivation writes under a revision of its own to the side, 0 or
-- 1, that is not published; its line in derive_log, written last, publishes it. So no merge takes a row of what is
-- published, and a reader of the views sees one derivation, whole, in all tables.
CREATE TABLE IF NOT EXISTS derive_log
(
    school_id UInt32,
    school_day Date,
    revision UInt64,
    side UInt8,
    at DateTime64(3, 'UTC'),
    cause LowCardinality(String),
    before_expected UInt32,
    before_arrived UInt32,
    before_late UInt32,
    before_spend_kop Int64,
    after_expected UInt32,
    after_arrived UInt32,
    after_late UInt32,
    after_spend_kop Int64,
    stored_at DateTime DEFAULT now()
)
ENGINE = MergeTree PARTITION BY toYYYYMM(school_day) ORDER BY (school_id, school_day, revision)
-- A running day is derived every few seconds; what changed a day afterwards is kept for good.
TTL stored_at + INTERVAL 90 DAY DELETE WHERE toDate(at) <= school_day + 1;

CREATE TABLE IF NOT EXISTS derive_head
    (school_id UInt32, school_day Date, revision UInt64, side UInt8, at DateTime64(3, 'UTC'))
ENGINE = ReplacingMergeTree(revision) PARTITION BY toYYYYMM(school_day) ORDER BY (school_id, school_day);

CREATE MATERIALIZED VIEW IF NOT EXISTS derive_head_from_log TO derive_head
AS SELECT school_id, school_day, revision, side, at FROM derive_log;

CREATE VIEW IF NOT EXISTS v_derive_head AS
SELECT school_id, school_day, max(revision) AS revision, argMax(side, derive_head.revision) AS side,
    argMax(at, derive_head.revision) AS at
FROM derive_head GROUP BY school_id, school_day;

CREATE TABLE IF NOT EXISTS student_day
(
    school_id UInt32,
    school_day Date,
    pupil_id UInt32,
    class_id UInt32,
    shift UInt8,
    first_in_at Nullable(DateTime64(3, 'UTC')),
    last_out_at Nullable(DateTime64(3, 'UTC')),
    minutes_inside UInt16,
    status Enum8('on_time' = 1, 'late' = 2, 'out_only' = 3, 'no_tap_covered' = 4, 'no_tap_uncovered' = 5,
        'excused' = 6, 'closed' = 7),
    late_minutes UInt16,
    left_early UInt8,
    no_exit UInt8,
    manual UInt8,
    clock_doubt UInt8,
    side UInt8,
    revision UInt64
)
ENGINE = ReplacingMergeTree(revision) PARTITION BY toYYYYMM(school_day)
ORDER BY (school_id, school_day, pupil_id, side);

-- How much of the time between doors and bell + 30 min the school's gates were alive, for each such window.
CREATE TABLE IF NOT EXISTS coverage_day
(
    school_id UInt32,
    school_day Date,
    doors_at DateTime64(3, 'UTC'),
    bell_at DateTime64(3, 'UTC'),
    readers UInt32,
    alive_ms Int64,
    due_ms Int64,
    side UInt8,
    revision UInt64
)
ENGINE = ReplacingMergeTree(revision) PARTITION BY toYYYYMM(school_day)
ORDER BY (school_id, school_day, doors_at, bell_at, side);

-- Pupils inside at the end of each five local minutes (slot 0 to 287), from the first passage to the last.
CREATE TABLE IF NOT EXISTS presence_5m
    (school_id UInt32, school_day Date, slot UInt16, inside UInt32, side UInt8, revision UInt64)
ENGINE = ReplacingMergeTree(revision) PARTITION BY toYYYYMM(school_day)
ORDER BY (school_id, school_day, slot, side);

-- What sales moved, less what was taken back. Purse 0 is the entitlement fund.
CREATE TABLE IF NOT EXISTS spend_day
(
    school_id UInt32,
    school_day Date,
    kind UInt8,
    purse UInt8,
    item UInt32,
    n Int64,
    kop Int64,
    side UInt8,
    revision UInt64
)
ENGINE = ReplacingMergeTree(revision) PARTITION BY toYYYYMM(school_day)
ORDER BY (school_id, school_day, kind, purse, item, side);

-- Window 0: none was served from, or unknown.
CREATE TABLE IF NOT EXISTS entitlement_day
(
    school_id UInt32,
    school_day Date,
    class_id UInt32,
    window UInt8,
    entitled UInt32,
    served UInt32,
    second_refused UInt32,
    unclaimed UInt32,
    side UInt8,
    revision UInt64
)
ENGINE = ReplacingMergeTree(revision) PARTITION BY toYYYYMM(school_day)
ORDER BY (school_id, school_day, class_id, window, side);

-- A row for each school, so that schools of one district are derived apart; v_district_day adds them up.
CREATE TABLE IF NOT EXISTS district_day
(
    district_id UInt32,
    school_day Date,
    school_id UInt32,
    expected UInt32,
    arrived UInt32,
    late UInt32,
    out_only UInt32,
    no_tap_covered UInt32,
    no_tap_uncovered UInt32,
    excused UInt32,
    closed UInt32,
    left_early UInt32,
    no_exit UInt32,
    manual UInt32,
    clock_doubt UInt32,
    alive_ms Int64,
    due_ms Int64,
    meals_kop Int64,
    buffet_kop Int64,
    fare_kop Int64,
    spend_kop Int64,
    entitled UInt32,
    served UInt32,
    -- What it rests on; 0: none was there.
    roster_revision UInt64,
    calendar_revision UInt64,
    side UInt8,
    revision UInt64
)
ENGINE = ReplacingMergeTree(revision) PARTITION BY toYYYYMM(school_day)
ORDER BY (school_id, school_day, side);

-- What readers ask: the published derivation of each (school, day), and nothing of any other.
CREATE VIEW IF NOT EXISTS v_student_day AS SELECT * FROM student_day
WHERE (school_id, school_day, revision) IN (SELECT school_id, school_day, revision FROM v_derive_head);

CREATE VIEW IF NOT EXISTS v_coverage_day AS SELECT *, if(due_ms = 0, NULL, alive_ms / due_ms) AS coverage FROM coverage_day
WHERE (school_id, school_day, revision) IN (SELECT school_id, school_day, revision FROM v_derive_head);

CREATE VIEW IF NOT EXISTS v_presence_5m AS SELECT * FROM presence_5m
WHERE (school_id, school_day, revision) IN (SELECT school_id, school_day, revision FROM v_derive_head);

CREATE VIEW IF NOT EXISTS v_spend_day AS SELECT * FROM spend_day
WHERE (school_id, school_day, revision) IN (SELECT school_id, school_day, revision FROM v_derive_head);

CREATE VIEW IF NOT EXISTS v_entitlement_day AS SELECT * FROM entitlement_day
WHERE (school_id, school_day, revision) IN (SELECT school_id, school_day, revision FROM v_derive_head);

-- One row for each school and day.
CREATE VIEW IF NOT EXISTS v_school_day AS SELECT *, if(due_ms = 0, NULL, alive_ms / due_ms) AS coverage FROM district_day
WHERE (school_id, school_day, revision) IN (SELECT school_id, school_day, revision FROM v_derive_head);

-- One row for each district and day.
CREATE VIEW IF NOT EXISTS v_district_day AS
SELECT district_id, school_day, count() AS schools, sum(d.expected) AS expected, sum(d.arrived) AS arrived,
    sum(d.late) AS late, sum(d.out_only) AS out_only, sum(d.no_tap_covered) AS no_tap_covered,
    sum(d.no_tap_uncovered) AS no_tap_uncovered, sum(d.excused) AS excused, sum(d.closed) AS closed,
    sum(d.left_early) AS left_early, sum(d.no_exit) AS no_exit, sum(d.manual) AS manual,
    sum(d.clock_doubt) AS clock_doubt, if(sum(d.due_ms) = 0, NULL, sum(d.alive_ms) / sum(d.due_ms)) AS coverage,
    sum(d.meals_kop) AS meals_kop, sum(d.buffet_kop) AS buffet_kop, sum(d.fare_kop) AS fare_kop,
    sum(d.spend_kop) AS spend_kop, sum(d.entitled) AS entitled, sum(d.served) AS served
FROM v_school_day AS d GROUP BY district_id, school_day;
