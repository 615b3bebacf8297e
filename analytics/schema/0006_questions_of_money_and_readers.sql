-- Who bought, beside what was sold: pupils of several items, schools and days are counted once only where they are known.
-- Eaters have a sale that was not taken back on its day; the others are those of whom everything was.
ALTER TABLE spend_day ADD COLUMN IF NOT EXISTS eaters Array(UInt32) AFTER kop;
ALTER TABLE spend_day ADD COLUMN IF NOT EXISTS taken_back Array(UInt32) AFTER eaters;

CREATE OR REPLACE VIEW v_spend_day AS SELECT derived.* FROM spend_day AS derived
INNER JOIN (SELECT school_id, school_day, revision FROM derive_head FINAL) AS head USING (school_id, school_day, revision);

-- The last that each reader told, however long ago: beats themselves are too many to look through. Largest and newest
-- only: a beat that is there twice changes nothing.
CREATE TABLE IF NOT EXISTS reader_newest
(
    reader_id UInt32,
    last_seen SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'its newest sign of life; 1970 for none',
    told AggregateFunction(argMax,
        Tuple(queued UInt32, oldest_at Nullable(DateTime64(3, 'UTC')), drift_ms Int64, gaps UInt32, rules_version UInt32,
            firmware String), DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY reader_id;

CREATE MATERIALIZED VIEW IF NOT EXISTS reader_newest_of_reader_beat TO reader_newest AS
SELECT
    reader_id,
    maxIf(at, event != 'closed') AS last_seen,
    argMaxState((queued, oldest_at, drift_ms, gaps, rules_version, firmware::String)
        ::Tuple(queued UInt32, oldest_at Nullable(DateTime64(3, 'UTC')), drift_ms Int64, gaps UInt32, rules_version UInt32,
            firmware String), at) AS told
FROM reader_beat
GROUP BY reader_id;

INSERT INTO reader_newest
SELECT
    reader_id,
    maxIf(at, event != 'closed') AS last_seen,
    argMaxState((queued, oldest_at, drift_ms, gaps, rules_version, firmware::String)
        ::Tuple(queued UInt32, oldest_at Nullable(DateTime64(3, 'UTC')), drift_ms Int64, gaps UInt32, rules_version UInt32,
            firmware String), at) AS told
FROM reader_beat
GROUP BY reader_id;
