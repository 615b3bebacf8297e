import { accountId, Owner, TransferCause } from '../journal/transfer-record.ts';
import type { TapRecords } from '../journal/tap-record.ts';
import { Present, TapOffset } from '../journal/tap-record.ts';
import { Accounts } from './accounts.ts';
import { AnswerWindow } from './answers.ts';
import { Cards } from './cards.ts';
import { Code, isAccepted } from './codes.ts';
import type { CommandOutcome, ToppedUp } from './commands.ts';
import { bytesOf, column } from './growable.ts';
import { Kind, ReaderFlag, TapFlag } from './kinds.ts';
import { Pupils } from './pupils.ts';
import { RecentTaps } from './recent.ts';
import { judge, type Sale, saleOf } from './rules.ts';
import { TapCase } from './tap-case.ts';
import { loadTopUps, saveTopUps } from './top-ups.ts';
import type { TransferRecords } from './transfers.ts';
import { type Transfer, transferIdOf, readTransfers } from './transfers.ts';

/** What becomes of a tap of a batch: journaled as decided, answered again, or kept aside in quarantine. */
export const Fate = { decided: 0, repeated: 1, quarantined: 2 } as const;

const rulesVersion = 1;
const balanceShownMaxKop = 2 ** 31 - 1;

interface Meta {
  registryChange: number;
  accounts: ReturnType<Accounts['toJSON']>;
}

/**
 * The state machine of one shard: accounts, cards, first answers. It is pure: no clock, randomness, I/O or environment.
 * `decide` is state + tap → outcome; `applyTap`, `applyTransfers` and `applyCommand` change the state from an outcome
 * alone, and are what both deciding and replay go through, so that replay never decides.
 */
export class Ledger {
  readonly shard: number;
  readonly pupils = new Pupils();
  readonly cards = new Cards();
  readonly recent = new RecentTaps();
  readonly accounts = new Accounts(this.pupils);
  readonly windows = new Map<number, AnswerWindow>();
  readonly toppedUp = new Map<string, ToppedUp>();
  /** The registry's feed is applied up to here. */
  registryChange = 0;
  readonly #tap = new TapCase();

  constructor(shard: number) {
    this.shard = shard;
  }

  get nextTransferId(): number {
    return transferIdOf(this.shard, this.accounts.transferCount + 1);
  }

  /**
   * Decides the tap in `row`, writes its outcome into the record, applies it and adds what it moves to `transfers`.
   * `position` is the journal position that a decided or quarantined tap will have.
   */
  decide(records: TapRecords, row: number, position: number, transfers: TransferRecords): number {
    const tap = this.#tap;
    tap.load(records, row);
    records.setI64(row, TapOffset.position, position);
    records.setU16(row, TapOffset.shard, this.shard);
    records.setU32(row, TapOffset.rulesVersion, rulesVersion);
    const window = this.#windowOf(tap.readerId, tap.bootEpoch);
    const answered = this.#answerAgain(records, row, tap, window);
    if (answered !== undefined) return answered;
    if (tap.isReaderForbidden) {
      this.#writeAnswer(records, row, Code.readerForbidden, false, 0);
      this.applyTap(records, row);
      return Fate.quarantined;
    }
    this.#settle(records, row, tap, judge(tap, this), transfers);
    this.applyTap(records, row);
    return Fate.decided;
  }

  /** Takes a decided or quarantined tap's outcome into the state (not its transfers). */
  applyTap(records: TapRecords, row: number): void {
    const code = records.getU8(row, TapOffset.code);
    if (code === Code.idConflict) return;
    const readerId = records.getU32(row, TapOffset.readerId);
    const window = this.#windowOf(readerId, records.getU32(row, TapOffset.bootEpoch));
    const isShown = (records.getU8(row, TapOffset.present) & Present.balanceShown) !== 0;
    window.push(
      records.getU32(row, TapOffset.seq),
      records.getU32(row, TapOffset.contentHash),
      code,
      isShown,
      isShown ? records.getI64(row, TapOffset.balanceKop) : 0,
    );
    const reachedItsKindsRules = isAccepted(code) || (code > Code.holderInactive && code < Code.settledBefore);
    if (!reachedItsKindsRules) return;
    const kind = records.getU8(row, TapOffset.kind);
    const at = records.getI64(row, TapOffset.at);
    const amountKop = records.getI64(row, TapOffset.amountKop);
    const readerFlags = records.getU8(row, TapOffset.readerFlags);
    const wasRefused = (readerFlags & ReaderFlag.refused) !== 0 || !isAccepted(code);
    const wentThrough = (readerFlags & ReaderFlag.letThrough) !== 0 || !wasRefused;
    this.recent.remember(records.getU32(row, TapOffset.cardId), kind, readerId, at, amountKop, wentThrough);
  }

  /** Moves what a journal section of transfers says. */
  applyTransfers(bytes: Uint8Array): void {
    for (const transfer of readTransfers(bytes)) this.accounts.apply(transfer);
  }

  applyCommand(outcome: CommandOutcome): void {
    switch (outcome.type) {
      case 'holder':
        this.pupils.set(outcome);
        break;
      case 'card':
        this.cards.set(outcome);
        break;
      case 'toppedUp':
        this.toppedUp.set(outcome.key, outcome);
        return;
      case 'feed':
        break;
    }
    this.registryChange = outcome.change;
  }

  /** The whole state as a snapshot's parts. */
  save(): { meta: Meta; columns: Map<string, Uint8Array> } {
    const columns = new Map<string, Uint8Array>();
    this.pupils.save(columns);
    this.cards.save(columns);
    this.recent.save(columns);
    const index: number[] = [];
    const words: Int32Array[] = [];
    for (const [readerId, window] of this.windows) {
      index.push(readerId, window.bootEpoch, window.count);
      words.push(window.toWords());
    }
    columns.set('answer.index', bytesOf(Float64Array.from(index)));
    columns.set('answer.words', concatenated(words));
    saveTopUps(this.toppedUp, columns);
    return { meta: { registryChange: this.registryChange, accounts: this.accounts.toJSON() }, columns };
  }

  static load(shard: number, saved: { meta: unknown; columns: ReadonlyMap<string, Uint8Array> }): Ledger {
    const ledger = new Ledger(shard);
    const meta = saved.meta as Meta;
    ledger.registryChange = meta.registryChange;
    ledger.accounts.load(meta.accounts);
    ledger.pupils.load(saved.columns);
    ledger.cards.load(saved.columns);
    ledger.recent.load(saved.columns);
    const index = column(saved.columns, 'answer.index', Float64Array);
    const words = column(saved.columns, 'answer.words', Int32Array);
    let offset = 0;
    for (let entry = 0; entry < index.length; entry += 3) {
      const end = offset + index[entry + 2] * 4;
      ledger.windows.set(index[entry], AnswerWindow.fromWords(index[entry + 1], words.subarray(offset, end)));
      offset = end;
    }
    loadTopUps(saved.columns, ledger.toppedUp);
    return ledger;
  }

  #windowOf(readerId: number, bootEpoch: number): AnswerWindow {
    let window = this.windows.get(readerId);
    if (window === undefined) {
      window = new AnswerWindow(bootEpoch);
      this.windows.set(readerId, window);
    } else if (bootEpoch > window.bootEpoch) {
      window.reset(bootEpoch);
    }
    return window;
  }

  /** One identity, one decision: answers a repeat from memory; undefined for a tap not seen before. */
  #answerAgain(records: TapRecords, row: number, tap: TapCase, window: AnswerWindow): number | undefined {
    if (tap.bootEpoch === window.bootEpoch && tap.seq > window.lastSeq) return undefined;
    const place = tap.bootEpoch === window.bootEpoch ? window.find(tap.seq) : -1;
    if (place < 0) {
      if (tap.bootEpoch === window.bootEpoch && !window.isForgotten(tap.seq)) return undefined;
      this.#writeAnswer(records, row, Code.settledBefore, false, 0);
      return Fate.repeated;
    }
    if (window.contentHash(place) !== tap.contentHash) {
      this.#writeAnswer(records, row, Code.idConflict, false, 0);
      return Fate.quarantined;
    }
    this.#writeAnswer(records, row, window.code(place), window.isBalanceShown(place), window.balanceKop(place));
    return Fate.repeated;
  }

  /** Puts the rules' code and the reader's deed together: what moves, which flags stay, what may be shown. */
  #settle(records: TapRecords, row: number, tap: TapCase, code: number, transfers: TransferRecords): void {
    const accepted = isAccepted(code);
    const isBounce = code === Code.bounce;
    const moves = !isBounce && (tap.isDone || (accepted && !tap.isRefusedByReader));
    // An exit always opens: what the rules say of the card is kept, the deed stands.
    const opensAnyway = tap.kind === Kind.gateOut && code >= Code.cardUnknown && code <= Code.holderInactive;
    const isForced = (!isBounce && tap.isDone && !accepted) || (tap.isRefusedByReader && accepted) || opensAnyway;
    const flags = records.getU16(row, TapOffset.flags);
    records.setU16(row, TapOffset.flags, isForced ? flags | TapFlag.forced : flags & ~TapFlag.forced);
    const isKnown = tap.pupilRow >= 0;
    // The gateway's card index may be ahead of this shard: the row has to name the pupil who pays.
    if (isKnown) records.setU32(row, TapOffset.pupilId, this.pupils.id(tap.pupilRow));
    records.setU32(row, TapOffset.homeSchoolId, isKnown ? this.pupils.schoolId(tap.pupilRow) : 0);
    records.setU32(row, TapOffset.classId, isKnown ? this.pupils.classId(tap.pupilRow) : 0);
    const sale = isKnown ? saleOf(tap.kind) : undefined;
    const debitedKop = moves && sale !== undefined ? tap.amountKop : 0;
    records.setU8(row, TapOffset.purse, sale?.purse ?? 0);
    records.setI64(row, TapOffset.debitedKop, debitedKop);
    if (debitedKop > 0) this.#debit(records, row, tap, sale!, transfers);
    const balanceKop = sale === undefined ? 0 : this.pupils.balanceKop(tap.pupilRow, sale.purse);
    const isShown = sale !== undefined && code === Code.accepted && Math.abs(balanceKop) <= balanceShownMaxKop;
    this.#writeAnswer(records, row, code, isShown, balanceKop);
  }

  #debit(records: TapRecords, row: number, tap: TapCase, sale: Sale, transfers: TransferRecords): void {
    const pupilId = this.pupils.id(tap.pupilRow);
    const transfer: Transfer = {
      transferId: this.nextTransferId,
      causePosition: records.getI64(row, TapOffset.position),
      debitAccount: accountId(Owner.pupil, pupilId, sale.purse),
      creditAccount: accountId(sale.seller, tap.schoolId),
      kop: tap.amountKop,
      at: tap.at,
      reverses: 0,
      pupilId,
      schoolId: tap.schoolId,
      shard: this.shard,
      schoolDay: tap.schoolDay,
      cause: TransferCause.tap,
      purse: sale.purse,
    };
    transfers.append(transfer);
    this.accounts.apply(transfer);
  }

  #writeAnswer(records: TapRecords, row: number, code: number, isShown: boolean, balanceKop: number): void {
    records.setU8(row, TapOffset.code, code);
    const present = records.getU8(row, TapOffset.present);
    records.setU8(row, TapOffset.present, isShown ? present | Present.balanceShown : present & ~Present.balanceShown);
    records.setI64(row, TapOffset.balanceKop, balanceKop);
  }
}

function concatenated(parts: readonly Int32Array[]): Uint8Array {
  const all = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return bytesOf(all);
}
