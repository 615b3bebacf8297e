import { OperatorError } from '../../workers/errors.ts';
import type { Refusal } from '../../workers/ledger/command-types.ts';
import { idempotencyKeyBytesMax, purseBalanceMaxKop } from '../../workers/ledger/limits.ts';

/** What each refusal of the ledger means, and what to do about it. */
export const refusals: Readonly<Record<Refusal, { readonly message: string; readonly remedy: string }>> = {
  PUPIL_UNKNOWN: { message: 'there is no such pupil', remedy: 'Check the pupil id, or import pupils.csv.' },
  PURSE_UNKNOWN: { message: 'there is no such purse', remedy: 'Name meal, buffet, transport or services.' },
  PURSE_SAME: { message: 'both purses are the same', remedy: 'Name two purses.' },
  AMOUNT_INVALID: { message: 'this amount cannot be moved', remedy: 'Give whole kopecks, 1 to 1000000000.' },
  BALANCE_TOO_LARGE: {
    message: `the purse would hold more than ${purseBalanceMaxKop} kopecks`,
    remedy: 'Give less, or another purse.',
  },
  FUNDS_INSUFFICIENT: { message: 'the purse does not hold that much', remedy: 'See "tapline account", and take less.' },
  NOTHING_MOVED: { message: 'the tap moved no money', remedy: 'Check the tap with "tapline explain".' },
  REVERSED_BEFORE: { message: 'what the tap moved was taken back before', remedy: 'Nothing is left to do.' },
  SETTLED_BEFORE: { message: 'an outcome of the tap was taken before', remedy: 'Nothing is left to do.' },
  DAY_CLOSED: { message: 'the day was closed before', remedy: 'What came later is booked as after its close.' },
  DAY_TOO_OLD: { message: 'the day is too long ago to be closed', remedy: 'Ask ClickHouse about it: "tapline sql".' },
  RESERVATION_INVALID: { message: 'the reservation ends before it begins', remedy: 'Give --to later than --from.' },
  LIST_FULL: { message: 'the pupil has as many of these as are kept', remedy: 'Take back one that is not needed.' },
  KEY_INVALID: {
    message: 'the key cannot be kept',
    remedy: `Give 1 to ${idempotencyKeyBytesMax} bytes of whole characters.`,
  },
  KEY_CONFLICT: { message: 'the key was used for something else', remedy: 'Give each operation a key of its own.' },
  KEYS_FULL: { message: 'the shard can remember no further key', remedy: 'Divide the region into more shards.' },
};

export function refusalError(refusal: Refusal): OperatorError {
  const { message, remedy } = refusals[refusal];
  return new OperatorError(refusal, message, remedy, 1);
}
