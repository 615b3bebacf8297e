-- One row per decided tap. Columns stand in the byte order of a tap record, which is sent as it lies in the journal;
-- the record's two reserved fields are taken in and not kept.
CREATE TABLE IF NOT EXISTS tap
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
ENGINE = MergeTree
PARTITION BY toYYYYMM(school_day)
ORDER BY (school_id, school_day, kind, at)
SETTINGS non_replicated_deduplication_window = 100000;

-- One row per movement of kopecks, in the byte order of a transfer record.
CREATE TABLE IF NOT EXISTS transfer
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
ENGINE = MergeTree
PARTITION BY toYYYYMM(school_day)
ORDER BY (school_day, transfer_id)
SETTINGS non_replicated_deduplication_window = 100000;
