import { OperatorError } from '../../workers/errors.ts';
import type { TapIdentity } from '../../workers/pool/messages.ts';
import { u32Max } from '../protocol/limits.ts';

/** Reads `READER:EPOCH:SEQ`. Throws TAP_INVALID. */
export function parseTapIdentity(text: string): TapIdentity {
  const match = /^(\d{1,10}):(\d{1,10}):(\d{1,10})$/.exec(text);
  const [readerId, bootEpoch, seq] = match?.slice(1).map(Number) ?? [];
  if (match === null || Math.max(readerId, bootEpoch, seq) > u32Max) {
    throw new OperatorError('TAP_INVALID', `"${text}" names no tap`, 'Give READER:EPOCH:SEQ, such as 17:1:204.', 2);
  }
  return { readerId, bootEpoch, seq };
}
