-- Figures of the last months for those who run the system, counted as rows come in. Only telemetry is counted so: a tap
-- that is late or corrected is one more row of its minute, and attendance and money are derived anew instead.
-- `tap_minute` remembers as many tokens as `tap`: an insert that is sent again counts once here, too.
CREATE TABLE IF NOT EXISTS tap_minute
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
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(minute)
ORDER BY (school_id, minute, kind, code)
TTL minute + INTERVAL 400 DAY
SETTINGS non_replicated_deduplication_window = 100000;

CREATE MATERIALIZED VIEW IF NOT EXISTS tap_minute_of_tap TO tap_minute AS
SELECT
    toDateTime(toStartOfMinute(received_at), 'UTC') AS minute,
    school_id,
    kind,
    code,
    count() AS taps,
    countIf(bitAnd(flags, 1) != 0) AS offline,
    countIf(bitAnd(flags, 2) != 0) AS late,
    max(toUnixTimestamp64Milli(received_at) - toUnixTimestamp64Milli(at)) AS lag_ms_max
FROM tap
GROUP BY school_id, minute, kind, code;

-- A row for each minute in which a reader gave a sign of life. Largest and smallest only: a row of `reader_beat` that is
-- there twice changes nothing.
CREATE TABLE IF NOT EXISTS reader_minute
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
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(minute)
ORDER BY (school_id, reader_id, minute)
TTL minute + INTERVAL 400 DAY;

CREATE MATERIALIZED VIEW IF NOT EXISTS reader_minute_of_reader_beat TO reader_minute AS
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
FROM reader_beat
WHERE event != 'closed'
GROUP BY school_id, reader_id, minute;
