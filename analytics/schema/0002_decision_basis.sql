-- What a decision rested on and what it is to a parent now travel in bytes of a record that were reserved; every column
-- stays at its place among the bytes. What was stored before has 0: none.
ALTER TABLE tap ADD COLUMN IF NOT EXISTS basis UInt8 AFTER uid_size;
ALTER TABLE tap ADD COLUMN IF NOT EXISTS notice UInt8 AFTER uid;
ALTER TABLE tap ADD COLUMN IF NOT EXISTS reserved UInt8 EPHEMERAL 0 AFTER notice;
ALTER TABLE tap DROP COLUMN IF EXISTS reserved0;
ALTER TABLE tap DROP COLUMN IF EXISTS reserved1;
ALTER TABLE transfer MODIFY COLUMN cause_name String ALIAS transform(cause, [1, 2, 3, 4, 5, 6, 7],
    ['tap', 'topup', 'refund', 'reversal', 'adjustment', 'move', 'outcome'], 'unknown');
ALTER TABLE transfer MODIFY COLUMN debit_owner String ALIAS transform(bitShiftRight(debit_account, 40), [1, 2, 3, 4, 5, 6, 7],
    ['pupil', 'canteen', 'carrier', 'funding', 'entitlement-fund', 'services', 'adjustments'], 'unknown');
ALTER TABLE transfer MODIFY COLUMN credit_owner String ALIAS transform(bitShiftRight(credit_account, 40), [1, 2, 3, 4, 5, 6, 7],
    ['pupil', 'canteen', 'carrier', 'funding', 'entitlement-fund', 'services', 'adjustments'], 'unknown');
