import { RuleBook } from './rules/rule-book.ts';
import { Accounts } from './state/accounts.ts';
import { AnswerWindow } from './state/answers.ts';
import { Cards } from './state/cards.ts';
import { DayBook } from './state/day-book.ts';
import { DoneBefore } from './state/done-before.ts';
import { Presence } from './state/presence.ts';
import { PupilDays } from './state/pupil-days.ts';
import { PupilSettings } from './state/pupil-settings.ts';
import { Pupils } from './state/pupils.ts';
import { RecentTaps } from './state/recent.ts';
import { Reservations } from './state/reservations.ts';
import { Rides } from './state/rides.ts';
import { transferIdOf } from './transfers.ts';

/** Everything that a shard's ledger remembers. Only outcomes change it (`apply.ts`, `Accounts.apply`). */
export class LedgerState {
  readonly shard: number;
  readonly rules = new RuleBook();
  readonly pupils = new Pupils();
  readonly cards = new Cards();
  readonly recent = new RecentTaps();
  readonly days = new PupilDays();
  readonly presence = new Presence();
  readonly rides = new Rides();
  readonly settings = new PupilSettings();
  readonly reservations = new Reservations();
  readonly doneBefore = new DoneBefore();
  readonly book = new DayBook();
  readonly accounts = new Accounts(this.pupils);
  readonly windows = new Map<number, AnswerWindow>();
  /** The registry's feed is applied up to here. */
  registryChange = 0;

  constructor(shard: number) {
    this.shard = shard;
  }

  get nextTransferId(): number {
    return transferIdOf(this.shard, this.accounts.transferCount + 1);
  }

  /** The answers of a reader; a newer boot epoch begins them anew. */
  windowOf(readerId: number, bootEpoch: number): AnswerWindow {
    let window = this.windows.get(readerId);
    if (window === undefined) {
      window = new AnswerWindow(bootEpoch);
      this.windows.set(readerId, window);
    } else if (bootEpoch > window.bootEpoch) {
      window.reset(bootEpoch);
    }
    return window;
  }
}
