import { accountParts, Owner } from '../../journal/transfer-record.ts';
import type { Transfer } from '../transfers.ts';
import type { Pupils } from './pupils.ts';
import { RecentTransfers } from './recent-transfers.ts';

/**
 * Balances of every account of a shard. A pupil's purses lie in the pupil's row; what the shard holds of operators'
 * takings and of the funding side are few, and lie in a map. Balances change by transfers only, so their sum stays zero.
 */
export class Accounts {
  readonly #pupils: Pupils;
  readonly recent = new RecentTransfers();
  #others = new Map<number, number>();
  /** Transfers made so far; the next has this number plus one. */
  transferCount = 0;

  constructor(pupils: Pupils) {
    this.#pupils = pupils;
  }

  /** Moves the kopecks of a transfer. Both the deciding and the replay go through here. */
  apply(transfer: Transfer): void {
    this.#add(transfer.debitAccount, -transfer.kop);
    this.#add(transfer.creditAccount, transfer.kop);
    this.transferCount += 1;
    this.recent.note(transfer);
  }

  /** Sum over all accounts, kopecks: zero, or the ledger is wrong. */
  sumKop(): number {
    let sum = 0;
    for (let row = 0; row < this.#pupils.count; row++) {
      for (let purse = 1; purse <= 4; purse++) sum += this.#pupils.balanceKop(row, purse);
    }
    for (const kop of this.#others.values()) sum += kop;
    return sum;
  }

  /** Every account with a balance other than zero, as [account id, kopecks]. */
  *balances(pupilAccount: (pupilId: number, purse: number) => number): Generator<[number, number]> {
    for (let row = 0; row < this.#pupils.count; row++) {
      for (let purse = 1; purse <= 4; purse++) {
        const kop = this.#pupils.balanceKop(row, purse);
        if (kop !== 0) yield [pupilAccount(this.#pupils.id(row), purse), kop];
      }
    }
    for (const entry of this.#others) if (entry[1] !== 0) yield entry;
  }

  toJSON(): { transferCount: number; others: [number, number][] } {
    return { transferCount: this.transferCount, others: [...this.#others] };
  }

  load(saved: { transferCount: number; others: [number, number][] }): void {
    this.transferCount = saved.transferCount;
    this.#others = new Map(saved.others);
  }

  #add(account: number, kop: number): void {
    const { owner, purse, ownerId } = accountParts(account);
    if (owner !== Owner.pupil) {
      this.#others.set(account, (this.#others.get(account) ?? 0) + kop);
      return;
    }
    const row = this.#pupils.row(ownerId);
    if (row < 0) throw new Error(`a transfer names pupil ${ownerId}, whom this shard does not know`);
    this.#pupils.addKop(row, purse, kop);
  }
}
