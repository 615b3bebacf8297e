import assert from 'node:assert/strict';

/** The version that HELLO names. */
export const protocolVersion = 1;

/** Told by WELCOME: taps in one TAPS frame, bytes of one frame, taps sent and not yet acknowledged. */
export const tapsPerFrameMax = 512;
export const frameBytesMax = 32_768;
export const creditTapsMax = 4_096;

/** Above this the transport closes the connection without a word; from `frameBytesMax` to here a frame gets ERR 7. */
export const payloadBytesMax = 65_536;

/** Identities of one reader whose first answer is repeated; an older repeat gets code 70. */
export const rememberedIdentitiesMin = 8_192;

/** So many malformed frames in a row close the connection. */
export const malformedInRowMax = 3;

/** Arrays within arrays, the message itself counted. */
export const nestingDepthMax = 4;

export const helloTimeoutMs = 10_000;
export const idleTimeoutMs = 60_000;
export const beatIntervalMs = 30_000;

export const u32Max = 0xffff_ffff;
export const seqMax = u32Max;
export const amountKopMax = 1_000_000_000;
export const firmwareBytesMax = 32;
export const nonceBytes = 32;
export const signatureBytes = 64;

/** A UID has one of these sizes; a column of UIDs reserves the largest for each. */
export const uidBytesAllowed: readonly number[] = [4, 7, 10];
export const uidBytesMax = 10;

/** A tap with every number at its widest (9 bytes), a bin with a 32-bit length and one byte of array header. */
export const tapBytesMax = 1 + (5 + uidBytesMax) + 5 * 9;

/** A TAPS frame around its taps: two array headers, type, firstSeq and baseMs at their widest. */
const tapsFrameOverheadBytesMax = 5 + 9 + 9 + 9 + 5;

assert(rememberedIdentitiesMin > creditTapsMax, 'everything that may be sent again is remembered');
assert(creditTapsMax >= tapsPerFrameMax, 'credit covers a full frame');
assert(tapsFrameOverheadBytesMax + tapsPerFrameMax * tapBytesMax <= frameBytesMax, 'a full frame fits at any width');
assert(payloadBytesMax > frameBytesMax, 'an oversize frame can still be answered');
assert(2 * beatIntervalMs <= idleTimeoutMs, 'one lost beat does not close a connection');
assert(helloTimeoutMs < idleTimeoutMs, 'a silent newcomer leaves before an idle reader');
