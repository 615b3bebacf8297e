CREATE TABLE IF NOT EXISTS tap_local ON CLUSTER `the school's`
(
    position UInt64 CODEC(Delta(8), LZ4),
    at DateTime64(3, 'UTC') CODEC(Delta(8), LZ4),
    at_raw DateTime64(3, 'UTC') CODEC(Delta(8), LZ4),
    received_at DateTime64(3, 'UTC') CODEC(Delta(8), LZ4),
    amount_kop Int64,
    debited_kop Int64,
    balance_kop Int64,
    reader_id UInt32,
    boot_epoch UInt32,
    seq UInt32,
    school_id UInt32,
    pupil_id UInt32,
    card_id UInt32,
    home_school_id UInt32,
    class_id UInt32,
    ref UInt32,
    rules_version UInt32,
    content_hash UInt32,
    shard UInt16,
    flags UInt16,
    school_day Date,
    local_minute UInt16,
    kind UInt8,
    code UInt8,
    purse UInt8,
    clock_quality Enum8('unknown' = 0, 'A' = 1, 'B' = 2, 'D' = 3),
    reader_flags UInt8,
    present UInt8,
    uid_size UInt8,
    reserved0 UInt8 EPHEMERAL,
    uid FixedString(10),
    reserved1 UInt16 EPHEMERAL,
    card_uid String ALIAS substring(hex(uid), 1, 2 * uid_size),
    kind_name String ALIAS transform(kind, [1, 2, 3, 4, 5, 6, 7],
        ['gate-in', 'gate-out', 'meal', 'buffet', 'locker-open', 'locker-close', 'fare'], 'unknown'),
    code_name String ALIAS transform(code,
        [10, 11, 12, 13, 14, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 70, 71, 90, 91, 93],
        ['ACCEPTED', 'ACCEPTED_ENTITLED', 'ACCEPTED_TRANSFER', 'ACCEPTED_OVERDRAFT', 'ACCEPTED_MANUAL', 'CARD_UNKNOWN',
         'CARD_BLOCKED', 'CARD_EXPIRED', 'HOLDER_INACTIVE', 'SCOPE_FOREIGN', 'OUTSIDE_HOURS', 'FUNDS_INSUFFICIENT',
         'LIMIT_DAILY', 'ITEM_FORBIDDEN', 'MEAL_ALREADY_TAKEN', 'MEAL_WINDOW', 'LOCKER_NOT_RESERVED', 'LOCKER_EXPIRED',
         'FARE_DEBT', 'PRICE_MISMATCH', 'SETTLED_BEFORE', 'BOUNCE', 'RETRY_LATER', 'ID_CONFLICT', 'READER_FORBIDDEN'],
        'unknown'),
    INDEX position_range position TYPE minmax GRANULARITY 1
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/tapline/tap_local', '{replica}')
PARTITION BY toYYYYMM(school_day)
ORDER BY (school_id, school_day, kind, at)
SETTINGS replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS tap ON CLUSTER `the school's` AS tap_local ENGINE = Distributed('the school\'s', 'tapline', 'tap_local', intHash64(school_id));

CREATE TABLE IF NOT EXISTS transfer_local ON CLUSTER `the school's`
(
    transfer_id UInt64 CODEC(Delta(8), LZ4),
    cause_position UInt64 CODEC(Delta(8), LZ4),
    debit_account UInt64,
    credit_account UInt64,
    kop Int64,
    at DateTime64(3, 'UTC') CODEC(Delta(8), LZ4),
    reverses UInt64,
    pupil_id UInt32,
    school_id UInt32,
    shard UInt16,
    school_day Date,
    cause UInt8,
    purse UInt8,
    reserved UInt16 EPHEMERAL,
    cause_name String ALIAS transform(cause, [1, 2, 3, 4, 5, 6],
        ['tap', 'topup', 'refund', 'reversal', 'adjustment', 'move'], 'unknown'),
    debit_owner String ALIAS transform(bitShiftRight(debit_account, 40), [1, 2, 3, 4, 5, 6],
        ['pupil', 'canteen', 'carrier', 'funding', 'entitlement-fund', 'services'], 'unknown'),
    debit_owner_id UInt32 ALIAS toUInt32(bitAnd(debit_account, 0xFFFFFFFF)),
    debit_purse UInt8 ALIAS toUInt8(bitAnd(bitShiftRight(debit_account, 32), 0xFF)),
    credit_owner String ALIAS transform(bitShiftRight(credit_account, 40), [1, 2, 3, 4, 5, 6],
        ['pupil', 'canteen', 'carrier', 'funding', 'entitlement-fund', 'services'], 'unknown'),
    credit_owner_id UInt32 ALIAS toUInt32(bitAnd(credit_account, 0xFFFFFFFF)),
    credit_purse UInt8 ALIAS toUInt8(bitAnd(bitShiftRight(credit_account, 32), 0xFF))
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/tapline/transfer_local', '{replica}')
PARTITION BY toYYYYMM(school_day)
ORDER BY (school_day, transfer_id)
SETTINGS replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS transfer ON CLUSTER `the school's` AS transfer_local ENGINE = Distributed('the school\'s', 'tapline', 'transfer_local', intHash64(school_id));

ALTER TABLE tap_local ON CLUSTER `the school's` ADD COLUMN IF NOT EXISTS basis UInt8 AFTER uid_size;

ALTER TABLE tap ON CLUSTER `the school's` ADD COLUMN IF NOT EXISTS basis UInt8 AFTER uid_size;

ALTER TABLE tap_local ON CLUSTER `the school's` ADD COLUMN IF NOT EXISTS notice UInt8 AFTER uid;

ALTER TABLE tap ON CLUSTER `the school's` ADD COLUMN IF NOT EXISTS notice UInt8 AFTER uid;

ALTER TABLE tap_local ON CLUSTER `the school's` ADD COLUMN IF NOT EXISTS reserved UInt8 EPHEMERAL 0 AFTER notice;

ALTER TABLE tap ON CLUSTER `the school's` ADD COLUMN IF NOT EXISTS reserved UInt8 EPHEMERAL 0 AFTER notice;

ALTER TABLE tap ON CLUSTER `the school's` DROP COLUMN IF EXISTS reserved0;

ALTER TABLE tap_local ON CLUSTER `the school's` DROP COLUMN IF EXISTS reserved0;

ALTER TABLE tap ON CLUSTER `the school's` DROP COLUMN IF EXISTS reserved1;

ALTER TABLE tap_local ON CLUSTER `the school's` DROP COLUMN IF EXISTS reserved1;

ALTER TABLE transfer_local ON CLUSTER `the school's` MODIFY COLUMN cause_name String ALIAS transform(cause, [1, 2, 3, 4, 5, 6, 7],
    ['tap', 'topup', 'refund', 'reversal', 'adjustment', 'move', 'outcome'], 'unknown');

ALTER TABLE transfer ON CLUSTER `the school's` MODIFY COLUMN cause_name String ALIAS transform(cause, [1, 2, 3, 4, 5, 6, 7],
    ['tap', 'topup', 'refund', 'reversal', 'adjustment', 'move', 'outcome'], 'unknown');

ALTER TABLE transfer_local ON CLUSTER `the school's` MODIFY COLUMN debit_owner String ALIAS transform(bitShiftRight(debit_account, 40), [1, 2, 3, 4, 5, 6, 7],
    ['pupil', 'canteen', 'carrier', 'funding', 'entitlement-fund', 'services', 'adjustments'], 'unknown');

ALTER TABLE transfer ON CLUSTER `the school's` MODIFY COLUMN debit_owner String ALIAS transform(bitShiftRight(debit_account, 40), [1, 2, 3, 4, 5, 6, 7],
    ['pupil', 'canteen', 'carrier', 'funding', 'entitlement-fund', 'services', 'adjustments'], 'unknown');

ALTER TABLE transfer_local ON CLUSTER `the school's` MODIFY COLUMN credit_owner String ALIAS transform(bitShiftRight(credit_account, 40), [1, 2, 3, 4, 5, 6, 7],
    ['pupil', 'canteen', 'carrier', 'funding', 'entitlement-fund', 'services', 'adjustments'], 'unknown');

ALTER TABLE transfer ON CLUSTER `the school's` MODIFY COLUMN credit_owner String ALIAS transform(bitShiftRight(credit_account, 40), [1, 2, 3, 4, 5, 6, 7],
    ['pupil', 'canteen', 'carrier', 'funding', 'entitlement-fund', 'services', 'adjustments'], 'unknown');

CREATE TABLE IF NOT EXISTS dim_school_local ON CLUSTER `the school's`
(school_id UInt32, district_id UInt32, tz String, revision UInt64)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/tapline/dim_school_local', '{replica}', revision) ORDER BY school_id;

CREATE TABLE IF NOT EXISTS dim_school ON CLUSTER `the school's` AS dim_school_local ENGINE = Distributed('the school\'s', 'tapline', 'dim_school_local', intHash64(school_id));

CREATE TABLE IF NOT EXISTS dim_class_local ON CLUSTER `the school's`
(class_id UInt32, school_id UInt32, name String, shift UInt8, revision UInt64)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/tapline/dim_class_local', '{replica}', revision) ORDER BY class_id;

CREATE TABLE IF NOT EXISTS dim_class ON CLUSTER `the school's` AS dim_class_local ENGINE = Distributed('the school\'s', 'tapline', 'dim_class_local', intHash64(school_id));

CREATE TABLE IF NOT EXISTS dim_reader_local ON CLUSTER `the school's`
(reader_id UInt32, school_id UInt32, place String, kinds_mask UInt8, revoked UInt8, revision UInt64)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/tapline/dim_reader_local', '{replica}', revision) ORDER BY reader_id;

CREATE TABLE IF NOT EXISTS dim_reader ON CLUSTER `the school's` AS dim_reader_local ENGINE = Distributed('the school\'s', 'tapline', 'dim_reader_local', intHash64(school_id));

CREATE VIEW IF NOT EXISTS school_local ON CLUSTER `the school's` AS SELECT school_id, district_id, tz FROM dim_school_local AS dim_school FINAL;

CREATE TABLE IF NOT EXISTS school ON CLUSTER `the school's` AS school_local ENGINE = Distributed('the school\'s', 'tapline', 'school_local', intHash64(school_id));

CREATE VIEW IF NOT EXISTS class_local ON CLUSTER `the school's` AS SELECT class_id, school_id, name, shift FROM dim_class_local AS dim_class FINAL;

CREATE TABLE IF NOT EXISTS class ON CLUSTER `the school's` AS class_local ENGINE = Distributed('the school\'s', 'tapline', 'class_local', intHash64(school_id));

CREATE VIEW IF NOT EXISTS reader_local ON CLUSTER `the school's` AS SELECT reader_id, school_id, place, kinds_mask, revoked FROM dim_reader_local AS dim_reader FINAL;

CREATE TABLE IF NOT EXISTS reader ON CLUSTER `the school's` AS reader_local ENGINE = Distributed('the school\'s', 'tapline', 'reader_local', intHash64(school_id));

CREATE TABLE IF NOT EXISTS calendar_day_local ON CLUSTER `the school's`
(school_id UInt32, school_day Date, is_open UInt8, reason LowCardinality(String), revision UInt64)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/tapline/calendar_day_local', '{replica}', revision) PARTITION BY toYYYYMM(school_day) ORDER BY (school_id, school_day);

CREATE TABLE IF NOT EXISTS calendar_day ON CLUSTER `the school's` AS calendar_day_local ENGINE = Distributed('the school\'s', 'tapline', 'calendar_day_local', intHash64(school_id));

CREATE TABLE IF NOT EXISTS roster_day_local ON CLUSTER `the school's`
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/tapline/roster_day_local', '{replica}', revision) PARTITION BY toYYYYMM(school_day) ORDER BY (school_id, school_day, pupil_id);

CREATE TABLE IF NOT EXISTS roster_day ON CLUSTER `the school's` AS roster_day_local ENGINE = Distributed('the school\'s', 'tapline', 'roster_day_local', intHash64(school_id));

CREATE TABLE IF NOT EXISTS reader_beat_local ON CLUSTER `the school's`
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
    stored_at DateTime DEFAULT now()
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/tapline/reader_beat_local', '{replica}') PARTITION BY toMonday(at) ORDER BY (school_id, reader_id, at)
TTL stored_at + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS reader_beat ON CLUSTER `the school's` AS reader_beat_local ENGINE = Distributed('the school\'s', 'tapline', 'reader_beat_local', intHash64(school_id));

ALTER TABLE transfer_local ON CLUSTER `the school's` ADD INDEX IF NOT EXISTS transfer_id_range transfer_id TYPE minmax GRANULARITY 1;

ALTER TABLE transfer_local ON CLUSTER `the school's` ADD INDEX IF NOT EXISTS reverses_range reverses TYPE minmax GRANULARITY 1;

CREATE TABLE IF NOT EXISTS derive_log_local ON CLUSTER `the school's`
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
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/tapline/derive_log_local', '{replica}') PARTITION BY toYYYYMM(school_day) ORDER BY (school_id, school_day, revision)
TTL stored_at + INTERVAL 90 DAY DELETE WHERE toDate(at) <= school_day + 1;

CREATE TABLE IF NOT EXISTS derive_log ON CLUSTER `the school's` AS derive_log_local ENGINE = Distributed('the school\'s', 'tapline', 'derive_log_local', intHash64(school_id));

CREATE TABLE IF NOT EXISTS derive_head_local ON CLUSTER `the school's`
(school_id UInt32, school_day Date, revision UInt64, side UInt8, at DateTime64(3, 'UTC'))
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/tapline/derive_head_local', '{replica}', revision) PARTITION BY toYYYYMM(school_day) ORDER BY (school_id, school_day);

CREATE TABLE IF NOT EXISTS derive_head ON CLUSTER `the school's` AS derive_head_local ENGINE = Distributed('the school\'s', 'tapline', 'derive_head_local', intHash64(school_id));

CREATE MATERIALIZED VIEW IF NOT EXISTS derive_head_from_log ON CLUSTER `the school's` TO derive_head_local AS
SELECT school_id, school_day, revision, side, at FROM derive_log_local AS derive_log;

CREATE VIEW IF NOT EXISTS v_derive_head_local ON CLUSTER `the school's` AS SELECT school_id, school_day, max(revision) AS revision, argMax(side, derive_head.revision) AS side,
    argMax(at, derive_head.revision) AS at
FROM derive_head_local AS derive_head GROUP BY school_id, school_day;

CREATE TABLE IF NOT EXISTS v_derive_head ON CLUSTER `the school's` AS v_derive_head_local ENGINE = Distributed('the school\'s', 'tapline', 'v_derive_head_local', intHash64(school_id));

CREATE TABLE IF NOT EXISTS student_day_local ON CLUSTER `the school's`
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/tapline/student_day_local', '{replica}', revision) PARTITION BY toYYYYMM(school_day)
ORDER BY (school_id, school_day, pupil_id, side);

CREATE TABLE IF NOT EXISTS student_day ON CLUSTER `the school's` AS student_day_local ENGINE = Distributed('the school\'s', 'tapline', 'student_day_local', intHash64(school_id));

CREATE TABLE IF NOT EXISTS coverage_day_local ON CLUSTER `the school's`
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/tapline/coverage_day_local', '{replica}', revision) PARTITION BY toYYYYMM(school_day)
ORDER BY (school_id, school_day, doors_at, bell_at, side);

CREATE TABLE IF NOT EXISTS coverage_day ON CLUSTER `the school's` AS coverage_day_local ENGINE = Distributed('the school\'s', 'tapline', 'coverage_day_local', intHash64(school_id));

CREATE TABLE IF NOT EXISTS presence_5m_local ON CLUSTER `the school's`
(school_id UInt32, school_day Date, slot UInt16, inside UInt32, side UInt8, revision UInt64)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/tapline/presence_5m_local', '{replica}', revision) PARTITION BY toYYYYMM(school_day)
ORDER BY (school_id, school_day, slot, side);

CREATE TABLE IF NOT EXISTS presence_5m ON CLUSTER `the school's` AS presence_5m_local ENGINE = Distributed('the school\'s', 'tapline', 'presence_5m_local', intHash64(school_id));

CREATE TABLE IF NOT EXISTS spend_day_local ON CLUSTER `the school's`
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/tapline/spend_day_local', '{replica}', revision) PARTITION BY toYYYYMM(school_day)
ORDER BY (school_id, school_day, kind, purse, item, side);

CREATE TABLE IF NOT EXISTS spend_day ON CLUSTER `the school's` AS spend_day_local ENGINE = Distributed('the school\'s', 'tapline', 'spend_day_local', intHash64(school_id));

CREATE TABLE IF NOT EXISTS entitlement_day_local ON CLUSTER `the school's`
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/tapline/entitlement_day_local', '{replica}', revision) PARTITION BY toYYYYMM(school_day)
ORDER BY (school_id, school_day, class_id, window, side);

CREATE TABLE IF NOT EXISTS entitlement_day ON CLUSTER `the school's` AS entitlement_day_local ENGINE = Distributed('the school\'s', 'tapline', 'entitlement_day_local', intHash64(school_id));

CREATE TABLE IF NOT EXISTS district_day_local ON CLUSTER `the school's`
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
    roster_revision UInt64,
    calendar_revision UInt64,
    side UInt8,
    revision UInt64
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/tapline/district_day_local', '{replica}', revision) PARTITION BY toYYYYMM(school_day)
ORDER BY (school_id, school_day, side);

CREATE TABLE IF NOT EXISTS district_day ON CLUSTER `the school's` AS district_day_local ENGINE = Distributed('the school\'s', 'tapline', 'district_day_local', intHash64(school_id));

CREATE VIEW IF NOT EXISTS v_student_day_local ON CLUSTER `the school's` AS SELECT * FROM student_day_local AS student_day
WHERE (school_id, school_day, revision) IN (SELECT school_id, school_day, revision FROM v_derive_head_local AS v_derive_head);

CREATE TABLE IF NOT EXISTS v_student_day ON CLUSTER `the school's` AS v_student_day_local ENGINE = Distributed('the school\'s', 'tapline', 'v_student_day_local', intHash64(school_id));

CREATE VIEW IF NOT EXISTS v_coverage_day_local ON CLUSTER `the school's` AS SELECT *, if(due_ms = 0, NULL, alive_ms / due_ms) AS coverage FROM coverage_day_local AS coverage_day
WHERE (school_id, school_day, revision) IN (SELECT school_id, school_day, revision FROM v_derive_head_local AS v_derive_head);

CREATE TABLE IF NOT EXISTS v_coverage_day ON CLUSTER `the school's` AS v_coverage_day_local ENGINE = Distributed('the school\'s', 'tapline', 'v_coverage_day_local', intHash64(school_id));

CREATE VIEW IF NOT EXISTS v_presence_5m_local ON CLUSTER `the school's` AS SELECT * FROM presence_5m_local AS presence_5m
WHERE (school_id, school_day, revision) IN (SELECT school_id, school_day, revision FROM v_derive_head_local AS v_derive_head);

CREATE TABLE IF NOT EXISTS v_presence_5m ON CLUSTER `the school's` AS v_presence_5m_local ENGINE = Distributed('the school\'s', 'tapline', 'v_presence_5m_local', intHash64(school_id));

CREATE VIEW IF NOT EXISTS v_spend_day_local ON CLUSTER `the school's` AS SELECT * FROM spend_day_local AS spend_day
WHERE (school_id, school_day, revision) IN (SELECT school_id, school_day, revision FROM v_derive_head_local AS v_derive_head);

CREATE TABLE IF NOT EXISTS v_spend_day ON CLUSTER `the school's` AS v_spend_day_local ENGINE = Distributed('the school\'s', 'tapline', 'v_spend_day_local', intHash64(school_id));

CREATE VIEW IF NOT EXISTS v_entitlement_day_local ON CLUSTER `the school's` AS SELECT * FROM entitlement_day_local AS entitlement_day
WHERE (school_id, school_day, revision) IN (SELECT school_id, school_day, revision FROM v_derive_head_local AS v_derive_head);

CREATE TABLE IF NOT EXISTS v_entitlement_day ON CLUSTER `the school's` AS v_entitlement_day_local ENGINE = Distributed('the school\'s', 'tapline', 'v_entitlement_day_local', intHash64(school_id));

CREATE VIEW IF NOT EXISTS v_school_day_local ON CLUSTER `the school's` AS SELECT *, if(due_ms = 0, NULL, alive_ms / due_ms) AS coverage FROM district_day_local AS district_day
WHERE (school_id, school_day, revision) IN (SELECT school_id, school_day, revision FROM v_derive_head_local AS v_derive_head);

CREATE TABLE IF NOT EXISTS v_school_day ON CLUSTER `the school's` AS v_school_day_local ENGINE = Distributed('the school\'s', 'tapline', 'v_school_day_local', intHash64(school_id));

CREATE VIEW IF NOT EXISTS v_district_day ON CLUSTER `the school's` AS SELECT district_id, school_day, count() AS schools, sum(d.expected) AS expected, sum(d.arrived) AS arrived,
    sum(d.late) AS late, sum(d.out_only) AS out_only, sum(d.no_tap_covered) AS no_tap_covered,
    sum(d.no_tap_uncovered) AS no_tap_uncovered, sum(d.excused) AS excused, sum(d.closed) AS closed,
    sum(d.left_early) AS left_early, sum(d.no_exit) AS no_exit, sum(d.manual) AS manual,
    sum(d.clock_doubt) AS clock_doubt, if(sum(d.due_ms) = 0, NULL, sum(d.alive_ms) / sum(d.due_ms)) AS coverage,
    sum(d.meals_kop) AS meals_kop, sum(d.buffet_kop) AS buffet_kop, sum(d.fare_kop) AS fare_kop,
    sum(d.spend_kop) AS spend_kop, sum(d.entitled) AS entitled, sum(d.served) AS served
FROM v_school_day AS d GROUP BY district_id, school_day;

CREATE TABLE IF NOT EXISTS tap_minute_local ON CLUSTER `the school's`
(
    minute DateTime('UTC') COMMENT 'in which the taps came in',
    school_id UInt32,
    kind UInt8,
    code UInt8,
    taps SimpleAggregateFunction(sum, UInt64),
    offline SimpleAggregateFunction(sum, UInt64) COMMENT 'made without a connection',
    late SimpleAggregateFunction(sum, UInt64) COMMENT 'came in more than 5 minutes after they were made',
    lag_ms_max SimpleAggregateFunction(max, Int64) COMMENT 'from made to come in'
)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/tapline/tap_minute_local', '{replica}')
PARTITION BY toYYYYMM(minute)
ORDER BY (school_id, minute, kind, code)
TTL minute + INTERVAL 400 DAY
SETTINGS replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS tap_minute ON CLUSTER `the school's` AS tap_minute_local ENGINE = Distributed('the school\'s', 'tapline', 'tap_minute_local', intHash64(school_id));

CREATE MATERIALIZED VIEW IF NOT EXISTS tap_minute_of_tap ON CLUSTER `the school's` TO tap_minute_local AS
SELECT
    toDateTime(toStartOfMinute(received_at), 'UTC') AS minute,
    school_id,
    kind,
    code,
    count() AS taps,
    countIf(bitAnd(flags, 1) != 0) AS offline,
    countIf(bitAnd(flags, 2) != 0) AS late,
    max(toUnixTimestamp64Milli(received_at) - toUnixTimestamp64Milli(at)) AS lag_ms_max
FROM tap_local AS tap
GROUP BY school_id, minute, kind, code;

CREATE TABLE IF NOT EXISTS reader_minute_local ON CLUSTER `the school's`
(
    minute DateTime('UTC'),
    school_id UInt32,
    reader_id UInt32,
    queued_max SimpleAggregateFunction(max, UInt32),
    oldest_at_min SimpleAggregateFunction(min, Nullable(DateTime64(3, 'UTC'))),
    drift_ms_min SimpleAggregateFunction(min, Int64),
    drift_ms_max SimpleAggregateFunction(max, Int64),
    gaps_max SimpleAggregateFunction(max, UInt32),
    rules_version_max SimpleAggregateFunction(max, UInt32)
)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/tapline/reader_minute_local', '{replica}')
PARTITION BY toYYYYMM(minute)
ORDER BY (school_id, reader_id, minute)
TTL minute + INTERVAL 400 DAY;

CREATE TABLE IF NOT EXISTS reader_minute ON CLUSTER `the school's` AS reader_minute_local ENGINE = Distributed('the school\'s', 'tapline', 'reader_minute_local', intHash64(school_id));

CREATE MATERIALIZED VIEW IF NOT EXISTS reader_minute_of_reader_beat ON CLUSTER `the school's` TO reader_minute_local AS
SELECT
    toDateTime(toStartOfMinute(at), 'UTC') AS minute,
    school_id,
    reader_id,
    max(queued) AS queued_max,
    min(oldest_at) AS oldest_at_min,
    min(drift_ms) AS drift_ms_min,
    max(drift_ms) AS drift_ms_max,
    max(gaps) AS gaps_max,
    max(rules_version) AS rules_version_max
FROM reader_beat_local AS reader_beat
WHERE event != 'closed'
GROUP BY school_id, reader_id, minute;
