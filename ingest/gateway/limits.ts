import { creditTapsMax, rememberedIdentitiesMin } from '../protocol/limits.ts';
import { rememberedIdentitiesMax } from '../../workers/ledger/limits.ts';
import { batchCommandsMax, batchTapsMax } from '../../workers/shard/limits.ts';

/** Batches that wait for one shard, the one being filled included. Beyond them frames are answered ERR 8. */
export const batchesQueuedMax = 32;

/** A batch that the pool would not take (a crowd of commands before it) is sent again after this. */
export const decideAgainDelayMs = 20;

/** Frames of one reader, over all its connections, whose answers are due; also what an empty or a refused frame takes. */
export const framesInFlightMax = 2 * creditTapsMax;

/** OUTCOMEs of one reader that were taken in and are not done yet; beyond them ERR 8. */
export const outcomesWaitingMax = 1_024;

/** OUTCOMEs that are looked up and executed together. */
export const outcomesPerRoundMax = 1_024;

/** A round that failed (the journal could not be read, a crowd of commands) is done again after this. */
export const outcomeAgainDelayMs = 250;

/** What ERR 8 tells a reader to wait. */
export const retryAfterMs = 250;

/** Bytes of acks that may wait in one socket before it is closed: a reader that does not read. */
export const socketBufferBytesMax = 256 * 1024;

/** Signatures that are verified or wait to be at one time; further HELLOs are answered ERR 8. */
export const hellosPendingMax = 4_096;

/** A tap later than this when it comes in is flagged LATE. */
export const lateAfterMs = 5 * 60_000;

/** A tap further in the future than this after correction has a doubtful clock. */
export const futureMaxMs = 5 * 60_000;

/** Clock quality: A up to the first offset, B up to the second, D beyond. */
export const clockGoodMaxMs = 2_000;
export const clockFairMaxMs = 60_000;

/** HELLOs of one boot epoch whose offsets differ by more show that the reader's clock was moved in between. */
export const clockMovedMinMs = 60_000;

/** A tap made with an unset or a moved clock and older than this is dated by when it came in. */
export const unsetClockAgeMaxMs = 30 * 86_400_000;

/** How long a session token is good. */
export const sessionTokenLifeMs = 7 * 86_400_000;

/** Tokens whose check is remembered. */
export const sessionTokensCachedMax = 65_536;

/** How long an HTTP challenge may be answered, and how many challenges a HELLO without its nonce is tried against. */
export const challengeLifeMs = 30_000;
export const challengeTriesMax = 32;
export const challengeSharedMs = 50;

/** Bytes of refused frames, as text, that wait to be written to the quarantine; at the bound further ones are counted only. */
export const quarantineWaitingBytesMax = 4 * 1024 * 1024;

/** Bytes of refused frames kept in the quarantine file before it is begun anew. */
export const quarantineFileBytesMax = 16 * 1024 * 1024;

if (rememberedIdentitiesMax < rememberedIdentitiesMin || rememberedIdentitiesMax <= creditTapsMax) {
  throw new RangeError(
    'the ledger must remember what the protocol promises, and more than a reader may have in flight',
  );
}
if (creditTapsMax > batchTapsMax) throw new RangeError("a reader's whole credit must fit into one batch");
if (outcomesPerRoundMax > batchCommandsMax)
  throw new RangeError('a round of OUTCOMEs must fit into one batch of commands');
