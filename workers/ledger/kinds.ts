/** Kinds of tap, as a reader sends them (protocol version 1). */
export const Kind = {
  gateIn: 1,
  gateOut: 2,
  meal: 3,
  buffet: 4,
  lockerOpen: 5,
  lockerClose: 6,
  fare: 7,
} as const;

/** Names of the kinds as people write them, in files and on the command line; the position is the kind's number less one. */
export const kindNames = ['gate-in', 'gate-out', 'meal', 'buffet', 'locker-open', 'locker-close', 'fare'] as const;
export type KindName = (typeof kindNames)[number];

/** The bit of a kind in a mask of kinds that a reader may take. */
export function kindBit(kind: number): number {
  return 1 << kind;
}

/** Bits that the reader sets in a tap's `flags`. */
export const ReaderFlag = {
  /** The reader already let it through, offline: a deed. */
  letThrough: 1,
  /** The reader already refused it, offline. */
  refused: 2,
  /** The reader's clock was not set. */
  clockUnset: 4,
  /** Entered by hand. */
  byHand: 8,
} as const;

/** Flags kept with a decided tap (`rules.md` of the contract; published in `ingest/protocol/README.md`). */
export const TapFlag = {
  offline: 1 << 0,
  late: 1 << 1,
  clockCorrected: 1 << 2,
  clockDoubtful: 1 << 3,
  passback: 1 << 4,
  wrongPlace: 1 << 5,
  overLimit: 1 << 6,
  staleRules: 1 << 7,
  manual: 1 << 8,
  forced: 1 << 9,
} as const;

/** Quality of the reader's clock when the tap was made: A within 2 s, B within 60 s, D doubtful. */
export const ClockQuality = { A: 1, B: 2, D: 3 } as const;

/** Purses of a pupil. 0 stands for "no purse was touched". */
export const Purse = { none: 0, meal: 1, buffet: 2, transport: 3, services: 4 } as const;
export const purseNames = ['meal', 'buffet', 'transport', 'services'] as const;
export type PurseName = (typeof purseNames)[number];

/** The `basis` of a fare: which price it had. A meal's basis is the number of the window whose entitlement paid. */
export const FareBasis = { full: 1, reduced: 2, transfer: 3 } as const;

/**
 * What a decided tap is to the pupil's parent: nothing; news; known already by what was told since (a late tap); or another
 * arrival or departure of a school day than was told (a late tap).
 */
export const NoticeKind = { none: 0, news: 1, suppressed: 2, correction: 3 } as const;
