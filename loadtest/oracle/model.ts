export type OraclePurse = 'meal' | 'buffet' | 'transport';

/** A pupil as the oracle knows it when a day begins. */
export interface OraclePupil {
  readonly pupilId: number;
  readonly schoolId: number;
  readonly shift: number;
  readonly entitled: boolean;
  readonly active: boolean;
  readonly blocked: boolean;
  /** The card's last day, YYYY-MM-DD; null for no end. */
  readonly expires: string | null;
  /** Opening balances, kopecks. */
  readonly purses: Readonly<Record<OraclePurse, number>>;
  /** Limits of its own by purse; null for none at all. */
  readonly limitsKop: Readonly<Partial<Record<OraclePurse, number | null>>>;
  readonly forbidden: readonly number[];
  readonly reservations: readonly Reservation[];
}

/** UTC milliseconds, `toMs` not included. */
export interface Reservation {
  readonly schoolId: number;
  readonly locker: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Bits of a reader's flags. */
export const flag = { letThrough: 1, refused: 2, clockUnset: 4, byHand: 8 } as const;

/** One tap as the service takes it in: its time corrected, in the zone of the reader's school. */
export interface OracleTap {
  readonly readerId: number;
  /** The reader's school. */
  readonly schoolId: number;
  /** Null for a card that nobody in the district holds. */
  readonly pupil: OraclePupil | null;
  readonly kind: number;
  readonly atMs: number;
  /** What the reader's clock showed, and since which boot epoch; left out, the same and one. */
  readonly rawMs?: number;
  readonly bootEpoch?: number;
  /** YYYY-MM-DD. */
  readonly day: string;
  /** After local midnight. */
  readonly minute: number;
  readonly amountKop: number;
  readonly ref: number;
  readonly flags: number;
  /** The reader's clock is worth nothing (quality D). */
  readonly doubtful: boolean;
}

/** What the rules say, before anybody asks what the reader has done already. */
export interface Judgement {
  readonly code: number;
  /** Who pays if it goes through; null where nobody does. */
  readonly payer: OraclePurse | null;
  readonly priceKop: number;
  /** The window whose entitlement is taken, at code 11. */
  readonly window: number | null;
  readonly reduced: boolean;
}

export type VerdictFlag = 'PASSBACK' | 'WRONG_PLACE' | 'OVER_LIMIT' | 'FORCED';

/** What became of a tap. */
export interface Verdict {
  readonly tap: OracleTap;
  readonly judgement: Judgement;
  readonly code: number;
  readonly flags: readonly VerdictFlag[];
  /** The purse that paid; null where none did. */
  readonly purse: OraclePurse | null;
  /** Left the pupil's purse, kopecks. */
  readonly debitedKop: number;
  /** Left the district's entitlement fund, kopecks. */
  readonly entitledKop: number;
  /** The child passed, ate, or rode. */
  readonly wentThrough: boolean;
}

/** Codes that let the child through or sell the meal. */
export function isAccepted(code: number): boolean {
  return code >= 10 && code < 40;
}
