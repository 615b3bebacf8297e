import { decisionCodes } from '../../workers/ledger/codes.ts';
import { Kind, kindNames, ReaderFlag, TapFlag } from '../../workers/ledger/kinds.ts';
import { protocolVersion } from './limits.ts';

export { Code, decisionCodes, isAccepted, type DecisionCode } from '../../workers/ledger/codes.ts';
export { Kind, kindBit, kindNames, ReaderFlag, TapFlag, type KindName } from '../../workers/ledger/kinds.ts';

/**
 * One ERR code. `fatal`: the server closes the connection after it. `httpStatus` is null where HTTP knows no such case.
 * `readerShows` is for the people at the reader, `readerDoes` for its firmware.
 */
export interface ErrorCodeRow {
  readonly code: number;
  readonly name: string;
  readonly meaning: string;
  readonly fatal: boolean;
  readonly httpStatus: number | null;
  readonly readerShows: string;
  readonly readerDoes: string;
}

function row(
  code: number,
  name: string,
  meaning: string,
  [fatal, httpStatus]: [fatal: boolean, httpStatus: number | null],
  readerShows: string,
  readerDoes: string,
): ErrorCodeRow {
  return { code, name, meaning, fatal, httpStatus, readerShows, readerDoes };
}

/** The one registry of ERR codes. Numbers are never reused; the README's table and `codes.json` are held to it. */
export const errorCodes: readonly ErrorCodeRow[] = [
  row(
    1,
    'MALFORMED',
    'the frame breaks the contract; `offset` is the byte; the third in a row is fatal',
    [false, 400],
    'service lamp',
    'keep the taps, log the offset, do not send the same bytes again',
  ),
  row(2, 'VERSION', 'this protocol version is not spoken', [true, 400], 'service lamp', 'update the firmware'),
  row(
    3,
    'UNAUTHENTIC',
    'bad signature or session token',
    [true, 401],
    'service lamp',
    'say HELLO again with a fresh challenge; check the key',
  ),
  row(
    4,
    'READER_UNKNOWN',
    'the reader is unknown or revoked',
    [true, 403],
    'service lamp',
    'keep the taps, try again once an hour',
  ),
  row(
    5,
    'GAP',
    'the first seq lies above the next expected one, which the message names; nothing was applied',
    [false, 409],
    'nothing',
    'send again from the expected seq',
  ),
  row(
    6,
    'CREDIT_EXCEEDED',
    'more taps unacknowledged than the credit allows',
    [true, 429],
    'nothing',
    'reconnect, then wait for acknowledgements',
  ),
  row(
    7,
    'FRAME_TOO_LARGE',
    'more bytes or taps in a frame than WELCOME allows',
    [true, 413],
    'nothing',
    'reconnect, send smaller frames',
  ),
  row(
    8,
    'NOT_NOW',
    'overload or a full disk; the frame was not applied',
    [false, 503],
    'nothing; decide locally',
    'wait `retryMs`, send again from the first unacknowledged seq',
  ),
  row(
    9,
    'SUPERSEDED',
    'a newer connection of the same reader took over',
    [true, null],
    'nothing',
    'close; the newer connection goes on',
  ),
  row(10, 'HELLO_MISSING', 'the first message was not HELLO', [true, 401], 'nothing', 'say HELLO first'),
  row(
    11,
    'EPOCH_OLD',
    'the boot epoch is older than the known one, which the message names',
    [true, 409],
    'service lamp',
    'raise bootEpoch above the known one, number the queue again from 1',
  ),
];

/** ERR codes by name. */
export const ErrorCode = {
  malformed: 1,
  version: 2,
  unauthentic: 3,
  readerUnknown: 4,
  gap: 5,
  creditExceeded: 6,
  frameTooLarge: 7,
  notNow: 8,
  superseded: 9,
  helloMissing: 10,
  epochOld: 11,
} as const;

/** The row of an ERR code; undefined for a number that is not in the registry. */
export function errorCodeRow(code: number): ErrorCodeRow | undefined {
  return errorCodes.find((candidate) => candidate.code === code);
}

/** The body of `GET /protocol/codes.json`. */
export function codesDocument() {
  return {
    protocolVersion,
    decisions: decisionCodes,
    errors: errorCodes,
    kinds: kindNames.map((name, place) => ({ kind: place + 1, name })),
    readerFlags: ReaderFlag,
    tapFlags: TapFlag,
  };
}

// `kindNames` counts from kind 1 without a hole.
if (Object.values(Kind).some((kind, place) => kind !== place + 1)) throw new Error('kinds are numbered from 1');
