import type { TapRecords } from '../journal/tap-record.ts';
import { TapOffset } from '../journal/tap-record.ts';
import { applyOutcome, applyTap } from './apply.ts';
import type { JournaledOutcome } from './command-types.ts';
import { Code } from './codes.ts';
import { LedgerState } from './ledger-state.ts';
import type { AnswerWindow } from './state/answers.ts';
import { loadLedger, saveLedger, type SavedLedger } from './ledger-snapshot.ts';
import { judge } from './rules/judge.ts';
import { settle, writeAnswer } from './settle.ts';
import { TapCase } from './tap-case.ts';
import { readTransfers, type TransferRecords } from './transfers.ts';

/** What becomes of a tap of a batch: journaled as decided, answered again, or kept aside in quarantine. */
export const Fate = { decided: 0, repeated: 1, quarantined: 2 } as const;

/**
 * The state machine of one shard: accounts, cards, rules, first answers. It is pure: no clock, randomness, I/O or
 * environment. `decide` is state + tap → outcome; `applyTap`, `applyTransfers` and `applyCommand` change the state from an
 * outcome alone, and are what both deciding and replay go through, so that replay never decides.
 */
export class Ledger extends LedgerState {
  readonly #tap = new TapCase();

  /**
   * Decides the tap in `row`, writes its outcome into the record, applies it and adds what it moves to `transfers`.
   * `position` is the journal position that a decided or quarantined tap will have.
   */
  decide(records: TapRecords, row: number, position: number, transfers: TransferRecords): number {
    const tap = this.#tap;
    tap.load(records, row);
    records.setI64(row, TapOffset.position, position);
    records.setU16(row, TapOffset.shard, this.shard);
    const window = this.windowOf(tap.readerId, tap.bootEpoch);
    const answered = this.#answerAgain(records, row, tap, window);
    if (answered !== undefined) return answered;
    if (tap.isReaderForbidden) {
      records.setU32(row, TapOffset.rulesVersion, this.rules.version);
      writeAnswer(records, row, Code.readerForbidden, false, 0);
      this.applyTap(records, row);
      return Fate.quarantined;
    }
    tap.rules = this.rules.of(tap.schoolId);
    settle(this, tap, judge(tap, this), records, row, transfers);
    this.applyTap(records, row);
    return Fate.decided;
  }

  /** Takes a decided or quarantined tap's outcome into the state (not its transfers). */
  applyTap(records: TapRecords, row: number): void {
    applyTap(this, records, row);
  }

  /** Moves what a journal section of transfers says. */
  applyTransfers(bytes: Uint8Array): void {
    for (const transfer of readTransfers(bytes)) this.accounts.apply(transfer);
  }

  /** Takes a command's outcome into the state (not its transfers). */
  applyCommand(outcome: JournaledOutcome): void {
    applyOutcome(this, outcome);
  }

  /** The whole state as a snapshot's parts. */
  save(): SavedLedger {
    return saveLedger(this);
  }

  /** Throws RangeError for what another version of the ledger saved. */
  static load(shard: number, saved: { meta: unknown; columns: ReadonlyMap<string, Uint8Array> }): Ledger {
    const ledger = new Ledger(shard);
    loadLedger(ledger, saved);
    return ledger;
  }

  /** One identity, one decision: answers a repeat from memory; undefined for a tap not seen before. */
  #answerAgain(records: TapRecords, row: number, tap: TapCase, window: AnswerWindow): number | undefined {
    if (tap.bootEpoch === window.bootEpoch && tap.seq > window.lastSeq) return undefined;
    const place = tap.bootEpoch === window.bootEpoch ? window.find(tap.seq) : -1;
    if (place < 0) {
      if (tap.bootEpoch === window.bootEpoch && !window.isForgotten(tap.seq)) return undefined;
      writeAnswer(records, row, Code.settledBefore, false, 0);
      return Fate.repeated;
    }
    if (window.contentHash(place) !== tap.contentHash) {
      records.setU32(row, TapOffset.rulesVersion, this.rules.version);
      writeAnswer(records, row, Code.idConflict, false, 0);
      return Fate.quarantined;
    }
    writeAnswer(records, row, window.code(place), window.isBalanceShown(place), window.balanceKop(place));
    return Fate.repeated;
  }
}
