import type { Cards } from '../state/cards.ts';
import type { PupilDays } from '../state/pupil-days.ts';
import type { PupilSettings } from '../state/pupil-settings.ts';
import type { Pupils } from '../state/pupils.ts';
import type { Presence } from '../state/presence.ts';
import type { RecentTaps } from '../state/recent.ts';
import type { Reservations } from '../state/reservations.ts';
import type { Rides } from '../state/rides.ts';
import type { TapCase } from '../tap-case.ts';

/** What the rules look at beside the tap. They read; only the ledger writes. */
export interface RuleContext {
  readonly pupils: Pupils;
  readonly cards: Cards;
  readonly recent: RecentTaps;
  readonly days: PupilDays;
  readonly presence: Presence;
  readonly rides: Rides;
  readonly settings: PupilSettings;
  readonly reservations: Reservations;
}

/** One rule, with the name that `RULES.md` and `explain` give it. */
export interface Rule {
  readonly name: string;
  /** A code that ends the judgement, or 0 to let the next rule speak. May note what it found in the tap's case. */
  readonly judge: (tap: TapCase, context: RuleContext) => number;
  /** What the rule looks at, for a person; asked before `judge`. */
  readonly look: (tap: TapCase, context: RuleContext) => Record<string, unknown>;
}
