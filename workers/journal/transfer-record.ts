/**
 * One movement of kopecks from one account to another: written by the shard beside the tap or command behind it, stored
 * in the journal, and sent to ClickHouse as one RowBinary row of table `transfer`. 72 bytes, little-endian.
 */
export const transferRecordBytes = 72;

export const TransferOffset = {
  transferId: 0, // u64  shard × 2^40 + a number that grows by one in the shard
  causePosition: 8, // u64  journal position of the tap or command behind it
  debitAccount: 16, // u64  the account that kopecks leave
  creditAccount: 24, // u64  the account that receives them
  kop: 32, // i64  > 0
  at: 40, // i64  ms since 1970 UTC
  reverses: 48, // u64  the transfer that this one takes back, or 0
  pupilId: 56, // u32
  schoolId: 60, // u32  where it happened; 0 for money that came in from outside
  shard: 64, // u16
  schoolDay: 66, // u16  days since 1970
  cause: 68, // u8   TransferCause
  purse: 69, // u8   Purse of the pupil that was touched
  reserved: 70, // u16
} as const;

export const TransferCause = {
  tap: 1,
  topup: 2,
  refund: 3,
  reversal: 4,
  adjustment: 5,
  move: 6,
  /** An OUTCOME: a deed that the tap's decision had not moved. One that took back is a reversal. */
  outcome: 7,
} as const;

/** Kinds of account owner. An account id is `owner × 2^40 + purse × 2^32 + ownerId`. */
export const Owner = {
  pupil: 1,
  /** Takings, by school. */
  canteen: 2,
  carrier: 3,
  /** The outside: top-ups come from it, refunds go to it. */
  funding: 4,
  /** By district. */
  entitlementFund: 5,
  services: 6,
  adjustments: 7,
} as const;
export type OwnerKind = (typeof Owner)[keyof typeof Owner];

const two32 = 2 ** 32;
const two40 = 2 ** 40;

export function accountId(owner: OwnerKind, ownerId: number, purse = 0): number {
  return owner * two40 + purse * two32 + ownerId;
}

export function accountParts(account: number): { owner: number; purse: number; ownerId: number } {
  return {
    owner: Math.floor(account / two40),
    purse: Math.floor(account / two32) % 256,
    ownerId: account % two32,
  };
}
